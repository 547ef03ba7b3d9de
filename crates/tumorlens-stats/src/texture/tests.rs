use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    name: String,
    width: usize,
    levels: Vec<u16>,
    mask: Vec<u8>,
    features: BTreeMap<String, f64>,
}

/// Names of MIRP by ours. Its percentiles are the IBSI's; ours interpolate, and are compared by hand below.
const PAIRS: [(&str, &str); 33] = [
    ("intensity mean", "stat_mean"),
    ("intensity variance", "stat_var"),
    ("intensity skewness", "stat_skew"),
    ("intensity kurtosis", "stat_kurt"),
    ("intensity median", "stat_median"),
    ("intensity range", "stat_range"),
    ("intensity mean absolute deviation", "stat_mad"),
    ("intensity median absolute deviation", "stat_medad"),
    ("intensity coefficient of variation", "stat_cov"),
    ("intensity root mean square", "stat_rms"),
    ("histogram entropy", "ih_entropy"),
    ("histogram uniformity", "ih_uniformity"),
    ("co-occurrence joint maximum", "cm_joint_max_d1_2d_s_mrg"),
    ("co-occurrence joint variance", "cm_joint_var_d1_2d_s_mrg"),
    ("co-occurrence joint entropy", "cm_joint_entr_d1_2d_s_mrg"),
    (
        "co-occurrence difference average",
        "cm_diff_avg_d1_2d_s_mrg",
    ),
    (
        "co-occurrence difference entropy",
        "cm_diff_entr_d1_2d_s_mrg",
    ),
    (
        "co-occurrence angular second moment",
        "cm_energy_d1_2d_s_mrg",
    ),
    ("co-occurrence contrast", "cm_contrast_d1_2d_s_mrg"),
    (
        "co-occurrence inverse difference",
        "cm_inv_diff_d1_2d_s_mrg",
    ),
    (
        "co-occurrence inverse difference moment",
        "cm_inv_diff_mom_d1_2d_s_mrg",
    ),
    ("co-occurrence correlation", "cm_corr_d1_2d_s_mrg"),
    (
        "co-occurrence cluster tendency",
        "cm_clust_tend_d1_2d_s_mrg",
    ),
    ("co-occurrence cluster shade", "cm_clust_shade_d1_2d_s_mrg"),
    (
        "co-occurrence cluster prominence",
        "cm_clust_prom_d1_2d_s_mrg",
    ),
    ("run length short runs emphasis", "rlm_sre_2d_s_mrg"),
    ("run length long runs emphasis", "rlm_lre_2d_s_mrg"),
    ("run length low grey level emphasis", "rlm_lgre_2d_s_mrg"),
    ("run length high grey level emphasis", "rlm_hgre_2d_s_mrg"),
    (
        "run length grey level non-uniformity",
        "rlm_glnu_norm_2d_s_mrg",
    ),
    ("run length non-uniformity", "rlm_rlnu_norm_2d_s_mrg"),
    ("run length percentage", "rlm_r_perc_2d_s_mrg"),
    ("run length entropy", "rlm_rl_entr_2d_s_mrg"),
];

#[test]
fn features_are_those_of_mirp() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../reference/texture/golden.json")).unwrap();
    for case in cases {
        let values: Vec<f32> = case.levels.iter().map(|l| f32::from(*l)).collect();
        let inside: Vec<bool> = case.mask.iter().map(|m| *m > 0).collect();
        let region = Region::new(&values, &inside, case.width).unwrap();
        let levels = Levels {
            of: case
                .levels
                .iter()
                .zip(&inside)
                .map(|(l, i)| if *i { *l } else { 0 })
                .collect(),
            width: case.width,
            count: 6,
        };
        let mut found = statistics::of_values(&region);
        found.extend(statistics::of_levels(&levels));
        found.extend(co_occurrence::features(&levels));
        found.extend(run_length::features(&levels));
        let found: BTreeMap<_, _> = found.into_iter().collect();
        for (ours, theirs) in PAIRS {
            let (found, expected) = (found[ours], case.features[theirs]);
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
                "{}: {ours} is {found}, {theirs} {expected}",
                case.name
            );
        }
    }
}

fn picture(of: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    (0..256).map(|i| of(i % 16, i / 16)).collect()
}

fn named(values: &[f32]) -> BTreeMap<&'static str, f64> {
    let inside = vec![true; values.len()];
    let region = Region::new(values, &inside, 16).unwrap();
    features(&region).into_iter().collect()
}

#[test]
fn scale_and_offset_of_an_image_do_not_change_its_texture() {
    let image = picture(|x, y| ((x * 7 + y * 13) % 11) as f32);
    let other: Vec<f32> = image.iter().map(|v| 40.0 * v + 900.0).collect();
    let (a, b) = (named(&image), named(&other));
    for (name, value) in a.iter().filter(|(name, _)| !name.starts_with("intensity")) {
        assert!((value - b[name]).abs() < 1e-9, "{name}");
    }
}

#[test]
fn stripes_are_rougher_across_than_a_ramp() {
    let stripes = named(&picture(|x, _| (x % 2) as f32));
    let ramp = named(&picture(|x, _| x as f32));
    let contrast = "co-occurrence contrast";
    assert!(stripes[contrast] > 10.0 * ramp[contrast]);
    assert!(stripes["run length long runs emphasis"] > 5.0);
}

#[test]
fn an_even_region_has_finite_features() {
    assert!(named(&picture(|_, _| 5.0)).values().all(|v| v.is_finite()));
}

#[test]
fn regions_that_hold_nothing_are_refused() {
    let values = [1.0; 16];
    let refused = |inside: &[bool], width| Region::new(&values, inside, width).unwrap_err();
    assert_eq!(refused(&[false; 16], 4), RegionError::TooSmall(0));
    assert!(matches!(refused(&[true; 15], 4), RegionError::Shape { .. }));
    assert!(matches!(refused(&[true; 16], 0), RegionError::Shape { .. }));
    let bad = [f32::NAN; 16];
    let found = Region::new(&bad, &[true; 16], 4).unwrap_err();
    assert_eq!(found, RegionError::NotFinite);
}
