//! Copies: what is recognised, what is not, and how far that agrees with reference groups of public sets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "shared/alter.rs"]
mod alter;
#[path = "shared/head.rs"]
mod head;

use alter::{crop, recolour, recompress, sharpen};
use head::{Head, mirror};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tumorlens_core::GreyImage;
use tumorlens_data::fingerprint::Fingerprint;
use tumorlens_data::format::raster::decode_file;
use tumorlens_data::group::{CopyKind, find_copies};
use tumorlens_data::limits::Limits;

fn prints(images: &[GreyImage]) -> Vec<Fingerprint> {
    images.iter().map(Fingerprint::of).collect()
}

#[test]
fn a_slice_is_recognised_after_what_people_do_to_pictures() {
    let head = Head::new(1);
    let original = head.picture(240, 0.1);
    let cases: Vec<(&str, GreyImage, CopyKind)> = vec![
        (
            "the same pixels",
            original.clone(),
            CopyKind::IdenticalPixels,
        ),
        ("made smaller", head.picture(128, 0.1), CopyKind::SameSlice),
        ("made larger", head.picture(512, 0.1), CopyKind::SameSlice),
        ("recompressed", recompress(&original), CopyKind::SameSlice),
        (
            "brighter, clipped",
            recolour(&original, |v| 1.6 * v + 20.0),
            CopyKind::SameSlice,
        ),
        (
            "darker, gamma 1.8",
            recolour(&original, |v| 255.0 * (v / 255.0).powf(1.8)),
            CopyKind::SameSlice,
        ),
        ("sharpened", sharpen(&original, 1.5), CopyKind::SameSlice),
        ("blurred", sharpen(&original, -1.0), CopyKind::SameSlice),
        (
            "border cropped",
            head.picture(240, 0.01),
            CopyKind::SameSlice,
        ),
        ("border padded", head.picture(240, 0.4), CopyKind::SameSlice),
        (
            "border cropped on one side",
            crop(&original, 0.07, 0.0, 0.0, 0.05),
            CopyKind::SameSlice,
        ),
        (
            "cropped into the head",
            crop(&original, 0.13, 0.0, 0.0, 0.0),
            CopyKind::SameSlice,
        ),
        (
            "cropped into the head all round",
            crop(&original, 0.12, 0.12, 0.12, 0.12),
            CopyKind::SameSlice,
        ),
        ("mirrored", mirror(&original), CopyKind::Mirrored),
        (
            "mirrored, smaller, gamma",
            mirror(&recolour(&head.picture(150, 0.05), |v| 16.0 * v.sqrt())),
            CopyKind::Mirrored,
        ),
    ];
    let mut failed = Vec::new();
    for (name, image, kind) in cases {
        let copies = find_copies(&prints(&[original.clone(), image]));
        let found = copies
            .pairs
            .first()
            .map(|pair| (pair.kind, pair.correlation));
        if copies.kin != [0, 0] || found.map(|f| f.0) != Some(kind) {
            failed.push(format!("{name}: {found:?}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn other_slices_stay_apart_although_they_share_outline_and_brightness() {
    let pictures: Vec<GreyImage> = (0..60)
        .map(|seed| Head::new(seed).picture(160, 0.1))
        .collect();
    let copies = find_copies(&prints(&pictures));
    assert_eq!((copies.count(), copies.kin_count()), (60, 60));
    assert_eq!(copies.pairs, []);
}

#[test]
fn groups_do_not_depend_on_the_order_of_the_images_or_the_number_of_threads() {
    let slice = |seed: u64| Head::new(seed).picture(128, 0.1);
    let mut pictures = Vec::new();
    for seed in 0..8 {
        pictures.extend([
            slice(seed),
            mirror(&slice(seed)),
            sharpen(&slice(seed), 1.0),
            crop(&slice(seed), 0.1, 0.1, 0.0, 0.0),
        ]);
    }
    let forward = prints(&pictures);
    let backward: Vec<Fingerprint> = forward.iter().rev().cloned().collect();
    let (found, mut back) = (find_copies(&forward), find_copies(&backward));
    assert_eq!(found.kin, (0..32).map(|i| i / 4).collect::<Vec<_>>());
    back.kin.reverse();
    back.group.reverse();
    for (i, j) in (0..32).flat_map(|i| (0..32).map(move |j| (i, j))) {
        assert_eq!(found.kin[i] == found.kin[j], back.kin[i] == back.kin[j]);
        assert_eq!(
            found.group[i] == found.group[j],
            back.group[i] == back.group[j]
        );
    }
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    assert_eq!(
        single.install(|| find_copies(&forward)),
        find_copies(&forward)
    );
}

#[test]
fn pictures_without_contrast_are_copies_only_when_they_are_identical() {
    let flat = |value: f32| recolour(&Head::new(0).picture(64, 0.1), |_| value);
    let copies = find_copies(&prints(&[flat(0.0), flat(9.0), flat(0.0), flat(255.0)]));
    assert_eq!(copies.group, [0, 1, 0, 2]);
    assert_eq!(find_copies::<Fingerprint>(&[]).count(), 0);
}

#[test]
fn a_fingerprint_survives_a_round_trip_and_stays_small() {
    let print = Fingerprint::of(&Head::new(3).picture(200, 0.1));
    let json = serde_json::to_string(&print).unwrap();
    assert!(json.len() < 13_000, "{} bytes", json.len());
    assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), print);
}

/// An image of a public set with its reference group.
struct Known {
    name: String,
    file: PathBuf,
    group: String,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The images of the sets, or nothing, said plainly, when the data is not there.
fn known(sets: &[&str]) -> Option<Vec<Known>> {
    let data = std::env::var_os("TUMORLENS_DATA")
        .map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let mut images = Vec::new();
    for set in sets {
        let manifest = data.join(set).join("manifest.csv");
        let Ok(mut reader) = csv::Reader::from_path(&manifest) else {
            eprintln!(
                "skipped: {} is not there (set TUMORLENS_DATA)",
                manifest.display()
            );
            return None;
        };
        for row in reader.records() {
            let row = row.unwrap();
            let file = data.join(set).join(&row[0]);
            images.push(Known {
                name: format!("{set}/{}", &row[0]),
                file,
                group: row[2].to_owned(),
            });
        }
    }
    Some(images)
}

/// The links of docs/explanation/copies-disputed.csv, by name: pairs that were looked at and are copies although the
/// reference has them apart.
fn disputed() -> Vec<(String, String)> {
    let mut reader =
        csv::Reader::from_path(root().join("docs/explanation/copies-disputed.csv")).unwrap();
    let name = |row: &csv::StringRecord, i: usize| format!("{}/{}", &row[i], &row[i + 1]);
    reader
        .records()
        .map(|row| row.unwrap())
        .map(|row| (name(&row, 0), name(&row, 2)))
        .collect()
}

/// Reference groups by number, joined along the links where both ends are among the images.
fn reference(images: &[Known], links: &[(String, String)]) -> Vec<usize> {
    let mut number: BTreeMap<&str, usize> = BTreeMap::new();
    let mut group = Vec::new();
    for image in images {
        let next = number.len();
        group.push(*number.entry(&image.group).or_insert(next));
    }
    let position: BTreeMap<&str, usize> = images
        .iter()
        .enumerate()
        .map(|(i, k)| (k.name.as_str(), i))
        .collect();
    for (a, b) in links {
        if let (Some(&a), Some(&b)) = (position.get(a.as_str()), position.get(b.as_str())) {
            let (keep, drop) = (group[a], group[b]);
            group
                .iter_mut()
                .filter(|g| **g == drop)
                .for_each(|g| *g = keep);
        }
    }
    group
}

/// Pair precision and recall of `ours` against `reference`.
fn agreement(ours: &[usize], reference: &[usize]) -> (f64, f64) {
    let (mut both, mut got, mut want) = (0.0, 0.0, 0.0);
    for i in 0..ours.len() {
        for j in i + 1..ours.len() {
            let (o, r) = (ours[i] == ours[j], reference[i] == reference[j]);
            both += f64::from(u8::from(o && r));
            got += f64::from(u8::from(o));
            want += f64::from(u8::from(r));
        }
    }
    (both / got, both / want)
}

/// Groups the sets and prints the agreement with the reference as it is, and with disputed pairs counted apart.
fn check(sets: &[&str], slices: std::ops::RangeInclusive<usize>) {
    let Some(images) = known(sets) else { return };
    let limits = Limits::default();
    let prints: Vec<Fingerprint> = images
        .par_iter()
        .map(|k| Fingerprint::of(&decode_file(&k.file, &limits).unwrap().image))
        .collect();
    let copies = find_copies(&prints);
    // Links run across sets, so that two images of one set may be joined by way of the other: all sets are needed.
    let everything = known(&["navoneel", "br35h"]).unwrap_or_default();
    let joined = reference(&everything, &disputed());
    let of: BTreeMap<&str, usize> = everything
        .iter()
        .zip(joined)
        .map(|(k, g)| (k.name.as_str(), g))
        .collect();
    let reviewed: Vec<usize> = images.iter().map(|k| of[k.name.as_str()]).collect();

    let (raw_precision, raw_recall) = agreement(&copies.group, &reference(&images, &[]));
    let (precision, recall) = agreement(&copies.group, &reviewed);
    println!(
        "{}: {} images, {} slices; reference as it is: precision {raw_precision:.4}, recall {raw_recall:.4}; \
         disputed pairs counted apart: precision {precision:.4}, recall {recall:.4}",
        sets.join(" and "),
        images.len(),
        copies.count()
    );
    assert!(
        slices.contains(&copies.count()),
        "{} slices",
        copies.count()
    );
    assert!(
        raw_recall >= 0.95 && recall >= 0.95,
        "recall {raw_recall} and {recall}"
    );
    assert!(precision >= 0.98, "precision {precision}");
}

#[test]
fn the_reference_groups_of_navoneel_are_found() {
    check(&["navoneel"], 197..=203);
}

#[test]
#[ignore = "3253 images: half a minute in a release build"]
fn the_reference_groups_of_br35h_and_of_both_sets_together_are_found() {
    check(&["br35h"], 470..=510);
    check(&["navoneel", "br35h"], 470..=510);
}
