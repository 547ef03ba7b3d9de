//! Exchange of lesions between training images, against shortcuts.
//!
//! Where all images of a source are of one class, a network may learn the source. Outlines allow to change the class
//! of an image and little else of it: a lesion is taken from one picture and blended into another ([`Exchange::paste`]),
//! is covered by the mirrored tissue of the other half of the head ([`Exchange::heal`]), or is left out of a cut
//! ([`Exchange::cut`]). All work on `[side, side]` values in [0, 1], before the augmentation, from a seed.

use super::augment::gaussian;
use super::head::head_region;
use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use std::f32::consts::TAU;

/// How often lesions are exchanged. All are 0, that is off, by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exchange {
    /// Probability that an image without lesion gets that of another image, 0 to 1.
    pub paste: f32,
    /// Probability that the outlined lesions of an image are covered by mirrored tissue, 0 to 1.
    pub heal: f32,
    /// Probability that a square part of an image is shown in its place, with lesion or without, 0 to 1.
    pub cut: f32,
}

/// A probability is out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("exchange of lesions: {field} is {found}, expected 0 to 1")]
pub struct ExchangeError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub found: f32,
}

impl Exchange {
    /// Whether nothing is exchanged.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn check(&self) -> Result<(), ExchangeError> {
        let fields = [
            ("paste", self.paste),
            ("heal", self.heal),
            ("cut", self.cut),
        ];
        match fields.iter().find(|(_, p)| !(0.0..=1.0).contains(p)) {
            Some((field, found)) => Err(ExchangeError {
                field,
                found: *found,
            }),
            None => Ok(()),
        }
    }
}

/// A pixel that gets a share of a lesion: its position, the share, and where in the donor it comes from.
type Placed = (usize, f32, f32, f32);

/// An image and its outline on one square grid.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outlined {
    /// `[side, side]`, 0 to 1.
    pub(crate) values: Vec<f32>,
    /// `[side, side]`, 0 or 1.
    pub(crate) mask: Vec<f32>,
    pub(crate) side: usize,
}

/// Grey above which a pixel belongs to the head.
const HEAD: f32 = 0.08;

impl Outlined {
    fn at(&self, plane: &[f32], x: f32, y: f32) -> f32 {
        let n = self.side;
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let pixel = |x: f32, y: f32| {
            let inside = x >= 0.0 && y >= 0.0 && x < n as f32 && y < n as f32;
            if inside {
                plane[y as usize * n + x as usize]
            } else {
                0.0
            }
        };
        let row = |y: f32| pixel(x0, y) * (1.0 - fx) + pixel(x0 + 1.0, y) * fx;
        row(y0) * (1.0 - fy) + row(y0 + 1.0) * fy
    }

    fn area(&self) -> f32 {
        self.mask.iter().sum()
    }

    /// The outline, wider by about 3 % of the side and with a soft edge.
    fn soft_mask(&self) -> Vec<f32> {
        let mut soft = self.mask.clone();
        gaussian(&mut soft, self.side, 0.025 * self.side as f32);
        soft.iter_mut().for_each(|v| *v = (*v * 4.0).min(1.0));
        gaussian(&mut soft, self.side, 0.01 * self.side as f32);
        soft
    }

