//! The contour of a mask, as straight runs along the borders between pixels.

use crate::svg::coordinate;
use serde::{Deserialize, Serialize};
use tumorlens_core::{Mask, Size};

/// Border between inside and outside of a mask, in pixel corners: (0, 0) is the top left corner of the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline(pub Vec<Run>);

/// One straight run of the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Column of the first corner.
    pub x: u32,
    /// Row of the first corner.
    pub y: u32,
    /// Length in pixels, to the right or downwards.
    pub length: u32,
    /// To the right, or downwards.
    pub across: bool,
}

impl Outline {
    /// Traces a mask. The image's edge counts as outside, so that a region is always closed.
    #[must_use]
    pub fn of(mask: &Mask) -> Self {
        let Size { width, height } = mask.size();
        let inside =
            |x: Option<usize>, y: Option<usize>| x.zip(y).is_some_and(|(x, y)| mask.get(x, y));
        let mut runs = Vec::new();
        for y in 0..=height {
            let border = |x: usize| inside(Some(x), y.checked_sub(1)) != inside(Some(x), Some(y));
            runs_of(width, border, |x, length| {
                runs.push(run(x, y, length, true))
            });
        }
        for x in 0..=width {
            let border = |y: usize| inside(x.checked_sub(1), Some(y)) != inside(Some(x), Some(y));
            runs_of(height, border, |y, length| {
                runs.push(run(x, y, length, false))
            });
        }
        Self(runs)
    }

    /// The outline as the `d` of an SVG path, in pixels of the mask's grid.
    #[must_use]
    pub fn svg_path(&self) -> String {
        let mut path = String::new();
        for run in &self.0 {
            let letter = if run.across { 'h' } else { 'v' };
            path.push_str(&format!(
                "M{},{}{letter}{}",
                coordinate(f64::from(run.x)),
                coordinate(f64::from(run.y)),
                run.length
            ));
        }
        path
    }
}

fn run(x: usize, y: usize, length: usize, across: bool) -> Run {
    // A side above 2^32 pixels does not fit into memory; saturating keeps the function total.
    let [x, y, length] = [x, y, length].map(|v| u32::try_from(v).unwrap_or(u32::MAX));
    Run {
        x,
        y,
        length,
        across,
    }
}

/// Reports the maximal runs of places where `border` holds, as (start, length).
fn runs_of(places: usize, border: impl Fn(usize) -> bool, mut found: impl FnMut(usize, usize)) {
    let mut start = None;
    for place in 0..=places {
        let on = place < places && border(place);
        match (on, start) {
            (true, None) => start = Some(place),
            (false, Some(first)) => {
                found(first, place - first);
                start = None;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rectangle_has_four_sides() {
        let mask = Mask::from_fn(
            Size {
                width: 6,
                height: 5,
            },
            |x, y| (1..4).contains(&x) && (2..4).contains(&y),
        );
        let outline = Outline::of(&mask);
        assert_eq!(outline.svg_path(), "M1,2h3M1,4h3M1,2v2M4,2v2");
    }

    #[test]
    fn a_region_at_the_edge_is_closed_and_an_empty_mask_has_no_outline() {
        let full = Mask::from_fn(
            Size {
                width: 3,
                height: 2,
            },
            |_, _| true,
        );
        assert_eq!(Outline::of(&full).svg_path(), "M0,0h3M0,2h3M0,0v2M3,0v2");
        let empty = Mask::from_fn(
            Size {
                width: 3,
                height: 2,
            },
            |_, _| false,
        );
        assert_eq!(Outline::of(&empty), Outline::default());
    }

    proptest! {
        /// The perimeter by its definition: pixel sides with inside on one hand and outside on the other.
        #[test]
        fn the_length_of_the_outline_is_the_perimeter(values in prop::collection::vec(any::<bool>(), 20)) {
            let mask = Mask::new(Size { width: 5, height: 4 }, values).unwrap();
            let mut perimeter = 0;
            for (x, y) in (0..5usize).flat_map(|x| (0..4usize).map(move |y| (x, y))).filter(|(x, y)| mask.get(*x, *y)) {
                let sides = [
                    x > 0 && mask.get(x - 1, y), mask.get(x + 1, y), y > 0 && mask.get(x, y - 1), mask.get(x, y + 1),
                ];
                perimeter += sides.iter().filter(|neighbour| !**neighbour).count();
            }
            let length: u32 = Outline::of(&mask).0.iter().map(|run| run.length).sum();
            prop_assert_eq!(length as usize, perimeter);
        }
    }
}
