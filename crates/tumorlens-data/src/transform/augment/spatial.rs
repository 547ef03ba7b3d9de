//! Flip, affine map and elastic displacement in one resampling, so that the image is blurred once and not thrice.

use super::super::padded::Padded;
use super::elastic::Field;
use super::{AffineParams, ElasticParams, FlipParams};
use serde::{Deserialize, Serialize};

/// Where every pixel comes from. In the direction of drawing: the image is mirrored and transposed, then mapped, then displaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpatialParams {
    /// Mirroring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flip: Option<FlipParams>,
    /// Affine map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affine: Option<AffineParams>,
    /// Local displacement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticParams>,
}

impl SpatialParams {
    /// Moves image (bilinear) and outline (nearest) alike; what comes from outside is 0.
    pub(super) fn apply(&self, image: &mut [f32], mask: Option<&mut [f32]>, side: usize) {
        if let Some(flip) = self.flip {
            mirror(image, side, flip);
        }
        let Some(mask) = mask else {
            return self.resample(image, &mut [], side);
        };
        if let Some(flip) = self.flip {
            mirror(mask, side, flip);
        }
        self.resample(image, mask, side);
    }

    /// `mask` is empty where there is none.
    fn resample(&self, image: &mut [f32], mask: &mut [f32], side: usize) {
        if self.affine.is_none() && self.elastic.is_none() {
            return;
        }
        let old_image = Padded::new(image, side);
        let old_mask = (!mask.is_empty()).then(|| Padded::new(mask, side));
        let (m, t) = self.affine.map_or(IDENTITY, |a| a.inverse());
        let field = self.elastic.as_ref().map(|e| Field::new(e, side));
        let length = side as f32;
        // From pixels to shares of the side from the centre, and from there to pixels between pixel centres.
        let share = |i: usize| (i as f32 + 0.5) / length - 0.5;
        let pixel = |s: f32| (s + 0.5) * length - 0.5;
        let (mut columns, mut rows) = (vec![0.0f32; side], vec![0.0f32; side]);
        for y in 0..side {
            let (sx, sy) = (m[0][1] * share(y) + t[0], m[1][1] * share(y) + t[1]);
            for (x, (column, row)) in columns.iter_mut().zip(&mut rows).enumerate() {
                let u = share(x);
                (*column, *row) = (pixel(m[0][0] * u + sx), pixel(m[1][0] * u + sy));
            }
            if let Some(field) = &field {
                let sources = columns.iter_mut().zip(&mut rows);
                for ((column, row), d) in sources.zip(field.row(y)) {
                    *column += d[0] * length;
                    *row += d[1] * length;
                }
            }
            let line = y * side..(y + 1) * side;
            old_image.bilinear(&columns, &rows, &mut image[line.clone()]);
            if let Some(old_mask) = &old_mask {
                let sources = columns.iter().zip(&rows);
                for (value, (column, row)) in mask[line].iter_mut().zip(sources) {
                    *value = old_mask.nearest(*column, *row);
                }
            }
        }
    }
}

const IDENTITY: ([[f32; 2]; 2], [f32; 2]) = ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]);

fn mirror(values: &mut [f32], side: usize, flip: FlipParams) {
    if flip.horizontal {
        values.chunks_exact_mut(side).for_each(<[f32]>::reverse);
    }
    if flip.vertical {
        let (upper, lower) = values.split_at_mut(side / 2 * side);
        let lower = lower.chunks_exact_mut(side).rev();
        for (a, b) in upper.chunks_exact_mut(side).zip(lower) {
            a.swap_with_slice(b);
        }
    }
    if flip.transposed {
        for y in 0..side {
            for x in 0..y {
                values.swap(y * side + x, x * side + y);
            }
        }
    }
}
