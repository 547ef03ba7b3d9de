//! Toy maps whose figures are known on paper.

use super::*;
use crate::bootstrap::Resampling;
use crate::undefined::Undefined;
use tumorlens_core::{MapLine, Measured, Seed};

/// Four by three pixels, the lesion is the upper left two by two.
const INSIDE: [bool; 12] = [
    true, true, false, false, true, true, false, false, false, false, false, false,
];

fn outlined(map: &[f32; 12]) -> Outlined<'_> {
    Outlined::new(map, &INSIDE, 4, 3).unwrap()
}

fn peak_at(x: usize, y: usize) -> [f32; 12] {
    let mut map = [0.0; 12];
    map[4 * y + x] = 1.0;
    map
}

#[test]
fn the_pointing_game_asks_where_the_peak_lies() {
    assert_eq!(pointing(&outlined(&peak_at(1, 1)), 0.0), Ok(1.0));
    assert_eq!(pointing(&outlined(&peak_at(2, 2)), 0.0), Ok(0.0));
    // (2, 2) is the root of two away from (1, 1).
    assert_eq!(pointing(&outlined(&peak_at(2, 2)), 1.4), Ok(0.0));
    assert_eq!(pointing(&outlined(&peak_at(2, 2)), 1.5), Ok(1.0));
    assert_eq!(pointing(&outlined(&peak_at(3, 2)), 100.0), Ok(1.0));
}

#[test]
fn shared_peaks_hit_by_their_share() {
    let mut map = peak_at(0, 0);
    map[11] = 1.0;
    assert_eq!(pointing(&outlined(&map), 0.0), Ok(0.5));
}

#[test]
fn energy_counts_positive_values_only() {
    let mut map = [0.0; 12];
    (map[0], map[3], map[11]) = (3.0, 1.0, -50.0);
    assert_eq!(energy(&outlined(&map)), Ok(0.75));
}

#[test]
fn iou_compares_the_region_at_the_cut() {
    let mut map = [0.0; 12];
    (map[0], map[1], map[2], map[3]) = (4.0, 3.0, 2.0, 1.0);
    // At half the maximum three pixels are shown, two of them in the lesion of four.
    assert_eq!(
        iou(&outlined(&map), Cut::ShareOfMaximum(0.5)),
        Ok(2.0 / 5.0)
    );
    assert_eq!(iou(&outlined(&map), Cut::Value(3.0)), Ok(2.0 / 4.0));
    assert_eq!(iou(&outlined(&map), Cut::Value(9.0)), Ok(0.0));
}

#[test]
fn a_map_that_is_the_outline_is_perfect_and_its_best_cut_shows_it() {
    let map = INSIDE.map(|inside| if inside { 2.0 } else { 0.5 });
    let perfect = outlined(&map);
    let (cut, mean) = best_cut(&[perfect], Cut::ShareOfMaximum(0.0)).unwrap();
    assert_eq!((cut, mean), (Cut::ShareOfMaximum(1.0), 1.0));
    let (cut, mean) = best_cut(&[perfect], Cut::Value(0.0)).unwrap();
    assert_eq!((cut, mean), (Cut::Value(2.0), 1.0));
    let figures = localise(&perfect, cut);
    assert_eq!(
        figures.figures().map(Measured::get),
        [Some(1.0), Some(2.0 * 4.0 / 12.0), Some(1.0)]
    );
}

#[test]
fn a_line_at_a_share_of_high_maps_divides_maps_of_unlike_heights_that_no_one_value_does() {
    // Halos at half of the lesion's height: that of the bright map is higher than the lesion of the dim one.
    let of = |high: f32| INSIDE.map(|inside| if inside { high } else { high / 2.0 });
    let (dim, bright) = (of(3.0), of(8.0));
    let maps = [outlined(&dim), outlined(&bright)];
    let (_, mean) = best_cut(&maps, Cut::Value(0.0)).unwrap();
    assert!(mean < 0.7, "{mean}");
    let any = Cut::Line(MapLine {
        threshold: 0.0,
        share: 0.0,
    });
    let (cut, mean) = best_cut(&maps, any).unwrap();
    assert!((mean - 1.0).abs() < 1e-12, "{mean}");
    // Of the lines that do it the highest value, so that a map that rises less shows nothing.
    let Cut::Line(MapLine { threshold, share }) = cut else {
        panic!("{cut:?}")
    };
    assert_eq!(threshold.to_bits(), 3.0f32.to_bits());
    assert!(share > 0.5, "{share}");
    assert_eq!(iou(&outlined(&of(2.9)), cut), Ok(0.0));
}

#[test]
fn of_lines_that_do_nearly_as_well_the_highest_is_taken() {
    // Of many maps one shows its lesion lower than the others.
    let plain = INSIDE.map(|inside| if inside { 5.0 } else { 0.0 });
    let low = INSIDE.map(|inside| if inside { 1.0 } else { 0.0 });
    let any = Cut::Line(MapLine {
        threshold: 0.0,
        share: 0.0,
    });
    let of = |many: usize| {
        let mut maps = vec![outlined(&plain); many];
        maps.push(outlined(&low));
        best_cut(&maps, any).unwrap()
    };
    assert!(matches!(of(400), (Cut::Line(line), mean) if line.threshold > 4.9 && mean > 0.995));
    assert!(matches!(of(4), (Cut::Line(line), mean) if line.threshold < 1.1 && mean > 0.999));
}

