//! What tells images of heads from pictures of anything else, by what the network makes of them.
//!
//! A logistic regression on the network's features, of all levels and members, learns to tell training images from decoys,
//! pictures that are no heads. A distance alone does not do that: the network was never asked to keep other things apart
//! from heads, so that many of them lie among its training images; which directions of its features do keep them apart must
//! be learnt.

use super::familiarity::quantile;
use crate::loss::{sigmoid, softplus};
use serde::{Deserialize, Serialize};

/// Strength of the penalty on weights of features of unit variance, beside a mean loss.
const PENALTY: f64 = 0.001;
/// Steps of Newton's method, and of conjugate gradients within each.
const STEPS: [usize; 2] = [12, 40];
/// Share of the images outside of training that are neither referred nor refused as strangers, as far as the limits of the
/// bounds allow.
const KNOWN: [f64; 2] = [0.98, 0.995];
/// Least and largest bounds beyond which an image is referred and refused: of as many of both, how many times likelier a
/// decoy than a head, in logarithms. Heads that no one trained on, cut from the side, reach 8
/// (docs/explanation/generalisation.md).
const LIMITS: [[f64; 2]; 2] = [[1.0, 1.5], [8.0, 10.0]];

/// Weights and bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strangers {
    /// Of every feature's logarithm.
    pub weights: Vec<f32>,
    /// Added to the weighted sum, which makes the score: above 0 where an image is more like a decoy.
    pub bias: f64,
    /// An image with a score above this is unusual.
    pub unusual: f64,
    /// An image with a score above this is refused.
    pub refused: f64,
    /// Decoys that were learnt from.
    pub decoys: usize,
}

impl Strangers {
    /// Learns from features (their logarithms) of heads and of decoys; the bounds are as wide as can be. None when one of the kinds
    /// is missing.
    pub(super) fn fit(heads: &[&[f32]], decoys: &[&[f32]]) -> Option<Self> {
        let features = heads.first()?.len();
        let rows = || heads.iter().chain(decoys);
        if decoys.is_empty() || rows().any(|row| row.len() != features) {
            return None;
        }
        let scales = Scales::of(heads, features);
        let problem = Problem {
            rows: rows().map(|row| scales.apply(row)).collect(),
            signs: heads
                .iter()
                .map(|_| -1.0)
                .chain(decoys.iter().map(|_| 1.0))
                .collect(),
            shares: [heads, decoys]
                .iter()
                .flat_map(|kind| std::iter::repeat_n(0.5 / kind.len() as f64, kind.len()))
                .collect(),
        };
        let solved = problem.solve();
        let (bias, weights) = solved.split_last()?;
        let weights: Vec<f64> = weights.iter().zip(&scales.sd).map(|(w, s)| w / s).collect();
        let shift: f64 = weights.iter().zip(&scales.mean).map(|(w, m)| w * m).sum();
        let [unusual, refused] = LIMITS.map(|[_, most]| most);
        Some(Self {
            weights: weights.iter().map(|w| *w as f32).collect(),
            bias: bias - shift,
            unusual,
            refused,
            decoys: decoys.len(),
        })
    }

    /// Sets the bounds such that few of the images with these scores, from outside of training, are beyond them.
    pub(super) fn set_bounds(&mut self, scores: &[f64]) {
        let [unusual, refused] = [0, 1].map(|i| {
            let [least, most] = LIMITS[i];
            quantile(scores, KNOWN[i]).clamp(least, most)
        });
        (self.unusual, self.refused) = (unusual, refused.max(unusual));
    }

    /// Moves the bounds until few of the images with these scores are beyond them; never inwards.
    pub(super) fn widen(&mut self, scores: &[f64]) {
        self.unusual = self.unusual.max(quantile(scores, KNOWN[0]));
        self.refused = self.refused.max(quantile(scores, KNOWN[1]));
    }

    /// How much more like a decoy than like a head an image with these features (their logarithms) is: the logarithm of the
    /// odds, of as many of both.
    pub(super) fn score(&self, spoken: &[f32]) -> f64 {
        let pairs = self.weights.iter().zip(spoken);
        self.bias
            + pairs
                .map(|(w, f)| f64::from(*w) * f64::from(*f))
                .sum::<f64>()
    }

    pub(super) fn check(&self, features: usize) -> Result<(), String> {
        if self.weights.len() != features {
            return Err(format!(
                "tells strangers by {} features of {features}",
                self.weights.len()
            ));
        }
        let sound = self.weights.iter().all(|w| w.is_finite()) && self.bias.is_finite();
        // Written so that a bound that is not a number fails.
        if sound && self.unusual <= self.refused {
            Ok(())
        } else {
            Err("a number that tells strangers is not finite".to_owned())
        }
    }
}

