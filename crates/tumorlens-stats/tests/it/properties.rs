//! Identities that hold for any data.

use proptest::prelude::*;
use tumorlens_stats::calibration::{Bins, Reliability, brier, fit_temperature};
use tumorlens_stats::comparison::McNemar;
use tumorlens_stats::confusion::Confusion;
use tumorlens_stats::delong::{delong, newcombe};
use tumorlens_stats::faithfulness::{Cut, Outlined, energy, iou, pointing};
use tumorlens_stats::groups::Groups;
use tumorlens_stats::intervals::{GroupTally, wilson, wilson_grouped};
use tumorlens_stats::operating_point::Rule;
use tumorlens_stats::precision_recall::average_precision;
use tumorlens_stats::roc::{Roc, auroc};

/// Labels of both classes with scores in tenths, so that ties are common.
fn cases() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    prop::collection::vec((any::<bool>(), 0u8..=10), 4..60)
        .prop_map(|v| v.into_iter().map(|(t, s)| (t, f64::from(s) / 10.0)).unzip())
        .prop_filter("both classes twice", |(t, _): &(Vec<bool>, Vec<f64>)| {
            let positives = t.iter().filter(|t| **t).count();
            positives >= 2 && t.len() - positives >= 2
        })
}

fn confusion() -> impl Strategy<Value = Confusion> {
    (0u64..500, 0u64..500, 0u64..500, 0u64..500).prop_map(
        |(true_positive, false_positive, true_negative, false_negative)| Confusion {
            true_positive,
            false_positive,
            true_negative,
            false_negative,
        },
    )
}

