//! How like its training images an image is, by what the network makes of it.
//!
//! Training images of a kind (a plane and a class) gather around a mean in the space of the network's deepest features, all
//! kinds with one covariance. The Mahalanobis distance to the nearest mean says how far an image lies from all of them
//! (Lee et al. 2018, there over classes alone). The measure is what images outside of training keep: somewhat beyond it
//! an image is unusual and a person should look; far beyond it, it is no image that the model may judge.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Images of a kind below which its mean says nothing; they count with all others.
const ENOUGH: usize = 20;
/// Share of the images for calibration that are usual.
const USUAL: f64 = 0.99;
/// An image this many times as far as usual ones is unusual. Of a source that took no part in training 4 in 100 are.
const UNUSUAL: f64 = 1.25;
/// An image this many times as far is refused. Of a source that took no part in training 1 in 1000 is where training knew
/// several sources; where it knew one, others may lie as far as twice (docs/explanation/generalisation.md).
const REFUSED: [f64; 2] = [4.0, 2.0];
/// Added to a feature before its logarithm, which tells a channel that is silent from one that speaks a little.
const SILENT: f32 = 0.01;
/// Most features that are looked at; a bundle from elsewhere does not decide how long that takes.
const MOST: usize = 4096;

/// Means, covariance and bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Familiarity {
    /// Kinds of training images with the mean of their features.
    pub kinds: Vec<Kind>,
    /// Lower triangle, row by row, of the inverse of the Cholesky factor of the covariance: it turns a difference into
    /// one of unit variance in every direction.
    pub whitening: Vec<f32>,
    /// Distance that 99 % of the images for calibration keep.
    pub usual: f64,
    /// An image more than so many times as far is refused.
    pub refused: f64,
    /// Training images behind the covariance.
    pub images: usize,
}

/// A kind of training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// E.g. `axial tumor`; of the rest `other`.
    pub name: String,
    /// Mean of every feature.
    pub mean: Vec<f32>,
    /// Training images.
    pub images: usize,
}

/// How unlike an image is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Doubt {
    /// As usual ones.
    Usual,
    /// Unusual, so many times as far as usual ones: to be looked at.
    Unusual(f64),
    /// So many times as far that no answer should be given.
    Unlike(f64),
}

/// Why there is no familiarity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FamiliarityError {
    /// Too few images.
    #[error(
        "{found} training images are too few for {features} features; twice as many are needed"
    )]
    TooFew {
        /// Images.
        found: usize,
        /// Features.
        features: usize,
    },
    /// A feature is not finite, or images have different numbers of them.
    #[error("the network's features are not finite numbers")]
    NotFinite,
    /// No images for calibration.
    #[error("no images outside of training")]
    NoCalibration,
}

