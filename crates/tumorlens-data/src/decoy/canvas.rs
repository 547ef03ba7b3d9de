//! What decoys are painted with: outlines, fillings, noise and letters on a square canvas.

use crate::draw::Draw;
use crate::phantom::field::Field;
use crate::phantom::space::point;
use crate::transform::augment::blur::gaussian;
use std::f32::consts::TAU;
use tumorlens_core::{GreyImage, Seed, Size};

/// A square of grey values, 0 where nothing was painted. Coordinates run from -1 to 1 on both axes.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    pub(super) side: usize,
    pub(super) values: Vec<f32>,
}

impl Canvas {
    pub(super) fn new(side: usize) -> Self {
        Self {
            side,
            values: vec![0.0; side * side],
        }
    }

    pub(super) fn picture(&self) -> GreyImage {
        let size = Size {
            width: self.side,
            height: self.side,
        };
        GreyImage::from_fn(size, |x, y| self.values[y * self.side + x])
    }

    /// Every value to a power.
    pub(super) fn tone(&mut self, gamma: f32) {
        self.values.iter_mut().for_each(|v| *v = v.powf(gamma));
    }

    /// Every value from its coordinates and what was there.
    pub(super) fn paint(&mut self, mut new: impl FnMut(f32, f32, f32) -> f32) {
        let side = self.side;
        for (i, value) in self.values.iter_mut().enumerate() {
            let at = |i: usize| 2.0 * (i as f32 + 0.5) / side as f32 - 1.0;
            *value = new(at(i % side), at(i / side), *value);
        }
    }

    /// Paints what lies inside an outline.
    pub(super) fn fill(&mut self, outline: &Outline, mut new: impl FnMut(f32, f32, f32) -> f32) {
        self.paint(|x, y, old| {
            if outline.at(x, y) < 1.0 {
                new(x, y, old)
            } else {
                old
            }
        });
    }

    /// Leaves what lies inside an outline.
    pub(super) fn cut_out(&mut self, outline: &Outline) {
        self.paint(|x, y, old| if outline.at(x, y) < 1.0 { old } else { 0.0 });
    }

    pub(super) fn blur(&mut self, pixels: f32) {
        gaussian(&mut self.values, self.side, pixels);
    }

    /// The value nearest to coordinates, 0 outside.
    pub(super) fn near(&self, x: f32, y: f32) -> f32 {
        let index = |v: f32| {
            let pixel = (v + 1.0) / 2.0 * self.side as f32;
            (pixel >= 0.0 && pixel < self.side as f32).then_some(pixel as usize)
        };
        match (index(x), index(y)) {
            (Some(x), Some(y)) => self.values[y * self.side + x],
            _ => 0.0,
        }
    }

    /// Lines of blocks as letters are.
    pub(super) fn write(&mut self, draw: &mut Draw) {
        let side = self.side;
        let height = side / 40 + 2;
        for _ in 0..3 + draw.below(25) {
            let (left, top) = (draw.below(side), draw.below(side - height));
            let (length, grey) = (side / 30 + draw.below(side / 4), draw.range(0.5..=1.0));
            for y in top..top + height {
                for x in left..(left + length).min(side) {
                    if draw.chance(0.5) {
                        self.values[y * side + x] = grey;
                    }
                }
            }
        }
    }

    /// Adds noise where something was painted.
    pub(super) fn grain(&mut self, sigma: f32, draw: &mut Draw) {
        for values in self.values.chunks_mut(4) {
            for (value, noise) in values.iter_mut().zip(draw.noise4()) {
                if *value > 0.0 {
                    *value = (*value + sigma * noise).max(0.0);
                }
            }
        }
    }

    /// Values spread over 0 to 1; as they are when all are equal.
    pub(super) fn spread(&mut self) {
        let ends = self
            .values
            .iter()
            .fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        let range = ends.1 - ends.0;
        if range > 0.0 {
            self.values
                .iter_mut()
                .for_each(|v| *v = (*v - ends.0) / range);
        }
    }
}

/// A closed line around a centre.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    centre: [f32; 2],
    radii: [f32; 2],
    /// Cosine and sine of the angle by which it is turned.
    turn: [f32; 2],
    /// Amplitude and phase of the waves on it, from one a turn on; none on an ellipse.
    waves: Vec<[f32; 2]>,
}

impl Outline {
    pub(super) fn ellipse(centre: [f32; 2], radii: [f32; 2], angle: f32) -> Self {
        Self {
            centre,
            radii,
            turn: [angle.cos(), angle.sin()],
            waves: Vec::new(),
        }
    }

