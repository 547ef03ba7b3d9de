//! `tumorlens recalibrate`: temperature, operating points and triage of a bundle, from a site's own labelled images.

use super::evaluate::{print, reading};
use crate::args::RecalibrateArgs;
use crate::assessment::assess;
use crate::exit_code::Exit;
use crate::progress::Progress;
use crate::training::aggregate;
use anyhow::{Context, bail};
use tumorlens_core::Seed;
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
    let labels = read.logits.iter().map(|l| l.label.0);
    let mut counts = vec![0usize; classes.len()];
    labels.for_each(|label| counts[label] += 1);
    let rarest = counts.iter().copied().min().unwrap_or_default();
    let needed = Triage::needed(args.error);
    if rarest < needed {
        bail!(
            "{}: {} images of the rarest class; an error rate of {} takes at least {needed} of each, from as many patients as can be had",
            args.dataset.display(),
            rarest,
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
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    ));
    read.bundle.decision = decision;
    read.bundle
        .save(&args.out)
        .with_context(|| args.out.display().to_string())?;
    println!("\nmodel: {}", args.out.display());
    Ok(Exit::Done)
}
