//! What follows from the counts, in plain words.

use super::probe::{MAJORITY, NEAREST};
use super::report::{AuditReport, Finding, Leak, Probe, ProbeSplit, Severity, Topic};
use tumorlens_core::{Interval, Measured};

/// All conclusions: files, copies, labels, splits, shortcuts.
pub(super) fn findings(report: &AuditReport) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(unreadable(report));
    findings.push(copies(report));
    findings.push(labels(report));
    findings.extend(torn(report));
    findings.extend(report.leaks.iter().map(leak));
    findings.extend(shortcuts(report));
    findings.extend(inflation(report));
    findings
}

fn finding(
    topic: Topic,
    severity: Severity,
    title: String,
    detail: &str,
    files: Vec<String>,
) -> Finding {
    Finding {
        topic,
        severity,
        title,
        detail: detail.to_owned(),
        files,
    }
}

fn unreadable(report: &AuditReport) -> Option<Finding> {
    let count = report.unreadable.len();
    let files = report
        .unreadable
        .iter()
        .map(|u| format!("{}: {}", u.path, u.reason))
        .collect();
    let title = format!("{} cannot be read", images(count));
    (count > 0).then(|| {
        finding(
            Topic::Files,
            Severity::Notice,
            title,
            "They are left out of everything below.",
            files,
        )
    })
}

fn copies(report: &AuditReport) -> Finding {
    if report.copies.iter().all(|kind| kind.pairs == 0) {
        let title = "no image is a copy of another".to_owned();
        return finding(Topic::Copies, Severity::Clear, title, "", Vec::new());
    }
    let title = format!(
        "{} show {} distinct slices, {} units that must stay together",
        images(report.images),
        report.slices,
        report.units
    );
    let detail = format!(
        "Split by unit: a random 80/20 split by image would put a copy of {} of the test images into training.",
        percent(&report.random_leak)
    );
    finding(Topic::Copies, Severity::Notice, title, &detail, Vec::new())
}

fn labels(report: &AuditReport) -> Finding {
    if report.conflicts.is_empty() {
        let title = "copies of one slice agree in their label".to_owned();
        return finding(Topic::Labels, Severity::Clear, title, "", Vec::new());
    }
    let files = report
        .conflicts
        .iter()
        .flat_map(|c| &c.files)
        .map(|(path, label)| format!("{path} ({label})"))
        .collect();
    let title = match report.conflicts.len() {
        1 => "1 slice has copies with different labels".to_owned(),
        n => format!("{n} slices have copies with different labels"),
    };
    finding(
        Topic::Labels,
        Severity::Problem,
        title,
        "One of the labels is wrong: correct it or leave the slice out.",
        files,
    )
}

fn torn(report: &AuditReport) -> Option<Finding> {
    let count = report.torn.len();
    let files = report.torn.iter().flatten().cloned().collect();
    let title = match count {
        1 => "1 slice has copies in different units of the manifest".to_owned(),
        n => format!("{n} slices have copies in different units of the manifest"),
    };
    let detail = "A split may tear them apart: give copies the same unit.";
    (count > 0).then(|| finding(Topic::Copies, Severity::Problem, title, detail, files))
}

fn leak(leak: &Leak) -> Finding {
    let part = match leak.part.as_str() {
        "folds" => "images".to_owned(),
        part => format!("{part} images"),
    };
    let other = if leak.part == "folds" {
        "another fold"
    } else {
        "the training part"
    };
    let column = leak.split.replace('_', " ");
    if leak.files.is_empty() {
        let title = format!(
            "{column}: none of the {} {part} has a copy in {other}",
            leak.images
        );
        return finding(Topic::Split, Severity::Clear, title, "", Vec::new());
    }
    let title = format!(
        "{column}: {} of {} {part} have a copy in {other}, {}",
        leak.copied,
        leak.images,
        percent(&leak.share)
    );
    let detail = format!(
        "{} have one that is not mirrored; {} share their unit with {other}. A figure on these images says little.",
        leak.copied_plain, leak.grouped
    );
    finding(
        Topic::Split,
        Severity::Problem,
        title,
        &detail,
        leak.files.clone(),
    )
}

fn interval(probe: &Probe) -> Option<Interval> {
    probe.accuracy.interval()
}

/// Metadata and border must not beat the majority vote. The nearest neighbour sees the image and may.
fn shortcuts(report: &AuditReport) -> Vec<Finding> {
    let Some(majority) = report.probes.iter().find(|p| p.name == MAJORITY) else {
        return Vec::new();
    };
    let judge = |probe: &Probe| {
        let (Some(found), Some(vote)) = (interval(probe), interval(majority)) else {
            let Measured::Undefined { undefined } = &probe.accuracy else {
                return None;
            };
            let title = format!("{}: not measured, {undefined}", probe.name);
            return Some(finding(
                Topic::Shortcut,
                Severity::Notice,
                title,
                "",
                Vec::new(),
            ));
        };
        let (is, vote_is) = (percent(&probe.accuracy), percent(&majority.accuracy));
        Some(if found.low > vote.high {
            let title = format!(
                "{} predicts the label at {is}, the majority vote at {vote_is}",
                probe.name
            );
            let detail = format!(
                "It sees {}. A model may learn that and no anatomy.",
                probe.sees
            );
            finding(
                Topic::Shortcut,
                Severity::Problem,
                title,
                &detail,
                Vec::new(),
            )
        } else {
            let title = format!(
                "{} does not clearly beat the majority vote: {is} against {vote_is}",
                probe.name
            );
            finding(Topic::Shortcut, Severity::Clear, title, "", Vec::new())
        })
    };
    report
        .probes
        .iter()
        .filter(|p| p.name != MAJORITY && p.name != NEAREST)
        .filter_map(judge)
        .collect()
}

/// Does a split by image flatter a look-up?
fn inflation(report: &AuditReport) -> Option<Finding> {
    let of = |split| {
        report
            .probes
            .iter()
            .find(|p| p.name == NEAREST && p.split == split)
    };
    let (grouped, random) = (of(ProbeSplit::Grouped)?, of(ProbeSplit::Random)?);
    let inflated = interval(random)?.low > interval(grouped)?.high;
    let (a, b) = (percent(&random.accuracy), percent(&grouped.accuracy));
    Some(if inflated {
        let title = format!(
            "looking up the most similar image scores {a} by image, {b} when copies stay together"
        );
        let detail =
            "What a figure on a split by image is worth here; a model must beat the second number.";
        finding(Topic::Copies, Severity::Notice, title, detail, Vec::new())
    } else {
        let title = format!(
            "looking up the most similar image scores {b}; a split by image hardly flatters it ({a})"
        );
        finding(Topic::Copies, Severity::Clear, title, "", Vec::new())
    })
}

fn images(n: usize) -> String {
    if n == 1 {
        "1 image".to_owned()
    } else {
        format!("{n} images")
    }
}

/// `93.1 %`, or the reason why there is no figure.
pub(super) fn percent(measured: &Measured) -> String {
    match measured {
        Measured::Value { value, .. } => format!("{:.1} %", 100.0 * value),
        Measured::Undefined { undefined } => undefined.clone(),
    }
}
