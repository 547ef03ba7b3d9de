//! Pixels that are inside or not, 64 to a word.

use super::Rect;
use tumorlens_core::Size;

/// One bit a pixel; a row begins a new word, and bits beyond its end are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bitmap {
    size: Size,
    /// Words of a row.
    words: usize,
    rows: Vec<u64>,
}

/// Neighbouring pixels of a row, first and last, and which component they belong to.
struct Run {
    first: usize,
    last: usize,
    component: usize,
}

/// The pixels of a component that count, and the box around them.
#[derive(Clone, Copy)]
struct Extent {
    area: usize,
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl Bitmap {
    /// From a row-major buffer.
    pub(super) fn of<T: Copy>(values: &[T], size: Size, inside: impl Fn(T) -> bool) -> Self {
        let words = size.width.div_ceil(64);
        let mut rows = Vec::with_capacity(words * size.height);
        for row in values.chunks_exact(size.width.max(1)) {
            rows.extend(row.chunks(64).map(|pixels| {
                let bits = pixels.iter().enumerate();
                bits.fold(0, |word, (i, v)| word | (u64::from(inside(*v)) << i))
            }));
        }
        Self { size, words, rows }
    }

    fn row(&self, y: usize) -> &[u64] {
        &self.rows[y * self.words..(y + 1) * self.words]
    }

    /// True where a square of `2 reach + 1` pixels around the pixel holds one that is inside.
    pub(super) fn dilated(&self, reach: usize) -> Self {
        let mut wide = self.clone();
        let last = self.last_word();
        for row in wide.rows.chunks_exact_mut(self.words.max(1)) {
            let right = spread(row, reach.min(self.size.width), shifted_up);
            let left = spread(row, reach.min(self.size.width), shifted_down);
            for ((word, r), l) in row.iter_mut().zip(right).zip(left) {
                *word = r | l;
            }
            if let Some(word) = row.last_mut() {
                *word &= last;
            }
        }
        // Rows are moved as whole words.
        let (height, row) = (self.size.height, 64 * self.words);
        let down = spread(&wide.rows, reach.min(height), |all, by| {
            shifted_up(all, row * by)
        });
        let up = spread(&wide.rows, reach.min(height), |all, by| {
            shifted_down(all, row * by)
        });
        for ((word, d), u) in wide.rows.iter_mut().zip(down).zip(up) {
            *word = d | u;
        }
        wide
    }

    /// The bits of a row's last word that are pixels.
    fn last_word(&self) -> u64 {
        match self.size.width % 64 {
            0 => u64::MAX,
            used => (1 << used) - 1,
        }
    }

    /// The bounding box of the pixels of this map that lie in the largest 8-connected component of `joined`, which
    /// contains them; the first in row order on ties.
    pub(super) fn largest_component(&self, joined: &Self) -> Option<Rect> {
        let mut parents: Vec<usize> = Vec::new();
        let mut extents: Vec<Extent> = Vec::new();
        let mut above: Vec<Run> = Vec::new();
        for y in 0..self.size.height {
            let mut runs = Vec::new();
            let mut next = 0;
            each_run(joined.row(y), |first, last| {
                // A run above that ends before this one begins touches no later one.
                while above.get(next).is_some_and(|a| a.last + 1 < first) {
                    next += 1;
                }
                let touching = above[next..].iter().take_while(|a| a.first <= last + 1);
                let mut component = None;
                for a in touching {
                    component = Some(match component {
                        None => root(&parents, a.component),
                        Some(c) => join(&mut parents, &mut extents, c, a.component),
                    });
                }
                let component = component.unwrap_or_else(|| {
                    parents.push(parents.len());
                    extents.push(Extent::NONE);
                    parents.len() - 1
                });
                extents[component].add(self.row(y), first, last, y);
                runs.push(Run {
                    first,
                    last,
                    component,
                });
            });
            above = runs;
        }
        let mut best: Option<Extent> = None;
        for (i, extent) in extents.iter().enumerate() {
            if parents[i] == i && extent.area > best.map_or(0, |b| b.area) {
                best = Some(*extent);
            }
        }
        best.map(|e| Rect {
            x: e.left,
            y: e.top,
            width: e.right - e.left + 1,
            height: e.bottom - e.top + 1,
        })
    }
}

impl Extent {
    const NONE: Self = Self {
        area: 0,
        left: usize::MAX,
        right: 0,
        top: usize::MAX,
        bottom: 0,
    };

