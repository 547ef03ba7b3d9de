//! Pictures whose pixels are whole numbers from 0 to 65535, as 8- and 16-bit files store them: what is the same for every
//! pixel of a tone is computed once a tone. The results are those of the values themselves, to the last bit.

use super::Rect;
use super::bitmap::Bitmap;
use super::window::{Bounds, between};
use tumorlens_core::{GreyImage, Size};

/// The tone of every pixel, row by row, and how many pixels each tone has.
#[derive(Debug)]
pub(super) struct Tones {
    values: Vec<u16>,
    pixels: Vec<u32>,
}

impl Tones {
    /// None where a pixel is no whole number, or there are more tones than pixels.
    pub(super) fn of(image: &GreyImage) -> Option<Self> {
        let values: Vec<u16> = image.values().iter().map(|v| *v as u16).collect();
        let pairs = || image.values().iter().zip(&values);
        // Minus zero is no tone: it is ordered before zero.
        let other = pairs().fold(0, |other, (v, tone)| {
            other | (v.to_bits() ^ f32::from(*tone).to_bits())
        });
        let most = usize::from(values.iter().copied().max()?);
        if other != 0 || most >= values.len().max(256) {
            return None;
        }
        let pixels = count(values.chunks(values.len().max(1)), most + 1);
        Some(Self { values, pixels })
    }

    /// Tones from 0 to the brightest.
    pub(super) fn count(&self) -> usize {
        self.pixels.len()
    }

    /// How many pixels each tone has.
    pub(super) fn pixels(&self) -> &[u32] {
        &self.pixels
    }

    /// Which pixels have a tone that is `inside`.
    pub(super) fn bitmap(&self, size: Size, inside: &[bool]) -> Bitmap {
        let mut changes = (1..inside.len()).filter(|i| inside[*i] != inside[*i - 1]);
        match (changes.next(), changes.next()) {
            // Usually what is brighter than one tone is inside, which is quicker to ask.
            (Some(first), None) if inside[first] => {
                Bitmap::of(&self.values, size, |v| usize::from(v) >= first)
            }
            _ => Bitmap::of(&self.values, size, |v| inside[usize::from(v)]),
        }
    }

    /// [`super::window::measure`] of the whole image.
    pub(super) fn measure(&self, low: f32, high: f32) -> Option<Bounds> {
        measure(&self.pixels, low, high)
    }

    /// [`super::window::measure`] of a part of an image of this width.
    pub(super) fn measure_part(
        &self,
        part: Rect,
        width: usize,
        low: f32,
        high: f32,
    ) -> Option<Bounds> {
        let rows = self.values.chunks_exact(width.max(1));
        let rows = rows
            .skip(part.y)
            .take(part.height)
            .map(|row| &row[part.x..part.x + part.width]);
        measure(&count(rows, self.count()), low, high)
    }
}

/// How many values there are of each tone.
fn count<'a>(rows: impl Iterator<Item = &'a [u16]>, tones: usize) -> Vec<u32> {
    // Neighbours are often alike: counted in turn, none waits for the one before.
    let mut counts = vec![[0u32; 4]; tones];
    for row in rows {
        let (four, rest) = row.as_chunks::<4>();
        for pixels in four {
            for (i, tone) in pixels.iter().enumerate() {
                counts[usize::from(*tone)][i] += 1;
            }
        }
        for tone in rest {
            counts[usize::from(*tone)][0] += 1;
        }
    }
    counts.into_iter().map(|c| c.iter().sum()).collect()
}

fn measure(pixels: &[u32], low: f32, high: f32) -> Option<Bounds> {
    let minimum = pixels.iter().position(|n| *n > 0)?;
    let above = &pixels[minimum + 1..];
    let total: usize = above.iter().map(|n| *n as usize).sum();
    if total == 0 {
        return None;
    }
    // The value of a rank, from 0, among those above the minimum, and the next one.
    let at = |rank: usize| {
        let mut seen = 0;
        let tones = above.iter().zip(minimum + 1..).filter(|(n, _)| **n > 0);
        let mut later = tones.skip_while(|(n, _)| {
            seen += **n as usize;
            seen <= rank
        });
        let value = later.next().map_or(f32::INFINITY, |(_, tone)| tone as f32);
        let next = later.next().map_or(f32::INFINITY, |(_, tone)| tone as f32);
        [value, if seen > rank + 1 { value } else { next }]
    };
    Some(between(minimum as f32, total, at, [low, high]))
}

#[cfg(test)]
mod tests {
    use super::super::window;
    use super::*;
    use crate::draw::Draw;
    use tumorlens_core::Seed;

    #[test]
    fn a_window_of_counts_is_that_of_the_values() {
        let mut draw = Draw::new(Seed(8));
        for round in 0..200 {
            let size = Size {
                width: 1 + draw.below(40),
                height: 1 + draw.below(40),
            };
            let tones = [2, 3, 30, 256, 4000][round % 5];
            let image = GreyImage::from_fn(size, |_, _| {
                if draw.chance(0.3) {
                    0.0
                } else {
                    draw.below(tones) as f32
                }
            });
            let Some(found) = Tones::of(&image) else {
                assert_eq!(tones, 4000);
                continue;
            };
            let part = Rect {
                x: size.width / 3,
                y: size.height / 4,
                width: size.width.div_ceil(2),
                height: size.height.div_ceil(2),
            };
            for (low, high) in [(1.0, 99.5), (0.0, 100.0), (25.0, 30.0)] {
                let expected = window::measure(image.values(), low, high);
                assert_eq!(found.measure(low, high), expected, "{image:?}");
                let expected = window::measure(&part.cut(&image), low, high);
                let found = found.measure_part(part, size.width, low, high);
                assert_eq!(found, expected, "{part:?} of {image:?}");
            }
        }
    }

    #[test]
    fn only_whole_numbers_are_tones() {
        let size = Size {
            width: 3,
            height: 1,
        };
        for (values, whole) in [
            ([0.0, 7.0, 255.0], true),
            ([0.0, 7.5, 255.0], false),
            ([-1.0, 7.0, 255.0], false),
            ([-0.0, 7.0, 255.0], false),
            ([0.0, 7.0, 65536.0], false),
            ([0.0, 7.0, f32::NAN], false),
        ] {
            let image = GreyImage::new(size, values.to_vec()).unwrap();
            assert_eq!(Tones::of(&image).is_some(), whole, "{values:?}");
        }
    }

    #[test]
    fn pixels_of_the_tones_inside_are_inside() {
        let size = Size {
            width: 4,
            height: 2,
        };
        let values = [0.0, 1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 0.0].to_vec();
        let image = GreyImage::new(size, values).unwrap();
        let tones = Tones::of(&image).unwrap();
        for inside in [
            [false, false, true, true],
            [true, false, true, false],
            [true; 4],
        ] {
            let expected = Bitmap::of(image.values(), size, |v: f32| inside[v as usize]);
            assert_eq!(tones.bitmap(size, &inside), expected);
        }
    }
}
