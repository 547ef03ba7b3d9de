//! Drawn heads: enough anatomy to judge a page by, far from the phantoms of `tumorlens-data`.

use tumorlens_core::{Attribution, GreyImage, Mask, Size};

const SIDE: usize = 224;
const SIZE: Size = Size {
    width: SIDE,
    height: SIDE,
};

/// One drawn head.
pub(crate) struct Head {
    seed: u64,
    lesion: Option<(f32, f32, f32)>,
    tilt: f32,
    gamma: f32,
}

/// A repeatable number from -1 to 1 for a place and a seed (the finaliser of splitmix64).
pub(crate) fn noise(x: u64, y: u64, seed: u64) -> f32 {
    let mut z = x.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ y.wrapping_mul(0xbf58_476d_1ce4_e5b9)
        ^ seed.wrapping_mul(0x94d0_49bb_1331_11eb);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

impl Head {
    pub(crate) fn new(seed: u64, lesion: bool) -> Self {
        let draw = |i| noise(i, 7, seed);
        let side = if draw(1) > 0.0 { 1.0 } else { -1.0 };
        let lesion = lesion.then(|| {
            (
                side * (0.2 + 0.12 * draw(2).abs()),
                0.3 * draw(3),
                0.12 + 0.07 * draw(4).abs(),
            )
        });
        Self {
            seed,
            lesion,
            tilt: 0.12 * draw(5),
            gamma: 1.0,
        }
    }

    pub(crate) fn varied(self, i: u64) -> Self {
        let mirrored = self
            .lesion
            .map(|(x, y, r)| if i == 1 { (-x, y, r) } else { (x, y, r) });
        Self {
            lesion: mirrored,
            tilt: self.tilt + 0.15 * noise(i, 1, 3),
            gamma: 1.0 + 0.3 * noise(i, 2, 3),
            ..self
        }
    }

    /// Place in the head's own frame, both about -1 to 1.
    fn place(&self, x: usize, y: usize) -> (f32, f32) {
        let (u, v) = (
            x as f32 / SIDE as f32 * 2.0 - 1.0,
            y as f32 / SIDE as f32 * 2.0 - 1.0,
        );
        let (sin, cos) = self.tilt.sin_cos();
        ((u * cos + v * sin) / 0.76, (v * cos - u * sin) / 0.9)
    }

    fn lesion_distance(&self, (u, v): (f32, f32)) -> f32 {
        self.lesion.map_or(9.0, |(x, y, r)| {
            let angle = (v - y).atan2(u - x);
            (u - x).hypot(v - y) / (r * (1.0 + 0.1 * (3.0 * angle + self.seed as f32).sin()))
        })
    }

    fn tissue(&self, (u, v): (f32, f32)) -> f32 {
        let radius = u.hypot(v);
        let folds =
            (9.0 * u + 2.0 * (5.0 * v).sin()).sin() * (8.0 * v + 2.0 * (6.0 * u).cos()).cos();
        let ventricle = ((u.abs() - 0.09) / 0.07).hypot((v + 0.05) / 0.26);
        match radius {
            r if r > 1.0 => 0.02,
            r if r > 0.95 => 0.75,
            r if r > 0.87 => 0.12,
            _ if self.lesion_distance((u, v)) < 0.55 => 0.42,
            _ if self.lesion_distance((u, v)) < 1.0 => 0.95,
            _ if self.lesion_distance((u, v)) < 1.5 => 0.38,
            _ if ventricle < 1.0 => 0.14,
            _ if u.abs() < 0.012 => 0.3,
            r if r > 0.74 - 0.07 * folds => 0.42,
            _ => 0.6 + 0.05 * folds,
        }
    }

    pub(crate) fn image(&self) -> GreyImage {
        GreyImage::from_fn(SIZE, |x, y| {
            let place = self.place(x, y);
            let bias = 1.0 + 0.12 * place.0 - 0.08 * place.1;
            let value = self.tissue(place) * bias + 0.035 * noise(x as u64, y as u64, self.seed);
            255.0 * value.clamp(0.0, 1.0).powf(self.gamma)
        })
    }

    pub(crate) fn mask(&self) -> Mask {
        Mask::from_fn(SIZE, |x, y| self.lesion_distance(self.place(x, y)) < 1.0)
    }

    /// A coarse map that finds the lesion, or wanders off.
    pub(crate) fn attribution(&self, finds: bool) -> Attribution {
        let (x, y, r) =
            self.lesion
                .filter(|_| finds)
                .unwrap_or((0.5 * noise(1, 1, self.seed), -0.6, 0.2));
        let values = GreyImage::from_fn(SIZE, |px, py| {
            let (u, v) = self.place(px, py);
            let far = (u - x).hypot(v - y) / (1.6 * r);
            (if finds { 1.0 } else { 0.55 }) * (-far * far).exp()
                + 0.1 * (-(u * u + v * v) * 3.0).exp()
        });
        Attribution {
            size: SIZE,
            values: values.into_values(),
            method: "grad_cam".into(),
            layer: "stage4".into(),
            target: "tumor".into(),
        }
    }

    /// What a channel of an early layer may look like.
    pub(crate) fn channel(&self, channel: u64, side: usize) -> Vec<f32> {
        let step = SIDE / side;
        let (a, b) = (noise(channel, 1, 1), noise(channel, 2, 1));
        let at = |x: usize, y: usize| self.tissue(self.place(x * step, y * step));
        (0..side * side)
            .map(|i| {
                let (x, y) = (i % side, i / side);
                let (right, below) = (at((x + 1).min(side - 1), y), at(x, (y + 1).min(side - 1)));
                (a * (right - at(x, y)) + b * (below - at(x, y)) + 0.1 * at(x, y)).max(0.0)
            })
            .collect()
    }
}
