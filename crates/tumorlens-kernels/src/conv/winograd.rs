//! Convolution by tiles of F(4x4, 3x3): a quarter of the products of the plain loop, for kernels of 3x3 and stride 1
//! (Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308).
//!
//! Every tile of 6x6 inputs is transformed ([`tiles`]), multiplied point by point with the transformed filters, which is
//! 36 products of matrices ([`product`]), and transformed back to 4x4 outputs. Rounding is larger than that of the plain
//! loop, by about one decimal place: the bound stands in `tests/winograd.rs`.

mod lines;
mod product;
mod scratch;
mod tiles;
mod weights;

pub(super) use weights::weight_gradient;

use super::{Conv, Packed, Start};
use crate::{Blocked, LANES, Lane, Shape, lanes};
use product::Product;
use rayon::prelude::*;
use scratch::Scratch;
use tiles::{Scatter, Tiling};

/// Points of a transformed tile.
pub(super) const POINTS: usize = 36;
/// Bytes of transformed input that stay in a core's second cache.
const CACHED: usize = 640 << 10;
/// Tiles whose products stay there beside it.
const CHUNK: usize = 48;

/// Outputs of a channel of one image from which on a network that judges uses them. Its filters are transformed once, but
/// read from memory for few images, and there are four times as many.
const PIXELS_JUDGED: usize = 256;
/// Tiles of a batch from which on they pay for filters transformed for this batch alone.
const TILES_TRAINED: usize = 48;
/// Tiles of a batch from which on they pay for sums of four times the size, cleared and transformed back.
const TILES_SUMMED: usize = 100;

impl Conv {
    /// Whether tiles give the outputs of this shape, for filters transformed once and for all. The number of images
    /// does not count: what is said of an image must not depend on its company.
    pub(super) fn judged_by_tiles(&self, output: Shape) -> bool {
        self.suits_tiles() && output.height * output.width >= PIXELS_JUDGED && tiles_of(output) > 0
    }

    /// Whether tiles pay for a batch of this shape.
    pub(super) fn trained_by_tiles(&self, output: Shape) -> bool {
        self.suits_tiles() && tiles_of(output) >= TILES_TRAINED
    }

    /// Whether tiles pay for the gradient of the filters over a batch of outputs of this shape.
    pub(super) fn summed_by_tiles(&self, output: Shape) -> bool {
        self.suits_tiles() && tiles_of(output) >= TILES_SUMMED
    }

    /// A kernel that they are for, and enough channels to make up for the transforms.
    fn suits_tiles(&self) -> bool {
        let few = self.inputs.min(self.outputs) < LANES;
        self.kernel == 3 && self.stride == 1 && self.padding <= 2 && !few
    }
}

/// Tiles that cover a batch; none where a tile is as large as the map, which then is mostly its border.
fn tiles_of(output: Shape) -> usize {
    if output.height.min(output.width) <= 4 {
        return 0;
    }
    output.images * Tiling::of(output).count()
}

/// Filters as the products read them, `[block written to][point][channel read from]`.
pub(super) fn transform(
    to: usize,
    from: usize,
    value: impl Fn(usize, usize, usize) -> f32 + Sync,
) -> Vec<Lane> {
    let padded = from.div_ceil(LANES) * LANES;
    let mut values = vec![Lane::ZERO; to.div_ceil(LANES) * POINTS * padded];
    let blocks = values.par_chunks_mut((POINTS * padded).max(1));
    blocks.enumerate().for_each(|(block, points)| {
        let lanes = (to - block * LANES).min(LANES);
        for channel in 0..from {
            let mut taps = [Lane::ZERO; 9];
            for lane in 0..lanes {
                for (tap, taps) in taps.iter_mut().enumerate() {
                    taps.0[lane] = value(block * LANES + lane, channel, tap);
                }
            }
            tiles::filter(&taps, &mut points[channel..], padded);
        }
    });
    values
}

/// What does not change from one group of images to the next.
struct Job<'a> {
    conv: Conv,
    input: &'a Blocked,
    weights: &'a Packed,
    start: Start<'a>,
    to: Shape,
    tiling: Tiling,
    after: &'a (dyn Fn(usize, usize, &mut [Lane]) + Sync),
}

/// The planes of a pair of blocks, one entry an image of a group.
type PairPlanes<'a> = Vec<&'a mut [Lane]>;

/// As [`super::forward`].
pub(super) fn forward(
    conv: Conv,
    input: &Blocked,
    weights: &Packed,
    start: Start<'_>,
    output: &mut Blocked,
    after: &(dyn Fn(usize, usize, &mut [Lane]) + Sync),
) {
    let to = output.shape();
    let job = Job {
        conv,
        input,
        weights,
        start,
        to,
        tiling: Tiling::of(to),
        after,
    };
    let image = to.blocks() * to.plane();
    let group = (job.capacity() / job.tiling.count()).max(1);
    let groups = output.values_mut().chunks_mut((group * image).max(1));
    // Enough groups for all threads: each goes its own way. Else the threads share the blocks of every group. A tile is
    // computed alike either way.
    if to.images.div_ceil(group) >= rayon::current_num_threads() {
        let groups: Vec<_> = groups.enumerate().collect();
        groups
            .into_par_iter()
            .for_each(|(index, planes)| job.group(index * group, planes, false));
    } else {
        for (index, planes) in groups.enumerate() {
            job.group(index * group, planes, true);
        }
    }
}

