//! From code blocks to samples: coefficients, wavelet, colour, level (T.800 annexes E to G).

use super::block::{Blocks, MAX_PLANES, Task};
use super::codestream::{Codestream, Rect, Tile};
use super::context::Orientation;
use super::layout::{Band, Block, Budget, Parts};
use super::modes::Modes;
use super::room::{Room, Rooms};
use super::wavelet::{Bands, Lifting, SCALE_97, join};
use super::{damaged, packet, unsupported};
use crate::format::clock;
use crate::format::error::DecodeError;
use crate::format::guard;
use rayon::prelude::*;

/// Bytes of code blocks below which they are not shared out among threads.
const WORTH_SHARING: usize = 8192;

/// A transform's coefficients.
trait Coefficient: Lifting {
    /// From sign and magnitude in halves.
    fn read(coded: u32, step: f32) -> Self;
}

impl Coefficient for i32 {
    #[inline]
    fn read(coded: u32, _: f32) -> Self {
        let sign = coded as i32 >> 31;
        (((coded & 0x7FFF_FFFF) >> 1) as i32 ^ sign) - sign
    }
}

impl Coefficient for f32 {
    #[inline]
    fn read(coded: u32, step: f32) -> Self {
        let magnitude = (coded & 0x7FFF_FFFF) as i32 as f32 * step;
        f32::from_bits(magnitude.to_bits() | coded & 0x8000_0000)
    }
}

/// A component's samples of one tile.
enum Plane {
    Whole(Vec<i32>),
    Real(Vec<f32>),
}

/// Decodes all tiles into `samples[(y * width + x) * components + c]`, each in the low `precision` bits.
pub(super) fn decode(
    stream: &Codestream<'_>,
    bytes: usize,
    samples: &mut [u16],
) -> Result<(), DecodeError> {
    let mut budget = Budget::new(bytes);
    let mut blocks = Blocks::new();
    let mut rooms = Rooms::take();
    for tile in &stream.tiles {
        if !tile.area.is_empty() {
            decode_tile(stream, tile, &mut budget, &mut blocks, &mut rooms, samples)?;
        }
    }
    rooms.keep();
    Ok(())
}

fn decode_tile(
    stream: &Codestream<'_>,
    tile: &Tile<'_>,
    budget: &mut Budget,
    blocks: &mut Blocks,
    rooms: &mut Rooms,
    samples: &mut [u16],
) -> Result<(), DecodeError> {
    let coded = tile.coding.components.iter();
    let mut parts = coded
        .zip(&stream.size.samples)
        .map(|(c, (precision, _))| Parts::new(&tile.area, c, *precision, budget))
        .collect::<Result<Vec<_>, _>>()?;
    packet::read(tile, &mut parts)?;
    let mut planes = Vec::with_capacity(parts.len());
    for part in parts {
        planes.push(if part.reversible {
            Plane::Whole(plane(&part, blocks, &mut rooms.whole)?)
        } else {
            Plane::Real(plane(&part, blocks, &mut rooms.real)?)
        });
    }
    if tile.coding.colour {
        undo_colour(&mut planes)?;
    }
    for (index, plane) in planes.into_iter().enumerate() {
        store(stream, tile, index, &plane, samples);
        match plane {
            Plane::Whole(values) => rooms.whole.give(values),
            Plane::Real(values) => rooms.real.give(values),
        }
    }
    Ok(())
}

/// The samples of a tile's component.
fn plane<T: Coefficient>(
    parts: &Parts<'_>,
    blocks: &mut Blocks,
    room: &mut Room<T>,
) -> Result<Vec<T>, DecodeError> {
    let sizes: Vec<usize> = bands(parts)
        .map(|band| band.area.width() * band.area.height())
        .collect();
    let mut coefficients = room.take(sizes.iter().sum());
    fill(parts, &mut coefficients, blocks)?;
    let mut rest = coefficients.as_slice();
    let mut next = sizes.iter().map(|size| {
        let (band, behind) = rest.split_at(*size);
        rest = behind;
        band
    });
    let (mut low, mut out, mut line) = (room.take(0), room.take(0), Vec::new());
    low.clear();
    low.extend_from_slice(next.next().unwrap_or_default());
    for resolution in parts.resolutions.iter().skip(1) {
        let high = [(); 3].map(|()| next.next().unwrap_or_default());
        let bands = Bands { low: &low, high };
        join(&resolution.area, &bands, &mut out, &mut line);
        std::mem::swap(&mut low, &mut out);
    }
    room.give(out);
    room.give(coefficients);
    Ok(low)
}

