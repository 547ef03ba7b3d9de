//! Phantoms are what they say they are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tumorlens_core::{ClassSet, PreprocessSpec};
use tumorlens_core::{Quiet, SampleSource, Seed, View};
use tumorlens_data::format::raster::decode_file;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::phantom::{
    PhantomSlice, PhantomSpec, TrapKind, Traps, generate, write_dataset,
};
use tumorlens_data::source::{DatasetSource, SourceError};
use tumorlens_data::transform::AugmentConfig;

fn small(subjects: usize, slices: usize, traps: Traps) -> PhantomSpec {
    PhantomSpec {
        subjects,
        slices,
        size: 64,
        traps,
        ..PhantomSpec::default()
    }
}

fn slices(spec: &PhantomSpec, seed: u64) -> Vec<PhantomSlice> {
    generate(spec, Seed(seed)).unwrap().collect()
}

#[test]
fn the_same_seed_gives_the_same_pictures_and_another_seed_others() {
    let spec = small(3, 2, Traps::default());
    let spec = PhantomSpec {
        traps: Traps {
            byte_copies: 1,
            rescaled: 1,
            mirrored: 1,
            label_conflicts: 1,
        },
        ..spec
    };
    assert_eq!(slices(&spec, 1), slices(&spec, 1));
    assert_ne!(slices(&spec, 1)[0].image, slices(&spec, 2)[0].image);
}

#[test]
fn names_are_unique_labels_follow_the_share_and_outlines_follow_the_labels() {
    let spec = PhantomSpec {
        tumor_share: 0.4,
        ..small(10, 2, Traps::none())
    };
    let slices = slices(&spec, 3);
    let names: BTreeSet<&str> = slices.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names.len(), 20);
    let tumors: BTreeSet<&str> = slices
        .iter()
        .filter(|s| s.has_tumor)
        .map(|s| s.subject.as_str())
        .collect();
    assert_eq!(tumors.len(), 4);
    for slice in &slices {
        assert_eq!(slice.has_tumor, slice.label() == "tumor", "{}", slice.name);
        assert_eq!(slice.has_tumor, slice.lesion.is_some());
        assert_eq!(slice.has_tumor, !slice.mask.is_empty(), "{}", slice.name);
        assert!(
            slice
                .image
                .values()
                .iter()
                .all(|v| v.fract() == 0.0 && (0.0..=255.0).contains(v))
        );
        let (low, high) = slice.image.range().unwrap();
        assert!(high - low > 100.0, "{} has no contrast", slice.name);
    }
}

#[test]
fn a_lesion_lies_in_the_head_and_changes_the_picture() {
    let with = PhantomSpec {
        tumor_share: 1.0,
        ..small(8, 1, Traps::none())
    };
    let without = PhantomSpec {
        tumor_share: 0.0,
        ..with.clone()
    };
    for (ill, healthy) in slices(&with, 5).iter().zip(slices(&without, 5)) {
        // The same head in the same slice, noise included: what differs is the lesion and what it pushed.
        assert_eq!(
            (ill.plane, ill.weighting),
            (healthy.plane, healthy.weighting)
        );
        let difference = |inside: bool| {
            let pixels = ill
                .image
                .values()
                .iter()
                .zip(healthy.image.values())
                .zip(ill.mask.values());
            let chosen: Vec<f32> = pixels
                .filter(|(_, m)| **m == inside)
                .map(|((a, b), _)| (a - b).abs())
                .collect();
            chosen.iter().sum::<f32>() / chosen.len() as f32
        };
        assert!(difference(true) > 3.0 * difference(false), "{}", ill.name);
    }
}

#[test]
fn every_slice_of_a_head_shows_its_one_lesion() {
    let spec = PhantomSpec {
        tumor_share: 1.0,
        ..small(12, 4, Traps::none())
    };
    let mut kinds: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
    for slice in slices(&spec, 11) {
        assert!(
            slice.mask.area() >= 4,
            "{}: {} pixels",
            slice.name,
            slice.mask.area()
        );
        kinds.entry(slice.subject).or_default().insert(slice.lesion);
    }
    assert!(kinds.values().all(|k| k.len() == 1));
    let all: BTreeSet<_> = kinds.values().flatten().collect();
    assert_eq!(all.len(), 3, "twelve heads show every kind");
}

#[test]
fn mean_brightness_and_size_of_the_head_hardly_tell_the_classes_apart() {
    let spec = PhantomSpec {
        tumor_share: 0.5,
        ..small(120, 1, Traps::none())
    };
    let slices = slices(&spec, 7);
    let features: [(&str, fn(&PhantomSlice) -> f64); 3] = [
        ("mean", |s| {
            s.image.values().iter().map(|v| f64::from(*v)).sum()
        }),
        ("head", |s| {
            s.image.values().iter().filter(|v| **v > 40.0).count() as f64
        }),
        ("brightest", |s| {
            f64::from(s.image.range().map_or(0.0, |(_, high)| high))
        }),
    ];
    for (name, feature) in features {
        let of = |tumor| -> Vec<f64> {
            slices
                .iter()
                .filter(|s| s.has_tumor == tumor)
                .map(feature)
                .collect()
        };
        let (ill, healthy) = (of(true), of(false));
        let wins: f64 = ill
            .iter()
            .flat_map(|a| {
                healthy
                    .iter()
                    .map(move |b| f64::from(u8::from(a > b)) + 0.5 * f64::from(u8::from(a == b)))
            })
            .sum();
        let auroc = wins / (ill.len() * healthy.len()) as f64;
        // 60 against 60: the standard error of chance is 0.053.
        assert!((0.33..=0.67).contains(&auroc), "{name}: AUROC {auroc}");
    }
}

