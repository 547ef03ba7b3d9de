//! Ranks with ties shared, the common ground of DeLong's variance and Spearman's correlation.

/// Rank of every value from 1; equal values get the mean of their ranks. O(n log n). Values are finite.
pub(crate) fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start]];
        let ties = order[start..]
            .iter()
            .take_while(|&&i| values[i] == value)
            .count();
        let rank = start as f64 + (ties + 1) as f64 / 2.0;
        for &i in &order[start..start + ties] {
            ranks[i] = rank;
        }
        start += ties;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert_eq!(
            midranks(&[3.0, 1.0, 3.0, 0.0, 3.0]),
            [4.0, 2.0, 4.0, 1.0, 4.0]
        );
        assert_eq!(midranks(&[0.0, -0.0]), [1.5, 1.5]);
        assert!(midranks(&[]).is_empty());
    }
}