    /// Blends the lesion of `donor` in, turned, scaled and mirrored by chance. False, and nothing is changed, when no
    /// place for it was found.
    pub(crate) fn paste(&mut self, donor: &Self, draw: &mut Draw) -> bool {
        let n = self.side;
        let area = donor.area();
        if donor.side != n || area < 4.0 {
            return false;
        }
        let centre = |axis: fn(usize, usize) -> usize| {
            let sum: f32 = (0..n * n)
                .filter(|i| donor.mask[*i] > 0.5)
                .map(|i| axis(i, n) as f32)
                .sum();
            sum / area
        };
        let (cx, cy) = (centre(|i, n| i % n), centre(|i, n| i / n));
        let mut soft = donor.mask.clone();
        gaussian(&mut soft, n, 0.01 * n as f32);
        let head = head_region(&self.values, self.side);
        for _ in 0..12 {
            let angle = draw.range(0.0..=TAU);
            let scale = draw.range(-0.5..=0.4).exp();
            let mirror = if draw.chance(0.5) { -1.0 } else { 1.0 };
            let (tx, ty) = (draw.below(n), draw.below(n));
            let gain = draw.range(0.7..=1.3);
            if !head[ty * n + tx] {
                continue;
            }
            let (sin, cos) = angle.sin_cos();
            let source = |i: usize| {
                let (x, y) = ((i % n) as f32 - tx as f32, (i / n) as f32 - ty as f32);
                let (x, y) = ((x * cos + y * sin) / scale, (y * cos - x * sin) / scale);
                (cx + mirror * x, cy + y)
            };
            let placed: Vec<Placed> = (0..n * n)
                .filter_map(|i| {
                    let (x, y) = source(i);
                    let alpha = donor.at(&soft, x, y);
                    (alpha > 0.02).then_some((i, alpha, x, y))
                })
                .collect();
            let covered = placed.iter().filter(|p| head[p.0]).count();
            if placed.len() < 6 || (covered as f32) < 0.9 * placed.len() as f32 {
                continue;
            }
            let edge = |value: &dyn Fn(&Placed) -> f32| {
                let ring: Vec<f32> = placed.iter().filter(|p| p.1 < 0.5).map(value).collect();
                ring.iter().sum::<f32>() / ring.len().max(1) as f32
            };
            let there = edge(&|p| donor.at(&donor.values, p.2, p.3));
            let here = edge(&|p| self.values[p.0]);
            for &(i, alpha, x, y) in &placed {
                let lesion = here + gain * (donor.at(&donor.values, x, y) - there);
                let value = &mut self.values[i];
                *value = (*value + alpha * (lesion - *value)).clamp(0.0, 1.0);
                self.mask[i] = f32::from(u8::from(donor.at(&donor.mask, x, y) > 0.5));
            }
            return self.area() > 0.0;
        }
        false
    }

    /// Covers the lesions by tissue from the other side of the head. False, and nothing is changed, when a lesion
    /// crosses the middle, so that its mirror image is no healthy tissue.
    pub(crate) fn heal(&mut self) -> bool {
        let n = self.side;
        let head = head_region(&self.values, self.side);
        let in_head = head.iter().filter(|h| **h).count();
        if in_head == 0 {
            return false;
        }
        let sum: usize = (0..n * n).filter(|i| head[*i]).map(|i| i % n).sum();
        let middle = sum as f32 / in_head as f32;
        let soft = self.soft_mask();
        let mirrored = |i: usize| (2.0 * middle - (i % n) as f32, (i / n) as f32);
        let covered: Vec<usize> = (0..n * n).filter(|i| soft[*i] > 0.02).collect();
        let crosses = covered.iter().any(|i| {
            let (x, y) = mirrored(*i);
            self.at(&soft, x, y) > 0.3
        });
        let in_place = covered.iter().filter(|i| {
            let (x, y) = mirrored(**i);
            self.at(&self.values, x, y) > HEAD
        });
        if crosses || (in_place.count() as f32) < 0.8 * covered.len() as f32 {
            return false;
        }
        let ring = |value: &dyn Fn(usize) -> f32| {
            let ring = covered.iter().filter(|i| soft[**i] < 0.5);
            let (sum, count) = ring.fold((0.0, 0), |(s, c), i| (s + value(*i), c + 1));
            sum / count.max(1) as f32
        };
        let here = ring(&|i| self.values[i]);
        let there = ring(&|i| {
            let (x, y) = mirrored(i);
            self.at(&self.values, x, y)
        });
        let healed: Vec<(usize, f32)> = covered
            .iter()
            .map(|&i| {
                let (x, y) = mirrored(i);
                let tissue = self.at(&self.values, x, y) + here - there;
                let value = self.values[i] + soft[i] * (tissue - self.values[i]);
                (i, value.clamp(0.0, 1.0))
            })
            .collect();
        for (i, value) in healed {
            self.values[i] = value;
        }
        self.mask.fill(0.0);
        true
    }

