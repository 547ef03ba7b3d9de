//! A small picture of a file on a terminal: half blocks, two pixels a character, in 24-bit grey.

use std::path::Path;
use tumorlens_core::GreyImage;
use tumorlens_data::format::dicom::voi::Display;
use tumorlens_data::limits::Limits;
use tumorlens_data::slice::{Opened, open};

/// Widest preview, in characters.
const WIDTH: usize = 56;

/// Lines to print, empty when there is nothing to show. Of several slices the middle one is shown.
pub(super) fn preview(path: &Path) -> Vec<String> {
    let Ok(opened) = open(path, &Limits::default()) else {
        return Vec::new();
    };
    let parts = opened.parts(&[]);
    let Some(image) = parts
        .get(parts.len() / 2)
        .and_then(|part| opened.slice(*part).ok())
    else {
        return Vec::new();
    };
    let display = match &opened {
        Opened::Dicom(image) => image
            .display
            .as_ref()
            .filter(|_| image.header.photometric == "MONOCHROME2"),
        _ => None,
    };
    lines(&shades(&image, display))
}

/// Shades of grey on a grid as wide as the preview, by area means.
fn shades(image: &GreyImage, display: Option<&Display>) -> Vec<Vec<u8>> {
    let width = WIDTH.min(image.width());
    let height = (image.height() * width / image.width()).clamp(1, 2 * WIDTH);
    let mean = |x: usize, y: usize| {
        let (left, right) = (x * image.width() / width, (x + 1) * image.width() / width);
        let (top, bottom) = (
            y * image.height() / height,
            (y + 1) * image.height() / height,
        );
        let rows = top..bottom.max(top + 1);
        let columns = left..right.max(left + 1);
        let count = rows.len() * columns.len();
        let sum: f64 = rows
            .flat_map(|y| columns.clone().map(move |x| (x, y)))
            .map(|(x, y)| f64::from(image.clamped(x as isize, y as isize)))
            .sum();
        sum / count as f64
    };
    let means: Vec<Vec<f64>> = (0..height)
        .map(|y| (0..width).map(|x| mean(x, y)).collect())
        .collect();
    let mut sorted: Vec<f64> = means
        .iter()
        .flatten()
        .copied()
        .filter(|v| v.is_finite())
        .collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: usize| {
        sorted
            .get(sorted.len() * share / 100)
            .copied()
            .unwrap_or(0.0)
    };
    let (low, high) = (at(1), at(99));
    let shade = |v: f64| match display {
        Some(display) => display.apply(v),
        None if high > low => ((v - low) / (high - low)).clamp(0.0, 1.0),
        None => 0.0,
    };
    means
        .into_iter()
        .map(|row| row.into_iter().map(|v| (255.0 * shade(v)) as u8).collect())
        .collect()
}

/// The upper pixel of a character in its foreground, the lower one in its background.
fn lines(shades: &[Vec<u8>]) -> Vec<String> {
    shades
        .chunks(2)
        .map(|pair| {
            let mut line = String::new();
            for (x, upper) in pair[0].iter().enumerate() {
                let lower = pair.get(1).map_or(0, |row| row[x]);
                line += &format!(
                    "\x1b[38;2;{upper};{upper};{upper}m\x1b[48;2;{lower};{lower};{lower}m\u{2580}"
                );
            }
            line + "\x1b[0m"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Size;

    #[test]
    fn a_preview_holds_two_rows_a_line_and_leaves_the_terminal_as_it_was() {
        let size = Size {
            width: 200,
            height: 100,
        };
        let image = GreyImage::from_fn(size, |x, _| x as f32);
        let lines = lines(&shades(&image, None));
        assert_eq!(lines.len(), 14);
        assert!(lines.iter().all(|l| l.ends_with("\x1b[0m")));
        assert!(lines[0].starts_with("\x1b[38;2;0;0;0m"));
    }
}
