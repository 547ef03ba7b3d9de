//! Grey-level run lengths (IBSI 3.7; Galloway 1975).

use super::{DIRECTIONS, Feature, Levels, entropy};
use std::collections::BTreeMap;

pub(super) fn features(levels: &Levels) -> Vec<Feature> {
    // How many runs there are of each level and length.
    let mut runs: BTreeMap<(u16, u32), f64> = BTreeMap::new();
    let mut pixels = 0.0;
    for (at, &level) in levels.of.iter().enumerate().filter(|(_, l)| **l > 0) {
        pixels += 1.0;
        for (dx, dy) in DIRECTIONS {
            if levels.beside(at, (-dx, -dy)).1 == level {
                continue; // Inside a run, not at its start.
            }
            let (mut length, mut here) = (1, at);
            loop {
                let (next, beside) = levels.beside(here, (dx, dy));
                if beside != level {
                    break;
                }
                (length, here) = (length + 1, next);
            }
            *runs.entry((level, length)).or_default() += 1.0;
        }
    }
    let total: f64 = runs.values().sum();
    let cells = || {
        runs.iter()
            .map(|((level, length), n)| (f64::from(*level), f64::from(*length), n / total))
    };
    let sum = |of: &dyn Fn(f64, f64) -> f64| cells().map(|(i, j, p)| of(i, j) * p).sum::<f64>();
    let marginal = |of: &dyn Fn(&(u16, u32)) -> u32| {
        let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
        for (key, n) in &runs {
            *sums.entry(of(key)).or_default() += n / total;
        }
        sums.values().map(|p| p * p).sum::<f64>()
    };
    let (level, length) = (sum(&|i, _| i), sum(&|_, j| j));
    vec![
        ("run length short runs emphasis", sum(&|_, j| 1.0 / (j * j))),
        ("run length long runs emphasis", sum(&|_, j| j * j)),
        (
            "run length low grey level emphasis",
            sum(&|i, _| 1.0 / (i * i)),
        ),
        ("run length high grey level emphasis", sum(&|i, _| i * i)),
        (
            "run length grey level non-uniformity",
            marginal(&|k| u32::from(k.0)),
        ),
        ("run length non-uniformity", marginal(&|k| k.1)),
        (
            "run length percentage",
            total / (pixels * DIRECTIONS.len() as f64),
        ),
        (
            "run length grey level variance",
            sum(&|i, _| (i - level).powi(2)),
        ),
        ("run length variance", sum(&|_, j| (j - length).powi(2))),
        ("run length entropy", entropy(cells().map(|(_, _, p)| p))),
    ]
}
