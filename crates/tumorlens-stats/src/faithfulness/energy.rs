//! The energy-based pointing game.

use super::Outlined;
use crate::undefined::Undefined;

/// Share of the map's positive values that lies inside the outline, 0 to 1 (Wang et al., "Score-CAM", CVPR workshops
/// 2020). Negative values, evidence against the class, do not count.
///
/// # Errors
/// When no value is above 0.
pub fn energy(outlined: &Outlined) -> Result<f64, Undefined> {
    let (mut inside, mut all) = (0.0, 0.0);
    for (&value, &within) in outlined.map().iter().zip(outlined.inside()) {
        let positive = f64::from(value.max(0.0));
        all += positive;
        inside += if within { positive } else { 0.0 };
    }
    if all > 0.0 {
        Ok(inside / all)
    } else {
        Err(Undefined::FlatMap)
    }
}
