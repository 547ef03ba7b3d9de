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

/// What an outline asks of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutlineTerms {
    /// How far the outlined area and the rest count alike, 0 to 1.
    pub balance: f64,
    /// Weight of where the map points, 0 or more.
    pub pointing: f64,
}

/// The loss of the maps `[batch, outputs, h w]` (logits) against what is known of them, `targets` in the same order.
///
/// For one map with logits `z`, probabilities `p` and outlined shares `t` it is the sum of
/// - binary cross entropy. With `balance` 1 it is balanced between inside and outside (Xie and Tu 2015, there called
///   class-balanced): half the mean over the outlined area plus half the mean over the rest, or the mean over the rest alone
///   where nothing is outlined, so that a small lesion counts as much as the large background around it, and is drawn too
///   wide. With 0 it is the mean over all cells. Between, a cell weighs the geometric mean of both: the first to the power of
///   `balance`, the second to the power of the rest;
/// - soft Dice (Milletari et al. 2016): `1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1)`;
/// - where anything is outlined, `pointing` times `-log(sum(t exp(z)) / sum(exp(z)))`: the cross entropy of a choice among the
///   cells, any outlined one being right. The other terms look at each cell by itself; here the cells of an image compete, so
///   that the highest lies inside.
///
/// A batch's loss is the sum over the known maps divided by the number of images, known or not: an outline counts the
/// same in whatever batch it is.
#[must_use]
pub fn outline_loss(
    maps: &[f32],
    batch: usize,
    targets: &[Option<Vec<f32>>],
    terms: OutlineTerms,
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
        let map = Map {
            logits: &maps[cells.clone()],
            outlined: target,
        };
        loss.value += share * map.loss(terms, share, &mut loss.gradient[cells]);
    }
    loss
}

/// One map and what is known of it.
struct Map<'a> {
    logits: &'a [f32],
    outlined: &'a [f32],
}

impl Map<'_> {
    fn cells(&self) -> impl Iterator<Item = (f64, f64)> {
        let pairs = self.logits.iter().zip(self.outlined);
        pairs.map(|(z, t)| (f64::from(*z), f64::from(*t)))
    }

    /// Writes `share` times the derivative.
    fn loss(&self, terms: OutlineTerms, share: f64, gradient: &mut [f32]) -> f64 {
        let count = self.logits.len() as f64;
        let inside: f64 = self.cells().map(|(_, t)| t).sum();
        let outside = count - inside;
        // The weight of a cell's inner and outer share.
        let (inner, outer) = match (inside > 0.0, outside > 0.0) {
            (true, true) => (0.5 / inside, 0.5 / outside),
            (true, false) => (1.0 / inside, 0.0),
            (false, _) => (0.0, 1.0 / outside),
        };
        let even = 1.0 / count;
        let between = |weight: f64| weight.powf(terms.balance) * even.powf(1.0 - terms.balance);
        let (inner, outer) = (between(inner), between(outer));
        let entropy: f64 = self
            .cells()
            .map(|(z, t)| inner * t * softplus(-z) + outer * (1.0 - t) * softplus(z))
            .sum();
        let overlap: f64 = self.cells().map(|(z, t)| sigmoid(z) * t).sum();
        let found: f64 = self.cells().map(|(z, _)| sigmoid(z)).sum();
        let (top, bottom) = (
            2.0 * overlap + DICE_SMOOTHING,
            found + inside + DICE_SMOOTHING,
        );
        for ((z, t), gradient) in self.cells().zip(gradient.iter_mut()) {
            let p = sigmoid(z);
            let entropy_slope = outer * (1.0 - t) * p - inner * t * (1.0 - p);
            let dice_slope = (top / bottom - 2.0 * t) / bottom * p * (1.0 - p);
            *gradient = (share * (entropy_slope + dice_slope)) as f32;
        }
        let mut loss = entropy + 1.0 - top / bottom;
        if terms.pointing > 0.0 && inside > 0.0 {
            loss += terms.pointing * self.pointing(share * terms.pointing, gradient);
        }
        loss
    }

    /// Of a map of which a part is outlined; adds `share` times the derivative.
    fn pointing(&self, share: f64, gradient: &mut [f32]) -> f64 {
        let (all, hit) = (self.log_sum(|_| 1.0), self.log_sum(|t| t));
        for ((z, t), gradient) in self.cells().zip(gradient) {
            // A cell outside may be higher than any number that the exponential has.
            let right = if t > 0.0 { t * (z - hit).exp() } else { 0.0 };
            *gradient += (share * ((z - all).exp() - right)) as f32;
        }
        all - hit
    }

    /// `log(sum(weight(t) exp(z)))`; at least one cell has to have a weight.
    fn log_sum(&self, weight: impl Fn(f64) -> f64) -> f64 {
        let cells = || self.cells().filter(|(_, t)| weight(*t) > 0.0);
        // Of what counts: beside a far higher cell the sum of the others would be 0.
        let highest = cells().map(|(z, _)| z).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = cells().map(|(z, t)| weight(t) * (z - highest).exp()).sum();
        highest + sum.ln()
    }
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
