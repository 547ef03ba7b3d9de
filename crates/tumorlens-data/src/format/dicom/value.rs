//! Values of data elements as text and numbers (DICOM PS3.5 section 6.2). No error repeats a value: it may name a person.

use super::data_set::{DataSet, damaged};
use super::tag::{Tag, keyword};
use crate::format::error::DecodeError;

fn name(tag: Tag) -> String {
    keyword(tag).map_or_else(|| tag.to_string(), str::to_owned)
}

impl DataSet<'_> {
    /// Text without padding; bytes beyond ASCII are replaced. `None` when missing or empty.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<String> {
        let bytes = self.value(tag)?;
        let text: String = bytes
            .iter()
            .take(1024)
            .map(|b| match b {
                0 => ' ',
                0x20..=0x7E => char::from(*b),
                _ => char::REPLACEMENT_CHARACTER,
            })
            .collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The parts of a text between backslashes; empty when missing.
    #[must_use]
    pub fn texts(&self, tag: Tag) -> Vec<String> {
        self.text(tag).map_or_else(Vec::new, |t| {
            t.split('\\').map(|part| part.trim().to_owned()).collect()
        })
    }

    /// Decimal strings (DS), or the binary numbers of FD and FL. Empty when the element is missing or has no value.
    ///
    /// # Errors
    /// When a part is no finite number.
    pub fn decimals(&self, tag: Tag) -> Result<Vec<f64>, DecodeError> {
        let Some((vr, bytes)) = self.typed(tag) else {
            return Ok(Vec::new());
        };
        let numbers: Vec<f64> = match &vr {
            b"FD" => bytes
                .as_chunks::<8>()
                .0
                .iter()
                .map(|b| {
                    if self.form().big {
                        f64::from_be_bytes(*b)
                    } else {
                        f64::from_le_bytes(*b)
                    }
                })
                .collect(),
            _ => {
                let texts = self.texts(tag);
                texts
                    .iter()
                    .map(|t| t.parse().unwrap_or(f64::NAN))
                    .collect()
            }
        };
        if numbers.iter().all(|n| n.is_finite()) {
            Ok(numbers)
        } else {
            Err(damaged(format!("{} is no finite number", name(tag))))
        }
    }

    /// The first of [`decimals`](Self::decimals).
    ///
    /// # Errors
    /// When it is no finite number.
    pub fn decimal(&self, tag: Tag) -> Result<Option<f64>, DecodeError> {
        Ok(self.decimals(tag)?.first().copied())
    }

    /// Unsigned or signed shorts in file order; empty when missing.
    #[must_use]
    pub fn shorts(&self, tag: Tag) -> Vec<u16> {
        let big = self.form().big;
        self.value(tag).map_or_else(Vec::new, |bytes| {
            bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|b| {
                    if big {
                        u16::from_be_bytes(*b)
                    } else {
                        u16::from_le_bytes(*b)
                    }
                })
                .collect()
        })
    }

    /// One unsigned short (US).
    ///
    /// # Errors
    /// When the element is there but is not one short.
    pub fn short(&self, tag: Tag) -> Result<Option<u16>, DecodeError> {
        match self.typed(tag) {
            None | Some((_, [])) => Ok(None),
            Some((vr, [a, b])) if matches!(&vr, b"US" | b"SS" | b"  " | b"UN") => {
                Ok(Some(if self.form().big {
                    u16::from_be_bytes([*a, *b])
                } else {
                    u16::from_le_bytes([*a, *b])
                }))
            }
            Some(_) => Err(damaged(format!("{} is not one 16-bit number", name(tag)))),
        }
    }

    /// One unsigned short that must be there.
    ///
    /// # Errors
    /// When it is missing or is not one short.
    pub fn required_short(&self, tag: Tag) -> Result<u16, DecodeError> {
        self.short(tag)?
            .ok_or_else(|| damaged(format!("{} is missing", name(tag))))
    }

    /// One integer string (IS).
    ///
    /// # Errors
    /// When it is there but is no integer.
    pub fn integer(&self, tag: Tag) -> Result<Option<i64>, DecodeError> {
        let Some(text) = self.text(tag) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| damaged(format!("{} is no integer", name(tag))))
    }
}
