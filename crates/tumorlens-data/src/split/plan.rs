//! What a split should look like.

use super::SplitError;
use serde::{Deserialize, Serialize};

/// How images are divided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitPlan {
    /// Three parts with these shares of the images, each 0 to 1, together 1. `train` and `test` are above 0;
    /// `validation` may be 0.
    Holdout {
        /// Share of the training part.
        train: f64,
        /// Share of the validation part.
        validation: f64,
        /// Share of the test part.
        test: f64,
    },
    /// `k` folds of equal share, 2 to 100. Each is the test part once; see [`super::rotate`].
    KFold {
        /// Number of folds.
        k: usize,
    },
    /// One fold a source, in the order of the sources' names. Each is the test part once.
    LeaveOneSourceOut,
}

impl Default for SplitPlan {
    /// 70 % training, 15 % validation, 15 % test.
    fn default() -> Self {
        Self::Holdout {
            train: 0.7,
            validation: 0.15,
            test: 0.15,
        }
    }
}

impl SplitPlan {
    /// Checks shares and number of folds.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn check(self) -> Result<(), SplitError> {
        let error = |field, found: String, expected| {
            Err(SplitError::Plan {
                field,
                found,
                expected,
            })
        };
        match self {
            Self::Holdout {
                train,
                validation,
                test,
            } => {
                // Written so that NaN fails.
                for (field, share) in [("train", train), ("test", test)] {
                    if !(share > 0.0 && share < 1.0) {
                        return error(field, share.to_string(), "above 0 and below 1");
                    }
                }
                if !(0.0..1.0).contains(&validation) {
                    return error(
                        "validation",
                        validation.to_string(),
                        "0 or more and below 1",
                    );
                }
                let sum = train + validation + test;
                if (sum - 1.0).abs() > 1e-6 {
                    return error("train + validation + test", sum.to_string(), "1");
                }
                Ok(())
            }
            Self::KFold { k } if !(2..=100).contains(&k) => error("k", k.to_string(), "2 to 100"),
            Self::KFold { .. } | Self::LeaveOneSourceOut => Ok(()),
        }
    }
}

/// Checks the share of the training images that is set aside for validation.
pub(super) fn check_validation(share: f64) -> Result<(), SplitError> {
    if (0.0..1.0).contains(&share) {
        return Ok(());
    }
    Err(SplitError::Plan {
        field: "validation",
        found: share.to_string(),
        expected: "0 or more and below 1",
    })
}