proptest! {
    #[test]
    fn only_the_order_of_scores_counts_for_auroc((truth, scores) in cases()) {
        let stretched: Vec<f64> = scores.iter().map(|s| (3.0 * s).exp() - 7.0).collect();
        prop_assert_eq!(auroc(&truth, &scores), auroc(&truth, &stretched));
        prop_assert_eq!(average_precision(&truth, &scores), average_precision(&truth, &stretched));
        let groups = Groups::singletons(truth.len());
        prop_assert_eq!(delong(&truth, &scores, &groups), delong(&truth, &stretched, &groups));
    }

    #[test]
    fn turned_scores_have_the_rest_of_the_area((truth, scores) in cases()) {
        let turned: Vec<f64> = scores.iter().map(|s| -s).collect();
        let sum = auroc(&truth, &scores).unwrap() + auroc(&truth, &turned).unwrap();
        prop_assert!((sum - 1.0).abs() < 1e-15);
        let swapped: Vec<bool> = truth.iter().map(|t| !t).collect();
        prop_assert_eq!(auroc(&truth, &scores), auroc(&swapped, &turned));
    }

    #[test]
    fn auroc_is_the_share_of_pairs_in_the_right_order((truth, scores) in cases()) {
        let (mut right, mut pairs) = (0.0, 0.0);
        for i in (0..truth.len()).filter(|&i| truth[i]) {
            for j in (0..truth.len()).filter(|&j| !truth[j]) {
                pairs += 1.0;
                right += if scores[i] > scores[j] { 1.0 } else if scores[i] == scores[j] { 0.5 } else { 0.0 };
            }
        }
        prop_assert_eq!(auroc(&truth, &scores), Ok(right / pairs));
    }

    #[test]
    fn the_roc_curve_rises_and_its_corners_keep_the_area((truth, scores) in cases()) {
        let roc = Roc::new(&truth, &scores).unwrap();
        let rises = roc.points().is_sorted_by(|a, b| {
            a.false_positive_rate <= b.false_positive_rate && a.true_positive_rate <= b.true_positive_rate
        });
        prop_assert!(rises);
        let corners = roc.corners().partial_area(1.0).unwrap();
        prop_assert!((corners - auroc(&truth, &scores).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn swapping_the_classes_swaps_the_figures(counts in confusion()) {
        let swapped = counts.swapped();
        prop_assert_eq!(swapped.swapped(), counts);
        prop_assert_eq!(counts.sensitivity().ok(), swapped.specificity().ok());
        prop_assert_eq!(counts.ppv().ok(), swapped.npv().ok());
        prop_assert_eq!(counts.accuracy(), swapped.accuracy());
        prop_assert_eq!(counts.mcc(), swapped.mcc());
        let transposed = Confusion {
            false_positive: counts.false_negative,
            false_negative: counts.false_positive,
            ..counts
        };
        prop_assert_eq!(counts.mcc(), transposed.mcc());
        prop_assert_eq!(counts.f1(), transposed.f1());
        if let Ok(mcc) = counts.mcc() {
            prop_assert!((-1.0..=1.0).contains(&mcc));
        }
    }

    #[test]
    fn wilsons_interval_holds_its_proportion_and_stays_inside(k in 0u64..300, more in 0u64..300, level in 0.01f64..0.999) {
        prop_assume!(k + more > 0);
        let n = k + more;
        let interval = wilson(k, n, level).unwrap();
        let p = k as f64 / n as f64;
        prop_assert!(0.0 <= interval.low && interval.low <= p && p <= interval.high && interval.high <= 1.0);
        let mirrored = wilson(more, n, level).unwrap();
        prop_assert!((interval.low - (1.0 - mirrored.high)).abs() < 1e-12);
    }

    #[test]
    fn groups_never_narrow_an_interval(sizes in prop::collection::vec((0u64..5, 0u64..5), 1..30)) {
        let tallies: Vec<GroupTally> =
            sizes.iter().map(|(k, more)| GroupTally { successes: *k, trials: k + more }).collect();
        let (k, n) = sizes.iter().fold((0, 0), |(k, n), (a, b)| (k + a, n + a + b));
        prop_assume!(n > 0);
        let grouped = wilson_grouped(&tallies, 0.95).unwrap();
        let single = wilson(k, n, 0.95).unwrap();
        prop_assert!(grouped.high - grouped.low >= single.high - single.low - 1e-12);
    }

    #[test]
    fn newcombes_interval_holds_its_area(area in 0.0f64..=1.0, m in 1u64..200, n in 1u64..200) {
        let interval = newcombe(area, m, n, 0.95).unwrap();
        prop_assert!(0.0 <= interval.low && interval.low <= area && area <= interval.high && interval.high <= 1.0);
        prop_assert!(interval.high > interval.low);
    }

    #[test]
    fn copying_every_image_into_its_group_changes_no_variance((truth, scores) in cases(), copies in 2usize..4) {
        let repeat = |i: usize| std::iter::repeat_n(i, copies);
        let index: Vec<usize> = (0..truth.len()).flat_map(repeat).collect();
        let truths: Vec<bool> = index.iter().map(|&i| truth[i]).collect();
        let scored: Vec<f64> = index.iter().map(|&i| scores[i]).collect();
        let single = delong(&truth, &scores, &Groups::singletons(truth.len())).unwrap();
        let copied = delong(&truths, &scored, &Groups::new(&index)).unwrap();
        prop_assert!((single.variance - copied.variance).abs() < 1e-12);
    }

    #[test]
    fn targets_are_reached_on_the_images_they_were_chosen_on((truth, scores) in cases(), target in 0.0f64..=1.0) {
        let target = tumorlens_core::Probability::new(target).unwrap();
        let point = Rule::Sensitivity(target).choose(&truth, &scores).unwrap();
        prop_assert!(point.sensitivity.get().unwrap() >= target.get());
        if let Ok(point) = Rule::Specificity(target).choose(&truth, &scores) {
            prop_assert!(point.specificity.get().unwrap() >= target.get());
        }
        let youden = Rule::Youden.choose(&truth, &scores).unwrap().validation;
        for cut in &scores {
            let other = Confusion::at(*cut, &truth, &scores).unwrap();
            prop_assert!(youden.balanced_accuracy().unwrap() >= other.balanced_accuracy().unwrap() - 1e-12);
        }
    }

    #[test]
    fn no_temperature_is_better_than_the_fitted_one(
        (truth, scores) in cases(), other in 0.05f64..20.0
    ) {
        let logits: Vec<f64> = scores.iter().map(|s| 8.0 * s - 3.7).collect();
        if let Ok(fit) = fit_temperature(&truth, &logits) {
            let other = tumorlens_stats::calibration::Temperature::new(other).unwrap();
            let p: Vec<f64> = logits.iter().map(|z| other.sigmoid(*z)).collect();
            let loss = tumorlens_stats::calibration::log_loss(&truth, &p).unwrap();
            prop_assert!(fit.log_loss_after <= loss + 1e-12);
            prop_assert!(fit.log_loss_after <= fit.log_loss_before + 1e-12);
        }
    }

    #[test]
    fn the_calibration_error_of_one_bin_is_that_of_the_mean((truth, scores) in cases()) {
        let positives = truth.iter().filter(|t| **t).count() as f64;
        let gap = (scores.iter().sum::<f64>() - positives).abs() / truth.len() as f64;
        let one = Reliability::new(&truth, &scores, &Bins::equal_width(1), 0.95).unwrap();
        prop_assert!((one.ece.get().unwrap() - gap).abs() < 1e-12);
        let ten = Reliability::new(&truth, &scores, &Bins::equal_width(10), 0.95).unwrap();
        prop_assert!(ten.ece.get().unwrap() >= gap - 1e-12);
        prop_assert!(brier(&truth, &scores).unwrap() <= 1.0);
    }

    #[test]
    fn mcnemars_p_values_are_probabilities(b in 0u64..400, c in 0u64..400) {
        prop_assume!(b + c > 0);
        let test = McNemar::of(b, c);
        let (exact, mid) = (test.exact_p.get().unwrap(), test.mid_p.get().unwrap());
        prop_assert!(0.0 < exact + 1e-300 && exact <= 1.0 && (0.0..=exact).contains(&mid));
    }

    #[test]
    fn a_larger_map_scale_changes_no_localisation(
        values in prop::collection::vec(0u8..50, 24..=24), inside in prop::collection::vec(any::<bool>(), 24..=24)
    ) {
        let map: Vec<f32> = values.iter().map(|v| f32::from(*v)).collect();
        let doubled: Vec<f32> = map.iter().map(|v| 2.0 * v).collect();
        let (Ok(a), Ok(b)) = (Outlined::new(&map, &inside, 6, 4), Outlined::new(&doubled, &inside, 6, 4)) else {
            return Ok(());
        };
        prop_assert_eq!(pointing(&a, 0.0), pointing(&b, 0.0));
        prop_assert_eq!(energy(&a), energy(&b));
        prop_assert_eq!(iou(&a, Cut::ShareOfMaximum(0.5)), iou(&b, Cut::ShareOfMaximum(0.5)));
        if let (Ok(near), Ok(far)) = (pointing(&a, 0.0), pointing(&a, 2.0)) {
            prop_assert!(near <= far);
        }
    }
}
