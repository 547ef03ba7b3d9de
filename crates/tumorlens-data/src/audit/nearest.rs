//! One nearest neighbour on thumbnails: what can be had without learning anything.

use rayon::prelude::*;

/// For each image the position of the nearest one in another fold, by the sum of squared differences; the first on ties,
/// `None` where no other fold has an image.
pub(super) fn nearest(thumbnails: &[&[u8]], folds: &[usize]) -> Vec<Option<usize>> {
    let search = |i: usize| {
        let mut best: Option<(u32, usize)> = None;
        for (j, other) in thumbnails.iter().enumerate() {
            if folds[j] != folds[i] {
                let distance = distance(thumbnails[i], other);
                if best.is_none_or(|(least, _)| distance < least) {
                    best = Some((distance, j));
                }
            }
        }
        best.map(|(_, j)| j)
    };
    (0..thumbnails.len()).into_par_iter().map(search).collect()
}

/// At most 48 * 48 * 255^2, which a `u32` holds.
fn distance(a: &[u8], b: &[u8]) -> u32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_image_of_another_fold_is_taken() {
        let thumbnails: [&[u8]; 4] = [&[10, 10], &[11, 10], &[200, 0], &[14, 10]];
        assert_eq!(
            nearest(&thumbnails, &[0, 0, 1, 1]),
            [Some(3), Some(3), Some(1), Some(1)]
        );
        assert_eq!(nearest(&thumbnails, &[0, 0, 0, 0]), [None; 4]);
    }
}
