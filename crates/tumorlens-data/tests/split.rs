//! Splits keep groups together, classes in proportion and do not depend on what they must not depend on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_core::Seed;
use tumorlens_data::split::{
    MixedGroups, Part, SplitError, SplitItem, SplitName, SplitPlan, assign, leave_source_out,
    rotate,
};

type Row = (String, &'static str, &'static str);

const LABELS: [&str; 3] = ["glioma", "no_tumor", "tumor"];
const SOURCES: [&str; 3] = ["a", "b", "c"];
const HOLDOUT: SplitPlan = SplitPlan::Holdout {
    train: 0.7,
    validation: 0.15,
    test: 0.15,
};

fn items(rows: &[Row]) -> Vec<SplitItem<'_>> {
    rows.iter()
        .map(|(group, label, source)| SplitItem {
            group,
            label,
            source,
        })
        .collect()
}

fn split(rows: &[Row], plan: SplitPlan, seed: u64) -> Result<Vec<SplitName>, SplitError> {
    assign(&items(rows), plan, MixedGroups::Refuse, Seed(seed))
}

/// Rows of groups with 1 to 8 images; at least 12 groups of each class.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let group = (0usize..3, 0usize..3, 1usize..=8);
    proptest::collection::vec(group, 0..60).prop_map(|more| {
        let sure = (0..36).map(|i| (i % 3, (i / 3) % 3, 1 + i % 4));
        let mut rows = Vec::new();
        for (g, (label, source, images)) in sure.chain(more).enumerate() {
            for _ in 0..images {
                rows.push((format!("g{g}"), LABELS[label], SOURCES[source]));
            }
        }
        rows
    })
}

fn plans() -> impl Strategy<Value = SplitPlan> {
    prop_oneof![
        Just(HOLDOUT),
        Just(SplitPlan::Holdout {
            train: 0.8,
            validation: 0.0,
            test: 0.2
        }),
        (2usize..10).prop_map(|k| SplitPlan::KFold { k }),
    ]
}

fn share(plan: SplitPlan, name: SplitName) -> f64 {
    match (plan, name) {
        (SplitPlan::Holdout { train, .. }, SplitName::Part(Part::Train)) => train,
        (SplitPlan::Holdout { validation, .. }, SplitName::Part(Part::Validation)) => validation,
        (SplitPlan::Holdout { test, .. }, SplitName::Part(Part::Test)) => test,
        (SplitPlan::KFold { k }, SplitName::Fold(i)) if i < k => 1.0 / k as f64,
        _ => panic!("{name} is not of {plan:?}"),
    }
}

