//! A cheap look before a model is asked: can this be a slice through a head at all?
//!
//! A classifier answers whatever it is shown. Photos, drawings, X-ray pictures and text differ from brain MRI in plain
//! ways: colour, no dark background around the head, no head-sized bright region. The rules were set on the training
//! collections and open pictures of other kinds (`tests/guard.rs` has the rates); they are meant to refuse next to no
//! real brain MRI rather than to catch everything.

use crate::dark_border;
use crate::slice::Slice;
use std::ops::Range;
use tumorlens_core::{GreyImage, Size};

/// Side of the grid on which a picture is measured.
const SIDE: usize = 96;
/// Side of the squares in the corners.
const CORNER: usize = 10;
/// Brighter cells belong to the head, as a share of the range from the 1st to the 99th percentile.
const HEAD: f32 = 0.15;
/// Darker pixels belong to a frame around the picture, as a share of the same range.
const FRAME: f32 = 0.1;
/// Rows and columns of a frame have fewer brighter pixels, as a share.
const FRAME_SPECKS: f32 = 0.05;

/// What is measured of a picture, on a grid of 96x96 cells of equal area, values spread over 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// Median of the four corners.
    pub corner: f32,
    /// Median of the outermost cells.
    pub border: f32,
    /// Share of the largest bright region, its holes filled.
    pub area: f32,
    /// Mean absolute Laplacian: fine detail and noise.
    pub detail: f32,
}

/// Why a picture is no slice through a head.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unlike {
    /// Many coloured pixels.
    #[error("does not look like brain MRI: {0:.0} % of its pixels are coloured (at most 5 %)")]
    Colour(f32),
    /// No dark background around the head.
    #[error(
        "does not look like brain MRI: its corners are at {0:.0} % of its brightness, no dark background"
    )]
    Background(f32),
    /// No dark background around the head in a picture that a dark frame surrounds.
    #[error(
        "does not look like brain MRI: inside a dark frame its corners are at {0:.0} % of its brightness, no dark background"
    )]
    Framed(f32),
    /// Filled by one smooth bright region.
    #[error(
        "does not look like brain MRI: one region fills {0:.0} % of it, without a dark background around a head"
    )]
    Filled(f32),
    /// Nothing as large as a head.
    #[error(
        "does not look like brain MRI: its largest bright region fills {0:.0} % of it (at least 10 %)"
    )]
    Empty(f32),
    /// Noise or a pattern.
    #[error("does not look like brain MRI: it is as rough as noise ({0:.2}, at most 0.50)")]
    Rough(f32),
}

/// Looks at a slice and at the share of its pixels that are coloured.
///
/// # Errors
/// Says how it is unlike a slice through a head.
pub fn check(slice: &Slice) -> Result<(), Unlike> {
    if slice.coloured > 0.05 {
        return Err(Unlike::Colour(100.0 * slice.coloured));
    }
    check_grey(&slice.image)
}

/// Looks at the grey values alone.
///
/// # Errors
/// Says how it is unlike a slice through a head.
pub fn check_grey(image: &GreyImage) -> Result<(), Unlike> {
    let cells = grid(image);
    let ends = ends(&cells);
    let m = Measures::of(&spread(cells, ends));
    if m.lacks_background() {
        return Err(Unlike::Background(100.0 * m.corner));
    }
    if m.border > 0.25 && m.area > 0.83 && m.detail < 0.075 {
        return Err(Unlike::Filled(100.0 * m.area));
    }
    if m.area < 0.1 {
        return Err(Unlike::Empty(100.0 * m.area));
    }
    if m.detail > 0.5 {
        return Err(Unlike::Rough(m.detail));
    }
    // Black around a picture of something else is no background around a head: a head is round, and even where it is cut
    // out closely the corners are dark.
    if let Some(m) = inside_frame(image, ends).map(|inside| measure(&inside))
        && m.lacks_background()
    {
        return Err(Unlike::Framed(100.0 * m.corner));
    }
    Ok(())
}

impl Measures {
    /// Of a grid whose values are spread over 0 to 1.
    fn of(cells: &[f32]) -> Self {
        let end = |i: usize| !(CORNER..SIDE - CORNER).contains(&i);
        let edge = |i: usize| i == 0 || i == SIDE - 1;
        let of = |wanted: &dyn Fn(usize, usize) -> bool| -> Vec<f32> {
            (0..SIDE * SIDE)
                .filter(|i| wanted(i % SIDE, i / SIDE))
                .map(|i| cells[i])
                .collect()
        };
        let row = |y: usize| &cells[y * SIDE..(y + 1) * SIDE];
        let mut detail = 0.0;
        for y in 0..SIDE {
            let (above, here) = (row(y.saturating_sub(1)), row(y));
            let below = row((y + 1).min(SIDE - 1));
            for x in 0..SIDE {
                let sum =
                    here[x.saturating_sub(1)] + here[(x + 1).min(SIDE - 1)] + above[x] + below[x];
                detail += (sum - 4.0 * here[x]).abs();
            }
        }
        Self {
            corner: median(of(&|x, y| end(x) && end(y))),
            border: median(of(&|x, y| edge(x) || edge(y))),
            area: head_area(cells),
            detail: detail / cells.len() as f32,
        }
    }

