//! A made-up head whose inside differs from seed to seed, and what people do to pictures of it.

use tumorlens_core::{GreyImage, Seed, Size};

/// A slice as a function of the place: a bright skull, folds of random direction and width, a dark pair of ventricles.
/// All seeds share the outline, so that only the inside tells them apart.
pub struct Head {
    waves: Vec<[f32; 4]>,
}

impl Head {
    pub fn new(seed: u64) -> Self {
        let unit = |n: u64| (Seed(seed).derive("head").index(n).0 >> 40) as f32 / (1u64 << 24) as f32;
        let wave = |n: u64| {
            let angle = std::f32::consts::TAU * unit(4 * n);
            let frequency = 12.0 + 40.0 * unit(4 * n + 1);
            [frequency * angle.cos(), frequency * angle.sin(), std::f32::consts::TAU * unit(4 * n + 2), unit(4 * n + 3)]
        };
        Self { waves: (0..24).map(wave).collect() }
    }

    /// Grey value at (u, v); the head fills the unit square.
    fn at(&self, u: f32, v: f32) -> f32 {
        let (x, y) = (2.0 * u - 1.0, 2.0 * v - 1.0);
        let radius = (x * x + y * y).sqrt();
        let folds: f32 = self.waves.iter().map(|[a, b, phase, weight]| weight * (a * u + b * v + phase).sin()).sum();
        match radius {
            r if r > 1.0 => 5.0,
            r if r > 0.93 => 210.0,
            r if r > 0.88 => 40.0,
            _ => (115.0 + 16.0 * folds + 10.0 * x).clamp(20.0, 230.0),
        }
    }

    /// The head in a picture of `side` pixels with a margin of `margin` times its width on each side.
    pub fn picture(&self, side: usize, margin: f32) -> GreyImage {
        let place = |i: usize| ((i as f32 + 0.5) / side as f32 * (1.0 + 2.0 * margin)) - margin;
        GreyImage::from_fn(Size { width: side, height: side }, |x, y| self.at(place(x), place(y)).round())
    }
}

/// A new value for each pixel.
pub fn recolour(image: &GreyImage, f: impl Fn(f32) -> f32) -> GreyImage {
    GreyImage::from_fn(image.size(), |x, y| f(image.clamped(x as isize, y as isize)).round().clamp(0.0, 255.0))
}

pub fn mirror(image: &GreyImage) -> GreyImage {
    GreyImage::from_fn(image.size(), |x, y| image.clamped((image.width() - 1 - x) as isize, y as isize))
}

/// Cuts away these shares of the sides.
pub fn crop(image: &GreyImage, left: f32, top: f32, right: f32, bottom: f32) -> GreyImage {
    let (w, h) = (image.width() as f32, image.height() as f32);
    let (x0, y0) = ((left * w) as usize, (top * h) as usize);
    let size = Size { width: ((1.0 - left - right) * w) as usize, height: ((1.0 - top - bottom) * h) as usize };
    GreyImage::from_fn(size, |x, y| image.clamped((x + x0) as isize, (y + y0) as isize))
}

/// `image + amount * (image - mean of the 3x3 neighbourhood)`: sharpens for a positive amount, blurs for -1.
pub fn sharpen(image: &GreyImage, amount: f32) -> GreyImage {
    GreyImage::from_fn(image.size(), |x, y| {
        let at = |dx, dy| image.clamped(x as isize + dx, y as isize + dy);
        let mean = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))).map(|(dx, dy)| at(dx, dy)).sum::<f32>() / 9.0;
        (at(0, 0) + amount * (at(0, 0) - mean)).round().clamp(0.0, 255.0)
    })
}

/// What JPEG loses at a low quality: each block of 8x8 keeps multiples of 12 and more of its cosine coefficients.
pub fn recompress(image: &GreyImage) -> GreyImage {
    let cosine = |u: usize, x: usize| {
        let scale = if u == 0 { 0.5f32.sqrt() } else { 1.0 } / 2.0;
        scale * (std::f32::consts::PI / 8.0 * (x as f32 + 0.5) * u as f32).cos()
    };
    let mut out = image.clone();
    for (bx, by) in (0..image.height() / 8).flat_map(|by| (0..image.width() / 8).map(move |bx| (8 * bx, 8 * by))) {
        let pixels = |x: usize, y: usize| image.clamped((bx + x) as isize, (by + y) as isize) - 128.0;
        let mut kept = [[0.0f32; 8]; 8];
        for (v, row) in kept.iter_mut().enumerate() {
            for (u, kept) in row.iter_mut().enumerate() {
                let sum: f32 =
                    (0..64).map(|i| pixels(i % 8, i / 8) * cosine(u, i % 8) * cosine(v, i / 8)).sum();
                let step = (12 + 6 * (u + v)) as f32;
                *kept = (sum / step).round() * step;
            }
        }
        for i in 0..64 {
            let sum: f32 = (0..64).map(|k| kept[k / 8][k % 8] * cosine(k % 8, i % 8) * cosine(k / 8, i / 8)).sum();
            out.values_mut()[(by + i / 8) * image.width() + bx + i % 8] = (sum + 128.0).round().clamp(0.0, 255.0);
        }
    }
    out
}
