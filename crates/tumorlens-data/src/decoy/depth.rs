//! How deep in a region a pixel lies.

/// For every pixel of a region how many steps over sides lead out of it; 0 outside.
pub(super) fn depths(region: &[bool], side: usize) -> Vec<u16> {
    let mut depth: Vec<u16> = region
        .iter()
        .map(|inside| if *inside { u16::MAX } else { 0 })
        .collect();
    // There and back (Rosenfeld and Pfaltz 1966).
    for forwards in [true, false] {
        for step in 0..depth.len() {
            let i = if forwards {
                step
            } else {
                depth.len() - 1 - step
            };
            let (x, y) = (i % side, i / side);
            let beside = [
                (x > 0).then(|| i - 1),
                (x + 1 < side).then_some(i + 1),
                (y > 0).then(|| i - side),
                (y + 1 < side).then_some(i + side),
            ];
            let least = beside
                .into_iter()
                .map(|n| n.map_or(0, |n| depth[n]))
                .min()
                .unwrap_or(0);
            depth[i] = depth[i].min(least.saturating_add(1));
        }
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_the_steps_out_of_a_region() {
        let region = [
            "......", //
            ".####.", ".####.", ".####.", "..##..", "......",
        ];
        let region: Vec<bool> = region
            .iter()
            .flat_map(|r| r.bytes().map(|b| b == b'#'))
            .collect();
        let expected = [
            [0, 0, 0, 0, 0, 0],
            [0, 1, 1, 1, 1, 0],
            [0, 1, 2, 2, 1, 0],
            [0, 1, 2, 2, 1, 0],
            [0, 0, 1, 1, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ];
        assert_eq!(depths(&region, 6), expected.concat());
    }
}
