//! Images as they come, channel by channel: what the first convolution of a network reads when it judges. In blocks of
//! sixteen channels an image of one would take sixteen times the memory, more than the caches near a core hold.

use crate::Shape;

/// A batch `[image][channel][row][column]` with a border of zeros around every channel.
#[derive(Clone, Debug, Default)]
pub struct Planar {
    shape: Shape,
    values: Vec<f32>,
}

impl Planar {
    /// Takes the values of `[image, channel, row, column]`.
    ///
    /// # Panics
    /// When their number is not that of the shape, or the shape has more pixels than can be counted.
    pub fn fill(&mut self, shape: Shape, values: &[f32]) {
        if self.shape != shape {
            assert!(shape.countable(), "{shape:?} is too large");
            let count = shape.images * shape.channels * shape.plane();
            (self.shape, self.values) = (shape, vec![0.0; count]);
        }
        let area = shape.height * shape.width;
        assert_eq!(values.len(), shape.numbers(), "values of {shape:?}");
        let planes = self.values.chunks_exact_mut(shape.plane().max(1));
        for (plane, map) in planes.zip(values.chunks_exact(area.max(1))) {
            for (y, row) in map.chunks_exact(shape.width).enumerate() {
                plane[shape.at(y, 0)..][..shape.width].copy_from_slice(row);
            }
        }
    }

    /// Shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All channels of an image, borders and all.
    pub(crate) fn image(&self, image: usize) -> &[f32] {
        let each = self.shape.channels * self.shape.plane();
        &self.values[image * each..(image + 1) * each]
    }

    /// The values without the border.
    #[must_use]
    pub fn to_planar(&self) -> Vec<f32> {
        let s = self.shape;
        let planes = self.values.chunks_exact(s.plane().max(1));
        let rows =
            planes.flat_map(|plane| (0..s.height).map(move |y| &plane[s.at(y, 0)..][..s.width]));
        rows.flatten().copied().collect()
    }
}
