//! Frames as grey images: modality rule, photometric interpretation, padding.

use super::lut::Lut;
use super::{Dicom, damaged};
use crate::format::error::DecodeError;
use tumorlens_core::{GreyImage, Size};

impl Dicom {
    /// A slice: a frame, or a tile of a mosaic. See [`frame_grey`](Self::frame_grey).
    ///
    /// # Errors
    /// When the slice does not exist, or its palette is missing.
    pub fn grey(&self, slice: usize) -> Result<GreyImage, DecodeError> {
        match self.mosaic {
            None => self.frame_grey(slice),
            Some(mosaic) => mosaic
                .cut(&self.frame_grey(0)?, slice)
                .ok_or_else(|| damaged(format!("it has {} slices", mosaic.slices))),
        }
    }

    /// A frame in the units of its modality, bright where a display shows it bright. Colour becomes luma (ITU-R BT.601),
    /// MONOCHROME1 is inverted, padding takes the darkest value.
    ///
    /// # Errors
    /// When the frame does not exist, or its palette is missing.
    pub fn frame_grey(&self, frame: usize) -> Result<GreyImage, DecodeError> {
        let header = &self.header;
        if frame >= header.frames {
            return Err(damaged(format!("it has {} frames", header.frames)));
        }
        let (start, count) = (frame * header.frame_len(), header.frame_len());
        let luma = |p: [f64; 3]| (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]) as f32;
        let mut values: Vec<f32> = if header.samples == 3 {
            (start..start + count)
                .step_by(3)
                .map(|i| luma([0, 1, 2].map(|c| self.values.get(i + c))))
                .collect()
        } else if let Some(palette) = &self.palette {
            (start..start + count)
                .map(|i| {
                    let stored = self.values.get(i);
                    luma(palette.each_ref().map(|lut: &Lut| lut.get(stored)))
                })
                .collect()
        } else {
            self.rescale_of(frame).apply_to(&self.values, start, count)
        };
        self.pad(&mut values, start);
        if header.photometric == "MONOCHROME1" {
            let highest = values.iter().copied().fold(f32::MIN, f32::max);
            values.iter_mut().for_each(|v| *v = highest - *v);
        }
        let size = Size {
            width: header.columns,
            height: header.rows,
        };
        GreyImage::new(size, values).map_err(damaged)
    }

    /// Pixels outside the picture become as dark as the darkest pixel inside (C.7.5.1.1.2).
    fn pad(&self, values: &mut [f32], start: usize) {
        let Some((low, high)) = self.padding else {
            return;
        };
        let is_padding = |i: usize| (low..=high).contains(&self.values.get(start + i));
        let inverted = self.header.photometric == "MONOCHROME1";
        let inside = values
            .iter()
            .enumerate()
            .filter(|(i, _)| !is_padding(*i))
            .map(|(_, v)| *v);
        let dark = if inverted {
            inside.fold(f32::MIN, f32::max)
        } else {
            inside.fold(f32::MAX, f32::min)
        };
        if dark == f32::MIN || dark == f32::MAX {
            return;
        }
        for (i, value) in values.iter_mut().enumerate() {
            if is_padding(i) {
                *value = dark;
            }
        }
    }
}
