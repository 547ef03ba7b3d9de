//! The inverse discrete cosine transform (T.81 A.3.3), by the factors of Arai, Agui and Nakajima (1988): five
//! multiplications for eight values, the scales in the quantization table. Eight columns go side by side.

use std::f32::consts::SQRT_2;

/// Eight values, one of each column.
type Lanes = [f32; 8];

/// `SCALE[u] = cos(u pi / 16) * sqrt(2)`, 1 for `u = 0`.
const SCALE: [f64; 8] = [
    1.0,
    1.387_039_845_322_147_5,
    1.306_562_964_876_377,
    1.175_875_602_419_359,
    1.0,
    0.785_694_958_387_102_2,
    0.541_196_100_146_197,
    0.275_899_379_282_943_05,
];

/// What coefficient (u, v) is multiplied by, besides its quantization step.
pub(super) fn scale(u: usize, v: usize) -> f64 {
    SCALE[u % 8] * SCALE[v % 8] / 8.0
}

#[inline(always)]
fn add(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|i| a[i] + b[i])
}

#[inline(always)]
fn sub(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|i| a[i] - b[i])
}

#[inline(always)]
fn times(a: Lanes, factor: f32) -> Lanes {
    a.map(|v| v * factor)
}

/// Eight transforms of eight values, `c[frequency][lane]` to `[place][lane]`.
#[inline(always)]
fn transform(c: &[Lanes; 8]) -> [Lanes; 8] {
    // The even frequencies.
    let (sum, difference) = (add(c[0], c[4]), sub(c[0], c[4]));
    let both = add(c[2], c[6]);
    let turned = sub(times(sub(c[2], c[6]), SQRT_2), both);
    let (e0, e3) = (add(sum, both), sub(sum, both));
    let (e1, e2) = (add(difference, turned), sub(difference, turned));
    // The odd ones.
    let (z13, z10) = (add(c[5], c[3]), sub(c[5], c[3]));
    let (z11, z12) = (add(c[1], c[7]), sub(c[1], c[7]));
    let o7 = add(z11, z13);
    let z5 = times(add(z10, z12), 1.847_759_1);
    let o6 = sub(sub(z5, times(z10, 2.613_126)), o7);
    let o5 = sub(times(sub(z11, z13), SQRT_2), o6);
    let o4 = sub(sub(z5, times(z12, 1.082_392_2)), o5);
    [
        add(e0, o7),
        add(e1, o6),
        add(e2, o5),
        add(e3, o4),
        sub(e3, o4),
        sub(e2, o5),
        sub(e1, o6),
        sub(e0, o7),
    ]
}

/// Scaled coefficients `[u][v]` to samples `[y][x]` from 0 to `highest`; `middle` is added. Halves are rounded up, as
/// integer transforms do.
pub(super) fn inverse(coefficients: &[Lanes; 8], middle: f32, highest: f32) -> [[u16; 8]; 8] {
    let columns = transform(coefficients);
    let turned = std::array::from_fn(|v| std::array::from_fn(|x| columns[x][v]));
    transform(&turned).map(|line| sample(line, middle, highest))
}

/// The samples of a block whose first coefficient alone is not zero.
pub(super) fn constant(coefficient: f32, middle: f32, highest: f32) -> [[u16; 8]; 8] {
    [sample([coefficient; 8], middle, highest); 8]
}

/// Rounds: behind the addition of 2^23 the low bits hold the nearest integer.
#[inline(always)]
fn sample(line: Lanes, middle: f32, highest: f32) -> [u16; 8] {
    line.map(|value| {
        let value = (value + middle).max(0.0).min(highest);
        (value + 8_388_608.0).to_bits() as u16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_those_of_the_definition() {
        let mut state = 1u32;
        let mut coefficients = [[0.0f64; 8]; 8];
        for value in coefficients.as_flattened_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = f64::from(state >> 24) - 128.0;
        }
        let scaled: [[f32; 8]; 8] = std::array::from_fn(|u| {
            std::array::from_fn(|v| (coefficients[u][v] * scale(u, v)) as f32)
        });
        let found = inverse(&scaled, 1024.0, 4095.0);
        let basis = |n: usize, at: usize| {
            let size = if n == 0 { 0.5f64.sqrt() } else { 1.0 };
            size * ((2 * at + 1) as f64 * n as f64 * std::f64::consts::PI / 16.0).cos()
        };
        for (y, line) in found.iter().enumerate() {
            for (x, value) in line.iter().enumerate() {
                let mut exact = 1024.0;
                for (u, row) in coefficients.iter().enumerate() {
                    for (v, coefficient) in row.iter().enumerate() {
                        exact += coefficient / 4.0 * basis(u, x) * basis(v, y);
                    }
                }
                assert!((f64::from(*value) - exact).abs() < 0.51, "{value} {exact}");
            }
        }
    }

    #[test]
    fn a_constant_block_has_the_first_coefficient_alone() {
        let mut coefficients = [[0.0; 8]; 8];
        coefficients[0][0] = 10.4;
        assert_eq!(inverse(&coefficients, 128.0, 255.0), [[138; 8]; 8]);
        assert_eq!(constant(10.4, 128.0, 255.0), [[138; 8]; 8]);
    }
}