    /// Adds the pixels of a row from `first` to `last`.
    fn add(&mut self, row: &[u64], first: usize, last: usize, y: usize) {
        for (w, word) in row.iter().enumerate().take(last / 64 + 1).skip(first / 64) {
            let from = first.saturating_sub(64 * w);
            let end = (last - 64 * w).min(63);
            let inside = word & (u64::MAX << from) & (u64::MAX >> (63 - end));
            if inside == 0 {
                continue;
            }
            self.area += inside.count_ones() as usize;
            self.left = self.left.min(64 * w + inside.trailing_zeros() as usize);
            self.right = self
                .right
                .max(64 * w + 63 - inside.leading_zeros() as usize);
            self.top = self.top.min(y);
            self.bottom = self.bottom.max(y);
        }
    }
}

/// Calls with the first and the last pixel of every run of a row.
fn each_run(row: &[u64], mut found: impl FnMut(usize, usize)) {
    let mut open = None;
    for (w, word) in row.iter().enumerate() {
        let mut at = 0;
        while at < 64 {
            let rest = word >> at;
            if open.is_some() {
                // Zeros shifted in end a run, so ones are counted within the word.
                let ones = rest.trailing_ones().min(64 - at);
                at += ones;
                if at < 64 {
                    let last = 64 * w + at as usize - 1;
                    if let Some(first) = open.take() {
                        found(first, last);
                    }
                }
            } else {
                if rest == 0 {
                    break;
                }
                at += rest.trailing_zeros();
                open = Some(64 * w + at as usize);
            }
        }
    }
    if let Some(first) = open {
        found(first, 64 * row.len() - 1);
    }
}

fn root(parents: &[usize], mut component: usize) -> usize {
    while parents[component] != component {
        component = parents[component];
    }
    component
}

/// Joins two components under the one that began first in row order.
fn join(parents: &mut [usize], extents: &mut [Extent], a: usize, b: usize) -> usize {
    let (a, b) = (root(parents, a), root(parents, b));
    let (first, second) = (a.min(b), a.max(b));
    if first != second {
        parents[second] = first;
        let more = extents[second];
        let all = &mut extents[first];
        all.area += more.area;
        all.left = all.left.min(more.left);
        all.right = all.right.max(more.right);
        all.top = all.top.min(more.top);
        all.bottom = all.bottom.max(more.bottom);
    }
    first
}

/// A row joined with itself moved by 1 to `reach` pixels, in steps that double.
fn spread(row: &[u64], reach: usize, shifted: impl Fn(&[u64], usize) -> Vec<u64>) -> Vec<u64> {
    let mut all = row.to_vec();
    let mut reached = 0;
    while reached < reach {
        let step = (reached + 1).min(reach - reached);
        let moved = shifted(&all, step);
        for (word, more) in all.iter_mut().zip(moved) {
            *word |= more;
        }
        reached += step;
    }
    all
}

/// Every pixel `by` further to the right.
fn shifted_up(row: &[u64], by: usize) -> Vec<u64> {
    let (words, bits) = (by / 64, by % 64);
    let at = |i: Option<usize>| i.map_or(0, |i| row[i]);
    (0..row.len())
        .map(|i| {
            let high = at(i.checked_sub(words)) << bits;
            let low = at(i.checked_sub(words + 1)).checked_shr(64 - bits as u32);
            high | low.unwrap_or(0)
        })
        .collect()
}

/// Every pixel `by` further to the left.
fn shifted_down(row: &[u64], by: usize) -> Vec<u64> {
    let (words, bits) = (by / 64, by % 64);
    let at = |i: usize| row.get(i).copied().unwrap_or(0);
    (0..row.len())
        .map(|i| {
            let low = at(i + words) >> bits;
            let high = at(i + words + 1).checked_shl(64 - bits as u32);
            low | high.unwrap_or(0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;
    use tumorlens_core::Seed;

    fn bitmap(inside: &[bool], size: Size) -> Bitmap {
        Bitmap::of(inside, size, |v| v)
    }

    /// By definition.
    fn dilated(inside: &[bool], size: Size, reach: usize) -> Vec<bool> {
        (0..size.area())
            .map(|i| {
                let (x, y) = (i % size.width, i / size.width);
                let rows = y.saturating_sub(reach)..(y + reach + 1).min(size.height);
                rows.into_iter().any(|y| {
                    let columns = x.saturating_sub(reach)..(x + reach + 1).min(size.width);
                    inside[y * size.width..][columns].contains(&true)
                })
            })
            .collect()
    }

    /// By flooding from each pixel in turn.
    fn largest(inside: &[bool], joined: &[bool], size: Size) -> Option<Rect> {
        let mut seen = vec![false; joined.len()];
        let mut best: Option<(usize, Rect)> = None;
        for start in 0..joined.len() {
            let mut stack = vec![start];
            let mut found = Vec::new();
            while let Some(i) = stack.pop() {
                if !joined[i] || std::mem::replace(&mut seen[i], true) {
                    continue;
                }
                found.push(i);
                let (x, y) = (i % size.width, i / size.width);
                for ny in y.saturating_sub(1)..(y + 2).min(size.height) {
                    let columns = x.saturating_sub(1)..(x + 2).min(size.width);
                    stack.extend(columns.map(|nx| ny * size.width + nx));
                }
            }
            found.retain(|i| inside[*i]);
            if found.len() > best.map_or(0, |(area, _)| area) {
                let span = |of: &dyn Fn(usize) -> usize| {
                    let all = found.iter().map(|i| of(*i));
                    let (low, high) = all.fold((usize::MAX, 0), |(l, h), v| (l.min(v), h.max(v)));
                    (low, high - low + 1)
                };
                let (x, width) = span(&|i| i % size.width);
                let (y, height) = span(&|i| i / size.width);
                let rect = Rect {
                    x,
                    y,
                    width,
                    height,
                };
                best = Some((found.len(), rect));
            }
        }
        best.map(|(_, rect)| rect)
    }

    #[test]
    fn random_maps_are_dilated_and_divided_as_by_definition() {
        let mut draw = Draw::new(Seed(4));
        for round in 0..300 {
            let size = Size {
                width: 1 + draw.below(200),
                height: 1 + draw.below(24),
            };
            let share = [0.02, 0.2, 0.5, 0.8, 1.0][round % 5];
            let inside: Vec<bool> = (0..size.area()).map(|_| draw.chance(share)).collect();
            let reach = draw.below(if round % 7 == 0 { 90 } else { 5 });
            let joined = dilated(&inside, size, reach);
            let map = bitmap(&inside, size);
            let wide = map.dilated(reach);
            assert_eq!(wide, bitmap(&joined, size), "{size:?} reach {reach}");
            let expected = largest(&inside, &joined, size);
            assert_eq!(map.largest_component(&wide), expected, "{size:?}");
        }
    }

    #[test]
    fn diagonal_neighbours_belong_together() {
        let size = Size {
            width: 4,
            height: 4,
        };
        let mut inside = vec![false; 16];
        for i in [0, 5, 10, 3] {
            inside[i] = true;
        }
        let map = bitmap(&inside, size);
        let expected = Rect {
            x: 0,
            y: 0,
            width: 3,
            height: 3,
        };
        assert_eq!(map.largest_component(&map), Some(expected));
        let none = bitmap(&[false; 16], size);
        assert_eq!(none.largest_component(&none), None);
    }

    #[test]
    fn a_gap_is_bridged_up_to_the_reach_on_both_axes() {
        let size = Size {
            width: 9,
            height: 3,
        };
        let mut inside = vec![false; 27];
        (inside[9], inside[12]) = (true, true);
        let map = bitmap(&inside, size);
        let narrow = map.dilated(1);
        assert_eq!(narrow.rows, [0b1_1111, 0b1_1111, 0b1_1111]);
        let expected = Rect {
            x: 0,
            y: 1,
            width: 4,
            height: 1,
        };
        assert_eq!(map.largest_component(&narrow), Some(expected));
        assert_eq!(map.dilated(0), map);
    }
}
