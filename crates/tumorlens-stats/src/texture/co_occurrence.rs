//! Grey-level co-occurrence (IBSI 3.6; Haralick et al. 1973).

use super::{DIRECTIONS, Feature, Levels, entropy};

pub(super) fn features(levels: &Levels) -> Vec<Feature> {
    let n = usize::from(levels.count);
    let mut matrix = vec![0.0; n * n];
    let mut total = 0.0;
    for (at, &level) in levels.of.iter().enumerate().filter(|(_, l)| **l > 0) {
        for step in DIRECTIONS {
            let (_, other) = levels.beside(at, step);
            if other > 0 {
                let (i, j) = (usize::from(level) - 1, usize::from(other) - 1);
                matrix[i * n + j] += 1.0;
                matrix[j * n + i] += 1.0;
                total += 2.0;
            }
        }
    }
    matrix.iter_mut().for_each(|p| *p /= total);
    // Grey levels and probability of every pair.
    let pairs = || {
        matrix
            .iter()
            .enumerate()
            .filter(|(_, p)| **p > 0.0)
            .map(|(k, p)| ((k / n + 1) as f64, (k % n + 1) as f64, *p))
    };
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs().map(|(i, j, p)| of(i, j) * p).sum::<f64>();
    let mean = sum(&|i, _| i);
    let variance = sum(&|i, _| (i - mean).powi(2));
    let differences = |k: f64| {
        pairs()
            .filter(move |(i, j, _)| (i - j).abs() == k)
            .map(|(_, _, p)| p)
            .sum::<f64>()
    };
    let count = f64::from(levels.count);
    let apart = |i: f64, j: f64| (i - j).abs();
    let cluster = |k: i32| sum(&|i, j| (i + j - 2.0 * mean).powi(k));
    vec![
        (
            "co-occurrence joint maximum",
            matrix.iter().copied().fold(0.0, f64::max),
        ),
        ("co-occurrence joint variance", variance),
        (
            "co-occurrence joint entropy",
            entropy(matrix.iter().copied()),
        ),
        ("co-occurrence difference average", sum(&apart)),
        (
            "co-occurrence difference entropy",
            entropy((0..n).map(|k| differences(k as f64))),
        ),
        (
            "co-occurrence angular second moment",
            matrix.iter().map(|p| p * p).sum(),
        ),
        ("co-occurrence contrast", sum(&|i, j| apart(i, j).powi(2))),
        (
            "co-occurrence inverse difference",
            sum(&|i, j| 1.0 / (1.0 + apart(i, j))),
        ),
        (
            "co-occurrence normalised inverse difference",
            sum(&|i, j| 1.0 / (1.0 + apart(i, j) / count)),
        ),
        (
            "co-occurrence inverse difference moment",
            sum(&|i, j| 1.0 / (1.0 + apart(i, j).powi(2))),
        ),
        (
            "co-occurrence correlation",
            (sum(&|i, j| i * j) - mean * mean) / variance,
        ),
        ("co-occurrence cluster tendency", cluster(2)),
        ("co-occurrence cluster shade", cluster(3)),
        ("co-occurrence cluster prominence", cluster(4)),
    ]
}
