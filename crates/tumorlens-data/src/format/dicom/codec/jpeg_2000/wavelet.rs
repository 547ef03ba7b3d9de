//! The inverse wavelet transforms (T.800 annex F).
//!
//! Rows are transformed one by one while low and high samples still lie apart, then whole rows are lifted against their
//! neighbours as soon as those are ready: every loop runs over consecutive samples.

use super::codestream::Rect;

/// A transform made of lifting steps, the first of which changes the low samples.
pub(super) trait Lifting: Copy + Default + Send + Sync {
    /// Number of steps.
    const STEPS: usize;
    /// Step `step`, 1 or more, on each of `target` with what lies before and behind it.
    fn lift(step: usize, target: &mut [Self], before: &[Self], behind: &[Self]);
    /// What becomes of a lone high sample.
    fn alone(self) -> Self;
}

/// 5/3 (F.3.8.2.1.1).
impl Lifting for i32 {
    const STEPS: usize = 2;

    #[inline]
    fn lift(step: usize, target: &mut [Self], before: &[Self], behind: &[Self]) {
        let beside = before.iter().zip(behind);
        if step == 1 {
            for (value, (a, b)) in target.iter_mut().zip(beside) {
                *value = value.wrapping_sub(a.wrapping_add(*b).wrapping_add(2) >> 2);
            }
        } else {
            for (value, (a, b)) in target.iter_mut().zip(beside) {
                *value = value.wrapping_add(a.wrapping_add(*b) >> 1);
            }
        }
    }

    fn alone(self) -> Self {
        self >> 1
    }
}

/// Steps of the 9/7 transform in the order of the inverse: delta, gamma, beta, alpha (table F.4).
const STEPS_97: [f32; 4] = [0.443_506_85, 0.882_911_1, -0.052_980_117, -1.586_134_3];

/// By what low samples of the 9/7 transform are scaled, and high ones divided (table F.4).
pub(super) const SCALE_97: f32 = 1.230_174_1;

/// 9/7 (F.3.8.2.1.2), without its scaling, which the caller has done.
impl Lifting for f32 {
    const STEPS: usize = 4;

    #[inline]
    fn lift(step: usize, target: &mut [Self], before: &[Self], behind: &[Self]) {
        let factor = STEPS_97[(step - 1) % 4];
        let beside = before.iter().zip(behind);
        for (value, (a, b)) in target.iter_mut().zip(beside) {
            *value -= factor * (a + b);
        }
    }

    fn alone(self) -> Self {
        self / 2.0
    }
}

/// The sub-bands beside a low one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bands<'a, T> {
    pub(super) low: &'a [T],
    /// High across, high down, high in both.
    pub(super) high: [&'a [T]; 3],
}

/// Joins four sub-bands to the resolution that covers `area`, into `out`. `line` is room.
pub(super) fn join<T: Lifting>(
    area: &Rect,
    bands: &Bands<'_, T>,
    out: &mut Vec<T>,
    line: &mut Vec<T>,
) {
    let (width, height) = (area.width(), area.height());
    out.resize(width * height, T::default());
    if area.is_empty() {
        return;
    }
    let odd = [area.x0 & 1 == 1, area.y0 & 1 == 1];
    // Low samples stand at even places of the reference grid.
    let low_width = (width + usize::from(!odd[0])) / 2;
    let is_high = |y: usize| (y % 2 == 1) != odd[1];
    for y in 0..height + T::STEPS {
        if let Some(row) = out.chunks_exact_mut(width).nth(y) {
            let at = y / 2;
            let (low, high) = if is_high(y) {
                (bands.high[1], bands.high[2])
            } else {
                (bands.low, bands.high[0])
            };
            let high_width = width - low_width;
            let low = low.get(at * low_width..).unwrap_or_default();
            let high = high.get(at * high_width..).unwrap_or_default();
            let (Some(low), Some(high)) = (low.get(..low_width), high.get(..high_width)) else {
                return;
            };
            join_row(low, high, odd[0], row, line);
        }
        if height == 1 {
            continue;
        }
        for step in 1..=T::STEPS {
            if let Some(target) = y.checked_sub(step)
                && target < height
                && is_high(target) == step.is_multiple_of(2)
            {
                lift_row(step, target, width, out);
            }
        }
    }
    if height == 1 && odd[1] {
        out.iter_mut().for_each(|v| *v = v.alone());
    }
}

