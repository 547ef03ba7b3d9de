//! A batch of feature maps in blocks of channels.

use crate::{LANES, Lane, Pixel};
use rayon::prelude::*;

/// Shape of a batch of feature maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Images.
    pub images: usize,
    /// Channels; the last block is filled up with zeros.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Zeros around every map, in pixels.
    pub border: usize,
}

impl Shape {
    /// Blocks of channels of a batch in single precision.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks_of::<Lane>()
    }

    /// Blocks of channels of a batch of such pixels.
    #[must_use]
    pub fn blocks_of<P: Pixel>(&self) -> usize {
        self.channels.div_ceil(P::CHANNELS)
    }

    /// Pixels of a row with its border.
    #[must_use]
    pub fn row(&self) -> usize {
        self.width + 2 * self.border
    }

    /// Pixels of a plane with its border.
    #[must_use]
    pub fn plane(&self) -> usize {
        self.row() * (self.height + 2 * self.border)
    }

    /// Numbers of all images and channels, borders and unused lanes aside.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.images * self.channels * self.height * self.width
    }

    /// Position of a pixel within its plane.
    #[must_use]
    pub fn at(&self, y: usize, x: usize) -> usize {
        (y + self.border) * self.row() + x + self.border
    }

    /// Pixels of all planes of a batch in single precision.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len_of::<Lane>()
    }

    /// Pixels of all planes of a batch of such pixels.
    #[must_use]
    pub fn len_of<P: Pixel>(&self) -> usize {
        self.images * self.blocks_of::<P>() * self.plane()
    }

    /// Whether the number of all values fits an integer, and with it that of every part.
    pub(crate) fn countable(&self) -> bool {
        let side = |side: usize| self.border.checked_mul(2)?.checked_add(side);
        let blocks = self.channels.div_ceil(LANES);
        let sides = [side(self.height), side(self.width)];
        let factors = [Some(self.images), Some(blocks), Some(LANES)];
        let product = |all: usize, factor: Option<usize>| all.checked_mul(factor?.max(1));
        sides
            .into_iter()
            .chain(factors)
            .try_fold(1, product)
            .is_some()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A batch of feature maps, `[image][block][row][column][lane]`, with a border of zeros around every plane.
///
/// The lanes beyond the last channel are zero, and so is the border; every kernel keeps it so.
#[derive(Clone, Debug)]
pub struct Blocked<P = Lane> {
    shape: Shape,
    values: Vec<P>,
}

/// Vectors below which it takes longer to wake a thread than to do its share.
const SMALL: usize = 1 << 11;

/// Calls `f` with every plane of some values and its index, on all threads where there is enough to do.
pub(crate) fn each_plane<P: Pixel>(
    values: &mut [P],
    plane: usize,
    f: impl Fn(usize, &mut [P]) + Sync + Send,
) {
    let plane = plane.max(1);
    if values.len() < SMALL {
        let planes = values.chunks_mut(plane).enumerate();
        planes.for_each(|(index, plane)| f(index, plane));
    } else {
        let planes = values.par_chunks_mut(plane).enumerate();
        planes.for_each(|(index, plane)| f(index, plane));
    }
}

impl<P: Pixel> Blocked<P> {
    /// All zeros.
    ///
    /// # Panics
    /// When the shape has more pixels than can be counted: positions are computed from it without a check.
    #[must_use]
    pub fn zeros(shape: Shape) -> Self {
        assert!(shape.countable(), "{shape:?} is too large");
        Self {
            shape,
            values: vec![P::ZERO; shape.len_of::<P>()],
        }
    }

    /// From `[image, channel, row, column]`.
    ///
    /// # Panics
    /// When the number of values is not that of the shape.
    #[must_use]
    pub fn from_planar(values: &[f32], shape: Shape) -> Self {
        let mut blocked = Self::zeros(shape);
        blocked.fill_planar(values);
        blocked
    }

    /// Takes the values of `[image, channel, row, column]`.
    ///
    /// # Panics
    /// When the number of values is not that of the shape.
    pub fn fill_planar(&mut self, values: &[f32]) {
        let s = self.shape;
        let area = s.height * s.width;
        assert_eq!(values.len(), s.numbers(), "values of {s:?}");
        let each = (self.blocks() * s.plane()).max(1);
        let images = self.values.par_chunks_mut(each);
        let maps = values.par_chunks((s.channels * area).max(1));
        images.zip(maps).for_each(|(planes, maps)| {
            for (channel, map) in maps.chunks_exact(area.max(1)).enumerate() {
                let plane = &mut planes[channel / P::CHANNELS * s.plane()..];
                for (y, row) in map.chunks_exact(s.width).enumerate() {
                    let start = s.at(y, 0);
                    for (lane, &value) in plane[start..start + s.width].iter_mut().zip(row) {
                        lane.set(channel % P::CHANNELS, value);
                    }
                }
            }
        });
    }

    /// Sets everything to zero.
    pub fn clear(&mut self) {
        let planes = self.values.par_chunks_mut(self.shape.plane().max(1));
        planes.for_each(|plane| plane.fill(P::ZERO));
    }

    /// To `[image, channel, row, column]`.
    #[must_use]
    pub fn to_planar(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.shape.numbers()];
        self.read_planar(&mut values);
        values
    }

    /// To `[image, channel, row, column]`, in memory of the caller's.
    ///
    /// # Panics
    /// When the number of values is not that of the shape.
    pub fn read_planar(&self, values: &mut [f32]) {
        let s = self.shape;
        let area = s.height * s.width;
        assert_eq!(values.len(), s.numbers(), "values of {s:?}");
        for (index, map) in values.chunks_exact_mut(area.max(1)).enumerate() {
            let (image, channel) = (index / s.channels, index % s.channels);
            let plane = self.plane(image, channel / P::CHANNELS);
            for (y, row) in map.chunks_exact_mut(s.width).enumerate() {
                let pixels = &plane[s.at(y, 0)..][..s.width];
                for (value, pixel) in row.iter_mut().zip(pixels) {
                    *value = pixel.get(channel % P::CHANNELS);
                }
            }
        }
    }

    /// Blocks of channels.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.shape.blocks_of::<P>()
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All pixels, borders included.
    #[must_use]
    pub fn values(&self) -> &[P] {
        &self.values
    }

    /// All pixels, borders included. Borders and unused lanes must stay zero.
    pub fn values_mut(&mut self) -> &mut [P] {
        &mut self.values
    }

    /// One plane with its border.
    #[must_use]
    pub fn plane(&self, image: usize, block: usize) -> &[P] {
        let n = self.shape.plane();
        let start = (image * self.blocks() + block) * n;
        &self.values[start..start + n]
    }

    /// One plane with its border.
    pub fn plane_mut(&mut self, image: usize, block: usize) -> &mut [P] {
        let n = self.shape.plane();
        let start = (image * self.blocks() + block) * n;
        &mut self.values[start..start + n]
    }
}
