//! What a dark border leaves of an image.

use crate::transform::Rect;

/// From the first to the last row and column of which more than a share of the pixels lies above the threshold, so that specks
/// in the border do not count; `None` where no row or no column does.
pub(crate) fn inside(values: &[f32], width: usize, threshold: f32, share: f32) -> Option<Rect> {
    let lines = values.chunks_exact(width.max(1));
    let height = lines.len();
    let (mut rows, mut columns) = (vec![0usize; height], vec![0usize; width]);
    for (line, in_row) in lines.zip(&mut rows) {
        for (value, in_column) in line.iter().zip(&mut columns) {
            let bright = usize::from(*value > threshold);
            *in_row += bright;
            *in_column += bright;
        }
    }
    let (in_a_row, in_a_column) = (width as f32, height as f32);
    let (y, height) = span(&rows, share * in_a_row)?;
    let (x, width) = span(&columns, share * in_a_column)?;
    Some(Rect {
        x,
        y,
        width,
        height,
    })
}

/// Place and length of what lies between the first and the last count above this one.
fn span(counts: &[usize], above: f32) -> Option<(usize, usize)> {
    let enough = |count: &usize| *count as f32 > above;
    let first = counts.iter().position(enough)?;
    let last = counts.iter().rposition(enough)?;
    Some((first, last + 1 - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_is_left_out_with_its_specks_and_a_dark_image_is_all_border() {
        let mut values = vec![0.0; 10 * 8];
        for y in 2..6 {
            values[y * 10 + 3..y * 10 + 9].fill(1.0);
        }
        values[0] = 1.0;
        let rect = |[x, y, width, height]: [usize; 4]| Rect {
            x,
            y,
            width,
            height,
        };
        assert_eq!(inside(&values, 10, 0.5, 0.2), Some(rect([3, 2, 6, 4])));
        let with_speck = rect([0, 0, 9, 6]);
        assert_eq!(inside(&values, 10, 0.5, 0.05), Some(with_speck));
        assert_eq!(inside(&values, 10, 1.0, 0.2), None);
    }
}
