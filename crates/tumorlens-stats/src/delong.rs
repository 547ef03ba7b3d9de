//! DeLong's variance of the AUROC, alone and paired, for independent images and for images in groups.
//!
//! - E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver
//!   operating characteristic curves: a nonparametric approach", Biometrics 44 (1988).
//! - X. Sun, W. Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21 (2014): the
//!   structural components from midranks, O(n log n) instead of O(n^2).
//! - N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53 (1997): components summed
//!   within groups. With one image a group it is DeLong's variance exactly.

use crate::groups::Groups;
use crate::intervals::normal_quantile;
use crate::midrank::midranks;
use crate::roc::{auroc, both_present};
use crate::undefined::{Undefined, same_length};
use statrs::distribution::{ContinuousCDF, Normal};
use tumorlens_core::Interval;
use tumorlens_core::measured::IntervalMethod;

/// An AUROC with its variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeLong {
    /// Area under the ROC curve.
    pub auroc: f64,
    /// Variance of the area.
    pub variance: f64,
    /// Groups with a positive image.
    pub positive_groups: usize,
    /// Groups with a negative image.
    pub negative_groups: usize,
}

/// Two AUROCs of the same images with their covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedDeLong {
    /// The first model.
    pub first: DeLong,
    /// The second model.
    pub second: DeLong,
    /// Covariance of the two areas.
    pub covariance: f64,
}

/// AUROC and its variance.
///
/// # Errors
/// When a class is absent, fewer than two groups hold one of the classes, a score is not finite, or the slices differ
/// in length.
pub fn delong(truth: &[bool], scores: &[f64], groups: &Groups) -> Result<DeLong, Undefined> {
    let components = Components::new(truth, scores, groups)?;
    components.delong(truth, groups)
}

/// AUROCs of two models on the same images.
///
/// # Errors
/// As [`delong`].
pub fn paired_delong(
    truth: &[bool],
    first: &[f64],
    second: &[f64],
    groups: &Groups,
) -> Result<PairedDeLong, Undefined> {
    let a = Components::new(truth, first, groups)?;
    let b = Components::new(truth, second, groups)?;
    Ok(PairedDeLong {
        first: a.delong(truth, groups)?,
        second: b.delong(truth, groups)?,
        covariance: a.covariance(&b, &Sides::new(truth, groups)?),
    })
}

impl DeLong {
    /// Interval on the logit scale, `logit(A) -+ z sqrt(variance) / (A (1 - A))`, which stays inside (0, 1) and covers
    /// better near 1 than the plain one (Pepe 2003). Where the variance is 0, as for a perfect ranking, that would
    /// claim certainty, and [`newcombe`]'s interval on the numbers of groups is given instead. `None` when `level` is
    /// not strictly between 0 and 1.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<Interval> {
        let z = normal_quantile(level)?;
        let slope = self.auroc * (1.0 - self.auroc);
        if self.variance <= 0.0 || slope <= 0.0 {
            return newcombe(
                self.auroc,
                self.positive_groups as u64,
                self.negative_groups as u64,
                level,
            );
        }
        let logit = (self.auroc / (1.0 - self.auroc)).ln();
        let half = z * self.variance.sqrt() / slope;
        let back = |x: f64| 1.0 / (1.0 + (-x).exp());
        Some(Interval {
            low: back(logit - half),
            high: back(logit + half),
            level,
            method: IntervalMethod::DeLong,
        })
    }
}

impl PairedDeLong {
    /// First area less second.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.first.auroc - self.second.auroc
    }

    /// Variance of the difference, at least 0.
    #[must_use]
    pub fn variance(&self) -> f64 {
        (self.first.variance + self.second.variance - 2.0 * self.covariance).max(0.0)
    }

    /// Interval of the difference on the plain scale, cut to [-1, 1]. `None` when the variance is 0 or `level` is not
    /// strictly between 0 and 1.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<Interval> {
        let half = normal_quantile(level)? * self.standard_error()?;
        let low = (self.difference() - half).max(-1.0);
        let high = (self.difference() + half).min(1.0);
        Some(Interval {
            low,
            high,
            level,
            method: IntervalMethod::DeLong,
        })
    }

    /// Two-sided p value of "both models have the same AUROC".
    ///
    /// # Errors
    /// When the variance of the difference is 0.
    pub fn p_value(&self) -> Result<f64, Undefined> {
        let z = self.difference() / self.standard_error().ok_or(Undefined::NoDifference)?;
        Ok(2.0 * Normal::standard().sf(z.abs()))
    }

    fn standard_error(&self) -> Option<f64> {
        // Two models that rank alike leave a variance of rounding errors only.
        let variance = self.variance();
        (variance > 1e-15 * (self.first.variance + self.second.variance)).then(|| variance.sqrt())
    }
}

