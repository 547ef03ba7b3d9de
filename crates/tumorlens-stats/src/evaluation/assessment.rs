//! Figures of a two-class question with their intervals.

use super::EvaluationSettings;
use super::part::Part;
use crate::bootstrap::{Replicates, Resampling, bootstrap};
use crate::confusion::Confusion;
use crate::delong::delong;
use crate::intervals::wilson_grouped;
use crate::metric::{Figures, Metric};
use crate::undefined::{Undefined, measured};
use serde::{Deserialize, Serialize};
use tumorlens_core::{Interval, Measured};

/// Figures of one list of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Figures of the scores, [`Metric::OF_SCORES`].
    pub scores: Figures,
    /// At each operating point.
    pub points: Vec<PointFigures>,
}

/// What follows from the calls at one operating point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointFigures {
    /// Name of the operating point.
    pub name: String,
    /// Counts.
    pub confusion: Confusion,
    /// Figures of the calls, [`Metric::OF_CALLS`].
    pub figures: Figures,
}

/// Computes all figures, and their intervals from one set of replicates. The replicates come along, with their
/// statistics in the order of [`Part::statistics`].
pub(super) fn assess(
    part: &Part,
    settings: &EvaluationSettings,
    resampling: Resampling,
) -> (Assessment, Replicates) {
    let statistics = part.statistics(&settings.bins);
    let once = vec![1u32; part.truth().len()];
    let mut values = statistics(&once).into_iter();
    let replicates = bootstrap(part.groups(), resampling, |times| {
        statistics(times).into_iter().map(Result::ok).collect()
    });
    let mut column = 0..;
    let mut next = |interval: Option<Interval>| {
        let value = values.next().unwrap_or(Err(Undefined::NoImage));
        let interval = interval.or(replicates.interval(column.next().unwrap_or_default()));
        with(value, interval)
    };
    let auroc = delong(part.truth(), part.scores(), part.groups())
        .ok()
        .and_then(|d| d.interval(resampling.level));
    let scores = Metric::OF_SCORES
        .map(|metric| (metric, next(auroc.filter(|_| metric == Metric::Auroc))))
        .into();
    let mut point = |(name, called): &(String, Vec<bool>)| {
        let share = |metric| {
            part.tallies(metric, called)
                .and_then(|t| wilson_grouped(&t, resampling.level))
        };
        PointFigures {
            name: name.clone(),
            confusion: part.confusion(called, &once),
            figures: Metric::OF_CALLS
                .map(|metric| (metric, next(share(metric))))
                .into(),
        }
    };
    let points = part.calls().iter().map(&mut point).collect();
    (Assessment { scores, points }, replicates)
}

/// A value with its interval, or the reason why there is none.
pub(super) fn with(value: Result<f64, Undefined>, interval: Option<Interval>) -> Measured {
    match (value, interval) {
        (Ok(value), Some(interval)) => Measured::with_interval(value, interval),
        (value, _) => measured(value),
    }
}
