//! `tumorlens compare`: two runs on the same images.

use crate::args::CompareArgs;
use crate::exit_code::Exit;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use tumorlens_core::{ClassIndex, ClassSet, Probability, Seed};
use tumorlens_report::{number, terminal};
use tumorlens_stats::comparison::{Comparison, Judged, compare};
use tumorlens_stats::evaluation::{EvaluationSettings, Scored};

pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<Exit> {
    let first = Predictions::read(&args.first)?;
    let second = Predictions::read(&args.second)?;
    let settings = EvaluationSettings::seeded(Seed(0).derive("comparison"));
    // The question is always "positive or not", whatever the number of classes, so two classes are enough.
    let classes = ClassSet::tumor();
    let result = compare(&classes, first.judged(), second.judged(), &settings)?;
    if args.json {
        println!("{}", serde_json::to_string(&result)?);
    } else {
        print(&result);
    }
    Ok(Exit::Done)
}

fn print(result: &Comparison) {
    println!(
        "{} images of {} groups scored by both; differences are first less second",
        result.images, result.groups
    );
    print!(
        "{}",
        terminal::figures(result.differences.iter().map(|(m, v)| (m.label(), v)))
    );
    println!(
        "AUROC, paired DeLong:       {}, p {}",
        number::measured(&result.auroc.difference),
        number::measured(&result.auroc.p_value)
    );
    println!(
        "accuracy, exchange by group: p {}",
        number::measured(&result.accuracy_p_value)
    );
    let mcnemar = &result.mcnemar;
    println!(
        "calls, McNemar:             {} right by the first only, {} by the second only, mid-p {}",
        mcnemar.only_first_right,
        mcnemar.only_second_right,
        number::measured(&mcnemar.mid_p)
    );
}

/// The test images of a predictions.csv.
struct Predictions {
    images: Vec<Scored>,
    calls: Vec<bool>,
}

/// The columns needed of predictions.csv.
#[derive(Deserialize)]
struct Row {
    path: String,
    part: String,
    group: String,
    source: String,
    label: String,
    probability: Probability,
    threshold: Probability,
    positive: String,
}

impl Predictions {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let file: PathBuf = if path.is_dir() {
            path.join("predictions.csv")
        } else {
            path.to_owned()
        };
        let context = || file.display().to_string();
        let mut reader = csv::Reader::from_path(&file).with_context(context)?;
        let (mut images, mut calls) = (Vec::new(), Vec::new());
        for row in reader.deserialize() {
            let row: Row = row.with_context(context)?;
            if row.part != "test" {
                continue;
            }
            let p = row.probability;
            let rest = Probability::new(1.0 - p.get())?;
            images.push(Scored {
                path: row.path,
                group: row.group,
                source: row.source,
                label: ClassIndex(usize::from(row.label == row.positive)),
                probabilities: vec![rest, p],
                tags: Default::default(),
                doubt: None,
            });
            calls.push(p >= row.threshold);
        }
        if images.is_empty() {
            bail!("{}: no test image", file.display());
        }
        Ok(Self { images, calls })
    }

    fn judged(&self) -> Judged<'_> {
        Judged {
            images: &self.images,
            calls: &self.calls,
        }
    }
}
