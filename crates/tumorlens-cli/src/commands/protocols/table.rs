//! All protocols as one table: for a page, and for a terminal.

use super::outcome::{COLUMNS, Outcome};
use std::fmt::Write;
use tumorlens_core::{Measured, Seed};
use tumorlens_report::number::{measured, number};
use tumorlens_report::terminal::Table;

/// A page in Markdown.
pub(super) fn markdown(outcomes: &[Outcome], notes: &[String], seed: Seed) -> String {
    let mut text = format!(
        "| protocol | learnt from | tested on | {} |\n",
        COLUMNS.join(" | ")
    );
    let _ = writeln!(text, "{}|", "|---".repeat(COLUMNS.len() + 3));
    let mut reasons = Vec::new();
    for outcome in outcomes {
        let counts = |[images, groups]: [usize; 2]| format!("{images} of {groups} groups");
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            outcome.name,
            counts(outcome.learnt),
            counts(outcome.tested),
            cells(outcome).join(" | ")
        );
        reasons.extend(why(outcome));
        reasons.extend(chosen(outcome));
    }
    text.push_str("\nIn brackets 95 % intervals over groups; of folds the AUROC is the mean over folds. Empty: does not apply.\n");
    for reason in notes.iter().chain(&reasons) {
        let _ = writeln!(text, "- {reason}");
    }
    let _ = writeln!(
        text,
        "\nSeed {}; `manifest.csv` of each protocol is its split, `runs.csv` all that was trained.",
        seed.0
    );
    text
}

/// The same in columns.
pub(super) fn terminal(outcomes: &[Outcome], notes: &[String]) -> String {
    let mut table = Table::new(["protocol", "images"].into_iter().chain(COLUMNS));
    let mut reasons = Vec::new();
    for outcome in outcomes {
        let head = [outcome.name.clone(), outcome.tested[0].to_string()];
        table.row(head.into_iter().chain(cells(outcome)));
        reasons.extend(why(outcome));
        reasons.extend(chosen(outcome));
    }
    let mut text = table.text();
    for reason in notes.iter().chain(&reasons) {
        text.push_str(reason);
        text.push('\n');
    }
    text
}

fn cells(outcome: &Outcome) -> Vec<String> {
    let cell = |column: &&str| match outcome.figure(column) {
        Some(Measured::Undefined { .. }) => "undefined".to_owned(),
        Some(figure) => measured(figure),
        None => String::new(),
    };
    COLUMNS.iter().map(cell).collect()
}

/// Why a protocol or a figure of it is not there.
fn why(outcome: &Outcome) -> Vec<String> {
    let failed = outcome
        .failed
        .iter()
        .map(|e| match e.strip_prefix(&outcome.name) {
            Some(_) => e.clone(),
            None => format!("{}: {e}", outcome.name),
        });
    let undefined = outcome
        .figures
        .iter()
        .filter_map(|(name, figure)| match figure {
            Measured::Undefined { undefined } => {
                Some(format!("{}, {name}: {undefined}", outcome.name))
            }
            Measured::Value { .. } => None,
        });
    failed.chain(undefined).collect()
}

/// Which configuration was taken, and by what figures.
fn chosen(outcome: &Outcome) -> Option<String> {
    let first = outcome.tried.first()?;
    let left_out: Vec<&str> = first.runs.iter().map(|run| run.name.as_str()).collect();
    let figures = outcome.tried.iter().map(|tried| {
        let figure = tried.auroc.map_or_else(|| "failed".to_owned(), number);
        format!("{} {figure}", tried.configuration)
    });
    Some(format!(
        "{}: {} chosen without the test part, by AUROC where {} {} left out of what it learns from: {}",
        outcome.name,
        if outcome.configuration.is_empty() {
            "none"
        } else {
            &outcome.configuration
        },
        left_out.join(", "),
        if left_out.len() == 1 {
            "is"
        } else {
            "are each"
        },
        figures.collect::<Vec<_>>().join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::choice::Tried;
    use super::*;

    #[test]
    fn a_protocol_that_failed_and_a_figure_that_is_undefined_keep_their_reasons() {
        let outcomes = [
            Outcome {
                name: "site a".to_owned(),
                tested: [12, 3],
                figures: vec![
                    (COLUMNS[0].to_owned(), Measured::undefined("one class")),
                    (COLUMNS[2].to_owned(), Measured::value(0.5)),
                ],
                ..Outcome::default()
            },
            Outcome::failed("plane axial".to_owned(), &anyhow::anyhow!("no image")),
        ];
        let page = markdown(&outcomes, &[], Seed(7));
        assert!(
            page.contains("| site a | 0 of 0 groups | 12 of 3 groups | undefined |  | 0.500 |"),
            "{page}"
        );
        assert!(
            page.contains("- site a, AUROC: one class\n- plane axial: no image\n"),
            "{page}"
        );
        assert!(terminal(&outcomes, &[]).ends_with("plane axial: no image\n"));
    }

    #[test]
    fn a_choice_is_told_with_the_figures_it_was_made_by() {
        let tried = |configuration: &str, auroc| Tried {
            configuration: configuration.to_owned(),
            auroc,
            runs: vec![Outcome {
                name: "site b".to_owned(),
                ..Outcome::default()
            }],
        };
        let outcome = Outcome {
            name: "site a".to_owned(),
            configuration: "wide".to_owned(),
            tried: vec![tried("config", None), tried("wide", Some(0.75))],
            ..Outcome::default()
        };
        let expected = "site a: wide chosen without the test part, by AUROC where site b is left out of what it learns from: config failed, wide 0.750\n";
        assert!(
            markdown(std::slice::from_ref(&outcome), &[], Seed(7))
                .contains(&format!("- {expected}"))
        );
        assert!(terminal(&[outcome], &[]).ends_with(expected));
    }
}
