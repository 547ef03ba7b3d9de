//! How like its training images an image is, by what the network makes of it.
//!
//! Training images of a kind (a plane and a class) gather around a mean in the space of the network's deepest features, all
//! kinds with one covariance. The Mahalanobis distance to the nearest mean says how far an image lies from all of them
//! (Lee et al. 2018, there over classes alone). The measure is what images outside of training keep: somewhat beyond it
//! an image is unusual and a person should look; far beyond it, it is no image that the model may judge. What lies near and
//! is no head all the same, [`Strangers`] tell.

use super::strangers::Strangers;
use crate::network::Features;
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
    /// What tells heads from other pictures; absent where no decoys were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strangers: Option<Strangers>,
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
    /// More like a decoy than heads are: its score and the bound that it is beyond.
    Strange(Beyond),
    /// So much more like a decoy that no answer should be given.
    Stranger(Beyond),
}

/// A score of [`Strangers`] and the bound that it is beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beyond {
    /// Logarithm of the odds of a decoy.
    pub score: f64,
    /// What heads keep.
    pub bound: f64,
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
        training: &[(String, Features)],
        calibration: &[Features],
        sources: usize,
    ) -> Result<Self, FamiliarityError> {
        let features = training.first().map_or(0, |(_, f)| f.deepest().len());
        let sound =
            |f: &Features| f.deepest().len() == features && f.all().iter().all(|v| v.is_finite());
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
            .map(|(kind, f)| (kind.as_str(), spoken(f.deepest())))
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
            strangers: None,
        };
        let calibration: Vec<&Features> = calibration.iter().collect();
        familiarity.usual = familiarity.usual_among(&calibration).max(1e-6);
        Ok(familiarity)
    }

    /// Learns to tell features of heads from those of decoys; few of the other images are to be taken for decoys.
    pub fn learn_strangers(
        &mut self,
        heads: &[&Features],
        decoys: &[&Features],
        others: &[&Features],
    ) {
        let [heads, decoys] = [heads, decoys].map(all_spoken);
        let learnt = Strangers::fit(&slices(&heads), &slices(&decoys));
        self.strangers = learnt.filter(|_| !others.is_empty()).map(|mut learnt| {
            learnt.set_bounds(&strangeness(&learnt, others));
            learnt
        });
    }

    /// Takes the images of a site as usual too, so that its scanner alone makes none unusual.
    pub fn widen(&mut self, site: &[&Features]) {
        if site.is_empty() {
            return;
        }
        self.usual = self.usual.max(self.usual_among(site));
        if let Some(strangers) = &mut self.strangers {
            let scores = strangeness(strangers, site);
            strangers.widen(&scores);
        }
    }

    /// Distance that 99 % of some images keep.
    fn usual_among(&self, images: &[&Features]) -> f64 {
        let distances: Vec<f64> = images.iter().map(|f| self.distance(f)).collect();
        quantile(&distances, USUAL)
    }

    /// Distance to the nearest kind, in standard deviations a feature; infinite for features that do not fit.
    #[must_use]
    pub fn distance(&self, features: &Features) -> f64 {
        let least = self
            .nearest_squared(features)
            .map_or(f64::INFINITY, |(_, s)| s);
        (least / features.deepest().len().max(1) as f64).sqrt()
    }

    /// The nearest kind; none for features that do not fit.
    #[must_use]
    pub fn nearest(&self, features: &Features) -> Option<&Kind> {
        self.nearest_squared(features).map(|(kind, _)| kind)
    }

    fn nearest_squared(&self, features: &Features) -> Option<(&Kind, f64)> {
        let features = spoken(features.deepest());
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
    pub fn doubt(&self, features: &Features) -> Doubt {
        let strange = self.strangers.as_ref().map_or(Doubt::Usual, |strangers| {
            let score = strange_by(strangers, features);
            let beyond = |bound| Beyond { score, bound };
            if score.is_nan() || score > strangers.refused {
                Doubt::Stranger(beyond(strangers.refused))
            } else if score > strangers.unusual {
                Doubt::Strange(beyond(strangers.unusual))
            } else {
                Doubt::Usual
            }
        });
        if strange.refuses() {
            return strange;
        }
        let times = self.distance(features) / self.usual;
        if times > self.refused || times.is_nan() {
            Doubt::Unlike(times)
        } else if times > UNUSUAL {
            Doubt::Unusual(times)
        } else {
            strange
        }
    }

    /// Whether it fits so many features of the deepest level, and so many of all.
    pub(super) fn check(&self, features: usize, all: usize) -> Result<(), String> {
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
        if !sound {
            return Err("a number is not finite".to_owned());
        }
        let strangers = self.strangers.as_ref();
        strangers.map_or(Ok(()), |strangers| strangers.check(all))
    }
}

impl Doubt {
    /// Whether no answer should be given.
    #[must_use]
    pub fn refuses(self) -> bool {
        matches!(self, Self::Unlike(_) | Self::Stranger(_))
    }

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
            Self::Strange(Beyond { score, bound }) => Some(format!(
                "unusual image: nearer to pictures that are no head than others are ({score:.1}, usual is up to {bound:.1})"
            )),
            Self::Stranger(Beyond { score, bound }) => Some(format!(
                "does not look like brain MRI: to the model it is nearer to pictures that are no head ({score:.1}, at most {bound:.1})"
            )),
        }
    }
}

/// The value that this share of the finite ones does not exceed; 0 without any.
pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.retain(|v| v.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    let at = (values.len() as f64 * share).ceil() as usize;
    values.get(at.max(1) - 1).copied().unwrap_or_default()
}

fn all_spoken(rows: &[&Features]) -> Vec<Vec<f32>> {
    rows.iter().map(|f| spoken(f.all())).collect()
}

fn strangeness(strangers: &Strangers, images: &[&Features]) -> Vec<f64> {
    images.iter().map(|f| strange_by(strangers, f)).collect()
}

/// How much more like a decoy than like a head an image is, by its features and by a [guard](crate::guard), where there is one: both
/// are logarithms of odds, and add up as those of two witnesses do.
fn strange_by(strangers: &Strangers, features: &Features) -> f64 {
    let guard = features.guard().map_or(0.0, f64::from);
    strangers.score(&spoken(features.all())) + guard
}

fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
    rows.iter().map(Vec::as_slice).collect()
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
mod tests;
