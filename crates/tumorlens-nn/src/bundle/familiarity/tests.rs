use super::*;
use rand::RngExt;
use tumorlens_core::Seed;

/// Features whose logarithms are a cloud around a centre, stretched along the first.
fn cloud(seed: u64, count: usize, centre: f32) -> Vec<Features> {
    let mut rng = Seed(seed).rng();
    let mut normal = || (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
    (0..count)
        .map(|_| at([centre + normal(), 0.1 * normal(), centre - 0.1 * normal()]))
        .collect()
}

/// Features with these logarithms.
fn at(logarithms: [f32; 3]) -> Features {
    Features::from(logarithms.map(|l| l.exp() - SILENT).to_vec())
}

fn fitted(sources: usize) -> Familiarity {
    let kinds = [("axial tumor", 0.0), ("axial no_tumor", 6.0)];
    let training: Vec<(String, Features)> = kinds
        .iter()
        .zip(1..)
        .flat_map(|((name, centre), seed)| {
            let all = cloud(seed, 400, *centre);
            all.into_iter().map(|f| ((*name).to_owned(), f))
        })
        .collect();
    Familiarity::fit(&training, &cloud(9, 400, 0.0), sources).unwrap()
}

#[test]
fn distance_is_measured_in_deviations_of_each_direction_from_the_nearest_kind() {
    let familiarity = fitted(1);
    let root = 3f64.sqrt();
    for (features, expected) in [
        ([0.0, 0.0, 0.0], 0.0),
        ([6.0, 0.0, 6.0], 0.0),
        ([2.0, 0.0, 0.0], 2.0 / root),
        ([0.0, 0.2, 0.0], 2.0 / root),
        ([0.0, 0.0, 0.3], 3.0 / root),
    ] {
        let found = familiarity.distance(&at(features));
        assert!((found - expected).abs() < 0.2, "{features:?}: {found}");
    }
    assert_eq!(familiarity.kinds.len(), 2);
    assert!(familiarity.distance(&vec![1.0].into()).is_infinite());
}

#[test]
fn fewer_than_one_usual_image_in_a_hundred_is_unusual_and_a_far_one_is_refused() {
    let several = fitted(2);
    let doubts = cloud(77, 4000, 0.0)
        .iter()
        .filter(|f| several.doubt(f) != Doubt::Usual)
        .count();
    assert!(doubts < 40, "{doubts} of 4000");
    let unusual = at([0.0, 0.6, 0.0]);
    assert!(matches!(several.doubt(&unusual), Doubt::Unusual(_)));
    let far = at([0.0, 0.0, 1.2]);
    let refused = several.doubt(&far);
    assert!(
        matches!(refused, Doubt::Unlike(times) if times > 2.0),
        "{refused:?}"
    );
    assert!(refused.reason().unwrap().contains("unlike the brain MRI"));
    // Who learnt from one source alone knows little of how others look.
    assert!(matches!(fitted(1).doubt(&far), Doubt::Unusual(_)));
}

#[test]
fn what_cannot_be_fitted_says_why() {
    let named = |all: Vec<Features>| -> Vec<(String, Features)> {
        all.into_iter().map(|f| (String::new(), f)).collect()
    };
    let fit = |training, calibration: Vec<Features>| {
        Familiarity::fit(&named(training), &calibration, 1).unwrap_err()
    };
    let few = fit(cloud(1, 5, 0.0), cloud(2, 5, 0.0));
    assert_eq!(
        few,
        FamiliarityError::TooFew {
            found: 5,
            features: 3
        }
    );
    let mut broken = cloud(1, 50, 0.0);
    broken[3] = vec![1.0, f32::NAN, 1.0].into();
    assert_eq!(fit(broken, cloud(2, 5, 0.0)), FamiliarityError::NotFinite);
    assert_eq!(
        fit(cloud(1, 50, 0.0), vec![]),
        FamiliarityError::NoCalibration
    );
}

#[test]
fn a_feature_that_never_varies_does_no_harm_and_a_part_that_does_not_fit_is_refused() {
    let still = cloud(1, 100, 0.0).into_iter().map(|f| {
        let varied = f.all();
        vec![varied[0], 2.0, varied[2]].into()
    });
    let still: Vec<Features> = still.collect();
    let named: Vec<(String, Features)> = still.iter().map(|f| (String::new(), f.clone())).collect();
    let familiarity = Familiarity::fit(&named, &still, 1).unwrap();
    assert!(
        familiarity
            .distance(&vec![1.0, 2.0, 1.0].into())
            .is_finite()
    );
    assert_eq!(familiarity.check(3, 3), Ok(()));
    assert!(familiarity.check(4, 4).is_err());
    let mut torn = familiarity;
    torn.whitening.pop();
    assert!(torn.check(3, 3).is_err());
}

#[test]
fn a_decoy_near_the_training_images_is_refused_as_a_stranger_and_one_a_little_like_it_is_unusual() {
    let mut familiarity = fitted(2);
    // Along the first feature training images vary so much that no distance tells these.
    let (heads, decoys) = (cloud(1, 400, 0.0), cloud(5, 200, 3.0));
    let others = cloud(9, 400, 0.0);
    familiarity.learn_strangers(
        &heads.iter().collect::<Vec<_>>(),
        &decoys.iter().collect::<Vec<_>>(),
        &others.iter().collect::<Vec<_>>(),
    );
    assert!(matches!(
        familiarity.doubt(&at([0.0, 0.0, 0.0])),
        Doubt::Usual
    ));
    let refused = familiarity.doubt(&at([3.0, 0.0, 3.0]));
    assert!(refused.refuses(), "{refused:?}");
    assert!(refused.reason().unwrap().contains("no head"));
    assert_eq!(familiarity.check(3, 3), Ok(()));
    assert!(familiarity.check(3, 4).is_err());
    // Features that are no numbers are refused, not let through.
    assert!(familiarity.doubt(&vec![f32::NAN; 3].into()).refuses());
}

#[test]
fn what_a_guard_says_is_added_to_what_the_features_say() {
    let said = |features: [f32; 3], logit: f32| at(features).with_guard(logit);
    let mut familiarity = fitted(2);
    let (heads, decoys) = (cloud(1, 400, 0.0), cloud(5, 200, 3.0));
    let others: Vec<Features> = cloud(9, 400, 0.0)
        .into_iter()
        .map(|features| features.with_guard(-3.0))
        .collect();
    familiarity.learn_strangers(
        &heads.iter().collect::<Vec<_>>(),
        &decoys.iter().collect::<Vec<_>>(),
        &others.iter().collect::<Vec<_>>(),
    );
    let middle = [0.0; 3];
    let Doubt::Stranger(lone) = familiarity.doubt(&said(middle, 50.0)) else {
        panic!("a guard that is sure refuses whatever lies among the training images");
    };
    let more = familiarity.doubt(&said(middle, 51.0));
    assert!(matches!(more, Doubt::Stranger(b) if (b.score - lone.score - 1.0).abs() < 1e-4));
    assert_eq!(familiarity.doubt(&said(middle, -3.0)), Doubt::Usual);
    assert!(familiarity.doubt(&said(middle, f32::NAN)).refuses());
    // Nor does what a guard finds head-like refuse it alone.
    assert!(familiarity.doubt(&at([3.0, 0.0, 3.0])).refuses());
    assert!(!matches!(
        familiarity.doubt(&said([3.0, 0.0, 3.0], -90.0)),
        Doubt::Stranger(_)
    ));
    // A site whose scans the guard finds odd makes them usual.
    let site = said(middle, 50.0);
    familiarity.widen(&[&site; 30]);
    assert_eq!(familiarity.doubt(&said(middle, 49.0)), Doubt::Usual);
}
