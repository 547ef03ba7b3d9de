//! Convolution by tiles of F(4x4, 3x3): a quarter of the products of the plain loop, for kernels of 3x3 and stride 1
//! (Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308).
//!
//! Every tile of 6x6 inputs is transformed ([`tiles`]), multiplied point by point with the transformed filters, which is
//! 36 products of matrices ([`product`]), and transformed back to 4x4 outputs. Rounding is larger than that of the plain
//! loop, by about one decimal place: the bound stands in `tests/definitions/conv.rs`.

mod lines;
mod product;
mod tiles;
mod weights;

pub(super) use weights::weight_gradient;

use super::scratch::{self, Scratch};
use super::{Conv, Packed, Start};
use crate::{Blocked, LANES, Lane, Shape, lanes};
use product::Product;
use rayon::prelude::*;
use smallvec::SmallVec;
use std::ops::Range;
use tiles::{Scatter, Tiling};

/// Points of a transformed tile.
pub(super) const POINTS: usize = 36;
/// Bytes of transformed input that stay in a core's second cache.
const CACHED: usize = 640 << 10;
/// Tiles whose products stay there beside it.
const CHUNK: usize = 48;

/// Outputs of a channel of one image from which on a network that judges uses them. Its filters are transformed once, but
/// read from memory for few images, and there are four times as many. The slower the products, the sooner that pays; yet it
/// does not ask for the instruction set, which must not change a bit.
const PIXELS_JUDGED: usize = 144;

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

/// Where outputs go.
#[allow(
    clippy::large_enum_variant,
    reason = "one at a time on a thread's stack; the other way would be the heap"
)]
enum Target<'a> {
    /// All planes of some images, `[image][block]`; each is shown once it is done.
    Images {
        first: usize,
        planes: &'a mut [Lane],
    },
    /// The same rows of every plane of an image.
    Band(Band<'a>),
}

impl Target<'_> {
    /// What there is of a plane of so many pixels, and how many pixels of it come before that.
    fn plane(&mut self, image: usize, block: usize, to: Shape) -> (&mut [Lane], usize) {
        match self {
            Self::Images { first, planes } => {
                let index = (image - *first) * to.blocks() + block;
                (&mut planes[index * to.plane()..][..to.plane()], 0)
            }
            Self::Band(band) => (band.planes[block], band.skipped),
        }
    }
}

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
    let (blocks, plane) = (to.blocks(), to.plane());
    let (image, threads) = (blocks * plane, rayon::current_num_threads());
    let group = (job.capacity() / job.tiling.count()).max(1);
    // Enough groups for all threads: each goes its own way. Else the threads share the rows of every image. A tile is
    // computed alike either way.
    if to.images.div_ceil(group) >= threads {
        let groups = output.values_mut().par_chunks_mut((group * image).max(1));
        groups.enumerate().for_each(|(index, planes)| {
            let (first, count) = (index * group, planes.len() / image * job.tiling.count());
            let mut target = Target::Images { first, planes };
            job.tiles(first * job.tiling.count(), count, &mut target);
        });
        return;
    }
    let images = output.values_mut().par_chunks_mut(image).enumerate();
    images.for_each(|(image, planes)| {
        let band = Band {
            image,
            rows: 0..job.tiling.rows(),
            skipped: 0,
            planes: planes.chunks_mut(plane).collect(),
        };
        job.bands(band, threads);
    });
    let planes = output.values_mut().par_chunks_mut(plane).enumerate();
    planes.for_each(|(index, plane)| after(index / blocks, index % blocks, plane));
}

/// The same rows of every plane of an image.
struct Band<'a> {
    image: usize,
    /// Rows of tiles.
    rows: Range<usize>,
    /// Pixels of a plane before these.
    skipped: usize,
    /// Those rows of each plane.
    planes: SmallVec<[&'a mut [Lane]; 32]>,
}

impl Band<'_> {
    /// Cuts it before a row of tiles.
    fn split(self, row: usize, to: Shape) -> (Self, Self) {
        let until = to.at(row * tiles::SIDE, 0) - to.border;
        let planes = self.planes.into_iter();
        let (above, below) = planes
            .map(|plane| plane.split_at_mut(until - self.skipped))
            .unzip();
        let part = |rows, skipped, planes| Self {
            image: self.image,
            rows,
            skipped,
            planes,
        };
        (
            part(self.rows.start..row, self.skipped, above),
            part(row..self.rows.end, until, below),
        )
    }
}

