//! A made-up head whose inside differs from seed to seed.

use tumorlens_core::{GreyImage, Seed, Size};

/// A slice as a function of the place: a bright skull, folds of random direction and width, a dark pair of ventricles.
/// All seeds share the outline, so that only the inside tells them apart.
pub(crate) struct Head {
    waves: Vec<[f32; 4]>,
}

impl Head {
    pub(crate) fn new(seed: u64) -> Self {
        let unit =
            |n: u64| (Seed(seed).derive("head").index(n).0 >> 40) as f32 / (1u64 << 24) as f32;
        let wave = |n: u64| {
            let angle = std::f32::consts::TAU * unit(4 * n);
            let frequency = 12.0 + 40.0 * unit(4 * n + 1);
            [
                frequency * angle.cos(),
                frequency * angle.sin(),
                std::f32::consts::TAU * unit(4 * n + 2),
                unit(4 * n + 3),
            ]
        };
        Self {
            waves: (0..24).map(wave).collect(),
        }
    }

    /// Grey value at (u, v); the head fills the unit square.
    fn at(&self, u: f32, v: f32) -> f32 {
        let (x, y) = (2.0 * u - 1.0, 2.0 * v - 1.0);
        let radius = (x * x + y * y).sqrt();
        let folds: f32 = self
            .waves
            .iter()
            .map(|[a, b, phase, weight]| weight * (a * u + b * v + phase).sin())
            .sum();
        match radius {
            r if r > 1.0 => 5.0,
            r if r > 0.93 => 210.0,
            r if r > 0.88 => 40.0,
            _ => (115.0 + 16.0 * folds + 10.0 * x).clamp(20.0, 230.0),
        }
    }

    /// The head in a picture of `side` pixels with a margin of `margin` times its width on each side.
    pub(crate) fn picture(&self, side: usize, margin: f32) -> GreyImage {
        let place = |i: usize| ((i as f32 + 0.5) / side as f32 * (1.0 + 2.0 * margin)) - margin;
        GreyImage::from_fn(
            Size {
                width: side,
                height: side,
            },
            |x, y| self.at(place(x), place(y)).round(),
        )
    }
}

/// Left becomes right.
pub(crate) fn mirror(image: &GreyImage) -> GreyImage {
    GreyImage::from_fn(image.size(), |x, y| {
        image.clamped((image.width() - 1 - x) as isize, y as isize)
    })
}
