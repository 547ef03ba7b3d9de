//! A probability as a type: it cannot hold 1.3 or NaN.

use serde::{Deserialize, Serialize};

/// A finite number in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

/// The number was outside [0, 1] or not finite.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a probability (0 to 1)")]
pub struct ProbabilityError(pub f64);

impl Probability {
    /// One half.
    pub const HALF: Self = Self(0.5);

    /// Checks the number.
    ///
    /// # Errors
    /// When it lies outside [0, 1] or is not finite.
    pub fn new(value: f64) -> Result<Self, ProbabilityError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(ProbabilityError(value))
        }
    }

    /// The logistic function of a logit; `None` for NaN.
    #[must_use]
    pub fn from_logit(logit: f64) -> Option<Self> {
        // Written for either sign so that neither exponential overflows.
        let p = if logit >= 0.0 {
            1.0 / (1.0 + (-logit).exp())
        } else {
            logit.exp() / (1.0 + logit.exp())
        };
        Self::new(p).ok()
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = ProbabilityError;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(p: Probability) -> Self {
        p.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_from_zero_to_one_are_probabilities() {
        assert!(Probability::new(1.3).is_err());
        assert!(Probability::new(f64::NAN).is_err());
        assert!(Probability::new(-0.0001).is_err());
        assert_eq!(
            Probability::from_logit(800.0).map(Probability::get),
            Some(1.0)
        );
        assert_eq!(
            Probability::from_logit(-800.0).map(Probability::get),
            Some(0.0)
        );
        assert_eq!(
            Probability::from_logit(0.0).map(Probability::get),
            Some(0.5)
        );
        assert_eq!(Probability::from_logit(f64::NAN), None);
    }
}