    /// Shows a square part that holds at least four fifths of the lesions or nothing of them. False, and nothing is
    /// changed, when none was found.
    pub(crate) fn cut(&mut self, draw: &mut Draw) -> bool {
        let n = self.side;
        let head = head_region(&self.values, self.side);
        let whole = self.area();
        let wide = self.soft_mask();
        // As often without lesion as with, although there is less room beside it.
        let wanted = whole > 0.0 && draw.chance(0.5);
        for _ in 0..40 {
            let side = (draw.range(0.4..=0.8) * n as f32).round() as usize;
            let (left, top) = (draw.below(n - side + 1), draw.below(n - side + 1));
            let inside =
                || (top..top + side).flat_map(|y| (left..left + side).map(move |x| y * n + x));
            let bright = inside().filter(|i| head[*i]).count();
            let kept: f32 = inside().map(|i| self.mask[i]).sum();
            let touched = inside().any(|i| wide[i] > 0.1);
            let fits = if wanted {
                kept >= 0.8 * whole
            } else {
                !touched
            };
            if !fits || 2 * bright < side * side {
                continue;
            }
            let scale = side as f32 / n as f32;
            let shown = |plane: &[f32]| -> Vec<f32> {
                (0..n * n)
                    .map(|i| {
                        let x = left as f32 + ((i % n) as f32 + 0.5) * scale - 0.5;
                        let y = top as f32 + ((i / n) as f32 + 0.5) * scale - 0.5;
                        self.at(plane, x.max(0.0), y.max(0.0))
                    })
                    .collect()
            };
            let values = shown(&self.values);
            let mask = shown(&self.mask);
            self.values = values;
            self.mask = mask
                .into_iter()
                .map(|v| f32::from(u8::from(v > 0.5)))
                .collect();
            return true;
        }
        false
    }

    pub(crate) fn has_lesion(&self) -> bool {
        self.mask.iter().any(|v| *v > 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Seed;

    const SIDE: usize = 64;

    fn disc(x: f32, y: f32, radius: f32, inside: f32) -> Vec<f32> {
        let pixel = |i: usize| {
            let (dx, dy) = ((i % SIDE) as f32 - x, (i / SIDE) as f32 - y);
            if dx.hypot(dy) <= radius { inside } else { 0.0 }
        };
        (0..SIDE * SIDE).map(pixel).collect()
    }

    /// A grey head, bright inside the lesion.
    fn head(lesion: Option<(f32, f32)>) -> Outlined {
        let mut values = disc(32.0, 32.0, 28.0, 0.4);
        let mask = lesion.map_or_else(|| vec![0.0; SIDE * SIDE], |(x, y)| disc(x, y, 6.0, 1.0));
        for (value, mask) in values.iter_mut().zip(&mask) {
            *value += 0.4 * mask;
        }
        Outlined {
            values,
            mask,
            side: SIDE,
        }
    }

    #[test]
    fn a_pasted_lesion_is_as_bright_as_its_outline_says_and_nothing_else_changes() {
        for seed in 0..20 {
            let (mut image, healthy) = (head(None), head(None));
            assert!(image.paste(&head(Some((20.0, 30.0))), &mut Draw::new(Seed(seed))));
            assert!(image.has_lesion());
            for (i, value) in image.values.iter().enumerate() {
                if image.mask[i] > 0.5 && healthy.values[i] > 0.0 {
                    assert!(*value > 0.45, "seed {seed}, pixel {i}: {value}");
                }
            }
            let changed = (0..SIDE * SIDE).filter(|i| image.values[*i] != healthy.values[*i]);
            assert!(changed.count() < 600);
        }
    }

    #[test]
    fn a_healed_head_looks_as_if_nothing_had_been_there() {
        let mut image = head(Some((20.0, 30.0)));
        assert!(image.heal());
        assert!(!image.has_lesion());
        for (value, healthy) in image.values.iter().zip(head(None).values) {
            assert!((value - healthy).abs() < 0.05, "{value} for {healthy}");
        }
    }

    #[test]
    fn a_lesion_in_the_middle_is_not_healed() {
        let mut image = head(Some((32.0, 30.0)));
        assert!(!image.heal());
        assert_eq!(image, head(Some((32.0, 30.0))));
    }

    #[test]
    fn a_cut_holds_the_lesion_or_nothing_of_it() {
        let (mut with, mut without) = (0, 0);
        for seed in 0..40 {
            let mut image = head(Some((20.0, 30.0)));
            if !image.cut(&mut Draw::new(Seed(seed))) {
                continue;
            }
            let bright = image.values.iter().filter(|v| **v > 0.6).count();
            if image.has_lesion() {
                with += 1;
                assert!(bright > 100, "seed {seed}");
            } else {
                without += 1;
                assert_eq!(bright, 0, "seed {seed}");
            }
        }
        assert!(with > 5 && without > 5, "{with} with, {without} without");
    }

    #[test]
    fn a_donor_without_lesion_changes_nothing() {
        let mut image = head(None);
        assert!(!image.paste(&head(None), &mut Draw::new(Seed(1))));
        assert_eq!(image, head(None));
    }

    #[test]
    fn a_probability_out_of_range_is_named() {
        let exchange = Exchange {
            heal: f32::NAN,
            ..Exchange::default()
        };
        assert_eq!(exchange.check().unwrap_err().field, "heal");
    }
}
