//! The segments of a code stream's headers (T.800 A.5 and A.6).

use super::codestream::{Coding, Order, Progression, Quantization, Rect, Size, Style};
use super::modes::Modes;
use super::{damaged, unsupported};
use crate::format::error::DecodeError;

/// Most changes of the order of packets in a header.
const MAX_PROGRESSIONS: usize = 64;

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads numbers, most significant byte first.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (found, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| damaged("it ends inside a segment"))?;
        self.0 = rest;
        Ok(found)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn short(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn long(&mut self) -> Result<u32> {
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
    pub(super) fn segment(&mut self) -> Result<(u16, Reader<'a>)> {
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
pub(super) struct Found {
    style: Option<Style>,
    styles: Vec<(usize, Style)>,
    quantization: Option<Quantization>,
    quantizations: Vec<(usize, Quantization)>,
    raised: Vec<(usize, u8)>,
    progressions: Vec<Progression>,
}

impl Found {
    pub(super) fn apply(self, coding: &mut Coding) -> Result<()> {
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
    pub(super) fn read(
        &mut self,
        marker: u16,
        mut body: Reader<'_>,
        coding: &mut Coding,
    ) -> Result<bool> {
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

/// The size segment (A.5.1).
pub(super) fn size(mut body: Reader<'_>) -> Result<Size> {
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