/// Lifts row `target` of rows of `width` samples against those above and below, mirrored at the edges.
fn lift_row<T: Lifting>(step: usize, target: usize, width: usize, rows: &mut [T]) {
    let (above, rest) = rows.split_at_mut(target * width);
    let (row, below) = rest.split_at_mut(width);
    let last = above.len().checked_sub(width).map(|at| &above[at..]);
    let next = below.get(..width);
    if let (Some(before), Some(behind)) = (last.or(next), next.or(last)) {
        T::lift(step, row, before, behind);
    }
}

/// One row from its low and high samples; `odd` when it begins with a high one.
fn join_row<T: Lifting>(low: &[T], high: &[T], odd: bool, row: &mut [T], line: &mut Vec<T>) {
    line.clear();
    line.extend_from_slice(low);
    line.extend_from_slice(high);
    let (low, high) = line.split_at_mut(low.len());
    if low.is_empty() || high.is_empty() {
        for (target, value) in row.iter_mut().zip(low.iter().chain(high.iter())) {
            *target = if odd { value.alone() } else { *value };
        }
        return;
    }
    for step in 1..=T::STEPS {
        let (target, beside, ahead) = if step.is_multiple_of(2) {
            (&mut *high, &*low, !odd)
        } else {
            (&mut *low, &*high, odd)
        };
        lift_line(step, target, beside, ahead);
    }
    let (first, second) = if odd { (high, low) } else { (low, high) };
    let (pairs, tail) = row.as_chunks_mut::<2>();
    for (pair, (a, b)) in pairs.iter_mut().zip(first.iter().zip(second.iter())) {
        *pair = [*a, *b];
    }
    if let ([target], Some(value)) = (tail, first.last()) {
        *target = *value;
    }
}

/// Lifts samples against those beside them, which are the ones of the same index and the next where `ahead`, of the
/// index before and the same elsewhere; mirrored at the edges.
fn lift_line<T: Lifting>(step: usize, target: &mut [T], beside: &[T], ahead: bool) {
    let last = beside.len() - 1;
    let (target, edge) = if ahead {
        let inner = target.len().min(last);
        target.split_at_mut(inner)
    } else {
        let (first, rest) = target.split_at_mut(1);
        T::lift(step, first, &beside[..1], &beside[..1]);
        let inner = rest.len().min(last);
        rest.split_at_mut(inner)
    };
    T::lift(step, target, beside, &beside[1..]);
    if let [edge, ..] = edge {
        let outer = &beside[last..];
        T::lift(step, std::slice::from_mut(edge), outer, outer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x0: u32, y0: u32, x1: u32, y1: u32) -> Rect {
        Rect { x0, y0, x1, y1 }
    }

    fn joined<T: Lifting>(area: &Rect, low: &[T], high: [&[T]; 3]) -> Vec<T> {
        let mut out = Vec::new();
        join(area, &Bands { low, high }, &mut out, &mut Vec::new());
        out
    }

    #[test]
    fn a_row_follows_the_equations_of_the_standard() {
        // Even samples: 10 - (0+0+2)/4 = 10, 20 - (0+4+2)/4 = 19, 30 - (4+4+2)/4 = 28; odd: 0 + (10+19)/2, 4 + (19+28)/2.
        let found = joined(&area(0, 0, 5, 1), &[10, 20, 30], [&[0, 4], &[], &[]]);
        assert_eq!(found, [10, 14, 19, 27, 28]);
        // Beginning with a high sample: low: 10 - (2+6+2)/4 = 8; high: 2 + 8, 6 + 8.
        let found = joined(&area(1, 0, 4, 1), &[10], [&[2, 6], &[], &[]]);
        assert_eq!(found, [10, 8, 14]);
    }

    #[test]
    fn columns_are_joined_like_rows() {
        let found = joined(&area(0, 0, 1, 5), &[10, 20, 30], [&[], &[0, 4], &[]]);
        assert_eq!(found, [10, 14, 19, 27, 28]);
        let found = joined(&area(0, 1, 1, 4), &[10], [&[], &[2, 6], &[]]);
        assert_eq!(found, [10, 8, 14]);
    }

    #[test]
    fn lone_high_samples_are_halved() {
        assert_eq!(joined(&area(1, 0, 2, 1), &[], [&[9], &[], &[]]), [4]);
        assert_eq!(joined(&area(0, 1, 1, 2), &[], [&[], &[9.0], &[]]), [4.5]);
    }

    #[test]
    fn a_constant_comes_back_from_its_low_samples_alone() {
        let low = vec![SCALE_97 * SCALE_97 * 100.0; 20];
        let zeros = vec![0.0; 20];
        let found = joined(&area(4, 6, 13, 13), &low, [&zeros, &zeros, &zeros]);
        assert!(found.iter().all(|v| (v - 100.0).abs() < 1e-3), "{found:?}");
    }
}
