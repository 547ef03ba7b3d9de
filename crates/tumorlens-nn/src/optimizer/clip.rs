//! Gradient clipping.

use rayon::prelude::*;

/// Scales all gradients together so that their common Euclidean norm is at most `limit`, and returns the norm that
/// they had (Pascanu et al. 2013). As `torch.nn.utils.clip_grad_norm_`; a limit of 0 only measures.
pub fn clip_global_norm(gradients: &mut [Option<Vec<f32>>], limit: f64) -> f64 {
    // Each parameter's sum has one order, and the sums are added in the order of the parameters.
    let squares: Vec<f64> = gradients
        .par_iter()
        .map(|gradient| {
            gradient
                .iter()
                .flatten()
                .map(|g| f64::from(*g) * f64::from(*g))
                .sum()
        })
        .collect();
    let norm = squares.iter().sum::<f64>().sqrt();
    let scale = limit / (norm + 1e-6);
    if limit > 0.0 && scale < 1.0 {
        let scale = scale as f32;
        gradients
            .par_iter_mut()
            .flatten()
            .for_each(|gradient| gradient.iter_mut().for_each(|g| *g *= scale));
    }
    norm
}
