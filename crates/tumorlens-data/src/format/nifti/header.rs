//! The header (nifti1.h, nifti2.h): 348 or 540 bytes in either byte order.

use super::damaged;
use crate::format::error::DecodeError;
use crate::format::values::Values;
use crate::limits::Limits;
use tumorlens_core::Affine;

/// Type of a voxel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl Kind {
    /// By the code of the header.
    fn of(code: i16) -> Result<Self, DecodeError> {
        Ok(match code {
            2 => Self::U8,
            4 => Self::I16,
            8 => Self::I32,
            16 => Self::F32,
            64 => Self::F64,
            256 => Self::I8,
            512 => Self::U16,
            768 => Self::U32,
            1024 => Self::I64,
            1280 => Self::U64,
            _ => {
                let name = match code {
                    1 => "voxels of one bit",
                    32 | 1792 | 2048 => "complex voxels",
                    128 | 2304 => "colour voxels",
                    1536 => "voxels of 128 bits",
                    _ => return Err(damaged(format!("data type {code} does not exist"))),
                };
                return DecodeError::unsupported("nifti", name);
            }
        })
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    pub(super) fn read(self, bytes: &[u8], big: bool) -> Values {
        macro_rules! read {
            ($kind:ident, $type:ty, $n:literal) => {{
                let read = if big {
                    <$type>::from_be_bytes
                } else {
                    <$type>::from_le_bytes
                };
                Values::$kind(bytes.as_chunks::<$n>().0.iter().map(|b| read(*b)).collect())
            }};
        }
        match self {
            Self::U8 => Values::U8(bytes.to_vec()),
            Self::I8 => read!(I8, i8, 1),
            Self::U16 => read!(U16, u16, 2),
            Self::I16 => read!(I16, i16, 2),
            Self::U32 => read!(U32, u32, 4),
            Self::I32 => read!(I32, i32, 4),
            Self::U64 => read!(U64, u64, 8),
            Self::I64 => read!(I64, i64, 8),
            Self::F32 => read!(F32, f32, 4),
            Self::F64 => read!(F64, f64, 8),
        }
    }
}

/// What matters of a header.
pub(super) struct Header {
    pub(super) version: u8,
    pub(super) big: bool,
    /// Voxels lie in the same file.
    pub(super) single: bool,
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
    pub(super) offset: usize,
    pub(super) scaling: Option<(f64, f64)>,
    pub(super) affine: Affine,
}

/// Version and whether it is big endian, by the length that the header begins with.
fn version(bytes: &[u8]) -> Option<(u8, bool)> {
    let length: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    match (i32::from_le_bytes(length), i32::from_be_bytes(length)) {
        (348, _) => Some((1, false)),
        (_, 348) => Some((1, true)),
        (540, _) => Some((2, false)),
        (_, 540) => Some((2, true)),
        _ => None,
    }
}

pub(super) fn is(bytes: &[u8]) -> bool {
    version(bytes).is_some()
}

/// Numbers of a header in its byte order.
struct Fields<'a> {
    bytes: &'a [u8],
    big: bool,
    version: u8,
}

impl Fields<'_> {
    fn take<const N: usize>(&self, at: usize) -> Result<[u8; N], DecodeError> {
        self.bytes
            .get(at..at + N)
            .and_then(|b| b.try_into().ok())
            .ok_or_else(|| damaged("it ends inside its header"))
    }

    fn i16(&self, at: usize) -> Result<i16, DecodeError> {
        let b = self.take(at)?;
        Ok(if self.big {
            i16::from_be_bytes(b)
        } else {
            i16::from_le_bytes(b)
        })
    }

    fn i32(&self, at: usize) -> Result<i32, DecodeError> {
        let b = self.take(at)?;
        Ok(if self.big {
            i32::from_be_bytes(b)
        } else {
            i32::from_le_bytes(b)
        })
    }

    fn i64(&self, at: usize) -> Result<i64, DecodeError> {
        let b = self.take(at)?;
        Ok(if self.big {
            i64::from_be_bytes(b)
        } else {
            i64::from_le_bytes(b)
        })
    }

    fn f32(&self, at: usize) -> Result<f64, DecodeError> {
        let b = self.take(at)?;
        Ok(f64::from(if self.big {
            f32::from_be_bytes(b)
        } else {
            f32::from_le_bytes(b)
        }))
    }

    fn f64(&self, at: usize) -> Result<f64, DecodeError> {
        let b = self.take(at)?;
        Ok(if self.big {
            f64::from_be_bytes(b)
        } else {
            f64::from_le_bytes(b)
        })
    }

    /// The i-th of a row of numbers that are single in version 1 and double in version 2.
    fn number(&self, one: usize, two: usize, i: usize) -> Result<f64, DecodeError> {
        if self.version == 1 {
            self.f32(one + 4 * i)
        } else {
            self.f64(two + 8 * i)
        }
    }

    fn code(&self, one: usize, two: usize) -> Result<i32, DecodeError> {
        if self.version == 1 {
            self.i16(one).map(i32::from)
        } else {
            self.i32(two)
        }
    }
}

