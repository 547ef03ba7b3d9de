//! A code stream (T.800 annex A): what its headers say, and where the packets of its tiles are.

use super::damaged;
use super::modes::Modes;
use super::segments::{Found, Reader, size};
use crate::format::error::DecodeError;
use std::borrow::Cow;

type Result<T> = std::result::Result<T, DecodeError>;

/// A half-open rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x0: u32,
    pub(super) y0: u32,
    pub(super) x1: u32,
    pub(super) y1: u32,
}

impl Rect {
    pub(super) fn width(&self) -> usize {
        self.x1.saturating_sub(self.x0) as usize
    }

    pub(super) fn height(&self) -> usize {
        self.y1.saturating_sub(self.y0) as usize
    }

    pub(super) fn is_empty(&self) -> bool {
        self.width() == 0 || self.height() == 0
    }

    pub(super) fn common(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }
}

/// The size segment (A.5.1).
#[derive(Clone, Debug)]
pub(super) struct Size {
    /// The picture on the reference grid.
    pub(super) picture: Rect,
    /// Where the first tile begins.
    pub(super) tile_origin: [u32; 2],
    pub(super) tile_size: [u32; 2],
    /// Bits of a sample and whether it is signed, of each component.
    pub(super) samples: Vec<(u8, bool)>,
}

impl Size {
    fn tiles_across(&self) -> usize {
        let width = self.picture.x1 - self.tile_origin[0];
        width.div_ceil(self.tile_size[0]) as usize
    }

    fn tiles(&self) -> usize {
        let height = self.picture.y1 - self.tile_origin[1];
        self.tiles_across()
            .saturating_mul(height.div_ceil(self.tile_size[1]) as usize)
    }

    /// Equations B-7 to B-10.
    pub(super) fn tile(&self, index: usize) -> Rect {
        let across = self.tiles_across();
        let begin = |n: usize, axis: usize| {
            let start =
                u64::from(self.tile_origin[axis]) + n as u64 * u64::from(self.tile_size[axis]);
            u32::try_from(start).unwrap_or(u32::MAX)
        };
        let (x, y) = (index % across, index / across);
        Rect {
            x0: begin(x, 0),
            y0: begin(y, 1),
            x1: begin(x + 1, 0),
            y1: begin(y + 1, 1),
        }
        .common(&self.picture)
    }
}

/// Order of packets (table A.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    LayerResolution,
    ResolutionLayer,
    ResolutionPosition,
    PositionComponent,
    ComponentPosition,
}

impl Order {
    pub(super) fn read(value: u8) -> Result<Self> {
        Ok(match value {
            0 => Self::LayerResolution,
            1 => Self::ResolutionLayer,
            2 => Self::ResolutionPosition,
            3 => Self::PositionComponent,
            4 => Self::ComponentPosition,
            _ => return Err(damaged("its packets come in an order that does not exist")),
        })
    }
}

/// A part of the packets that has an order of its own (A.6.6).
#[derive(Clone, Debug)]
pub(super) struct Progression {
    pub(super) order: Order,
    pub(super) resolutions: std::ops::Range<usize>,
    pub(super) components: std::ops::Range<usize>,
    pub(super) layers: usize,
}

/// Coding style of a component (tables A.15 and A.20).
#[derive(Clone, Debug)]
pub(super) struct Style {
    /// Wavelet levels.
    pub(super) levels: u8,
    /// Exponents of the size of a code block.
    pub(super) block: [u8; 2],
    pub(super) modes: Modes,
    /// The 5/3 transform rather than the 9/7.
    pub(super) reversible: bool,
    /// Exponents of the size of a precinct by resolution.
    pub(super) precincts: Vec<[u8; 2]>,
}

/// Quantization of a component (A.6.4).
#[derive(Clone, Debug)]
pub(super) struct Quantization {
    /// Without steps, steps derived from the first, or all steps.
    pub(super) kind: u8,
    pub(super) guard: u8,
    /// Exponent and mantissa by sub-band.
    pub(super) steps: Vec<(u8, u16)>,
}

/// What a header says of one component.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) style: Option<Style>,
    pub(super) quantization: Option<Quantization>,
    /// By how many planes the region of interest is raised (annex H).
    pub(super) raised: u8,
}

/// How a tile is coded: the main header's word, or the tile's own.
#[derive(Clone, Debug)]
pub(super) struct Coding {
    pub(super) order: Order,
    pub(super) layers: usize,
    /// The first three components are one colour.
    pub(super) colour: bool,
    /// Packets may begin with a marker.
    pub(super) starts: bool,
    /// Packet headers end with a marker.
    pub(super) ends: bool,
    pub(super) components: Vec<Component>,
    pub(super) progressions: Vec<Progression>,
}

/// One tile: how it is coded and its packets.
#[derive(Debug)]
pub(super) struct Tile<'a> {
    pub(super) area: Rect,
    pub(super) coding: Coding,
    pub(super) body: Cow<'a, [u8]>,
    /// Packet headers, where they do not stand before their packets.
    pub(super) headers: Option<Vec<u8>>,
}

/// A code stream, read but not decoded.
#[derive(Debug)]
pub(super) struct Codestream<'a> {
    pub(super) size: Size,
    pub(super) tiles: Vec<Tile<'a>>,
}

/// Parts of a tile as they are found.
#[derive(Clone, Default)]
struct Parts<'a> {
    coding: Option<Coding>,
    bodies: Vec<&'a [u8]>,
    headers: Option<Vec<u8>>,
}

