//! Stacked bars: images of each class in each part of a split.

use super::axes::{WIDTH, series};
use crate::number::{count, counted};
use crate::report::data::Split;
use crate::svg::{Anchor, Canvas, FigureError, Svg};

const FIGURE: &str = "split";
const ROW: f64 = 46.0;
const LEGEND: f64 = 26.0;

/// Draws one bar a part, one colour a class; lengths are comparable between parts.
///
/// # Errors
/// When there are no parts or a part has another number of classes.
pub fn split(split: &Split) -> Result<Svg, FigureError> {
    if split.parts.is_empty() {
        return Err(FigureError::new(FIGURE, "no parts"));
    }
    if let Some(part) = split
        .parts
        .iter()
        .find(|part| part.images.len() != split.classes.len())
    {
        let reason = format!(
            "part '{}' has {} counts for {} classes",
            part.name,
            part.images.len(),
            split.classes.len()
        );
        return Err(FigureError::new(FIGURE, reason));
    }
    let longest = split
        .parts
        .iter()
        .map(|part| part.images.iter().sum::<u64>())
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let mut canvas = Canvas::new(WIDTH, LEGEND + ROW * split.parts.len() as f64 + 4.0);
    let mut x = 4.0;
    for (i, class) in split.classes.iter().enumerate() {
        canvas.rect(
            &format!("bar {}", series(i)),
            (x, 6.0),
            (12.0, 12.0),
            None,
            "",
        );
        canvas.text("legend", (x + 18.0, 16.0), Anchor::Start, class);
        x += 40.0 + class.chars().count() as f64 * 6.8;
    }
    for (i, part) in split.parts.iter().enumerate() {
        let top = LEGEND + ROW * i as f64;
        let all: u64 = part.images.iter().sum();
        canvas.text("row-name", (4.0, top + 18.0), Anchor::Start, &part.name);
        let counts = format!(
            "{} in {}",
            counted(all, "image", "images"),
            counted(part.groups, "group", "groups")
        );
        canvas.text("row-value", (WIDTH - 4.0, top + 18.0), Anchor::End, &counts);
        let mut left = 4.0;
        for (class, images) in part.images.iter().enumerate() {
            let width = *images as f64 / longest * (WIDTH - 8.0);
            let hint = format!("{}: {} {}", part.name, count(*images), split.classes[class]);
            canvas.rect(
                &format!("bar {}", series(class)),
                (left, top + 25.0),
                (width - 1.0, 14.0),
                None,
                &hint,
            );
            left += width;
        }
    }
    Ok(canvas.finish("split", &spoken(split)))
}

fn spoken(split: &Split) -> String {
    let parts: Vec<_> = split
        .parts
        .iter()
        .map(|part| {
            let classes: Vec<_> = split
                .classes
                .iter()
                .zip(&part.images)
                .map(|(c, n)| format!("{n} {c}"))
                .collect();
            format!("{}: {}", part.name, classes.join(", "))
        })
        .collect();
    format!("Images by part and class. {}.", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::data::SplitPart;

    fn part(name: &str, images: Vec<u64>) -> SplitPart {
        SplitPart {
            name: name.into(),
            images,
            groups: 3,
        }
    }

    #[test]
    fn lengths_are_comparable_between_parts() {
        let value = Split {
            classes: vec!["no".into(), "yes".into()],
            parts: vec![part("train", vec![50, 50]), part("test", vec![20, 5])],
            method: String::new(),
        };
        let svg = super::split(&value).unwrap().to_string();
        // 100 images fill 432 units less one of background: 50 are 215, 20 are 85.4.
        assert!(
            svg.contains("width=\"215\" height=\"14\"><title>train: 50 no"),
            "{svg}"
        );
        assert!(
            svg.contains("width=\"85.4\" height=\"14\"><title>test: 20 no"),
            "{svg}"
        );
        assert!(svg.contains("25 images in 3 groups"));
    }

    #[test]
    fn a_part_that_lacks_a_class_is_an_error() {
        let value = Split {
            classes: vec!["no".into(), "yes".into()],
            parts: vec![part("train", vec![50])],
            method: String::new(),
        };
        assert!(super::split(&value).is_err());
    }
}
