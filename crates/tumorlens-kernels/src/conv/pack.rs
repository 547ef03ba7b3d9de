//! Weights as the kernels read them.

use super::Conv;
use super::turn::turn;
use crate::{LANES, Lane, Shape};
use rayon::prelude::*;
use std::ops::Range;

/// Weights in blocks of output and input channels: `[to block][from block][tap][from lane]`, a vector over the lanes
/// of the block written to. Of fewer channels than a block there are as many lanes: with gaps between them the weights
/// of an image's few channels would fall upon few places of the first cache.
#[derive(Clone, Debug)]
pub struct Packed {
    values: Vec<Lane>,
    to: usize,
    from: usize,
    taps: usize,
    tiled: bool,
}

impl Packed {
    /// For the forward pass, of `[outputs, inputs, taps]`.
    ///
    /// # Panics
    /// When the number of weights is not the product.
    #[must_use]
    pub fn forward(weights: &[f32], outputs: usize, inputs: usize, taps: usize) -> Self {
        assert_eq!(weights.len(), outputs * inputs * taps, "weights");
        let mut packed = Self::zeros(outputs, inputs, taps);
        packed.fill(LANES, |to, from| {
            &weights[(to * inputs + from.start) * taps..][..from.len() * taps]
        });
        packed
    }

    /// For the gradient of the input: what reads is written, and the other way round.
    ///
    /// # Panics
    /// When the number of weights is not the product.
    #[must_use]
    pub fn backward(weights: &[f32], outputs: usize, inputs: usize, taps: usize) -> Self {
        assert_eq!(weights.len(), outputs * inputs * taps, "weights");
        let mut packed = Self::zeros(inputs, outputs, taps);
        packed.fill(1, |to, from| {
            &weights[(from.start * inputs + to) * taps..][..taps]
        });
        packed
    }

    /// Forward for outputs of this shape, in the form that is fastest where weights are packed once and used often.
    ///
    /// # Panics
    /// When the number of weights is not that of the convolution.
    #[must_use]
    pub fn for_judging(conv: Conv, weights: &[f32], output: Shape) -> Self {
        if conv.judged_by_tiles(output) {
            return Self::tiled_forward(weights, conv.outputs, conv.inputs);
        }
        Self::forward(weights, conv.outputs, conv.inputs, conv.taps())
    }

    /// Forward for outputs of this shape, in the form that is fastest where weights are packed for one batch.
    ///
    /// # Panics
    /// When the number of weights is not that of the convolution.
    #[must_use]
    pub fn for_training(conv: Conv, weights: &[f32], output: Shape) -> Self {
        if conv.trained_by_tiles(output) {
            return Self::tiled_forward(weights, conv.outputs, conv.inputs);
        }
        Self::forward(weights, conv.outputs, conv.inputs, conv.taps())
    }

    /// For the gradient of an input of this shape, in the form that is fastest.
    ///
    /// # Panics
    /// When the number of weights is not that of the convolution.
    #[must_use]
    pub fn for_gradient(conv: Conv, weights: &[f32], input: Shape) -> Self {
        if conv.trained_by_tiles(input) {
            return Self::tiled_backward(weights, conv.outputs, conv.inputs);
        }
        Self::backward(weights, conv.outputs, conv.inputs, conv.taps())
    }

    /// As [`Packed::forward`], for tiles of 4x4 outputs; for a kernel of 3x3 and stride 1.
    ///
    /// # Panics
    /// When the number of weights is not nine times the product.
    #[must_use]
    pub fn tiled_forward(weights: &[f32], outputs: usize, inputs: usize) -> Self {
        assert_eq!(weights.len(), outputs * inputs * 9, "weights");
        Self::tiled(outputs, inputs, |to, from, tap| {
            weights[(to * inputs + from) * 9 + tap]
        })
    }

