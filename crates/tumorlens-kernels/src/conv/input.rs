//! What a convolution reads.

use super::Conv;
use crate::{Blocked, LANES, Lane, Planar, Shape};

/// A batch in either layout.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a, P = Lane> {
    /// In blocks of channels.
    Blocked(&'a Blocked<P>),
    /// Channel by channel, for convolutions that [`Conv::reads_planar`] names.
    Planar(&'a Planar),
}

impl<'a, P> From<&'a Blocked<P>> for Input<'a, P> {
    fn from(batch: &'a Blocked<P>) -> Self {
        Self::Blocked(batch)
    }
}

impl<'a, P> From<&'a Planar> for Input<'a, P> {
    fn from(batch: &'a Planar) -> Self {
        Self::Planar(batch)
    }
}

impl Conv {
    /// Whether it can read images channel by channel: few channels, and a stride of 1 or 2.
    #[must_use]
    pub fn reads_planar(&self) -> bool {
        self.inputs <= LANES && self.stride <= 2
    }
}

impl<'a> Input<'a> {
    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Blocked(batch) => batch.shape(),
            Self::Planar(batch) => batch.shape(),
        }
    }

    pub(super) fn is_planar(self) -> bool {
        matches!(self, Self::Planar(_))
    }

    /// The numbers of an image.
    pub(super) fn image(self, image: usize) -> &'a [f32] {
        match self {
            Self::Blocked(batch) => {
                let shape = batch.shape();
                let each = shape.blocks() * shape.plane();
                Lane::numbers(&batch.values()[image * each..(image + 1) * each])
            }
            Self::Planar(batch) => batch.image(image),
        }
    }
}
