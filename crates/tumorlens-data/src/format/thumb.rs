//! A coarse picture of an array, by which lossy decoders are compared.

/// Side of the grid.
const THUMB: usize = 16;

/// Means over a 16x16 grid of equal areas, channels last, in C order, two decimals, of the array
/// `value(((y * width) + x) * channels + c)`. A pixel on a border counts with the share that lies inside.
pub(super) fn thumb16(
    height: usize,
    width: usize,
    channels: usize,
    value: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let rows: Vec<_> = (0..THUMB).map(|i| part(i, height)).collect();
    let columns: Vec<_> = (0..THUMB).map(|i| part(i, width)).collect();
    let area = (height * width) as f64 / (THUMB * THUMB) as f64;
    let mut means = Vec::with_capacity(THUMB * THUMB * channels);
    for row in &rows {
        for column in &columns {
            for c in 0..channels {
                let line = |y: usize| -> f64 {
                    column
                        .iter()
                        .map(|&(x, w)| w * value((y * width + x) * channels + c))
                        .sum()
                };
                let sum: f64 = row.iter().map(|&(y, w)| w * line(y)).sum();
                means.push((100.0 * sum / area).round() / 100.0);
            }
        }
    }
    means
}

/// The pixels that part `i` of sixteen covers along a side, each with the share of it that is covered.
fn part(i: usize, side: usize) -> Vec<(usize, f64)> {
    let (start, end) = (i * side, (i + 1) * side); // in sixteenths of a pixel
    let covered = |pixel: usize| end.min((pixel + 1) * THUMB) - start.max(pixel * THUMB);
    (start / THUMB..end.div_ceil(THUMB))
        .map(|pixel| (pixel, covered(pixel) as f64 / THUMB as f64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn the_parts_of_a_side_cover_each_pixel_once() {
        for side in 1..40 {
            let mut covered = vec![0.0; side];
            for (pixel, share) in (0..16).flat_map(|i| part(i, side)) {
                covered[pixel] += share;
            }
            assert!(
                covered.iter().all(|c: &f64| (c - 1.0).abs() < 1e-12),
                "side {side}: {covered:?}"
            );
        }
    }
}
