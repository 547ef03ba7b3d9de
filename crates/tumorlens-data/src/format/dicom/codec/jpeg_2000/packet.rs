//! Packets (T.800 B.9 and B.10): in which order they come, and what of which code blocks they hold.

use super::block::Chunk;
use super::codestream::{Coding, Order, Progression, Tile};
use super::damaged;
use super::layout::{Parts, Precinct};
use crate::format::error::DecodeError;

/// Bits of packet headers, most significant first; behind a byte 0xFF a zero bit is stuffed (B.10.1).
#[derive(Clone, Debug)]
pub(super) struct HeaderBits<'a> {
    data: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
}

impl<'a> HeaderBits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            byte: 0,
            left: 0,
        }
    }

    /// The next bit; `None` at the end, or where a stuffed bit is not zero.
    #[inline]
    pub(super) fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            let next = *self.data.get(self.at)?;
            self.left = 8;
            if self.byte == 0xFF {
                self.left = 7;
                (next < 0x80).then_some(())?;
            }
            self.byte = next;
            self.at += 1;
        }
        self.left -= 1;
        Some(u32::from(self.byte >> self.left & 1))
    }

    fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    /// Goes to the next whole byte; a byte 0xFF is followed by one that holds nothing but the stuffed bit.
    fn align(&mut self) -> Option<()> {
        if self.byte == 0xFF {
            (*self.data.get(self.at)? < 0x80).then_some(())?;
            self.at += 1;
        }
        (self.byte, self.left) = (0, 0);
        Some(())
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let found = self.data.get(self.at..)?.get(..count)?;
        self.at += count;
        Some(found)
    }

    /// Skips a marker with `more` bytes behind it, if it is there.
    fn marker(&mut self, low: u8, more: usize) -> bool {
        let found = self
            .data
            .get(self.at..)
            .is_some_and(|d| d.starts_with(&[0xFF, low]));
        if found {
            self.at += 2 + more;
        }
        found
    }
}

/// A precinct of a component's resolution.
#[derive(Clone, Copy, Debug)]
struct Spot {
    resolution: usize,
    component: usize,
    precinct: usize,
    x: u64,
    y: u64,
}

impl Spot {
    /// By what precincts are ordered, layers left aside (B.12.1).
    fn key(&self, order: Order) -> (u64, u64, u64, u64, usize) {
        let (r, c) = (self.resolution as u64, self.component as u64);
        let (x, y, precinct) = (self.x, self.y, self.precinct);
        match order {
            Order::LayerResolution | Order::ResolutionLayer => (r, c, 0, 0, precinct),
            Order::ResolutionPosition => (r, y, x, c, precinct),
            Order::PositionComponent => (y, x, c, r, precinct),
            Order::ComponentPosition => (c, y, x, r, precinct),
        }
    }
}

/// Reads the packets of a tile into the code blocks of its components.
pub(super) fn read<'a>(
    tile: &'a Tile<'_>,
    components: &mut [Parts<'a>],
) -> Result<(), DecodeError> {
    let coding = &tile.coding;
    let mut packets = Packets {
        coding,
        body: HeaderBits::new(&tile.body),
        headers: tile.headers.as_deref().map(HeaderBits::new),
        pending: Vec::new(),
    };
    let whole = [Progression {
        order: coding.order,
        resolutions: 0..usize::MAX,
        components: 0..usize::MAX,
        layers: usize::MAX,
    }];
    let progressions = if coding.progressions.is_empty() {
        &whole
    } else {
        coding.progressions.as_slice()
    };
    for progression in progressions {
        let spots = spots(progression, components);
        let layers = progression.layers.min(coding.layers);
        // What comes inside the layers: everything, a resolution, or one precinct.
        let groups: Vec<&[Spot]> = match progression.order {
            Order::LayerResolution => vec![&spots[..]],
            Order::ResolutionLayer => spots
                .chunk_by(|a, b| a.resolution == b.resolution)
                .collect(),
            _ => spots.chunks(1).collect(),
        };
        for group in groups {
            for layer in 0..layers {
                for spot in group {
                    if packets.at_end() {
                        return Ok(());
                    }
                    packets.one(spot, layer, components)?;
                }
                if group.is_empty() {
                    break;
                }
            }
        }
    }
    if packets.at_end() {
        Ok(())
    } else {
        Err(damaged("a tile holds more than its packets"))
    }
}

fn spots(progression: &Progression, components: &[Parts<'_>]) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (component, parts) in components.iter().enumerate() {
        for (resolution, found) in parts.resolutions.iter().enumerate() {
            if progression.components.contains(&component)
                && progression.resolutions.contains(&resolution)
            {
                let precincts = found.precincts.iter().enumerate();
                spots.extend(precincts.map(|(precinct, [x, y])| Spot {
                    resolution,
                    component,
                    precinct,
                    x: *x,
                    y: *y,
                }));
            }
        }
    }
    spots.sort_by_key(|spot| spot.key(progression.order));
    spots
}

