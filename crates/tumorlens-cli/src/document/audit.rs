//! What the audit found.

use tumorlens_data::audit::{AuditReport, Evidence, Finding, Probe, ProbeSplit, Severity};
use tumorlens_report::Section;
use tumorlens_report::report::data as page;
use tumorlens_report::report::summary::NamedMeasure;

pub(super) fn part(audit: &AuditReport) -> page::Audit {
    let copies = audit.copies.iter().map(|c| page::Copies {
        kind: kind(c.evidence).to_owned(),
        pairs: c.pairs as u64,
        images: c.images as u64,
    });
    let rows = audit.probes.iter().map(|probe| page::Probe {
        name: name(probe),
        sees: probe.sees.clone(),
        measured: probe.accuracy.clone(),
    });
    page::Audit {
        copies: copies.collect(),
        findings: audit.findings.iter().map(finding).collect(),
        probes: Section::Given(page::Probes {
            metric: "accuracy".to_owned(),
            rows: rows.collect(),
        }),
    }
}

/// What the model must beat: the probes on the grouped split.
pub(super) fn probe_rows(audit: &AuditReport) -> Vec<NamedMeasure> {
    let grouped = audit
        .probes
        .iter()
        .filter(|p| p.split == ProbeSplit::Grouped);
    grouped
        .map(|p| NamedMeasure::new(p.name.clone(), p.accuracy.clone()))
        .collect()
}

fn name(probe: &Probe) -> String {
    match probe.split {
        ProbeSplit::Grouped => probe.name.clone(),
        ProbeSplit::Random => format!("{}, split by image at random", probe.name),
    }
}

fn kind(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::SameBytes => "byte for byte",
        Evidence::SamePixels => "same pixels",
        Evidence::SameSlice => "resized, recompressed or other contrast",
        Evidence::Mirrored => "mirrored",
        Evidence::Kin => "altered much: sharpened, cropped or strong contrast",
    }
}

fn finding(finding: &Finding) -> page::Finding {
    page::Finding {
        severity: match finding.severity {
            Severity::Clear => page::Severity::Clear,
            Severity::Notice => page::Severity::Notice,
            Severity::Problem => page::Severity::Problem,
        },
        title: finding.title.clone(),
        detail: finding.detail.clone(),
        files: finding.files.clone(),
    }
}
