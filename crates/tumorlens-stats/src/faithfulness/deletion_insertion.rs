//! Deletion and insertion: how the score falls when pixels are taken away in the order of the map, and rises when they
//! are put back (V. Petsiuk, A. Das, K. Saenko, "RISE", BMVC 2018).

use serde::{Deserialize, Serialize};

/// Pixels by falling map value, equal ones in row order: the order in which to take them away or put them back.
#[must_use]
pub fn by_importance(map: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..map.len()).collect();
    order.sort_by(|&a, &b| map[b].total_cmp(&map[a]));
    order
}

/// Scores of the explained class against the share of pixels changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawCurve", into = "RawCurve")]
pub struct PerturbationCurve {
    fractions: Vec<f64>,
    scores: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCurve {
    fractions: Vec<f64>,
    scores: Vec<f64>,
}

/// Numbers do not make a perturbation curve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// Not one score a fraction.
    #[error("perturbation curve: {scores} scores for {fractions} fractions")]
    Length {
        /// Number of scores.
        scores: usize,
        /// Number of fractions.
        fractions: usize,
    },
    /// Fractions that do not rise from 0 to 1.
    #[error("perturbation curve: the fractions must rise from 0 to 1")]
    Fractions,
    /// A score is infinite or not a number.
    #[error("perturbation curve: score {0} is not a finite number")]
    NotFinite(usize),
}

impl PerturbationCurve {
    /// Checks fractions, rising from exactly 0 to exactly 1, and the score at each.
    ///
    /// # Errors
    /// When lengths differ, the fractions do not rise from 0 to 1, or a score is not finite.
    pub fn new(fractions: Vec<f64>, scores: Vec<f64>) -> Result<Self, CurveError> {
        if fractions.len() != scores.len() {
            return Err(CurveError::Length {
                scores: scores.len(),
                fractions: fractions.len(),
            });
        }
        let ends = fractions.first() == Some(&0.0) && fractions.last() == Some(&1.0);
        if !ends || !fractions.is_sorted_by(|a, b| a < b) {
            return Err(CurveError::Fractions);
        }
        match scores.iter().position(|s| !s.is_finite()) {
            Some(i) => Err(CurveError::NotFinite(i)),
            None => Ok(Self { fractions, scores }),
        }
    }

    /// Share of pixels changed at each point, from 0 to 1.
    #[must_use]
    pub fn fractions(&self) -> &[f64] {
        &self.fractions
    }

    /// Score at each point.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// Area under the curve by the trapezoid rule, the mean score. For deletion smaller is better: the score falls as
    /// soon as what matters is gone. For insertion larger is better.
    #[must_use]
    pub fn area(&self) -> f64 {
        let points: Vec<_> = self.fractions.iter().zip(&self.scores).collect();
        points
            .windows(2)
            .map(|w| (w[1].0 - w[0].0) * (w[0].1 + w[1].1) / 2.0)
            .sum()
    }
}

impl TryFrom<RawCurve> for PerturbationCurve {
    type Error = CurveError;
    fn try_from(raw: RawCurve) -> Result<Self, CurveError> {
        Self::new(raw.fractions, raw.scores)
    }
}

impl From<PerturbationCurve> for RawCurve {
    fn from(curve: PerturbationCurve) -> Self {
        Self {
            fractions: curve.fractions,
            scores: curve.scores,
        }
    }
}
