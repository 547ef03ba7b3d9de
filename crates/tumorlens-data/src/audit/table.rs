//! The audit as text for a terminal.

use super::conclude::percent;
use super::report::{AuditReport, Evidence, Finding, ProbeSplit};
use std::fmt::{self, Write};
use tumorlens_core::Measured;

/// Files listed under one finding.
const SHOWN: usize = 3;

impl AuditReport {
    /// The report as text of at most some 100 columns, without a trailing line break.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text.truncate(text.trim_end().len());
        text
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        let mut rows = vec![vec![
            String::new(),
            "images".to_owned(),
            "distinct slices".to_owned(),
        ]];
        rows.extend(
            self.classes
                .iter()
                .map(|c| vec![c.label.clone(), c.images.to_string(), c.slices.to_string()]),
        );
        rows.push(vec![
            "all".to_owned(),
            self.images.to_string(),
            self.slices.to_string(),
        ]);
        aligned(out, &rows)?;

        writeln!(out)?;
        let mut rows = vec![vec![
            "copies".to_owned(),
            "pairs".to_owned(),
            "images".to_owned(),
        ]];
        rows.extend(self.copies.iter().map(|c| {
            vec![
                words(c.evidence).to_owned(),
                c.pairs.to_string(),
                c.images.to_string(),
            ]
        }));
        aligned(out, &rows)?;

        writeln!(out)?;
        let mut rows = vec![vec![
            "predicts the label".to_owned(),
            "accuracy".to_owned(),
            "95 % interval".to_owned(),
        ]];
        rows.extend(self.probes.iter().map(|probe| {
            let split = match probe.split {
                ProbeSplit::Grouped => "",
                ProbeSplit::Random => ", split by image",
            };
            vec![
                format!("{}{split}", probe.name),
                percent(&probe.accuracy),
                interval(&probe.accuracy),
            ]
        }));
        aligned(out, &rows)?;
        writeln!(
            out,
            "(five folds; copies, groups and subjects stay together unless it says otherwise)\n"
        )?;

        self.findings
            .iter()
            .try_for_each(|finding| conclusion(out, finding))
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table())
    }
}

fn words(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::SameBytes => "same file, byte for byte",
        Evidence::SamePixels => "same pixels, other file",
        Evidence::SameSlice => "same slice, altered",
        Evidence::Mirrored => "same slice, mirrored",
        Evidence::Kin => "same slice, altered much",
    }
}

fn interval(measured: &Measured) -> String {
    measured.interval().map_or_else(String::new, |i| {
        format!("{:.1} to {:.1} %", 100.0 * i.low, 100.0 * i.high)
    })
}

fn conclusion(out: &mut impl Write, finding: &Finding) -> fmt::Result {
    writeln!(out, "{:<9} {}", finding.word(), finding.title)?;
    if !finding.detail.is_empty() {
        writeln!(out, "{:9} {}", "", finding.detail)?;
    }
    for file in finding.files.iter().take(SHOWN) {
        writeln!(out, "{:9}   {file}", "")?;
    }
    match finding.files.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "{:9}   and {more} more", ""),
    }
}

/// The first column to the left, the others to the right.
fn aligned(out: &mut impl Write, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if column == 0 {
                write!(line, "{cell:<width$}")?;
            } else {
                write!(line, "  {cell:>width$}")?;
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
