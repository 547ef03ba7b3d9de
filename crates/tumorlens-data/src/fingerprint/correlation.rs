//! Pearson's correlation of small whole numbers.

/// Pearson's correlation of the pairs, -1 to 1; 0 when one side is constant.
///
/// Values are within ±100 and there are at most 100,000 pairs. Sums of whole numbers do not depend on their order.
pub(super) fn correlation(pairs: impl Iterator<Item = (i32, i32)>) -> f32 {
    let (mut n, mut a, mut b, mut aa, mut bb, mut ab) = (0i32, 0, 0, 0, 0, 0);
    for (x, y) in pairs {
        n += 1;
        a += x;
        b += y;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    let [n, a, b, aa, bb, ab] = [n, a, b, aa, bb, ab].map(f64::from);
    let spread = ((n * aa - a * a) * (n * bb - b * b)).sqrt();
    if spread > 0.0 {
        ((n * ab - a * b) / spread) as f32
    } else {
        0.0
    }
}

/// Each value of a grid of `side` columns beside the one at the mirrored place of the other grid.
pub(super) fn mirrored_pairs<'a, T>(
    a: &'a [T],
    b: &'a [T],
    side: usize,
) -> impl Iterator<Item = (i32, i32)> + 'a
where
    T: Copy + Into<i32>,
{
    let rows = a.chunks(side).zip(b.chunks(side));
    rows.flat_map(|(a, b)| {
        a.iter()
            .zip(b.iter().rev())
            .map(|(a, b)| ((*a).into(), (*b).into()))
    })
}

/// Each value beside the one at the same place of the other grid.
pub(super) fn pairs<'a, T>(a: &'a [T], b: &'a [T]) -> impl Iterator<Item = (i32, i32)> + 'a
where
    T: Copy + Into<i32>,
{
    a.iter().zip(b).map(|(a, b)| ((*a).into(), (*b).into()))
}
