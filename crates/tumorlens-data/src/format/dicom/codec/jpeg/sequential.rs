//! Sequential DCT processes, Huffman coded (T.81 annex F).

use super::idct;
use super::plane::Plane;
use super::scan::Scan;
use super::{Frame, Huffman, Tables, damaged};
use crate::format::dicom::codec::bits::{Bits, Stuffing};
use crate::format::error::DecodeError;

/// Column and row frequency of the k-th coefficient (figure A.6), `8 * column + row`.
const ZIGZAG: [u8; 64] = [
    0, 8, 1, 2, 9, 16, 24, 17, 10, 3, 4, 11, 18, 25, 32, 40, 33, 26, 19, 12, 5, 6, 13, 20, 27, 34,
    41, 48, 56, 49, 42, 35, 28, 21, 14, 7, 15, 22, 29, 36, 43, 50, 57, 58, 51, 44, 37, 30, 23, 31,
    38, 45, 52, 59, 60, 53, 46, 39, 47, 54, 61, 62, 55, 63,
];

/// Added to samples before they are rounded, so that halves go up.
const UP: f32 = 1.0 / 1024.0;

/// What is said of a block whose mean no samples have.
pub(super) const BEYOND: &str = "a block is brighter than its samples can be";

/// Tables and state of one component of a scan.
struct Coder<'a> {
    dc: &'a Huffman,
    ac: &'a Huffman,
    /// Step of the first coefficient.
    step: u16,
    /// Steps and scales of the inverse transform, in zigzag order.
    scales: [f32; 64],
    previous: i32,
}

/// How much of a scan is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// All of it, without making pixels of it.
    Codes,
    /// The first unit, from whatever data there is.
    FirstUnit,
}

/// Reads a scan into the planes of its components. Returns how many bytes it took.
pub(super) fn decode(
    frame: &Frame,
    scan: &Scan,
    tables: &Tables,
    data: &[u8],
    planes: &mut [Plane],
    extent: Extent,
) -> Result<usize, DecodeError> {
    // Some encoders of 12 bits write 0 for the last coefficient, which has no meaning here.
    if !matches!(frame.precision, 8 | 12) || scan.first != 0 || !matches!(scan.last, 0 | 63) {
        return Err(damaged("its header does not fit the sequential process"));
    }
    let mut coders = scan
        .components
        .iter()
        .map(|&(index, dc, ac)| coder(frame, tables, index, dc, ac))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| damaged("a scan names a missing table"))?;
    // A scan of one component goes block by block, one of several by units that hold all components (A.2).
    let single = scan.components.len() == 1;
    let units = if single {
        planes[scan.components[0].0].blocks()
    } else {
        frame.units()
    };
    // A block takes two bits at least.
    if extent != Extent::FirstUnit && units[0] * units[1] > data.len().saturating_mul(4) {
        return Err(damaged("it ends before its last pixel"));
    }
    let middle = f32::from(1u16 << (frame.precision - 1)) + UP;
    let highest = f32::from((1u16 << frame.precision) - 1);
    let mut bits = Bits::new(data, Stuffing::Byte);
    let mut coefficients = [[0f32; 8]; 8];
    let mut restarts = 0u8;
    let count = match extent {
        Extent::FirstUnit => 1,
        _ => units[0] * units[1],
    };
    for unit in 0..count {
        if tables.restart > 0 && unit > 0 && unit % tables.restart == 0 {
            if !bits.restart(restarts) {
                return Err(damaged("a restart marker is missing"));
            }
            restarts = (restarts + 1) & 7;
            coders.iter_mut().for_each(|coder| coder.previous = 0);
        }
        let (row, column) = (unit / units[0], unit % units[0]);
        for (coder, &(index, ..)) in coders.iter_mut().zip(&scan.components) {
            let (h, v) = if single {
                (1, 1)
            } else {
                frame.components[index].factors()
            };
            for inner in 0..h * v {
                let is_flat = block(&mut bits, coder, frame.precision, &mut coefficients)?;
                if extent != Extent::Codes {
                    let values = if is_flat {
                        idct::constant(coefficients[0][0], middle, highest)
                    } else {
                        idct::inverse(&coefficients, middle, highest)
                    };
                    let at = [column * h + inner % h, row * v + inner / h];
                    planes[index].put(at, &values);
                }
            }
        }
        if extent != Extent::FirstUnit && bits.overdrawn() {
            return Err(damaged("it ends before its last pixel"));
        }
    }
    Ok(bits.end())
}

fn coder<'a>(
    frame: &Frame,
    tables: &'a Tables,
    index: usize,
    dc: usize,
    ac: usize,
) -> Option<Coder<'a>> {
    let quantization = usize::from(frame.components[index].quantization);
    let steps = tables.quantization.get(quantization)?.as_ref()?;
    let scales = std::array::from_fn(|k| {
        let place = usize::from(ZIGZAG[k]);
        (f64::from(steps[k]) * idct::scale(place / 8, place % 8)) as f32
    });
    Some(Coder {
        dc: tables.dc.get(dc)?.as_ref()?,
        ac: tables.ac.get(ac)?.as_ref()?,
        step: steps[0],
        scales,
        previous: 0,
    })
}

/// Reads the coefficients of one block, scaled for the inverse transform, `[column][row]`. Returns whether the first
/// one stands alone.
fn block(
    bits: &mut Bits<'_>,
    coder: &mut Coder<'_>,
    precision: u8,
    coefficients: &mut [[f32; 8]; 8],
) -> Result<bool, DecodeError> {
    *coefficients = [[0.0; 8]; 8];
    let no_code = || damaged("its data holds no Huffman code");
    let (size, difference) = coder.dc.coded(bits).ok_or_else(no_code)?;
    if size > 15 {
        return Err(damaged("a difference has more than 15 bits"));
    }
    coder.previous = coder.previous.wrapping_add(difference);
    // The first coefficient is 8 times the mean, at most 2^(precision + 2); twice that leaves room for coarse encoders.
    let mean = i64::from(coder.previous) * i64::from(coder.step);
    if mean.unsigned_abs() > 1 << (precision + 3) {
        return Err(damaged(BEYOND));
    }
    coefficients[0][0] = coder.previous as f32 * coder.scales[0];
    let mut is_flat = true;
    let mut k = 1;
    while k < 64 {
        let (symbol, value) = coder.ac.coded(bits).ok_or_else(no_code)?;
        let run = usize::from(symbol >> 4);
        if symbol & 15 == 0 {
            if run != 15 {
                break;
            }
            k += 16;
            continue;
        }
        k += run;
        if k > 63 {
            return Err(damaged("a block has more than 64 coefficients"));
        }
        is_flat = false;
        let place = usize::from(ZIGZAG[k] % 64);
        coefficients[place / 8][place % 8] = value as f32 * coder.scales[k];
        k += 1;
    }
    Ok(is_flat)
}