impl Job<'_> {
    /// Tiles whose transformed inputs are held at once: the more channels, the more it takes to pay for their weights.
    fn capacity(&self) -> usize {
        let tile = POINTS * size_of::<Lane>() * self.conv.inputs.div_ceil(LANES);
        (CACHED / tile).clamp(32, 2 * CHUNK)
    }

    /// Some whole images from `first` on; `planes` are all their output.
    fn group(&self, first: usize, planes: &mut [Lane], shared: bool) {
        let (plane, blocks) = (self.to.plane(), self.to.blocks());
        let images = planes.len() / (blocks * plane);
        let width = lanes::blocks_at_once();
        let mut pairs: Vec<PairPlanes<'_>> = Vec::new();
        pairs.resize_with(blocks.div_ceil(width), Vec::new);
        for image in planes.chunks_mut(blocks * plane) {
            for (pair, planes) in pairs.iter_mut().zip(image.chunks_mut(width * plane)) {
                pair.push(planes);
            }
        }
        let count = images * self.tiling.count();
        // Threads that share a strip have their caches together, and meet less often.
        let strips = count.div_ceil(self.capacity() << u32::from(shared));
        let begin = first * self.tiling.count();
        let sources = self.conv.inputs.div_ceil(LANES);
        let mut from = 0;
        for strip in 0..strips {
            let tiles = count / strips + usize::from(strip < count % strips);
            let stride = tiles | 1;
            scratch::INPUT.with(|scratch| {
                let mut taken = Scratch::take(scratch, sources * POINTS * stride);
                let points = taken.lanes();
                let gather = |(block, points): (usize, &mut [Lane])| {
                    let edge = self.input.shape().border - self.conv.padding;
                    let range = begin + from..begin + from + tiles;
                    tiles::input(self.input, block, edge, self.tiling, range, points, stride);
                };
                let parts = POINTS * stride;
                if shared {
                    points.par_chunks_mut(parts).enumerate().for_each(gather);
                } else {
                    points.chunks_mut(parts).enumerate().for_each(gather);
                }
                let strip = Strip {
                    first,
                    from,
                    tiles,
                    points,
                    stride,
                    last: from + tiles == count,
                };
                if shared {
                    let pairs = pairs.par_iter_mut().enumerate();
                    pairs.for_each(|(pair, planes)| self.pair(&strip, pair * width, planes));
                } else {
                    let pairs = pairs.iter_mut().enumerate();
                    pairs.for_each(|(pair, planes)| self.pair(&strip, pair * width, planes));
                }
            });
            from += tiles;
        }
    }

    /// One or two blocks of output channels over a strip of tiles.
    fn pair(&self, strip: &Strip<'_>, block: usize, planes: &mut PairPlanes<'_>) {
        let plane = self.to.plane();
        let Some(width) = planes.first().map(|planes| planes.len() / plane) else {
            return;
        };
        let padded = self.conv.inputs.div_ceil(LANES) * LANES;
        let filters = &self.weights.values()[block * POINTS * padded..];
        let chunks = strip.tiles.div_ceil(CHUNK);
        let mut done = 0;
        for chunk in 0..chunks {
            let tiles = strip.tiles / chunks + usize::from(chunk < strip.tiles % chunks);
            let stride = tiles | 1;
            scratch::PRODUCTS.with(|scratch| {
                let mut taken = Scratch::take(scratch, width * POINTS * stride);
                let products = taken.lanes();
                for point in 0..POINTS {
                    product::run(&mut Product {
                        inputs: &strip.points[point * strip.stride + done..],
                        input_block: POINTS * strip.stride,
                        filters: &filters[point * padded..],
                        filter_block: POINTS * padded,
                        channels: self.conv.inputs,
                        blocks: width,
                        tiles,
                        products: &mut products[point * stride..],
                        product_block: POINTS * stride,
                    });
                }
                for index in 0..width {
                    let products = &products[index * POINTS * stride..];
                    self.scatter(strip.from + done, tiles, block, index, products, planes);
                }
            });
            done += tiles;
        }
        if strip.last {
            for (image, planes) in planes.iter_mut().enumerate() {
                (self.after)(strip.first + image, block, planes);
            }
        }
    }

    /// Transforms products back and writes them, image by image. `from` is the first tile, counted within the group.
    fn scatter(
        &self,
        from: usize,
        tiles: usize,
        block: usize,
        index: usize,
        products: &[Lane],
        planes: &mut PairPlanes<'_>,
    ) {
        let (plane, an_image) = (self.to.plane(), self.tiling.count());
        let mut done = 0;
        while done < tiles {
            let (image, tile) = ((from + done) / an_image, (from + done) % an_image);
            let run = (an_image - tile).min(tiles - done);
            tiles::output(&mut Scatter {
                products: &products[done..],
                stride: tiles | 1,
                tiling: self.tiling,
                first: tile,
                tiles: run,
                to: self.to,
                bias: match self.start {
                    Start::Bias(bias) => Some(&bias[block + index]),
                    Start::Zero | Start::Output => None,
                },
                add: matches!(self.start, Start::Output),
                plane: &mut planes[image][index * plane..(index + 1) * plane],
            });
            done += run;
        }
    }
}

/// Transformed tiles of a group, `[block][point][tile]`.
struct Strip<'a> {
    /// First image of the group.
    first: usize,
    /// First tile, counted within the group.
    from: usize,
    tiles: usize,
    points: &'a [Lane],
    stride: usize,
    last: bool,
}
