//! What is called without doubt, and how often that is right.

use super::Scored;
use crate::groups::Groups;
use crate::intervals::share_grouped;
use crate::undefined::{Undefined, measured};
use serde::{Deserialize, Serialize};
use tumorlens_core::{ClassSet, Measured, Probability};

/// Figures of a three-way call: negative below `low`, positive at or above `high`, referred between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriageFigures {
    /// Below it the negative class is called.
    pub low: Probability,
    /// At or above it the positive class is called.
    pub high: Probability,
    /// Share of images that are called, not referred.
    pub called: Measured,
    /// Share of these that are right.
    pub right: Measured,
    /// Share of all positive images that are called negative.
    pub missed: Measured,
    /// Share of all negative images that are called positive.
    pub false_alarms: Measured,
}

impl TriageFigures {
    /// Counts calls between the bounds, with Wilson's intervals at `level` over groups.
    #[must_use]
    pub fn of(
        classes: &ClassSet,
        images: &[Scored],
        (low, high): (Probability, Probability),
        level: f64,
    ) -> Self {
        let positive = classes.positive();
        let names: Vec<&str> = images.iter().map(|image| image.group.as_str()).collect();
        let groups = Groups::new(&names);
        // Of each image: whether it is positive, and the call, if any.
        let calls: Vec<(bool, Option<bool>)> = images
            .iter()
            .map(|image| {
                let p = image.probabilities.get(positive.0).copied();
                let call = match p.filter(|_| image.doubt.is_none()) {
                    Some(p) if p >= high => Some(true),
                    Some(p) if p < low => Some(false),
                    _ => None,
                };
                (image.label == positive, call)
            })
            .collect();
        let share = |of: &dyn Fn(bool, Option<bool>) -> Option<bool>, empty: Undefined| {
            let hits = calls.iter().map(|&(truth, call)| of(truth, call));
            share_grouped(&groups, hits, level).unwrap_or_else(|| measured(Err(empty)))
        };
        Self {
            low,
            high,
            called: share(&|_, call| Some(call.is_some()), Undefined::NoImage),
            right: share(
                &|truth, call| call.map(|c| c == truth),
                Undefined::NothingCalled,
            ),
            missed: share(
                &|truth, call| truth.then_some(call == Some(false)),
                Undefined::NoPositive,
            ),
            false_alarms: share(
                &|truth, call| (!truth).then_some(call == Some(true)),
                Undefined::NoNegative,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::ClassIndex;

    fn image(number: usize, positive: bool, p: f64) -> Scored {
        let p = Probability::new(p).unwrap();
        Scored {
            path: number.to_string(),
            group: number.to_string(),
            source: "s".to_owned(),
            label: ClassIndex(usize::from(positive)),
            probabilities: vec![Probability::new(1.0 - p.get()).unwrap(), p],
            tags: Default::default(),
            doubt: None,
        }
    }

    fn value(measured: &Measured) -> f64 {
        match measured {
            Measured::Value { value, .. } => *value,
            Measured::Undefined { undefined } => panic!("{undefined}"),
        }
    }

    #[test]
    fn images_between_the_bounds_are_neither_right_nor_wrong() {
        let scores = [
            (true, 0.9),
            (true, 0.6),
            (true, 0.5),
            (true, 0.1),
            (false, 0.7),
            (false, 0.3),
            (false, 0.2),
            (false, 0.1),
        ];
        let images: Vec<Scored> = (0..8).map(|i| image(i, scores[i].0, scores[i].1)).collect();
        let bounds = (
            Probability::new(0.3).unwrap(),
            Probability::new(0.6).unwrap(),
        );
        let figures = TriageFigures::of(&ClassSet::tumor(), &images, bounds, 0.95);
        // Referred: 0.5 and 0.3; the upper bound itself is called.
        assert!((value(&figures.called) - 6.0 / 8.0).abs() < 1e-12);
        assert!((value(&figures.right) - 4.0 / 6.0).abs() < 1e-12);
        assert!((value(&figures.missed) - 0.25).abs() < 1e-12);
        assert!((value(&figures.false_alarms) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn where_nothing_is_called_nothing_can_be_right() {
        let bounds = (
            Probability::new(0.0).unwrap(),
            Probability::new(1.0).unwrap(),
        );
        let images = [image(0, true, 0.5), image(1, false, 0.5)];
        let figures = TriageFigures::of(&ClassSet::tumor(), &images, bounds, 0.95);
        assert!(matches!(figures.right, Measured::Undefined { .. }));
        assert!((value(&figures.called)).abs() < 1e-12);
    }
}
