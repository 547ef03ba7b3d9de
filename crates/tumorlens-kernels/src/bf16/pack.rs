//! Weights of 16 bits as the products read them.

use super::product::{COLUMNS, DEPTH, STEP};
use super::scratch::Scratch;
use super::walk::Walks;
use super::{Bf16x32, round};
use crate::LANES;
use crate::Pixel;
use crate::conv::Conv;
use crate::isa::dispatch;
use rayon::prelude::*;

/// Lines of a step.
const LINES: usize = STEP / COLUMNS;
/// Weights that a thread rounds at a time.
const PART: usize = 1 << 14;

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
    passes: Vec<Scratch>,
    /// How images are walked over with them.
    pub(super) walks: Walks,
}

impl Packed {
    /// For the forward pass, of `[outputs, inputs, kernel, kernel]`.
    ///
    /// # Panics
    /// When the number of weights is not that of the convolution.
    #[must_use]
    pub fn forward(conv: Conv, weights: &[f32]) -> Self {
        let rounded = rounded(conv, weights);
        let (inputs, taps) = (conv.inputs, conv.taps());
        let (form, pass) = if by_rows(conv) {
            (Form::Rows, rows(conv, &rounded))
        } else {
            let all: Vec<usize> = (0..taps).collect();
            let at = |depth: usize, column: usize| (column * inputs + depth) * taps;
            (
                Form::Blocks,
                blocks([inputs, conv.outputs], &all, &rounded, at),
            )
        };
        Self {
            form,
            conv,
            passes: vec![pass],
            walks: Walks::default(),
        }
    }

    /// For the gradient of the input: what reads is written, and the other way round.
    ///
    /// # Panics
    /// When the number of weights is not that of the convolution.
    #[must_use]
    pub fn backward(conv: Conv, weights: &[f32]) -> Self {
        let rounded = rounded(conv, weights);
        let (inputs, taps) = (conv.inputs, conv.taps());
        let at = |depth: usize, column: usize| (depth * inputs + column) * taps;
        let passes = (0..conv.stride * conv.stride).map(|phase| {
            let seen = conv.taps_of_phase(phase);
            let seen: Vec<usize> = seen.into_iter().map(|tap| tap.tap).collect();
            blocks([conv.outputs, inputs], &seen, &rounded, at)
        });
        Self {
            form: Form::Back,
            conv,
            passes: passes.collect(),
            walks: Walks::default(),
        }
    }

    /// The steps of one block written to, in a pass of so many steps.
    pub(super) fn steps(&self, pass: usize, block: usize, steps: usize) -> &[Bf16x32] {
        &self.passes[pass][block * steps * LINES..][..steps * LINES]
    }

    pub(super) fn bytes(&self) -> usize {
        self.passes
            .iter()
            .map(|values| size_of_val::<[_]>(values))
            .sum()
    }
}

/// Whether rows of the kernel take fewer steps than its taps one by one.
pub(super) fn by_rows(conv: Conv) -> bool {
    let rows = conv.kernel * (conv.kernel * conv.inputs).div_ceil(DEPTH);
    conv.inputs <= COLUMNS / 2 && rows < conv.taps() * conv.inputs.div_ceil(DEPTH)
}

#[inline(always)]
fn round_body(values: &[f32], to: &mut [u16]) {
    for (to, value) in to.iter_mut().zip(values) {
        *to = round(*value);
    }
}
dispatch!(fn round_part = round_body(values: &[f32], to: &mut [u16]));

fn rounded(conv: Conv, weights: &[f32]) -> Vec<u16> {
    let count = conv.outputs * conv.inputs * conv.taps();
    assert_eq!(weights.len(), count, "weights");
    assert!(conv.stride > 0 && conv.kernel > 0, "{conv:?}");
    let mut to = vec![0; count];
    let parts = to.par_chunks_mut(PART).zip(weights.par_chunks(PART));
    parts.for_each(|(to, values)| round_part(values, to));
    to
}

/// Puts a number down in a step.
#[inline(always)]
fn set(step: &mut [Bf16x32], depth: usize, column: usize, value: u16) {
    // Two lines hold a pair of depths for all columns.
    let at = column * 2 + depth % 2;
    step[depth / 2 * 2 + at / COLUMNS].numbers_mut()[at % COLUMNS] = value;
}

/// The taps `taps` of every block of depths, for all columns; the weights of a depth and a column lie side by side from `at` on.
fn blocks(
    [depths, columns]: [usize; 2],
    taps: &[usize],
    weights: &[u16],
    at: impl Fn(usize, usize) -> usize + Sync,
) -> Scratch {
    let from = depths.div_ceil(DEPTH);
    let each = taps.len() * LINES;
    let last = taps.iter().max().copied().unwrap_or(0);
    let mut values = Scratch::stale(columns.div_ceil(COLUMNS) * from * each);
    let pairs = values.par_chunks_mut(each.max(1)).enumerate();
    pairs.for_each(|(index, steps)| {
        let (to, from) = (index / from * COLUMNS, index % from * DEPTH);
        let (width, depth) = (COLUMNS.min(columns - to), DEPTH.min(depths - from));
        if width < COLUMNS || depth < DEPTH {
            steps.fill(Bf16x32::ZERO);
        }
        for column in 0..width {
            for first in (0..depth).step_by(2) {
                let of = |depth: usize| &weights[at(from + depth, to + column)..][..=last];
                let low = of(first);
                // A word holds a pair of depths, and two lines all columns.
                let (line, place) = (first + column / LANES, column % LANES);
                let lines = steps
                    .chunks_exact_mut(LINES)
                    .map(|step| &mut step[line].0[place]);
                if first + 1 < depth {
                    let high = of(first + 1);
                    for (word, &tap) in lines.zip(taps) {
                        *word = u32::from(low[tap]) | u32::from(high[tap]) << 16;
                    }
                } else {
                    for (word, &tap) in lines.zip(taps) {
                        *word = u32::from(low[tap]);
                    }
                }
            }
        }
    });
    values
}

/// Few channels: a step is a part of a row of the kernel.
fn rows(conv: Conv, weights: &[u16]) -> Scratch {
    let (inputs, kernel, taps) = (conv.inputs, conv.kernel, conv.taps());
    let chunks = (kernel * inputs).div_ceil(DEPTH);
    let mut values = Scratch::stale(conv.outputs.div_ceil(COLUMNS) * kernel * chunks * LINES);
    for (index, step) in values.chunks_exact_mut(LINES).enumerate() {
        step.fill(Bf16x32::ZERO);
        let (block, ky) = (index / (kernel * chunks), index / chunks % kernel);
        let (to, first) = (block * COLUMNS, index % chunks * DEPTH);
        for column in 0..COLUMNS.min(conv.outputs - to) {
            let weights = &weights[(to + column) * inputs * taps..][..inputs * taps];
            for depth in 0..DEPTH.min(kernel * inputs - first) {
                let (kx, channel) = ((first + depth) / inputs, (first + depth) % inputs);
                set(
                    step,
                    depth,
                    column,
                    weights[channel * taps + ky * kernel + kx],
                );
            }
        }
    }
    values
}
