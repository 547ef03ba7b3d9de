//! Resizing of grey values.

use super::TransformError;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::F32;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

/// Resizes row-major values with the Catmull-Rom kernel (Keys 1981, a = -0.5), widened by the scale when the image
/// shrinks, so that fine structure is averaged and not aliased. This is what Pillow calls BICUBIC.
pub(crate) fn resize(
    values: &[f32],
    (width, height): (usize, usize),
    (new_width, new_height): (usize, usize),
) -> Result<Vec<f32>, TransformError> {
    let failed = |reason: &dyn std::fmt::Display| TransformError::Resize {
        width,
        height,
        reason: reason.to_string(),
    };
    let side = |length: usize| u32::try_from(length).map_err(|e| failed(&e));
    let pixels: Vec<F32> = values.iter().map(|v| F32::new(*v)).collect();
    let source =
        TypedImageRef::new(side(width)?, side(height)?, &pixels).map_err(|e| failed(&e))?;
    let mut target: TypedImage<F32> = TypedImage::new(side(new_width)?, side(new_height)?);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .map_err(|e| failed(&e))?;
    Ok(target.pixels().iter().map(|p| p.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, in double precision: weights of the widened kernel around each target pixel's centre,
    /// renormalised at the edges.
    fn by_definition(values: &[f64], target: usize) -> Vec<f64> {
        let keys = |x: f64| match x.abs() {
            x if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            x if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            _ => 0.0,
        };
        let scale = values.len() as f64 / target as f64;
        let wide = scale.max(1.0);
        (0..target)
            .map(|i| {
                let centre = (i as f64 + 0.5) * scale;
                let weights: Vec<f64> = (0..values.len())
                    .map(|j| keys((j as f64 + 0.5 - centre) / wide))
                    .collect();
                let sum: f64 = weights.iter().sum();
                weights.iter().zip(values).map(|(w, v)| w * v).sum::<f64>() / sum
            })
            .collect()
    }

    #[test]
    fn rows_and_columns_follow_the_definition_of_the_kernel() {
        let values: Vec<f64> = (0..23).map(|i| f64::from(i * 37 % 101)).collect();
        let single: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        for target in [5, 11, 23, 40] {
            let expected = by_definition(&values, target);
            for (from, to) in [((23, 1), (target, 1)), ((1, 23), (1, target))] {
                let found = resize(&single, from, to).unwrap();
                for (f, e) in found.iter().zip(&expected) {
                    assert!((f64::from(*f) - e).abs() < 1e-3, "{from:?} {to:?}: {f} {e}");
                }
            }
        }
    }
}
