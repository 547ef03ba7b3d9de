//! Convolutions forward and by their input.

use super::Bf16x32;
use super::finish::{Finish, finish};
use super::gather::{Phases, Rows};
use super::pack::{Form, Packed};
use super::product::{Product, Sums};
use super::scratch::Scratch;
use super::tiling::{Map, Tiling};
use super::unit::Ready;
use crate::conv::{After, Conv, Ending, Start};
use crate::{Blocked, LANES, Lane, Pixel, Shape};
use rayon::prelude::*;
use std::ops::Deref;

/// Bytes of a pixel.
const PIXEL: usize = size_of::<Bf16x32>();

/// One walk over the outputs of an image.
struct Pass {
    /// Bytes from the image's first to what each step reads for the first output.
    steps: Vec<usize>,
    /// Bytes from one pixel to the next.
    row: usize,
    tiling: Tiling,
}

/// A batch where it lies, or laid out anew.
enum Source<'a> {
    There(&'a [Bf16x32]),
    Anew(Scratch),
}

impl Deref for Source<'_> {
    type Target = [Bf16x32];

    fn deref(&self) -> &[Bf16x32] {
        match self {
            Self::There(values) => values,
            Self::Anew(values) => values,
        }
    }
}

/// What a convolution reads, image by image, and how.
struct Job<'a> {
    source: Source<'a>,
    /// Lines of an image.
    image: usize,
    passes: Vec<Pass>,
}

/// As [`crate::conv::forward`], on numbers of 16 bits.
///
/// # Panics
/// When shapes or weights do not fit each other.
pub fn forward(
    conv: Conv,
    input: &Blocked<Bf16x32>,
    weights: &Packed,
    ending: Ending<'_, Bf16x32>,
    output: &mut Blocked<Bf16x32>,
    after: &After<'_, Bf16x32>,
) {
    let (from, to) = (input.shape(), output.shape());
    conv.check(from, to);
    assert!(from.border >= conv.padding, "border of {from:?}");
    assert_eq!(weights.conv, conv, "packed weights");
    let ahead = weights.form != Form::Back;
    assert!(ahead, "weights packed for the gradient of the input");
    let job = if weights.form == Form::Rows {
        of_rows(conv, input, to)
    } else {
        of_blocks(conv, input, to)
    };
    run(&job, weights, ending, output, after);
}

fn of_rows(conv: Conv, input: &Blocked<Bf16x32>, to: Shape) -> Job<'static> {
    let rows = Rows::of(conv, input.shape());
    let chunks = (conv.kernel * conv.inputs).div_ceil(Bf16x32::CHANNELS);
    let places = (0..conv.kernel).flat_map(|ky| (0..chunks).map(move |chunk| (ky, chunk)));
    let step = |(ky, chunk): (usize, usize)| (ky * rows.row + chunk * Bf16x32::CHANNELS) * 2;
    let map = Map {
        height: to.height,
        width: to.width,
        step: conv.stride * conv.inputs * 2,
        pitch: conv.stride * rows.row * 2,
    };
    Job {
        source: Source::Anew(rows.lay(conv, input)),
        image: rows.image / Bf16x32::CHANNELS,
        passes: vec![Pass {
            steps: places.map(step).collect(),
            row: map.step,
            tiling: Tiling::new(map, |y, x| to.at(y, x)),
        }],
    }
}

fn of_blocks(conv: Conv, input: &Blocked<Bf16x32>, to: Shape) -> Job<'_> {
    let (from, taps) = (input.shape(), conv.taps());
    let (source, block, pitch, offsets): (_, _, _, Vec<usize>) = if conv.stride == 1 {
        let edge = from.border - conv.padding;
        let offset = |k: usize| (k / conv.kernel + edge) * from.row() + k % conv.kernel + edge;
        let offsets = (0..taps).map(offset).collect();
        (
            Source::There(input.values()),
            from.plane(),
            from.row(),
            offsets,
        )
    } else {
        let phases = Phases::of(conv, from);
        let offsets = (0..taps).map(|k| phases.offset(conv, k)).collect();
        let source = Source::Anew(phases.split(conv, input));
        (source, phases.block(), phases.columns, offsets)
    };
    let map = Map {
        height: to.height,
        width: to.width,
        step: PIXEL,
        pitch: pitch * PIXEL,
    };
    Job {
        source,
        image: input.blocks() * block,
        passes: vec![Pass {
            steps: steps(input.blocks(), block, &offsets),
            row: PIXEL,
            tiling: Tiling::new(map, |y, x| to.at(y, x)),
        }],
    }
}

/// Every block's taps, in bytes.
fn steps(blocks: usize, block: usize, offsets: &[usize]) -> Vec<usize> {
    (0..blocks)
        .flat_map(|b| offsets.iter().map(move |o| (b * block + o) * PIXEL))
        .collect()
}

