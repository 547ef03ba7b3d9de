//! How a tile's component is divided: resolutions, sub-bands, precincts, code blocks (T.800 annex B).

use super::block::Chunk;
use super::codestream::{Component, Rect};
use super::context::Orientation;
use super::modes::Modes;
use super::tag_tree::TagTree;
use super::{damaged, unsupported};
use crate::format::error::DecodeError;

/// Most code blocks of a picture beyond one a byte of it.
const MAX_BLOCKS: usize = 1 << 20;

/// A code block and what the packets have said of it.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Inside its sub-band's coefficients.
    pub(super) area: Rect,
    /// Column and row among the blocks of its precinct.
    pub(super) place: [usize; 2],
    /// Planes that are all zero; `None` before the block has been included.
    pub(super) empty_planes: Option<u8>,
    pub(super) passes: u16,
    pub(super) length_bits: u32,
    pub(super) chunks: Vec<Chunk<'a>>,
}

/// The part of a precinct that lies in one sub-band.
#[derive(Debug)]
pub(super) struct Precinct<'a> {
    pub(super) blocks: Vec<Block<'a>>,
    pub(super) inclusion: TagTree,
    pub(super) empty_planes: TagTree,
}

/// A sub-band.
#[derive(Debug)]
pub(super) struct Band<'a> {
    pub(super) orientation: Orientation,
    pub(super) area: Rect,
    /// Mb, planes of its coefficients.
    pub(super) planes: u32,
    /// Size of a quantization step.
    pub(super) step: f32,
    pub(super) precincts: Vec<Precinct<'a>>,
}

/// A resolution: what its sub-bands add to the one below.
#[derive(Debug)]
pub(super) struct Resolution<'a> {
    pub(super) area: Rect,
    pub(super) bands: Vec<Band<'a>>,
    /// On the reference grid, where each precinct begins.
    pub(super) precincts: Vec<[u64; 2]>,
    /// Layers read of each precinct.
    pub(super) layers: Vec<usize>,
}

/// A component of a tile.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) resolutions: Vec<Resolution<'a>>,
    pub(super) modes: Modes,
    pub(super) reversible: bool,
    pub(super) raised: u8,
}

/// Counts what is laid out, against what the data can fill.
pub(super) struct Budget {
    pub(super) precincts: usize,
    pub(super) blocks: usize,
}

impl Budget {
    /// A packet takes a byte at least.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            precincts: bytes,
            blocks: bytes.saturating_add(MAX_BLOCKS),
        }
    }

    fn take(left: &mut usize, count: usize) -> Result<(), DecodeError> {
        *left = left
            .checked_sub(count)
            .ok_or_else(|| damaged("it is divided into more parts than it has data for"))?;
        Ok(())
    }
}

fn halved(area: &Rect, times: u32) -> Rect {
    let up = |v: u32| u64::from(v).div_ceil(1 << times) as u32;
    Rect {
        x0: up(area.x0),
        y0: up(area.y0),
        x1: up(area.x1),
        y1: up(area.y1),
    }
}

/// A sub-band of decomposition level `level` (equation B-15).
fn band_area(area: &Rect, level: u32, orientation: Orientation) -> Rect {
    let (right, low) = match orientation {
        Orientation::LowLow => return halved(area, level),
        Orientation::HighLow => (1, 0),
        Orientation::LowHigh => (0, 1),
        Orientation::HighHigh => (1, 1),
    };
    let part = |v: u32, high: u64| {
        u64::from(v)
            .saturating_sub(high << (level - 1))
            .div_ceil(1 << level) as u32
    };
    Rect {
        x0: part(area.x0, right),
        y0: part(area.y0, low),
        x1: part(area.x1, right),
        y1: part(area.y1, low),
    }
}

impl<'a> Parts<'a> {
    /// Lays out the component that covers `area`, of `precision` bits.
    pub(super) fn new(
        area: &Rect,
        component: &Component,
        precision: u8,
        budget: &mut Budget,
    ) -> Result<Self, DecodeError> {
        let style = component
            .style
            .as_ref()
            .ok_or_else(|| damaged("it does not say how it is coded"))?;
        let resolutions = (0..=style.levels)
            .map(|r| resolution(area, component, r, precision, budget))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            resolutions,
            modes: style.modes,
            reversible: style.reversible,
            raised: component.raised,
        })
    }
}

