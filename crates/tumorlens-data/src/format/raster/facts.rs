//! What a picture file holds and exactly how it decoded: the picture part of `inspect --json`.

use super::stored::{Channels, Samples, Stored};
use crate::format::thumb::thumb16;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Facts about the stored array, before grey and orientation; everything that another decoder can be compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// `png`, `jpeg`, `tiff`, `bmp` or `webp`.
    pub format: &'static str,
    /// Colour mode in the file, e.g. `L`, `RGB`, `P`.
    pub mode: &'static str,
    /// Bits a channel in the file.
    pub bits: u8,
    /// Orientation tag, 1 to 8.
    pub orientation: u8,
    /// `[height, width]`, or `[height, width, channels]` with more than one.
    pub shape: Vec<usize>,
    /// `u1` (8 bit) or `u2` (16 bit).
    pub dtype: &'static str,
    /// Smallest value.
    pub min: u16,
    /// Largest value.
    pub max: u16,
    /// Mean over all values and channels.
    pub mean: f64,
    /// SHA-256 of the values in C order, 16 bit little endian.
    pub sha256: String,
    /// SHA-256 of the values as red, green, blue, alpha; grey copied to all three, alpha full where there is none.
    pub sha256_rgba: String,
    /// Means over a 16x16 grid of equal areas, channels last, in C order, two decimals. A pixel on a border counts
    /// with the share that lies inside.
    pub thumb16: Vec<f64>,
}

/// Computes the facts.
#[must_use]
pub fn facts(stored: &Stored) -> Facts {
    match &stored.samples {
        Samples::U8(values) => of(stored, values, "u1", u8::MAX, |v, to| to.push(v)),
        Samples::U16(values) => of(stored, values, "u2", u16::MAX, |v, to| {
            to.extend(v.to_le_bytes());
        }),
    }
}

fn of<T: Copy + Into<u16>>(
    stored: &Stored,
    values: &[T],
    dtype: &'static str,
    opaque: T,
    bytes: impl Fn(T, &mut Vec<u8>),
) -> Facts {
    let channels = stored.channels.count();
    let (height, width) = (stored.size.height, stored.size.width);
    let shape = if channels == 1 {
        vec![height, width]
    } else {
        vec![height, width, channels]
    };
    let number = |v: &T| -> u16 { (*v).into() };
    let sum: u64 = values.iter().map(|v| u64::from(number(v))).sum();
    let rgba = values
        .chunks_exact(channels)
        .flat_map(|p| match stored.channels {
            Channels::L => [p[0], p[0], p[0], opaque],
            Channels::La => [p[0], p[0], p[0], p[1]],
            Channels::Rgb | Channels::Cmyk => [p[0], p[1], p[2], opaque],
            Channels::Rgba | Channels::RgbX => [p[0], p[1], p[2], p[3]],
        });
    Facts {
        format: stored.format.name(),
        mode: stored.mode,
        bits: stored.bits,
        orientation: stored.orientation,
        shape,
        dtype,
        min: values.iter().map(number).min().unwrap_or(0),
        max: values.iter().map(number).max().unwrap_or(0),
        mean: sum as f64 / values.len().max(1) as f64,
        sha256: hash(values.iter().copied(), &bytes),
        sha256_rgba: hash(rgba, &bytes),
        thumb16: thumb16(height, width, channels, |i| f64::from(number(&values[i]))),
    }
}

fn hash<T>(values: impl Iterator<Item = T>, bytes: impl Fn(T, &mut Vec<u8>)) -> String {
    let mut hasher = Sha256::new();
    let mut block = Vec::with_capacity(1 << 16);
    for value in values {
        bytes(value, &mut block);
        if block.len() >= (1 << 16) - 2 {
            hasher.update(&block);
            block.clear();
        }
    }
    hasher.update(&block);
    crate::hex(&hasher.finalize())
}
