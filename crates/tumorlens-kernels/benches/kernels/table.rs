//! Rows of work; rates are printed with their share of what this processor reaches at most, measured before the first row and
//! after the last.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput};
use std::time::{Duration, Instant};
use tumorlens_kernels::{Isa, peak};

/// What one run of a row does.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Multiplications with an addition.
    Products(usize),
    /// Bytes read and written at least.
    Bytes(usize),
}

pub(crate) struct Table {
    criterion: Criterion<Roofs>,
}

/// Time, and rates beside the most operations and bytes that this processor reaches in a nanosecond.
struct Roofs {
    operations: f64,
    bytes: f64,
}

impl Roofs {
    fn measured() -> Self {
        let time = Duration::from_millis(500);
        let a_nanosecond = |rate: f64| rate / 1e9;
        Self {
            operations: a_nanosecond(peak::multiply_add_peak(time)),
            bytes: a_nanosecond(peak::stream(256 << 20, time)),
        }
    }

    fn print(&self, when: &str) {
        println!(
            "{when}, {}, {} threads: peak {:.1} GFLOP/s, stream of 256 MiB {:.1} GB/s\n",
            Isa::best().name(),
            rayon::current_num_threads(),
            self.operations,
            self.bytes,
        );
    }

    /// What is done in a nanosecond by work that takes so many, the unit, and the most that is done.
    fn rate(&self, work: &Throughput, nanoseconds: f64) -> (f64, &'static str, f64) {
        match *work {
            Throughput::Elements(n) => (n as f64 / nanoseconds, "GFLOP/s", self.operations),
            Throughput::Bytes(n) => (n as f64 / nanoseconds, "GB/s", self.bytes),
            _ => (f64::NAN, "", f64::NAN),
        }
    }
}

impl ValueFormatter for Roofs {
    fn format_throughput(&self, work: &Throughput, nanoseconds: f64) -> String {
        let (rate, unit, most) = self.rate(work, nanoseconds);
        format!("{rate:.1} {unit}, {:.0} % of the peak", 100.0 * rate / most)
    }

    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_values(typical, values)
    }

    fn scale_throughputs(
        &self,
        typical: f64,
        work: &Throughput,
        values: &mut [f64],
    ) -> &'static str {
        for value in values {
            *value = self.rate(work, *value).0;
        }
        self.rate(work, typical).1
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_for_machines(values)
    }
}

impl Measurement for Roofs {
    type Intermediate = Instant;
    type Value = Duration;

    fn start(&self) -> Instant {
        WallTime.start()
    }

    fn end(&self, since: Instant) -> Duration {
        WallTime.end(since)
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        WallTime.add(a, b)
    }

    fn zero(&self) -> Duration {
        WallTime.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl Table {
    pub(crate) fn new() -> Self {
        let roofs = Roofs::measured();
        roofs.print("before");
        let criterion = Criterion::default()
            .with_measurement(roofs)
            .sample_size(10)
            .warm_up_time(Duration::from_millis(100))
            .measurement_time(Duration::from_millis(300))
            .configure_from_args();
        Self { criterion }
    }

    /// Measures what `prepare` gives, where the name fits the expression that was asked for.
    pub(crate) fn row<F: FnMut()>(&mut self, name: &str, work: Work, prepare: impl Fn() -> F) {
        let work = match work {
            // A product and a sum each.
            Work::Products(n) => Throughput::Elements(2 * n as u64),
            Work::Bytes(n) => Throughput::Bytes(n as u64),
        };
        let mut group = self.criterion.benchmark_group("kernels");
        let mut run = None;
        group.throughput(work).bench_function(name, |bencher| {
            bencher.iter(run.get_or_insert_with(&prepare));
        });
        group.finish();
    }

    pub(crate) fn end(self) {
        self.criterion.final_summary();
        Roofs::measured().print("after");
    }
}
