//! Values of an image between its pixels.

/// An image with a border of zeros, one pixel before and two after, so that sampling needs no special cases.
pub(super) struct Padded {
    side: usize,
    values: Vec<f32>,
}

impl Padded {
    /// Of a square image of this side.
    pub(super) fn new(image: &[f32], side: usize) -> Self {
        let stride = side + 3;
        let mut values = vec![0.0; stride * stride];
        let rows = values.chunks_exact_mut(stride).skip(1);
        for (row, line) in rows.zip(image.chunks_exact(side)) {
            row[1..=side].copy_from_slice(line);
        }
        Self { side, values }
    }

    /// Pixels of a side of the image.
    pub(super) fn side(&self) -> usize {
        self.side
    }

    /// Into the border at the nearest; a coordinate that is not a number counts as outside.
    #[inline]
    fn clamp(&self, at: f32) -> f32 {
        (at + 1.0).max(0.0).min(self.side as f32 + 1.0)
    }

    /// The value between four pixels; 0 and 0 is the centre of the first.
    #[inline]
    pub(super) fn bilinear(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (self.clamp(x), self.clamp(y));
        // Never negative, so cutting off is rounding down, and much faster than `floor` on plain x86-64.
        let (left, top) = (x as u32, y as u32);
        let (wx, wy) = (x - left as f32, y - top as f32);
        let stride = self.side + 3;
        let start = top as usize * stride + left as usize;
        let around = &self.values[start..start + stride + 2];
        let (upper, lower) = (&around[..2], &around[stride..]);
        let above = upper[0] + wx * (upper[1] - upper[0]);
        let below = lower[0] + wx * (lower[1] - lower[0]);
        above + wy * (below - above)
    }

    /// The value of the nearest pixel.
    #[inline]
    pub(super) fn nearest(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (self.clamp(x) + 0.5, self.clamp(y) + 0.5);
        self.values[y as usize * (self.side + 3) + x as usize]
    }
}
