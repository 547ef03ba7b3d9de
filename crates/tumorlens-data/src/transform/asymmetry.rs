//! How far a head differs from its mirror image: a healthy head seen from above or in front is nearly its own mirror
//! image, and one with a tumor on one side is not.
//!
//! The midline is the line about which a coarse copy of the image fits its own mirror image best; it is looked for near the
//! centre of the brightness, within 26 degrees of the vertical.

use super::augment::blur::gaussian;
use super::padded::Padded;
use crate::fingerprint::thumbnail::{Region, thumbnail};
use tumorlens_core::{GreyImage, Size};

/// Cells of a side in which the midline is looked for.
const COARSE: usize = 32;
/// Deviation of the blur, as a share of the side: detail that no two halves share goes, a lesion stays.
const BLUR: f32 = 0.02;
/// Degrees and cells from one midline tried to the next, and steps to either side: far apart first, then near the best.
const SEARCH: [([f32; 2], [i32; 2]); 2] = [([6.0, 1.0], [4, 4]), ([2.0, 0.5], [1, 1])];

/// A line by its normal and the distance from the origin along it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    normal: [f32; 2],
    distance: f32,
}

impl Line {
    /// At this angle to the vertical, in degrees, this far from a point.
    fn near(point: [f32; 2], degrees: f32, shift: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let normal = [cos, sin];
        let distance = normal[0] * point[0] + normal[1] * point[1] + shift;
        Self { normal, distance }
    }

    /// The same line where a cell becomes `factor` pixels wide.
    fn scaled(self, factor: f32) -> Self {
        let distance = self.distance * factor;
        Self { distance, ..self }
    }
}

/// The smoothed image less its mirror image, `[side, side]`, -1 to 1; what has no counterpart inside the image is compared
/// with the background.
pub(super) fn asymmetry(values: &[f32], side: usize) -> Vec<f32> {
    let line = midline(values, side);
    let mut smooth = values.to_vec();
    gaussian(&mut smooth, side, BLUR * side as f32);
    let padded = Padded::new(&smooth, side);
    let mut mirror = Mirror::new(&padded, line);
    for (y, row) in smooth.chunks_exact_mut(side).enumerate() {
        for (here, there) in row.iter_mut().zip(mirror.row(y)) {
            *here -= there;
        }
    }
    smooth
}

/// Values on the other side of a line, row by row.
struct Mirror<'a> {
    image: &'a Padded,
    line: Line,
    columns: Vec<f32>,
    rows: Vec<f32>,
    values: Vec<f32>,
}

impl<'a> Mirror<'a> {
    fn new(image: &'a Padded, line: Line) -> Self {
        let side = image.side();
        Self {
            image,
            line,
            columns: vec![0.0; side],
            rows: vec![0.0; side],
            values: vec![0.0; side],
        }
    }

    /// What lies opposite the pixels of a row; background outside.
    fn row(&mut self, y: usize) -> &[f32] {
        let [a, b] = self.line.normal;
        // The line has coordinates of edges, a pixel's centre lies half a pixel on.
        let y = y as f32 + 0.5;
        let along = b * y;
        for (x, (column, row)) in self.columns.iter_mut().zip(&mut self.rows).enumerate() {
            let x = x as f32 + 0.5;
            let twice = 2.0 * (a * x + along - self.line.distance);
            (*column, *row) = (x - twice * a - 0.5, y - twice * b - 0.5);
        }
        self.image
            .bilinear(&self.columns, &self.rows, &mut self.values);
        &self.values
    }
}

/// The line about which the image fits its mirror image best, in pixels.
fn midline(values: &[f32], side: usize) -> Line {
    let cells = COARSE.min(side);
    let coarse = shrunk(values, side, cells);
    let coarse = coarse.values();
    let padded = Padded::new(coarse, cells);
    let centre = centre(coarse, cells);
    let line = |[degrees, shift]: [f32; 2]| Line::near(centre, degrees, shift);
    let mut mirror = Mirror::new(&padded, line([0.0, 0.0]));
    let mut best = ([0.0, 0.0], f32::INFINITY);
    // Most lines fit worse than the upright one from the start, and are given up early.
    let upright = misfit(coarse, &mut mirror, line(best.0), f32::INFINITY);
    for (step, reach) in SEARCH {
        let [degrees, shift] = best.0;
        for i in -reach[0]..=reach[0] {
            for j in -reach[1]..=reach[1] {
                let tried = [degrees + i as f32 * step[0], shift + j as f32 * step[1]];
                let misfit = misfit(coarse, &mut mirror, line(tried), upright.min(best.1));
                if misfit < best.1 {
                    best = (tried, misfit);
                }
            }
        }
    }
    line(best.0).scaled(side as f32 / cells as f32)
}

