//! The pointing game.

use super::Outlined;
use crate::undefined::Undefined;

/// The pointing game (Zhang et al., "Top-down neural attention by excitation backprop", IJCV 2018): 1 when the largest
/// value of the map lies inside the outline or within `tolerance` pixels (Euclidean, between pixel centres) of it, else
/// 0. Where several pixels share the largest value it is the share of them that hit, as if one were drawn.
///
/// # Errors
/// When the map is the same everywhere.
pub fn pointing(outlined: &Outlined, tolerance: f64) -> Result<f64, Undefined> {
    let (high, low) = outlined.range();
    if high <= low {
        return Err(Undefined::FlatMap);
    }
    let peaks: Vec<usize> = (0..outlined.map().len())
        .filter(|&i| outlined.map()[i] >= high)
        .collect();
    let hits = peaks
        .iter()
        .filter(|&&i| hit(outlined, i, tolerance))
        .count();
    Ok(hits as f64 / peaks.len() as f64)
}

fn hit(outlined: &Outlined, peak: usize, tolerance: f64) -> bool {
    if outlined.inside()[peak] {
        return true;
    }
    let reach = if tolerance > 0.0 {
        tolerance as usize
    } else {
        0
    };
    let (x, y) = (peak % outlined.width(), peak / outlined.width());
    let columns = x.saturating_sub(reach)..=x.saturating_add(reach).min(outlined.width() - 1);
    let rows = y.saturating_sub(reach)..=y.saturating_add(reach).min(outlined.height() - 1);
    rows.flat_map(|v| columns.clone().map(move |u| (u, v)))
        .any(|(u, v)| {
            let squared = (u.abs_diff(x).pow(2) + v.abs_diff(y).pow(2)) as f64;
            outlined.inside()[v * outlined.width() + u] && squared <= tolerance * tolerance
        })
}
