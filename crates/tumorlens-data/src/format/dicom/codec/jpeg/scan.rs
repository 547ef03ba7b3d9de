//! The scan header (T.81 B.2.3).

use super::{Frame, byte, damaged};
use crate::format::error::DecodeError;

/// Which components a scan holds and how they are coded.
pub(super) struct Scan {
    /// Index into the frame's components, DC table and AC table of each component.
    pub(super) components: Vec<(usize, usize, usize)>,
    /// First coefficient, or the predictor of a lossless scan.
    pub(super) first: u8,
    /// Last coefficient.
    pub(super) last: u8,
    /// Point transform of a lossless scan.
    pub(super) shift: u8,
}

impl Scan {
    pub(super) fn read(body: &[u8], frame: &Frame) -> Result<Self, DecodeError> {
        let count = usize::from(byte(body, 0)?);
        let components = (0..count)
            .map(|i| {
                let id = byte(body, 1 + 2 * i)?;
                let tables = byte(body, 2 + 2 * i)?;
                let index = frame
                    .components
                    .iter()
                    .position(|c| c.id == id)
                    .ok_or_else(|| damaged("a scan names a component that the frame has not"))?;
                Ok((index, usize::from(tables >> 4), usize::from(tables & 15)))
            })
            .collect::<Result<Vec<_>, DecodeError>>()?;
        let at = 1 + 2 * count;
        let scan = Self {
            components,
            first: byte(body, at)?,
            last: byte(body, at + 1)?,
            shift: byte(body, at + 2)? & 15,
        };
        if scan.components.is_empty() || scan.components.len() > 4 {
            return Err(damaged("a scan names no component, or too many"));
        }
        Ok(scan)
    }
}