/// Reads a code stream of `components` components: its headers, and where the packets of its tiles are.
pub(super) fn read(data: &[u8], components: usize) -> Result<Codestream<'_>> {
    let mut reader = Reader(data);
    if reader.short()? != 0xFF4F {
        return Err(damaged("it does not begin with a code stream"));
    }
    let (0xFF51, body) = reader.segment()? else {
        return Err(damaged("its size segment is missing"));
    };
    let size = size(body)?;
    if size.samples.len() != components {
        return Err(damaged("its components do not fill the picture"));
    }
    let (coding, mut packed) = main_header(&mut reader, &size)?;
    // A tile-part takes 14 bytes at least.
    let count = size.tiles();
    if count > data.len() / 14 {
        return Err(damaged("a tile is missing"));
    }
    let mut parts = vec![Parts::default(); count];
    while !reader.0.starts_with(&[0xFF, 0xD9]) {
        tile_part(&mut reader, &coding, &mut parts, &mut packed)?;
    }
    let tiles = parts
        .into_iter()
        .enumerate()
        .map(|(index, parts)| {
            Ok(Tile {
                area: size.tile(index),
                coding: parts.coding.ok_or_else(|| damaged("a tile is missing"))?,
                body: match parts.bodies.as_slice() {
                    [one] => Cow::Borrowed(*one),
                    many => Cow::Owned(many.concat()),
                },
                headers: parts.headers,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Codestream { size, tiles })
}

/// The main header; also the packet headers that it holds, by tile-part, last first.
fn main_header(reader: &mut Reader<'_>, size: &Size) -> Result<(Coding, Option<Vec<Vec<u8>>>)> {
    let none = Component {
        style: None,
        quantization: None,
        raised: 0,
    };
    let mut coding = Coding {
        order: Order::LayerResolution,
        layers: 0,
        colour: false,
        starts: false,
        ends: false,
        components: vec![none; size.samples.len()],
        progressions: Vec::new(),
    };
    let mut found = Found::default();
    let mut packed: Vec<(u8, &[u8])> = Vec::new();
    while !reader.0.starts_with(&[0xFF, 0x90]) {
        let (marker, mut body) = reader.segment()?;
        if marker == 0xFF60 {
            packed.push((body.byte()?, body.0));
        } else if !found.read(marker, body, &mut coding)? {
            return Err(damaged("a marker is out of place"));
        }
    }
    found.apply(&mut coding)?;
    if coding.layers == 0 || coding.components.iter().any(|c| c.quantization.is_none()) {
        return Err(damaged("it does not say how it is coded"));
    }
    if packed.is_empty() {
        return Ok((coding, None));
    }
    packed.sort_by_key(|(index, _)| *index);
    let joined: Vec<u8> = packed.iter().flat_map(|(_, b)| b.iter().copied()).collect();
    let mut joined = Reader(&joined);
    let mut headers = Vec::new();
    while !joined.0.is_empty() {
        let length = joined.long()? as usize;
        headers.push(joined.take(length)?.to_vec());
    }
    headers.reverse();
    Ok((coding, Some(headers)))
}

/// One tile-part (A.4.2), up to behind its packets.
fn tile_part<'a>(
    reader: &mut Reader<'a>,
    coding: &Coding,
    parts: &mut [Parts<'a>],
    packed: &mut Option<Vec<Vec<u8>>>,
) -> Result<()> {
    let begin = reader.0;
    let (0xFF90, mut body) = reader.segment()? else {
        return Err(damaged("a tile-part is missing"));
    };
    let index = usize::from(body.short()?);
    let length = match body.long()? as usize {
        // The last one may leave it open.
        0 => end_of_image(begin)?,
        n => n,
    };
    let part = parts
        .get_mut(index)
        .ok_or_else(|| damaged("a tile-part belongs to no tile"))?;
    let own = part.coding.get_or_insert_with(|| coding.clone());
    let (mut found, mut headers) = (Found::default(), Vec::new());
    loop {
        let (marker, mut body) = reader.segment()?;
        match marker {
            0xFF93 => break,
            0xFF61 => headers.push((body.byte()?, body.0)),
            _ if found.read(marker, body, own)? => {}
            _ => return Err(damaged("a marker is out of place")),
        }
    }
    found.apply(own)?;
    if let Some(packed) = packed {
        let next = packed.pop();
        let next =
            next.ok_or_else(|| damaged("the headers of a tile-part's packets are missing"))?;
        part.headers.get_or_insert_default().extend(next);
    }
    headers.sort_by_key(|(index, _)| *index);
    for (_, bytes) in headers {
        part.headers.get_or_insert_default().extend(bytes);
    }
    let used = begin.len() - reader.0.len();
    let left = length.checked_sub(used);
    let left = left.ok_or_else(|| damaged("a tile-part is shorter than its header"))?;
    part.bodies.push(
        reader
            .take(left)
            .map_err(|_| damaged("it ends inside a tile-part"))?,
    );
    Ok(())
}

/// Length of a last tile-part: up to the marker at the end, behind which a byte may be padded.
fn end_of_image(data: &[u8]) -> Result<usize> {
    let data = data.strip_suffix(&[0]).unwrap_or(data);
    data.strip_suffix(&[0xFF, 0xD9])
        .map(<[u8]>::len)
        .ok_or_else(|| damaged("it ends before the end-of-image marker"))
}