    /// An ellipse about the middle, as large as a head may be.
    pub(super) fn oval(draw: &mut Draw) -> Self {
        let radii = [draw.range(0.55..=0.95), draw.range(0.6..=0.95)];
        Self::ellipse([0.0, 0.0], radii, draw.within(0.2))
    }

    /// An ellipse somewhere.
    pub(super) fn spot(draw: &mut Draw, largest: f32) -> Self {
        let centre = [draw.within(0.7), draw.within(0.7)];
        let radii = [draw.range(0.03..=largest), draw.range(0.03..=largest)];
        Self::ellipse(centre, radii, draw.range(0.0..=TAU))
    }

    /// Any closed shape about the middle; the rougher, the more it swings.
    pub(super) fn blob(draw: &mut Draw, rough: f32) -> Self {
        let radius = draw.range(0.45..=0.95);
        Self {
            centre: [draw.within(0.15), draw.within(0.15)],
            radii: [
                radius * draw.range(0.7..=1.1),
                radius * draw.range(0.7..=1.1),
            ],
            turn: [1.0, 0.0],
            waves: (1..8)
                .map(|wave| {
                    let [swing, ..] = draw.noise4();
                    [rough * swing / wave as f32, draw.range(0.0..=TAU)]
                })
                .collect(),
        }
    }

    /// Distance from the centre as a share of the distance of the line there: below 1 inside.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let [cos, sin] = self.turn;
        let (u, v) = (
            (cos * dx + sin * dy) / self.radii[0],
            (cos * dy - sin * dx) / self.radii[1],
        );
        let share = (u * u + v * v).sqrt();
        if self.waves.is_empty() {
            return share;
        }
        let angle = v.atan2(u);
        let swing: f32 = (1..)
            .zip(&self.waves)
            .map(|(wave, [amplitude, phase])| amplitude * (wave as f32 * angle + phase).cos())
            .sum();
        share / (1.0 + swing).clamp(0.3, 2.0)
    }
}

/// What an area is filled with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filling {
    Even(f32),
    /// Clouds of some octaves: base, amplitude and width of the largest.
    Clouds(Clouds),
    /// Brighter towards one side.
    Slope([f32; 2]),
    /// Stripes.
    Waves {
        direction: [f32; 2],
        depth: f32,
    },
}

impl Filling {
    pub(super) fn any(draw: &mut Draw) -> Self {
        let angle = draw.range(0.0..=TAU);
        let direction = [angle.cos(), angle.sin()];
        match draw.below(5) {
            0 => Self::Even(draw.range(0.3..=1.0)),
            1 => Self::Slope(direction),
            2 => {
                let turns = draw.range(4.0..=60.0);
                Self::Waves {
                    direction: direction.map(|d| d * turns),
                    depth: draw.range(0.1..=0.5),
                }
            }
            _ => Self::Clouds(Clouds::any(draw)),
        }
    }

    pub(super) fn at(self, x: f32, y: f32) -> f32 {
        match self {
            Self::Even(grey) => grey,
            Self::Clouds(clouds) => clouds.at(x, y),
            Self::Slope([dx, dy]) => 0.15 + 0.3 * (1.4 + dx * x + dy * y),
            Self::Waves {
                direction: [dx, dy],
                depth,
            } => 0.5 + depth * (dx * x + dy * y).sin(),
        }
    }
}

/// Smooth noise of five octaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clouds {
    field: Field,
    base: f32,
    amplitude: f32,
    width: f32,
    /// From an octave to the next finer one.
    falloff: f32,
}

impl Clouds {
    pub(super) fn any(draw: &mut Draw) -> Self {
        Self {
            field: Field::new(Seed(draw.bits())),
            base: draw.range(0.3..=0.6),
            amplitude: draw.range(0.1..=0.7),
            width: draw.range(0.15..=0.8),
            falloff: draw.range(0.3..=0.8),
        }
    }

    pub(super) fn at(self, x: f32, y: f32) -> f32 {
        let (mut sum, mut weight, mut width) = (0.0, 1.0, self.width);
        for octave in 0..5 {
            sum += weight
                * self
                    .field
                    .at(point(x / width, y / width, octave as f32 * 7.3));
            weight *= self.falloff;
            width /= 2.0;
        }
        (self.base + self.amplitude * sum).max(0.0)
    }
}