    fn lacks_background(&self) -> bool {
        self.corner > 0.35 || (self.corner > 0.2 && self.area > 0.8)
    }
}

/// What a dark frame leaves of a picture with these ends of its range; nothing where there is no frame.
fn inside_frame(image: &GreyImage, (low, high): (f32, f32)) -> Option<GreyImage> {
    let dark = low + FRAME * (high - low);
    let inside = dark_border::inside(image.values(), image.width(), dark, FRAME_SPECKS)?;
    let size = Size {
        width: inside.width,
        height: inside.height,
    };
    (size != image.size()).then(|| GreyImage::new(size, inside.cut(image)).ok())?
}

/// Measures a picture.
#[must_use]
pub fn measure(image: &GreyImage) -> Measures {
    let cells = grid(image);
    let ends = ends(&cells);
    Measures::of(&spread(cells, ends))
}

/// Means over cells of equal area; of a small picture neighbouring cells share a pixel.
fn grid(image: &GreyImage) -> Vec<f32> {
    let spans = |side: usize| {
        (0..SIDE).map(move |i| {
            let start = i * side / SIDE;
            start..((i + 1) * side).div_ceil(SIDE).max(start + 1)
        })
    };
    let columns: Vec<Range<usize>> = spans(image.width()).collect();
    let mut cells = Vec::with_capacity(SIDE * SIDE);
    for rows in spans(image.height()) {
        let mut sums = [-0.0f32; SIDE];
        for y in rows.clone() {
            let line = &image.values()[y * image.width()..(y + 1) * image.width()];
            for (sum, columns) in sums.iter_mut().zip(&columns) {
                for value in &line[columns.clone()] {
                    *sum += if value.is_finite() { *value } else { -0.0 };
                }
            }
        }
        let means = sums.iter().zip(&columns);
        cells.extend(means.map(|(sum, columns)| sum / (rows.len() * columns.len()) as f32));
    }
    cells
}

/// From one end of the range to the other over 0 to 1; all 0 when there is nothing between.
fn spread(mut cells: Vec<f32>, (low, high): (f32, f32)) -> Vec<f32> {
    let range = high - low;
    for value in &mut cells {
        *value = if range > 0.0 {
            ((*value - low) / range).clamp(0.0, 1.0)
        } else {
            0.0
        };
    }
    cells
}

/// The 1st and the 99th percentile.
fn ends(cells: &[f32]) -> (f32, f32) {
    let mut reordered = cells.to_vec();
    let mut at = |rank| *reordered.select_nth_unstable_by(rank, f32::total_cmp).1;
    (at(cells.len() / 100), at(cells.len() * 99 / 100))
}

/// The outermost cells.
fn rim() -> impl Iterator<Item = usize> {
    (0..SIDE * SIDE).filter(|i| {
        let (x, y) = (i % SIDE, i / SIDE);
        x == 0 || y == 0 || x == SIDE - 1 || y == SIDE - 1
    })
}

/// 0 for no values.
fn median(mut values: Vec<f32>) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// Share of the largest bright region with its holes: what the darkness outside it cannot reach.
fn head_area(cells: &[f32]) -> f32 {
    let bright: Vec<bool> = cells.iter().map(|v| *v > HEAD).collect();
    let mut seen = vec![false; cells.len()];
    let mut largest = Vec::new();
    for start in 0..cells.len() {
        if bright[start] && !seen[start] {
            let region = flood(&[start], &mut seen, |i| bright[i]);
            if region.len() > largest.len() {
                largest = region;
            }
        }
    }
    let mut wall = vec![false; cells.len()];
    largest.iter().for_each(|i| wall[*i] = true);
    let rim: Vec<usize> = rim().filter(|i| !wall[*i]).collect();
    let outside = flood(&rim, &mut vec![false; cells.len()], |i| !wall[i]);
    (cells.len() - outside.len()) as f32 / cells.len() as f32
}

/// Cells that can be reached over sides.
fn flood(from: &[usize], seen: &mut [bool], passes: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut reached: Vec<usize> = Vec::new();
    for &start in from {
        if !seen[start] {
            seen[start] = true;
            reached.push(start);
        }
    }
    let mut next = 0;
    while next < reached.len() {
        let cell = reached[next];
        next += 1;
        let (x, y) = (cell % SIDE, cell / SIDE);
        let neighbours = [
            (x > 0).then(|| cell - 1),
            (x + 1 < SIDE).then_some(cell + 1),
            (y > 0).then(|| cell - SIDE),
            (y + 1 < SIDE).then_some(cell + SIDE),
        ];
        for neighbour in neighbours.into_iter().flatten() {
            if !seen[neighbour] && passes(neighbour) {
                seen[neighbour] = true;
                reached.push(neighbour);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests;
