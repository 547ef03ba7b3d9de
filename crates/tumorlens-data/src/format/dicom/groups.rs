//! Functional groups of enhanced multi-frame objects (DICOM PS3.3 C.7.6.16): what holds for all frames and what for one.

use super::data_set::DataSet;
use super::tag::{self, Tag};
use crate::format::error::DecodeError;

/// The functional groups of an object, parsed once.
pub struct Groups<'a> {
    shared: Option<DataSet<'a>>,
    frames: Vec<DataSet<'a>>,
}

impl<'a> Groups<'a> {
    /// Reads both sequences; a classic object has neither.
    ///
    /// # Errors
    /// When an item is damaged.
    pub fn read(set: &DataSet<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            shared: set
                .items(tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)?
                .into_iter()
                .next(),
            frames: set.items(tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)?,
        })
    }

    /// Whether anything is said by frame.
    #[must_use]
    pub fn by_frame(&self) -> bool {
        !self.frames.is_empty()
    }

    /// The macro `sequence` of a frame, or the shared one.
    ///
    /// # Errors
    /// When an item is damaged.
    pub fn get(&self, frame: usize, sequence: Tag) -> Result<Option<DataSet<'a>>, DecodeError> {
        for group in self.frames.get(frame).into_iter().chain(&self.shared) {
            if let Some(item) = group.items(sequence)?.into_iter().next() {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}
