//! Fitting one detail map onto another: a crop into the head, or a box of the head that is a little off, moves and
//! stretches everything by a few pixels.

use crate::fingerprint::detail::{Detail, SIDE};

/// Where the edges of one view lie in the other, in pixels from the other's own edges: left, right, top, bottom.
type Edges = [f32; 4];

/// Starting points of each edge: the climb reaches about half as far as they lie apart.
const STARTS: [f32; 3] = [-4.0, 0.0, 4.0];
/// Stride at which starting points are judged, and the correlation below which the best is not worth a climb.
const GLANCE: usize = 4;
const HOPELESS: f32 = 0.3;
/// Steps of the climb in pixels, and the stride at which they are judged.
const STEPS: [(f32, usize); 4] = [(2.0, 2), (1.0, 2), (0.5, 1), (0.25, 1)];
/// Share of the pixels that must overlap.
const OVERLAP: f32 = 0.7;

/// The best correlation of `a` with `b` when each edge may move by some 6 of 64 pixels, at least 0.
pub(super) fn fit(a: &Detail, b: &Detail) -> f32 {
    let mut best = (0.0, [0.0; 4]);
    for number in 0..STARTS.len().pow(4) {
        let start = std::array::from_fn(|edge| {
            STARTS[number / STARTS.len().pow(edge as u32) % STARTS.len()]
        });
        let score = correlation(a, b, start, GLANCE);
        if score > best.0 {
            best = (score, start);
        }
    }
    if best.0 < HOPELESS {
        best.0
    } else {
        climb(a, b, best.1)
    }
}

/// Coordinate ascent with shrinking steps.
fn climb(a: &Detail, b: &Detail, mut edges: Edges) -> f32 {
    let mut best = 0.0;
    for (step, stride) in STEPS {
        best = correlation(a, b, edges, stride);
        loop {
            let before = best;
            for trial in (0..4).flat_map(|edge| [(edge, step), (edge, -step)]) {
                let mut moved = edges;
                moved[trial.0] += trial.1;
                let score = correlation(a, b, moved, stride);
                if score > best {
                    (best, edges) = (score, moved);
                }
            }
            if best <= before {
                break;
            }
        }
    }
    best
}

/// Pearson's correlation of every `stride`-th pixel of `a` with `b` at the place that the edges give it, over the pixels
/// that have one; 0 when too few do or either is flat.
fn correlation(a: &Detail, b: &Detail, [left, right, top, bottom]: Edges, stride: usize) -> f32 {
    let (columns, rows) = (places(left, right, stride), places(top, bottom, stride));
    let (a, b) = (a.values(), b.values());
    let (mut n, mut u, mut v, mut uu, mut vv, mut uv) = (0.0f32, 0.0, 0.0, 0.0, 0.0, 0.0);
    for row in &rows {
        let line = &a[row.from * SIDE..][..SIDE];
        let (upper, lower) = (
            &b[row.to * SIDE..][..SIDE],
            &b[(row.to + 1) * SIDE..][..SIDE],
        );
        for column in &columns {
            let across = |line: &[i8]| {
                let (l, r) = (f32::from(line[column.to]), f32::from(line[column.to + 1]));
                l + (r - l) * column.beyond
            };
            let (above, below) = (across(upper), across(lower));
            let y = above + (below - above) * row.beyond;
            let x = f32::from(line[column.from]);
            n += 1.0;
            u += x;
            v += y;
            uu += x * x;
            vv += y * y;
            uv += x * y;
        }
    }
    let spread = ((n * uu - u * u) * (n * vv - v * v)).sqrt();
    let enough = n >= OVERLAP * (SIDE / stride).pow(2) as f32;
    if enough && spread > 0.0 {
        (n * uv - u * v) / spread
    } else {
        0.0
    }
}

/// A line of `a` and where it falls in `b`: between `to` and `to + 1`, at the share `beyond`.
struct Place {
    from: usize,
    to: usize,
    beyond: f32,
}

fn places(low: f32, high: f32, stride: usize) -> Vec<Place> {
    let scale = (SIDE as f32 + high - low) / SIDE as f32;
    let place = |from: usize| {
        let at = low + (from as f32 + 0.5) * scale - 0.5;
        let inside = at >= 0.0 && at < (SIDE - 1) as f32;
        inside.then(|| Place {
            from,
            to: at as usize,
            beyond: at.fract(),
        })
    };
    (0..SIDE).step_by(stride).filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Fingerprint;
    use tumorlens_core::{GreyImage, Seed, Size};

    /// A pattern that nowhere repeats, with structure a few pixels wide, seen through a window: the fit tries many places,
    /// so that anything periodic would fit somewhere by construction.
    fn window(left: f32, top: f32, side: f32) -> Detail {
        let knot = |x: i32, y: i32| {
            let seed = Seed(7).index(x.cast_unsigned().into());
            (seed.index(y.cast_unsigned().into()).0 >> 40) as f32 / (1u64 << 24) as f32
        };
        // Random values at knots 4 pixels apart, with a smooth way between them.
        let value = |x: f32, y: f32| {
            let (i, j) = ((x / 4.0).floor(), (y / 4.0).floor());
            let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
            let (u, v) = (smooth(x / 4.0 - i), smooth(y / 4.0 - j));
            let row = |j: i32| (1.0 - u) * knot(i as i32, j) + u * knot(i as i32 + 1, j);
            (1.0 - v) * row(j as i32) + v * row(j as i32 + 1)
        };
        let image = GreyImage::from_fn(
            Size {
                width: SIDE,
                height: SIDE,
            },
            |x, y| {
                let place = |from: f32, i: usize| from + i as f32 / SIDE as f32 * side;
                200.0 * value(place(left, x), place(top, y))
            },
        );
        Fingerprint::of(&image).whole.detail
    }

    #[test]
    fn a_crop_on_two_sides_is_found_again() {
        let (all, cropped) = (window(0.0, 0.0, 64.0), window(5.0, 0.0, 59.0));
        assert!(
            all.correlation(&cropped) < 0.5,
            "{}",
            all.correlation(&cropped)
        );
        assert!(fit(&all, &cropped) > 0.85, "{}", fit(&all, &cropped));
        assert!(fit(&cropped, &all) > 0.85, "{}", fit(&cropped, &all));
    }

    #[test]
    fn another_part_of_the_pattern_does_not_fit() {
        let here = window(0.0, 0.0, 64.0);
        for (left, top) in [(90.0, 40.0), (40.0, 120.0), (200.0, 300.0)] {
            let found = fit(&here, &window(left, top, 64.0));
            assert!(found < 0.6, "{left}, {top}: {found}");
        }
    }
}