impl Header {
    pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (version, big) = version(bytes).ok_or(DecodeError::UnknownFormat)?;
        let fields = Fields {
            bytes,
            big,
            version,
        };
        let magic: [u8; 4] = fields.take(if version == 1 { 344 } else { 4 })?;
        let single = match &magic {
            b"n+1\0" | b"n+2\0" => true,
            b"ni1\0" | b"ni2\0" => false,
            _ => {
                return DecodeError::unsupported(
                    "nifti",
                    "an ANALYZE 7.5 header, which does not say where voxels lie,",
                );
            }
        };
        let code = fields.i16(if version == 1 { 70 } else { 12 })?;
        let kind = Kind::of(code)?;
        let bits = fields.i16(if version == 1 { 72 } else { 14 })?;
        if usize::try_from(bits) != Ok(8 * kind.bytes()) {
            return Err(damaged(format!(
                "data type {code} does not have {bits} bits"
            )));
        }
        let header = Self {
            version,
            big,
            single,
            shape: shape(&fields)?,
            kind,
            offset: offset(&fields, single)?,
            scaling: scaling(&fields)?,
            affine: affine(&fields)?,
        };
        let bytes = header.shape.iter().fold(kind.bytes() as u64, |n, side| {
            n.saturating_mul(*side as u64)
        });
        if bytes > limits.max_alloc_bytes {
            return Err(DecodeError::Memory {
                limit: limits.max_alloc_bytes,
            });
        }
        Ok(header)
    }

    pub(super) fn voxels(&self) -> usize {
        self.shape.iter().product()
    }
}

fn shape(fields: &Fields<'_>) -> Result<Vec<usize>, DecodeError> {
    let length = |i: usize| {
        if fields.version == 1 {
            fields.i16(40 + 2 * i).map(i64::from)
        } else {
            fields.i64(16 + 8 * i)
        }
    };
    let axes = length(0)?;
    if !(1..=7).contains(&axes) {
        return Err(damaged(format!("it has {axes} axes")));
    }
    (1..=axes as usize)
        .map(|i| {
            let n = length(i)?;
            usize::try_from(n)
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| damaged(format!("axis {i} has the length {n}")))
        })
        .collect()
}

fn offset(fields: &Fields<'_>, single: bool) -> Result<usize, DecodeError> {
    let stated = if fields.version == 1 {
        fields.f32(108)?
    } else {
        fields.i64(168)? as f64
    };
    let header = if !single {
        0.0
    } else if fields.version == 1 {
        352.0
    } else {
        544.0
    };
    if stated >= header && stated < 2f64.powi(40) && stated.fract() == 0.0 {
        Ok(stated as usize)
    } else {
        Err(damaged("vox_offset does not point behind the header"))
    }
}

fn scaling(fields: &Fields<'_>) -> Result<Option<(f64, f64)>, DecodeError> {
    let slope = fields.number(112, 176, 0)?;
    let intercept = fields.number(116, 184, 0)?;
    if slope == 0.0 || !slope.is_finite() {
        return Ok(None);
    }
    if !intercept.is_finite() {
        return Err(damaged("scl_inter is no finite number"));
    }
    Ok(Some((slope, intercept)))
}

/// Methods 3, 2 and 1 of nifti1.h, in this order.
fn affine(fields: &Fields<'_>) -> Result<Affine, DecodeError> {
    let mut rows = [[0.0; 4]; 3];
    if fields.code(254, 348)? > 0 {
        for (r, row) in rows.iter_mut().enumerate() {
            for (c, value) in row.iter_mut().enumerate() {
                *value = fields.number(280, 400, 4 * r + c)?;
            }
        }
        return Ok(Affine { rows });
    }
    let spacing: Vec<f64> = (0..4)
        .map(|i| fields.number(76, 104, i))
        .collect::<Result<_, _>>()?;
    if fields.code(252, 344)? > 0 {
        let quaternion: Vec<f64> = (0..3)
            .map(|i| fields.number(256, 352, i))
            .collect::<Result<_, _>>()?;
        let [b, c, d] = [quaternion[0], quaternion[1], quaternion[2]];
        let a = (1.0 - (b * b + c * c + d * d)).max(0.0).sqrt();
        let rotation = [
            [
                a * a + b * b - c * c - d * d,
                2.0 * (b * c - a * d),
                2.0 * (b * d + a * c),
            ],
            [
                2.0 * (b * c + a * d),
                a * a + c * c - b * b - d * d,
                2.0 * (c * d - a * b),
            ],
            [
                2.0 * (b * d - a * c),
                2.0 * (c * d + a * b),
                a * a + d * d - b * b - c * c,
            ],
        ];
        let handed = if spacing[0] < 0.0 { -1.0 } else { 1.0 };
        for (r, row) in rows.iter_mut().enumerate() {
            for c in 0..3 {
                row[c] = rotation[r][c] * spacing[1 + c] * if c == 2 { handed } else { 1.0 };
            }
            row[3] = fields.number(268, 376, r)?;
        }
        return Ok(Affine { rows });
    }
    // Nothing but the spacing is known; nibabel's convention puts the middle at the origin and x to the left.
    let shape = shape(fields)?;
    for (r, row) in rows.iter_mut().enumerate() {
        let side = shape.get(r).copied().unwrap_or(1) as f64;
        row[r] = spacing[1 + r] * if r == 0 { -1.0 } else { 1.0 };
        row[3] = -row[r] * (side - 1.0) / 2.0;
    }
    Ok(Affine { rows })
}
