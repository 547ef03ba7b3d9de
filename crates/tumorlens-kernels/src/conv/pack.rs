//! Weights as the kernels read them.

use crate::{LANES, Lane};

/// Weights in blocks of output and input channels: `[to block][from block][tap][from lane]`, a vector over the lanes
/// of the block written to.
#[derive(Clone, Debug)]
pub struct Packed {
    values: Vec<Lane>,
    to: usize,
    from: usize,
    taps: usize,
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
        packed.fill(|to, from, tap| weights[(to * inputs + from) * taps + tap]);
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
        packed.fill(|to, from, tap| weights[(from * inputs + to) * taps + tap]);
        packed
    }

    pub(super) fn zeros(to: usize, from: usize, taps: usize) -> Self {
        let count = to.div_ceil(LANES) * from.div_ceil(LANES) * taps * LANES;
        Self {
            values: vec![Lane::ZERO; count],
            to,
            from,
            taps,
        }
    }

    fn fill(&mut self, value: impl Fn(usize, usize, usize) -> f32) {
        let (taps, to_count, from_count) = (self.taps, self.to, self.from);
        let from_blocks = from_count.div_ceil(LANES);
        for (index, lane) in self.values.iter_mut().enumerate() {
            let from = index % LANES + index / (LANES * taps) % from_blocks * LANES;
            let tap = index / LANES % taps;
            let first = index / (LANES * taps * from_blocks) * LANES;
            if from < from_count {
                for (i, v) in lane.0.iter_mut().enumerate().take(to_count - first) {
                    *v = value(first + i, from, tap);
                }
            }
        }
    }

    /// Back to `[to, from, taps]`.
    pub(super) fn unpack(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.to * self.from * self.taps);
        let from_blocks = self.from.div_ceil(LANES);
        for to in 0..self.to {
            for from in 0..self.from {
                for tap in 0..self.taps {
                    let block = to / LANES * from_blocks + from / LANES;
                    let lane = self.values[(block * self.taps + tap) * LANES + from % LANES];
                    values.push(lane.0[to % LANES]);
                }
            }
        }
        values
    }

    /// Vectors of one block written to.
    pub(super) fn block(&self) -> usize {
        self.from.div_ceil(LANES) * self.taps * LANES
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
