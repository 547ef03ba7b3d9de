//! `tumorlens recalibrate`: temperature, operating points and triage of a bundle, from a site's own labelled images.

use super::evaluate::{print, reading};
use crate::args::RecalibrateArgs;
use crate::assessment::assess;
use crate::exit_code::Exit;
use crate::progress::Progress;
use crate::training::aggregate;
use anyhow::{Context, bail};
use std::collections::BTreeSet;
use tumorlens_core::Seed;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_nn::bundle::{Decision, Scaling, Triage};
use tumorlens_nn::precision::Precision;
use tumorlens_stats::calibration::Temperature;

pub(crate) fn run(args: &RecalibrateArgs, progress: &Progress) -> anyhow::Result<Exit> {
    if args.out.exists() {
        bail!("{}: exists already", args.out.display());
    }
    let mut read = reading(
        &args.model,
        &args.dataset,
        &args.part,
        (&args.device, Precision::F32),
        progress,
    )?;
    let classes = read.bundle.card.classes.clone();
    let mut found = vec![(0usize, BTreeSet::new()); classes.len()];
    for image in &read.logits {
        let row = read.rows.get(image.index);
        let (images, groups) = &mut found[image.label.0];
        *images += 1;
        groups.insert(row.map_or("", ManifestRow::unit));
    }
    let rarest = found.iter().map(|(images, _)| *images).min().unwrap_or(0);
    let needed = Triage::needed(args.error);
    // Of more classes nothing is referred by an error rate.
    if classes.is_binary() && rarest < needed {
        bail!(
            "{}: {} images of the rarest class; an error rate of {} takes at least {needed} of each, from as many patients as can be had",
            args.dataset.display(),
            rarest,
            args.error
        );
    }
    for (name, (images, groups)) in classes.names().iter().zip(&found) {
        println!(
            "{name}: {images} images of {} patients or groups",
            groups.len()
        );
    }
    let fewest = found.iter().map(|(_, groups)| groups.len()).min();
    if classes.is_binary() && fewest.is_some_and(|groups| groups < needed) {
        println!(
            "images of one patient are alike: an error rate of {} is sure with {needed} patients of each class, not with {needed} images",
            args.error
        );
    }
    let mut decision = Decision::calibrated(
        &classes,
        &read.logits,
        Scaling::Platt {
            least: Temperature::MIN,
        },
    );
    if classes.is_binary() {
        decision.triage(&classes, &read.logits, args.error)?;
        aggregate(&mut decision, &classes, &read.logits, &read.rows);
        println!("answers on a subject: {}", decision.aggregation.chosen);
    }
    decision.set_map_line(read.bundle.decision.map_line());
    let before = read.scored(&read.bundle.decision, read.bundle.familiarity.as_ref())?;
    if let Some(familiarity) = &mut read.bundle.familiarity {
        let features: Vec<_> = read.logits.iter().map(|l| &l.features).collect();
        familiarity.widen(&features);
    }
    let after = read.scored(&decision, read.bundle.familiarity.as_ref())?;
    let seed = Seed(read.bundle.card.seed);
    println!("as it was, on these images:");
    print(
        &assess(&before, &classes, &read.bundle.decision, seed)?,
        &args.part,
        &read.bundle.decision,
    );
    println!("\nrecalibrated, on the same images, so that these figures flatter it:");
    print(
        &assess(&after, &classes, &decision, seed)?,
        &args.part,
        &decision,
    );
    read.bundle.card.limits.push(format!(
        "Recalibrated on {} images of {} groups of another dataset; the figures of this card were measured before.",
        after.len(),
        after
            .iter()
            .map(|image| image.group.as_str())
            .collect::<BTreeSet<_>>()
            .len()
    ));
    read.bundle.decision = decision;
    read.bundle
        .save(&args.out)
        .with_context(|| args.out.display().to_string())?;
    println!("\nmodel: {}", args.out.display());
    Ok(Exit::Done)
}
