//! Writes a report with made-up numbers and drawn heads, for looking at the page:
//! `cargo run -p tumorlens-report --example demo_report -- demo.html [light|dark]`.

mod heads;
mod numbers;

use heads::Head;
use std::collections::BTreeMap;
use std::error::Error;
use tumorlens_core::bundle_card::DataSource;
use tumorlens_core::{BundleCard, ClassSet, Measured, Size};
use tumorlens_report::figure::contact_sheet::{ContactSheet, Tile};
use tumorlens_report::figure::tensor::{TileLayout, tiles};
use tumorlens_report::report::data::{
    Audit, Copies, DataPart, Finding, Probe, Probes, Severity, Split, SplitPart,
};
use tumorlens_report::report::explanation::{Case, CaseGroup, Explanation, TensorSheet};
use tumorlens_report::report::provenance::Provenance;
use tumorlens_report::report::summary::{Comparison, KeyFigure, NamedMeasure, Summary, TestPart};
use tumorlens_report::{CasePicture, Fact, HeatRange, PictureError, Report, Theme, render};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "demo.html".to_owned());
    let theme = match arguments.next().as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::Auto,
    };
    let html = render(&Report { theme, ..demo()? })?;
    std::fs::write(&path, &html)?;
    eprintln!("{path}: {} KB", html.len() / 1024);
    Ok(())
}

fn demo() -> Result<Report, PictureError> {
    Ok(Report {
        title: "Brain tumor on MRI: demo".into(),
        subtitle:
            "resnet18, 128 px, grey, trained from scratch, seed 1. Numbers and heads are made up."
                .into(),
        theme: Theme::Auto,
        summary: summary(),
        data: data()?.into(),
        training: numbers::training().into(),
        evaluation: numbers::evaluation().into(),
        explanation: explanation()?.into(),
        provenance: provenance().into(),
        card: card().into(),
    })
}

fn summary() -> Summary {
    let key = |name: &str, measured: Measured| KeyFigure {
        name: name.into(),
        measured,
    };
    Summary {
        key_figures: vec![
            key("auroc", numbers::auroc()),
            key("accuracy", numbers::accuracy()),
            key("sensitivity", numbers::wilson(0.911, 0.839, 0.952)),
            key("specificity", numbers::wilson(0.868, 0.771, 0.929)),
        ],
        test: Some(TestPart { images: 177, groups: 142 }),
        comparison: Some(Comparison {
            metric: "accuracy".into(),
            model: NamedMeasure::new("this model", numbers::accuracy()),
            rules: rules(),
        }),
        remarks: vec![],
        limits: vec![
            "All images come from one web-collected set. Models of one set usually fall when they are asked about other people's \
             images."
                .into(),
            "Labels are those of the set; nobody read the images again.".into(),
            "Nothing here says how the model does on children, after surgery, or on sequences that the set lacks.".into(),
        ],
    }
}

fn rules() -> Vec<NamedMeasure> {
    vec![
        NamedMeasure::new("majority vote", numbers::wilson(0.571, 0.497, 0.642)),
        NamedMeasure::new("metadata alone", numbers::wilson(0.746, 0.677, 0.804)),
        NamedMeasure::new("image border alone", numbers::wilson(0.701, 0.630, 0.763)),
        NamedMeasure::new(
            "one nearest neighbour, 48x48",
            numbers::wilson(0.780, 0.713, 0.834),
        ),
    ]
}

fn data() -> Result<DataPart, PictureError> {
    let part = |name: &str, images: [u64; 2], groups| SplitPart {
        name: name.into(),
        images: images.into(),
        groups,
    };
    Ok(DataPart {
        facts: vec![
            Fact::new("Images", "889 of 3,000 (one of each group)"),
            Fact::new("Groups", "889"),
            Fact::new("Formats", "JPEG 2,998, PNG 2"),
            Fact::new("Outlines", "phantoms only"),
        ],
        split: Split {
            classes: vec!["no_tumor".into(), "tumor".into()],
            parts: vec![
                part("training", [227, 307], 534),
                part("validation", [75, 103], 178),
                part("test", [76, 101], 142),
            ],
            method: "By group, stratified by class, seed 1. Copies of one slice stay in one part."
                .into(),
        }
        .into(),
        audit: audit().into(),
        samples: vec![samples("no_tumor", false)?, samples("tumor", true)?].into(),
        augmentation: vec![augmentation()?].into(),
    })
}

