//! Convolutions forward and by their input.

use super::Bf16x32;
use super::finish::{Finish, finish};
use super::gather::{Phases, Rows};
use super::pack::{Form, Packed};
use super::product::{Product, Sums};
use super::scratch::Scratch;
use super::tiling::{Map, Tiling};
use super::unit::Ready;
use super::walk::{PIXEL, Pass, Shapes, Walk};
use crate::conv::{After, Conv, Ending, Start, by_group};
use crate::{Blocked, LANES, Lane, Pixel};
use rayon::prelude::*;
use std::ops::Deref;
use std::sync::Arc;

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
    walk: Arc<Walk>,
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
    let by_rows = weights.form == Form::Rows;
    let shapes = Shapes::of(from, to, ending.add);
    let walk = weights.walks.get(shapes, || {
        if by_rows {
            of_rows(conv, shapes)
        } else {
            of_blocks(conv, shapes)
        }
    });
    let source = if by_rows {
        Source::Anew(Rows::of(conv, from).lay(conv, input))
    } else if conv.stride == 1 {
        Source::There(input.values())
    } else {
        Source::Anew(Phases::of(conv, from).split(conv, input))
    };
    run(&Job { source, walk }, weights, ending, output, after);
}

fn of_rows(conv: Conv, shapes: Shapes) -> Walk {
    let (rows, to) = (Rows::of(conv, shapes.from), shapes.to);
    let chunks = (conv.kernel * conv.inputs).div_ceil(Bf16x32::CHANNELS);
    let places = (0..conv.kernel).flat_map(|ky| (0..chunks).map(move |chunk| (ky, chunk)));
    let step = |(ky, chunk): (usize, usize)| (ky * rows.row + chunk * Bf16x32::CHANNELS) * 2;
    let map = Map {
        height: to.height,
        width: to.width,
        step: conv.stride * conv.inputs * 2,
        pitch: conv.stride * rows.row * 2,
    };
    let pass = Pass {
        steps: places.map(step).collect(),
        row: map.step,
        tiling: Tiling::new(map, |y, x| to.at(y, x)),
    };
    Walk::new(shapes, rows.image / Bf16x32::CHANNELS, vec![pass])
}

fn of_blocks(conv: Conv, shapes: Shapes) -> Walk {
    let (from, to, taps) = (shapes.from, shapes.to, conv.taps());
    let (block, pitch, offsets): (_, _, Vec<usize>) = if conv.stride == 1 {
        let edge = from.border - conv.padding;
        let offset = |k: usize| (k / conv.kernel + edge) * from.row() + k % conv.kernel + edge;
        (from.plane(), from.row(), (0..taps).map(offset).collect())
    } else {
        let phases = Phases::of(conv, from);
        let offsets = (0..taps).map(|k| phases.offset(conv, k)).collect();
        (phases.block(), phases.columns, offsets)
    };
    let map = Map {
        height: to.height,
        width: to.width,
        step: PIXEL,
        pitch: pitch * PIXEL,
    };
    let blocks = from.blocks_of::<Bf16x32>();
    let pass = Pass {
        steps: steps(blocks, block, &offsets),
        row: PIXEL,
        tiling: Tiling::new(map, |y, x| to.at(y, x)),
    };
    Walk::new(shapes, blocks * block, vec![pass])
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
    let shapes = Shapes::of(from, to, None);
    let job = Job {
        source: Source::There(output.values()),
        walk: weights.walks.get(shapes, || backward(conv, shapes)),
    };
    let ending = Ending::of(start);
    run(&job, weights, ending, input, &|_, _, _| {});
}

/// From the gradient of the output to that of the input, a pass for each phase of the stride.
fn backward(conv: Conv, shapes: Shapes) -> Walk {
    let (from, to) = (shapes.from, shapes.to);
    let blocks = from.blocks_of::<Bf16x32>();
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
            steps: steps(blocks, from.plane(), &offsets),
            row: PIXEL,
            tiling: Tiling::new(map, |y, x| {
                to.at(y * conv.stride + py, x * conv.stride + px)
            }),
        }
    };
    let passes = (0..conv.stride * conv.stride).map(pass).collect();
    Walk::new(shapes, blocks * from.plane(), passes)
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
    let Job { source, walk } = job;
    if to.is_empty() || walk.image == 0 {
        return;
    }
    assert_eq!(source.len(), to.images * walk.image, "images");
    let task = |n: usize, block: usize, plane: &mut [Bf16x32]| {
        let add = ending.add.map(|add| (&*walk.added, add.plane(n, block)));
        let of = Finish {
            bias: bias(ending.start, block),
            output: matches!(ending.start, Start::Output),
            add,
            activation: ending.activation,
        };
        for (index, pass) in walk.passes.iter().enumerate() {
            let weights = weights.steps(index, block, pass.steps.len());
            let image = &source[n * walk.image..][..walk.image];
            pass.run(image, weights, &of, plane);
        }
        after(n, block, plane);
    };
    let by_index = |(index, plane): (usize, &mut [Bf16x32])| {
        task(index / blocks, index % blocks, plane);
    };
    let (values, plane) = (output.values_mut(), to.plane());
    if walk.tiles() * to.images * blocks < SMALL {
        values.chunks_mut(plane).enumerate().for_each(by_index);
    } else if weights.bytes() > 1 << 20 && to.images > 1 {
        // Weights that do not stay in a core's cache are read once for all images.
        let images = values.chunks_mut(blocks * plane).collect();
        by_group(images, 0, plane, &task);
    } else {
        values.par_chunks_mut(plane).enumerate().for_each(by_index);
    }
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
            // `Walk::new` checked that tiles and steps stay within an image.
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
            // SAFETY: the left side was checked by `Walk::new`; `steps` of the weights has as many steps; the sums are ours.
            unsafe { ready.run(&product) };
            for (tile, sums) in tiles.iter().zip(&sums.0) {
                finish(of, sums, &tile.places, out);
            }
        }
    }
}

const _: () = assert!(Bf16x32::CHANNELS == 2 * LANES);
