//! Where the time of a step goes: every part of every layer beside what the processor can do.

use super::Figures;
use serde::Serialize;
use tumorlens_nn::bench::{LayerTime, Task};
use tumorlens_report::figure::roofline::{Roofline, RooflinePart};
use tumorlens_report::number::{decimals, number};
use tumorlens_report::terminal::Table;

/// What the processor can do at most, measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roofs {
    /// Billions of operations a second.
    pub(super) peak_gflops: f64,
    /// Billions of bytes a second.
    pub(super) bandwidth_gbs: f64,
}

/// What holds a part up, were it perfect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    Arithmetic,
    Memory,
}

/// A part of a layer's work; what cannot be said of it is left out.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    layer: String,
    work: &'static str,
    #[serde(skip)]
    task: Task,
    ms: f64,
    share_of_step: f64,
    /// Billions of operations in a step, of the plain definition.
    gflop: f64,
    /// Millions of bytes read and written in a step, each value once.
    mb: f64,
    /// Operations a byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    intensity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gflops: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_of_peak: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gbs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<Bound>,
    /// Of what its operations a byte allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    share_of_roof: Option<f64>,
}

impl Row {
    fn new(part: &LayerTime, step_ms: f64, roofs: Roofs) -> Self {
        let seconds = part.seconds.max(1e-9);
        let of = |amount: f64| (amount > 0.0).then_some(amount / seconds / 1e9);
        let (gflops, gbs) = (of(part.operations), of(part.bytes));
        let intensity = gflops.and(gbs).map(|_| part.operations / part.bytes);
        let allowed = intensity.map(|i| roofs.peak_gflops.min(i * roofs.bandwidth_gbs));
        let share_of_roof = match (gflops, allowed) {
            (Some(gflops), Some(allowed)) => Some(gflops / allowed),
            _ => gbs.map(|gbs| gbs / roofs.bandwidth_gbs),
        };
        let arithmetic = intensity.is_some_and(|i| i > roofs.peak_gflops / roofs.bandwidth_gbs);
        Self {
            layer: part.layer.clone(),
            work: part.task.name(),
            task: part.task,
            ms: part.seconds * 1e3,
            share_of_step: part.seconds * 1e3 / step_ms,
            gflop: part.operations / 1e9,
            mb: part.bytes / 1e6,
            intensity,
            gflops,
            share_of_peak: gflops.map(|g| g / roofs.peak_gflops),
            gbs,
            bound: share_of_roof.map(|_| match arithmetic {
                true => Bound::Arithmetic,
                false => Bound::Memory,
            }),
            share_of_roof,
        }
    }
}

/// One row a part, in the order of a step.
pub(super) fn rows(parts: &[LayerTime], step_ms: f64, roofs: Roofs) -> Vec<Row> {
    let row = |part: &LayerTime| Row::new(part, step_ms, roofs);
    parts.iter().map(row).collect()
}

/// Two tables: by kind of work, and part by part, the longest first.
pub(super) fn tables(rows: &[Row], step_ms: f64, roofs: Roofs) -> String {
    let ridge = roofs.peak_gflops / roofs.bandwidth_gbs;
    format!(
        "{}\n{}\nmeasured: {} GFLOP/s at most, {} GB/s from memory; arithmetic is the bound above {} operations a byte\n",
        by_work(rows, step_ms, roofs),
        by_part(rows),
        number(roofs.peak_gflops),
        number(roofs.bandwidth_gbs),
        number(ridge)
    )
}

fn by_work(rows: &[Row], step_ms: f64, roofs: Roofs) -> String {
    let mut table = Table::new(["work", "ms", "of step", "GFLOP/s", "of peak", "GB/s"]);
    let mut seen: Vec<Task> = Vec::new();
    for row in rows {
        if seen.contains(&row.task) {
            continue;
        }
        seen.push(row.task);
        let alike = || rows.iter().filter(|other| other.task == row.task);
        let ms: f64 = alike().map(|row| row.ms).sum();
        let gflops = alike().map(|row| row.gflop).sum::<f64>() / ms.max(1e-6) * 1e3;
        let gbs = alike().map(|row| row.mb).sum::<f64>() / ms.max(1e-6);
        let some = |value: f64| (value > 0.0).then_some(value);
        table.row([
            row.work.to_owned(),
            decimals(ms, 2),
            percent_column(Some(ms / step_ms)),
            one_decimal(some(gflops)),
            percent_column(some(gflops / roofs.peak_gflops)),
            one_decimal(some(gbs)),
        ]);
    }
    let rest = step_ms - rows.iter().map(|row| row.ms).sum::<f64>();
    let rest = [
        decimals(rest.max(0.0), 2),
        percent_column(Some(rest.max(0.0) / step_ms)),
    ];
    table.row(
        [
            &["between the parts".to_owned()][..],
            &rest,
            &vec!["-".to_owned(); 3],
        ]
        .concat(),
    );
    table.text()
}

