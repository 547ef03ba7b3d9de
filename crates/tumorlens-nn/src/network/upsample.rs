//! Bilinear upsampling as two matrix products.
//!
//! The framework has an operation for it, but its GPU backends cannot differentiate that one; products run, and
//! train, on every device.

use burn::tensor::{Device, Tensor, TensorData};

/// `[n, c, h, w]` to `[n, c, height, width]`, half-pixel centres, the border repeated.
pub(super) fn upsample(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let device = x.device();
    // Rows first, as one flat product; then columns, on each plane.
    let wide = x
        .reshape([n * c * h, w])
        .matmul(weights(w, width, &device).transpose());
    let planes = wide.reshape([n * c, h, width]);
    weights(h, height, &device)
        .unsqueeze::<3>()
        .matmul(planes)
        .reshape([n, c, height, width])
}

/// `[to, from]`: how much each input contributes to each output; every row sums to 1.
fn weights(from: usize, to: usize, device: &Device) -> Tensor<2> {
    let mut matrix = vec![0.0f32; to * from];
    let ratio = from as f64 / to as f64;
    for (output, row) in matrix.chunks_exact_mut(from).enumerate() {
        let position = ((output as f64 + 0.5) * ratio - 0.5).max(0.0);
        let low = (position as usize).min(from - 1);
        let share = (position - low as f64) as f32;
        row[low] += 1.0 - share;
        row[(low + 1).min(from - 1)] += share;
    }
    Tensor::from_data(TensorData::new(matrix, [to, from]), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::module::interpolate;
    use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

    fn image(device: &Device) -> Tensor<4> {
        let values: Vec<f32> = (0..2 * 3 * 4 * 5)
            .map(|i| (i * 37 % 61) as f32 / 61.0)
            .collect();
        Tensor::from_data(TensorData::new(values, [2, 3, 4, 5]), device)
    }

    /// Witness: burn-flex's own interpolation, which is tested against PyTorch's.
    #[test]
    fn values_and_gradients_agree_with_the_frameworks_interpolation() {
        let device = Device::flex().autodiff();
        for size in [[8, 10], [7, 9], [4, 5], [9, 16]] {
            let run = |f: &dyn Fn(Tensor<4>) -> Tensor<4>| {
                let x = image(&device).require_grad();
                let y = f(x.clone());
                let gradients = y.clone().powf_scalar(2.0).sum().backward();
                let gradient = x.grad(&gradients).unwrap();
                (
                    y.into_data().try_to_vec::<f32>().unwrap(),
                    gradient.into_data().try_to_vec::<f32>().unwrap(),
                )
            };
            let options = InterpolateOptions::new(InterpolateMode::Bilinear)
                .with_align_corners(false)
                .with_output_size(size);
            let (ours, theirs) = (
                run(&|x| upsample(x, size)),
                run(&|x| interpolate(x, options.clone())),
            );
            let pairs = ours
                .0
                .iter()
                .zip(&theirs.0)
                .chain(ours.1.iter().zip(&theirs.1));
            for (a, b) in pairs {
                assert!((a - b).abs() < 1e-5, "{size:?}: {a} {b}");
            }
        }
    }
}
