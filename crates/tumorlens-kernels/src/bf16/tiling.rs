//! Which pixels a tile takes.

use super::product::ROWS;

/// Not written.
pub(super) const NOWHERE: u32 = u32::MAX;
/// Rows below which a tile takes no less time: it waits for the weights.
const LEAST: usize = 11;

/// One tile: where it begins, in bytes, and where each of its rows is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) start: usize,
    pub(super) places: [u32; ROWS],
}

/// Tiles of the same number of rows that take every pixel of a map once.
#[derive(Debug)]
pub(super) struct Tiling {
    pub(super) rows: usize,
    pub(super) tiles: Vec<Tile>,
}

/// What the tiles cover: a map of pixels that are read `step` bytes apart, and `pitch` bytes from row to row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) step: usize,
    pub(super) pitch: usize,
}

impl Tiling {
    /// `place` says where a pixel (row, column) is written.
    pub(super) fn new(map: Map, place: impl Fn(usize, usize) -> usize) -> Self {
        let Map {
            height,
            width,
            step,
            pitch,
        } = map;
        if height == 0 || width == 0 {
            return Self {
                rows: 1,
                tiles: Vec::new(),
            };
        }
        // Rows of the map one by one, each cut into equal tiles; or the whole map with what lies between its rows, as one
        // row, of which that is dropped again. The first is better for wide maps, the second for narrow ones.
        let cut = |length: usize| {
            let count = length.div_ceil(ROWS);
            (count, length.div_ceil(count))
        };
        let cost = |(count, rows): (usize, usize)| count * rows.max(LEAST);
        let run = pitch / step * (height - 1) + width;
        let in_one = pitch.is_multiple_of(step) && cost(cut(run)) < height * cost(cut(width));
        let (lines, length) = if in_one { (1, run) } else { (height, width) };
        let (count, rows) = cut(length);
        let mut tiles = Vec::with_capacity(lines * count);
        for line in 0..lines {
            for index in 0..count {
                // The last tile of a line begins early enough to end with it.
                let begin = (index * rows).min(length - rows);
                let mut places = [NOWHERE; ROWS];
                for (row, to) in places.iter_mut().enumerate().take(rows) {
                    let at = begin + row;
                    let (y, x) = if in_one {
                        (at / (pitch / step), at % (pitch / step))
                    } else {
                        (line, at)
                    };
                    if at >= index * rows && x < width {
                        *to = place(y, x) as u32;
                    }
                }
                let start = line * pitch + begin * step;
                tiles.push(Tile { start, places });
            }
        }
        Self { rows, tiles }
    }

    /// Bytes from the first that is read to behind the last, beside what each step adds.
    pub(super) fn reach(&self, step: usize) -> usize {
        let last = self.tiles.iter().map(|tile| tile.start).max();
        last.map_or(0, |start| start + (self.rows - 1) * step + 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_is_taken_once_and_nothing_beyond_the_last() {
        for (height, width, between) in [
            (1, 1, 0),
            (4, 4, 2),
            (3, 5, 0),
            (8, 8, 2),
            (5, 16, 2),
            (2, 40, 6),
            (7, 33, 1),
        ] {
            for step in [64, 12] {
                let pitch = (width + between) * step;
                let map = Map {
                    height,
                    width,
                    step,
                    pitch,
                };
                let tiling = Tiling::new(map, |y, x| y * width + x);
                let mut seen = vec![0; height * width];
                for tile in &tiling.tiles {
                    for (row, place) in tile
                        .places
                        .iter()
                        .enumerate()
                        .filter(|(_, p)| **p != NOWHERE)
                    {
                        let place = *place as usize;
                        seen[place] += 1;
                        let (y, x) = (place / width, place % width);
                        assert_eq!(tile.start + row * step, y * pitch + x * step);
                    }
                }
                assert!(seen.iter().all(|times| *times == 1), "{map:?}");
                assert_eq!(
                    tiling.reach(step),
                    (height - 1) * pitch + (width - 1) * step + 64
                );
            }
        }
    }
}
