//! The loss of an evidence map against an outline.

use super::{Loss, sigmoid, softplus};
use tumorlens_core::{ClassIndex, ClassSet};

/// Added to both sides of the Dice quotient, in cells: keeps it defined where nothing is outlined and nothing found.
const DICE_SMOOTHING: f64 = 1.0;

/// What is known of the evidence maps of one image: for every output the share of each cell that is outlined
/// (`[h w]`, 0 to 1), or `None` where nothing is known.
pub type OutlineTargets = Vec<Option<Vec<f32>>>;

/// What an outline says of each map of an image.
///
/// - The map of the image's own class should show the outlined region.
/// - The maps of the other classes should show nothing.
/// - An empty outline says nothing about the map of the image's own class: there is nothing of that class to point at
///   (in a class "no tumor", say), or the outline contradicts the label.
///
/// With two classes there is one map, that of the positive class. `mask` is `[side[0], side[1]]`, the maps are
/// `grid`; without a mask nothing is known.
#[must_use]
pub fn outline_targets(
    mask: Option<&[f32]>,
    side: [usize; 2],
    grid: [usize; 2],
    label: ClassIndex,
    classes: &ClassSet,
) -> OutlineTargets {
    let Some(mask) = mask else {
        return vec![None; classes.logits()];
    };
    let outlined = area_average(mask, side, grid);
    let empty = outlined.iter().all(|share| *share <= 0.0);
    (0..classes.logits())
        .map(|output| {
            let class = if classes.is_binary() {
                classes.positive()
            } else {
                ClassIndex(output)
            };
            match (class == label, empty) {
                (false, _) => Some(vec![0.0; outlined.len()]),
                (true, false) => Some(outlined.clone()),
                (true, true) => None,
            }
        })
        .collect()
}

/// The loss of the maps `[batch, outputs, h w]` (logits) against what is known of them, `targets` in the same order.
///
/// For one map with logits `z`, probabilities `p` and outlined shares `t` it is the sum of
/// - binary cross entropy. With `balance` 1 it is balanced between inside and outside (Xie and Tu 2015, there called
///   class-balanced): half the mean over the outlined area plus half the mean over the rest, or the mean over the rest alone
///   where nothing is outlined, so that a small lesion counts as much as the large background around it, and is drawn too
///   wide. With 0 it is the mean over all cells. Between, a cell weighs the geometric mean of both: the first to the power of
///   `balance`, the second to the power of the rest;
/// - soft Dice (Milletari et al. 2016): `1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1)`.
///
/// A batch's loss is the sum over the known maps divided by the number of images, known or not: an outline counts the
/// same in whatever batch it is.
#[must_use]
pub fn outline_loss(
    maps: &[f32],
    batch: usize,
    targets: &[Option<Vec<f32>>],
    balance: f64,
) -> Loss {
    let mut loss = Loss {
        value: 0.0,
        gradient: vec![0.0; maps.len()],
    };
    if batch == 0 || targets.is_empty() {
        return loss;
    }
    let share = 1.0 / batch as f64;
    let area = maps.len() / targets.len();
    for (i, target) in targets.iter().enumerate() {
        let Some(target) = target else { continue };
        let cells = i * area..(i + 1) * area;
        loss.value += share
            * of_map(
                &maps[cells.clone()],
                target,
                balance,
                share,
                &mut loss.gradient[cells],
            );
    }
    loss
}

/// One map's loss; writes `share` times its derivative.
fn of_map(logits: &[f32], target: &[f32], balance: f64, share: f64, gradient: &mut [f32]) -> f64 {
    let cells = || {
        logits
            .iter()
            .zip(target)
            .map(|(z, t)| (f64::from(*z), f64::from(*t)))
    };
    let inside: f64 = cells().map(|(_, t)| t).sum();
    let outside = logits.len() as f64 - inside;
    // The weight of a cell's inner and outer share.
    let (inner, outer) = match (inside > 0.0, outside > 0.0) {
        (true, true) => (0.5 / inside, 0.5 / outside),
        (true, false) => (1.0 / inside, 0.0),
        (false, _) => (0.0, 1.0 / outside),
    };
    let even = 1.0 / logits.len() as f64;
    let between = |weight: f64| weight.powf(balance) * even.powf(1.0 - balance);
    let (inner, outer) = (between(inner), between(outer));
    let entropy: f64 = cells()
        .map(|(z, t)| inner * t * softplus(-z) + outer * (1.0 - t) * softplus(z))
        .sum();
    let overlap: f64 = cells().map(|(z, t)| sigmoid(z) * t).sum();
    let found: f64 = cells().map(|(z, _)| sigmoid(z)).sum();
    let (top, bottom) = (
        2.0 * overlap + DICE_SMOOTHING,
        found + inside + DICE_SMOOTHING,
    );
    for ((z, t), gradient) in cells().zip(gradient) {
        let p = sigmoid(z);
        let entropy_slope = outer * (1.0 - t) * p - inner * t * (1.0 - p);
        let dice_slope = (top / bottom - 2.0 * t) / bottom * p * (1.0 - p);
        *gradient = (share * (entropy_slope + dice_slope)) as f32;
    }
    entropy + 1.0 - top / bottom
}

/// Means over the cells of a `to` grid laid over a `from` grid, both `[height, width]`; a pixel on the border of two
/// cells counts in each by its share.
#[must_use]
pub fn area_average(values: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let (rows, columns) = (overlaps(from[0], to[0]), overlaps(from[1], to[1]));
    let mut means = Vec::with_capacity(to[0] * to[1]);
    for row in &rows {
        for column in &columns {
            let mut sum = 0.0;
            for (y, height) in row {
                for (x, width) in column {
                    sum += f64::from(values[y * from[1] + x]) * height * width;
                }
            }
            means.push(sum as f32);
        }
    }
    means
}

/// For every cell of an axis: the pixels that it covers, with their share of the cell.
fn overlaps(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    let length = from as f64 / to as f64;
    (0..to)
        .map(|cell| {
            let (low, high) = (cell as f64 * length, (cell + 1) as f64 * length);
            (low as usize..from)
                .map(|i| (i, (high.min((i + 1) as f64) - low.max(i as f64)) / length))
                .take_while(|(_, share)| *share > 1e-9)
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests;
