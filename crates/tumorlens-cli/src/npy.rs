//! Raw maps as NumPy files (format 1.0 of `numpy.lib.format`): float32, little endian, C order.

/// The bytes of a two-dimensional array `[height, width]`, row by row.
pub(crate) fn bytes(height: usize, width: usize, values: &[f32]) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({height}, {width}), }}");
    // Magic, version and length take 10 bytes; header and newline fill up to a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_starts_at_a_multiple_of_64_and_the_header_names_the_shape() {
        for (height, width) in [(2, 3), (1000, 12345)] {
            let out = bytes(height, width, &[1.5; 6]);
            assert_eq!((out.len() - 24) % 64, 0);
            let length = usize::from(u16::from_le_bytes([out[8], out[9]]));
            let header = std::str::from_utf8(&out[10..10 + length]).unwrap();
            assert!(
                header.contains(&format!("'shape': ({height}, {width})")) && header.ends_with('\n')
            );
            assert_eq!(out[10 + length..10 + length + 4], 1.5f32.to_le_bytes());
        }
    }
}
