//! A two-class question about a list of images, prepared once so that each bootstrap replicate is a walk over it.

use super::Scored;
use crate::calibration::{Bins, Tally, squared_error, surprise};
use crate::confusion::Confusion;
use crate::groups::Groups;
use crate::intervals::GroupTally;
use crate::metric::Metric;
use crate::precision_recall::average;
use crate::ranking::Ranking;
use crate::roc::area;
use crate::undefined::Undefined;
use tumorlens_core::ClassIndex;

/// "Is it this class?", with the scores and the calls at each operating point.
pub(crate) struct Part {
    truth: Vec<bool>,
    scores: Vec<f64>,
    calls: Vec<(String, Vec<bool>)>,
    groups: Groups,
    ranking: Option<Ranking>,
}

impl Part {
    pub(crate) fn new(
        class: ClassIndex,
        images: &[&Scored],
        calls: Vec<(String, Vec<bool>)>,
    ) -> Self {
        let truth = images.iter().map(|image| image.label == class).collect();
        let scores = images
            .iter()
            .map(|image| image.probabilities[class.0].get())
            .collect();
        let groups: Vec<&str> = images.iter().map(|image| image.group.as_str()).collect();
        Self::assemble(truth, scores, calls, Groups::new(&groups))
    }

    /// The images at these positions.
    pub(crate) fn subset(&self, positions: &[usize]) -> Self {
        let truth = positions.iter().map(|&i| self.truth[i]).collect();
        let scores = positions.iter().map(|&i| self.scores[i]).collect();
        let pick = |called: &Vec<bool>| positions.iter().map(|&i| called[i]).collect();
        let calls = self
            .calls
            .iter()
            .map(|(name, called)| (name.clone(), pick(called)))
            .collect();
        let groups: Vec<usize> = positions.iter().map(|&i| self.groups.of()[i]).collect();
        Self::assemble(truth, scores, calls, Groups::new(&groups))
    }

    fn assemble(
        truth: Vec<bool>,
        scores: Vec<f64>,
        calls: Vec<(String, Vec<bool>)>,
        groups: Groups,
    ) -> Self {
        let ranking = Ranking::new(&truth, &scores).ok();
        Self {
            truth,
            scores,
            calls,
            groups,
            ranking,
        }
    }

    pub(crate) fn truth(&self) -> &[bool] {
        &self.truth
    }

    pub(crate) fn scores(&self) -> &[f64] {
        &self.scores
    }

    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Calls by the name of the operating point.
    pub(crate) fn calls(&self) -> &[(String, Vec<bool>)] {
        &self.calls
    }

    /// Absent without images.
    pub(crate) fn ranking(&self) -> Option<&Ranking> {
        self.ranking.as_ref()
    }

    /// A function that gives, for how often each image is there, the figures of the scores in the order of
    /// [`Metric::OF_SCORES`], then those of the calls at each point in the order of [`Metric::OF_CALLS`].
    pub(crate) fn statistics<'a>(
        &'a self,
        bins: &'a Bins,
    ) -> impl Fn(&[u32]) -> Vec<Result<f64, Undefined>> + Sync + 'a {
        let cases = || self.truth.iter().zip(&self.scores);
        let errors: Vec<f64> = cases().map(|(&t, &p)| squared_error(t, p)).collect();
        let surprises: Vec<f64> = cases()
            .map(|(&t, &p)| surprise(if t { p } else { 1.0 - p }))
            .collect();
        let bin_of: Vec<usize> = self.scores.iter().map(|&p| bins.find(p)).collect();
        move |times| {
            let ranking = self.ranking.as_ref().ok_or(Undefined::NoImage);
            let tally = Tally::count(bins.count(), &bin_of, &self.truth, &self.scores, |i| {
                times[i]
            });
            let scores = Metric::OF_SCORES.map(|metric| match metric {
                Metric::Auroc => ranking.clone().and_then(|r| area(r.resampled(times))),
                Metric::Auprc => ranking.clone().and_then(|r| average(r.resampled(times))),
                Metric::Brier => weighted_mean(&errors, times),
                Metric::LogLoss => weighted_mean(&surprises, times),
                _ => tally.ece(),
            });
            let calls = self
                .calls
                .iter()
                .flat_map(|(_, called)| self.confusion(called, times).figures());
            scores.into_iter().chain(calls).collect()
        }
    }

    /// Counts of these calls when image i is there `times[i]` times.
    pub(crate) fn confusion(&self, called: &[bool], times: &[u32]) -> Confusion {
        Confusion::tally(
            self.truth
                .iter()
                .zip(called)
                .zip(times)
                .map(|((&t, &c), &n)| (t, c, n)),
        )
    }

    /// For a figure that is a share of images: successes and trials by group.
    pub(crate) fn tallies(&self, metric: Metric, called: &[bool]) -> Option<Vec<GroupTally>> {
        let case: fn(bool, bool) -> (bool, bool) = match metric {
            Metric::Accuracy => |truth, call| (true, truth == call),
            Metric::Sensitivity => |truth, call| (truth, call),
            Metric::Specificity => |truth, call| (!truth, !call),
            Metric::Ppv => |truth, call| (call, truth),
            Metric::Npv => |truth, call| (!call, !truth),
            _ => return None,
        };
        let mut tallies = vec![GroupTally::default(); self.groups.count()];
        for ((&group, &truth), &call) in self.groups.of().iter().zip(&self.truth).zip(called) {
            let (tried, succeeded) = case(truth, call);
            tallies[group].trials += u64::from(tried);
            tallies[group].successes += u64::from(tried && succeeded);
        }
        Some(tallies)
    }
}

/// Mean of values of which value i is there `times[i]` times.
pub(crate) fn weighted_mean(values: &[f64], times: &[u32]) -> Result<f64, Undefined> {
    let images: u64 = times.iter().map(|&n| u64::from(n)).sum();
    if images == 0 {
        return Err(Undefined::NoImage);
    }
    Ok(values
        .iter()
        .zip(times)
        .map(|(v, &n)| v * f64::from(n))
        .sum::<f64>()
        / images as f64)
}