fn parts_of(plan: SplitPlan) -> usize {
    match plan {
        SplitPlan::Holdout { validation, .. } => 2 + usize::from(validation > 0.0),
        SplitPlan::KFold { k } => k,
        SplitPlan::LeaveOneSourceOut => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_image_is_assigned_and_no_group_is_on_two_sides(rows in rows(), plan in plans(), seed: u64) {
        let names = split(&rows, plan, seed).unwrap();
        prop_assert_eq!(names.len(), rows.len());
        let mut sides: BTreeMap<&str, BTreeSet<SplitName>> = BTreeMap::new();
        for ((group, _, _), name) in rows.iter().zip(&names) {
            sides.entry(group).or_default().insert(*name);
        }
        prop_assert!(sides.values().all(|s| s.len() == 1));
    }

    #[test]
    fn each_class_has_about_its_share_in_every_part(rows in rows(), plan in plans(), seed: u64) {
        let names = split(&rows, plan, seed).unwrap();
        for label in LABELS {
            let total = rows.iter().filter(|r| r.1 == label).count() as f64;
            let mut count: BTreeMap<SplitName, f64> = BTreeMap::new();
            for (_, name) in rows.iter().zip(&names).filter(|(r, _)| r.1 == label) {
                *count.entry(*name).or_default() += 1.0;
            }
            prop_assert_eq!(count.len(), parts_of(plan), "a part without class {}", label);
            for (name, found) in count {
                // One and a half of the largest group, 8 images.
                prop_assert!((found - share(plan, name) * total).abs() <= 12.0, "{label} {name}: {found} of {total}");
            }
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_the_same_seed_gives_the_same_split(
        rows in rows(), plan in plans(), seed: u64, turn in 0usize..1000,
    ) {
        let of_group = |rows: &[Row]| -> BTreeMap<String, SplitName> {
            let names = split(rows, plan, seed).unwrap();
            rows.iter().map(|r| r.0.clone()).zip(names).collect()
        };
        let mut other = rows.clone();
        other.reverse();
        let middle = turn % other.len();
        other.rotate_left(middle);
        prop_assert_eq!(of_group(&rows), of_group(&other));
    }

    #[test]
    fn a_rotation_tests_one_fold_and_takes_validation_from_the_others_by_group(rows in rows(), seed: u64, test in 0usize..5) {
        let folds = split(&rows, SplitPlan::KFold { k: 5 }, seed).unwrap();
        let parts = rotate(&items(&rows), &folds, test, 0.2, MixedGroups::Refuse, Seed(seed)).unwrap();
        let mut sides: BTreeMap<&str, BTreeSet<Part>> = BTreeMap::new();
        for (((group, _, _), part), fold) in rows.iter().zip(&parts).zip(&folds) {
            prop_assert_eq!(*part == Part::Test, *fold == SplitName::Fold(test));
            sides.entry(group).or_default().insert(*part);
        }
        prop_assert!(sides.values().all(|s| s.len() == 1));
        let of = |part| parts.iter().filter(|p| **p == part).count() as f64;
        let inner = of(Part::Train) + of(Part::Validation);
        prop_assert!((of(Part::Validation) - 0.2 * inner).abs() <= 36.0);
        prop_assert!(of(Part::Validation) > 0.0);
    }
}

#[test]
fn single_images_meet_the_shares_to_the_image() {
    let rows: Vec<Row> = (0..200)
        .map(|i| (format!("g{i}"), LABELS[1 + i % 2], SOURCES[i % 2]))
        .collect();
    let names = split(&rows, HOLDOUT, 3).unwrap();
    for (label, part, expected) in [
        ("tumor", Part::Train, 70),
        ("tumor", Part::Test, 15),
        ("no_tumor", Part::Validation, 15),
    ] {
        let found = rows
            .iter()
            .zip(&names)
            .filter(|(r, n)| r.1 == label && **n == SplitName::Part(part))
            .count();
        assert_eq!(found, expected, "{label} {part}");
    }
}

#[test]
fn another_seed_gives_another_split() {
    let rows: Vec<Row> = (0..60)
        .map(|i| (format!("g{i}"), LABELS[i % 2], "a"))
        .collect();
    assert_ne!(
        split(&rows, HOLDOUT, 1).unwrap(),
        split(&rows, HOLDOUT, 2).unwrap()
    );
}

#[test]
fn large_groups_go_to_the_test_part_about_as_often_as_small_ones() {
    // 10 groups of 8 images and 80 groups of one, 15 % test: 1.5 large ones expected a split.
    let mut rows: Vec<Row> = Vec::new();
    for g in 0..90 {
        let images = if g < 10 { 8 } else { 1 };
        rows.extend((0..images).map(|_| (format!("g{g}"), "tumor", "a")));
    }
    let mut large = 0usize;
    for seed in 0..100 {
        let names = split(&rows, HOLDOUT, seed).unwrap();
        large += names[..80]
            .iter()
            .step_by(8)
            .filter(|n| **n == SplitName::Part(Part::Test))
            .count();
    }
    assert!(
        (110..=190).contains(&large),
        "{large} in 100 splits, 150 expected"
    );
}

#[test]
fn three_groups_of_a_class_are_enough_for_three_parts_and_two_are_not() {
    let rows: Vec<Row> = (0..6)
        .map(|i| (format!("g{i}"), LABELS[i % 2], "a"))
        .collect();
    for seed in 0..20 {
        let names: BTreeSet<_> = split(&rows, HOLDOUT, seed)
            .unwrap()
            .into_iter()
            .step_by(2)
            .collect();
        assert_eq!(names.len(), 3);
    }
    let error = split(&rows[..5], HOLDOUT, 1).unwrap_err();
    assert_eq!(
        error,
        SplitError::TooFewGroups {
            label: "no_tumor".into(),
            found: 2,
            needed: 3
        }
    );
    assert!(error.to_string().contains("use fewer folds"));
}

#[test]
fn a_group_with_two_labels_is_refused_unless_groups_are_subjects() {
    let mut rows: Vec<Row> = (0..12)
        .map(|i| (format!("g{i:02}"), LABELS[1 + i % 2], "a"))
        .collect();
    rows.push(("g00".into(), "tumor", "a"));
    let error = split(&rows, HOLDOUT, 1).unwrap_err();
    assert_eq!(
        error,
        SplitError::MixedLabels {
            group: "g00".into(),
            first: "no_tumor".into(),
            second: "tumor".into()
        }
    );
    let names = assign(&items(&rows), HOLDOUT, MixedGroups::Allow, Seed(1)).unwrap();
    assert_eq!(names[0], names[12]);
}

#[test]
fn sources_become_folds_in_the_order_of_their_names() {
    let rows: Vec<Row> = vec![
        ("g0".into(), "tumor", "b"),
        ("g1".into(), "tumor", "a"),
        ("g2".into(), "no_tumor", "c"),
    ];
    let names = split(&rows, SplitPlan::LeaveOneSourceOut, 1).unwrap();
    assert_eq!(
        names,
        [SplitName::Fold(1), SplitName::Fold(0), SplitName::Fold(2)]
    );
    let one: Vec<Row> = vec![("g0".into(), "tumor", "a")];
    assert_eq!(
        split(&one, SplitPlan::LeaveOneSourceOut, 1),
        Err(SplitError::TooFewSources { found: 1 })
    );
}

#[test]
fn copies_in_another_source_neither_train_nor_choose() {
    let mut rows: Vec<Row> = (0..24)
        .map(|i| (format!("g{i}"), LABELS[i % 2], SOURCES[i % 3]))
        .collect();
    rows.push(("g0".into(), LABELS[0], "b")); // g0 is of source a
    assert!(matches!(
        split(&rows, SplitPlan::LeaveOneSourceOut, 1),
        Err(SplitError::SpansSources { count: 1, .. })
    ));
    let parts = leave_source_out(&items(&rows), "a", 0.25, MixedGroups::Refuse, Seed(1)).unwrap();
    for ((_, _, source), part) in rows.iter().zip(&parts).take(24) {
        assert_eq!(*source == "a", *part == Some(Part::Test));
    }
    assert_eq!(parts[24], None);
    assert_eq!(
        parts
            .iter()
            .filter(|p| **p == Some(Part::Validation))
            .count(),
        4
    );
    let error =
        leave_source_out(&items(&rows), "d", 0.25, MixedGroups::Refuse, Seed(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "source 'd' is not in the dataset; there are: a, b, c"
    );
}

#[test]
fn plans_out_of_range_and_empty_input_are_refused() {
    let rows: Vec<Row> = vec![("g0".into(), "tumor", "a")];
    let holdout = |train, validation, test| SplitPlan::Holdout {
        train,
        validation,
        test,
    };
    for plan in [
        holdout(0.0, 0.5, 0.5),
        holdout(0.5, -0.1, 0.6),
        holdout(f64::NAN, 0.1, 0.1),
        holdout(0.5, 0.2, 0.2),
        holdout(0.9, 0.1, 0.0),
        SplitPlan::KFold { k: 1 },
        SplitPlan::KFold { k: 101 },
    ] {
        assert!(
            matches!(split(&rows, plan, 1), Err(SplitError::Plan { .. })),
            "{plan:?}"
        );
    }
    assert_eq!(split(&[], HOLDOUT, 1), Err(SplitError::Empty));
    assert_eq!(
        split(&[(String::new(), "tumor", "a")], HOLDOUT, 1),
        Err(SplitError::NoGroup { index: 0 })
    );
    let folds = [SplitName::Part(Part::Train)];
    assert!(matches!(
        rotate(&items(&rows), &folds, 0, 0.1, MixedGroups::Refuse, Seed(1)),
        Err(SplitError::NotFolds { .. })
    ));
}
