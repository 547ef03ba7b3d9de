//! A measured figure: a value with its interval, or undefined with the reason.

use serde::{Deserialize, Serialize};

/// A two-sided interval of the given coverage, e.g. 0.95.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Coverage, e.g. 0.95.
    pub level: f64,
    /// How it was computed.
    pub method: IntervalMethod,
}

/// How an [`Interval`] was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Wilson score interval of a proportion (Wilson 1927).
    Wilson,
    /// Percentile bootstrap that resamples groups, not images (Efron 1979; cluster bootstrap).
    GroupBootstrap,
    /// DeLong variance of the AUROC (DeLong, DeLong and Clarke-Pearson 1988).
    DeLong,
    /// Newcombe's score-type interval of the AUROC (2006, method 5), where DeLong's variance is 0.
    Newcombe,
}

/// A figure that may be undefined. Undefined is never written as 0, 0.5 or NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measured {
    /// Defined: a finite value, with an interval where one was computed.
    Value {
        /// The point estimate, finite.
        value: f64,
        /// Its interval.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interval: Option<Interval>,
    },
    /// Undefined, with the reason.
    Undefined {
        /// Why there is no value.
        undefined: String,
    },
}

impl Measured {
    /// A value without interval; a value that is not finite becomes undefined.
    #[must_use]
    pub fn value(value: f64) -> Self {
        if value.is_finite() {
            Self::Value {
                value,
                interval: None,
            }
        } else {
            Self::undefined("not a finite number")
        }
    }

    /// A value with its interval.
    #[must_use]
    pub fn with_interval(value: f64, interval: Interval) -> Self {
        match Self::value(value) {
            Self::Value { value, .. } => Self::Value {
                value,
                interval: Some(interval),
            },
            undefined @ Self::Undefined { .. } => undefined,
        }
    }

    /// Undefined for this reason.
    #[must_use]
    pub fn undefined(reason: impl Into<String>) -> Self {
        Self::Undefined {
            undefined: reason.into(),
        }
    }

    /// The point estimate, if defined.
    #[must_use]
    pub fn get(&self) -> Option<f64> {
        match self {
            Self::Value { value, .. } => Some(*value),
            Self::Undefined { .. } => None,
        }
    }

    /// The interval, if there is one.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        match self {
            Self::Value { interval, .. } => *interval,
            Self::Undefined { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_becomes_undefined_and_undefined_keeps_its_reason() {
        assert_eq!(Measured::value(f64::NAN).get(), None);
        let undefined = Measured::undefined("no positive image");
        let json = serde_json::to_string(&undefined).unwrap();
        assert_eq!(json, r#"{"undefined":"no positive image"}"#);
        assert_eq!(serde_json::from_str::<Measured>(&json).unwrap(), undefined);
    }
}