    /// As [`Packed::backward`], for tiles. The kernel is turned round: the gradient is a convolution forward.
    ///
    /// # Panics
    /// When the number of weights is not nine times the product.
    #[must_use]
    pub fn tiled_backward(weights: &[f32], outputs: usize, inputs: usize) -> Self {
        assert_eq!(weights.len(), outputs * inputs * 9, "weights");
        Self::tiled(inputs, outputs, |to, from, tap| {
            weights[(from * inputs + to) * 9 + 8 - tap]
        })
    }

    fn tiled(to: usize, from: usize, value: impl Fn(usize, usize, usize) -> f32 + Sync) -> Self {
        Self {
            values: super::winograd::transform(to, from, value),
            to,
            from,
            taps: 9,
            tiled: true,
        }
    }

    pub(super) fn is_tiled(&self) -> bool {
        self.tiled
    }

    pub(super) fn zeros(to: usize, from: usize, taps: usize) -> Self {
        let mut packed = Self {
            values: Vec::new(),
            to,
            from,
            taps,
            tiled: false,
        };
        let count = to.div_ceil(LANES) * packed.block();
        packed.values.resize(count, Lane::ZERO);
        packed
    }

    /// Sets every weight. `kernels` gives the taps between the channel written to and so many read from, where they lie side
    /// by side, of which there are `together` at most.
    fn fill<'a>(
        &mut self,
        together: usize,
        kernels: impl Fn(usize, Range<usize>) -> &'a [f32] + Sync,
    ) {
        let (taps, to_count, from_count) = (self.taps, self.to, self.from);
        let from_blocks = from_count.div_ceil(LANES);
        let lanes = self.lanes();
        let nothing = vec![0.0; together.min(LANES) * taps];
        let pairs = self.values.par_chunks_mut((taps * lanes).max(1));
        pairs.enumerate().for_each(|(pair, vectors)| {
            let to = pair / from_blocks * LANES;
            let first = pair % from_blocks * LANES;
            let last = from_count.min(first + LANES);
            for begin in (first..last).step_by(together.min(LANES)) {
                let from = begin..last.min(begin + together);
                let rows = std::array::from_fn(|lane| {
                    if to + lane < to_count {
                        kernels(to + lane, from.clone())
                    } else {
                        &nothing[..from.len() * taps]
                    }
                });
                let places =
                    from.flat_map(|from| (0..taps).map(move |tap| tap * lanes + from - first));
                turn(rows, places, vectors);
            }
        });
    }

    /// Back to `[to, from, taps]`.
    pub(super) fn unpack(&self) -> Vec<f32> {
        let lanes = self.lanes();
        let mut values = vec![0.0; self.to * self.from * self.taps];
        let rows = values.par_chunks_mut(self.from * self.taps);
        rows.enumerate().for_each(|(to, row)| {
            let blocks = &self.values[to / LANES * self.block()..];
            for (from, weights) in row.chunks_exact_mut(self.taps).enumerate() {
                let block = &blocks[from / LANES * self.taps * lanes..];
                for (tap, weight) in weights.iter_mut().enumerate() {
                    *weight = block[tap * lanes + from % LANES].0[to % LANES];
                }
            }
        });
        values
    }

    /// Vectors of one block written to.
    pub(super) fn block(&self) -> usize {
        self.from.div_ceil(LANES) * self.taps * self.lanes()
    }

    /// Vectors of one tap of one block written to and one read from.
    pub(super) fn lanes(&self) -> usize {
        self.from.clamp(1, LANES)
    }

    pub(super) fn values(&self) -> &[Lane] {
        &self.values
    }

    pub(super) fn values_mut(&mut self) -> &mut [Lane] {
        &mut self.values
    }

    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.values.as_slice())
    }

    pub(super) fn check(&self, to: usize, from: usize, taps: usize) {
        let expected = (to, from, taps);
        assert_eq!((self.to, self.from, self.taps), expected, "packed weights");
    }
}
