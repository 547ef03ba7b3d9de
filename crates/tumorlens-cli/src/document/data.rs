//! Data, split, audit, samples.

use crate::study::{Results, Study};
use std::collections::BTreeSet;
use tumorlens_core::{ClassIndex, GreyImage, SampleSource, Size, View};
use tumorlens_data::manifest::ManifestRow;
use tumorlens_report::figure::contact_sheet::{ContactSheet, Tile};
use tumorlens_report::report::data::{DataPart, Split, SplitPart};
use tumorlens_report::{Fact, Section, number};

/// Images shown of a class.
const SAMPLES: usize = 12;
/// Images shown augmented, and how often each.
const AUGMENTED: (usize, usize) = (3, 6);

pub(super) fn part(study: &Study<'_>, results: &Results) -> anyhow::Result<DataPart> {
    Ok(DataPart {
        facts: facts(study)?,
        split: Section::Given(split(study, results)),
        audit: study.audit.map_or_else(
            || Section::missing("run `tumorlens audit` on the dataset"),
            |a| Section::Given(super::audit::part(a)),
        ),
        samples: Section::Given(samples(study, results)?),
        augmentation: Section::Given(vec![augmentation(study, results)?]),
    })
}

fn facts(study: &Study<'_>) -> anyhow::Result<Vec<Fact>> {
    let dataset = study.dataset;
    let record = &dataset.record;
    let copies = &record.copies;
    let outlines = dataset.rows.iter().filter(|r| !r.mask.is_empty()).count();
    let sources: Vec<String> = record
        .sources
        .iter()
        .map(|s| format!("{} ({})", s.name, s.images))
        .collect();
    Ok(vec![
        Fact::new("images", number::count(dataset.rows.len() as u64)),
        Fact::new(
            "distinct files",
            number::count(copies.distinct_files as u64),
        ),
        Fact::new(
            "distinct slices",
            number::count(copies.distinct_slices as u64),
        ),
        Fact::new("groups", number::count(copies.groups as u64)),
        Fact::new(
            "units that stay together",
            number::count(copies.units as u64),
        ),
        Fact::new("images with an outline", number::count(outlines as u64)),
        Fact::new(
            "set aside for contradicting labels",
            number::count(record.set_aside.len() as u64),
        ),
        Fact::new("files skipped", number::count(record.skipped.len() as u64)),
        Fact::new("sources", sources.join(", ")),
        Fact::new("SHA-256 of the content", dataset.content_sha256()?),
    ])
}

fn split(study: &Study<'_>, results: &Results) -> Split {
    let classes = &study.dataset.classes;
    let part = |name: &str, rows: &[ManifestRow]| SplitPart {
        name: name.to_owned(),
        images: classes
            .names()
            .iter()
            .map(|c| rows.iter().filter(|r| r.label == *c).count() as u64)
            .collect(),
        groups: rows.iter().map(|r| r.unit()).collect::<BTreeSet<_>>().len() as u64,
    };
    Split {
        classes: classes.names().to_vec(),
        parts: vec![
            part("training", &results.parts.train),
            part("validation", &results.parts.validation),
            part("test", &results.test_rows),
        ],
        method:
            "by unit: the copies and kin of a slice, and all images of a subject, lie on one side"
                .to_owned(),
    }
}

/// Training images of each class as the network sees them, one of a group, spread over the part.
fn samples(study: &Study<'_>, results: &Results) -> anyhow::Result<Vec<ContactSheet>> {
    let source = crate::training::source(
        study.dataset,
        &results.parts.train,
        study.config,
        &study.config.augment,
    )?;
    let classes = &study.dataset.classes;
    (0..classes.len())
        .map(|class| {
            let class = ClassIndex(class);
            let tiles = spread(&source, class, SAMPLES)
                .into_iter()
                .map(|i| {
                    tile(
                        study,
                        &source,
                        i,
                        View::Plain,
                        file_name(&source.info(i).path),
                    )
                })
                .collect::<anyhow::Result<_>>()?;
            Ok(ContactSheet {
                title: classes.name(class).to_owned(),
                note: "training images as the network sees them".to_owned(),
                tiles,
            })
        })
        .collect()
}

fn augmentation(study: &Study<'_>, results: &Results) -> anyhow::Result<ContactSheet> {
    let source = crate::training::source(
        study.dataset,
        &results.parts.train,
        study.config,
        &study.config.augment,
    )?
    .with_exchange(study.config.exchange)?;
    let seed = study.config.train.seed.derive("contact sheet");
    let mut tiles = Vec::new();
    for i in spread(&source, study.dataset.classes.positive(), AUGMENTED.0) {
        tiles.push(tile(study, &source, i, View::Plain, "as it is".to_owned())?);
        for draw in 0..AUGMENTED.1 {
            let view = View::Augmented(seed.index(i as u64).index(draw as u64));
            tiles.push(tile(study, &source, i, view, format!("draw {}", draw + 1))?);
        }
    }
    Ok(ContactSheet {
        title: "Augmentation".to_owned(),
        note: "what training makes of an image; each epoch draws anew".to_owned(),
        tiles,
    })
}

fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Up to `most` images of a class, one of each group, evenly spread.
fn spread(source: &dyn SampleSource, class: ClassIndex, most: usize) -> Vec<usize> {
    let mut groups = BTreeSet::new();
    let all: Vec<usize> = (0..source.len())
        .filter(|&i| source.info(i).label == class && groups.insert(source.info(i).group.clone()))
        .collect();
    let n = all.len().min(most);
    (0..n).map(|k| all[k * all.len() / n]).collect()
}

fn tile(
    study: &Study<'_>,
    source: &dyn SampleSource,
    index: usize,
    view: View,
    caption: String,
) -> anyhow::Result<Tile> {
    let spec = &study.config.preprocess;
    let side = spec.size;
    let input = source.load(index, view)?.input;
    let values = input[..side * side]
        .iter()
        .map(|v| (v * spec.window.std + spec.window.mean) * 255.0)
        .collect();
    Ok(Tile::of(
        &GreyImage::new(
            Size {
                width: side,
                height: side,
            },
            values,
        )?,
        caption,
    )?)
}
