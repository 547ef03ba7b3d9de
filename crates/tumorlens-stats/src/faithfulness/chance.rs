//! What a map scores that knows nothing: one drawn at random, and one that always shows the middle.

use super::localisation::Localisation;
use statrs::function::factorial::ln_binomial;
use tumorlens_core::Measured;

/// Expected figures of a map whose values are drawn at random, for an outline of `area` of `pixels` pixels, when a
/// region of `shown` pixels is cut out of it. Computed, not drawn: pointing and energy hit with the outline's share of
/// the image; the intersection of two independent regions is hypergeometric, and the IoU is its exact mean.
#[must_use]
pub fn chance(area: usize, pixels: usize, shown: usize) -> Localisation {
    let share = if pixels == 0 {
        f64::NAN
    } else {
        area as f64 / pixels as f64
    };
    Localisation {
        pointing: Measured::value(share),
        energy: Measured::value(share),
        iou: Measured::value(random_iou(area, pixels, shown)),
    }
}

fn random_iou(area: usize, pixels: usize, shown: usize) -> f64 {
    if area > pixels || shown > pixels || area == 0 {
        return f64::NAN;
    }
    let ln_choose = |n: usize, k: usize| ln_binomial(n as u64, k as u64);
    let ways = ln_choose(pixels, shown);
    let least = (area + shown).saturating_sub(pixels);
    (least..=area.min(shown))
        .map(|both| {
            let probability =
                (ln_choose(area, both) + ln_choose(pixels - area, shown - both) - ways).exp();
            probability * both as f64 / (area + shown - both) as f64
        })
        .sum()
}

/// A map that shows the middle of the image, whatever is in it: a Gaussian bump with its peak, 1, at the centre and a
/// standard deviation of a quarter of each side. A method that cannot beat it does not look at the image. Row by row.
#[must_use]
pub fn centre_prior(width: usize, height: usize) -> Vec<f32> {
    let bump = |position: usize, side: usize| {
        let distance = (position as f64 + 0.5) / side as f64 - 0.5;
        (-0.5 * (distance / 0.25).powi(2)).exp()
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    pixels
        .map(|(x, y)| (bump(x, width) * bump(y, height)) as f32)
        .collect()
}
