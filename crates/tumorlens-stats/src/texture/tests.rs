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

/// Names of MIRP by ours. Its percentiles are the IBSI's; ours interpolate, and are worked out by hand below.
const PAIRS: [(&str, &str); 36] = [
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
        "co-occurrence normalised inverse difference",
        "cm_inv_diff_norm_d1_2d_s_mrg",
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
    ("run length grey level variance", "rlm_gl_var_2d_s_mrg"),
    ("run length variance", "rlm_rl_var_2d_s_mrg"),
    ("run length entropy", "rlm_rl_entr_2d_s_mrg"),
];

/// The four slices of the digital phantom of the IBSI, 0 outside of its region (Zwanenburg et al. 2020, CC BY 4.0).
const PHANTOM: [[u16; 20]; 4] = [
    [1, 4, 4, 1, 1, 1, 4, 6, 1, 1, 4, 1, 6, 4, 1, 4, 4, 6, 4, 1],
    [1, 4, 4, 1, 1, 1, 1, 6, 1, 1, 0, 1, 3, 1, 1, 4, 4, 6, 1, 1],
    [1, 4, 4, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 6, 1, 1],
    [1, 4, 4, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 6, 1, 1],
];

/// What the IBSI agreed on for it: of all voxels together, and of matrices by slice with merged directions, the mean over slices.
const AGREED: [(&str, f64); 33] = [
    ("intensity mean", 2.15),
    ("intensity variance", 3.05),
    ("intensity skewness", 1.08),
    ("intensity kurtosis", -0.355),
    ("intensity median", 1.0),
    ("intensity 10th percentile", 1.0),
    ("intensity 90th percentile", 4.0),
    ("intensity interquartile range", 3.0),
    ("intensity range", 5.0),
    ("intensity mean absolute deviation", 1.55),
    ("intensity median absolute deviation", 1.15),
    ("intensity coefficient of variation", 0.812),
    ("intensity quartile coefficient of dispersion", 0.6),
    ("intensity root mean square", 2.77),
    ("histogram entropy", 1.27),
    ("histogram uniformity", 0.512),
    ("co-occurrence joint maximum", 0.512),
    ("co-occurrence joint variance", 2.71),
    ("co-occurrence joint entropy", 2.24),
    ("co-occurrence difference average", 1.4),
    ("co-occurrence difference entropy", 1.49),
    ("co-occurrence angular second moment", 0.352),
    ("co-occurrence contrast", 5.19),
    ("co-occurrence inverse difference", 0.683),
    ("co-occurrence normalised inverse difference", 0.854),
    ("co-occurrence inverse difference moment", 0.625),
    ("co-occurrence correlation", 0.0173),
    ("run length short runs emphasis", 0.661),
    ("run length long runs emphasis", 3.51),
    ("run length low grey level emphasis", 0.609),
    ("run length high grey level emphasis", 9.74),
    ("run length percentage", 0.627),
    ("run length entropy", 2.57),
];

fn levels(of: &[u16], width: usize) -> Levels {
    Levels {
        of: of.to_vec(),
        width,
        count: 6,
    }
}

#[test]
fn the_digital_phantom_of_the_ibsi_has_the_values_that_were_agreed_on() {
    let all = PHANTOM.concat();
    let values: Vec<f32> = all.iter().map(|l| f32::from(*l)).collect();
    let inside: Vec<bool> = all.iter().map(|l| *l > 0).collect();
    let region = Region::new(&values, &inside, 5).unwrap();
    let mut found: BTreeMap<&str, f64> = statistics::of_values(&region).into_iter().collect();
    found.extend(statistics::of_levels(&levels(&all, 5)));
    for slice in PHANTOM {
        let slice = levels(&slice, 5);
        let mut matrices = co_occurrence::features(&slice);
        matrices.extend(run_length::features(&slice));
        for (name, value) in matrices {
            *found.entry(name).or_default() += value / PHANTOM.len() as f64;
        }
    }
    for (name, agreed) in AGREED {
        // Three digits are published.
        let digit = 10f64.powf(agreed.abs().log10().floor() - 2.0);
        let off = (found[name] - agreed).abs();
        assert!(
            off <= 0.51 * digit,
            "{name} is {}, agreed {agreed}",
            found[name]
        );
    }
}

#[test]
fn percentiles_lie_between_values_and_levels_are_as_many_as_asked_and_equally_wide() {
    // 0, 1, ..., 10: the tenth percentile is 1, the quartiles 2.5 and 7.5.
    let values: Vec<f32> = (0..11).map(|v| v as f32).collect();
    let region = Region::new(&values, &[true; 11], 11).unwrap();
    let found: BTreeMap<_, _> = statistics::of_values(&region).into_iter().collect();
    assert_eq!(found["intensity 10th percentile"], 1.0);
    assert_eq!(found["intensity 90th percentile"], 9.0);
    assert_eq!(found["intensity interquartile range"], 5.0);
    assert_eq!(found["intensity quartile coefficient of dispersion"], 0.5);
    // Five levels of width 2; the largest value belongs to the last (IBSI 2.7).
    let levels = region.levels(5);
    assert_eq!(levels.of, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5]);
}

#[test]
fn patterns_count_the_neighbours_that_are_at_least_as_bright_where_they_lie_together() {
    let pattern = |image: [u8; 9]| {
        let values = image.map(f32::from);
        let region = Region::new(&values, &[true; 9], 3).unwrap();
        let found = local_pattern::features(&region);
        let (name, share) = found.into_iter().find(|(_, share)| *share > 0.0).unwrap();
        assert_eq!(share, 1.0);
        name
    };
    assert_eq!(
        pattern([1, 1, 1, 1, 5, 1, 1, 1, 1]),
        "pattern 0 of 8 brighter"
    );
    assert_eq!(
        pattern([5, 5, 5, 5, 1, 5, 5, 5, 5]),
        "pattern 8 of 8 brighter"
    );
    assert_eq!(
        pattern([1, 5, 5, 1, 5, 5, 1, 5, 5]),
        "pattern 5 of 8 brighter"
    );
    assert_eq!(
        pattern([9, 1, 9, 1, 5, 1, 9, 1, 9]),
        "pattern without order"
    );
}

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
