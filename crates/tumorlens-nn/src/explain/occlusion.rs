//! Occlusion (Zeiler and Fergus 2014).

use super::ExplainError;
use super::question::Question;
use std::ops::Range;

/// A covered rectangle: rows and columns.
type Window = (Range<usize>, Range<usize>);

pub(super) fn map(question: &Question<'_>) -> Result<Vec<f32>, ExplainError> {
    let shape = question.network.graph().input;
    let [_, height, width] = shape;
    let uncovered = std::iter::once(question.input.to_vec());
    let scores = question
        .scores(uncovered.chain(windows(shape).map(|w| covered(question.input, shape, &w))))?;
    let whole = scores.first().copied().unwrap_or(0.0);
    let mut sum = vec![0.0f32; height * width];
    let mut count = vec![0u32; height * width];
    for ((rows, columns), score) in windows(shape).zip(scores.iter().skip(1)) {
        for y in rows {
            for i in y * width + columns.start..y * width + columns.end {
                sum[i] += whole - score;
                count[i] += 1;
            }
        }
    }
    Ok(sum
        .iter()
        .zip(count)
        .map(|(sum, n)| sum / n.max(1) as f32)
        .collect())
}

/// The windows from the top left, row by row; they cover every pixel, and the last ones end at the edge.
pub(super) fn windows([_, height, width]: [usize; 3]) -> impl Iterator<Item = Window> {
    let side = (height.min(width) / 8).max(1);
    let stride = side.div_ceil(2);
    let starts = move |length: usize| {
        (0..=length.saturating_sub(side).div_ceil(stride))
            .map(move |i| i * stride..(i * stride + side).min(length))
    };
    starts(height).flat_map(move |rows| starts(width).map(move |columns| (rows.clone(), columns)))
}

/// The image with one window painted with mean grey, which is 0 in the network's units.
fn covered(input: &[f32], [_, height, width]: [usize; 3], (rows, columns): &Window) -> Vec<f32> {
    let mut image = input.to_vec();
    for plane in image.chunks_exact_mut(height * width) {
        for y in rows.clone() {
            plane[y * width + columns.start..y * width + columns.end].fill(0.0);
        }
    }
    image
}