fn audit() -> Audit {
    let copies = |kind: &str, pairs, images| Copies {
        kind: kind.into(),
        pairs,
        images,
    };
    let finding = |severity, title: &str, detail: &str, files: &[&str]| Finding {
        severity,
        title: title.into(),
        detail: detail.into(),
        files: files.iter().map(|f| (*f).to_owned()).collect(),
    };
    let sees = [
        "nothing",
        "width, height, format, colour mode, mean",
        "a frame of 6 pixels",
        "the whole image, without learning",
    ];
    let probes = rules().into_iter().zip(sees);
    Audit {
        copies: vec![
            copies("byte for byte", 1, 2),
            copies("resized or recompressed", 2_486, 2_310),
            copies("mirrored", 173, 211),
        ],
        findings: vec![
            finding(
                Severity::Clear,
                "No group lies in two parts of the split",
                "",
                &[],
            ),
            finding(
                Severity::Notice,
                "2 groups hold both labels",
                "They were left out of all parts. Look at them and correct the manifest.",
                &[
                    "yes/y412.jpg",
                    "no/no118.jpg",
                    "yes/y57 copy.jpg",
                    "no/<img src=x onerror=alert(1)>.jpg",
                ],
            ),
            finding(
                Severity::Notice,
                "1 file could not be read",
                "",
                &["yes/Thumbs.db: not an image"],
            ),
        ],
        probes: Probes {
            metric: "accuracy".into(),
            rows: probes
                .map(|(rule, sees)| Probe {
                    name: rule.name,
                    sees: sees.into(),
                    measured: rule.measured,
                })
                .collect(),
        }
        .into(),
    }
}

fn samples(class: &str, lesion: bool) -> Result<ContactSheet, PictureError> {
    let tiles: Result<_, _> = (0..12)
        .map(|i| {
            Tile::of(
                &Head::new(i * 2 + u64::from(lesion), lesion).image(),
                format!("{class}/{i:03}.png"),
            )
        })
        .collect();
    Ok(ContactSheet {
        title: class.into(),
        note: "12 images, drawn with the run's seed".into(),
        tiles: tiles?,
    })
}

fn augmentation() -> Result<ContactSheet, PictureError> {
    let names = [
        "as it is",
        "flip",
        "rotate 8°",
        "scale 1.1",
        "gamma 0.8",
        "bias field",
        "noise",
        "erase",
    ];
    let tiles: Result<_, _> = names
        .iter()
        .enumerate()
        .map(|(i, name)| Tile::of(&Head::new(3, true).varied(i as u64).image(), *name))
        .collect();
    Ok(ContactSheet {
        title: "tumor/001.png".into(),
        note: "What the network sees in eight epochs".into(),
        tiles: tiles?,
    })
}

