//! Detail map: the fine structure of a view, freed from brightness and contrast.

use super::correlation::{correlation, mirrored_pairs, pairs};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tumorlens_core::GreyImage;

/// Side of a detail map and of the view that it is made from.
pub const SIDE: usize = 64;
/// Standard deviation of the Gaussian neighbourhood in pixels: wide enough to hold a sulcus, narrow enough that
/// the outline of the head, which all heads share, is only a part of the structure.
const NEIGHBOURHOOD: f32 = 3.0;
/// Where the neighbourhood varies less than this share of the whole view, it is background and its noise is not raised.
const FLAT: f32 = 0.1;
/// Size of one of the 15 levels, in local standard deviations.
const LEVEL: f32 = 0.4;
/// Levels on either side of 0.
const LEVELS: i8 = 7;

/// 64x64 values, row by row: each pixel less the mean of its neighbourhood, divided by the neighbourhood's standard
/// deviation (local contrast normalisation, Jarrett et al. 2009), in steps of 0.4 from -7 to 7.
///
/// As text it is one letter a pixel, `a` (-7) to `o` (7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail(Vec<i8>);

impl Detail {
    /// The map of a 64x64 view.
    pub(super) fn of(view: &GreyImage) -> Self {
        let values = view.values();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let spread =
            (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt();
        if spread.is_nan() || spread <= f32::EPSILON * mean.abs() {
            return Self(vec![0; SIDE * SIDE]);
        }
        let local_mean = blur(values);
        let deviation: Vec<f32> = values.iter().zip(&local_mean).map(|(v, m)| v - m).collect();
        let squares: Vec<f32> = deviation.iter().map(|d| d * d).collect();
        let local_variance = blur(&squares);
        let level = |(d, v): (&f32, &f32)| {
            let normalised = d / (v.max(0.0).sqrt() + FLAT * spread);
            (normalised / LEVEL)
                .round()
                .clamp(-f32::from(LEVELS), f32::from(LEVELS)) as i8
        };
        Self(deviation.iter().zip(&local_variance).map(level).collect())
    }

    /// Values from -7 to 7, row by row.
    #[must_use]
    pub fn values(&self) -> &[i8] {
        &self.0
    }

    /// The map of the image mirrored left to right.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        Self(
            self.0
                .chunks(SIDE)
                .flat_map(|row| row.iter().rev().copied())
                .collect(),
        )
    }

    /// Pearson's correlation of two maps, -1 to 1; 0 when one of them is flat.
    #[must_use]
    pub fn correlation(&self, other: &Self) -> f32 {
        correlation(pairs(&self.0, &other.0))
    }

    /// [`Self::correlation`] with the other map mirrored left to right.
    #[must_use]
    pub fn mirrored_correlation(&self, other: &Self) -> f32 {
        correlation(mirrored_pairs(&self.0, &other.0, SIDE))
    }
}

/// Gaussian blur of a 64x64 grid, first along rows, then along columns; the edge pixel continues outside.
fn blur(values: &[f32]) -> Vec<f32> {
    let across = blur_rows(values);
    transpose(&blur_rows(&transpose(&across)))
}

fn blur_rows(values: &[f32]) -> Vec<f32> {
    const RADIUS: usize = (4.0 * NEIGHBOURHOOD) as usize;
    let bell = |i: usize| (-0.5 * (i as f32 / NEIGHBOURHOOD).powi(2)).exp();
    let total: f32 = (1..=RADIUS).map(bell).sum::<f32>() * 2.0 + 1.0;
    let weights: Vec<f32> = (0..=2 * RADIUS)
        .map(|i| bell(i.abs_diff(RADIUS)) / total)
        .collect();
    let mut padded = [0.0f32; SIDE + 2 * RADIUS];
    let mut blurred = Vec::with_capacity(values.len());
    for row in values.chunks_exact(SIDE) {
        padded[..RADIUS].fill(row[0]);
        padded[RADIUS..RADIUS + SIDE].copy_from_slice(row);
        padded[RADIUS + SIDE..].fill(row[SIDE - 1]);
        blurred.extend(
            padded
                .windows(weights.len())
                .map(|w| w.iter().zip(&weights).map(|(v, w)| v * w).sum::<f32>()),
        );
    }
    blurred
}

