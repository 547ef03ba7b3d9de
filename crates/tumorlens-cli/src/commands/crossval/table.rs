//! What a cross-validation prints.

use std::path::Path;
use tumorlens_core::Measured;
use tumorlens_report::terminal::Table;
use tumorlens_stats::crossval::{CrossValidation, Repeated, Spreads};
use tumorlens_stats::metric::Metric;

pub(super) fn print(result: &CrossValidation, out: &Path) {
    let counts = &result.pooled.counts;
    println!(
        "{} folds over {} images of {} groups",
        result.folds.len(),
        counts.images,
        counts.groups
    );
    let mut table = Table::new([
        "",
        "mean over folds",
        "deviation",
        "lowest",
        "highest",
        "pooled",
    ]);
    let mut notes = Vec::new();
    rows(&mut table, &mut notes, "", &result.scores, |m| {
        result.pooled.assessment.scores.get(&m)
    });
    for point in &result.points {
        let pooled = result
            .pooled
            .assessment
            .points
            .iter()
            .find(|p| p.name == point.name);
        rows(&mut table, &mut notes, &point.name, &point.figures, |m| {
            pooled.and_then(|p| p.figures.get(&m))
        });
    }
    print!("{}", table.text());
    for note in notes {
        println!("{note}");
    }
    println!("written: {}", out.join("crossval.json").display());
}

pub(super) fn print_repeated(result: &Repeated, out: &Path) {
    println!("{} repeats; all test images of each", result.repeats);
    let mut table = Table::new([
        "",
        "mean over repeats",
        "deviation",
        "lowest",
        "highest",
        "",
    ]);
    let mut notes = Vec::new();
    rows(&mut table, &mut notes, "", &result.scores, |_| None);
    for point in &result.points {
        rows(&mut table, &mut notes, &point.name, &point.figures, |_| {
            None
        });
    }
    print!("{}", table.text());
    for note in notes {
        println!("{note}");
    }
    println!("written: {}", out.join("repeated.json").display());
}

fn rows<'a>(
    table: &mut Table,
    notes: &mut Vec<String>,
    point: &str,
    spreads: &Spreads,
    pooled: impl Fn(Metric) -> Option<&'a Measured>,
) {
    for (metric, spread) in spreads {
        let name = if point.is_empty() {
            metric.label().to_owned()
        } else {
            format!("{} ({point})", metric.label())
        };
        if let Measured::Undefined { undefined } = &spread.mean {
            notes.push(format!("{name} is undefined: {undefined}"));
        }
        let pooled = pooled(*metric).map(cell).unwrap_or_default();
        table.row([
            name,
            cell(&spread.mean),
            cell(&spread.standard_deviation),
            cell(&spread.lowest),
            cell(&spread.highest),
            pooled,
        ]);
    }
}

/// A figure in a narrow column; why one is undefined stands below the table.
fn cell(figure: &Measured) -> String {
    match figure {
        Measured::Undefined { .. } => "undefined".to_owned(),
        figure => tumorlens_report::number::measured(figure),
    }
}
