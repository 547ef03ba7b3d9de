//! Rows of work with time and rate; the peak is measured before the first and after the last.

use std::time::{Duration, Instant};
use tumorlens_kernels::{Isa, peak};

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
    /// Operations and bytes a second before the first row.
    before: [f64; 2],
}

/// Operations and bytes a second that this processor reaches at most.
fn most() -> [f64; 2] {
    let time = Duration::from_millis(500);
    [peak::multiply_add_peak(time), peak::stream(256 << 20, time)]
}

impl Table {
    pub(crate) fn new(words: impl Iterator<Item = String>) -> Self {
        Self {
            words: words.collect(),
            rows: Vec::new(),
            before: most(),
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
        let after = most();
        let [operations, bytes] = [0, 1].map(|i| self.before[i].max(after[i]));
        let [first, last] = [self.before, after].map(|rates| rates.map(|rate| rate / 1e9));
        println!(
            "{}, {} threads: peak {:.1} GFLOP/s before, {:.1} after; stream of 256 MiB {:.1} GB/s before, {:.1} after\n",
            Isa::best().name(),
            rayon::current_num_threads(),
            first[0],
            last[0],
            first[1],
            last[1],
        );
        println!(
            "{:<46} {:>10} {:>10} {:>8} {:>7} {:>6}",
            "", "median ms", "fastest ms", "GFLOP/s", "GB/s", "share"
        );
        for row in &self.rows {
            let (flops, gb, share) = match row.work {
                Work::Products(n) => {
                    let rate = 2.0 * n / row.fastest;
                    (
                        format!("{:.1}", rate / 1e9),
                        String::new(),
                        rate / operations,
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