#[test]
fn a_map_that_points_nowhere_is_undefined_and_not_zero() {
    for flat in [[0.0; 12], [0.7; 12]] {
        let figures = localise(&outlined(&flat), Cut::Value(0.5));
        for figure in figures.figures() {
            assert_eq!(figure, &Measured::undefined("the map points nowhere"));
        }
    }
    assert_eq!(energy(&outlined(&[-1.0; 12])), Err(Undefined::FlatMap));
    assert_eq!(
        best_cut(&[outlined(&[0.0; 12])], Cut::ShareOfMaximum(0.5)),
        Err(Undefined::FlatMap)
    );
    assert_eq!(best_cut(&[], Cut::Value(0.5)), Err(Undefined::NoImage));
}

#[test]
fn what_cannot_be_scored_is_refused() {
    let map = [0.0; 12];
    assert!(matches!(
        Outlined::new(&map[..11], &INSIDE, 4, 3),
        Err(OutlinedError::Shape { what: "map", .. })
    ));
    assert!(matches!(
        Outlined::new(&map, &INSIDE, usize::MAX, 3),
        Err(OutlinedError::Shape { .. })
    ));
    assert!(matches!(
        Outlined::new(&map, &[false; 12], 4, 3),
        Err(OutlinedError::Outline { found: 0, .. })
    ));
    assert!(matches!(
        Outlined::new(&map, &[true; 12], 4, 3),
        Err(OutlinedError::Outline { found: 12, .. })
    ));
    assert!(Outlined::new(&[f32::NAN; 12], &INSIDE, 4, 3).is_err());
    assert!(Outlined::new(&[], &[], 0, 0).is_err());
}

#[test]
fn the_centre_prior_peaks_in_the_middle_and_is_symmetric() {
    let map = centre_prior(5, 3);
    assert_eq!(map.len(), 15);
    assert!((map[7] - 1.0).abs() < 1e-6);
    assert_eq!(map[0], map[14]);
    assert!(map.iter().all(|v| *v <= map[7]));
}

#[test]
fn the_deletion_curve_is_measured_by_its_mean_score() {
    let curve = PerturbationCurve::new(vec![0.0, 0.5, 1.0], vec![1.0, 0.4, 0.0]).unwrap();
    assert!((curve.area() - (0.35 + 0.1)).abs() < 1e-15);
    let json = serde_json::to_string(&curve).unwrap();
    assert_eq!(
        serde_json::from_str::<PerturbationCurve>(&json).unwrap(),
        curve
    );
    assert!(PerturbationCurve::new(vec![0.0, 0.9], vec![1.0, 0.4]).is_err());
    assert!(PerturbationCurve::new(vec![0.0, 1.0], vec![1.0, f64::NAN]).is_err());
    assert!(PerturbationCurve::new(vec![0.0, 1.0], vec![1.0]).is_err());
    assert_eq!(by_importance(&[0.1, 0.9, 0.1, 0.5]), [1, 3, 0, 2]);
}

#[test]
fn the_table_divides_by_lesion_size_and_counts_flat_maps() {
    let big: Vec<bool> = (0..400).map(|i| i < 100).collect();
    let small: Vec<bool> = (0..400).map(|i| i == 37).collect();
    let on_target = |inside: &[bool]| {
        inside
            .iter()
            .map(|v| f32::from(u8::from(*v)))
            .collect::<Vec<_>>()
    };
    let mut images = Vec::new();
    for (i, (inside, map)) in [
        (&big, on_target(&big)),
        (&big, vec![0.0; 400]),
        (&small, on_target(&small)),
        (&small, on_target(&big)),
    ]
    .into_iter()
    .enumerate()
    {
        let outlined = Outlined::new(&map, inside, 20, 20).unwrap();
        let cut = Cut::ShareOfMaximum(0.5);
        images.push(Localised::measure(
            format!("{i}.png"),
            format!("g{i}"),
            &outlined,
            cut,
            cut,
        ));
    }
    let rows = localisation_table(&images, &SizeBins::default(), Resampling::seeded(Seed(1)));
    let names: Vec<_> = rows
        .iter()
        .map(|r| (r.lesions.as_str(), r.images))
        .collect();
    assert_eq!(
        names,
        [
            ("all", 4),
            ("below 1 %", 2),
            ("1 to 3 %", 0),
            ("3 % and more", 2)
        ]
    );
    assert_eq!(rows[0].pointing_nowhere, 1);
    assert_eq!(rows[3].map.iou.get(), Some(1.0));
    assert_eq!(rows[3].chance.pointing.get(), Some(0.25));
    assert_eq!(rows[2].map.iou, Measured::undefined("no image"));
    // Two small lesions: one found exactly, one under a map of 100 pixels that holds it, its peak shared by all.
    assert_eq!(rows[1].map.iou.get(), Some((1.0 + 0.01) / 2.0));
    assert_eq!(rows[1].map.pointing.get(), Some((1.0 + 0.01) / 2.0));
    assert!(rows[0].map.iou.interval().is_some());
}

#[test]
fn maps_that_keep_their_order_correlate_fully() {
    let map = [0.1f32, 0.5, 0.2, 0.9];
    assert_eq!(
        rank_correlation(&map, &map.map(|v| v.powi(3) + 2.0)),
        Ok(1.0)
    );
    assert_eq!(rank_correlation(&map, &map.map(|v| -v)), Ok(-1.0));
    assert_eq!(rank_correlation(&map, &[0.3; 4]), Err(Undefined::FlatMap));
    assert!(rank_correlation(&map, &map[..3]).is_err());
}

#[test]
fn lesion_sizes_must_rise() {
    assert!(SizeBins::new(vec![0.03, 0.01]).is_err());
    assert!(SizeBins::new(vec![0.0]).is_err());
    assert!(serde_json::from_str::<SizeBins>("[0.01,1.5]").is_err());
}
