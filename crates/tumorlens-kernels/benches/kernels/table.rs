//! Rows of work with time and rate; the peak is measured before the first and after the last.

use crate::peak;
use std::time::Instant;
use tumorlens_kernels::Isa;

/// Seconds that a row is repeated for.
const SECONDS: f64 = 0.2;

/// What one run of a row does.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Multiplications with an addition.
    Products(f64),
    /// Bytes read and written at least.
    Bytes(f64),
}

struct Row {
    name: String,
    work: Work,
    median: f64,
    fastest: f64,
}

pub(crate) struct Table {
    words: Vec<String>,
    rows: Vec<Row>,
    /// Products and bytes a second before the first row.
    before: [f64; 2],
}

impl Table {
    pub(crate) fn new(words: impl Iterator<Item = String>) -> Self {
        Self {
            words: words.collect(),
            rows: Vec::new(),
            before: [peak::products(), peak::bytes()],
        }
    }

    /// Measures what `prepare` gives, where all words are part of the name.
    pub(crate) fn row<F: FnMut()>(&mut self, name: &str, work: Work, prepare: impl FnOnce() -> F) {
        if !self.words.iter().all(|word| name.contains(word.as_str())) {
            return;
        }
        let mut run = prepare();
        run(); // pages are touched, caches warm
        let start = Instant::now();
        let mut times = Vec::new();
        while times.len() < 3 || start.elapsed().as_secs_f64() < SECONDS {
            let once = Instant::now();
            run();
            times.push(once.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        self.rows.push(Row {
            name: name.to_owned(),
            work,
            median: times[times.len() / 2],
            fastest: times[0],
        });
    }

    /// Measures the peak again and prints everything; rates and shares are those of the fastest run.
    pub(crate) fn end(self) {
        let after = [peak::products(), peak::bytes()];
        let [products, bytes] = [0, 1].map(|i| self.before[i].max(after[i]));
        let giga = |rates: [f64; 2], factor: f64| rates.map(|rate| rate * factor / 1e9);
        let [first, last] = giga([self.before[0], after[0]], 2.0);
        println!(
            "{}, {} threads: peak {first:.1} GFLOP/s before, {last:.1} after",
            Isa::best().name(),
            rayon::current_num_threads(),
        );
        let [first, last] = giga([self.before[1], after[1]], 1.0);
        println!("copies of 64 MiB {first:.1} GB/s before, {last:.1} after\n");
        println!(
            "{:<46} {:>10} {:>10} {:>8} {:>7} {:>6}",
            "", "median ms", "fastest ms", "GFLOP/s", "GB/s", "share"
        );
        for row in &self.rows {
            let (flops, gb, share) = match row.work {
                Work::Products(n) => {
                    let rate = n / row.fastest;
                    (
                        format!("{:.1}", 2.0 * rate / 1e9),
                        String::new(),
                        rate / products,
                    )
                }
                Work::Bytes(n) => {
                    let rate = n / row.fastest;
                    (String::new(), format!("{:.1}", rate / 1e9), rate / bytes)
                }
            };
            println!(
                "{:<46} {:>10.3} {:>10.3} {flops:>8} {gb:>7} {:>5.0}%",
                row.name,
                row.median * 1e3,
                row.fastest * 1e3,
                share * 100.0
            );
        }
    }
}
