//! The bootstrap over groups (cluster bootstrap): groups are drawn with replacement, each bringing all its images.
//!
//! A replicate is written as how often each image is there. So everything that can be sorted or computed once an image
//! stays so, and all figures are taken from the same replicates.

use crate::groups::Groups;
use crate::intervals::percentile_interval;
use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tumorlens_core::{Interval, Seed};

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resampling {
    /// Number of replicates; 0 for no intervals. Default 2000.
    pub replicates: usize,
    /// Coverage of the intervals, above 0 and below 1. Default 0.95.
    pub level: f64,
    /// Replicate i is drawn from `seed.derive("bootstrap").index(i)`.
    pub seed: Seed,
}

impl Resampling {
    /// The defaults with this seed.
    #[must_use]
    pub fn seeded(seed: Seed) -> Self {
        Self {
            replicates: 2000,
            level: 0.95,
            seed,
        }
    }

    /// The same for another consumer, with a seed of its own.
    pub(crate) fn derive(self, consumer: &str) -> Self {
        Self {
            seed: self.seed.derive(consumer),
            ..self
        }
    }
}

/// Statistics of every replicate.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicates {
    rows: Vec<Vec<Option<f64>>>,
    level: f64,
}

/// Draws replicates and computes `statistics` on each. The function gets how often each image is there, and gives the
/// same number of statistics each time, `None` where one is undefined. Replicates run in parallel; the result does not
/// depend on the number of threads.
///
/// With fewer than two groups nothing can be resampled and there are no replicates.
pub fn bootstrap<F>(groups: &Groups, resampling: Resampling, statistics: F) -> Replicates
where
    F: Fn(&[u32]) -> Vec<Option<f64>> + Sync,
{
    let replicates = if groups.count() < 2 {
        0
    } else {
        resampling.replicates
    };
    let seed = resampling.seed.derive("bootstrap");
    let rows = (0..replicates)
        .into_par_iter()
        .map(|i| statistics(&draw(groups, seed.index(i as u64))))
        .collect();
    Replicates {
        rows,
        level: resampling.level,
    }
}

/// How often each image is there when as many groups are drawn as exist.
fn draw(groups: &Groups, seed: Seed) -> Vec<u32> {
    let mut rng = seed.rng();
    let mut times = vec![0u32; groups.count()];
    for _ in 0..groups.count() {
        // The high half of a 128-bit product maps 64 random bits to 0..count (Lemire 2019). Written out, because
        // published intervals must not change when a library changes its way of drawing.
        let drawn = (u128::from(rng.next_u64()) * groups.count() as u128) >> 64;
        times[drawn as usize] += 1;
    }
    groups.of().iter().map(|&g| times[g]).collect()
}

impl Replicates {
    /// Percentile interval of statistic number `statistic` (Efron 1979), or `None` when it would mislead: without
    /// replicates, when the statistic is undefined in more than one replicate of twenty, or when all replicates agree
    /// (a figure at its bound, e.g. no error made, where resampling shows no spread though there is some).
    #[must_use]
    pub fn interval(&self, statistic: usize) -> Option<Interval> {
        let values: Vec<f64> = self
            .column(statistic)
            .flatten()
            .filter(|v| v.is_finite())
            .collect();
        if values.len() * 20 < self.rows.len() * 19 {
            return None;
        }
        percentile_interval(values, self.level)
    }

    /// One statistic of every replicate, in the order of the replicates.
    pub fn column(&self, statistic: usize) -> impl Iterator<Item = Option<f64>> + '_ {
        self.rows
            .iter()
            .map(move |row| row.get(statistic).copied().flatten())
    }

    /// Mean over several bootstraps, replicate by replicate: the replicates of a mean over folds, each fold resampled
    /// by itself. A statistic that is undefined in one fold is undefined in the mean.
    #[must_use]
    pub fn mean(parts: &[&Self]) -> Self {
        let level = parts.first().map_or(0.95, |p| p.level);
        let replicates = parts.iter().map(|p| p.rows.len()).min().unwrap_or(0);
        let statistics = parts
            .iter()
            .flat_map(|p| p.rows.iter().map(Vec::len))
            .min()
            .unwrap_or(0);
        let mean = |i: usize, k: usize| {
            let sum = parts
                .iter()
                .try_fold(0.0, |sum, p| p.rows[i][k].map(|v| sum + v));
            sum.map(|s| s / parts.len() as f64)
        };
        let rows = (0..replicates)
            .map(|i| (0..statistics).map(|k| mean(i, k)).collect())
            .collect();
        Self { rows, level }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(values: &[f64], times: &[u32]) -> Vec<Option<f64>> {
        let n: u32 = times.iter().sum();
        vec![Some(
            values
                .iter()
                .zip(times)
                .map(|(v, &t)| v * f64::from(t))
                .sum::<f64>()
                / f64::from(n),
        )]
    }

    #[test]
    fn images_of_one_group_are_drawn_together() {
        let groups = Groups::new(&["a", "b", "a", "c"]);
        for i in 0..50 {
            let times = draw(&groups, Seed(1).index(i));
            assert_eq!(times[0], times[2]);
            assert_eq!(times[0] + times[1] + times[3], 3);
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let groups = Groups::singletons(40);
        let values: Vec<f64> = (0..40).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                bootstrap(&groups, Resampling::seeded(Seed(3)), |times| {
                    mean_of(&values, times)
                })
            })
        };
        assert_eq!(on(1), on(2));
    }

    #[test]
    fn the_interval_of_a_mean_is_near_the_one_of_theory() {
        // 400 values 0 or 1 at random places: standard error 0.025, so 0.5 -+ 0.049.
        let groups = Groups::singletons(400);
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        let replicates = bootstrap(&groups, Resampling::seeded(Seed(5)), |times| {
            mean_of(&values, times)
        });
        let interval = replicates.interval(0).unwrap();
        assert!(
            (interval.low - 0.451).abs() < 0.006 && (interval.high - 0.549).abs() < 0.006,
            "{interval:?}"
        );
    }

    #[test]
    fn copies_widen_the_interval_as_if_they_were_not_there() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i % 4 == 0))).collect();
        let fourfold: Vec<f64> = values.iter().flat_map(|v| [*v; 4]).collect();
        let names: Vec<usize> = (0..400).map(|i| i / 4).collect();
        let resampling = Resampling::seeded(Seed(9));
        let single = bootstrap(&Groups::singletons(100), resampling, |t| {
            mean_of(&values, t)
        });
        let copied = bootstrap(&Groups::new(&names), resampling, |t| mean_of(&fourfold, t));
        assert_eq!(single.interval(0), copied.interval(0));
    }

    #[test]
    fn an_interval_that_would_mislead_is_not_given() {
        let resampling = Resampling::seeded(Seed(1));
        let one_group = bootstrap(&Groups::new(&["a", "a"]), resampling, |_| vec![Some(0.5)]);
        assert_eq!(one_group.interval(0), None);
        let constant = bootstrap(&Groups::singletons(9), resampling, |_| vec![Some(1.0)]);
        assert_eq!(constant.interval(0), None);
        let mostly_undefined = bootstrap(&Groups::singletons(9), resampling, |t| {
            vec![(t[0] > 0).then(|| f64::from(t[1]))]
        });
        assert_eq!(mostly_undefined.interval(0), None);
        assert_eq!(constant.interval(7), None);
    }
}
