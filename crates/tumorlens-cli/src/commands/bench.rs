//! `tumorlens bench`: images per second of one model on this machine.

use crate::args::{BenchArgs, BenchMode};
use crate::exit_code::Exit;
use anyhow::Context;
use serde::Serialize;
use std::time::{Duration, Instant};
use tumorlens_nn::bench::{Bench, Work};
use tumorlens_nn::device::DeviceChoice;
use tumorlens_nn::model::{Architecture, ModelConfig};

/// Steps before the clock starts.
const WARM_UP: usize = 3;
/// Steps timed at least, and how long at least.
const STEPS: usize = 5;
const TIME: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Figures {
    model: String,
    mode: &'static str,
    size: usize,
    batch: usize,
    device: String,
    threads: usize,
    steps: usize,
    /// Median of the steps.
    ms: f64,
    images_per_s: f64,
    /// Half the distance between the quartiles, as a share of the median.
    spread: f64,
    /// Most memory the process has held, MiB; absent where the system does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_rss_mb: Option<u64>,
}

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<Exit> {
    let device = args.device.parse::<DeviceChoice>()?;
    let architecture: Architecture = args.model.parse()?;
    let channels = args
        .channels
        .unwrap_or(if args.model == "cnn" { 1 } else { 3 });
    let (work, mode) = match args.mode {
        BenchMode::Train => (Work::Train, "train"),
        BenchMode::Infer => (Work::Infer, "infer"),
    };
    let input = [channels, args.size, args.size];
    let mut bench = Bench::new(
        &ModelConfig::new(architecture),
        input,
        args.batch,
        work,
        device,
    )
    .with_context(|| format!("{} at {} pixels", args.model, args.size))?;
    for _ in 0..WARM_UP {
        bench.step()?;
    }
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < STEPS || begun.elapsed() < TIME {
        let step = Instant::now();
        bench.step()?;
        times.push(step.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let figures = Figures {
        model: args.model.clone(),
        mode,
        size: args.size,
        batch: args.batch,
        device: device.to_string(),
        threads: rayon::current_num_threads(),
        steps: times.len(),
        ms: at(0.5) * 1e3,
        images_per_s: args.batch as f64 / at(0.5),
        spread: (at(0.75) - at(0.25)) / 2.0 / at(0.5),
        peak_rss_mb: peak_rss_mb(),
    };
    if args.json {
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        println!(
            "{} {mode}, {} px, batch {}: {:.1} images/s (+- {:.1} %), {:.2} ms a step, {} steps, {} threads on {device}",
            figures.model,
            figures.size,
            figures.batch,
            figures.images_per_s,
            figures.spread * 100.0,
            figures.ms,
            figures.steps,
            figures.threads
        );
    }
    Ok(Exit::Done)
}

/// As Linux tells it in /proc/self/status.
fn peak_rss_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