/// Sum of the differences between cells and their mirror images; some part of it that is above the limit, if it is.
fn misfit(coarse: &[f32], mirror: &mut Mirror<'_>, line: Line, limit: f32) -> f32 {
    mirror.line = line;
    let mut sum = 0.0;
    for (y, row) in coarse.chunks_exact(mirror.image.side()).enumerate() {
        for (here, there) in row.iter().zip(mirror.row(y)) {
            sum += (here - there).abs();
        }
        if sum > limit {
            break;
        }
    }
    sum
}

/// Means over `cells` times `cells` cells of equal size.
fn shrunk(values: &[f32], side: usize, cells: usize) -> GreyImage {
    let square = |side| Size {
        width: side,
        height: side,
    };
    let image = GreyImage::from_fn(square(side), |x, y| values[y * side + x]);
    thumbnail(&image, Region::whole(image.size()), square(cells))
}

/// Centre of the brightness; that of the image where all is dark.
fn centre(coarse: &[f32], cells: usize) -> [f32; 2] {
    let (mut sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
    for (i, v) in coarse.iter().enumerate() {
        sum += v;
        x_sum += v * ((i % cells) as f32 + 0.5);
        y_sum += v * ((i / cells) as f32 + 0.5);
    }
    if sum > 0.0 {
        [x_sum / sum, y_sum / sum]
    } else {
        [cells as f32 / 2.0; 2]
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, asymmetry, midline};

    impl Line {
        /// The mirror image of a point.
        fn mirror(self, [x, y]: [f32; 2]) -> [f32; 2] {
            let [a, b] = self.normal;
            let twice = 2.0 * (a * x + b * y - self.distance);
            [x - twice * a, y - twice * b]
        }
    }

    /// An egg with a bright band, mirrored about a line, and a spot on one side of it.
    fn head(side: usize, line: Line, spot: f32) -> Vec<f32> {
        (0..side * side)
            .map(|i| {
                let point = [(i % side) as f32 + 0.5, (i / side) as f32 + 0.5];
                let [a, b] = line.normal;
                let across = (a * point[0] + b * point[1] - line.distance) / side as f32;
                let along = (a * point[1] - b * point[0]) / side as f32 - 0.5;
                let egg = (across / (0.36 - 0.1 * along)).powi(2) + (along / 0.42).powi(2);
                let lesion = (across - 0.17).powi(2) + (along - 0.05).powi(2) < 0.07 * 0.07;
                match egg {
                    e if e > 1.0 => 0.0,
                    e if e > 0.85 => 0.9,
                    _ if lesion => 0.4 + spot,
                    _ => 0.4 + 0.1 * (9.0 * along).sin(),
                }
            })
            .collect()
    }

    #[test]
    fn the_midline_of_a_tilted_head_is_found() {
        for (degrees, shift) in [(0.0, 0.0), (10.0, 3.0), (-18.0, -4.0)] {
            let side = 128;
            let truth = Line::near([64.0, 64.0], degrees, shift);
            let found = midline(&head(side, truth, 0.3), side);
            let angle = found.normal[1].atan2(found.normal[0]).to_degrees();
            assert!((angle - degrees).abs() <= 2.5, "{angle} for {degrees}");
            let middle = truth.mirror([64.0, 64.0]);
            let [x, y] = found.mirror([64.0, 64.0]);
            let apart = (x - middle[0]).hypot(y - middle[1]);
            assert!(apart <= 6.0, "{apart} pixels");
        }
    }

    #[test]
    fn a_spot_on_one_side_stands_out_against_its_mirror_image_and_its_counterpart_is_as_dark() {
        let side = 96;
        let line = Line::near([48.0, 48.0], 6.0, 1.0);
        let difference = asymmetry(&head(side, line, 0.4), side);
        let brightest =
            (0..difference.len()).max_by(|a, b| difference[*a].total_cmp(&difference[*b]));
        let darkest =
            (0..difference.len()).min_by(|a, b| difference[*a].total_cmp(&difference[*b]));
        let (i, j) = (brightest.unwrap(), darkest.unwrap());
        assert!(difference[i] > 0.3 && difference[j] < -0.3);
        let [x, y] = line.mirror([(i % side) as f32 + 0.5, (i / side) as f32 + 0.5]);
        let apart = (x - (j % side) as f32 - 0.5).hypot(y - (j / side) as f32 - 0.5);
        assert!(apart <= 12.0, "{apart} pixels");
    }

    #[test]
    fn any_size_and_an_image_without_a_head_give_finite_values() {
        for side in [16, 17, 33, 64] {
            for fill in [0.0, 1.0] {
                let difference = asymmetry(&vec![fill; side * side], side);
                assert_eq!(difference.len(), side * side);
                assert!(difference.iter().all(|d| d.abs() <= 1.0));
            }
        }
    }
}
