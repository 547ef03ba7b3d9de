//! Gradient of the filters: for every point a sum of outer products over all tiles, in one order, transformed back by the
//! adjoint of the filters' transform.

use super::product::{self, Outer};
use super::tiles::{self, Tiling};
use super::{Conv, POINTS, Packed};
use crate::conv::scratch::{self, Scratch};
use crate::{Blocked, LANES, Lane, lanes};
use rayon::prelude::*;

/// Tiles transformed at a time.
const CHUNK: usize = 128;

/// As [`super::super::weight_gradient`].
pub(in super::super) fn weight_gradient(conv: Conv, input: &Blocked, output: &Blocked) -> Vec<f32> {
    let tiling = Tiling::of(output.shape());
    let count = tiling.count() * input.shape().images;
    let (sources, targets) = (input.shape().blocks(), output.shape().blocks());
    let padded = sources * LANES;
    let chunks = count.div_ceil(CHUNK);
    let edge = input.shape().border - conv.padding;
    scratch::SUMS.with(|sums| {
        let mut sums = Scratch::take(sums, POINTS * targets * padded);
        let sums = sums.lanes();
        sums.par_chunks_mut(padded)
            .for_each(|sums| sums.fill(Lane::ZERO));
        scratch::INPUT.with(|inputs| {
            scratch::GRADIENT.with(|gradients| {
                let stride = CHUNK | 1;
                let mut inputs = Scratch::take(inputs, sources * POINTS * stride);
                let mut gradients = Scratch::take(gradients, targets * POINTS * stride);
                let mut first = 0;
                for chunk in 0..chunks {
                    let tiles = count / chunks + usize::from(chunk < count % chunks);
                    let range = first..first + tiles;
                    let part = POINTS * stride;
                    let (x, dy) = (inputs.lanes(), gradients.lanes());
                    rayon::join(
                        || {
                            let blocks = x.par_chunks_mut(part).enumerate();
                            blocks.for_each(|(block, points)| {
                                let range = range.clone();
                                tiles::input(input, block, edge, tiling, range, points, stride);
                            });
                        },
                        || {
                            let blocks = dy.par_chunks_mut(part).enumerate();
                            blocks.for_each(|(block, points)| {
                                let range = range.clone();
                                tiles::gradient(output, block, tiling, range, points, stride);
                            });
                        },
                    );
                    let (inputs, gradients) = (&*inputs.lanes(), &*gradients.lanes());
                    let points = sums.par_chunks_mut(targets * padded).enumerate();
                    points.for_each(|(point, sums)| {
                        let chunk = Chunk {
                            inputs: &inputs[point * stride..],
                            gradients: &gradients[point * stride..],
                            block: part,
                            channels: conv.inputs,
                            tiles,
                        };
                        chunk.add(sums, padded);
                    });
                    first += tiles;
                }
            });
        });
        taps(conv, sums, targets * padded)
    })
}

/// One point of a chunk of tiles.
struct Chunk<'a> {
    /// `[block][tile]`.
    inputs: &'a [Lane],
    /// `[block][tile]`.
    gradients: &'a [Lane],
    /// Vectors from block to block.
    block: usize,
    channels: usize,
    tiles: usize,
}

impl Chunk<'_> {
    /// Adds to `[block written to][channel read from]`.
    fn add(&self, sums: &mut [Lane], padded: usize) {
        let width = lanes::blocks_at_once();
        for (pair, sums) in sums.chunks_mut(width * padded).enumerate() {
            for source in 0..padded / LANES {
                product::add_outer(&mut Outer {
                    inputs: &self.inputs[source * self.block..],
                    gradients: &self.gradients[pair * width * self.block..],
                    gradient_block: self.block,
                    channels: (self.channels - source * LANES).min(LANES),
                    blocks: sums.len() / padded,
                    tiles: self.tiles,
                    sums: &mut sums[source * LANES..],
                    sum_block: padded,
                });
            }
        }
    }
}

/// Sums of all points, `[point][block written to][channel read from]`, to `[outputs, inputs, 3, 3]`.
fn taps(conv: Conv, sums: &[Lane], stride: usize) -> Vec<f32> {
    let mut packed = Packed::zeros(conv.outputs, conv.inputs, 9);
    let lanes = packed.lanes();
    let blocks = packed.values_mut().par_chunks_mut(9 * lanes).enumerate();
    blocks.for_each(|(pair, vectors)| {
        for lane in 0..lanes {
            let taps = tiles::filter_adjoint(&sums[pair * LANES + lane..], stride);
            for (tap, value) in taps.into_iter().enumerate() {
                vectors[tap * lanes + lane] = value;
            }
        }
    });
    packed.unpack()
}
