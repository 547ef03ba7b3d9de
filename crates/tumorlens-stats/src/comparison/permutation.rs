//! A permutation test of paired results over groups.

use crate::bootstrap::Resampling;
use crate::undefined::Undefined;
use rand::Rng;
use rayon::prelude::*;

/// Up to this many groups that differ, all exchanges are gone through.
const EXHAUSTIVE: usize = 16;

/// Two-sided p value of "the two models are alike", where `differences` has for each group the number of images that
/// the first got right less that of the second. If they are alike, exchanging them in any group changes nothing: the p
/// value is the share of exchanges whose total difference is at least as large. With up to 16 differing groups all
/// exchanges are counted; with more, `replicates` random ones and the one observed (Phipson and Smyth 2010).
///
/// # Errors
/// When no group differs.
pub fn sign_flip_p_value(differences: &[i64], resampling: Resampling) -> Result<f64, Undefined> {
    let sizes: Vec<i64> = differences.iter().copied().filter(|d| *d != 0).collect();
    let observed = sizes.iter().sum::<i64>().abs();
    if sizes.is_empty() {
        return Err(Undefined::NoDisagreement);
    }
    let total = |flips: &mut dyn Iterator<Item = bool>| -> i64 {
        sizes
            .iter()
            .zip(flips)
            .map(|(d, flip)| if flip { -d } else { *d })
            .sum()
    };
    if sizes.len() <= EXHAUSTIVE {
        let all = 1u32 << sizes.len();
        let extreme = (0..all)
            .filter(|bits| total(&mut (0..32).map(|i| bits >> i & 1 == 1)).abs() >= observed);
        return Ok(extreme.count() as f64 / f64::from(all));
    }
    let seed = resampling.seed.derive("sign flip");
    let extreme = (0..resampling.replicates)
        .into_par_iter()
        .filter(|&i| {
            let mut rng = seed.index(i as u64).rng();
            // The highest bit of each draw; the low ones of this generator are its weakest.
            total(&mut std::iter::repeat_with(|| rng.next_u64() >> 63 == 1)).abs() >= observed
        })
        .count();
    Ok((extreme + 1) as f64 / (resampling.replicates + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Seed;

    #[test]
    fn few_groups_are_gone_through_in_full() {
        // 8 images, one differs each way: the exact two-sided sign test, as McNemar's.
        let differences = [1, 1, 1, 1, 1, 1, 1, -1, 0, 0];
        let p = sign_flip_p_value(&differences, Resampling::seeded(Seed(1))).unwrap();
        assert!((p - 18.0 / 256.0).abs() < 1e-15);
    }

    #[test]
    fn many_groups_are_sampled_and_come_near_the_exact_value() {
        let differences: Vec<i64> = (0..30).map(|i| if i < 20 { 1 } else { -1 }).collect();
        let resampling = Resampling {
            replicates: 20_000,
            ..Resampling::seeded(Seed(2))
        };
        let sampled = sign_flip_p_value(&differences, resampling).unwrap();
        // Two-sided binomial test of 10 of 30: 0.0987.
        assert!((sampled - 0.0987).abs() < 0.006, "{sampled}");
    }

    #[test]
    fn a_group_of_many_images_is_one_piece_of_evidence() {
        let p = sign_flip_p_value(&[40, 0, 0], Resampling::seeded(Seed(3))).unwrap();
        assert!(p >= 1.0);
        assert_eq!(
            sign_flip_p_value(&[0, 0], Resampling::seeded(Seed(3))),
            Err(Undefined::NoDisagreement)
        );
    }
}