fn by_part(rows: &[Row]) -> String {
    let mut table = Table::new([
        "layer", "work", "ms", "of step", "GFLOP/s", "of peak", "GB/s", "bound by", "of roof",
    ]);
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    for row in rows {
        let bound = match row.bound {
            Some(Bound::Arithmetic) => "arithmetic",
            Some(Bound::Memory) => "memory",
            None => "-",
        };
        table.row([
            row.layer.clone(),
            row.work.to_owned(),
            decimals(row.ms, 3),
            percent_column(Some(row.share_of_step)),
            one_decimal(row.gflops),
            percent_column(row.share_of_peak),
            one_decimal(row.gbs),
            bound.to_owned(),
            percent_column(row.share_of_roof),
        ]);
    }
    table.text()
}

fn one_decimal(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| decimals(value, 1))
}

fn percent_column(share: Option<f64>) -> String {
    share.map_or_else(
        || "-".to_owned(),
        |share| format!("{} %", decimals(share * 100.0, 1)),
    )
}

/// The step as a picture, without parts that compute nothing.
pub(super) fn picture(figures: &Figures, rows: &[Row], roofs: Roofs) -> Roofline {
    let parts = rows.iter().filter_map(|row| {
        Some(RooflinePart {
            layer: row.layer.clone(),
            work: row.work.to_owned(),
            group: group(row.task),
            share: row.share_of_step,
            intensity: row.intensity?,
            gflops: row.gflops?,
        })
    });
    Roofline {
        title: format!(
            "{} {}, {} px, batch {}",
            figures.model, figures.mode, figures.size, figures.batch
        ),
        peak_gflops: roofs.peak_gflops,
        bandwidth_gbs: roofs.bandwidth_gbs,
        groups: GROUPS.map(str::to_owned).to_vec(),
        parts: parts.collect(),
    }
}

/// Kinds of work that have a colour.
const GROUPS: [&str; 6] = [
    "forward",
    "by input",
    "by weights",
    "normalise",
    "pool",
    "other",
];

/// Which of [`GROUPS`] a part belongs to.
fn group(task: Task) -> usize {
    match task {
        Task::Forward => 0,
        Task::ByInput => 1,
        Task::ByWeights => 2,
        Task::Normalise | Task::NormaliseBack => 3,
        Task::Pool | Task::PoolBack => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOFS: Roofs = Roofs {
        peak_gflops: 200.0,
        bandwidth_gbs: 20.0,
    };

    fn part(operations: f64, bytes: f64) -> LayerTime {
        LayerTime {
            layer: "conv1".into(),
            task: Task::Forward,
            seconds: 0.01,
            operations,
            bytes,
        }
    }

    #[test]
    fn a_part_is_bound_by_what_its_operations_a_byte_allow() {
        // 100 GFLOP/s at 20 operations a byte: half of the flat roof.
        let dense = Row::new(&part(1e9, 5e7), 40.0, ROOFS);
        assert_eq!(dense.bound, Some(Bound::Arithmetic));
        assert_eq!(
            (dense.share_of_peak, dense.share_of_roof),
            (Some(0.5), Some(0.5))
        );
        assert_eq!(dense.share_of_step, 0.25);
        // 10 GFLOP/s at 1 operation a byte: half of the slanted roof.
        let thin = Row::new(&part(1e8, 1e8), 40.0, ROOFS);
        assert_eq!(thin.bound, Some(Bound::Memory));
        assert_eq!(
            (thin.share_of_peak, thin.share_of_roof),
            (Some(0.05), Some(0.5))
        );
        // 10 GB/s and nothing computed.
        let copy = Row::new(&part(0.0, 1e8), 40.0, ROOFS);
        assert_eq!((copy.gflops, copy.bound), (None, Some(Bound::Memory)));
        assert_eq!(copy.share_of_roof, Some(0.5));
        let nothing = Row::new(&part(0.0, 0.0), 40.0, ROOFS);
        assert_eq!((nothing.bound, nothing.share_of_roof), (None, None));
    }

    #[test]
    fn the_tables_name_every_part_the_longest_first() {
        let long = LayerTime {
            layer: "conv2".into(),
            seconds: 0.02,
            ..part(2e9, 1e8)
        };
        let rows = rows(&[part(1e9, 5e7), long], 40.0, ROOFS);
        let text = tables(&rows, 40.0, ROOFS);
        let (first, second) = (text.find("conv2").unwrap(), text.find("conv1").unwrap());
        assert!(first < second, "{text}");
        assert!(text.contains("forward            30.00   75.0 %"), "{text}");
        assert!(text.contains("between the parts  10.00   25.0 %"), "{text}");
        assert!(text.contains("above 10.00 operations a byte"), "{text}");
    }
}