/// Mean and standard deviation of each feature.
struct Scales {
    mean: Vec<f64>,
    sd: Vec<f64>,
}

impl Scales {
    fn of(rows: &[&[f32]], features: usize) -> Self {
        let count = rows.len() as f64;
        let mut mean = vec![0.0; features];
        let mut square = vec![0.0; features];
        for row in rows {
            for ((m, s), v) in mean.iter_mut().zip(&mut square).zip(*row) {
                let v = f64::from(*v);
                *m += v / count;
                *s += v * v / count;
            }
        }
        let sd = mean.iter().zip(square);
        // A feature that is silent on every head has none; what it says of a decoy then counts a hundredfold at most.
        let sd = sd.map(|(m, s)| (s - m * m).max(1e-4).sqrt()).collect();
        Self { mean, sd }
    }

    fn apply(&self, row: &[f32]) -> Vec<f64> {
        let scales = self.mean.iter().zip(&self.sd);
        row.iter()
            .zip(scales)
            .map(|(v, (m, s))| (f64::from(*v) - m) / s)
            .collect()
    }
}

/// `sum of share log(1 + exp(-sign (w x + b))) + PENALTY / 2 |w|^2`, to be made least. The last of the unknowns is `b`.
struct Problem {
    rows: Vec<Vec<f64>>,
    signs: Vec<f64>,
    shares: Vec<f64>,
}

impl Problem {
    /// By Newton's method, whose steps are found by conjugate gradients (Lin, Weng and Keerthi 2008), halved while they lead
    /// upwards.
    fn solve(&self) -> Vec<f64> {
        let size = self.rows.first().map_or(0, Vec::len) + 1;
        let mut at = vec![0.0; size];
        let mut value = self.value(&at);
        for _ in 0..STEPS[0] {
            let margins = self.products(&at);
            let pull: Vec<f64> = self
                .each(&margins)
                .map(|(z, sign, share)| -share * sign * sigmoid(-sign * z))
                .collect();
            let curvature: Vec<f64> = self
                .each(&margins)
                .map(|(z, _, share)| share * sigmoid(z) * sigmoid(-z))
                .collect();
            let mut gradient = self.back(&pull);
            penalise(&mut gradient, &at);
            let step = self.conjugate_gradients(&gradient, &curvature);
            let mut length = 1.0;
            let (next, lower) = loop {
                let next: Vec<f64> = at.iter().zip(&step).map(|(a, s)| a - length * s).collect();
                let lower = self.value(&next);
                if lower <= value || length < 1e-3 {
                    break (next, lower);
                }
                length *= 0.5;
            };
            let gain = value - lower;
            if gain.is_nan() || gain <= 1e-9 * value.abs() {
                break;
            }
            (at, value) = (next, lower);
        }
        at
    }

    /// Solves `H step = gradient`.
    fn conjugate_gradients(&self, gradient: &[f64], curvature: &[f64]) -> Vec<f64> {
        let mut step = vec![0.0; gradient.len()];
        let mut rest = gradient.to_vec();
        let mut direction = rest.clone();
        let mut norm = dot(&rest, &rest);
        let enough = 1e-6 * norm;
        for _ in 0..STEPS[1] {
            if norm <= enough {
                break;
            }
            let mut products = self.products(&direction);
            products
                .iter_mut()
                .zip(curvature)
                .for_each(|(p, c)| *p *= c);
            let mut bent = self.back(&products);
            penalise(&mut bent, &direction);
            let length = norm / dot(&direction, &bent).max(f64::MIN_POSITIVE);
            for i in 0..step.len() {
                step[i] += length * direction[i];
                rest[i] -= length * bent[i];
            }
            let next = dot(&rest, &rest);
            direction
                .iter_mut()
                .zip(&rest)
                .for_each(|(d, r)| *d = r + next / norm * *d);
            norm = next;
        }
        step
    }

    fn value(&self, at: &[f64]) -> f64 {
        let margins = self.products(at);
        let loss: f64 = self
            .each(&margins)
            .map(|(z, sign, share)| share * softplus(-sign * z))
            .sum();
        let weights = &at[..at.len() - 1];
        loss + PENALTY / 2.0 * dot(weights, weights)
    }