/// As [`crate::conv::input_gradient`], on numbers of 16 bits.
///
/// # Panics
/// When shapes or weights do not fit each other.
pub fn input_gradient(
    conv: Conv,
    output: &Blocked<Bf16x32>,
    weights: &Packed,
    start: Start<'_>,
    input: &mut Blocked<Bf16x32>,
) {
    let (from, to) = (output.shape(), input.shape());
    conv.check(to, from);
    let least = conv.gradient_border(to);
    assert!(from.border >= least, "border of {from:?}");
    assert_eq!(weights.conv, conv, "packed weights");
    assert!(
        weights.form == Form::Back,
        "weights packed for the forward pass"
    );
    let pass = |phase: usize| {
        let (py, px) = (phase / conv.stride, phase % conv.stride);
        let border = from.border as isize;
        let offset = |[oy, ox]: [isize; 2]| (oy + border) * from.row() as isize + ox + border;
        // The border makes all of them at least 0, where there is a pixel of the phase.
        let offsets: Vec<usize> = conv
            .taps_of_phase(phase)
            .iter()
            .map(|tap| offset(tap.distance).max(0) as usize)
            .collect();
        let map = Map {
            height: to.height.saturating_sub(py).div_ceil(conv.stride),
            width: to.width.saturating_sub(px).div_ceil(conv.stride),
            step: PIXEL,
            pitch: from.row() * PIXEL,
        };
        Pass {
            steps: steps(output.blocks(), from.plane(), &offsets),
            row: PIXEL,
            tiling: Tiling::new(map, |y, x| {
                to.at(y * conv.stride + py, x * conv.stride + px)
            }),
        }
    };
    let job = Job {
        source: Source::There(output.values()),
        image: output.blocks() * from.plane(),
        passes: (0..conv.stride * conv.stride).map(pass).collect(),
    };
    let ending = Ending::of(start);
    run(&job, weights, ending, input, &|_, _, _| {});
}

/// Products below which it takes longer to wake a thread than to do its share.
const SMALL: usize = 1 << 9;

/// Runs a job on every image and block written to.
fn run(
    job: &Job<'_>,
    weights: &Packed,
    ending: Ending<'_, Bf16x32>,
    output: &mut Blocked<Bf16x32>,
    after: &After<'_, Bf16x32>,
) {
    let (to, blocks) = (output.shape(), output.blocks());
    if let Some(add) = ending.add {
        crate::norm::same(add.shape(), to);
    }
    if to.is_empty() || job.image == 0 {
        return;
    }
    assert_eq!(job.source.len(), to.images * job.image, "images");
    for pass in &job.passes {
        let reach = pass
            .steps
            .iter()
            .max()
            .map_or(0, |step| step + pass.tiling.reach(pass.row));
        assert!(pass.tiling.tiles.is_empty() || reach <= job.image * PIXEL);
        let mut places = pass.tiling.tiles.iter().flat_map(|tile| tile.places);
        assert!(places.all(|p| p == super::tiling::NOWHERE || (p as usize) < to.plane()));
    }
    let at = ending.add.map(|add| positions(to, add.shape()));
    let mut tasks: Vec<(usize, usize, &mut [Bf16x32])> = output
        .values_mut()
        .chunks_mut(to.plane())
        .enumerate()
        .map(|(index, plane)| (index / blocks, index % blocks, plane))
        .collect();
    // Weights that do not stay in a core's cache are read once for all images.
    if weights.bytes() > 1 << 20 {
        tasks.sort_by_key(|&(n, block, _)| (block, n));
    }
    let task = |(n, block, plane): (usize, usize, &mut [Bf16x32])| {
        let add = ending.add.map(|add| add.plane(n, block));
        let of = Finish {
            bias: bias(ending.start, block),
            output: matches!(ending.start, Start::Output),
            add: at.as_deref().zip(add),
            activation: ending.activation,
        };
        for (index, pass) in job.passes.iter().enumerate() {
            let weights = weights.steps(index, block, pass.steps.len());
            pass.run(
                &job.source[n * job.image..][..job.image],
                weights,
                &of,
                plane,
            );
        }
        after(n, block, plane);
    };
    let tiles: usize = job
        .passes
        .iter()
        .map(|p| p.tiling.tiles.len() * p.steps.len())
        .sum();
    if tiles * tasks.len() < SMALL {
        tasks.into_iter().for_each(task);
    } else {
        tasks.into_par_iter().for_each(task);
    }
}

/// For every pixel of a plane the same pixel in a plane with another border.
fn positions(of: Shape, other: Shape) -> Vec<u32> {
    let mut at = vec![0; of.plane()];
    for y in 0..of.height {
        for x in 0..of.width {
            at[of.at(y, x)] = other.at(y, x) as u32;
        }
    }
    at
}

/// The bias of a block.
fn bias(start: Start<'_>, block: usize) -> [Lane; 2] {
    let Start::Bias(bias) = start else {
        return [Lane::ZERO; 2];
    };
    let part = |part: usize| bias.get(block * 2 + part).copied().unwrap_or(Lane::ZERO);
    [part(0), part(1)]
}

impl Pass {
    /// All outputs of an image in one block.
    fn run(&self, image: &[Bf16x32], weights: &[Bf16x32], of: &Finish<'_>, out: &mut [Bf16x32]) {
        let ready = Ready::new(self.tiling.rows);
        let mut sums = Sums::ZERO;
        for tiles in self.tiling.tiles.chunks(2) {
            let first: *const u8 = image.as_ptr().cast();
            // `run` checked that tiles and steps stay within the image.
            let left = |tile: usize| {
                tiles
                    .get(tile)
                    .map_or(std::ptr::null(), |tile| first.wrapping_add(tile.start))
            };
            let product = Product {
                left: [left(0), left(1)],
                row: self.row,
                steps: &self.steps,
                right: weights.as_ptr().cast(),
                sums: &raw mut sums,
                more: false,
            };
            // SAFETY: the left side was checked by `run`; `steps` of the weights has as many steps; the sums are ours.
            unsafe { ready.run(&product) };
            for (tile, sums) in tiles.iter().zip(&sums.0) {
                finish(of, sums, &tile.places, out);
            }
        }
    }
}

const _: () = assert!(Bf16x32::CHANNELS == 2 * LANES);
