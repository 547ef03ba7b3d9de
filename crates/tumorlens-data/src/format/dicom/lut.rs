//! Look-up tables (DICOM PS3.3 C.11.1, C.11.2 and C.7.6.3.1.5).

use super::data_set::{DataSet, damaged};
use super::tag::{self, Tag};
use crate::format::error::DecodeError;
use crate::format::values::Values;

/// A table from stored values on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lut {
    /// The stored value that the first entry stands for; smaller ones take the first entry.
    pub first: i32,
    /// Entries; larger values take the last one.
    pub entries: Vec<u16>,
    /// Bits of an entry.
    pub bits: u16,
}

impl Lut {
    /// Reads a table from its descriptor and data.
    ///
    /// # Errors
    /// When one of both is missing or they contradict each other.
    pub fn read(
        set: &DataSet<'_>,
        descriptor: Tag,
        data: Tag,
        signed: bool,
    ) -> Result<Self, DecodeError> {
        let [count, first, bits] = set.shorts(descriptor)[..] else {
            return Err(damaged("a look-up table has no descriptor"));
        };
        let count = if count == 0 {
            1 << 16
        } else {
            usize::from(count)
        };
        let bytes = set.value(data).unwrap_or(&[]);
        let entries = match bits {
            // Eight bits may lie one or two to a word.
            8 if bytes.len() < 2 * count => bytes.iter().map(|b| u16::from(*b)).collect(),
            8..=16 => set.shorts(data),
            _ => return Err(damaged(format!("a look-up table has {bits} bits"))),
        };
        if entries.len() < count {
            return Err(damaged("a look-up table is shorter than it says"));
        }
        Ok(Self {
            first: if signed {
                i32::from(first as i16)
            } else {
                i32::from(first)
            },
            entries: entries[..count].to_vec(),
            bits,
        })
    }

    /// The entry of a stored value.
    #[must_use]
    pub fn get(&self, stored: f64) -> f64 {
        let last = self.entries.len() - 1;
        let index = (stored - f64::from(self.first)).clamp(0.0, last as f64) as usize;
        f64::from(self.entries[index])
    }
}

/// From stored values to the values of the modality.
#[derive(Clone, Debug, PartialEq)]
pub enum Modality {
    /// As stored.
    Stored,
    /// `slope * stored + intercept`.
    Linear {
        /// Slope, never 0.
        slope: f64,
        /// Intercept.
        intercept: f64,
    },
    /// By a table.
    Table(Lut),
}

impl Modality {
    /// The rule of a data set or of a functional group.
    ///
    /// # Errors
    /// When a number is not finite, the slope is 0 or a table is damaged.
    pub fn read(set: &DataSet<'_>, signed: bool) -> Result<Self, DecodeError> {
        if let Some(item) = set.items(tag::MODALITY_LUT_SEQUENCE)?.first() {
            return Lut::read(item, tag::LUT_DESCRIPTOR, tag::LUT_DATA, signed).map(Self::Table);
        }
        let slope = set.decimal(tag::RESCALE_SLOPE)?;
        let intercept = set.decimal(tag::RESCALE_INTERCEPT)?;
        match (slope, intercept) {
            (Some(0.0), _) => Err(damaged("RescaleSlope is 0")),
            (None, None) => Ok(Self::Stored),
            (slope, intercept) => Ok(Self::Linear {
                slope: slope.unwrap_or(1.0),
                intercept: intercept.unwrap_or(0.0),
            }),
        }
    }

    /// One value.
    #[must_use]
    pub fn apply(&self, stored: f64) -> f64 {
        match self {
            Self::Stored => stored,
            Self::Linear { slope, intercept } => slope * stored + intercept,
            Self::Table(lut) => lut.get(stored),
        }
    }

    /// Several values in single precision.
    #[must_use]
    pub fn apply_to(&self, values: &Values, start: usize, count: usize) -> Vec<f32> {
        match self {
            Self::Stored => values.scaled(start, count, 1.0, 0.0),
            Self::Linear { slope, intercept } => values.scaled(start, count, *slope, *intercept),
            Self::Table(lut) => (start..start + count)
                .map(|i| lut.get(values.get(i)) as f32)
                .collect(),
        }
    }
}