    fn each<'a>(&'a self, margins: &'a [f64]) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
        let known = self.signs.iter().zip(&self.shares);
        margins
            .iter()
            .zip(known)
            .map(|(z, (s, share))| (*z, *s, *share))
    }

    /// Every row times the unknowns.
    fn products(&self, at: &[f64]) -> Vec<f64> {
        let rows = self.rows.iter();
        rows.map(|row| dot(row, at) + at[at.len() - 1]).collect()
    }

    /// The sum of the rows, each so many times.
    fn back(&self, times: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.rows.first().map_or(0, Vec::len)];
        for (row, times) in self.rows.iter().zip(times) {
            sum.iter_mut().zip(row).for_each(|(s, v)| *s += times * v);
        }
        sum.push(times.iter().sum());
        sum
    }
}

/// Adds the derivative of the penalty, from which the last unknown is free.
fn penalise(gradient: &mut [f64], at: &[f64]) {
    let weights = at.len() - 1;
    for (g, a) in gradient.iter_mut().zip(at).take(weights) {
        *g += PENALTY * a;
    }
}

/// Of as many values as the shorter has.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points about a centre on a golden spiral of angles: no two alike, mean near the centre.
    fn around(centre: [f32; 2], count: usize) -> Vec<Vec<f32>> {
        (0..count)
            .map(|i| {
                let (angle, radius) = (2.4 * i as f32, (i as f32 / count as f32).sqrt());
                vec![
                    centre[0] + radius * angle.cos(),
                    centre[1] + radius * angle.sin(),
                ]
            })
            .collect()
    }

    fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
        rows.iter().map(Vec::as_slice).collect()
    }

    fn scores(strangers: &Strangers, rows: &[Vec<f32>]) -> Vec<f64> {
        rows.iter().map(|row| strangers.score(row)).collect()
    }

    #[test]
    fn what_lies_among_the_decoys_is_refused_and_what_lies_among_the_heads_is_not() {
        let (heads, decoys) = (around([0.0, 0.0], 300), around([3.0, 0.0], 100));
        let others = around([0.1, 0.0], 200);
        let mut strangers = Strangers::fit(&slices(&heads), &slices(&decoys)).unwrap();
        let scores = scores(&strangers, &others);
        strangers.set_bounds(&scores);
        assert!(strangers.score(&[0.0, 0.0]) < 0.0);
        assert!(strangers.score(&[3.0, 0.0]) > strangers.refused);
        assert!(strangers.weights[0] > 10.0 * strangers.weights[1].abs());
        let refused = others
            .iter()
            .filter(|f| strangers.score(f) > strangers.refused);
        assert!(refused.count() <= 1);
    }

    #[test]
    fn the_weights_are_those_where_nothing_pulls_any_more() {
        let (heads, decoys) = (around([0.0, 0.0], 60), around([1.0, 0.5], 40));
        let scales = Scales::of(&slices(&heads), 2);
        let problem = Problem {
            rows: heads
                .iter()
                .chain(&decoys)
                .map(|r| scales.apply(r))
                .collect(),
            signs: (0..100).map(|i| if i < 60 { -1.0 } else { 1.0 }).collect(),
            shares: (0..100)
                .map(|i| if i < 60 { 0.5 / 60.0 } else { 0.5 / 40.0 })
                .collect(),
        };
        let solved = problem.solve();
        let least = problem.value(&solved);
        for i in 0..3 {
            for step in [-1e-3, 1e-3] {
                let mut other = solved.clone();
                other[i] += step;
                assert!(problem.value(&other) > least, "{i} {step}");
            }
        }
    }

    #[test]
    fn a_site_whose_images_score_higher_moves_the_bounds_outwards_only() {
        let (heads, decoys) = (around([0.0, 0.0], 300), around([4.0, 0.0], 100));
        let mut strangers = Strangers::fit(&slices(&heads), &slices(&decoys)).unwrap();
        strangers.set_bounds(&scores(&strangers, &heads));
        let before = strangers.clone();
        strangers.widen(&scores(&before, &around([-2.0, 0.0], 50)));
        assert_eq!(strangers, before);
        let site = around([3.0, 0.0], 50);
        strangers.widen(&scores(&before, &site));
        assert!(strangers.refused > before.refused);
        assert!(site.iter().all(|f| strangers.score(f) <= strangers.refused));
    }

    #[test]
    fn without_decoys_or_with_other_numbers_of_features_there_is_none() {
        let heads = around([0.0, 0.0], 10);
        let heads = slices(&heads);
        assert_eq!(Strangers::fit(&heads, &[]), None);
        assert_eq!(Strangers::fit(&heads, &[&[1.0]]), None);
        let mut fitted = Strangers::fit(&heads, &heads).unwrap();
        assert!(fitted.check(2).is_ok() && fitted.check(3).is_err());
        fitted.refused = f64::NAN;
        assert!(fitted.check(2).is_err());
    }
}