/// Interval of an AUROC from its value and the numbers of positive and negative images alone, as Wilson's is of a
/// proportion: solves `|t - A| = z sqrt(V(t))` with
/// `V(t) = t (1 - t) (1 + N (1 - t) / (2 - t) + N t / (1 + t)) / (m n)`, `N = (m + n) / 2 - 1`
/// (R. G. Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2",
/// Statistics in Medicine 25 (2006), method 5). It does not collapse at A = 1. `None` when a class is absent, `auroc` is
/// outside [0, 1], or `level` is not strictly between 0 and 1.
#[must_use]
pub fn newcombe(auroc: f64, positives: u64, negatives: u64, level: f64) -> Option<Interval> {
    let z = normal_quantile(level)?;
    let pairs = both_present(positives, negatives).ok()?;
    if !(0.0..=1.0).contains(&auroc) {
        return None;
    }
    let extra = (positives as f64 + negatives as f64) / 2.0 - 1.0;
    let variance = |t: f64| {
        t * (1.0 - t) * (1.0 + extra * (1.0 - t) / (2.0 - t) + extra * t / (1.0 + t)) / pairs
    };
    let outside = |t: f64| (t - auroc).abs() > z * variance(t).sqrt();
    // From an end of [0, 1], which is outside unless the area lies on it, towards the area, which is inside.
    let boundary = |end: f64| {
        let (mut out, mut inn) = (end, auroc);
        for _ in 0..60 {
            let middle = f64::midpoint(out, inn);
            if outside(middle) {
                out = middle
            } else {
                inn = middle
            }
        }
        inn
    };
    Some(Interval {
        low: boundary(0.0),
        high: boundary(1.0),
        level,
        method: IntervalMethod::Newcombe,
    })
}

/// Structural components of one model: for each image, the share of the other class that it is ranked rightly
/// against, ties half.
struct Components {
    auroc: f64,
    of_image: Vec<f64>,
}

impl Components {
    fn new(truth: &[bool], scores: &[f64], groups: &Groups) -> Result<Self, Undefined> {
        same_length("groups", truth.len(), groups.images())?;
        let auroc = auroc(truth, scores)?;
        let among_all = midranks(scores);
        let mut of_image = vec![0.0; scores.len()];
        for class in [true, false] {
            let members: Vec<usize> = (0..truth.len()).filter(|&i| truth[i] == class).collect();
            let own: Vec<f64> = members.iter().map(|&i| scores[i]).collect();
            let others = (truth.len() - members.len()) as f64;
            for (&i, among_own) in members.iter().zip(midranks(&own)) {
                // Rank among all less rank among its own class: how many of the other class lie below.
                let below = (among_all[i] - among_own) / others;
                of_image[i] = if class { below } else { 1.0 - below };
            }
        }
        Ok(Self { auroc, of_image })
    }

    fn delong(&self, truth: &[bool], groups: &Groups) -> Result<DeLong, Undefined> {
        let sides = Sides::new(truth, groups)?;
        Ok(DeLong {
            auroc: self.auroc,
            variance: self.covariance(self, &sides).max(0.0),
            positive_groups: sides.positive_groups,
            negative_groups: sides.negative_groups,
        })
    }

    /// Covariance of the two areas; their variance when both are one.
    fn covariance(&self, other: &Self, sides: &Sides) -> f64 {
        let (mut positive, mut negative, mut cross) = (0.0, 0.0, 0.0);
        for (a, b) in self.group_sums(sides).iter().zip(other.group_sums(sides)) {
            positive += a[0] * b[0];
            negative += a[1] * b[1];
            cross += a[0] * b[1] + a[1] * b[0];
        }
        let unbiased = |groups: usize| groups as f64 / (groups as f64 - 1.0);
        let (m, n) = (sides.positives, sides.negatives);
        unbiased(sides.positive_groups) * positive / (m * m)
            + unbiased(sides.negative_groups) * negative / (n * n)
            + unbiased(sides.groups.count()) * cross / (m * n)
    }