#[test]
fn traps_are_planted_as_asked_and_their_truth_is_known() {
    let traps = Traps {
        byte_copies: 2,
        rescaled: 2,
        mirrored: 2,
        label_conflicts: 1,
    };
    let spec = small(4, 2, traps);
    let all = slices(&spec, 9);
    assert_eq!(all.len(), spec.len());
    let mut originals = BTreeSet::new();
    for copy in &all[8..] {
        let trap = copy.trap.as_ref().unwrap();
        let original = all[..8].iter().find(|s| s.name == trap.original).unwrap();
        assert!(originals.insert(&trap.original), "a slice was copied twice");
        assert_eq!(copy.subject, original.subject);
        match trap.kind {
            TrapKind::ByteCopy => assert_eq!(
                (&copy.image, copy.label()),
                (&original.image, original.label())
            ),
            TrapKind::LabelConflict => {
                assert_eq!(copy.image, original.image);
                assert_ne!(copy.label(), original.label());
            }
            TrapKind::Rescaled => assert_ne!(copy.image.size(), original.image.size()),
            TrapKind::Mirrored => {
                let width = copy.image.width();
                for (i, value) in copy.image.values().iter().enumerate() {
                    let mirrored = original.image.values()[i - i % width + width - 1 - i % width];
                    assert!((value - mirrored).abs() <= 4.0);
                }
                assert_eq!(copy.mask.area(), original.mask.area());
            }
        }
    }
    let count = |kind| {
        all.iter()
            .filter(|s| s.trap.as_ref().is_some_and(|t| t.kind == kind))
            .count()
    };
    assert_eq!(
        [
            TrapKind::ByteCopy,
            TrapKind::Rescaled,
            TrapKind::Mirrored,
            TrapKind::LabelConflict
        ]
        .map(count),
        [2, 2, 2, 1]
    );
}

#[test]
fn specifications_out_of_range_are_refused() {
    for (field, spec) in [
        (
            "subjects",
            PhantomSpec {
                subjects: 0,
                ..PhantomSpec::default()
            },
        ),
        (
            "size",
            PhantomSpec {
                size: 16,
                ..PhantomSpec::default()
            },
        ),
        (
            "slices",
            PhantomSpec {
                slices: 101,
                ..PhantomSpec::default()
            },
        ),
        (
            "tumor_share",
            PhantomSpec {
                tumor_share: f32::NAN,
                ..PhantomSpec::default()
            },
        ),
        ("traps", small(1, 1, Traps::default())),
    ] {
        let error = generate(&spec, Seed(1)).err().unwrap();
        assert_eq!(error.field, field);
    }
}

fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path)
        .unwrap()
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Rows of the written table as a dataset would have them.
fn rows(dir: &Path) -> Vec<ManifestRow> {
    let row = |r: BTreeMap<String, String>| ManifestRow {
        path: r["path"].clone(),
        label: r["label"].clone(),
        group: r["path"].clone(),
        mask: r["mask"].clone(),
        ..ManifestRow::default()
    };
    table(&dir.join("manifest.csv"))
        .into_iter()
        .map(row)
        .collect()
}

#[test]
fn the_written_folder_holds_the_generated_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let spec = small(
        3,
        2,
        Traps {
            byte_copies: 1,
            rescaled: 1,
            mirrored: 0,
            label_conflicts: 1,
        },
    );
    write_dataset(dir.path(), &spec, Seed(4), &Quiet).unwrap();
    let truth = table(&dir.path().join("truth.csv"));
    let manifest = table(&dir.path().join("manifest.csv"));
    assert_eq!((truth.len(), manifest.len()), (9, 9));
    for ((slice, truth), row) in slices(&spec, 4).iter().zip(&truth).zip(&manifest) {
        assert_eq!(
            (&row["path"], &row["label"]),
            (&truth["path"], &truth["label"])
        );
        assert_eq!(row["subject"].is_empty(), slice.trap.is_some());
        let picture = decode_file(&dir.path().join(&row["path"]), &Default::default()).unwrap();
        assert_eq!(picture.image, slice.image);
        let lesion = slice.has_tumor && row["label"] == "tumor";
        assert_eq!(row["mask"].is_empty(), !lesion);
        if !row["mask"].is_empty() {
            let mask = decode_file(&dir.path().join(&row["mask"]), &Default::default())
                .unwrap()
                .image;
            assert!(
                mask.values()
                    .iter()
                    .zip(slice.mask.values())
                    .all(|(v, m)| (*v == 255.0) == *m)
            );
        }
        assert_eq!(truth["lesion_pixels"], slice.mask.area().to_string());
    }
    let bytes = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    let copy = truth.iter().find(|t| t["trap"] == "byte_copy").unwrap();
    let original = truth
        .iter()
        .find(|t| t["path"].ends_with(&format!("{}.png", copy["copy_of"])))
        .unwrap();
    assert_eq!(bytes(&copy["path"]), bytes(&original["path"]));
}

