//! The box of the head.

use super::{Rect, TransformError, window};
use tumorlens_core::preprocess::Crop;
use tumorlens_core::{GreyImage, PreprocessSpec, Size};

/// Grey levels of the histogram that Otsu's threshold is computed on.
const LEVELS: usize = 256;

/// Brightness is compressed by ln(1 + COMPRESS v) before the threshold is sought. On plain values it often lies between
/// dark and bright tissue, and the box then holds one hemisphere, or the tumor alone. On a logarithmic scale all tissue
/// is near and the background far.
const COMPRESS: f32 = 24.0;

/// Parts of the head that are closer than this share of the longer side count as one: skull and brain, or the brain's
/// halves, may be divided by dark lines.
const GAP: f32 = 0.03;

/// The part of the image that the specification keeps.
pub(super) fn crop_box(image: &GreyImage, spec: &PreprocessSpec) -> Result<Rect, TransformError> {
    let whole = Rect::whole(image.size());
    let Crop::Head { margin } = spec.crop else {
        return Ok(whole);
    };
    let bounds =
        window::measure(image.values(), spec.window.low, spec.window.high).ok_or_else(|| {
            TransformError::Constant {
                value: image.values()[0],
            }
        })?;
    let mut values = image.values().to_vec();
    bounds.apply(&mut values);
    let compressed = |v: &f32| (COMPRESS * v).ln_1p() / COMPRESS.ln_1p();
    let levels: Vec<u8> = values
        .iter()
        .map(|v| (compressed(v) * (LEVELS - 1) as f32).round() as u8)
        .collect();
    let threshold = otsu(&levels);
    let inside: Vec<bool> = levels.iter().map(|l| usize::from(*l) > threshold).collect();
    let reach = (GAP / 2.0 * image.width().max(image.height()) as f32).ceil() as usize;
    let joined = dilate(&inside, image.size(), reach);
    let Some(head) = largest_component(&inside, &joined, image.size()) else {
        return Ok(whole);
    };
    if head.width * head.height * 10 < image.size().area() {
        return Ok(whole);
    }
    Ok(widen(head, margin, image.size()))
}

/// Otsu's threshold: the level that divides the histogram into two classes with the largest variance between them; a
/// level above it is foreground. (Otsu 1979)
fn otsu(levels: &[u8]) -> usize {
    let mut histogram = [0u64; LEVELS];
    for level in levels {
        histogram[usize::from(*level)] += 1;
    }
    let total = levels.len() as f64;
    let sum: f64 = histogram
        .iter()
        .enumerate()
        .map(|(l, n)| l as f64 * *n as f64)
        .sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut threshold) = (-1.0, 0);
    for (level, count) in histogram.iter().enumerate() {
        below += *count as f64;
        sum_below += level as f64 * *count as f64;
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let difference = sum_below / below - (sum - sum_below) / above;
        let between = below * above * difference * difference;
        if between > best {
            (best, threshold) = (between, level);
        }
    }
    threshold
}

/// True where a square of `2 reach + 1` pixels around the pixel holds one that is inside.
fn dilate(inside: &[bool], size: Size, reach: usize) -> Vec<bool> {
    // Counts of pixels up to and including each one make every window a difference of two numbers.
    let along = |line: &mut dyn Iterator<Item = bool>, length: usize| -> Vec<bool> {
        let mut counts = vec![0usize];
        for value in line {
            counts.push(counts[counts.len() - 1] + usize::from(value));
        }
        (0..length)
            .map(|i| counts[(i + reach + 1).min(length)] > counts[i.saturating_sub(reach)])
            .collect()
    };
    let rows: Vec<bool> = inside
        .chunks_exact(size.width)
        .flat_map(|row| along(&mut row.iter().copied(), size.width))
        .collect();
    let mut result = vec![false; rows.len()];
    for x in 0..size.width {
        let column = along(
            &mut rows.iter().skip(x).step_by(size.width).copied(),
            size.height,
        );
        for (y, value) in column.into_iter().enumerate() {
            result[y * size.width + x] = value;
        }
    }
    result
}

/// The bounding box of the pixels inside that lie in the largest 8-connected component of `joined`, which contains
/// them; the first in row order on ties.
fn largest_component(inside: &[bool], joined: &[bool], size: Size) -> Option<Rect> {
    let mut seen = vec![false; joined.len()];
    let mut stack = Vec::new();
    let mut best: Option<(usize, Rect)> = None;
    for start in 0..joined.len() {
        if !joined[start] || seen[start] {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        let (mut area, mut left, mut right) = (0, size.width, 0);
        let (mut top, mut bottom) = (size.height, 0);
        while let Some(i) = stack.pop() {
            let (x, y) = (i % size.width, i / size.width);
            if inside[i] {
                area += 1;
                (left, right) = (left.min(x), right.max(x));
                (top, bottom) = (top.min(y), bottom.max(y));
            }
            for ny in y.saturating_sub(1)..=(y + 1).min(size.height - 1) {
                for nx in x.saturating_sub(1)..=(x + 1).min(size.width - 1) {
                    let n = ny * size.width + nx;
                    if joined[n] && !seen[n] {
                        seen[n] = true;
                        stack.push(n);
                    }
                }
            }
        }
        if area > best.map_or(0, |(largest, _)| largest) {
            let head = Rect {
                x: left,
                y: top,
                width: right - left + 1,
                height: bottom - top + 1,
            };
            best = Some((area, head));
        }
    }
    best.map(|(_, head)| head)
}

/// Widens a box on each side by `margin` times its longer side, within the image.
fn widen(head: Rect, margin: f32, size: Size) -> Rect {
    let more = (f64::from(margin) * head.width.max(head.height) as f64).round() as usize;
    let (x, y) = (head.x.saturating_sub(more), head.y.saturating_sub(more));
    Rect {
        x,
        y,
        width: (head.x + head.width + more).min(size.width) - x,
        height: (head.y + head.height + more).min(size.height) - y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsu_finds_the_gap_between_two_greys() {
        let levels: Vec<u8> = [20u8; 60]
            .into_iter()
            .chain([22; 40])
            .chain([180; 30])
            .chain([190; 70])
            .collect();
        assert_eq!(otsu(&levels), 22);
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
        let expected = Rect {
            x: 0,
            y: 0,
            width: 3,
            height: 3,
        };
        assert_eq!(largest_component(&inside, &inside, size), Some(expected));
        assert_eq!(largest_component(&[false; 16], &[false; 16], size), None);
    }

    #[test]
    fn a_gap_is_bridged_up_to_the_reach_on_both_axes() {
        let size = Size {
            width: 9,
            height: 3,
        };
        let mut inside = vec![false; 27];
        (inside[9], inside[12]) = (true, true);
        let narrow = dilate(&inside, size, 1);
        assert_eq!(
            narrow[9..18],
            [true, true, true, true, true, false, false, false, false]
        );
        assert!(narrow[..5].iter().chain(&narrow[18..23]).all(|v| *v));
        let expected = Rect {
            x: 0,
            y: 1,
            width: 4,
            height: 1,
        };
        assert_eq!(largest_component(&inside, &narrow, size), Some(expected));
        assert_eq!(dilate(&inside, size, 0), inside);
    }
}
