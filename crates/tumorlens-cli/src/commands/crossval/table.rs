//! What a cross-validation prints.

use std::path::Path;
use tumorlens_core::Measured;
use tumorlens_report::terminal::Table;
use tumorlens_stats::crossval::{CrossValidation, PointSpread, Repeated, Spreads};
use tumorlens_stats::metric::Metric;

pub(super) fn print(result: &CrossValidation, out: &Path) {
    let counts = &result.pooled.counts;
    println!(
        "{} folds over {} images of {} groups",
        result.folds.len(),
        counts.images,
        counts.groups
    );
    let pooled = &result.pooled.assessment;
    print_table(
        ["mean over folds", "pooled"],
        (&result.scores, &result.points),
        |metric, point| match point {
            None => pooled.scores.get(&metric),
            Some(name) => {
                let point = pooled.points.iter().find(|p| p.name == name);
                point.and_then(|p| p.figures.get(&metric))
            }
        },
    );
    println!("written: {}", out.join("crossval.json").display());
}

pub(super) fn print_repeated(result: &Repeated, out: &Path) {
    println!("{} repeats; all test images of each", result.repeats);
    print_table(
        ["mean over repeats", ""],
        (&result.scores, &result.points),
        |_, _| None,
    );
    println!("written: {}", out.join("repeated.json").display());
}

/// Figures of the scores and at every operating point; `last` gives the last column, of a metric and a point.
fn print_table<'a>(
    [mean, pooled]: [&str; 2],
    (scores, points): (&Spreads, &[PointSpread]),
    last: impl Fn(Metric, Option<&str>) -> Option<&'a Measured>,
) {
    let mut table = Table::new(["", mean, "deviation", "lowest", "highest", pooled]);
    let mut notes = Vec::new();
    rows(&mut table, &mut notes, "", scores, |m| last(m, None));
    for PointSpread { name, figures } in points {
        rows(&mut table, &mut notes, name, figures, |m| {
            last(m, Some(name))
        });
    }
    print!("{}", table.text());
    for note in notes {
        println!("{note}");
    }
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
