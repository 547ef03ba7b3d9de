//! From a map to its score: the mean of its largest share, or a soft maximum.

use crate::graph::Op;
use burn::tensor::{Tensor, TensorData};

/// `[n, k, h, w]` to `[n, k, 1, 1]`: the mean of the `max(1, round(top h w))` largest logits of each map, ties broken by
/// position.
///
/// The choice is made on the host and enters as a constant, so that the gradient is exactly 1/count on the
/// chosen pixels and 0 elsewhere on every backend.
pub(super) fn evidence_pool(map: Tensor<4>, top: f32) -> Tensor<4> {
    let [n, k, h, w] = map.dims();
    let area = h * w;
    let device = map.device();
    let values = map.clone().detach().into_data_as::<f32>();
    let chosen = values.as_slice::<f32>().map_or_else(
        |_| vec![0.0; n * k * area],
        |values| {
            let mut shares = vec![0.0; values.len()];
            largest(values, area, top, &mut shares, &mut Vec::new());
            shares
        },
    );
    let chosen = Tensor::<4>::from_data(TensorData::new(chosen, [n, k, h, w]), &device);
    (map * chosen).sum_dim(3).sum_dim(2)
}

/// `[n, k, h, w]` to `[n, k, 1, 1]`: see [`Op::SoftMaximum`].
pub(super) fn soft_maximum(map: Tensor<4>, sharpness: f32) -> Tensor<4> {
    let highest = map.clone().detach().max_dim(3).max_dim(2);
    let raised = ((map - highest.clone()) * sharpness).exp();
    raised.mean_dim(3).mean_dim(2).log() / sharpness + highest
}

/// Scores of maps, in memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    /// One a map.
    pub(crate) scores: Vec<f32>,
    /// For every value the derivative of its map's score by it.
    pub(crate) shares: Vec<f32>,
    /// Positions in a map.
    order: Vec<usize>,
}

impl Scores {
    /// Scores some maps of `area` pixels by an operation that pools maps, by any other with their mean.
    pub(crate) fn fill(&mut self, op: Op, maps: &[f32], area: usize) {
        let Self {
            scores,
            shares,
            order,
        } = self;
        scores.clear();
        shares.clear();
        shares.resize(maps.len(), 0.0);
        match op {
            Op::SoftMaximum { sharpness } => {
                soft(maps, area, sharpness, shares, scores);
                return;
            }
            Op::EvidencePool { top } => largest(maps, area, top, shares, order),
            _ => shares.fill(1.0 / area as f32),
        }
        let planes = maps.chunks_exact(area).zip(shares.chunks_exact(area));
        scores.extend(planes.map(|(map, shares)| {
            let products = map.iter().zip(shares).map(|(v, s)| v * s);
            products.sum::<f32>()
        }));
    }
}

fn soft(maps: &[f32], area: usize, sharpness: f32, shares: &mut [f32], scores: &mut Vec<f32>) {
    let planes = maps.chunks_exact(area).zip(shares.chunks_exact_mut(area));
    scores.extend(planes.map(|(map, shares)| {
        let highest = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (share, v) in shares.iter_mut().zip(map) {
            *share = ((v - highest) * sharpness).exp();
        }
        let total: f32 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        (total / area as f32).ln() / sharpness + highest
    }));
}

/// For every value its share in its map's score: 1/count for the `count` largest; `shares` comes as zeros.
fn largest(maps: &[f32], area: usize, top: f32, shares: &mut [f32], order: &mut Vec<usize>) {
    let count = ((f64::from(top) * area as f64).round() as usize).clamp(1, area);
    let share = 1.0 / count as f32;
    for (plane, shares) in maps.chunks_exact(area).zip(shares.chunks_exact_mut(area)) {
        order.clear();
        order.extend(0..area);
        if count < area {
            order.select_nth_unstable_by(count - 1, |&a, &b| {
                plane[b].total_cmp(&plane[a]).then(a.cmp(&b))
            });
        }
        for &i in &order[..count] {
            shares[i] = share;
        }
    }
}
