//! Small aligned tables for a terminal.

use crate::number::measured;
use tumorlens_core::Measured;

/// A table under construction: a heading, then rows. A column after the first whose cells are all plain numbers is
/// aligned to the right; everything else to the left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column names.
    #[must_use]
    pub fn new<S: AsRef<str>>(heading: impl IntoIterator<Item = S>) -> Self {
        Self {
            heading: heading
                .into_iter()
                .map(|cell| printable(cell.as_ref()))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Missing cells are empty, cells beyond the heading are kept.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) -> &mut Self {
        self.rows.push(
            cells
                .into_iter()
                .map(|cell| printable(cell.as_ref()))
                .collect(),
        );
        self
    }

    /// The table as lines, each ending with a line feed, without trailing blanks.
    #[must_use]
    pub fn text(&self) -> String {
        let columns = self
            .rows
            .iter()
            .map(Vec::len)
            .chain([self.heading.len()])
            .max()
            .unwrap_or(0);
        let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
        let columns: Vec<(usize, bool)> = (0..columns)
            .map(|column| {
                let cells = || self.rows.iter().map(move |row| cell(row, column));
                let widest = cells()
                    .chain([cell(&self.heading, column)])
                    .map(|c| c.chars().count())
                    .max();
                (
                    widest.unwrap_or(0),
                    column > 0 && !self.rows.is_empty() && cells().all(|c| is_number(&c)),
                )
            })
            .collect();
        let rule: Vec<String> = columns
            .iter()
            .map(|(width, _)| "-".repeat(*width))
            .collect();
        let mut text = String::new();
        for row in [&self.heading, &rule].into_iter().chain(&self.rows) {
            let cells = columns.iter().enumerate().map(|(column, (width, right))| {
                let cell = cell(row, column);
                let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
                if *right {
                    blanks + &cell
                } else {
                    cell + &blanks
                }
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// A table of named figures: `auroc  0.912 [0.871, 0.953]`.
#[must_use]
pub fn figures<'a>(figures: impl IntoIterator<Item = (&'a str, &'a Measured)>) -> String {
    let mut table = Table::new(["figure", "value [95 % interval]"]);
    for (name, figure) in figures {
        table.row([name, &measured(figure)]);
    }
    table.text()
}

fn is_number(cell: &str) -> bool {
    cell.bytes()
        .all(|b| b.is_ascii_digit() || b"+-.,e% ".contains(&b))
}

/// Control characters in a file name could move the cursor or change colours: they are shown as what they are.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::{Interval, measured::IntervalMethod};

    #[test]
    fn names_stand_left_and_numbers_right() {
        let mut table = Table::new(["part", "images", "note"]);
        table
            .row(["training", "1,203", "by group"])
            .row(["test", "51"]);
        assert_eq!(
            table.text(),
            "part      images  note\n--------  ------  --------\ntraining   1,203  by group\ntest          51\n"
        );
    }

    #[test]
    fn figures_show_their_interval_or_their_reason() {
        let interval = Interval {
            low: 0.871,
            high: 0.953,
            level: 0.95,
            method: IntervalMethod::DeLong,
        };
        let auroc = Measured::with_interval(0.912, interval);
        let ppv = Measured::undefined("no positive call");
        let text = figures([("auroc", &auroc), ("ppv", &ppv)]);
        assert!(
            text.ends_with("auroc   0.912 [0.871, 0.953]\nppv     undefined: no positive call\n"),
            "{text}"
        );
    }

    #[test]
    fn a_file_name_cannot_speak_to_the_terminal() {
        let mut table = Table::new(["file"]);
        table.row(["\u{1b}[31mred\u{7}\nnew line"]);
        assert!(!table.text().contains('\u{1b}'));
        assert_eq!(table.text().lines().count(), 3);
    }

    #[test]
    fn a_table_without_rows_is_its_heading() {
        assert_eq!(Table::new(["a", "bc"]).text(), "a  bc\n-  --\n");
    }
}
