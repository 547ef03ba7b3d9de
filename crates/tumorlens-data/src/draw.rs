//! Random draws from one 64-bit stream.
//!
//! Written out here, and not taken from a library of distributions, so that an upgrade of that library cannot change
//! which numbers a seed gives: splits, augmentations and phantoms are part of published results.

use rand::Rng;
use std::ops::RangeInclusive;
use tumorlens_core::Seed;

/// A stream of draws that starts at a seed.
pub(crate) struct Draw(rand_xoshiro::Xoshiro256PlusPlus);

impl Draw {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(seed.rng())
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), from the 53 upper bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f32) -> bool {
        self.unit() < f64::from(p)
    }

    /// Uniform between the ends.
    pub(crate) fn range(&mut self, ends: RangeInclusive<f32>) -> f32 {
        let (low, high) = ends.into_inner();
        low + (high - low) * self.unit() as f32
    }

    /// Uniform in [-half, half].
    pub(crate) fn within(&mut self, half: f32) -> f32 {
        self.range(-half..=half)
    }

    /// Uniform in 0..n; 0 for n = 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Four values that are close to standard normal: sums of four uniform 16-bit numbers (Irwin-Hall), scaled to mean 0
    /// and variance 1. They end at 3.46 standard deviations, which no picture of noise shows, and cost a few additions.
    pub(crate) fn noise4(&mut self) -> [f32; 4] {
        // Four words hold sixteen 16-bit numbers; lane i takes the i-th number of each.
        let words = [self.bits(), self.bits(), self.bits(), self.bits()];
        // Variance of a sum of four uniform numbers on [0, 65536) is 4 * 65536^2 / 12.
        const SCALE: f32 = 1.0 / 37_837.227;
        std::array::from_fn(|i| {
            let sum: u64 = words.iter().map(|w| (w >> (16 * i)) & 0xffff).sum();
            (sum as f32 - 131_070.0) * SCALE
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_mean_zero_and_variance_one() {
        let mut draw = Draw::new(Seed(5));
        let values: Vec<f32> = (0..25_000).flat_map(|_| draw.noise4()).collect();
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values
            .iter()
            .map(|v| (f64::from(*v) - mean).powi(2))
            .sum::<f64>()
            / n;
        // Standard errors at n = 100 000: 0.003 and about 0.004.
        assert!(mean.abs() < 0.015, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn draws_stay_inside_their_ranges() {
        let mut draw = Draw::new(Seed(1));
        for _ in 0..10_000 {
            assert!((0.0..1.0).contains(&draw.unit()));
            assert!(draw.below(3) < 3);
            assert!(draw.within(0.25).abs() <= 0.25);
        }
        assert_eq!(draw.below(0), 0);
        assert!(!draw.chance(0.0));
        assert!(draw.chance(1.0));
    }
}