fn transpose(values: &[f32]) -> Vec<f32> {
    (0..SIDE * SIDE)
        .map(|i| values[i % SIDE * SIDE + i / SIDE])
        .collect()
}

impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let letter = |v: &i8| char::from(b'a' + v.clamp(&-LEVELS, &LEVELS).abs_diff(-LEVELS));
        serializer.serialize_str(&self.0.iter().map(letter).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Detail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = |b: u8| match b {
            b'a'..=b'o' => Ok((b - b'a') as i8 - LEVELS),
            _ => Err(serde::de::Error::custom(
                "a detail map has letters from a to o only",
            )),
        };
        let values: Vec<i8> = text.bytes().map(value).collect::<Result<_, D::Error>>()?;
        if values.len() == SIDE * SIDE {
            Ok(Self(values))
        } else {
            Err(serde::de::Error::custom(format!(
                "a detail map has {} letters, found {}",
                SIDE * SIDE,
                values.len()
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Size;

    fn pattern(f: impl Fn(f32, f32) -> f32) -> GreyImage {
        GreyImage::from_fn(
            Size {
                width: SIDE,
                height: SIDE,
            },
            |x, y| f(x as f32, y as f32),
        )
    }

    fn folds(x: f32, y: f32) -> f32 {
        100.0
            + 40.0 * (0.9 * x + (0.2 * y).sin() * 4.0).sin()
            + 20.0 * (0.7 * y + 0.02 * x * x).cos()
    }

    #[test]
    fn gamma_and_a_bias_field_leave_the_map_and_other_folds_do_not() {
        let plain = Detail::of(&pattern(folds));
        let gamma = Detail::of(&pattern(|x, y| 255.0 * (folds(x, y) / 255.0).powf(1.6)));
        let biased = Detail::of(&pattern(|x, y| folds(x, y) * (0.5 + 0.02 * x)));
        let other = Detail::of(&pattern(|x, y| folds(y + 3.0, x)));
        assert!(
            plain.correlation(&gamma) > 0.97,
            "{}",
            plain.correlation(&gamma)
        );
        assert!(
            plain.correlation(&biased) > 0.95,
            "{}",
            plain.correlation(&biased)
        );
        assert!(
            plain.correlation(&other).abs() < 0.3,
            "{}",
            plain.correlation(&other)
        );
    }

    #[test]
    fn mirroring_is_undone_by_the_mirrored_correlation() {
        let plain = Detail::of(&pattern(folds));
        let mirrored = Detail::of(&pattern(|x, y| folds(SIDE as f32 - 1.0 - x, y)));
        assert_eq!(plain.mirrored_correlation(&plain.mirrored()), 1.0);
        assert!(plain.mirrored_correlation(&mirrored) > 0.999);
        assert!(plain.correlation(&mirrored) < 0.3);
    }

    #[test]
    fn a_map_survives_a_round_trip_as_text_and_nonsense_is_refused() {
        let map = Detail::of(&pattern(folds));
        let json = serde_json::to_string(&map).unwrap();
        assert_eq!(json.len(), SIDE * SIDE + 2);
        assert_eq!(serde_json::from_str::<Detail>(&json).unwrap(), map);
        assert!(serde_json::from_str::<Detail>("\"abc\"").is_err());
        assert!(
            serde_json::from_str::<Detail>(&format!("\"{}\"", "z".repeat(SIDE * SIDE))).is_err()
        );
    }

    #[test]
    fn a_flat_view_resembles_nothing_not_even_itself() {
        let flat = Detail::of(&pattern(|_, _| 12.0));
        assert_eq!(flat.correlation(&flat), 0.0);
    }
}