    /// Sums of (component - area) in each group, of its positive and of its negative images.
    fn group_sums(&self, sides: &Sides) -> Vec<[f64; 2]> {
        let mut sums = vec![[0.0; 2]; sides.groups.count()];
        for (i, &group) in sides.groups.of().iter().enumerate() {
            sums[group][usize::from(!sides.truth[i])] += self.of_image[i] - self.auroc;
        }
        sums
    }
}

/// Images and groups on either side.
struct Sides<'a> {
    truth: &'a [bool],
    groups: &'a Groups,
    positives: f64,
    negatives: f64,
    positive_groups: usize,
    negative_groups: usize,
}

impl<'a> Sides<'a> {
    fn new(truth: &'a [bool], groups: &'a Groups) -> Result<Self, Undefined> {
        let groups_with = |class: bool| {
            let mut has = vec![false; groups.count()];
            groups
                .of()
                .iter()
                .zip(truth)
                .filter(|(_, t)| **t == class)
                .for_each(|(&g, _)| has[g] = true);
            has.into_iter().filter(|h| *h).count()
        };
        let (positive_groups, negative_groups) = (groups_with(true), groups_with(false));
        if positive_groups < 2 {
            return Err(Undefined::TooFewGroups("positive"));
        }
        if negative_groups < 2 {
            return Err(Undefined::TooFewGroups("negative"));
        }
        let positives = truth.iter().filter(|t| **t).count() as f64;
        let negatives = truth.len() as f64 - positives;
        Ok(Self {
            truth,
            groups,
            positives,
            negatives,
            positive_groups,
            negative_groups,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: [bool; 5] = [true, true, true, false, false];
    const SCORES: [f64; 5] = [0.9, 0.6, 0.4, 0.5, 0.1];

    #[test]
    fn the_variance_of_five_images_is_the_one_worked_out_by_hand() {
        // Positives 0.9, 0.6, 0.4 against negatives 0.5, 0.1: components 1, 1, 1/2 and 2/3, 1; area 5/6.
        // Variances of the components 1/12 and 1/18, hence 1/12 / 3 + 1/18 / 2 = 1/36 + 1/36 = 1/18.
        let result = delong(&TRUTH, &SCORES, &Groups::singletons(5)).unwrap();
        assert!((result.auroc - 5.0 / 6.0).abs() < 1e-15);
        assert!((result.variance - 1.0 / 18.0).abs() < 1e-15);
    }

    #[test]
    fn copies_of_every_image_do_not_sharpen_the_area() {
        let truth: Vec<bool> = TRUTH.iter().flat_map(|t| [*t; 3]).collect();
        let scores: Vec<f64> = SCORES.iter().flat_map(|s| [*s; 3]).collect();
        let names: Vec<usize> = (0..15).map(|i| i / 3).collect();
        let copied = delong(&truth, &scores, &Groups::new(&names)).unwrap();
        assert!((copied.variance - 1.0 / 18.0).abs() < 1e-15);
        let ignored = delong(&truth, &scores, &Groups::singletons(15)).unwrap();
        assert!(ignored.variance < 0.4 / 18.0);
    }

    #[test]
    fn a_perfect_ranking_still_has_an_interval() {
        let truth: Vec<bool> = (0..20).map(|i| i < 10).collect();
        let scores: Vec<f64> = (0..20).map(|i| -f64::from(i)).collect();
        let perfect = delong(&truth, &scores, &Groups::singletons(20)).unwrap();
        let interval = perfect.interval(0.95).unwrap();
        assert_eq!(interval.method, IntervalMethod::Newcombe);
        assert!(
            interval.high >= 1.0 && interval.low > 0.75 && interval.low < 0.9,
            "{interval:?}"
        );
    }

    #[test]
    fn a_model_compared_with_itself_has_no_p_value() {
        let same = paired_delong(&TRUTH, &SCORES, &SCORES, &Groups::singletons(5)).unwrap();
        assert_eq!(same.p_value(), Err(Undefined::NoDifference));
        assert_eq!(same.interval(0.95), None);
    }

    #[test]
    fn a_class_in_one_group_alone_has_no_variance() {
        let groups = Groups::new(&["a", "a", "a", "b", "c"]);
        assert_eq!(
            delong(&TRUTH, &SCORES, &groups),
            Err(Undefined::TooFewGroups("positive"))
        );
        assert_eq!(
            delong(&[true; 5], &SCORES, &groups),
            Err(Undefined::NoNegative)
        );
        assert!(delong(&TRUTH, &SCORES, &Groups::singletons(4)).is_err());
    }
}
