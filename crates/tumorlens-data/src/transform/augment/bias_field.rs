//! Uneven sensitivity of the receiving coil.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Multiplies by the exponential of a random polynomial of degree 3 (Van Leemput et al. 1999), then scales so that the
/// brightest value keeps its brightness, as the intensity window would.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BiasField {
    /// Probability, 0 to 1. Default 0.3.
    pub probability: f32,
    /// Largest coefficient of the polynomial either way, on coordinates from -1 to 1, 0 to 2. Default 0.35.
    pub coefficient: f32,
}

impl Default for BiasField {
    fn default() -> Self {
        Self {
            probability: 0.3,
            coefficient: 0.35,
        }
    }
}

/// The polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasFieldParams {
    /// Coefficients of x, y, x², xy, y², x³, x²y, xy², y³.
    pub coefficients: [f32; 9],
}

impl Augment for BiasField {
    const NAME: &'static str = "bias_field";
    type Params = BiasFieldParams;

    fn draw(self, draw: &mut Draw) -> Option<BiasFieldParams> {
        draw.chance(self.probability).then(|| BiasFieldParams {
            coefficients: std::array::from_fn(|_| draw.within(self.coefficient)),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            coefficient: (self.coefficient * strength).min(2.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("coefficient", self.coefficient, 2.0),
        ]
    }
}

impl BiasFieldParams {
    pub(super) fn apply(&self, image: &mut [f32], side: usize) {
        let [cx, cy, cxx, cxy, cyy, cxxx, cxxy, cxyy, cyyy] = self.coefficients.map(f64::from);
        let brightest = |image: &[f32]| image.iter().copied().fold(0.0, f32::max);
        let step = 2.0 / side as f64;
        let start = step / 2.0 - 1.0;
        let before = brightest(image);
        for (row, line) in image.chunks_exact_mut(side).enumerate() {
            let y = start + row as f64 * step;
            // The polynomial of this row, by powers of x.
            let constant = y * (cy + y * (cyy + y * cyyy));
            let linear = cx + y * (cxy + y * cxyy);
            let square = cxx + y * cxxy;
            let at = |x: f64| constant + x * (linear + x * (square + x * cxxx));
            // Finite differences: a step to the right adds to a cubic its first difference, to that its second, and to
            // that its third, which is constant; exponentials are multiplied instead. In double precision the rounding
            // of a thousand steps stays far below that of the pixels.
            let [a, b, c, d] = [0.0, 1.0, 2.0, 3.0].map(|i| at(start + i * step));
            let mut field = a.exp();
            let mut first = (b - a).exp();
            let mut second = (c - 2.0 * b + a).exp();
            let third = (d - 3.0 * c + 3.0 * b - a).exp();
            for value in line {
                *value *= field as f32;
                field *= first;
                first *= second;
                second *= third;
            }
        }
        let after = brightest(image);
        if after > 0.0 {
            let scale = before / after;
            for value in image {
                *value *= scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_the_exponential_of_the_polynomial() {
        let coefficients = [0.3, -0.2, 0.1, 0.25, -0.35, 0.2, -0.1, 0.3, 0.15];
        let side = 200;
        let mut image = vec![0.5; side * side];
        BiasFieldParams { coefficients }.apply(&mut image, side);
        let [cx, cy, cxx, cxy, cyy, cxxx, cxxy, cxyy, cyyy] = coefficients.map(f64::from);
        let at = |i: usize| (i as f64 + 0.5) / side as f64 * 2.0 - 1.0;
        let expected: Vec<f64> = (0..side * side)
            .map(|i| (at(i % side), at(i / side)))
            .map(|(x, y)| {
                let linear = cx * x + cy * y + cxx * x * x + cxy * x * y + cyy * y * y;
                let cubic =
                    cxxx * x * x * x + cxxy * x * x * y + cxyy * x * y * y + cyyy * y * y * y;
                (linear + cubic).exp()
            })
            .collect();
        let brightest = expected.iter().copied().fold(0.0, f64::max);
        for (found, expected) in image.iter().zip(expected) {
            assert!((f64::from(*found) - 0.5 * expected / brightest).abs() < 1e-6);
        }
    }
}
