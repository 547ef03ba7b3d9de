//! Sequential DCT processes, Huffman coded (T.81 annex F), one component.

use super::huffman::signed;
use super::idct::inverse;
use super::scan::Scan;
use super::{Coded, Frame, Tables, damaged};
use crate::format::dicom::codec::bits::{Bits, Stuffing};
use crate::format::error::DecodeError;

/// Row-major position of the k-th coefficient (figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

pub(super) fn decode(
    frame: &Frame,
    scan: &Scan,
    tables: &Tables,
    data: &[u8],
) -> Result<(Coded, usize), DecodeError> {
    if frame.components() != 1 {
        return DecodeError::unsupported(
            "dicom",
            "a lossy JPEG frame in colour of more than 8 bits",
        );
    }
    // Some encoders of 12 bits write 0 for the last coefficient, which has no meaning here.
    if !matches!(frame.precision, 8 | 12) || scan.first != 0 || !matches!(scan.last, 0 | 63) {
        return Err(damaged("its header does not fit the sequential process"));
    }
    let (_, dc, ac) = scan.components[0];
    let missing = || damaged("a scan names a missing table");
    let dc = tables
        .dc
        .get(dc)
        .and_then(Option::as_ref)
        .ok_or_else(missing)?;
    let ac = tables
        .ac
        .get(ac)
        .and_then(Option::as_ref)
        .ok_or_else(missing)?;
    let quantization = tables
        .quantization
        .get(usize::from(frame.components[0].quantization))
        .and_then(Option::as_ref)
        .ok_or_else(missing)?;
    let (width, height) = (frame.width, frame.height);
    let (across, down) = (width.div_ceil(8), height.div_ceil(8));
    // A block takes two bits at least.
    if across * down > data.len().saturating_mul(4) {
        return Err(damaged("it ends before its last pixel"));
    }
    let middle = f32::from(1u16 << (frame.precision - 1));
    let highest = f32::from((1u16 << frame.precision) - 1);
    let mut samples = vec![0u16; width * height];
    let mut bits = Bits::new(data, Stuffing::Byte);
    let mut previous = 0i32;
    let mut restarts = 0u8;
    for block in 0..across * down {
        if tables.restart > 0 && block > 0 && block % tables.restart == 0 {
            if !bits.restart(restarts) {
                return Err(damaged("a restart marker is missing"));
            }
            restarts = (restarts + 1) & 7;
            previous = 0;
        }
        let mut coefficients = [[0f32; 8]; 8];
        let no_code = || damaged("its data holds no Huffman code");
        let size = dc.symbol(&mut bits).ok_or_else(no_code)?;
        if size > 15 {
            return Err(damaged("a difference has more than 15 bits"));
        }
        previous = previous.wrapping_add(signed(&mut bits, u32::from(size)));
        coefficients[0][0] = previous as f32 * f32::from(quantization[0]);
        let mut k = 1;
        while k < 64 {
            let symbol = ac.symbol(&mut bits).ok_or_else(no_code)?;
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
                signed(&mut bits, size) as f32 * f32::from(quantization[k]);
            k += 1;
        }
        let (top, left) = (block / across * 8, block % across * 8);
        let values = inverse(&coefficients);
        for (y, row) in values.iter().enumerate().take(height - top) {
            let line = &mut samples[(top + y) * width..(top + y + 1) * width];
            for (sample, value) in line[left..].iter_mut().zip(row) {
                *sample = (value + middle).round().clamp(0.0, highest) as u16;
            }
        }
        if bits.overdrawn() {
            return Err(damaged("it ends before its last pixel"));
        }
    }
    let coded = Coded {
        width,
        height,
        components: 1,
        precision: frame.precision,
        signed: false,
        samples,
    };
    Ok((coded, bits.end()))
}
