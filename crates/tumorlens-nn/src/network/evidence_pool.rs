//! Mean of the largest share of a map, exactly `k` pixels, ties broken by position.

use burn::tensor::{Tensor, TensorData};

/// `[n, k, h, w]` to `[n, k, 1, 1]`: the mean of the `max(1, round(top h w))` largest logits of each map.
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
        |values| evidence_shares(values, area, top),
    );
    let chosen = Tensor::<4>::from_data(TensorData::new(chosen, [n, k, h, w]), &device);
    (map * chosen).sum_dim(3).sum_dim(2)
}

/// For every value of some maps of `area` pixels its share in the map's score: 1/count for the `count` largest.
pub(crate) fn evidence_shares(maps: &[f32], area: usize, top: f32) -> Vec<f32> {
    let count = ((f64::from(top) * area as f64).round() as usize).clamp(1, area);
    let share = 1.0 / count as f32;
    let mut shares = vec![0.0f32; maps.len()];
    let mut order: Vec<usize> = Vec::with_capacity(area);
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
    shares
}
