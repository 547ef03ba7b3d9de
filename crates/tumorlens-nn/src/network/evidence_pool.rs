//! Mean of the largest share of a map, exactly `k` pixels, ties broken by position.

use burn::tensor::{Tensor, TensorData};

/// `[n, k, h, w]` to `[n, k, 1, 1]`: the mean of the `max(1, round(top h w))` largest logits of each map.
///
/// The choice is made on the host and enters as a constant, so that the gradient is exactly 1/count on the
/// chosen pixels and 0 elsewhere on every backend.
pub(super) fn evidence_pool(map: Tensor<4>, top: f32) -> Tensor<4> {
    let [n, k, h, w] = map.dims();
    let area = h * w;
    let count = ((f64::from(top) * area as f64).round() as usize).clamp(1, area);
    let device = map.device();
    let values = map.clone().detach().into_data_as::<f32>();
    let mut chosen = vec![0.0f32; n * k * area];
    if let Ok(values) = values.as_slice::<f32>() {
        let share = 1.0 / count as f32;
        let mut order: Vec<usize> = Vec::with_capacity(area);
        for (plane, mask) in values.chunks_exact(area).zip(chosen.chunks_exact_mut(area)) {
            order.clear();
            order.extend(0..area);
            if count < area {
                order.select_nth_unstable_by(count - 1, |&a, &b| {
                    plane[b].total_cmp(&plane[a]).then(a.cmp(&b))
                });
            }
            for &i in &order[..count] {
                mask[i] = share;
            }
        }
    }
    let chosen = Tensor::<4>::from_data(TensorData::new(chosen, [n, k, h, w]), &device);
    (map * chosen).sum_dim(3).sum_dim(2)
}
