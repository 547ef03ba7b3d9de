//! Evaluation statistics: pure functions on slices, in `f64`, without input or output.
//!
//! | question | module |
//! | --- | --- |
//! | how many calls are right? | [`confusion`] |
//! | how well do the scores rank? | [`roc`], [`precision_recall`], over a [`ranking`] that is sorted once |
//! | do probabilities mean what they say? | [`calibration`] |
//! | how far does a figure carry? | [`intervals`], [`delong`], [`bootstrap`], over [`groups`] |
//! | where is the line between the calls? | [`operating_point`] |
//! | all of it, for a list of scored images | [`evaluation`], over folds [`crossval`] |
//! | is one model better than another? | [`comparison`] |
//! | do heat maps show the lesion? | [`faithfulness`] |
//!
//! Three rules hold throughout. A figure that is undefined says why ([`undefined`]) and is never 0, 0.5 or NaN. Images
//! of one group (copies of a slice, slices of a subject) are never taken as independent. The same seed gives the same
//! bits, whatever the number of threads.
//!
//! ```
//! use std::collections::BTreeMap;
//! use tumorlens_core::{ClassIndex, ClassSet, Probability, Seed};
//! use tumorlens_stats::evaluation::{EvaluationSettings, Scored, evaluate};
//! use tumorlens_stats::metric::Metric;
//! use tumorlens_stats::operating_point::Rule;
//!
//! // The line is drawn on validation images ...
//! let point = Rule::Youden.choose(&[true, true, false, false], &[0.8, 0.6, 0.4, 0.1])?;
//!
//! // ... and the test images are judged with it.
//! let image = |i: usize, tumor: bool, p: f64| Scored {
//!     path: format!("{i}.png"),
//!     group: format!("subject {}", i / 2),
//!     source: "hospital A".into(),
//!     label: ClassIndex(usize::from(tumor)),
//!     probabilities: [1.0 - p, p].map(|p| Probability::new(p).unwrap()).to_vec(),
//!     tags: BTreeMap::new(),
//!     doubt: None,
//! };
//! let test = [image(0, true, 0.9), image(1, true, 0.7), image(2, false, 0.2), image(3, false, 0.6)];
//! let evaluation = evaluate(&ClassSet::tumor(), &test, &[point], &EvaluationSettings::seeded(Seed(1)))?;
//!
//! let figures = evaluation.key_figures("youden");
//! assert_eq!(figures[&Metric::Accuracy].get(), Some(0.75));
//! assert_eq!(figures[&Metric::Sensitivity].get(), Some(1.0));
//! // Two groups only: the interval is wide, as it should be.
//! let interval = figures[&Metric::Sensitivity].interval().unwrap();
//! assert!(interval.low < 0.3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bootstrap;
pub mod calibration;
pub mod comparison;
pub mod confusion;
pub mod crossval;
pub mod delong;
pub mod evaluation;
pub mod faithfulness;
pub mod groups;
pub mod intervals;
pub mod metric;
mod midrank;
pub mod operating_point;
pub mod precision_recall;
pub mod ranking;
pub mod roc;
pub mod texture;
pub mod undefined;
