//! Bringing a region of an image to a small grid by area averaging.

use std::cell::LazyCell;
use tumorlens_core::{GreyImage, Size};

/// A rectangle in pixel coordinates: pixel `x` covers `x..x + 1`. Not empty, inside its image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Width, above 0.
    pub width: f32,
    /// Height, above 0.
    pub height: f32,
}

impl Region {
    /// The whole image.
    #[must_use]
    pub fn whole(size: Size) -> Self {
        Self {
            left: 0.0,
            top: 0.0,
            width: size.width as f32,
            height: size.height as f32,
        }
    }
}

/// The region brought to `size`, ignoring its aspect ratio: each pixel is the mean over its footprint. A footprint is at
/// least one pixel wide, so that enlarging interpolates linearly. Values that are not finite count as the image's
/// smallest one.
#[must_use]
pub fn thumbnail(image: &GreyImage, region: Region, size: Size) -> GreyImage {
    // Hardly any image needs it, and it costs a pass over all pixels.
    let background = LazyCell::new(|| image.range().map_or(0.0, |(low, _)| low));
    let columns = footprints(region.left, region.width, image.width(), size.width);
    let rows = footprints(region.top, region.height, image.height(), size.height);
    let (first, last) = (
        rows.first().map_or(0, |r| r.start),
        rows.last().map_or(0, |r| r.start + r.weights.len()),
    );
    let mut narrow = Vec::with_capacity((last - first) * size.width);
    for row in image
        .values()
        .chunks(image.width())
        .skip(first)
        .take(last - first)
    {
        narrow.extend(columns.iter().map(|c| {
            let pixels = row[c.start..]
                .iter()
                .map(|v| if v.is_finite() { *v } else { *background });
            pixels.zip(&c.weights).map(|(v, w)| v * w).sum::<f32>()
        }));
    }
    GreyImage::from_fn(size, |x, y| {
        let row = &rows[y];
        let column = narrow[(row.start - first) * size.width + x..]
            .iter()
            .step_by(size.width);
        column.zip(&row.weights).map(|(v, w)| v * w).sum()
    })
}

/// The source pixels under one output pixel; the weights add up to 1.
struct Footprint {
    start: usize,
    weights: Vec<f32>,
}

/// Footprints of `n` output pixels over `extent` source pixels that begin at `from`, in a line of `len` pixels.
fn footprints(from: f32, extent: f32, len: usize, n: usize) -> Vec<Footprint> {
    let step = extent / n as f32;
    let half = (step / 2.0).max(0.5);
    let footprint = |i: usize| {
        let centre = from + (i as f32 + 0.5) * step;
        let (low, high) = ((centre - half).max(0.0), (centre + half).min(len as f32));
        let start = (low as usize).min(len - 1);
        let end = (high.ceil() as usize).clamp(start + 1, len);
        let mut weights: Vec<f32> = (start..end)
            .map(|p| (high.min(p as f32 + 1.0) - low.max(p as f32)).max(0.0))
            .collect();
        let total: f32 = weights.iter().sum();
        if total > 0.0 {
            weights.iter_mut().for_each(|w| *w /= total);
        } else {
            weights = vec![1.0];
        }
        Footprint { start, weights }
    };
    (0..n).map(footprint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_takes_the_mean_of_each_block_and_the_whole_keeps_its_mean() {
        let image = GreyImage::from_fn(
            Size {
                width: 6,
                height: 4,
            },
            |x, y| (x + 10 * y) as f32,
        );
        let small = thumbnail(
            &image,
            Region::whole(image.size()),
            Size {
                width: 3,
                height: 2,
            },
        );
        assert_eq!(small.values(), [5.5, 7.5, 9.5, 25.5, 27.5, 29.5]);
    }

    #[test]
    fn a_region_between_pixels_weighs_them_by_their_share() {
        let image = GreyImage::from_fn(
            Size {
                width: 4,
                height: 1,
            },
            |x, _| [0.0, 8.0, 16.0, 100.0][x],
        );
        let region = Region {
            left: 0.5,
            top: 0.0,
            width: 2.0,
            height: 1.0,
        };
        let one = thumbnail(
            &image,
            region,
            Size {
                width: 1,
                height: 1,
            },
        );
        assert_eq!(one.values(), [(0.5 * 0.0 + 8.0 + 0.5 * 16.0) / 2.0]);
    }

    #[test]
    fn enlarging_interpolates_and_values_that_are_not_finite_become_background() {
        let image = GreyImage::from_fn(
            Size {
                width: 2,
                height: 1,
            },
            |x, _| [2.0, 4.0][x],
        );
        let wide = thumbnail(
            &image,
            Region::whole(image.size()),
            Size {
                width: 4,
                height: 1,
            },
        );
        assert_eq!(wide.values(), [2.0, 2.5, 3.5, 4.0]);
        let image = GreyImage::from_fn(
            Size {
                width: 2,
                height: 1,
            },
            |x, _| [f32::NAN, 4.0][x],
        );
        let same = thumbnail(&image, Region::whole(image.size()), image.size());
        assert_eq!(same.values(), [4.0, 4.0]);
    }
}
