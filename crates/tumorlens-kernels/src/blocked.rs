//! A batch of feature maps in blocks of channels.

use crate::LANES;
use rayon::prelude::*;

/// One pixel of one block of channels, on a cache line of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Lane(pub [f32; LANES]);

impl Lane {
    /// All zeros.
    pub const ZERO: Self = Self([0.0; LANES]);
}

/// Shape of a batch of feature maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Blocks of channels.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
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

    /// Position of a pixel within its plane.
    #[must_use]
    pub fn at(&self, y: usize, x: usize) -> usize {
        (y + self.border) * self.row() + x + self.border
    }

    /// Pixels of all planes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.images * self.blocks() * self.plane()
    }

    /// Whether the number of all values fits an integer, and with it that of every part.
    fn countable(&self) -> bool {
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
pub struct Blocked {
    shape: Shape,
    values: Vec<Lane>,
}

/// Vectors below which it takes longer to wake a thread than to do its share.
const SMALL: usize = 1 << 11;

/// Calls `f` with every plane of some values and its index, on all threads where there is enough to do.
pub(crate) fn each_plane(
    values: &mut [Lane],
    plane: usize,
    f: impl Fn(usize, &mut [Lane]) + Sync + Send,
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

impl Blocked {
    /// All zeros.
    ///
    /// # Panics
    /// When the shape has more pixels than can be counted: positions are computed from it without a check.
    #[must_use]
    pub fn zeros(shape: Shape) -> Self {
        assert!(shape.countable(), "{shape:?} is too large");
        Self {
            shape,
            values: vec![Lane::ZERO; shape.len()],
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
        assert_eq!(
            values.len(),
            s.images * s.channels * area,
            "values of {s:?}"
        );
        let images = self.values.par_chunks_mut((s.blocks() * s.plane()).max(1));
        let maps = values.par_chunks((s.channels * area).max(1));
        images.zip(maps).for_each(|(planes, maps)| {
            for (channel, map) in maps.chunks_exact(area.max(1)).enumerate() {
                let plane = &mut planes[channel / LANES * s.plane()..];
                for (y, row) in map.chunks_exact(s.width).enumerate() {
                    let start = s.at(y, 0);
                    for (lane, &value) in plane[start..start + s.width].iter_mut().zip(row) {
                        lane.0[channel % LANES] = value;
                    }
                }
            }
        });
    }

    /// Sets everything to zero.
    pub fn clear(&mut self) {
        let planes = self.values.par_chunks_mut(self.shape.plane().max(1));
        planes.for_each(|plane| plane.fill(Lane::ZERO));
    }

    /// To `[image, channel, row, column]`.
    #[must_use]
    pub fn to_planar(&self) -> Vec<f32> {
        let s = self.shape;
        let mut values = Vec::with_capacity(s.images * s.channels * s.height * s.width);
        for image in 0..s.images {
            for channel in 0..s.channels {
                let plane = self.plane(image, channel / LANES);
                for y in 0..s.height {
                    let start = s.at(y, 0);
                    let row = &plane[start..start + s.width];
                    values.extend(row.iter().map(|lane| lane.0[channel % LANES]));
                }
            }
        }
        values
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All pixels, borders included.
    #[must_use]
    pub fn values(&self) -> &[Lane] {
        &self.values
    }

    /// All pixels, borders included. Borders and unused lanes must stay zero.
    pub fn values_mut(&mut self) -> &mut [Lane] {
        &mut self.values
    }

    /// One plane with its border.
    #[must_use]
    pub fn plane(&self, image: usize, block: usize) -> &[Lane] {
        let n = self.shape.plane();
        let start = (image * self.shape.blocks() + block) * n;
        &self.values[start..start + n]
    }

    /// One plane with its border.
    pub fn plane_mut(&mut self, image: usize, block: usize) -> &mut [Lane] {
        let n = self.shape.plane();
        let start = (image * self.shape.blocks() + block) * n;
        &mut self.values[start..start + n]
    }
}