struct Packets<'a> {
    coding: &'a Coding,
    body: HeaderBits<'a>,
    /// Packet headers, where they stand apart.
    headers: Option<HeaderBits<'a>>,
    /// Sub-band, block and chunk that wait for their bytes.
    pending: Vec<(usize, usize, usize)>,
}

impl<'a> Packets<'a> {
    fn at_end(&self) -> bool {
        let bits = self.headers.as_ref().unwrap_or(&self.body);
        bits.at >= bits.data.len()
    }

    fn one(
        &mut self,
        spot: &Spot,
        layer: usize,
        components: &mut [Parts<'a>],
    ) -> Result<(), DecodeError> {
        let parts = &mut components[spot.component];
        let modes = parts.modes;
        let resolution = &mut parts.resolutions[spot.resolution];
        // A progression after a change passes over what came before.
        if layer < resolution.layers[spot.precinct] {
            return Ok(());
        }
        resolution.layers[spot.precinct] = layer + 1;
        if self.coding.starts {
            self.body.marker(0x91, 4);
        }
        self.pending.clear();
        let bits = self.headers.as_mut().unwrap_or(&mut self.body);
        let cut = || damaged("it ends inside a packet header");
        let is_full = bits.bit().ok_or_else(cut)? == 1;
        if is_full {
            for (index, band) in resolution.bands.iter_mut().enumerate() {
                let precinct = &mut band.precincts[spot.precinct];
                let pending = &mut self.pending;
                header(
                    precinct,
                    layer as u32,
                    band.planes,
                    bits,
                    |pass| modes.segment(pass),
                    |block, chunk| pending.push((index, block, chunk)),
                )
                .ok_or_else(|| damaged("a packet header contradicts itself"))?;
            }
        }
        bits.align().ok_or_else(cut)?;
        if self.coding.ends && !bits.marker(0x92, 0) {
            return Err(damaged("the end of a packet header is missing"));
        }
        for (band, block, chunk) in &self.pending {
            let precinct = &mut resolution.bands[*band].precincts[spot.precinct];
            let chunk = &mut precinct.blocks[*block].chunks[*chunk];
            chunk.data = self
                .body
                .take(chunk.length)
                .ok_or_else(|| damaged("it ends inside a packet"))?;
        }
        Ok(())
    }
}

/// The part of a packet header that is about one sub-band.
fn header<'a>(
    precinct: &mut Precinct<'a>,
    layer: u32,
    planes: u32,
    bits: &mut HeaderBits<'_>,
    segment: impl Fn(u16) -> u16,
    mut wait: impl FnMut(usize, usize),
) -> Option<()> {
    for (index, block) in precinct.blocks.iter_mut().enumerate() {
        let included = if block.empty_planes.is_some() {
            bits.bit()? == 1
        } else {
            precinct.inclusion.read(block.place, layer + 1, bits)? <= layer
        };
        if !included {
            continue;
        }
        let empty = match block.empty_planes {
            Some(empty) => u32::from(empty),
            None => precinct.empty_planes.read(block.place, planes + 1, bits)?,
        };
        block.empty_planes = Some(u8::try_from(empty).ok()?);
        let first = block.passes;
        let last = first + passes(bits)?;
        // The first plane has one pass, the others three.
        (u32::from(last) + 2 <= 3 * planes.checked_sub(empty)?).then_some(())?;
        while bits.bit()? == 1 {
            block.length_bits += 1;
        }
        let mut begin = first;
        while begin < last {
            let this = segment(begin);
            let end = (begin..last).find(|pass| segment(*pass) != this);
            let end = end.unwrap_or(last);
            let width = block.length_bits + (end - begin).ilog2();
            (width <= 32).then_some(())?;
            wait(index, block.chunks.len());
            block.chunks.push(Chunk {
                segment: this,
                passes: end - begin,
                length: bits.bits(width)? as usize,
                data: &[],
            });
            begin = end;
        }
        block.passes = last;
    }
    Some(())
}

/// Number of coding passes (table B.4).
fn passes(bits: &mut HeaderBits<'_>) -> Option<u16> {
    if bits.bit()? == 0 {
        return Some(1);
    }
    if bits.bit()? == 0 {
        return Some(2);
    }
    let count = match bits.bits(2)? {
        3 => match bits.bits(5)? {
            31 => 37 + bits.bits(7)?,
            n => 6 + n,
        },
        n => 3 + n,
    };
    Some(count as u16)
}
