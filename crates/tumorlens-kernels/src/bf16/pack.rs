//! Weights of 16 bits as the products read them.

use super::product::{COLUMNS, DEPTH, STEP};
use super::{Bf16x32, round};
use crate::conv::Conv;
use rayon::prelude::*;

/// Lines of a step.
const LINES: usize = STEP / COLUMNS;

/// Where a kernel's weights are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Channel blocks of pixels, where they lie or cut into the phases of the stride.
    Blocks,
    /// Few channels: rows of a kernel lie side by side, `[column][channel]`.
    Rows,
    /// The gradient of the input: a pass for each phase of the stride.
    Back,
}

/// Weights as the products read them: for every pass `[block written to][step][pair of depths][column][2]`.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(super) form: Form,
    pub(super) conv: Conv,
    passes: Vec<Vec<Bf16x32>>,
}

impl Packed {
    /// For the forward pass, of `[outputs, inputs, kernel, kernel]`.
    ///
    /// # Panics
    /// When the number of weights is not that of the convolution.
    #[must_use]
    pub fn forward(conv: Conv, weights: &[f32]) -> Self {
        check(conv, weights);
        let (inputs, taps, kernel) = (conv.inputs, conv.taps(), conv.kernel);
        let row = |to: usize| &weights[to * inputs * taps..][..inputs * taps];
        if by_rows(conv) {
            let chunks = (kernel * inputs).div_ceil(DEPTH);
            let values = fill(conv.outputs, kernel * chunks, |step, column, block| {
                let (ky, first) = (step / chunks, step % chunks * DEPTH);
                let row = row(column);
                for depth in 0..DEPTH.min(kernel * inputs - first) {
                    let (kx, channel) = ((first + depth) / inputs, (first + depth) % inputs);
                    block(depth, row[channel * taps + ky * kernel + kx]);
                }
            });
            return Self {
                form: Form::Rows,
                conv,
                passes: vec![values],
            };
        }
        let steps = inputs.div_ceil(DEPTH) * taps;
        let values = fill(conv.outputs, steps, |step, column, block| {
            let (first, tap) = (step / taps * DEPTH, step % taps);
            let row = row(column);
            for depth in 0..DEPTH.min(inputs - first) {
                block(depth, row[(first + depth) * taps + tap]);
            }
        });
        Self {
            form: Form::Blocks,
            conv,
            passes: vec![values],
        }
    }

    /// For the gradient of the input: what reads is written, and the other way round.
    ///
    /// # Panics
    /// When the number of weights is not that of the convolution.
    #[must_use]
    pub fn backward(conv: Conv, weights: &[f32]) -> Self {
        check(conv, weights);
        let (inputs, outputs, taps) = (conv.inputs, conv.outputs, conv.taps());
        let passes = (0..conv.stride * conv.stride).map(|phase| {
            let seen = conv.taps_of_phase(phase);
            let steps = outputs.div_ceil(DEPTH) * seen.len();
            fill(inputs, steps, |step, column, block| {
                let (first, tap) = (step / seen.len() * DEPTH, seen[step % seen.len()].tap);
                for depth in 0..DEPTH.min(outputs - first) {
                    block(
                        depth,
                        weights[((first + depth) * inputs + column) * taps + tap],
                    );
                }
            })
        });
        Self {
            form: Form::Back,
            conv,
            passes: passes.collect(),
        }
    }

    /// The steps of one block written to, in a pass of so many steps.
    pub(super) fn steps(&self, pass: usize, block: usize, steps: usize) -> &[Bf16x32] {
        &self.passes[pass][block * steps * LINES..][..steps * LINES]
    }

    pub(super) fn bytes(&self) -> usize {
        self.passes.iter().map(|v| size_of_val(v.as_slice())).sum()
    }
}

fn check(conv: Conv, weights: &[f32]) {
    let count = conv.outputs * conv.inputs * conv.taps();
    assert_eq!(weights.len(), count, "weights");
    assert!(conv.stride > 0 && conv.kernel > 0, "{conv:?}");
}

/// Whether rows of the kernel take fewer steps than its taps one by one.
pub(super) fn by_rows(conv: Conv) -> bool {
    let rows = conv.kernel * (conv.kernel * conv.inputs).div_ceil(DEPTH);
    conv.inputs <= COLUMNS / 2 && rows < conv.taps() * conv.inputs.div_ceil(DEPTH)
}

/// Steps for all columns; `weights(step, column, set)` calls `set(depth, weight)` for what is not zero.
fn fill(
    columns: usize,
    steps: usize,
    weights: impl Fn(usize, usize, &mut dyn FnMut(usize, f32)) + Sync,
) -> Vec<Bf16x32> {
    let zero = Bf16x32([0; COLUMNS]);
    let mut values = vec![zero; columns.div_ceil(COLUMNS) * steps * LINES];
    let each = values.par_chunks_mut(LINES).enumerate();
    each.for_each(|(index, lines)| {
        let (block, step) = (index / steps, index % steps);
        for column in 0..COLUMNS.min(columns - block * COLUMNS) {
            weights(step, block * COLUMNS + column, &mut |depth, weight| {
                // Two lines hold a pair of depths for all columns.
                let at = column * 2 + depth % 2;
                lines[depth / 2 * 2 + at / COLUMNS].0[at % COLUMNS] = round(weight);
            });
        }
    });
    values
}
