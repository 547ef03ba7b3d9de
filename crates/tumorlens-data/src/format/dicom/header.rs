//! The image pixel module (DICOM PS3.3 C.7.6.3): what the pixel data looks like.

use super::data_set::{DataSet, damaged};
use super::tag;
use crate::format::error::DecodeError;
use crate::limits::Limits;

/// Shape and storage of pixel data, checked against the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Rows of a frame.
    pub rows: usize,
    /// Columns of a frame.
    pub columns: usize,
    /// Frames, at least 1.
    pub frames: usize,
    /// Samples a pixel: 1, or 3 for colour.
    pub samples: usize,
    /// Colour by plane instead of by pixel.
    pub planar: bool,
    /// Photometric interpretation.
    pub photometric: String,
    /// Bits a sample takes: 1, 8, 16, 32 or 64.
    pub allocated: u16,
    /// Bits that count.
    pub stored: u16,
    /// Position of the highest bit that counts.
    pub high: u16,
    /// Two's complement.
    pub signed: bool,
}

impl Header {
    /// Reads and checks.
    ///
    /// # Errors
    /// When a needed element is missing, contradicts another or exceeds a limit.
    pub fn read(set: &DataSet<'_>, limits: &Limits) -> Result<Self, DecodeError> {
        let rows = usize::from(set.required_short(tag::ROWS)?);
        let columns = usize::from(set.required_short(tag::COLUMNS)?);
        let frames = match set.integer(tag::NUMBER_OF_FRAMES)? {
            None => 1,
            Some(n) => usize::try_from(n)
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| damaged(format!("NumberOfFrames is {n}")))?,
        };
        let float = set.has(tag::FLOAT_PIXEL_DATA) || set.has(tag::DOUBLE_FLOAT_PIXEL_DATA);
        let allocated = set.required_short(tag::BITS_ALLOCATED)?;
        let stored = if float {
            allocated
        } else {
            set.required_short(tag::BITS_STORED)?
        };
        let high = set
            .short(tag::HIGH_BIT)?
            .unwrap_or_else(|| stored.saturating_sub(1));
        let photometric = set
            .text(tag::PHOTOMETRIC_INTERPRETATION)
            .ok_or_else(|| damaged("PhotometricInterpretation is missing"))?;
        let header = Self {
            rows,
            columns,
            frames,
            samples: usize::from(set.short(tag::SAMPLES_PER_PIXEL)?.unwrap_or(1)),
            planar: set.short(tag::PLANAR_CONFIGURATION)? == Some(1),
            photometric,
            allocated,
            stored,
            high,
            signed: match (set.short(tag::PIXEL_REPRESENTATION)?, float) {
                (Some(0), _) | (None, true) => false,
                (Some(1), _) => true,
                (Some(n), _) => return Err(damaged(format!("PixelRepresentation is {n}"))),
                (None, false) => return Err(damaged("PixelRepresentation is missing")),
            },
        };
        header.check(limits)?;
        Ok(header)
    }

    fn check(&self, limits: &Limits) -> Result<(), DecodeError> {
        if !matches!(self.allocated, 1 | 8 | 16 | 32 | 64) {
            return Err(damaged(format!("BitsAllocated is {}", self.allocated)));
        }
        if self.stored == 0 || self.stored > self.allocated {
            return Err(damaged(format!(
                "BitsStored {} does not fit BitsAllocated {}",
                self.stored, self.allocated
            )));
        }
        if self.high >= self.allocated || self.high + 1 < self.stored {
            return Err(damaged(format!(
                "HighBit {} does not fit BitsStored {}",
                self.high, self.stored
            )));
        }
        let colour = match self.photometric.as_str() {
            "MONOCHROME1" | "MONOCHROME2" | "PALETTE COLOR" => 1,
            "RGB" | "YBR_FULL" | "YBR_FULL_422" | "YBR_ICT" | "YBR_RCT" => 3,
            _ => {
                return DecodeError::unsupported("dicom", "this photometric interpretation");
            }
        };
        if self.samples != colour {
            return Err(damaged(format!(
                "{} samples a pixel are not what {} holds",
                self.samples, self.photometric
            )));
        }
        let frame = self.rows as u64 * self.columns as u64;
        let pixels = frame.saturating_mul(self.frames as u64);
        if frame == 0 || frame > limits.max_pixels {
            return Err(DecodeError::Dimensions {
                width: self.columns as u64,
                height: self.rows as u64,
                limit: limits.max_pixels,
            });
        }
        let bytes = pixels
            .saturating_mul(self.samples as u64)
            .saturating_mul(u64::from(self.allocated.div_ceil(8)));
        if bytes > limits.max_alloc_bytes {
            return Err(DecodeError::Memory {
                limit: limits.max_alloc_bytes,
            });
        }
        Ok(())
    }

    /// Samples of a frame.
    #[must_use]
    pub fn frame_len(&self) -> usize {
        self.rows * self.columns * self.samples
    }

    /// Samples of all frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frame_len() * self.frames
    }

    /// Never: an empty image is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `([frames,] rows, columns[, samples])`.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        let mut shape = Vec::with_capacity(4);
        if self.frames > 1 {
            shape.push(self.frames);
        }
        shape.extend([self.rows, self.columns]);
        if self.samples > 1 {
            shape.push(self.samples);
        }
        shape
    }
}
