//! The inverse discrete cosine transform (T.81 A.3.3), by rows and columns in single precision.

use std::sync::LazyLock;

/// `COSINE[u][x] = c(u) / 2 * cos((2x + 1) u pi / 16)`.
static COSINE: LazyLock<[[f32; 8]; 8]> = LazyLock::new(|| {
    std::array::from_fn(|u| {
        let scale = if u == 0 { 0.5 / 2f64.sqrt() } else { 0.5 };
        std::array::from_fn(|x| {
            let angle = (2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0;
            (scale * angle.cos()) as f32
        })
    })
});

/// Coefficients `[v][u]` to samples `[y][x]`.
pub(super) fn inverse(coefficients: &[[f32; 8]; 8]) -> [[f32; 8]; 8] {
    let cosine = &*COSINE;
    let mut rows = [[0f32; 8]; 8];
    for (row, source) in rows.iter_mut().zip(coefficients) {
        for (u, coefficient) in source.iter().enumerate() {
            if *coefficient != 0.0 {
                for (x, value) in row.iter_mut().enumerate() {
                    *value += coefficient * cosine[u][x];
                }
            }
        }
    }
    let mut block = [[0f32; 8]; 8];
    for (v, row) in rows.iter().enumerate() {
        for (y, line) in block.iter_mut().enumerate() {
            for (x, value) in line.iter_mut().enumerate() {
                *value += cosine[v][y] * row[x];
            }
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::inverse;

    #[test]
    fn a_constant_block_has_the_first_coefficient_alone() {
        let mut coefficients = [[0.0; 8]; 8];
        coefficients[0][0] = 80.0;
        for value in inverse(&coefficients).as_flattened() {
            assert!((value - 10.0).abs() < 1e-5);
        }
    }
}
