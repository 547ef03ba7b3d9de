//! What a decision calls, and how it is chosen.

use super::*;

fn scored(logits: &[f32]) -> Vec<ScoredLogits> {
    logits
        .iter()
        .enumerate()
        .map(|(index, &logit)| ScoredLogits {
            index,
            label: ClassIndex(index % 2),
            logits: vec![logit],
            members: vec![],
            features: Features::default(),
        })
        .collect()
}

#[test]
fn members_that_would_call_both_ways_disagree_and_others_do_not() {
    let classes = ClassSet::tumor();
    let mut decision = Decision::uncalibrated("by hand");
    assert_eq!(decision.disagreement(&classes, &[-9.0, 9.0]), None);
    decision.triage = Some(Triage {
        error: 0.05,
        low: Probability::new(0.3).unwrap(),
        high: Probability::new(0.7).unwrap(),
        images: [50, 50],
    });
    let reason = decision.disagreement(&classes, &[-2.0, 0.0, 3.0]).unwrap();
    assert_eq!(reason, "networks disagree: of 3 one says 0.119, one 0.953");
    for agreed in [&[-2.0, 0.5][..], &[0.0, 3.0], &[2.0, 3.0], &[]] {
        assert_eq!(decision.disagreement(&classes, agreed), None, "{agreed:?}");
    }
}

#[test]
fn an_image_is_referred_with_every_reason_and_a_refusal_has_its_own_alone() {
    let classes = ClassSet::tumor();
    let mut decision = Decision::uncalibrated("by hand");
    let p = |p| Probability::new(p).unwrap();
    let call = |decision: &Decision, q: f64, doubt: Option<(Verdict, &str)>| {
        let doubt = doubt.map(|(verdict, reason)| (verdict, reason.to_owned()));
        let call = decision.call(&classes, vec![p(1.0 - q), p(q)], doubt);
        let call = call.unwrap();
        (call.verdict, call.label, call.reason.unwrap_or_default())
    };
    let far = Some((Verdict::Refer, "unusual image: far"));
    let said = |verdict, label: &str, reason: &str| (verdict, label.to_owned(), reason.to_owned());
    assert_eq!(
        call(&decision, 0.6, None),
        said(Verdict::Tumor, "tumor", "")
    );
    assert_eq!(
        call(&decision, 0.4, far),
        said(Verdict::Refer, "no_tumor", "unusual image: far")
    );
    decision.triage = Some(Triage {
        error: 0.05,
        low: p(0.3),
        high: p(0.7),
        images: [50, 50],
    });
    let near = "near the line: 0.600 lies between 0.300 and 0.700";
    assert_eq!(
        call(&decision, 0.6, None),
        said(Verdict::Refer, "tumor", near)
    );
    assert_eq!(
        call(&decision, 0.6, far),
        said(
            Verdict::Refer,
            "tumor",
            &format!("{near}; unusual image: far")
        )
    );
    assert_eq!(
        call(&decision, 0.6, Some((Verdict::Refused, "no head"))),
        said(Verdict::Refused, "tumor", "no head")
    );
    assert_eq!(
        call(&decision, 0.2, None),
        said(Verdict::NoTumor, "no_tumor", "")
    );
    assert!(decision.call(&classes, vec![], None).is_none());
}

#[test]
fn a_temperature_moves_probabilities_but_not_their_order() {
    let classes = ClassSet::tumor();
    let mut decision = Decision::uncalibrated("by hand");
    decision.temperature = Temperature::new(2.0).unwrap();
    let p = |logit: f32| {
        decision
            .judge(&classes, &[logit])
            .unwrap()
            .probability
            .get()
    };
    assert!((p(2.0) - 1.0 / (1.0 + (-1.0f64).exp())).abs() < 1e-12);
    assert!(p(-1.0) < p(0.5));
    assert_eq!(
        decision.judge(&classes, &[0.0]).unwrap().verdict,
        Verdict::Tumor
    );
    assert_eq!(decision.judge(&classes, &[-0.1]).unwrap().label, "no_tumor");
    assert!(decision.judge(&classes, &[f32::NAN]).is_none());
}

#[test]
fn the_default_threshold_separates_validation_images_where_they_are_separable() {
    let decision = Decision::choose(
        &ClassSet::tumor(),
        &scored(&[-3.0, 1.0, -2.0, 2.0, -0.5, 3.0].repeat(ENOUGH / 3 + 1)),
    );
    assert_eq!(decision.default, "youden");
    let threshold = decision.threshold().get();
    let p = |logit: f32| {
        decision
            .probabilities(&ClassSet::tumor(), &[logit])
            .unwrap()[1]
            .get()
    };
    assert!(p(-0.5) < threshold && threshold < p(1.0), "{threshold}");
    assert!(
        decision.calibration.contains("separated without error"),
        "{}",
        decision.calibration
    );
    assert_eq!(decision.operating_points.len(), 3);
}

#[test]
fn a_handful_of_validation_images_does_not_move_the_threshold() {
    let decision = Decision::choose(&ClassSet::tumor(), &scored(&[1.0, 3.0, 0.5, 2.0, 1.5, 4.0]));
    assert_eq!(decision.threshold(), Probability::HALF);
    assert_eq!(decision.operating_points.len(), 3);
}

#[test]
fn without_validation_images_the_threshold_is_one_half() {
    let decision = Decision::choose(&ClassSet::tumor(), &[]);
    assert_eq!(decision.threshold(), Probability::HALF);
    assert!(decision.check().is_ok());
}

#[test]
fn with_three_classes_the_most_probable_one_is_called() {
    let names = ["glioma", "healthy", "meningioma"]
        .map(str::to_owned)
        .to_vec();
    let classes = ClassSet::new(names, "glioma").unwrap();
    let judged = Decision::uncalibrated("by hand")
        .judge(&classes, &[0.0, 1.0, 2.0])
        .unwrap();
    assert_eq!(judged.label, "meningioma");
    assert_eq!(judged.verdict, Verdict::NoTumor, "not the positive class");
    let sum: f64 = judged.probabilities.iter().map(|p| p.get()).sum();
    assert!((sum - 1.0).abs() < 1e-12);
}

#[test]
fn every_type_of_tumor_is_a_tumor_where_one_class_is_none() {
    let names = ["glioma", NO_TUMOR, "meningioma"]
        .map(str::to_owned)
        .to_vec();
    let classes = ClassSet::new(names, "glioma").unwrap();
    let verdict = |logits: [f32; 3]| {
        let judged = Decision::uncalibrated("by hand").judge(&classes, &logits);
        judged.unwrap().verdict
    };
    assert_eq!(verdict([0.0, 1.0, 2.0]), Verdict::Tumor);
    assert_eq!(verdict([3.0, 1.0, 2.0]), Verdict::Tumor);
    assert_eq!(verdict([0.0, 3.0, 2.0]), Verdict::NoTumor);
}

#[test]
fn the_operating_point_in_use_can_be_named_and_an_unknown_one_is_refused() {
    let mut decision = Decision::choose(
        &ClassSet::tumor(),
        &scored(&[-3.0, 1.0, -2.0, 2.0, -0.5, 3.0].repeat(ENOUGH / 3 + 1)),
    );
    decision.use_point("0.5").unwrap();
    assert_eq!(decision.threshold(), Probability::HALF);
    assert!(decision.check().is_ok());
    let reason = decision.use_point("best").unwrap_err();
    assert!(
        reason.contains("'best'") && reason.contains("youden"),
        "{reason}"
    );
    assert_eq!(decision.default, "0.5");
}
