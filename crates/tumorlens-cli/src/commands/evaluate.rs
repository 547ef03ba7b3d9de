//! `tumorlens evaluate`: a bundle on the test part, or any other part, of a dataset.

use crate::args::EvaluateArgs;
use crate::assessment::{assess, scored, write_json, write_predictions};
use crate::config::{Device, RunConfig};
use crate::exit_code::Exit;
use crate::progress::Progress;
use crate::{model, training};
use anyhow::{Context, bail};
use tumorlens_core::Seed;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_nn::evaluate::Reading;
use tumorlens_report::terminal;

pub(crate) fn run(args: &EvaluateArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let device = Device(args.device.parse()?);
    let bundle = model::load(Some(&args.model))?;
    let dataset = Dataset::load(&args.dataset)?;
    let classes = &bundle.card.classes;
    if dataset.classes != *classes {
        bail!(
            "the model knows the classes {} (positive: {}), the dataset {} (positive: {})",
            classes.names().join(", "),
            classes.name(classes.positive()),
            dataset.classes.names().join(", "),
            dataset.classes.name(dataset.classes.positive())
        );
    }
    dataset.verify_files(progress)?;
    let rows: Vec<ManifestRow> = if args.part == "all" {
        dataset.rows.clone()
    } else {
        dataset.part(&args.part).cloned().collect()
    };
    if rows.is_empty() {
        bail!(
            "{}: no image in the part '{}'; use train, validation, test, foldN or all",
            args.dataset.display(),
            args.part
        );
    }
    let config = RunConfig {
        preprocess: bundle.preprocess.clone(),
        device,
        ..RunConfig::default()
    };
    let source = training::source(&dataset, &rows, &config, &AugmentConfig::none())?;
    let logits = training::logits(
        &bundle.graph,
        &bundle.weights,
        &source,
        &config,
        Reading::default(),
        progress,
    )?;
    let images = scored(&rows, &logits, classes, &bundle.decision)?;
    let evaluation = assess(&images, classes, &bundle.decision, Seed(bundle.card.seed))?;
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        write_json(&out.join("evaluation.json"), &evaluation)?;
        write_predictions(
            &out.join("predictions.csv"),
            &[(&args.part, &images)],
            classes,
            &bundle.decision,
        )?;
    }
    let figures = evaluation.key_figures(&bundle.decision.default);
    println!(
        "{}: {} images of {} groups; 95 % intervals",
        args.part, evaluation.counts.images, evaluation.counts.groups
    );
    print!(
        "{}",
        terminal::figures(figures.iter().map(|(m, v)| (m.label(), v)))
    );
    Ok(Exit::Done)
}
