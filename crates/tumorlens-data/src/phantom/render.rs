//! From a head to a picture: sampling, then what a scanner adds.

use super::anatomy::{Anatomy, Site};
use super::field::Field;
use super::lesion::Lesion;
use super::paint::{Raster, paint};
use super::plane::Grid;
use super::space::{Point, norm};
use super::tissue::Palette;
use crate::draw::Draw;
use crate::transform::augment::gaussian;
use tumorlens_core::{GreyImage, Mask, Seed, Size};

/// Everything that is in the picture.
pub(super) struct Scene<'a> {
    pub(super) anatomy: &'a Anatomy,
    pub(super) lesion: Option<&'a Lesion>,
    pub(super) grid: Grid,
    pub(super) palette: Palette,
}

/// Where a pixel lies.
#[derive(Clone, Copy)]
struct Sample {
    /// In the standard head, as seen.
    seen: Point,
    /// In the standard head, before a lesion pushed it there.
    origin: Point,
    site: Site,
    /// To the lesion, infinite without one.
    lesion: f32,
}

/// Draws the slice with its outline. Values are whole numbers from 0 to 255.
pub(super) fn render(scene: &Scene<'_>, side: usize, seed: Seed) -> (GreyImage, Mask) {
    let samples = sample(scene, side);
    let mut values = brightness(scene, &samples, side);
    let mut draw = Draw::new(seed.derive("scanner"));
    gaussian(
        &mut values,
        side,
        draw.range(0.3..=0.75) * side as f32 / 160.0,
    );
    let field = Field::new(seed.derive("coil"));
    scan(
        &mut values,
        |i| field.at_mm(samples[i].seen, 110.0),
        &mut draw,
    );
    let size = Size {
        width: side,
        height: side,
    };
    let image = GreyImage::from_fn(size, |x, y| values[y * side + x]);
    let mask = Mask::from_fn(size, |x, y| {
        let s = &samples[y * side + x];
        s.lesion < 0.0 && s.site.cranium < -0.5
    });
    (image, mask)
}

fn sample(scene: &Scene<'_>, side: usize) -> Vec<Sample> {
    let mut samples = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            let seen = scene.anatomy.standard(scene.grid.at(x, y));
            let (origin, lesion) = match scene.lesion {
                Some(lesion) => {
                    let origin = lesion.unpushed(seen, |p| scene.anatomy.cranium(p));
                    (origin, lesion.distance(seen))
                }
                None => (seen, f32::INFINITY),
            };
            samples.push(Sample {
                seen,
                origin,
                site: scene.anatomy.site(origin),
                lesion,
            });
        }
    }
    samples
}

/// Brightness without bias, blur and noise.
fn brightness(scene: &Scene<'_>, samples: &[Sample], side: usize) -> Vec<f32> {
    let edge = 0.75 * scene.grid.pixel;
    let folds = |x: usize, y: usize| samples[y * side + x].site.folds;
    let mut values = Vec::with_capacity(samples.len());
    for (i, s) in samples.iter().enumerate() {
        let (x, y) = (i % side, i / side);
        let (left, right) = (x.saturating_sub(1), (x + 1).min(side - 1));
        let (up, down) = (y.saturating_sub(1), (y + 1).min(side - 1));
        let dx = (folds(right, y) - folds(left, y)) / (right - left).max(1) as f32;
        let dy = (folds(x, down) - folds(x, up)) / (down - up).max(1) as f32;
        let raster = Raster {
            edge,
            slope: norm(dx, dy) / scene.grid.pixel,
        };
        let seen = paint(scene.anatomy, s.origin, &s.site, raster, &scene.palette);
        let value = match scene.lesion {
            Some(lesion) if s.site.cranium < 0.0 && s.lesion < 40.0 => lesion.paint(
                s.seen,
                s.lesion,
                seen.value,
                seen.white,
                edge,
                &scene.palette,
            ),
            _ => seen.value,
        };
        values.push(value);
    }
    values
}

/// Coil sensitivity, Rician noise, tone curve and gain, in the order in which they come about.
fn scan(values: &mut [f32], coil: impl Fn(usize) -> f32, draw: &mut Draw) {
    let unevenness = draw.range(0.1..=0.7);
    let sigma = draw.range(0.008..=0.05);
    let gamma = draw.range(0.8..=1.25);
    let gain = draw.range(0.75..=1.05);
    for (chunk_index, chunk) in values.chunks_mut(4).enumerate() {
        let (real, imaginary) = (draw.noise4(), draw.noise4());
        for (i, value) in chunk.iter_mut().enumerate() {
            let signal = *value * (unevenness * coil(4 * chunk_index + i)).exp();
            let (a, b) = (signal + sigma * real[i], sigma * imaginary[i]);
            let magnitude = norm(a, b);
            *value = (255.0 * gain * magnitude.powf(gamma))
                .round()
                .clamp(0.0, 255.0);
        }
    }
}
