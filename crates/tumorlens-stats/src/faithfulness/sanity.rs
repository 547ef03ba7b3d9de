//! Whether a map depends on the model at all (J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018).

use crate::midrank::midranks;
use crate::undefined::{Undefined, same_length};

/// Spearman's rank correlation of two maps, -1 to 1, ties sharing their ranks. Between the map of a trained model and
/// that of the same model with random weights it should be near 0; a method whose maps survive shows edges, not reasons.
///
/// # Errors
/// When the maps differ in length, a map is the same everywhere, or a value is not finite.
pub fn rank_correlation(first: &[f32], second: &[f32]) -> Result<f64, Undefined> {
    same_length("map values", first.len(), second.len())?;
    let ranks = |map: &[f32]| {
        let values: Vec<f64> = map.iter().map(|v| f64::from(*v)).collect();
        match values.iter().position(|v| !v.is_finite()) {
            Some(i) => Err(Undefined::NotFinite(i)),
            None => Ok(midranks(&values)),
        }
    };
    let (a, b) = (ranks(first)?, ranks(second)?);
    // Midranks always have this mean.
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| {
        x.iter()
            .zip(y)
            .map(|(x, y)| (x - mean) * (y - mean))
            .sum::<f64>()
    };
    let scale = product(&a, &a) * product(&b, &b);
    if scale > 0.0 {
        Ok((product(&a, &b) / scale.sqrt()).clamp(-1.0, 1.0))
    } else {
        Err(Undefined::FlatMap)
    }
}