impl Job<'_> {
    /// Tiles whose transformed inputs are held at once: the more channels, the more it takes to pay for their weights.
    fn capacity(&self) -> usize {
        let tile = POINTS * size_of::<Lane>() * self.conv.inputs.div_ceil(LANES);
        (CACHED / tile).clamp(32, 2 * CHUNK)
    }

    /// Rows of tiles of an image in as many parts, at most, as are wanted.
    fn bands(&self, band: Band<'_>, parts: usize) {
        let rows = band.rows.clone();
        let (first, others) = (parts / 2, parts - parts / 2);
        let middle = rows.start + rows.len() * first / parts;
        if middle == rows.start {
            let (begin, columns) = (band.image * self.tiling.count(), self.tiling.columns());
            let (begin, count) = (begin + rows.start * columns, rows.len() * columns);
            self.tiles(begin, count, &mut Target::Band(band));
            return;
        }
        let (above, below) = band.split(middle, self.to);
        rayon::join(|| self.bands(above, first), || self.bands(below, others));
    }

    /// Some tiles from `begin` on, counted over all images; the target holds all that they write.
    fn tiles(&self, begin: usize, count: usize, target: &mut Target<'_>) {
        let strips = count.div_ceil(self.capacity());
        let sources = self.conv.inputs.div_ceil(LANES);
        let width = lanes::blocks_at_once();
        let mut done = 0;
        for strip in 0..strips {
            let tiles = count / strips + usize::from(strip < count % strips);
            let (first, stride) = (begin + done, tiles | 1);
            done += tiles;
            scratch::INPUT.with(|scratch| {
                let mut taken = Scratch::take(scratch, sources * POINTS * stride);
                let points = taken.lanes();
                let edge = self.input.shape().border - self.conv.padding;
                for (block, points) in points.chunks_mut(POINTS * stride).enumerate() {
                    let range = first..first + tiles;
                    tiles::input(self.input, block, edge, self.tiling, range, points, stride);
                }
                let strip = Strip {
                    first,
                    tiles,
                    points,
                    stride,
                    last: done == count,
                };
                for block in (0..self.to.blocks()).step_by(width) {
                    let width = width.min(self.to.blocks() - block);
                    self.pair(&strip, block, width, target);
                }
            });
        }
    }

    /// One or two blocks of output channels over a strip of tiles.
    fn pair(&self, strip: &Strip<'_>, block: usize, width: usize, target: &mut Target<'_>) {
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
                    self.scatter(strip.first + done, tiles, block + index, products, target);
                }
            });
            done += tiles;
        }
        if strip.last
            && let Target::Images { first, planes } = target
        {
            let (blocks, plane) = (self.to.blocks(), self.to.plane());
            for (image, planes) in planes.chunks_mut(blocks * plane).enumerate() {
                let done = planes.chunks_mut(plane).enumerate().skip(block).take(width);
                done.for_each(|(block, plane)| (self.after)(*first + image, block, plane));
            }
        }
    }

    /// Transforms products back and writes them, image by image.
    fn scatter(
        &self,
        first: usize,
        tiles: usize,
        block: usize,
        products: &[Lane],
        target: &mut Target<'_>,
    ) {
        let an_image = self.tiling.count();
        let mut done = 0;
        while done < tiles {
            let (image, tile) = ((first + done) / an_image, (first + done) % an_image);
            let run = (an_image - tile).min(tiles - done);
            let (plane, skipped) = target.plane(image, block, self.to);
            tiles::output(&mut Scatter {
                products: &products[done..],
                stride: tiles | 1,
                tiling: self.tiling,
                first: tile,
                tiles: run,
                to: self.to,
                bias: match self.start {
                    Start::Bias(bias) => Some(&bias[block]),
                    Start::Zero | Start::Output => None,
                },
                add: matches!(self.start, Start::Output),
                skipped,
                plane,
            });
            done += run;
        }
    }
}

/// Transformed tiles, `[block][point][tile]`.
struct Strip<'a> {
    /// First tile, counted over all images.
    first: usize,
    tiles: usize,
    points: &'a [Lane],
    stride: usize,
    last: bool,
}
