//! A coarse map brought to the edges of its image.
//!
//! He, Sun and Tang 2013, "Guided image filtering": within each window the map is taken for a line in the image's grey
//! value, fitted with a penalty on its slope; a pixel gets the mean of the lines of all windows that hold it. A map of few
//! cells so gets the edges of the image instead of those of its cells.

use tumorlens_core::Size;

/// The filter, eq. 5, 6 and 8 of the paper. `guide` and `map` are row by row in `size`; windows are squares of
/// `2 radius + 1` pixels as far as they lie in the image. `smoothing` is the penalty, in squared units of the guide: edges of
/// the guide whose variance is much smaller do not show.
pub(super) fn guided(
    guide: &[f32],
    map: &[f32],
    size: Size,
    radius: usize,
    smoothing: f64,
) -> Vec<f32> {
    let product = |(a, b): (&f32, &f32)| f64::from(*a) * f64::from(*b);
    let mean = |values: Vec<f64>| window_means(&values, size, radius);
    let guides = mean(guide.iter().map(|v| f64::from(*v)).collect());
    let maps = mean(map.iter().map(|v| f64::from(*v)).collect());
    let squares = mean(guide.iter().zip(guide).map(product).collect());
    let products = mean(guide.iter().zip(map).map(product).collect());
    let (mut slopes, mut offsets) = (Vec::with_capacity(size.area()), Vec::new());
    for i in 0..size.area() {
        let variance = (squares[i] - guides[i] * guides[i]).max(0.0);
        let slope = (products[i] - guides[i] * maps[i]) / (variance + smoothing);
        slopes.push(slope);
        offsets.push(maps[i] - slope * guides[i]);
    }
    let (slopes, offsets) = (mean(slopes), mean(offsets));
    let lines = slopes.iter().zip(&offsets).zip(guide);
    lines
        .map(|((slope, offset), v)| (slope * f64::from(*v) + offset) as f32)
        .collect()
}

/// Means over the part of a square window that lies in the image.
fn window_means(values: &[f64], size: Size, radius: usize) -> Vec<f64> {
    let Size { width, height } = size;
    // Sums over all pixels above and to the left, with a row and a column of zeros before them.
    let stride = width + 1;
    let mut sums = vec![0.0; stride * (height + 1)];
    for y in 0..height {
        let mut row = 0.0;
        for x in 0..width {
            row += values[y * width + x];
            sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
        }
    }
    let mut means = Vec::with_capacity(size.area());
    for y in 0..height {
        let (top, bottom) = (y.saturating_sub(radius), (y + radius + 1).min(height));
        for x in 0..width {
            let (left, right) = (x.saturating_sub(radius), (x + radius + 1).min(width));
            let sum = sums[bottom * stride + right] + sums[top * stride + left]
                - sums[top * stride + right]
                - sums[bottom * stride + left];
            means.push(sum / ((bottom - top) * (right - left)) as f64);
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use tumorlens_core::Seed;

    const SIZE: Size = Size {
        width: 9,
        height: 7,
    };

    fn noise(name: &str) -> Vec<f32> {
        let mut rng = Seed(5).derive(name).rng();
        (0..SIZE.area()).map(|_| rng.random::<f32>()).collect()
    }

    /// Pixels of the window around one.
    fn window(i: usize, radius: usize) -> Vec<usize> {
        let (x, y) = (i % SIZE.width, i / SIZE.width);
        (0..SIZE.area())
            .filter(|j| {
                (j % SIZE.width).abs_diff(x) <= radius && (j / SIZE.width).abs_diff(y) <= radius
            })
            .collect()
    }

    #[test]
    fn every_pixel_gets_the_mean_of_the_penalised_lines_of_its_windows() {
        let (guide, map) = (noise("guide"), noise("map"));
        for (radius, smoothing) in [(1, 0.05), (2, 0.01), (20, 0.5)] {
            // The line that minimises the sum of squares plus `smoothing` times the squared slope a pixel.
            let line = |i: usize| {
                let pixels = window(i, radius);
                let n = pixels.len() as f64;
                let mean = |v: &[f32]| pixels.iter().map(|j| f64::from(v[*j])).sum::<f64>() / n;
                let (g, m) = (mean(&guide), mean(&map));
                let sum = |a: &[f32], at: f64, b: &[f32], bt: f64| {
                    pixels
                        .iter()
                        .map(|j| (f64::from(a[*j]) - at) * (f64::from(b[*j]) - bt))
                        .sum::<f64>()
                };
                let slope = sum(&guide, g, &map, m) / (sum(&guide, g, &guide, g) + n * smoothing);
                (slope, m - slope * g)
            };
            let found = guided(&guide, &map, SIZE, radius, smoothing);
            for (i, found) in found.iter().enumerate() {
                let pixels = window(i, radius);
                let lines = pixels.iter().map(|j| line(*j));
                let sum: f64 = lines.map(|(a, b)| a * f64::from(guide[i]) + b).sum();
                let expected = sum / pixels.len() as f64;
                assert!((f64::from(*found) - expected).abs() < 1e-6, "{radius} {i}");
            }
        }
    }

    #[test]
    fn an_even_map_stays_and_a_map_that_is_the_image_nearly_stays_without_a_penalty() {
        let guide = noise("guide");
        for v in guided(&guide, &[1.5; 63], SIZE, 2, 0.05) {
            assert!((v - 1.5).abs() < 1e-6, "{v}");
        }
        let same = guided(&guide, &guide, SIZE, 2, 1e-9);
        assert!(same.iter().zip(&guide).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn a_blurred_step_is_brought_back_to_the_edge_of_the_image() {
        let size = Size {
            width: 16,
            height: 16,
        };
        let guide: Vec<f32> = (0..256).map(|i| f32::from(u8::from(i % 16 >= 8))).collect();
        let map: Vec<f32> = (0..256).map(|i| (i % 16) as f32 / 15.0).collect();
        let found = guided(&guide, &map, size, 4, 0.01);
        let (before, after) = (map[8] - map[7], found[8] - found[7]);
        assert!(after > 4.0 * before, "{before} {after}");
    }

    #[test]
    fn an_image_of_nothing_gives_a_map_of_nothing() {
        let size = Size {
            width: 0,
            height: 0,
        };
        assert!(guided(&[], &[], size, 3, 0.1).is_empty());
    }
}