fn resolution<'a>(
    tile: &Rect,
    component: &Component,
    r: u8,
    precision: u8,
    budget: &mut Budget,
) -> Result<Resolution<'a>, DecodeError> {
    let missing = || damaged("it does not say how it is coded");
    let style = component.style.as_ref().ok_or_else(missing)?;
    let below = u32::from(style.levels - r);
    let area = halved(tile, below);
    let exponents = *style.precincts.get(usize::from(r)).ok_or_else(missing)?;
    if r > 0 && exponents.contains(&0) {
        return Err(damaged("its precincts are too small"));
    }
    let [columns, rows] = [
        (area.x0, area.x1, exponents[0]),
        (area.y0, area.y1, exponents[1]),
    ]
    .map(|(begin, end, exponent)| {
        if area.is_empty() {
            0..0
        } else {
            begin >> exponent..((end - 1) >> exponent) + 1
        }
    });
    Budget::take(
        &mut budget.precincts,
        columns.len().saturating_mul(rows.len()),
    )?;
    let places: Vec<[u32; 2]> = rows
        .flat_map(|y| columns.clone().map(move |x| [x, y]))
        .collect();
    let starts = |[x, y]: &[u32; 2]| {
        let on_grid = |n: u32, exponent: u8, begin: u32| {
            (u64::from(n) << (u32::from(exponent) + below)).max(u64::from(begin))
        };
        [
            on_grid(*x, exponents[0], tile.x0),
            on_grid(*y, exponents[1], tile.y0),
        ]
    };
    let level = below + u32::from(r > 0);
    let kinds: &[Orientation] = if r == 0 {
        &[Orientation::LowLow]
    } else {
        &[
            Orientation::HighLow,
            Orientation::LowHigh,
            Orientation::HighHigh,
        ]
    };
    let bands = kinds
        .iter()
        .map(|kind| {
            let area = band_area(tile, level, *kind);
            let (planes, step) = quantization(component, r, *kind, precision)?;
            // Precincts of a sub-band have half the size of those of its resolution.
            let size = exponents.map(|e| e - u8::from(r > 0));
            let block = [style.block[0].min(size[0]), style.block[1].min(size[1])];
            let precincts = places
                .iter()
                .map(|place| precinct(&area, *place, size, block, budget))
                .collect::<Result<_, _>>()?;
            Ok(Band {
                orientation: *kind,
                area,
                planes,
                step,
                precincts,
            })
        })
        .collect::<Result<_, DecodeError>>()?;
    Ok(Resolution {
        area,
        bands,
        precincts: places.iter().map(starts).collect(),
        layers: vec![0; places.len()],
    })
}

fn precinct<'a>(
    band: &Rect,
    [x, y]: [u32; 2],
    size: [u8; 2],
    block: [u8; 2],
    budget: &mut Budget,
) -> Result<Precinct<'a>, DecodeError> {
    let end =
        |n: u32, exponent: u8| u32::try_from((u64::from(n) + 1) << exponent).unwrap_or(u32::MAX);
    let area = Rect {
        x0: x << size[0],
        y0: y << size[1],
        x1: end(x, size[0]),
        y1: end(y, size[1]),
    }
    .common(band);
    let (mut across, mut down) = (0..0, 0..0);
    if !area.is_empty() {
        across = area.x0 >> block[0]..((area.x1 - 1) >> block[0]) + 1;
        down = area.y0 >> block[1]..((area.y1 - 1) >> block[1]) + 1;
    }
    let counts = [across.len(), down.len()];
    Budget::take(&mut budget.blocks, counts[0].saturating_mul(counts[1]))?;
    let mut blocks = Vec::with_capacity(counts[0] * counts[1]);
    for (j, row) in down.enumerate() {
        for (i, column) in across.clone().enumerate() {
            let whole = Rect {
                x0: column << block[0],
                y0: row << block[1],
                x1: end(column, block[0]),
                y1: end(row, block[1]),
            };
            let inside = whole.common(&area);
            blocks.push(Block {
                area: Rect {
                    x0: inside.x0 - band.x0,
                    y0: inside.y0 - band.y0,
                    x1: inside.x1 - band.x0,
                    y1: inside.y1 - band.y0,
                },
                place: [i, j],
                empty_planes: None,
                passes: 0,
                length_bits: 3,
                chunks: Vec::new(),
            });
        }
    }
    Ok(Precinct {
        blocks,
        inclusion: TagTree::new(counts[0], counts[1]),
        empty_planes: TagTree::new(counts[0], counts[1]),
    })
}

/// Mb (equation E-2) and the quantization step (equation E-3) of a sub-band.
fn quantization(
    component: &Component,
    r: u8,
    kind: Orientation,
    precision: u8,
) -> Result<(u32, f32), DecodeError> {
    let missing = || damaged("a sub-band has no quantization step");
    let quantization = component.quantization.as_ref().ok_or_else(missing)?;
    let style = component.style.as_ref().ok_or_else(missing)?;
    let gain = match kind {
        Orientation::LowLow => 0,
        Orientation::HighLow | Orientation::LowHigh => 1,
        Orientation::HighHigh => 2,
    };
    let (exponent, mantissa) = if quantization.kind == 1 {
        let (exponent, mantissa) = *quantization.steps.first().ok_or_else(missing)?;
        let lower = exponent.checked_sub(r.saturating_sub(1));
        (lower.ok_or_else(missing)?, mantissa)
    } else {
        let index = match kind {
            Orientation::LowLow => 0,
            Orientation::HighLow => 3 * usize::from(r) - 2,
            Orientation::LowHigh => 3 * usize::from(r) - 1,
            Orientation::HighHigh => 3 * usize::from(r),
        };
        *quantization.steps.get(index).ok_or_else(missing)?
    };
    if style.reversible && quantization.kind != 0 {
        return Err(unsupported("JPEG 2000 with quantized reversible sub-bands"));
    }
    let step = if quantization.kind == 0 {
        1.0
    } else {
        let power = i32::from(precision) + gain - i32::from(exponent);
        2f32.powi(power) * (1.0 + f32::from(mantissa) / 2048.0)
    };
    let planes = u32::from(quantization.guard) + u32::from(exponent) + u32::from(component.raised);
    Ok((planes.saturating_sub(1), step))
}
