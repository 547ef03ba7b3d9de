//! What people do to pictures.

use tumorlens_core::{GreyImage, Size};

/// A new value for each pixel.
pub(crate) fn recolour(image: &GreyImage, f: impl Fn(f32) -> f32) -> GreyImage {
    GreyImage::from_fn(image.size(), |x, y| {
        f(image.clamped(x as isize, y as isize))
            .round()
            .clamp(0.0, 255.0)
    })
}

/// Cuts away these shares of the sides.
pub(crate) fn crop(image: &GreyImage, left: f32, top: f32, right: f32, bottom: f32) -> GreyImage {
    let (w, h) = (image.width() as f32, image.height() as f32);
    let (x0, y0) = ((left * w) as usize, (top * h) as usize);
    let size = Size {
        width: ((1.0 - left - right) * w) as usize,
        height: ((1.0 - top - bottom) * h) as usize,
    };
    GreyImage::from_fn(size, |x, y| {
        image.clamped((x + x0) as isize, (y + y0) as isize)
    })
}

/// `image + amount * (image - mean of the 3x3 neighbourhood)`: sharpens for a positive amount, blurs for -1.
pub(crate) fn sharpen(image: &GreyImage, amount: f32) -> GreyImage {
    GreyImage::from_fn(image.size(), |x, y| {
        let at = |dx, dy| image.clamped(x as isize + dx, y as isize + dy);
        let mean = (-1..=1)
            .flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)))
            .map(|(dx, dy)| at(dx, dy))
            .sum::<f32>()
            / 9.0;
        (at(0, 0) + amount * (at(0, 0) - mean))
            .round()
            .clamp(0.0, 255.0)
    })
}

/// What JPEG loses at a low quality: each block of 8x8 keeps multiples of 12 and more of its cosine coefficients.
pub(crate) fn recompress(image: &GreyImage) -> GreyImage {
    let cosine = |u: usize, x: usize| {
        let scale = if u == 0 { 0.5f32.sqrt() } else { 1.0 } / 2.0;
        scale * (std::f32::consts::PI / 8.0 * (x as f32 + 0.5) * u as f32).cos()
    };
    let mut out = image.clone();
    for (bx, by) in (0..image.height() / 8)
        .flat_map(|by| (0..image.width() / 8).map(move |bx| (8 * bx, 8 * by)))
    {
        let pixels =
            |x: usize, y: usize| image.clamped((bx + x) as isize, (by + y) as isize) - 128.0;
        let mut kept = [[0.0f32; 8]; 8];
        for (v, row) in kept.iter_mut().enumerate() {
            for (u, kept) in row.iter_mut().enumerate() {
                let sum: f32 = (0..64)
                    .map(|i| pixels(i % 8, i / 8) * cosine(u, i % 8) * cosine(v, i / 8))
                    .sum();
                let step = (12 + 6 * (u + v)) as f32;
                *kept = (sum / step).round() * step;
            }
        }
        for i in 0..64 {
            let sum: f32 = (0..64)
                .map(|k| kept[k / 8][k % 8] * cosine(k % 8, i % 8) * cosine(k / 8, i / 8))
                .sum();
            out.values_mut()[(by + i / 8) * image.width() + bx + i % 8] =
                (sum + 128.0).round().clamp(0.0, 255.0);
        }
    }
    out
}
