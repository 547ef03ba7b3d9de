//! Fitting one detail map onto another by shift and scale: a crop into the head moves everything a little.

use crate::fingerprint::detail::{Detail, SIDE};

/// Hashes that differ in more bits are not worth a fit.
pub(super) const HOPEFUL_BITS: u32 = 8;

/// A map from pixels of one view to pixels of another, about the centre: `x * scale + shift` for each axis.
#[derive(Clone, Copy, Debug)]
struct Fit {
    shift: [f32; 2],
    scale: [f32; 2],
}

/// Starting points: what a crop of up to an eighth on any side does to a view. A shift of two pixels or a change of
/// scale by a sixteenth is about as far as the climb reaches.
const SHIFTS: [f32; 5] = [-4.0, -2.0, 0.0, 2.0, 4.0];
const SCALES: [f32; 5] = [0.88, 0.94, 1.0, 1.06, 1.14];
/// Steps of the climb, in pixels at the rim of the view.
const STEPS: [f32; 4] = [1.0, 0.5, 0.25, 0.125];
/// Share of the pixels that must overlap.
const OVERLAP: f32 = 0.7;

/// The best correlation of `a` with `b` shifted by up to some 5 and scaled by up to some 15 %, at least 0.
pub(super) fn fit(a: &Detail, b: &Detail) -> f32 {
    let centred = Fit { shift: [0.0; 2], scale: [1.0; 2] };
    let mut best = (correlation(a, b, centred, 2), centred);
    for axis_x in starts() {
        for axis_y in starts() {
            let start = Fit { shift: [axis_x.0, axis_y.0], scale: [axis_x.1, axis_y.1] };
            let score = correlation(a, b, start, 2);
            if score > best.0 {
                best = (score, start);
            }
        }
    }
    climb(a, b, best.1)
}

/// Shift and scale of one axis.
fn starts() -> impl Iterator<Item = (f32, f32)> {
    SHIFTS.into_iter().flat_map(|shift| SCALES.into_iter().map(move |scale| (shift, scale)))
}

/// Coordinate ascent with shrinking steps.
fn climb(a: &Detail, b: &Detail, start: Fit) -> f32 {
    let (mut best, mut fit) = (correlation(a, b, start, 1), start);
    for step in STEPS {
        loop {
            let before = best;
            for (axis, sign) in [(0, step), (0, -step), (1, step), (1, -step)] {
                let mut shifted = fit;
                shifted.shift[axis] += sign;
                let mut scaled = fit;
                scaled.scale[axis] += sign * 2.0 / SIDE as f32;
                for trial in [shifted, scaled] {
                    let score = correlation(a, b, trial, 1);
                    if score > best {
                        (best, fit) = (score, trial);
                    }
                }
            }
            if best <= before {
                break;
            }
        }
    }
    best
}

/// Pearson's correlation of every `stride`-th pixel of `a` with `b` under the fit, over the pixels that meet one of `b`;
/// 0 when too few do or either is flat.
fn correlation(a: &Detail, b: &Detail, fit: Fit, stride: usize) -> f32 {
    let centre = (SIDE - 1) as f32 / 2.0;
    let sources = |axis: usize| -> Vec<Option<(usize, f32)>> {
        (0..SIDE)
            .step_by(stride)
            .map(|i| {
                let at = centre + (i as f32 - centre) * fit.scale[axis] + fit.shift[axis];
                (at >= 0.0 && at < (SIDE - 1) as f32).then(|| (at as usize, at.fract()))
            })
            .collect()
    };
    let (columns, rows) = (sources(0), sources(1));
    let (a, b) = (a.values(), b.values());
    let (mut n, mut sums) = (0.0f32, [0.0f32; 5]);
    for (j, row) in rows.iter().enumerate() {
        let Some((top, down)) = *row else { continue };
        for (i, column) in columns.iter().enumerate() {
            let Some((left, right)) = *column else { continue };
            let at = |x: usize, y: usize| f32::from(b[y * SIDE + x]);
            let upper = at(left, top) * (1.0 - right) + at(left + 1, top) * right;
            let lower = at(left, top + 1) * (1.0 - right) + at(left + 1, top + 1) * right;
            let v = upper * (1.0 - down) + lower * down;
            let u = f32::from(a[j * stride * SIDE + i * stride]);
            n += 1.0;
            for (sum, term) in sums.iter_mut().zip([u, v, u * u, v * v, u * v]) {
                *sum += term;
            }
        }
    }
    let [u, v, uu, vv, uv] = sums;
    let spread = ((n * uu - u * u) * (n * vv - v * v)).sqrt();
    let enough = n >= OVERLAP * (columns.len() * rows.len()) as f32;
    if enough && spread > 0.0 { (n * uv - u * v) / spread } else { 0.0 }
}
