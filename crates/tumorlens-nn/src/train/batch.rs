//! Samples put together for one step.

use super::sampling::shuffle;
use crate::loss::image::ImageLoss;
use crate::loss::outline::outline_targets;
use rand::RngExt;
use tumorlens_core::{ClassSet, Sample, Seed};

/// What one step learns from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// Inputs `[images, channels, height, width]`.
    pub(crate) input: Vec<f32>,
    /// Shares of the classes of every image.
    pub(crate) targets: Vec<Vec<f64>>,
    /// What is known of every image's evidence maps, `[images, outputs]`; empty without evidence maps.
    pub(crate) outlines: Vec<Option<Vec<f32>>>,
}

impl Batch {
    /// Puts samples together. `side` is the shape of the inputs, `grid` that of the evidence maps where outlines are
    /// learned from.
    pub(crate) fn new(
        samples: &[Sample],
        loss: &ImageLoss,
        classes: &ClassSet,
        side: [usize; 2],
        grid: Option<[usize; 2]>,
    ) -> Self {
        let outlines = samples.iter().flat_map(|sample| match grid {
            Some(grid) => {
                outline_targets(sample.mask.as_deref(), side, grid, sample.label, classes)
            }
            None => Vec::new(),
        });
        Self {
            outlines: outlines.collect(),
            input: samples
                .iter()
                .flat_map(|sample| sample.input.iter().copied())
                .collect(),
            targets: samples
                .iter()
                .map(|sample| loss.target(sample.label))
                .collect(),
        }
    }

    /// Images in the batch.
    pub(crate) fn len(&self) -> usize {
        self.targets.len()
    }

    /// Mixup (Zhang et al. 2018): every image becomes a weighted sum of itself and another one of the batch, and so do
    /// its target and its outlines. An outline is known where both are. One weight a batch, from Beta(alpha, alpha).
    pub(crate) fn mix(&mut self, alpha: f64, seed: Seed) {
        let weight = beta(alpha, seed.derive("weight"));
        let mut partners: Vec<usize> = (0..self.len()).collect();
        shuffle(&mut partners, seed.derive("partners"));
        let blend = |a: f64, b: f64| weight * a + (1.0 - weight) * b;
        let single = |a: &f32, b: &f32| blend(f64::from(*a), f64::from(*b)) as f32;
        let pure = self.clone();
        let pixels = self.input.len() / self.len().max(1);
        let maps = self.outlines.len() / self.len().max(1);
        for (image, partner) in partners.into_iter().enumerate() {
            let other = &pure.input[partner * pixels..(partner + 1) * pixels];
            for (value, other) in self.input[image * pixels..].iter_mut().zip(other) {
                *value = single(value, other);
            }
            for (share, other) in self.targets[image].iter_mut().zip(&pure.targets[partner]) {
                *share = blend(*share, *other);
            }
            for map in 0..maps {
                let (own, other) = (
                    &pure.outlines[image * maps + map],
                    &pure.outlines[partner * maps + map],
                );
                self.outlines[image * maps + map] = match (own, other) {
                    (Some(own), Some(other)) => {
                        Some(own.iter().zip(other).map(|(a, b)| single(a, b)).collect())
                    }
                    _ => None,
                };
            }
        }
    }
}

/// A number from Beta(alpha, alpha) for alpha up to 1 (Jöhnk 1964).
fn beta(alpha: f64, seed: Seed) -> f64 {
    let mut rng = seed.rng();
    loop {
        let x = rng.random::<f64>().powf(1.0 / alpha);
        let y = rng.random::<f64>().powf(1.0 / alpha);
        let sum = x + y;
        if sum > 0.0 && sum <= 1.0 {
            return x / sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::ClassIndex;

    #[test]
    fn beta_numbers_have_the_mean_and_variance_of_their_law() {
        for alpha in [0.2, 0.5, 1.0] {
            let numbers: Vec<f64> = (0..4000).map(|n| beta(alpha, Seed(n))).collect();
            let mean = numbers.iter().sum::<f64>() / 4000.0;
            let variance = numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 4000.0;
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!(
                (mean - 0.5).abs() < 0.03 && (variance - expected).abs() < 0.01,
                "{alpha} {mean} {variance}"
            );
        }
    }

    #[test]
    fn what_is_mixed_into_an_image_is_mixed_into_its_target() {
        let classes = ClassSet::tumor();
        let loss = ImageLoss::plain(&classes);
        let sample = |index: usize| Sample {
            input: vec![index as f32; 4],
            mask: Some(vec![index as f32; 4]),
            label: ClassIndex(index),
            index,
        };
        let mut batch = Batch::new(
            &[sample(0), sample(1)],
            &loss,
            &classes,
            [2, 2],
            Some([1, 1]),
        );
        let pure = batch.clone();
        assert_eq!(pure.outlines, [Some(vec![0.0]), Some(vec![1.0])]);
        // A seed that pairs the two images.
        let seed = (0..).map(Seed).find(|seed| {
            batch = pure.clone();
            batch.mix(0.5, *seed);
            batch != pure
        });
        assert!(seed.is_some());
        for image in 0..2 {
            let weight = f64::from(batch.input[4 * image]);
            assert!((batch.targets[image][1] - weight).abs() < 1e-6);
            assert!((batch.targets[image][0] - (1.0 - weight)).abs() < 1e-6);
            let outline = batch.outlines[image].as_ref().unwrap();
            assert!((f64::from(outline[0]) - weight).abs() < 1e-6);
        }
    }
}