fn explanation() -> Result<Explanation, PictureError> {
    let filters: Vec<f32> = (0..32 * 49)
        .map(|i| {
            heads::noise(i % 7, i / 7, 5)
                + 0.8 * ((i % 7) as f32 - 3.0) * ((i / 49 % 5) as f32 - 2.0) / 6.0
        })
        .collect();
    let maps: Vec<f32> = (0..16)
        .flat_map(|c| Head::new(c + 9, true).channel(c, 32))
        .collect();
    let (filter, map) = (
        Size {
            width: 7,
            height: 7,
        },
        Size {
            width: 32,
            height: 32,
        },
    );
    let sheet = |layer: &str, note: &str, picture| TensorSheet {
        layer: layer.into(),
        note: note.into(),
        picture,
    };
    Ok(Explanation {
        note: "Grad-CAM at the last convolution for the class tumor, one range for all images. A heat map is not a proof: the \
               model can be right for a wrong reason, and the map can be wrong about the model."
            .into(),
        cases: vec![
            cases("Surest hits", "highest probability among tumor images", true, true)?,
            cases("Missed tumors", "lowest probability among tumor images", true, false)?,
            cases("False alarms", "highest probability among images without tumor", false, false)?,
        ]
        .into(),
        scores: numbers::scores().into(),
        faithfulness: numbers::faithfulness().into(),
        texture: numbers::texture().into(),
        filters: vec![sheet("conv1", "32 filters, 7x7, blue below 0, orange above", tiles(&filters, filter, TileLayout::filters(filter))?)].into(),
        feature_maps: vec![sheet("stage1.block2", "16 of 64 channels, 32x32, each scaled by itself", tiles(&maps, map, TileLayout::feature_maps(map))?)].into(),
    })
}

fn cases(title: &str, picked: &str, lesion: bool, right: bool) -> Result<CaseGroup, PictureError> {
    let range = HeatRange {
        low: 0.0,
        high: 1.0,
    };
    let cases: Result<Vec<_>, PictureError> = (0..if right { 6 } else { 3 })
        .map(|i| {
            let head = Head::new(40 + i * 3 + u64::from(right), lesion);
            let (truth, other) = if lesion {
                ("tumor", "no_tumor")
            } else {
                ("no_tumor", "tumor")
            };
            Ok(Case {
                path: format!("{}/{i:03} {title}.png", if lesion { "yes" } else { "no" }),
                truth: truth.into(),
                call: if right { truth } else { other }.into(),
                right: Some(right),
                probability: Some(if right == lesion {
                    0.999 - 0.004 * i as f64
                } else {
                    0.031 + 0.02 * i as f64
                }),
                note: String::new(),
                picture: CasePicture::draw(
                    &head.image(),
                    Some((&head.attribution(right), range)),
                    lesion.then(|| head.mask()).as_ref(),
                )?,
            })
        })
        .collect();
    Ok(CaseGroup {
        title: title.into(),
        picked: picked.into(),
        cases: cases?,
    })
}

fn provenance() -> Provenance {
    Provenance {
        command: "tumorlens run --data br35h --out RUN".into(),
        config: "version = 1\nseed = 1\n\n[model]\nname = \"resnet18\"\nchannels = 1\n\n[preprocess]\nsize = 128\n\n[preprocess.crop.head]\nmargin = 0.02\n\n[train]\nepochs = 40\nbatch = 32\noptimizer = \"adamw\"\nlearning_rate = 1e-3\nschedule = \"one_cycle\"\n".into(),
        environment: vec![
            Fact::new("tumorlens", "0.1.0"),
            Fact::new("Engine", "burn 0.22.1, flex"),
            Fact::new("Device", "CPU, 2 threads"),
            Fact::new("Seed", "1"),
        ],
        files: vec![Fact::new("manifest.csv", "3f".repeat(32)), Fact::new("weights.safetensors", "a7".repeat(32))],
    }
}

fn card() -> BundleCard {
    BundleCard {
        name: "br35h-resnet18".into(),
        tumorlens_version: "0.1.0".into(),
        classes: ClassSet::tumor(),
        architecture: "resnet18, 1 channel, 128 px".into(),
        parameters: 11_170_753,
        intended_use: "Research on telling axial brain MRI slices with a tumor from those without."
            .into(),
        limits: vec![
            "Not for diagnosis.".into(),
            "Never tested on images of another hospital.".into(),
        ],
        data: vec![DataSource {
            name: "br35h".into(),
            images: 3000,
            groups: 889,
            licence: "not stated by its source".into(),
        }],
        dataset_sha256: "3f".repeat(32),
        figures: BTreeMap::from([
            ("auroc".to_owned(), numbers::auroc()),
            ("accuracy".to_owned(), numbers::accuracy()),
            ("ece".to_owned(), Measured::value(0.041)),
        ]),
        seed: 1,
    }
}
