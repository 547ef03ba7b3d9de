//! Writing a volume of singles as NIfTI-1, gzip.

use std::io::Write;
use tumorlens_core::Affine;

/// One file: header, four empty bytes, voxels, the first axis running fastest. The same values give the same bytes.
///
/// # Errors
/// When an axis is longer than 32,767 voxels or the values do not fill the volume.
pub fn encode(shape: [usize; 3], affine: &Affine, values: &[f32]) -> std::io::Result<Vec<u8>> {
    if values.len() != shape.iter().product::<usize>() {
        return Err(std::io::Error::other("the values do not fill the volume"));
    }
    let mut header = vec![0u8; 352];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &348i32.to_le_bytes());
    put(40, &3i16.to_le_bytes());
    for (i, side) in shape.iter().enumerate() {
        let side = i16::try_from(*side)
            .map_err(|_| std::io::Error::other("an axis is too long for NIfTI-1"))?;
        put(42 + 2 * i, &side.to_le_bytes());
    }
    for i in 3..7 {
        put(42 + 2 * i, &1i16.to_le_bytes());
    }
    put(70, &16i16.to_le_bytes()); // float32
    put(72, &32i16.to_le_bytes());
    put(76, &1f32.to_le_bytes());
    for (i, spacing) in affine.spacing().iter().enumerate() {
        put(80 + 4 * i, &(*spacing as f32).to_le_bytes());
    }
    put(108, &352f32.to_le_bytes());
    put(112, &1f32.to_le_bytes());
    put(123, &[2]); // mm
    put(148, b"tumorlens evidence (logits)");
    put(254, &1i16.to_le_bytes()); // sform: scanner coordinates
    for (r, row) in affine.rows.iter().enumerate() {
        for (c, value) in row.iter().enumerate() {
            put(280 + 16 * r + 4 * c, &(*value as f32).to_le_bytes());
        }
    }
    put(344, b"n+1\0");
    // Default settings write neither name nor time.
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(&header)?;
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    writer.write_all(&bytes)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::nifti::decode;
    use crate::limits::Limits;

    #[test]
    fn what_is_written_is_read_back_in_its_place() {
        let affine = Affine {
            rows: [
                [0.0, -2.0, 0.0, 10.0],
                [0.0, 0.0, 3.0, -5.0],
                [1.5, 0.0, 0.0, 0.5],
            ],
        };
        let values: Vec<f32> = (0..24u8).map(|v| f32::from(v) - 3.5).collect();
        let bytes = encode([2, 3, 4], &affine, &values).unwrap();
        let file = decode(&bytes, &Limits::default()).unwrap();
        assert_eq!(file.shape, [2, 3, 4]);
        assert_eq!(file.affine, affine);
        assert_eq!(file.values, crate::format::values::Values::F32(values));
        assert!(encode([2, 3, 5], &affine, &[0.0; 24]).is_err());
    }
}