/// All sub-bands, lowest first.
fn bands<'a, 'b>(parts: &'b Parts<'a>) -> impl Iterator<Item = &'b Band<'a>> {
    parts.resolutions.iter().flat_map(|r| &r.bands)
}

/// What the scaling of the 9/7 transform makes of each sub-band over all levels, lowest first: low samples are multiplied
/// by K and high ones divided, across and down, where there is more than one.
fn scales(parts: &Parts<'_>) -> Vec<f32> {
    let mut scales = Vec::new();
    let mut below = 1.0;
    for resolution in parts.resolutions.iter().rev() {
        let by = |size: usize| if size == 1 { 1.0 } else { SCALE_97 };
        let (across, down) = (by(resolution.area.width()), by(resolution.area.height()));
        for band in resolution.bands.iter().rev() {
            scales.push(match band.orientation {
                Orientation::LowLow => below,
                Orientation::HighLow => below * down / across,
                Orientation::LowHigh => below * across / down,
                Orientation::HighHigh => below / (across * down),
            });
        }
        below *= across * down;
    }
    scales.reverse();
    scales
}

/// A row of code blocks and its place in the coefficients.
struct Row<'a, 'b, T> {
    blocks: Vec<&'b Block<'a>>,
    target: &'b mut [T],
    /// The sub-band's row with which the target begins.
    top: usize,
    width: usize,
    orientation: Orientation,
    planes: u32,
    step: f32,
}

/// Decodes all code blocks into the sub-bands of `coefficients`.
fn fill<T: Coefficient>(
    parts: &Parts<'_>,
    coefficients: &mut [T],
    blocks: &mut Blocks,
) -> Result<(), DecodeError> {
    let mut rows = Vec::new();
    let mut rest = coefficients;
    for (band, scale) in bands(parts).zip(scales(parts)) {
        let (target, behind) = rest.split_at_mut(band.area.width() * band.area.height());
        rest = behind;
        rows.extend(block_rows(band, scale, target));
    }
    let bytes: usize = rows
        .iter()
        .flat_map(|row| &row.blocks)
        .flat_map(|block| &block.chunks)
        .map(|chunk| chunk.length)
        .sum();
    if bytes < WORTH_SHARING || rayon::current_num_threads() == 1 {
        return rows.iter_mut().try_for_each(|row| {
            clock::check()?;
            row.fill(parts, blocks)
        });
    }
    let time = clock::left();
    // All of them, so that of several errors the first is told whatever the number of threads.
    let filled: Vec<_> = rows
        .into_par_iter()
        .with_max_len(1)
        .map_init(Blocks::new, |blocks, mut row| {
            guard::without_panic("dicom", time, || {
                clock::check()?;
                row.fill(parts, blocks)
            })
        })
        .collect();
    filled.into_iter().collect()
}

fn block_rows<'a, 'b, T>(
    band: &'b Band<'a>,
    scale: f32,
    mut target: &'b mut [T],
) -> Vec<Row<'a, 'b, T>> {
    let width = band.area.width();
    let mut all: Vec<&Block<'_>> = band
        .precincts
        .iter()
        .flat_map(|precinct| &precinct.blocks)
        .collect();
    all.sort_by_key(|block| block.area.y0);
    let step = band.step * scale / 2.0;
    let mut rows = Vec::new();
    for blocks in all.chunk_by(|a, b| a.area.y0 == b.area.y0) {
        let (mine, behind) = target.split_at_mut(width * blocks[0].area.height());
        target = behind;
        rows.push(Row {
            target: mine,
            top: blocks[0].area.y0 as usize,
            width,
            orientation: band.orientation,
            planes: band.planes,
            step,
            blocks: blocks.to_vec(),
        });
    }
    rows
}

