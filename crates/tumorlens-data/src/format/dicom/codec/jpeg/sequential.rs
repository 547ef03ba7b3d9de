//! Sequential DCT processes, Huffman coded (T.81 annex F).

use super::huffman::signed;
use super::idct::inverse;
use super::plane::Plane;
use super::scan::Scan;
use super::{Frame, Huffman, Tables, damaged};
use crate::format::dicom::codec::bits::{Bits, Stuffing};
use crate::format::error::DecodeError;

/// Row-major position of the k-th coefficient (figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// What is said of a block whose mean no samples have.
pub(super) const BEYOND: &str = "a block is brighter than its samples can be";

/// Tables and state of one component of a scan.
struct Coder<'a> {
    dc: &'a Huffman,
    ac: &'a Huffman,
    quantization: &'a [u16; 64],
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
    let middle = f32::from(1u16 << (frame.precision - 1));
    let highest = f32::from((1u16 << frame.precision) - 1);
    let mut bits = Bits::new(data, Stuffing::Byte);
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
                let coefficients = block(&mut bits, coder, frame.precision)?;
                if extent == Extent::Codes {
                    continue;
                }
                let values = inverse(&coefficients);
                let at = [column * h + inner % h, row * v + inner / h];
                planes[index].put(
                    at,
                    &values.map(|line| {
                        line.map(|value| (value + middle).round().clamp(0.0, highest) as u16)
                    }),
                );
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
    Some(Coder {
        dc: tables.dc.get(dc)?.as_ref()?,
        ac: tables.ac.get(ac)?.as_ref()?,
        quantization: tables.quantization.get(quantization)?.as_ref()?,
        previous: 0,
    })
}

/// The coefficients of one block, dequantized.
fn block(
    bits: &mut Bits<'_>,
    coder: &mut Coder<'_>,
    precision: u8,
) -> Result<[[f32; 8]; 8], DecodeError> {
    let mut coefficients = [[0f32; 8]; 8];
    let no_code = || damaged("its data holds no Huffman code");
    let size = coder.dc.symbol(bits).ok_or_else(no_code)?;
    if size > 15 {
        return Err(damaged("a difference has more than 15 bits"));
    }
    coder.previous = coder.previous.wrapping_add(signed(bits, u32::from(size)));
    // The first coefficient is 8 times the mean, at most 2^(precision + 2); twice that leaves room for coarse encoders.
    let mean = i64::from(coder.previous) * i64::from(coder.quantization[0]);
    if mean.unsigned_abs() > 1 << (precision + 3) {
        return Err(damaged(BEYOND));
    }
    coefficients[0][0] = coder.previous as f32 * f32::from(coder.quantization[0]);
    let mut k = 1;
    while k < 64 {
        let symbol = coder.ac.symbol(bits).ok_or_else(no_code)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
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
        let position = usize::from(ZIGZAG[k]);
        coefficients[position / 8][position % 8] =
            signed(bits, size) as f32 * f32::from(coder.quantization[k]);
        k += 1;
    }
    Ok(coefficients)
}
