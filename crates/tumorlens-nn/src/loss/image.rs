//! The loss of an image's call: cross entropy, with label smoothing, class weights and focal modulation.

use super::Loss;
use tumorlens_core::{ClassIndex, ClassSet};

/// Cross entropy over classes.
///
/// For an image with target shares `q` and probabilities `p`, with `w` the class weights and `g` the focal exponent:
///
/// `loss = - sum over c of  w[c] q[c] (1 - p[c])^g ln p[c]`
///
/// and the batch's loss is the mean over its images. (PyTorch's weighted cross entropy divides by the weights of the
/// batch instead, which takes the weight away again from a batch of one class.)
///
/// A network for two classes has one logit, that of the positive class; the other class's logit then is 0 by
/// definition, which makes this binary cross entropy. Focal modulation: Lin et al. 2017. Label smoothing: Szegedy et
/// al. 2016, `q = (1 - s) q + s / classes`.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageLoss {
    /// Share of every target that is spread evenly over the classes, 0 to below 1.
    pub label_smoothing: f64,
    /// Focal exponent; 0 is plain cross entropy.
    pub focal_gamma: f64,
    /// Weight of each class.
    pub class_weights: Vec<f64>,
    /// The class whose logit is the only one, when there are two classes.
    single: Option<usize>,
}

impl ImageLoss {
    /// Plain cross entropy: no smoothing, no weights.
    #[must_use]
    pub fn plain(classes: &ClassSet) -> Self {
        Self {
            label_smoothing: 0.0,
            focal_gamma: 0.0,
            class_weights: vec![1.0; classes.len()],
            single: classes.is_binary().then_some(classes.positive().0),
        }
    }

    /// The target of an image of one class: 1 for it, 0 for the others.
    #[must_use]
    pub fn target(&self, label: ClassIndex) -> Vec<f64> {
        (0..self.class_weights.len())
            .map(|c| if c == label.0 { 1.0 } else { 0.0 })
            .collect()
    }

    /// Mean over a batch. `logits` is `[batch, outputs]`, `targets` the shares of the classes, one vector an image.
    #[must_use]
    pub fn of(&self, logits: &[f32], targets: &[Vec<f64>]) -> Loss {
        let mut loss = Loss {
            value: 0.0,
            gradient: Vec::with_capacity(logits.len()),
        };
        if targets.is_empty() {
            return loss;
        }
        let share = 1.0 / targets.len() as f64;
        for (logits, target) in logits
            .chunks_exact(logits.len() / targets.len())
            .zip(targets)
        {
            let (value, gradient) = self.of_one(&self.all_logits(logits), target);
            loss.value += value * share;
            let kept = match self.single {
                Some(positive) => &gradient[positive..=positive],
                None => &gradient[..],
            };
            loss.gradient
                .extend(kept.iter().map(|g| (g * share) as f32));
        }
        loss
    }

    /// Probability of every class from the logits of one image.
    #[must_use]
    pub fn probabilities(&self, logits: &[f32]) -> Vec<f64> {
        log_softmax(&self.all_logits(logits))
            .into_iter()
            .map(f64::exp)
            .collect()
    }

    /// One logit a class, the one that a network for two classes leaves out being 0.
    fn all_logits(&self, logits: &[f32]) -> Vec<f64> {
        match (self.single, logits) {
            (Some(positive), [logit, ..]) => (0..2)
                .map(|c| {
                    if c == positive {
                        f64::from(*logit)
                    } else {
                        0.0
                    }
                })
                .collect(),
            _ => logits.iter().map(|&logit| f64::from(logit)).collect(),
        }
    }

    fn of_one(&self, logits: &[f64], target: &[f64]) -> (f64, Vec<f64>) {
        let log_p = log_softmax(logits);
        let p: Vec<f64> = log_p.iter().map(|l| l.exp()).collect();
        let spread = self.label_smoothing / logits.len() as f64;
        let mut value = 0.0;
        // slopes[c] is p[c] times the derivative with respect to p[c].
        let mut slopes = vec![0.0; logits.len()];
        for c in 0..logits.len() {
            let amount =
                self.class_weights[c] * ((1.0 - self.label_smoothing) * target[c] + spread);
            let (factor, slope) = self.focus(c, &p, log_p[c]);
            value -= amount * factor * log_p[c];
            slopes[c] = amount * (slope - factor);
        }
        let total: f64 = slopes.iter().sum();
        let gradient = slopes
            .iter()
            .zip(&p)
            .map(|(slope, p)| slope - p * total)
            .collect();
        (value, gradient)
    }

    /// `(1-p)^g` and `g p (1-p)^(g-1) ln p` of class `c`.
    fn focus(&self, c: usize, p: &[f64], log_p: f64) -> (f64, f64) {
        let g = self.focal_gamma;
        if g <= 0.0 {
            return (1.0, 0.0);
        }
        // The others' sum, not 1 - p: near certainty the difference has no digits left.
        let miss: f64 = p
            .iter()
            .enumerate()
            .filter(|(k, _)| *k != c)
            .map(|(_, p)| p)
            .sum();
        let factor = miss.powf(g);
        // ln p / (1-p) tends to -1 where both vanish.
        let ratio = if miss > 1e-12 { log_p / miss } else { -1.0 };
        (factor, g * p[c] * factor * ratio)
    }
}

fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|z| (z - largest).exp()).sum();
    logits.iter().map(|z| z - largest - sum.ln()).collect()
}

#[cfg(test)]
mod tests;
