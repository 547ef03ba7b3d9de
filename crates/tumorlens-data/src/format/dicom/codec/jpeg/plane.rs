//! Samples of one component on its own grid, and their way to the grid of the picture.
//!
//! The standard leaves open how a component of fewer samples is enlarged. libjpeg's triangle filter is what every
//! reference decoder does for factors of 2; it is followed to the bit, for other factors samples are repeated.

use super::Frame;

/// One component.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    /// Columns and rows that count.
    size: [usize; 2],
    /// Columns stored: whole blocks.
    stride: usize,
    samples: Vec<u16>,
    /// How many times finer the picture is, across and down.
    factors: [usize; 2],
}

impl Plane {
    /// Component `index`, with room for its samples where they are `kept`; `None` when its sampling is no whole fraction of the picture's.
    pub(super) fn new(frame: &Frame, index: usize, kept: bool) -> Option<Self> {
        let most = frame.most();
        let (h, v) = frame.components[index].factors();
        if h == 0 || v == 0 || !most[0].is_multiple_of(h) || !most[1].is_multiple_of(v) {
            return None;
        }
        let size = [
            (frame.width * h).div_ceil(most[0]),
            (frame.height * v).div_ceil(most[1]),
        ];
        let units = frame.units();
        let stride = units[0] * h * 8;
        let room = if kept { stride * units[1] * v * 8 } else { 0 };
        Some(Self {
            size,
            stride,
            samples: vec![1 << (frame.precision.clamp(1, 16) - 1); room],
            factors: [most[0] / h, most[1] / v],
        })
    }

    /// Blocks across and down that hold samples which count.
    pub(super) fn blocks(&self) -> [usize; 2] {
        self.size.map(|n| n.div_ceil(8))
    }

    /// Stores a block at its place, counted in blocks.
    pub(super) fn put(&mut self, at: [usize; 2], block: &[[u16; 8]; 8]) {
        for (y, line) in block.iter().enumerate() {
            let start = (at[1] * 8 + y) * self.stride + at[0] * 8;
            if let Some(target) = self.samples.get_mut(start..start + 8) {
                target.copy_from_slice(line);
            }
        }
    }

    fn row(&self, y: usize) -> &[u16] {
        let y = y.min(self.size[1] - 1);
        &self.samples[y * self.stride..][..self.size[0]]
    }

    /// The rows of a component that is as fine as the picture.
    pub(super) fn rows(&self) -> Option<impl Iterator<Item = &[u16]>> {
        (self.factors == [1, 1]).then(|| (0..self.size[1]).map(|y| self.row(y)))
    }

    /// Puts a row of the picture, `width` samples or a few more, into `wide`.
    pub(super) fn picture_row(&self, y: usize, wide: &mut Vec<u16>) {
        let [across, down] = self.factors;
        let source = y / down;
        // The nearer of the two neighbouring rows counts three quarters; outside, the outermost row continues.
        let beside = if y.is_multiple_of(2) {
            source.saturating_sub(1)
        } else {
            source + 1
        };
        let narrow = self.size[0] <= 2;
        wide.clear();
        match (across, down) {
            (1, 1) => wide.extend_from_slice(self.row(source)),
            (2, 1) if !narrow => {
                let row: Vec<u32> = self.row(source).iter().map(|v| u32::from(*v)).collect();
                widen(&row, [1, 2], 2, wide);
            }
            (1, 2) => {
                let bias = 1 + (y % 2) as u32;
                let rows = self.row(source).iter().zip(self.row(beside));
                let middle = |(a, b): (&u16, &u16)| (3 * u32::from(*a) + u32::from(*b) + bias) >> 2;
                wide.extend(rows.map(|pair| middle(pair) as u16));
            }
            (2, 2) if !narrow => {
                let rows = self.row(source).iter().zip(self.row(beside));
                let sums: Vec<u32> = rows
                    .map(|(a, b)| 3 * u32::from(*a) + u32::from(*b))
                    .collect();
                widen(&sums, [8, 7], 4, wide);
            }
            _ => {
                let row = self.row(source).iter();
                wide.extend(row.flat_map(|v| std::iter::repeat_n(*v, across)));
            }
        }
    }
}

/// Twice as many samples, each three quarters of the nearer neighbour and a quarter of the other; the outermost stay.
/// `shift` is what a weight of 4 is divided by, as a power of 2; `round` is added to the left and the right ones.
fn widen(row: &[u32], round: [u32; 2], shift: u32, wide: &mut Vec<u16>) {
    let pair = |before: u32, value: u32, after: u32| {
        [
            ((3 * value + before + round[0]) >> shift) as u16,
            ((3 * value + after + round[1]) >> shift) as u16,
        ]
    };
    wide.resize(2 * row.len(), 0);
    let pairs = wide.as_chunks_mut::<2>().0;
    if let ([first, inner @ .., last], [a, b, ..], [.., y, z]) = (pairs, row, row) {
        *first = pair(*a, *a, *b);
        *last = pair(*y, *z, *z);
        for (target, three) in inner.iter_mut().zip(row.windows(3)) {
            *target = pair(three[0], three[1], three[2]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::widen;

    #[test]
    fn a_row_is_enlarged_as_libjpeg_does() {
        // h2v1_fancy_upsample of jdsample.c: 10; (3*10+20+2)>>2; (3*20+10+1)>>2; (3*20+30+2)>>2; ...
        let mut wide = Vec::new();
        widen(&[10, 20, 30, 40], [1, 2], 2, &mut wide);
        assert_eq!(wide, [10, 13, 17, 23, 27, 33, 37, 40]);
        widen(&[10, 20, 30], [1, 2], 2, &mut wide);
        assert_eq!(wide, [10, 13, 17, 23, 27, 30]);
    }
}
