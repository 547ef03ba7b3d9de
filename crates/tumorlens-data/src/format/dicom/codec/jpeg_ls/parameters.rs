//! Parameters of a scan and their presets (T.87 C.2.4.1).

use super::{byte, damaged, short};
use crate::format::error::DecodeError;

/// What an LSE segment sets; 0 means the default.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Presets {
    maximum: i32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Presets {
    pub(super) fn read(body: &[u8]) -> Result<Self, DecodeError> {
        if byte(body, 0)? != 1 {
            return DecodeError::unsupported(
                "dicom",
                "JPEG-LS with a mapping table or large sizes",
            );
        }
        let value = |i: usize| short(body, 1 + 2 * i).map(i32::from);
        Ok(Self {
            maximum: value(0)?,
            thresholds: [value(1)?, value(2)?, value(3)?],
            reset: value(4)?,
        })
    }
}

/// Everything that coding a sample depends on, A.2.1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters {
    /// MAXVAL: largest sample.
    pub(super) maximum: i32,
    /// NEAR: largest error of a sample, 0 for lossless.
    pub(super) near: i32,
    /// T1, T2, T3.
    pub(super) thresholds: [i32; 3],
    /// RESET.
    pub(super) reset: i32,
    /// RANGE: number of different prediction errors.
    pub(super) range: i32,
    /// qbpp.
    pub(super) error_bits: u32,
    /// LIMIT: longest code.
    pub(super) limit: u32,
}

impl Parameters {
    pub(super) fn new(precision: u8, near: i32, presets: &Presets) -> Result<Self, DecodeError> {
        let full = (1 << precision) - 1;
        let maximum = if presets.maximum == 0 {
            full
        } else {
            presets.maximum
        };
        if maximum > full || near > maximum.min(510) / 2 {
            return Err(damaged("its coding parameters contradict each other"));
        }
        let defaults = defaults(maximum, near);
        let mut thresholds = presets.thresholds;
        for (value, default) in thresholds.iter_mut().zip(defaults) {
            if *value == 0 {
                *value = default;
            }
        }
        let [a, b, c] = thresholds;
        let reset = if presets.reset == 0 {
            64
        } else {
            presets.reset
        };
        if a < near + 1 || b < a || c < b || c > maximum || reset < 3 {
            return Err(damaged("its coding parameters contradict each other"));
        }
        let range = (maximum + 2 * near) / (2 * near + 1) + 1;
        let bits = ceil_log2(maximum + 1).max(2);
        Ok(Self {
            maximum,
            near,
            thresholds,
            reset,
            range,
            error_bits: ceil_log2(range),
            limit: 2 * (bits + bits.max(8)),
        })
    }
}

fn ceil_log2(value: i32) -> u32 {
    32 - (value - 1).leading_zeros()
}

/// C.2.4.1.1.
fn defaults(maximum: i32, near: i32) -> [i32; 3] {
    let clamp = |value: i32, low: i32| {
        if value > maximum || value < low {
            low
        } else {
            value
        }
    };
    let values = if maximum >= 128 {
        let factor = (maximum.min(4095) + 128) / 256;
        [factor + 2, 4 * factor + 3, 17 * factor + 4]
    } else {
        let factor = 256 / (maximum + 1);
        [
            (3 / factor).max(2),
            (7 / factor).max(3),
            (21 / factor).max(4),
        ]
    };
    let first = clamp(values[0] + 3 * near, near + 1);
    let second = clamp(values[1] + 5 * near, first);
    [first, second, clamp(values[2] + 7 * near, second)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_thresholds_are_those_of_table_c_3() {
        assert_eq!(defaults(255, 0), [3, 7, 21]);
        assert_eq!(defaults(4095, 0), [18, 67, 276]);
        assert_eq!(defaults(65535, 0), [18, 67, 276]);
    }
}