impl Familiarity {
    /// Fits means and covariance to features of training images with their kinds, from so many sources, and the measure to
    /// features of others.
    ///
    /// # Errors
    /// With fewer images than twice the features, or when a feature is not finite.
    pub fn fit(
        training: &[(String, Vec<f32>)],
        calibration: &[Vec<f32>],
        sources: usize,
    ) -> Result<Self, FamiliarityError> {
        let features = training.first().map_or(0, |(_, f)| f.len());
        let sound = |f: &Vec<f32>| f.len() == features && f.iter().all(|v| v.is_finite());
        if !(training.iter().map(|(_, f)| f).all(sound) && calibration.iter().all(sound)) {
            return Err(FamiliarityError::NotFinite);
        }
        if features == 0 || training.len() < 2 * features || features > MOST {
            return Err(FamiliarityError::TooFew {
                found: training.len(),
                features,
            });
        }
        if calibration.is_empty() {
            return Err(FamiliarityError::NoCalibration);
        }
        let training: Vec<(&str, Vec<f32>)> = training
            .iter()
            .map(|(kind, f)| (kind.as_str(), spoken(f)))
            .collect();
        let mut by_kind: BTreeMap<&str, Vec<&[f32]>> = BTreeMap::new();
        for (kind, f) in &training {
            by_kind.entry(kind).or_default().push(f);
        }
        let (known, rest): (Vec<_>, Vec<_>) = by_kind
            .into_iter()
            .partition(|(_, images)| images.len() >= ENOUGH);
        let mut groups: Vec<(&str, Vec<&[f32]>)> = known;
        let rest: Vec<&[f32]> = rest.into_iter().flat_map(|(_, images)| images).collect();
        if !rest.is_empty() {
            groups.push(("other", rest));
        }
        let mut kinds = Vec::new();
        let mut covariance = vec![0.0f64; features * features];
        for (name, images) in &groups {
            let mean = mean(images, features);
            for image in images {
                let off: Vec<f64> = image
                    .iter()
                    .zip(&mean)
                    .map(|(v, m)| f64::from(*v) - m)
                    .collect();
                for row in 0..features {
                    for column in 0..=row {
                        covariance[row * features + column] += off[row] * off[column];
                    }
                }
            }
            kinds.push(Kind {
                name: (*name).to_owned(),
                mean: mean.iter().map(|m| *m as f32).collect(),
                images: images.len(),
            });
        }
        let count = training.len() as f64;
        covariance.iter_mut().for_each(|v| *v /= count);
        // Towards features that do not go together, as much as few images ask for: no direction is without variance.
        let spread = (0..features)
            .map(|i| covariance[i * features + i])
            .sum::<f64>();
        let even = (spread / features as f64).max(1e-12);
        let shrink = (features as f64 / count).clamp(0.1, 0.5);
        for row in 0..features {
            for column in 0..=row {
                let value = &mut covariance[row * features + column];
                if row == column {
                    *value = value.max(1e-6 * even);
                } else {
                    *value *= 1.0 - shrink;
                }
            }
        }
        let mut familiarity = Self {
            kinds,
            whitening: inverse_factor(&covariance, features),
            usual: 1.0,
            refused: REFUSED[usize::from(sources > 1)],
            images: training.len(),
        };
        let calibration: Vec<&[f32]> = calibration.iter().map(Vec::as_slice).collect();
        familiarity.usual = familiarity.usual_among(&calibration).max(1e-6);
        Ok(familiarity)
    }

    /// Takes the images of a site as usual too, so that its scanner alone makes none unusual.
    pub fn widen(&mut self, site: &[&[f32]]) {
        if !site.is_empty() {
            self.usual = self.usual.max(self.usual_among(site));
        }
    }

    /// Distance that 99 % of some images keep.
    fn usual_among(&self, images: &[&[f32]]) -> f64 {
        let mut distances: Vec<f64> = images.iter().map(|f| self.distance(f)).collect();
        distances.retain(|d| d.is_finite());
        distances.sort_unstable_by(f64::total_cmp);
        let at = (distances.len() as f64 * USUAL).ceil() as usize;
        distances.get(at.max(1) - 1).copied().unwrap_or_default()
    }

    /// Distance to the nearest kind, in standard deviations a feature; infinite for features that do not fit.
    #[must_use]
    pub fn distance(&self, features: &[f32]) -> f64 {
        let least = self
            .nearest_squared(features)
            .map_or(f64::INFINITY, |(_, s)| s);
        (least / features.len().max(1) as f64).sqrt()
    }

    /// The nearest kind; none for features that do not fit.
    #[must_use]
    pub fn nearest(&self, features: &[f32]) -> Option<&Kind> {
        self.nearest_squared(features).map(|(kind, _)| kind)
    }

