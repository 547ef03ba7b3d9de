//! Lossless process (T.81 annex H).

use super::scan::Scan;
use super::{Coded, Frame, Tables, damaged};
use crate::format::dicom::codec::bits::{Bits, Stuffing};
use crate::format::error::DecodeError;

pub(super) fn decode(
    frame: &Frame,
    scan: &Scan,
    tables: &Tables,
    data: &[u8],
) -> Result<(Coded, usize), DecodeError> {
    if !(2..=16).contains(&frame.precision) || scan.shift >= frame.precision {
        return Err(damaged(format!("it has {} bits a sample", frame.precision)));
    }
    if !(1..=7).contains(&scan.first) {
        return Err(damaged(format!("predictor {} does not exist", scan.first)));
    }
    if frame.components() > 1 && frame.components.iter().any(|c| c.sampling != (1, 1)) {
        return DecodeError::unsupported("dicom", "a lossless JPEG frame with subsampled colour");
    }
    let n = frame.components();
    let trees = scan
        .components
        .iter()
        .map(|(_, dc, _)| {
            tables
                .dc
                .get(*dc)
                .and_then(Option::as_ref)
                .ok_or_else(|| damaged("a scan names a missing Huffman table"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (width, height) = (frame.width, frame.height);
    let stride = width * n;
    // A pixel takes one bit at least: nothing is reserved that the data cannot fill.
    if width * height * n > data.len().saturating_mul(8) {
        return Err(damaged("it ends before its last pixel"));
    }
    let start = 1i32 << (frame.precision - 1 - scan.shift);
    let mut samples = vec![0u16; stride * height];
    let mut bits = Bits::new(data, Stuffing::Byte);
    let mut since_restart = 0;
    let mut restarts = 0u8;
    // The line on which a restart interval begins is predicted as a first line (H.1.1).
    let mut first_line = 0;
    for y in 0..height {
        let (above, rest) = samples.split_at_mut(y * stride);
        let above = above.get(y.saturating_sub(1) * stride..).unwrap_or(&[]);
        let line = &mut rest[..stride];
        for x in 0..width {
            let mut fresh = y == 0 && x == 0;
            if tables.restart > 0 && since_restart == tables.restart {
                if !bits.restart(restarts) {
                    return Err(damaged("a restart marker is missing"));
                }
                restarts = (restarts + 1) & 7;
                since_restart = 0;
                first_line = y;
                fresh = true;
            }
            since_restart += 1;
            for (c, tree) in trees.iter().enumerate() {
                let i = x * n + c;
                let predicted = if fresh {
                    start
                } else if y == first_line {
                    if x == 0 {
                        start
                    } else {
                        i32::from(line[i - n])
                    }
                } else if x == 0 {
                    i32::from(above[i])
                } else {
                    let (a, b, c) = (
                        i32::from(line[i - n]),
                        i32::from(above[i]),
                        i32::from(above[i - n]),
                    );
                    predict(scan.first, a, b, c)
                };
                let (size, difference) = tree
                    .coded(&mut bits)
                    .ok_or_else(|| damaged("its data holds no Huffman code"))?;
                let difference = match size {
                    0..=15 => difference,
                    16 => 32768,
                    _ => return Err(damaged("a difference has more than 16 bits")),
                };
                line[i] = (predicted + difference) as u16;
            }
        }
        if bits.overdrawn() {
            return Err(damaged("it ends before its last pixel"));
        }
    }
    if scan.shift > 0 {
        samples.iter_mut().for_each(|v| *v <<= scan.shift);
    }
    let coded = Coded {
        width,
        height,
        components: n,
        precision: frame.precision,
        signed: false,
        samples,
    };
    Ok((coded, bits.end()))
}

/// Table H.1.
#[inline]
fn predict(selection: u8, a: i32, b: i32, c: i32) -> i32 {
    match selection {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    }
}
