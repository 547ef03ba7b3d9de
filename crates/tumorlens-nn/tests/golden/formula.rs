//! The formula of weights and inputs in `reference/models/make_golden.py`: computed instead of stored.

/// `count` values in [-1, 1): FNV-1a of the name plus the position, mixed by C. Wellons' lowbias32.
pub(crate) fn values(name: &str, count: usize) -> Vec<f64> {
    let seed = name.bytes().fold(2_166_136_261u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    (0..count as u32)
        .map(|i| {
            let mut x = seed.wrapping_add(i);
            x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
            x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
            f64::from(x ^ (x >> 16)) / 2f64.powi(31) - 1.0
        })
        .collect()
}

/// Images `[n, ...]` with values in [-1, 1).
pub(crate) fn images(n: usize, shape: [usize; 3]) -> Vec<f32> {
    values("input", n * shape.iter().product::<usize>())
        .into_iter()
        .map(|v| v as f32)
        .collect()
}
