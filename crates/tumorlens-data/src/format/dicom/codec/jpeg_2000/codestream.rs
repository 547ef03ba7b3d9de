//! Marker segments of a code stream (T.800 annex A) and the tile-parts that they lead to.

use super::block::Modes;
use super::{damaged, unsupported};
use crate::format::error::DecodeError;
use std::borrow::Cow;

/// Most changes of the order of packets in a header.
const MAX_PROGRESSIONS: usize = 64;

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
    tile_origin: [u32; 2],
    tile_size: [u32; 2],
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
    fn read(value: u8) -> Result<Self> {
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

/// Reads numbers, most significant byte first.
#[derive(Clone, Debug)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (found, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| damaged("it ends inside a segment"))?;
        self.0 = rest;
        Ok(found)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn short(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn long(&mut self) -> Result<u32> {
        Ok(u32::from(self.short()?) << 16 | u32::from(self.short()?))
    }

    /// A component's index; where there are many, in two bytes.
    fn component(&mut self, count: usize) -> Result<usize> {
        Ok(if count < 257 {
            usize::from(self.byte()?)
        } else {
            usize::from(self.short()?)
        })
    }

    /// The next marker and, where it has one, its segment.
    fn segment(&mut self) -> Result<(u16, Reader<'a>)> {
        let marker = self.short()?;
        match marker {
            0xFF30..=0xFF3F | 0xFF4F | 0xFF93 | 0xFFD9 => Ok((marker, Reader(&[]))),
            0xFF40.. => {
                let length = usize::from(self.short()?)
                    .checked_sub(2)
                    .ok_or_else(|| damaged("a segment is shorter than its length"))?;
                Ok((marker, Reader(self.take(length)?)))
            }
            _ => Err(damaged("a marker is missing")),
        }
    }
}

/// Segments of a header that are applied when it has ended: what is said of one component goes before what is said of
/// all.
#[derive(Default)]
struct Found {
    style: Option<Style>,
    styles: Vec<(usize, Style)>,
    quantization: Option<Quantization>,
    quantizations: Vec<(usize, Quantization)>,
    raised: Vec<(usize, u8)>,
    progressions: Vec<Progression>,
}

impl Found {
    fn apply(self, coding: &mut Coding) -> Result<()> {
        let missing = || damaged("a segment names a component that it has not");
        for component in &mut coding.components {
            if self.style.is_some() {
                component.style.clone_from(&self.style);
            }
            if self.quantization.is_some() {
                component.quantization.clone_from(&self.quantization);
            }
        }
        for (index, style) in self.styles {
            let component = coding.components.get_mut(index).ok_or_else(missing)?;
            component.style = Some(style);
        }
        for (index, quantization) in self.quantizations {
            let component = coding.components.get_mut(index).ok_or_else(missing)?;
            component.quantization = Some(quantization);
        }
        for (index, raised) in self.raised {
            coding.components.get_mut(index).ok_or_else(missing)?.raised = raised;
        }
        if !self.progressions.is_empty() {
            coding.progressions = self.progressions;
        }
        Ok(())
    }

    /// Reads a segment that may stand in both headers; `false` when it is another.
    fn read(&mut self, marker: u16, mut body: Reader<'_>, coding: &mut Coding) -> Result<bool> {
        let count = coding.components.len();
        match marker {
            0xFF52 => {
                let flags = body.byte()?;
                coding.starts |= flags & 2 != 0;
                coding.ends |= flags & 4 != 0;
                coding.order = Order::read(body.byte()?)?;
                coding.layers = usize::from(body.short()?);
                coding.colour = body.byte()? == 1;
                if coding.layers == 0 {
                    return Err(damaged("it has no layers"));
                }
                self.style = Some(style(&mut body, flags & 1 != 0)?);
            }
            0xFF53 => {
                let index = body.component(count)?;
                let own = body.byte()? & 1 != 0;
                self.styles.push((index, style(&mut body, own)?));
            }
            0xFF5C => self.quantization = Some(quantization(&mut body)?),
            0xFF5D => {
                let index = body.component(count)?;
                self.quantizations.push((index, quantization(&mut body)?));
            }
            0xFF5E => {
                let index = body.component(count)?;
                if body.byte()? != 0 {
                    return Err(damaged("its region of interest is of an unknown kind"));
                }
                self.raised.push((index, body.byte()?));
            }
            0xFF5F => {
                while !body.0.is_empty() {
                    self.progressions.push(progression(&mut body, count)?);
                }
                if self.progressions.len() > MAX_PROGRESSIONS {
                    return Err(damaged("the order of its packets changes too often"));
                }
            }
            // Comments, registration and lengths that are known without.
            0xFF30..=0xFF3F | 0xFF55 | 0xFF57 | 0xFF58 | 0xFF63 | 0xFF64 => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn progression(body: &mut Reader<'_>, count: usize) -> Result<Progression> {
    let first = usize::from(body.byte()?);
    let component = body.component(count)?;
    let layers = usize::from(body.short()?);
    let last = usize::from(body.byte()?);
    let end = match body.component(count)? {
        0 => count,
        n => n.min(count),
    };
    Ok(Progression {
        order: Order::read(body.byte()?)?,
        resolutions: first..last,
        components: component..end,
        layers,
    })
}

fn style(body: &mut Reader<'_>, has_precincts: bool) -> Result<Style> {
    let levels = body.byte()?;
    let block = [body.byte()?, body.byte()?];
    let modes = Modes(body.byte()?);
    let transform = body.byte()?;
    if levels > 32 {
        return Err(damaged("it has too many wavelet levels"));
    }
    if block.iter().any(|n| *n > 8) || block[0] + block[1] > 8 {
        return Err(damaged("its code blocks are too large"));
    }
    if modes.is_unknown() {
        return Err(unsupported(
            "JPEG 2000 with code blocks of another part than 1",
        ));
    }
    if transform > 1 {
        return Err(damaged("it has an unknown wavelet transform"));
    }
    let precincts = (0..=levels)
        .map(|_| {
            Ok(if has_precincts {
                let size = body.byte()?;
                [size & 15, size >> 4]
            } else {
                [15, 15]
            })
        })
        .collect::<Result<_>>()?;
    Ok(Style {
        levels,
        block: block.map(|n| n + 2),
        modes,
        reversible: transform == 1,
        precincts,
    })
}

fn quantization(body: &mut Reader<'_>) -> Result<Quantization> {
    let first = body.byte()?;
    let kind = first & 31;
    let steps = match kind {
        0 => body.0.iter().map(|b| (b >> 3, 0)).collect(),
        1 | 2 => {
            let pairs = body.0.as_chunks::<2>().0.iter();
            pairs
                .map(|b| u16::from_be_bytes(*b))
                .map(|v| ((v >> 11) as u8, v & 0x7FF))
                .collect()
        }
        _ => return Err(damaged("its quantization is of an unknown kind")),
    };
    Ok(Quantization {
        kind,
        guard: first >> 5,
        steps,
    })
}

fn size(mut body: Reader<'_>) -> Result<Size> {
    body.short()?;
    let [x1, y1, x0, y0] = [body.long()?, body.long()?, body.long()?, body.long()?];
    let tile_size = [body.long()?, body.long()?];
    let tile_origin = [body.long()?, body.long()?];
    let count = usize::from(body.short()?);
    let mut samples = Vec::with_capacity(count.min(body.0.len()));
    for _ in 0..count {
        let depth = body.byte()?;
        if [body.byte()?, body.byte()?] != [1, 1] {
            return Err(unsupported("JPEG 2000 with components of fewer samples"));
        }
        samples.push(((depth & 0x7F) + 1, depth & 0x80 != 0));
    }
    let fits = |begin: u32, size: u32, low: u32, high: u32| {
        begin <= low && low < high && u64::from(begin) + u64::from(size) > u64::from(low)
    };
    if samples.is_empty()
        || !fits(tile_origin[0], tile_size[0], x0, x1)
        || !fits(tile_origin[1], tile_size[1], y0, y1)
    {
        return Err(damaged("its size segment contradicts itself"));
    }
    Ok(Size {
        picture: Rect { x0, y0, x1, y1 },
        tile_origin,
        tile_size,
        samples,
    })
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