impl<T: Coefficient> Row<'_, '_, T> {
    fn fill(&mut self, parts: &Parts<'_>, decoder: &mut Blocks) -> Result<(), DecodeError> {
        for index in 0..self.blocks.len() {
            let block = self.blocks[index];
            let top = block.area.y0 as usize - self.top;
            let place = |y: usize| (top + y) * self.width + block.area.x0 as usize;
            let (width, height) = (block.area.width(), block.area.height());
            if let Some(empty) = block.empty_planes {
                decoder
                    .decode(&self.task(block, empty, parts.modes)?)
                    .ok_or_else(|| damaged("a code block contradicts itself"))?;
                for (y, (columns, row)) in decoder.rows().enumerate() {
                    let target = &mut self.target[place(y)..][..width];
                    for (value, column) in target.iter_mut().zip(columns) {
                        *value = T::read(lowered(column[row], parts.raised), self.step);
                    }
                }
            } else {
                for y in 0..height {
                    self.target[place(y)..][..width].fill(T::default());
                }
            }
        }
        Ok(())
    }

    fn task<'c>(
        &self,
        block: &'c Block<'_>,
        empty: u8,
        modes: Modes,
    ) -> Result<Task<'c>, DecodeError> {
        let planes = self.planes.saturating_sub(u32::from(empty));
        let planes = u8::try_from(planes).ok().filter(|n| *n <= MAX_PLANES);
        Ok(Task {
            width: block.area.width(),
            height: block.area.height(),
            planes: planes.ok_or_else(|| unsupported("JPEG 2000 of more than 30 bit planes"))?,
            modes,
            orientation: self.orientation,
            chunks: &block.chunks,
        })
    }
}

/// A coefficient of the region of interest goes back to where the others are (H.1).
#[inline]
fn lowered(coded: u32, raised: u8) -> u32 {
    if raised == 0 {
        return coded;
    }
    let magnitude = coded & 0x7FFF_FFFF;
    let shift = u32::from(raised);
    match (magnitude >> 1).checked_shr(shift) {
        None | Some(0) => coded,
        Some(_) => coded & 0x8000_0000 | magnitude >> shift,
    }
}

/// The inverse component transforms (annex G).
fn undo_colour(planes: &mut [Plane]) -> Result<(), DecodeError> {
    match planes {
        [Plane::Whole(a), Plane::Whole(b), Plane::Whole(c), ..] => {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                let green = a.wrapping_sub(b.wrapping_add(*c) >> 2);
                (*a, *b, *c) = (c.wrapping_add(green), green, b.wrapping_add(green));
            }
        }
        [Plane::Real(a), Plane::Real(b), Plane::Real(c), ..] => {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                let (y, blue, red) = (*a, *b, *c);
                *a = y + 1.402 * red;
                *b = y - 0.344_13 * blue - 0.714_14 * red;
                *c = y + 1.772 * blue;
            }
        }
        _ => return Err(damaged("its colour transform does not fit its components")),
    }
    Ok(())
}

/// Puts the samples of a tile's component into the picture.
fn store(
    stream: &Codestream<'_>,
    tile: &Tile<'_>,
    index: usize,
    plane: &Plane,
    samples: &mut [u16],
) {
    let (precision, signed) = stream.size.samples[index];
    let Rect { x0, y0, .. } = stream.size.picture;
    let count = stream.size.samples.len();
    let stride = stream.size.picture.width() * count;
    let half = 1i32 << (precision - 1);
    let (lowest, highest) = if signed {
        (-half, half - 1)
    } else {
        (0, 2 * half - 1)
    };
    let level = if signed { 0 } else { half };
    let mask = (2 * half - 1) as u16;
    let whole = |v: &i32| (v.wrapping_add(level)).clamp(lowest, highest) as u16 & mask;
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
    let real = |v: &f32| {
        let near = v.clamp(-131_072.0, 131_072.0) + 12_582_912.0;
        whole(&(near.to_bits() as i32 - 0x4B40_0000))
    };
    let width = tile.area.width();
    for y in 0..tile.area.height() {
        let start = (tile.area.y0 - y0) as usize + y;
        let start = start * stride + (tile.area.x0 - x0) as usize * count;
        let targets = &mut samples[start..start + width * count];
        let from = y * width;
        match plane {
            Plane::Whole(values) => put(targets, count, index, &values[from..from + width], whole),
            Plane::Real(values) => put(targets, count, index, &values[from..from + width], real),
        }
    }
}

fn put<T>(
    targets: &mut [u16],
    count: usize,
    index: usize,
    values: &[T],
    sample: impl Fn(&T) -> u16,
) {
    if count == 1 {
        for (target, value) in targets.iter_mut().zip(values) {
            *target = sample(value);
        }
    } else {
        for (pixel, value) in targets.chunks_exact_mut(count).zip(values) {
            pixel[index] = sample(value);
        }
    }
}