#[test]
fn a_source_loads_the_same_bytes_with_and_without_its_cache_and_from_any_thread() {
    let dir = tempfile::tempdir().unwrap();
    write_dataset(dir.path(), &small(4, 1, Traps::none()), Seed(2), &Quiet).unwrap();
    let rows = rows(dir.path());
    let spec = PreprocessSpec {
        size: 48,
        channels: 3,
        ..PreprocessSpec::default()
    };
    let open = || {
        DatasetSource::new(
            dir.path(),
            &rows,
            &ClassSet::tumor(),
            &spec,
            &AugmentConfig::default(),
        )
        .unwrap()
    };
    let (kept, fresh) = (open(), open().with_cache_limit(0));
    assert_eq!((kept.len(), kept.shape()), (4, [3, 48, 48]));
    for view in [
        View::Plain,
        View::Augmented(Seed(5)),
        View::Augmented(Seed(6)),
    ] {
        let load = |source: &DatasetSource| -> Vec<_> {
            (0..4).map(|i| source.load(i, view).unwrap()).collect()
        };
        let first = load(&kept);
        assert_eq!(load(&kept), first);
        assert_eq!(load(&fresh), first);
        let elsewhere = std::thread::scope(|s| s.spawn(|| load(&kept)).join().unwrap());
        assert_eq!(elsewhere, first);
    }
    assert_ne!(
        kept.load(0, View::Augmented(Seed(5))),
        kept.load(0, View::Augmented(Seed(6)))
    );
}

#[test]
fn outlines_of_tumors_are_loaded_and_those_of_healthy_heads_are_empty() {
    let dir = tempfile::tempdir().unwrap();
    write_dataset(dir.path(), &small(4, 1, Traps::none()), Seed(2), &Quiet).unwrap();
    let mut rows = rows(dir.path());
    let classes = ClassSet::tumor();
    let spec = PreprocessSpec {
        size: 48,
        ..PreprocessSpec::default()
    };
    let open = |rows: &[ManifestRow]| {
        DatasetSource::new(dir.path(), rows, &classes, &spec, &AugmentConfig::none())
    };
    let source = open(&rows).unwrap();
    for i in 0..4 {
        let sample = source.load(i, View::Plain).unwrap();
        let area: f32 = sample.mask.unwrap().iter().sum();
        assert_eq!(area > 0.0, sample.label == classes.positive());
        assert!(source.info(i).has_mask);
    }
    let tumor = rows.iter().position(|r| r.label == "tumor").unwrap();
    rows[tumor].mask.clear();
    let source = open(&rows).unwrap();
    assert_eq!(source.load(tumor, View::Plain).unwrap().mask, None);
    assert!(!source.info(tumor).has_mask);

    rows[tumor].path = "tumor/gone.png".to_owned();
    let error = open(&rows).unwrap().load(tumor, View::Plain).unwrap_err();
    assert_eq!(error.path, "tumor/gone.png");
    rows[tumor].label = "maybe".to_owned();
    assert!(matches!(open(&rows), Err(SourceError::UnknownLabel { .. })));
}

#[test]
fn an_outline_of_another_size_but_the_same_shape_is_fitted() {
    let dir = tempfile::tempdir().unwrap();
    write_dataset(dir.path(), &small(4, 1, Traps::none()), Seed(2), &Quiet).unwrap();
    let mut rows = rows(dir.path());
    rows.retain(|r| r.label == "tumor");
    let spec = PreprocessSpec {
        size: 48,
        ..PreprocessSpec::default()
    };
    let area = |rows: &[ManifestRow]| -> Result<f32, String> {
        let classes = ClassSet::tumor();
        let source =
            DatasetSource::new(dir.path(), rows, &classes, &spec, &AugmentConfig::none()).unwrap();
        let sample = source.load(0, View::Plain).map_err(|e| e.to_string())?;
        Ok(sample.mask.unwrap().iter().sum())
    };
    let before = area(&rows).unwrap();
    let file = dir.path().join(&rows[0].mask);
    let mask = image::open(&file).unwrap();
    let (width, height) = (mask.width(), mask.height());
    let nearest = image::imageops::FilterType::Nearest;
    mask.resize_exact(2 * width, 2 * height, nearest)
        .save(&file)
        .unwrap();
    let after = area(&rows).unwrap();
    assert!(
        (after - before).abs() <= 0.1 * before,
        "{after} and {before}"
    );
    mask.resize_exact(width, height / 2, nearest)
        .save(&file)
        .unwrap();
    assert!(area(&rows).unwrap_err().contains("another shape"));
}
