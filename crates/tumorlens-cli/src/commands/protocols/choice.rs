//! Which of several configurations a protocol takes: the one that does best on what is left out of what it learns from
//! (nested validation; Varma and Simon 2006, doi:10.1186/1471-2105-7-91).

use super::candidates::Candidate;
use super::outcome::{COLUMNS, Outcome};
use super::{Terms, folder_name};
use crate::members::side_by_side;
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::mem::discriminant;
use std::path::{Path, PathBuf};
use tumorlens_core::Observer;
use tumorlens_data::dataset::{Dataset, HeldOut};

/// How one configuration did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tried {
    pub(super) configuration: String,
    /// Mean over the runs; absent where one of them gave none.
    pub(super) auroc: Option<f64>,
    /// One for each thing that was left out.
    pub(super) runs: Vec<Outcome>,
}

impl Terms<'_> {
    /// The candidate with the highest mean AUROC over what can be left out of the training and validation parts; of equals
    /// the first. With one candidate nothing is tried.
    pub(super) fn choose(
        &self,
        split: &Dataset,
        what: &HeldOut,
        folder: &Path,
        observer: &dyn Observer,
    ) -> anyhow::Result<(&Candidate, Vec<Tried>)> {
        if let [only] = self.candidates.as_slice() {
            return Ok((only, Vec::new()));
        }
        let within = self.within(split, what);
        ensure!(
            !within.is_empty(),
            "nothing to choose a configuration by: no site can be left out of what is learnt from with both classes on either side"
        );
        let count = self.candidates.len() * within.len();
        let runs = side_by_side("choice", count, observer, |number, observer| {
            let candidate = &self.candidates[number / within.len()];
            let (what, split) = &within[number % within.len()];
            // A guard changes no answer.
            let mut config = candidate.config.clone();
            config.guard.epochs = 0;
            let name = what.name();
            observer.say(&format!("{}, without {name}", candidate.name));
            let folder = run_folder(folder, &candidate.name, &name);
            self.outcome(name, &folder, || {
                let outcome = self.conduct(split, what, &config, &folder, observer)?;
                Ok(Outcome {
                    configuration: candidate.name.clone(),
                    ..outcome
                })
            })
        })?;
        let of_each = self.candidates.iter().zip(runs.chunks(within.len()));
        let tried: Vec<Tried> = of_each
            .map(|(candidate, runs)| Tried {
                configuration: candidate.name.clone(),
                auroc: mean(runs),
                runs: runs.to_vec(),
            })
            .collect();
        let best = best(&tried).with_context(|| {
            let reasons = tried.iter().flat_map(|t| &t.runs);
            let reasons: Vec<&str> = reasons.filter_map(|run| run.failed.as_deref()).collect();
            format!("no configuration came to a figure: {}", reasons.join("; "))
        })?;
        observer.say(&format!("chosen: {}", self.candidates[best].name));
        Ok((&self.candidates[best], tried))
    }

    /// What can be left out of the training and validation parts, so that both sides have every class, and the dataset that
    /// is left, split: of the kind that the protocol leaves out; where there is none, sites.
    pub(super) fn within(&self, split: &Dataset, what: &HeldOut) -> Vec<(HeldOut, Dataset)> {
        let open = split.without_test();
        let all = HeldOut::all(&open, &self.sites);
        let possible = |asked: &HeldOut| {
            let parts = open
                .held_out(asked, self.args.validation, self.seed())
                .ok()?;
            let classes = parts.classes.names();
            let mut classes = classes.iter();
            let tested = classes.all(|class| parts.part("test").any(|row| row.label == *class));
            tested.then(|| (asked.clone(), parts))
        };
        let of_kind = |kind: &HeldOut| -> Vec<(HeldOut, Dataset)> {
            let asked = all
                .iter()
                .filter(|a| discriminant(*a) == discriminant(kind));
            asked.filter_map(possible).collect()
        };
        let same = of_kind(what);
        if same.is_empty() {
            return of_kind(&HeldOut::Site(Vec::new()));
        }
        same
    }
}

/// Where, in the folder of a protocol, the run of a configuration lies.
pub(super) fn run_folder(folder: &Path, configuration: &str, left_out: &str) -> PathBuf {
    folder
        .join("choice")
        .join(folder_name(configuration))
        .join(folder_name(left_out))
}

/// The mean AUROC, where every run has one.
fn mean(runs: &[Outcome]) -> Option<f64> {
    let auroc = |run: &Outcome| run.figure(COLUMNS[0])?.get();
    let figures: Option<Vec<f64>> = runs.iter().map(auroc).collect();
    let figures = figures.filter(|figures| !figures.is_empty())?;
    Some(figures.iter().sum::<f64>() / figures.len() as f64)
}

/// The first of the highest.
fn best(tried: &[Tried]) -> Option<usize> {
    let known = tried
        .iter()
        .enumerate()
        .filter_map(|(i, t)| Some((i, t.auroc?)));
    known
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Measured;

    fn run(auroc: Measured) -> Outcome {
        Outcome {
            figures: vec![(COLUMNS[0].to_owned(), auroc)],
            ..Outcome::default()
        }
    }

    fn tried(figures: &[f64]) -> Tried {
        let runs: Vec<Outcome> = figures.iter().map(|f| run(Measured::value(*f))).collect();
        Tried {
            configuration: String::new(),
            auroc: mean(&runs),
            runs,
        }
    }

    #[test]
    fn the_highest_mean_is_taken_and_of_equals_the_first() {
        assert_eq!(best(&[tried(&[0.7, 0.8]), tried(&[0.9, 0.8])]), Some(1));
        assert_eq!(best(&[tried(&[0.75]), tried(&[0.75])]), Some(0));
    }

    #[test]
    fn a_configuration_that_failed_somewhere_is_not_taken() {
        let failed = Outcome::failed("site a".to_owned(), &anyhow::anyhow!("no image"));
        let runs = vec![run(Measured::value(1.0)), failed];
        let with_failure = Tried {
            configuration: String::new(),
            auroc: mean(&runs),
            runs,
        };
        assert_eq!(with_failure.auroc, None);
        assert_eq!(best(&[with_failure.clone(), tried(&[0.5])]), Some(1));
        assert_eq!(best(&[with_failure]), None);
        assert_eq!(mean(&[run(Measured::undefined("one class"))]), None);
        assert_eq!(mean(&[]), None);
    }
}
