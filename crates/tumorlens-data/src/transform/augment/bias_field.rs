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
        let [cx, cy, cxx, cxy, cyy, cxxx, cxxy, cxyy, cyyy] = self.coefficients;
        let at = |i: usize| (i as f32 + 0.5) / side as f32 * 2.0 - 1.0;
        let brightest = |image: &[f32]| image.iter().copied().fold(0.0, f32::max);
        let before = brightest(image);
        for (row, line) in image.chunks_exact_mut(side).enumerate() {
            let y = at(row);
            // The polynomial of this row, by powers of x.
            let constant = y * (cy + y * (cyy + y * cyyy));
            let linear = cx + y * (cxy + y * cxyy);
            let square = cxx + y * cxxy;
            for (column, value) in line.iter_mut().enumerate() {
                let x = at(column);
                *value *= (constant + x * (linear + x * (square + x * cxxx))).exp();
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
