//! Confusion matrix: truth in rows, calls in columns, shade by share of the row.

use super::axes::WIDTH;
use crate::number::{count, counted, percent};
use crate::report::evaluation::Confusion;
use crate::svg::{Anchor, Canvas, FigureError, Svg};

const FIGURE: &str = "confusion matrix";
const LEFT: f64 = 116.0;
const TOP: f64 = 52.0;

/// Draws the matrix with counts and row percentages.
///
/// # Errors
/// When the matrix is not square in the number of classes.
pub fn confusion(confusion: &Confusion) -> Result<Svg, FigureError> {
    let names = confusion.classes.names();
    let n = names.len();
    if confusion.counts.len() != n || confusion.counts.iter().any(|row| row.len() != n) {
        return Err(FigureError::new(
            FIGURE,
            format!("the counts are not {n}x{n} for {n} classes"),
        ));
    }
    let cell = (WIDTH - LEFT - 8.0) / n as f64;
    let height = cell.min(110.0);
    let mut canvas = Canvas::new(WIDTH, TOP + height * n as f64 + 8.0);
    canvas.text(
        "axis-title",
        (LEFT + cell * n as f64 / 2.0, 16.0),
        Anchor::Middle,
        "Called",
    );
    canvas.text_upwards("axis-title", (13.0, TOP + height * n as f64 / 2.0), "Truth");
    for (i, name) in names.iter().enumerate() {
        let shown = shortened(name, (cell / 7.0) as usize);
        canvas.text(
            "tick strong",
            (LEFT + cell * (i as f64 + 0.5), 40.0),
            Anchor::Middle,
            &shown,
        );
        let shown = shortened(name, 12);
        canvas.text(
            "tick strong",
            (LEFT - 10.0, TOP + height * (i as f64 + 0.5) + 4.0),
            Anchor::End,
            &shown,
        );
    }
    for (truth, row) in confusion.counts.iter().enumerate() {
        let all: u64 = row.iter().sum();
        for (call, images) in row.iter().enumerate() {
            let at = (LEFT + cell * call as f64, TOP + height * truth as f64);
            let share = if all == 0 {
                0.0
            } else {
                *images as f64 / all as f64
            };
            let class = if truth == call {
                "cell right"
            } else {
                "cell wrong"
            };
            let hint = format!(
                "{} of {} called {}",
                counted(*images, "image", "images"),
                names[truth],
                names[call]
            );
            // The shade stays below the contrast limit of the text on it.
            canvas.rect(
                class,
                (at.0 + 2.0, at.1 + 2.0),
                (cell - 4.0, height - 4.0),
                Some(0.06 + 0.34 * share),
                &hint,
            );
            let middle = at.0 + cell / 2.0;
            let (big, small) = (at.1 + height / 2.0 + 2.0, at.1 + height / 2.0 + 22.0);
            canvas.text("cell-count", (middle, big), Anchor::Middle, &count(*images));
            if all > 0 {
                canvas.text("tick", (middle, small), Anchor::Middle, &percent(share));
            }
        }
    }
    Ok(canvas.finish("confusion", &spoken(confusion)))
}

fn shortened(name: &str, longest: usize) -> String {
    if name.chars().count() <= longest.max(3) {
        return name.to_owned();
    }
    let kept: String = name.chars().take(longest.max(3) - 1).collect();
    format!("{kept}…")
}

fn spoken(confusion: &Confusion) -> String {
    let names = confusion.classes.names();
    let mut cells = Vec::new();
    for (truth, row) in names.iter().zip(&confusion.counts) {
        for (call, images) in names.iter().zip(row) {
            cells.push(format!("{images} {truth} called {call}"));
        }
    }
    format!("Confusion matrix. {}.", cells.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::ClassSet;

    #[test]
    fn every_cell_has_its_count_and_its_share_of_the_row() {
        let value = Confusion {
            classes: ClassSet::tumor(),
            counts: vec![vec![20, 5], vec![1, 24]],
            rule: String::new(),
        };
        let svg = super::confusion(&value).unwrap().to_string();
        assert!(svg.contains("aria-label=\"Confusion matrix. 20 no_tumor called no_tumor, 5 no_tumor called tumor, 1 tumor"));
        for text in [
            ">20<", ">5<", ">1<", ">24<", ">80 %<", ">20 %<", ">4 %<", ">96 %<",
        ] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert_eq!(svg.matches("cell wrong").count(), 2);
    }

    #[test]
    fn a_matrix_that_is_not_square_is_an_error_and_an_empty_row_has_no_share() {
        let classes = ClassSet::tumor();
        let ragged = Confusion {
            classes: classes.clone(),
            counts: vec![vec![1, 2], vec![3]],
            rule: String::new(),
        };
        assert!(super::confusion(&ragged).is_err());
        let empty = Confusion {
            classes,
            counts: vec![vec![0, 0], vec![0, 7]],
            rule: String::new(),
        };
        assert_eq!(
            super::confusion(&empty)
                .unwrap()
                .as_str()
                .matches(" %<")
                .count(),
            2
        );
    }

    #[test]
    fn long_class_names_are_shortened_on_character_borders() {
        assert_eq!(shortened("glioblastoma", 12), "glioblastoma");
        assert_eq!(shortened("глиобластома мультиформная", 12), "глиобластом…");
    }
}
