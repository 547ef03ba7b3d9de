//! Values of an image between its pixels.

/// Points whose values are computed together: their places and weights stay in registers and the first cache.
const TOGETHER: usize = 32;
/// Added to a number between 0 and 2^22 it leaves the nearest whole number in the lowest bits (2^23).
const WHOLE: f32 = 8_388_608.0;

/// A square image with a border of zeros, one pixel before and two after, so that sampling needs no special cases.
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

    /// The values between four pixels each, at points by their columns and rows; 0 and 0 is the centre of the first pixel.
    /// All three of one length.
    #[inline]
    pub(super) fn bilinear(&self, columns: &[f32], rows: &[f32], values: &mut [f32]) {
        let points = columns.chunks(TOGETHER).zip(rows.chunks(TOGETHER));
        for ((columns, rows), values) in points.zip(values.chunks_mut(TOGETHER)) {
            self.some(columns, rows, values);
        }
    }

    /// Of at most [`TOGETHER`] points.
    #[inline]
    fn some(&self, columns: &[f32], rows: &[f32], values: &mut [f32]) {
        let stride = self.side + 3;
        let mut start = [0u32; TOGETHER];
        let mut weight = [[0.0f32; TOGETHER]; 2];
        let [across, down] = &mut weight;
        let places = start.iter_mut().zip(across.iter_mut()).zip(down.iter_mut());
        // No branch, no conversion: this loop runs on vectors of any processor.
        for (((start, across), down), (x, y)) in places.zip(columns.iter().zip(rows)) {
            let (x, y) = (self.clamp(*x), self.clamp(*y));
            let (left, top) = (floor(x), floor(y));
            (*across, *down) = (x - left, y - top);
            *start = (top * stride as f32 + left + WHOLE).to_bits() & (WHOLE as u32 - 1);
        }
        let weights = across.iter().zip(down.iter());
        for ((value, start), (across, down)) in values.iter_mut().zip(start).zip(weights) {
            let around = &self.values[start as usize..][..stride + 2];
            let (upper, lower) = (&around[..2], &around[stride..]);
            let above = upper[0] + across * (upper[1] - upper[0]);
            let below = lower[0] + across * (lower[1] - lower[0]);
            *value = above + down * (below - above);
        }
    }

    /// The value of the nearest pixel.
    #[inline]
    pub(super) fn nearest(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (self.clamp(x) + 0.5, self.clamp(y) + 0.5);
        self.values[y as usize * (self.side + 3) + x as usize]
    }
}

/// The whole number at or below one from 0 to 2^22; much faster than [`f32::floor`] on plain x86-64.
#[inline]
fn floor(x: f32) -> f32 {
    let nearest = (x + WHOLE) - WHOLE;
    nearest - if nearest > x { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{Padded, floor};
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_below_are_found_on_and_beside_them() {
        for whole in [0.0f32, 1.0, 2.0, 63.0, 4095.0, 1_000_001.0] {
            assert_eq!(floor(whole), whole);
            assert_eq!(floor(whole.next_up()), whole.next_up().floor());
            assert_eq!(floor((whole + 1.0).next_down()), whole);
            assert_eq!(floor(whole + 0.5), whole);
        }
    }

    proptest! {
        #[test]
        fn values_between_pixels_follow_the_definition(
            side in 1usize..70,
            points in prop::collection::vec((-9.0f32..80.0, -9.0f32..80.0), 1..90),
        ) {
            let image: Vec<f32> = (0..side * side).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
            let pixel = |x: f32, y: f32| {
                let inside = |c: f32| c >= 0.0 && c < side as f32;
                if inside(x) && inside(y) { f64::from(image[y as usize * side + x as usize]) } else { 0.0 }
            };
            let (columns, rows): (Vec<f32>, Vec<f32>) = points.iter().copied().unzip();
            let mut values = vec![0.0; points.len()];
            Padded::new(&image, side).bilinear(&columns, &rows, &mut values);
            for ((x, y), value) in points.into_iter().zip(values) {
                let (left, top) = (x.floor(), y.floor());
                let (u, v) = (f64::from(x - left), f64::from(y - top));
                let above = pixel(left, top) * (1.0 - u) + pixel(left + 1.0, top) * u;
                let below = pixel(left, top + 1.0) * (1.0 - u) + pixel(left + 1.0, top + 1.0) * u;
                let expected = above * (1.0 - v) + below * v;
                prop_assert!((f64::from(value) - expected).abs() < 1e-5, "{value} {expected}");
            }
        }
    }

    #[test]
    fn a_point_that_is_no_number_and_one_far_outside_are_background() {
        let mut values = [1.0; 3];
        let far = [f32::NAN, f32::INFINITY, -1e30];
        Padded::new(&[1.0; 16], 4).bilinear(&far, &[1.0; 3], &mut values);
        assert_eq!(values, [0.0; 3]);
    }
}
