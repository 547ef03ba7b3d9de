//! What is proposed for what.

use super::*;
use std::collections::BTreeMap;

fn fingerprint() -> Fingerprint {
    Fingerprint {
        images: 2000,
        units: 400,
        classes: BTreeMap::from([("no_tumor".into(), 1000), ("tumor".into(), 1000)]),
        sources: BTreeMap::from([("a".into(), 2000)]),
        one_class: vec![],
        outlined: 0,
        planes: BTreeMap::from([("unknown".into(), 2000)]),
        subjects: false,
        median_side: Some(256),
    }
}

fn reason(plan: &Plan, field: &str) -> Option<String> {
    let found = plan.choices.iter().find(|c| c.field == field);
    found.map(|c| format!("{}: {}", c.value, c.reason))
}

#[test]
fn every_choice_stands_in_the_configuration_with_its_reason() {
    let plan = Plan::from(fingerprint());
    assert_eq!(plan.config.train.epochs, 35);
    assert_eq!(plan.config.preprocess.size, 96);
    assert!(plan.config.exchange.is_off());
    for choice in &plan.choices {
        assert!(plan.config.plan[choice.field].contains(&choice.reason));
    }
    let text = plan.config.to_toml().unwrap();
    assert!(text.contains("[plan]"), "{text}");
    assert_eq!(toml::from_str::<RunConfig>(&text).unwrap(), plan.config);
}

#[test]
fn subjects_small_images_and_few_units_change_it() {
    let plan = Plan::from(Fingerprint {
        subjects: true,
        median_side: Some(70),
        ..fingerprint()
    });
    assert_eq!(plan.config.train.sampling.images, Images::All);
    assert_eq!(plan.config.train.epochs, 12);
    assert_eq!(plan.config.preprocess.size, 64);
}

#[test]
fn halves_are_compared_unless_most_images_show_heads_from_the_side() {
    for (sagittal, compared) in [(0, true), (1000, true), (1001, false), (2000, false)] {
        let planes = [("sagittal", sagittal), ("unknown", 2000 - sagittal)];
        let plan = Plan::from(Fingerprint {
            planes: planes.map(|(name, n)| (name.into(), n)).into(),
            ..fingerprint()
        });
        assert_eq!(plan.config.preprocess.asymmetry, compared, "{sagittal}");
        let said = reason(&plan, "preprocess.asymmetry").unwrap();
        assert_eq!(said.starts_with("yes"), compared, "{said}");
    }
}

#[test]
fn classes_are_shown_equally_often_where_one_is_rare() {
    for (rarer, balance) in [(666, Balance::Classes), (667, Balance::None)] {
        let counts = [("no_tumor".into(), rarer), ("tumor".into(), 2000 - rarer)];
        let plan = Plan::from(Fingerprint {
            classes: BTreeMap::from(counts),
            ..fingerprint()
        });
        assert_eq!(plan.config.train.sampling.balance, balance, "{rarer}");
    }
}

#[test]
fn few_groups_are_kept_from_being_learnt_by_heart() {
    let mixed = |units: usize| {
        let plan = Plan::from(Fingerprint {
            units,
            ..fingerprint()
        });
        assert_eq!(reason(&plan, "train.mixup").is_some(), units < FEW);
        plan.config.train.mixup > 0.0
    };
    assert!(mixed(150) && mixed(FEW - 1) && !mixed(FEW));
}

#[test]
fn a_source_of_one_class_is_met_with_exchange_where_there_are_outlines() {
    let mixed = Fingerprint {
        sources: BTreeMap::from([("a".into(), 1000), ("b".into(), 1000)]),
        one_class: vec!["b".into()],
        outlined: 500,
        ..fingerprint()
    };
    let plan = Plan::from(mixed.clone());
    assert!(!plan.config.exchange.is_off());
    assert_eq!(plan.config.train.epochs, 35);
    let many = Plan::from(Fingerprint {
        units: 4000,
        ..mixed.clone()
    });
    assert_eq!(many.config.train.epochs, 25);
    assert_eq!(plan.config.calibration.views, 4);
    let few = Plan::from(Fingerprint {
        outlined: 10,
        ..mixed
    });
    assert!(few.config.exchange.is_off());
    assert!(reason(&few, "exchange").unwrap().contains("too few"));
}

#[test]
fn cells_of_the_map_compete_where_there_are_outlines() {
    for outlined in [0, 1] {
        let plan = Plan::from(Fingerprint {
            outlined,
            ..fingerprint()
        });
        let weight = plan.config.train.loss.outline_pointing;
        assert_eq!(weight > 0.0, outlined > 0);
        let said = reason(&plan, "train.loss.outline_pointing");
        assert_eq!(said.is_some(), outlined > 0);
    }
}
