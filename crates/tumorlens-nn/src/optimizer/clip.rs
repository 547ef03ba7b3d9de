//! Gradient clipping.

use tumorlens_kernels::flat;

/// Scales all gradients together so that their common Euclidean norm is at most `limit`, and returns the norm that
/// they had (Pascanu et al. 2013). As `torch.nn.utils.clip_grad_norm_`; a limit of 0 only measures.
pub fn clip_global_norm(gradients: &mut [Option<Vec<f32>>], limit: f64) -> f64 {
    // The sums are added in the order of the parameters.
    let squares = gradients.iter().flatten().map(|g| flat::sum_of_squares(g));
    let norm = squares.sum::<f64>().sqrt();
    let scale = limit / (norm + 1e-6);
    if limit > 0.0 && scale < 1.0 {
        let scale = scale as f32;
        for gradient in gradients.iter_mut().flatten() {
            flat::scale(scale, gradient);
        }
    }
    norm
}
