//! The blurred image that insertion starts from.

/// Gaussian blur of `[channels, height, width]`, edges repeated. The deviation is a sixteenth of the shorter side,
/// wide enough that a lesion of usual size leaves a shade without outline, and cut off at three deviations.
pub(super) fn blur(image: &[f32], [_, height, width]: [usize; 3]) -> Vec<f32> {
    let kernel = kernel((height.min(width) as f64 / 16.0).max(1.0));
    let mut blurred = Vec::with_capacity(image.len());
    for plane in image.chunks_exact(height * width) {
        let rows = along(plane, &kernel, width, |line, x| line * width + x, height);
        blurred.extend(along(
            &rows,
            &kernel,
            height,
            |line, y| y * width + line,
            width,
        ));
    }
    blurred
}

/// Weights of the middle and of one side, which sum to 1 with both sides.
fn kernel(deviation: f64) -> Vec<f32> {
    let radius = (3.0 * deviation).ceil() as usize;
    let heights: Vec<f64> = (0..=radius)
        .map(|i| (-0.5 * (i as f64 / deviation).powi(2)).exp())
        .collect();
    let sum = 2.0 * heights.iter().sum::<f64>() - heights[0];
    heights.into_iter().map(|h| (h / sum) as f32).collect()
}

/// Convolves `lines` lines of `length` values each; `at` says where a line's value stands.
fn along(
    values: &[f32],
    kernel: &[f32],
    length: usize,
    at: impl Fn(usize, usize) -> usize,
    lines: usize,
) -> Vec<f32> {
    let mut result = vec![0.0; values.len()];
    for line in 0..lines {
        for i in 0..length {
            let sides = kernel.iter().enumerate().skip(1).map(|(distance, weight)| {
                let before = values[at(line, i.saturating_sub(distance))];
                let after = values[at(line, (i + distance).min(length - 1))];
                weight * (before + after)
            });
            result[at(line, i)] = kernel[0] * values[at(line, i)] + sides.sum::<f32>();
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_and_a_point_spreads_evenly_without_loss() {
        let flat = blur(&[3.0; 32 * 48], [1, 32, 48]);
        assert!(flat.iter().all(|v| (v - 3.0).abs() < 1e-5));
        let mut point = vec![0.0; 32 * 32];
        point[16 * 32 + 16] = 1.0;
        let spread = blur(&point, [1, 32, 32]);
        assert!((spread.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        for (a, b) in [
            ((16, 13), (13, 16)),
            ((16, 13), (16, 19)),
            ((14, 14), (18, 18)),
        ] {
            assert!((spread[a.0 * 32 + a.1] - spread[b.0 * 32 + b.1]).abs() < 1e-7);
        }
        // Deviation 2: a step of two pixels lowers by exp(-1/2).
        let ratio = spread[16 * 32 + 18] / spread[16 * 32 + 16];
        assert!((ratio - (-0.5f32).exp()).abs() < 1e-4, "{ratio}");
    }
}
