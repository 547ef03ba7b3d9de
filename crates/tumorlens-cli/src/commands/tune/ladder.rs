//! Which trials are ended early: successive halving in brackets of different patience (Hyperband, Li et al. 2018), asked
//! after every epoch without waiting for others (ASHA, Li et al. 2020).

use super::study_file::{End, Study, Trial};
use optimizer::pruner::{Pruner, SuccessiveHalvingPruner};
use optimizer::sampler::CompletedTrial;
use optimizer::{Direction, TrialState};
use std::collections::HashMap;

/// Of those that come as far as a rung, one in so many goes on.
const REDUCTION: u64 = 3;

/// Brackets of successive trials. Bracket 0 never ends a trial; 1 looks for the first time after a third of all steps,
/// 2 after a ninth. More trials are in impatient brackets, where each costs less; the first is the configuration as it
/// was given, which is the measure of all others.
const BRACKETS: [u32; 6] = [0, 2, 1, 2, 1, 2];

/// Whether others of its bracket that came as far were better. `steps` is how many a whole trial has.
pub(super) fn ends(study: &Study, trial: &Trial, steps: u64) -> bool {
    let bracket = |number: usize| BRACKETS[number % BRACKETS.len()];
    let own = bracket(trial.number);
    let Some((step, _)) = trial.steps.last() else {
        return false;
    };
    if own == 0 || trial.number == 0 {
        return false;
    }
    let first = steps.div_ceil(REDUCTION.pow(own)).max(1);
    let pruner = SuccessiveHalvingPruner::new()
        .min_resource(first)
        .max_resource(steps)
        .reduction_factor(REDUCTION)
        .direction(Direction::Maximize);
    let others: Vec<CompletedTrial> = study
        .trials
        .iter()
        .filter(|t| t.number != trial.number && bracket(t.number) == own)
        .filter(|t| !matches!(t.end, Some(End::Failed(_))))
        .map(curve)
        .collect();
    pruner.should_prune(trial.number as u64, *step, &trial.steps, &others)
}

/// A trial as the library has it; one still at work counts as far as it came.
fn curve(trial: &Trial) -> CompletedTrial {
    let mut curve = CompletedTrial::new(
        trial.number as u64,
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        trial.steps.last().map_or(0.0, |(_, figure)| *figure),
    );
    curve.intermediate_values.clone_from(&trial.steps);
    curve.state = TrialState::Complete;
    curve
}

#[cfg(test)]
mod tests {
    use super::super::space::Values;
    use super::super::study_file::tests::terms;
    use super::*;

    fn trial(number: usize, steps: u64, figure: f64) -> Trial {
        Trial {
            number,
            values: Values::new(),
            steps: (1..=steps).map(|step| (step, figure)).collect(),
            end: None,
        }
    }

    /// Trials of the bracket that looks first after a ninth of 18 steps.
    fn study(figures: &[f64]) -> Study {
        let impatient = [1, 3, 5, 7, 9, 11];
        let trials = impatient.iter().zip(figures);
        Study {
            terms: terms(),
            trials: trials.map(|(n, figure)| trial(*n, 18, *figure)).collect(),
        }
    }

    #[test]
    fn only_the_best_third_at_a_rung_goes_on() {
        let study = study(&[0.6, 0.7, 0.8]);
        assert!(ends(&study, &trial(7, 2, 0.65), 18));
        assert!(!ends(&study, &trial(7, 2, 0.75), 18));
        assert!(
            !ends(&study, &trial(7, 1, 0.1), 18),
            "before the first rung"
        );
        assert!(!ends(&study, &trial(7, 18, 0.1), 18), "at the end");
    }

    #[test]
    fn a_trial_is_compared_with_its_own_bracket_and_with_enough_of_it() {
        let many = study(&[0.6, 0.7, 0.8]);
        assert!(!ends(&many, &trial(8, 6, 0.1), 18), "another bracket");
        assert!(!ends(&many, &trial(6, 17, 0.1), 18), "the patient bracket");
        assert!(!ends(&study(&[0.8, 0.9]), &trial(7, 2, 0.1), 18));
    }

    #[test]
    fn trials_that_failed_are_no_measure() {
        let mut study = study(&[0.6, 0.7, 0.8]);
        study.trials[0].end = Some(End::Failed("diverged".to_owned()));
        assert!(!ends(&study, &trial(7, 2, 0.1), 18));
    }
}
