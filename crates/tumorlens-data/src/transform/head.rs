//! The head in a prepared image.

/// Grey above which a pixel belongs to the head; air is near 0 after the window.
const HEAD: f32 = 0.06;

/// The head of a prepared image `[side, side]` with values in [0, 1]: between the first and the last bright pixel of each
/// row, so that dark fluids are inside.
#[must_use]
pub fn head_region(image: &[f32], side: usize) -> Vec<bool> {
    let mut head = Vec::with_capacity(image.len());
    for row in image.chunks_exact(side.max(1)) {
        let first = row.iter().position(|v| *v > HEAD);
        let last = row.iter().rposition(|v| *v > HEAD);
        head.extend(
            (0..row.len()).map(|x| first.is_some_and(|f| x >= f) && last.is_some_and(|l| x <= l)),
        );
    }
    head
}

#[cfg(test)]
mod tests {
    use super::head_region;

    #[test]
    fn a_dark_ventricle_is_inside_and_air_is_not() {
        let image = [
            0.0, 0.5, 0.01, 0.4, 0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0,
        ];
        let expected = [0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0].map(|v| v == 1);
        assert_eq!(head_region(&image, 4), expected);
    }
}