    fn nearest_squared(&self, features: &[f32]) -> Option<(&Kind, f64)> {
        let features = spoken(features);
        self.kinds
            .iter()
            .map(|kind| (kind, self.squared(kind, &features)))
            .filter(|(_, squared)| squared.is_finite())
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn squared(&self, kind: &Kind, features: &[f32]) -> f64 {
        if kind.mean.len() != features.len() {
            return f64::INFINITY;
        }
        let off: Vec<f64> = features
            .iter()
            .zip(&kind.mean)
            .map(|(v, m)| f64::from(*v) - f64::from(*m))
            .collect();
        let mut start = 0;
        (0..off.len())
            .map(|row| {
                let line = &self.whitening[start..=start + row];
                start += row + 1;
                let z: f64 = line.iter().zip(&off).map(|(w, d)| f64::from(*w) * d).sum();
                z * z
            })
            .sum()
    }

    /// How unlike an image with these features is.
    #[must_use]
    pub fn doubt(&self, features: &[f32]) -> Doubt {
        let times = self.distance(features) / self.usual;
        if times > self.refused || times.is_nan() {
            Doubt::Unlike(times)
        } else if times > UNUSUAL {
            Doubt::Unusual(times)
        } else {
            Doubt::Usual
        }
    }

    pub(super) fn check(&self, features: usize) -> Result<(), String> {
        let fits = self.kinds.iter().all(|kind| kind.mean.len() == features);
        let numbers = self
            .kinds
            .iter()
            .flat_map(|k| &k.mean)
            .chain(&self.whitening);
        let sound = numbers.into_iter().all(|v| v.is_finite())
            && self.usual.is_finite()
            && self.refused >= UNUSUAL
            && self.usual > 0.0;
        if self.kinds.is_empty() || !fits || features > MOST {
            return Err(format!("does not fit {features} features"));
        }
        if self.whitening.len() != features * (features + 1) / 2 {
            return Err("the whitening is not a lower triangle".to_owned());
        }
        if sound {
            Ok(())
        } else {
            Err("a number is not finite".to_owned())
        }
    }
}

impl Doubt {
    /// In words; none for a usual image.
    #[must_use]
    pub fn reason(self) -> Option<String> {
        match self {
            Self::Usual => None,
            Self::Unusual(times) => Some(format!(
                "unusual image: {times:.1} times as far from the training images as 99 % of others"
            )),
            Self::Unlike(times) => Some(format!(
                "unlike the brain MRI that the model knows: {times:.1} times as far from its training images as 99 % of others"
            )),
        }
    }
}

/// Logarithms: how much a channel speaks matters as a factor.
fn spoken(features: &[f32]) -> Vec<f32> {
    features
        .iter()
        .map(|f| (f.max(0.0) + SILENT).ln())
        .collect()
}

fn mean(images: &[&[f32]], features: usize) -> Vec<f64> {
    let mut mean = vec![0.0; features];
    for image in images {
        for (m, v) in mean.iter_mut().zip(*image) {
            *m += f64::from(*v);
        }
    }
    mean.iter_mut()
        .for_each(|m| *m /= images.len().max(1) as f64);
    mean
}

/// Lower triangle of the inverse of the Cholesky factor of a symmetric positive matrix, whose lower triangle is read
/// (Golub and Van Loan 2013, algorithm 4.2.1).
fn inverse_factor(matrix: &[f64], n: usize) -> Vec<f32> {
    let mut factor = vec![0.0f64; n * n];
    for row in 0..n {
        for column in 0..=row {
            let dot: f64 = (0..column)
                .map(|k| factor[row * n + k] * factor[column * n + k])
                .sum();
            let rest = matrix[row * n + column] - dot;
            factor[row * n + column] = if row == column {
                rest.max(1e-12).sqrt()
            } else {
                rest / factor[column * n + column]
            };
        }
    }
    let mut inverse = vec![0.0f64; n * n];
    for column in 0..n {
        for row in column..n {
            let unit = if row == column { 1.0 } else { 0.0 };
            let dot: f64 = (column..row)
                .map(|k| factor[row * n + k] * inverse[k * n + column])
                .sum();
            inverse[row * n + column] = (unit - dot) / factor[row * n + row];
        }
    }
    (0..n)
        .flat_map(|row| inverse[row * n..=row * n + row].iter().map(|v| *v as f32))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use tumorlens_core::Seed;

    /// Features whose logarithms are a cloud around a centre, stretched along the first.
    fn cloud(seed: u64, count: usize, centre: f32) -> Vec<Vec<f32>> {
        let mut rng = Seed(seed).rng();
        let mut normal = || (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
        (0..count)
            .map(|_| at([centre + normal(), 0.1 * normal(), centre - 0.1 * normal()]))
            .collect()
    }

    /// Features with these logarithms.
    fn at(logarithms: [f32; 3]) -> Vec<f32> {
        logarithms.map(|l| l.exp() - SILENT).to_vec()
    }

    fn fitted(sources: usize) -> Familiarity {
        let kinds = [("axial tumor", 0.0), ("axial no_tumor", 6.0)];
        let training: Vec<(String, Vec<f32>)> = kinds
            .iter()
            .zip(1..)
            .flat_map(|((name, centre), seed)| {
                let all = cloud(seed, 400, *centre);
                all.into_iter().map(|f| ((*name).to_owned(), f))
            })
            .collect();
        Familiarity::fit(&training, &cloud(9, 400, 0.0), sources).unwrap()
    }

    #[test]
    fn distance_is_measured_in_deviations_of_each_direction_from_the_nearest_kind() {
        let familiarity = fitted(1);
        let root = 3f64.sqrt();
        for (features, expected) in [
            ([0.0, 0.0, 0.0], 0.0),
            ([6.0, 0.0, 6.0], 0.0),
            ([2.0, 0.0, 0.0], 2.0 / root),
            ([0.0, 0.2, 0.0], 2.0 / root),
            ([0.0, 0.0, 0.3], 3.0 / root),
        ] {
            let found = familiarity.distance(&at(features));
            assert!((found - expected).abs() < 0.2, "{features:?}: {found}");
        }
        assert_eq!(familiarity.kinds.len(), 2);
        assert!(familiarity.distance(&[1.0]).is_infinite());
    }

    #[test]
    fn fewer_than_one_usual_image_in_a_hundred_is_unusual_and_a_far_one_is_refused() {
        let several = fitted(2);
        let doubts = cloud(77, 4000, 0.0)
            .iter()
            .filter(|f| several.doubt(f) != Doubt::Usual)
            .count();
        assert!(doubts < 40, "{doubts} of 4000");
        let unusual = at([0.0, 0.6, 0.0]);
        assert!(matches!(several.doubt(&unusual), Doubt::Unusual(_)));
        let far = at([0.0, 0.0, 1.2]);
        let refused = several.doubt(&far);
        assert!(
            matches!(refused, Doubt::Unlike(times) if times > 2.0),
            "{refused:?}"
        );
        assert!(refused.reason().unwrap().contains("unlike the brain MRI"));
        // Who learnt from one source alone knows little of how others look.
        assert!(matches!(fitted(1).doubt(&far), Doubt::Unusual(_)));
    }

    #[test]
    fn what_cannot_be_fitted_says_why() {
        let named = |all: Vec<Vec<f32>>| -> Vec<(String, Vec<f32>)> {
            all.into_iter().map(|f| (String::new(), f)).collect()
        };
        let fit = |training, calibration: Vec<Vec<f32>>| {
            Familiarity::fit(&named(training), &calibration, 1).unwrap_err()
        };
        let few = fit(cloud(1, 5, 0.0), cloud(2, 5, 0.0));
        assert_eq!(
            few,
            FamiliarityError::TooFew {
                found: 5,
                features: 3
            }
        );
        let mut broken = cloud(1, 50, 0.0);
        broken[3][1] = f32::NAN;
        assert_eq!(fit(broken, cloud(2, 5, 0.0)), FamiliarityError::NotFinite);
        assert_eq!(
            fit(cloud(1, 50, 0.0), vec![]),
            FamiliarityError::NoCalibration
        );
    }

    #[test]
    fn a_feature_that_never_varies_does_no_harm_and_a_part_that_does_not_fit_is_refused() {
        let mut still = cloud(1, 100, 0.0);
        still.iter_mut().for_each(|f| f[1] = 2.0);
        let named: Vec<(String, Vec<f32>)> =
            still.iter().map(|f| (String::new(), f.clone())).collect();
        let familiarity = Familiarity::fit(&named, &still, 1).unwrap();
        assert!(familiarity.distance(&[1.0, 2.0, 1.0]).is_finite());
        assert_eq!(familiarity.check(3), Ok(()));
        assert!(familiarity.check(4).is_err());
        let mut torn = familiarity;
        torn.whitening.pop();
        assert!(torn.check(3).is_err());
    }
}
