//! `tumorlens bench`: images per second of one model on this machine, and where their time goes.

mod layers;

use crate::args::{BenchArgs, BenchMode};
use crate::exit_code::Exit;
use crate::model;
use anyhow::{Context, bail};
use layers::{Roofs, Row};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
use tumorlens_data::atomic_write::atomic_write;
use tumorlens_nn::bench::{Bench, Work, multiply_add_peak, stream};
use tumorlens_nn::device::DeviceChoice;
use tumorlens_nn::model::{Architecture, ModelConfig};
use tumorlens_nn::precision::Precision;
use tumorlens_report::figure::roofline::roofline;
use tumorlens_report::number::{number, percent};

/// Steps before the clock starts.
const WARM_UP: usize = 3;
/// Steps timed at least, and how long at least.
const STEPS: usize = 5;
const TIME: Duration = Duration::from_secs(2);
/// How long the roofs are measured, each time.
const PEAK_TIME: Duration = Duration::from_millis(100);
const STREAM_TIME: Duration = Duration::from_millis(400);
/// Memory that is streamed.
const STREAM_BYTES: usize = 256 << 20;
/// In place of a file: the model that the program carries.
const BUILT_IN: &str = "built-in";

#[derive(Serialize)]
struct Figures {
    model: String,
    mode: &'static str,
    size: usize,
    batch: usize,
    device: String,
    precision: String,
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
    /// Billions of operations a second of the whole step, of the plain definition; on the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    gflops: Option<f64>,
    /// Billions of operations a second that the threads reach where nothing waits for memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_gflops: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_of_peak: Option<f64>,
    /// Billions of bytes a second that stream through memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth_gbs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<Row>>,
}

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<Exit> {
    let device = args.device.parse::<DeviceChoice>()?;
    let precision = match args.mode {
        BenchMode::Train => args.precision.parse::<Precision>()?,
        BenchMode::Infer => {
            let say = |note: &str| eprintln!("{note}");
            model::precision_to_judge(&args.precision, &args.device, say)?
        }
    };
    if args.layers && device != DeviceChoice::Cpu {
        bail!("--layers times the parts of a step on the device cpu only, not on {device}");
    }
    let mut bench = bench(args, device, precision)?;
    // The operations of a step are those of its parts; other devices do not tell.
    let known = device == DeviceChoice::Cpu;
    if known {
        bench.record(true)?;
    }
    for _ in 0..WARM_UP {
        bench.step()?;
    }
    let operations = bench.operations();
    let early = if known {
        bench.record(args.layers)?;
        multiply_add_peak(precision, PEAK_TIME)
    } else {
        0.0
    };
    let [_, size, _] = bench.input();
    let times = timed(&mut bench)?;
    let mut figures = figures(args, size, (device, precision), &times);
    if known {
        let peak = multiply_add_peak(precision, PEAK_TIME).max(early) / 1e9;
        let reached = operations / figures.ms / 1e6;
        figures.gflops = Some(reached);
        figures.peak_gflops = Some(peak);
        figures.share_of_peak = Some(reached / peak);
        if args.layers {
            let roofs = Roofs {
                peak_gflops: peak,
                bandwidth_gbs: stream(STREAM_BYTES, STREAM_TIME) / 1e9,
            };
            return report(args, figures, &mut bench, roofs);
        }
    }
    println!("{}", line(args, &figures)?);
    Ok(Exit::Done)
}

fn bench(args: &BenchArgs, device: DeviceChoice, precision: Precision) -> anyhow::Result<Bench> {
    if let Some(file) = &args.bundle {
        if matches!(args.mode, BenchMode::Train) {
            bail!("--bundle is timed as it judges: add --mode infer");
        }
        let bundle = model::load((file != Path::new(BUILT_IN)).then_some(file))?;
        let bench = Bench::judging(bundle.graph, bundle.weights, args.batch, precision, device);
        return bench.with_context(|| file.display().to_string());
    }
    let architecture: Architecture = args.model.parse()?;
    let channels = args
        .channels
        .unwrap_or(if args.model == "cnn" { 1 } else { 3 });
    let work = match args.mode {
        BenchMode::Train => Work::Train,
        BenchMode::Infer => Work::Infer,
    };
    let model = ModelConfig::new(architecture);
    Bench::new(
        &model,
        [channels, args.size, args.size],
        args.batch,
        work,
        precision,
        device,
    )
    .with_context(|| format!("{} at {} pixels", args.model, args.size))
}

/// Seconds of steps, sorted.
fn timed(bench: &mut Bench) -> anyhow::Result<Vec<f64>> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < STEPS || begun.elapsed() < TIME {
        let step = Instant::now();
        bench.step()?;
        times.push(step.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn figures(
    args: &BenchArgs,
    size: usize,
    (device, precision): (DeviceChoice, Precision),
    times: &[f64],
) -> Figures {
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let bundle = args.bundle.as_ref().map(|file| file.display().to_string());
    Figures {
        model: bundle.unwrap_or_else(|| args.model.clone()),
        mode: match args.mode {
            BenchMode::Train => "train",
            BenchMode::Infer => "infer",
        },
        size,
        batch: args.batch,
        device: device.to_string(),
        precision: precision.to_string(),
        threads: rayon::current_num_threads(),
        steps: times.len(),
        ms: at(0.5) * 1e3,
        images_per_s: args.batch as f64 / at(0.5),
        spread: (at(0.75) - at(0.25)) / 2.0 / at(0.5),
        peak_rss_mb: peak_rss_mb(),
        gflops: None,
        peak_gflops: None,
        share_of_peak: None,
        bandwidth_gbs: None,
        layers: None,
    }
}

/// One JSON object or one sentence.
fn line(args: &BenchArgs, figures: &Figures) -> anyhow::Result<String> {
    if args.json {
        return Ok(serde_json::to_string(figures)?);
    }
    let share = figures
        .gflops
        .zip(figures.peak_gflops)
        .map(|(gflops, peak)| {
            format!(
                ", {} of {} GFLOP/s ({} of the measured peak)",
                number(gflops),
                number(peak),
                percent(gflops / peak)
            )
        });
    Ok(format!(
        "{} {} in {}, {} px, batch {}: {:.1} images/s (+- {:.1} %), {:.2} ms a step, {} steps, {} threads on {}{}",
        figures.model,
        figures.mode,
        figures.precision,
        figures.size,
        figures.batch,
        figures.images_per_s,
        figures.spread * 100.0,
        figures.ms,
        figures.steps,
        figures.threads,
        figures.device,
        share.unwrap_or_default()
    ))
}

/// Tables, or JSON with the rows, and the picture.
fn report(
    args: &BenchArgs,
    mut figures: Figures,
    bench: &mut Bench,
    roofs: Roofs,
) -> anyhow::Result<Exit> {
    let rows = layers::rows(&bench.recorded(), figures.ms, roofs);
    if let Some(file) = &args.out {
        let picture = roofline(&layers::picture(&figures, &rows, roofs))?;
        let picture = picture.context("no part of the step is long enough to be drawn")?;
        atomic_write(file, picture.alone().as_bytes())
            .with_context(|| file.display().to_string())?;
    }
    figures.bandwidth_gbs = Some(roofs.bandwidth_gbs);
    if args.json {
        figures.layers = Some(rows);
        println!("{}", line(args, &figures)?);
    } else {
        let tables = layers::tables(&rows, figures.ms, roofs);
        print!("{}\n\n{tables}", line(args, &figures)?);
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
