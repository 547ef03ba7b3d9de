//! Gradient-boosted trees on rows of features, and what becomes of their score when a feature is changed.

use anyhow::{Context, anyhow};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::xgboost::{XGRegressor, XGRegressorParameters};
use tumorlens_core::Seed;

const TREES: usize = 60;
const DEPTH: u16 = 3;
/// Points of a line of partial dependence.
const POINTS: usize = 20;

pub(super) type Trees = XGRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>;

fn matrix(rows: &[Vec<f64>]) -> anyhow::Result<DenseMatrix<f64>> {
    DenseMatrix::from_2d_vec(&rows.to_vec()).map_err(|e| anyhow!("texture: {e}"))
}

/// Trees that tell the positive class.
pub(super) fn fit(rows: &[Vec<f64>], truth: &[bool], seed: Seed) -> anyhow::Result<Trees> {
    let truth: Vec<f64> = truth.iter().map(|t| f64::from(u8::from(*t))).collect();
    let parameters = XGRegressorParameters::default()
        .with_n_estimators(TREES)
        .with_max_depth(DEPTH)
        .with_learning_rate(0.15)
        .with_subsample(0.7)
        .with_min_child_weight(5)
        .with_seed(seed.0);
    Trees::fit(&matrix(rows)?, &truth, parameters).map_err(|e| anyhow!("texture: {e}"))
}

/// Their score of each row, about 0 to 1.
pub(super) fn predict(trees: &Trees, rows: &[Vec<f64>]) -> anyhow::Result<Vec<f64>> {
    trees
        .predict(&matrix(rows)?)
        .map_err(|e| anyhow!("texture: {e}"))
}

/// The rows with one feature dealt out anew between them (Fisher and Yates).
pub(super) fn shuffled(rows: &[Vec<f64>], feature: usize, seed: Seed) -> Vec<Vec<f64>> {
    let mut rows = rows.to_vec();
    for i in (1..rows.len()).rev() {
        let j = (seed.index(i as u64).0 % (i as u64 + 1)) as usize;
        let (a, b) = (rows[i][feature], rows[j][feature]);
        rows[i][feature] = b;
        rows[j][feature] = a;
    }
    rows
}

/// Mean score with a feature set to values from its 5th to its 95th percentile.
pub(super) fn dependence(
    trees: &Trees,
    rows: &[Vec<f64>],
    feature: usize,
) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut values: Vec<f64> = rows.iter().map(|r| r[feature]).collect();
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (at(0.05), at(0.95));
    (0..POINTS)
        .map(|i| {
            let value = low + (high - low) * i as f64 / (POINTS - 1) as f64;
            let mut set = rows.to_vec();
            set.iter_mut().for_each(|row| row[feature] = value);
            let scores = predict(trees, &set)?;
            let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
            Ok((value, mean))
        })
        .collect::<anyhow::Result<_>>()
        .context("partial dependence")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Rows and classes of 120 images: the second feature is the class, the first and third are the same for both.
    pub(in crate::texture) fn images() -> (Vec<Vec<f64>>, Vec<bool>) {
        let row = |i: usize| {
            vec![
                (i / 2 % 7) as f64,
                10.0 * (i % 2) as f64,
                (i / 2 % 5) as f64,
            ]
        };
        let truth = (0..120).map(|i| i % 2 == 1).collect();
        ((0..120).map(row).collect(), truth)
    }

    #[test]
    fn the_score_depends_on_the_feature_that_decides_and_on_no_other() {
        let (rows, truth) = images();
        let trees = fit(&rows, &truth, Seed(1)).unwrap();
        let line = dependence(&trees, &rows, 1).unwrap();
        assert_eq!((line[0].0, line[19].0), (0.0, 10.0));
        assert!(line[0].1 < 0.1 && line[19].1 > 0.9, "{line:?}");
        let flat = dependence(&trees, &rows, 0).unwrap();
        assert!(
            flat.iter()
                .all(|(_, score)| (score - flat[0].1).abs() < 0.05)
        );
    }

    #[test]
    fn shuffling_moves_one_feature_between_images_and_leaves_the_others() {
        let (rows, _) = images();
        let mixed = shuffled(&rows, 1, Seed(3));
        let column = |rows: &[Vec<f64>], i: usize| rows.iter().map(|r| r[i]).collect::<Vec<_>>();
        for other in [0, 2] {
            assert_eq!(column(&mixed, other), column(&rows, other));
        }
        assert_ne!(column(&mixed, 1), column(&rows, 1));
        let sum = |rows: &[Vec<f64>]| column(rows, 1).iter().sum::<f64>();
        assert!((sum(&mixed) - sum(&rows)).abs() < 1e-9);
    }
}
