//! Decoded numbers in the type in which a file stores them, and the facts by which two decoders are compared.

use sha2::{Digest, Sha256};

/// Numbers of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 8 bit unsigned.
    U8(Vec<u8>),
    /// 8 bit signed.
    I8(Vec<i8>),
    /// 16 bit unsigned.
    U16(Vec<u16>),
    /// 16 bit signed.
    I16(Vec<i16>),
    /// 32 bit unsigned.
    U32(Vec<u32>),
    /// 32 bit signed.
    I32(Vec<i32>),
    /// 64 bit unsigned.
    U64(Vec<u64>),
    /// 64 bit signed.
    I64(Vec<i64>),
    /// IEEE 754 single.
    F32(Vec<f32>),
    /// IEEE 754 double.
    F64(Vec<f64>),
}

/// Runs `$body` with `$v` bound to the vector inside.
macro_rules! each {
    ($values:expr, $v:ident => $body:expr) => {
        match $values {
            Values::U8($v) => $body,
            Values::I8($v) => $body,
            Values::U16($v) => $body,
            Values::I16($v) => $body,
            Values::U32($v) => $body,
            Values::I32($v) => $body,
            Values::U64($v) => $body,
            Values::I64($v) => $body,
            Values::F32($v) => $body,
            Values::F64($v) => $body,
        }
    };
}

/// Smallest, largest and mean of the finite values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Smallest finite value.
    pub min: f64,
    /// Largest finite value.
    pub max: f64,
    /// Mean of the finite values.
    pub mean: f64,
    /// Values that are not finite.
    pub nonfinite: usize,
}

impl Values {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// True without values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `u1`, `i2`, `f4` and so on: kind and bytes, as in NumPy.
    #[must_use]
    pub fn dtype(&self) -> &'static str {
        match self {
            Self::U8(_) => "u1",
            Self::I8(_) => "i1",
            Self::U16(_) => "u2",
            Self::I16(_) => "i2",
            Self::U32(_) => "u4",
            Self::I32(_) => "i4",
            Self::U64(_) => "u8",
            Self::I64(_) => "i8",
            Self::F32(_) => "f4",
            Self::F64(_) => "f8",
        }
    }

    /// SHA-256 of the values, little endian, in the order in which they lie.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        let mut block = Vec::with_capacity(1 << 16);
        each!(self, values => {
            for part in values.chunks(8192) {
                block.clear();
                part.iter().for_each(|v| block.extend_from_slice(&v.to_le_bytes()));
                hasher.update(&block);
            }
        });
        crate::hex(&hasher.finalize())
    }

    /// Value `i` as a double; 0 beyond the end. Integers above 2^53 are rounded.
    #[must_use]
    #[allow(
        trivial_numeric_casts,
        clippy::unnecessary_cast,
        reason = "one body for ten types"
    )]
    pub fn get(&self, i: usize) -> f64 {
        each!(self, v => v.get(i).map_or(0.0, |x| *x as f64))
    }

    /// The values from `start` on, `count` of them, as singles after `slope * v + intercept`.
    #[must_use]
    #[allow(
        trivial_numeric_casts,
        clippy::unnecessary_cast,
        reason = "one body for ten types"
    )]
    pub fn scaled(&self, start: usize, count: usize, slope: f64, intercept: f64) -> Vec<f32> {
        each!(self, v => v.iter().skip(start).take(count)
            .map(|x| (*x as f64 * slope + intercept) as f32)
            .collect())
    }

    /// Range and mean; `None` when no value is finite.
    #[must_use]
    #[allow(
        trivial_numeric_casts,
        clippy::unnecessary_cast,
        reason = "one body for ten types"
    )]
    pub fn range(&self) -> Option<Range> {
        each!(self, v => range(v.iter().map(|x| *x as f64)))
    }
}

/// Range and mean of the finite ones among `values`; `None` when there are none. The mean is summed in blocks, which
/// keeps the rounding of millions of values small.
pub fn range(values: impl Iterator<Item = f64>) -> Option<Range> {
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut count, mut nonfinite) = (0usize, 0usize);
    let (mut total, mut block, mut in_block) = (0.0, 0.0, 0);
    for value in values {
        if !value.is_finite() {
            nonfinite += 1;
            continue;
        }
        count += 1;
        min = min.min(value);
        max = max.max(value);
        block += value;
        in_block += 1;
        if in_block == 4096 {
            total += block;
            (block, in_block) = (0.0, 0);
        }
    }
    (count > 0).then(|| Range {
        min,
        max,
        mean: (total + block) / count as f64,
        nonfinite,
    })
}
