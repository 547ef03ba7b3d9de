//! `tumorlens predict`: a call for every picture.

use crate::args::PredictArgs;
use crate::exit_code::{Exit, Stopped};
use crate::pictures::{self, Picture, Stems, Unreadable};
use crate::progress::Progress;
use crate::{model, npy};
use anyhow::Context;
use rayon::prelude::*;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tumorlens_core::{Attribution, Classifier, Observer, Prediction, Verdict};
use tumorlens_data::scan::path_text::to_text;
use tumorlens_data::transform::Outside;
use tumorlens_nn::predict::Predictor;
use tumorlens_report::{HeatRange, overlay_png};

/// Pictures that are decoded and judged together.
const CHUNK: usize = 64;

pub(crate) fn run(args: &PredictArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let predictor = model::predictor(args.model.as_deref(), &args.device)?;
    for dir in args.heatmaps.iter().chain(&args.maps) {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    let found = pictures::find(&args.paths)?;
    let paths: Vec<PathBuf> = found.images.into_iter().map(|f| f.path).collect();
    anyhow::ensure!(
        !paths.is_empty() || !found.skipped.is_empty(),
        "no picture in {}",
        list(&args.paths)
    );
    let mut out = Output::new(args, &predictor)?;
    for skipped in &found.skipped {
        progress.say(&format!("{}: {}", skipped.path, skipped.reason));
        out.write(&Prediction::refused(
            &skipped.path,
            predictor.name(),
            skipped.reason.as_str(),
        ))?;
    }
    let mut stems = Stems::default();
    let mut unreadable = found.skipped.len();
    progress.begin("predict", Some(paths.len() as u64));
    for (number, chunk) in paths.chunks(CHUNK).enumerate() {
        if progress.should_stop() {
            return Err(Stopped.into());
        }
        let read: Vec<Result<Picture, Unreadable>> = chunk
            .par_iter()
            .map(|path| pictures::read(path, predictor.preprocess()))
            .collect();
        let inputs: Vec<&[f32]> = read.iter().flatten().map(|p| p.input.as_slice()).collect();
        let mut judged = predictor.judge(&inputs)?.into_iter();
        for (path, picture) in chunk.iter().zip(&read) {
            let text = to_text(path);
            let prediction = match picture {
                Ok(picture) => {
                    let judgement = judged.next().context("the model gave too few answers")?;
                    let mut prediction = judgement.of(&text, predictor.name());
                    if args.heatmaps.is_some() || args.maps.is_some() {
                        prediction.map_threshold = predictor.map_threshold();
                        write_maps(args, &predictor, picture, &stems.of(path))?;
                    }
                    prediction
                }
                Err(reason) => {
                    let (Unreadable::File(reason) | Unreadable::Content(reason)) = reason;
                    unreadable += usize::from(matches!(picture, Err(Unreadable::File(_))));
                    progress.say(&format!("{text}: {reason}"));
                    Prediction::refused(&text, predictor.name(), reason.as_str())
                }
            };
            out.write(&prediction)?;
        }
        progress.advance((number * CHUNK + chunk.len()) as u64, "");
    }
    progress.end();
    out.finish()?;
    Ok(if unreadable > 0 {
        Exit::Partial
    } else {
        Exit::Done
    })
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|p| to_text(p))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The model's own map on the picture's pixel grid, and how strongly to draw it.
fn write_maps(
    args: &PredictArgs,
    predictor: &Predictor,
    picture: &Picture,
    stem: &str,
) -> anyhow::Result<()> {
    let map = predictor.explain(&picture.input)?;
    let placed = place(&map, picture)?;
    if let Some(dir) = &args.maps {
        let bytes = npy::bytes(placed.size.height, placed.size.width, &placed.values);
        write(&dir.join(format!("{stem}.npy")), &bytes)?;
    }
    if let Some(dir) = &args.heatmaps {
        let range = range(&placed, predictor.map_threshold());
        write(
            &dir.join(format!("{stem}.png")),
            &overlay_png(&picture.image, &placed, range, None)?,
        )?;
    }
    Ok(())
}

/// A map of the input on the picture's own grid.
pub(crate) fn place(map: &Attribution, picture: &Picture) -> anyhow::Result<Attribution> {
    let image = picture
        .prepared
        .placement
        .to_original(&map.values, Outside::Minimum)?;
    Ok(Attribution {
        size: image.size(),
        values: image.into_values(),
        ..map.clone()
    })
}

/// Drawn from the outline's threshold on, where one is known: what is not evidence stays grey.
pub(crate) fn range(map: &Attribution, threshold: Option<f32>) -> HeatRange {
    let high = map
        .values
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(0.0f32, f32::max);
    match threshold {
        Some(threshold) => HeatRange {
            low: threshold,
            high: high.max(threshold + 4.0),
        },
        None => HeatRange {
            low: 0.0,
            high: if high > 0.0 { high } else { 1.0 },
        },
    }
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    tumorlens_data::atomic_write::atomic_write(path, bytes)
        .with_context(|| path.display().to_string())
}

/// Lines on stdout in the form asked for.
#[allow(clippy::large_enum_variant, reason = "made once")]
enum Output {
    Text,
    Json,
    Csv(csv::Writer<std::io::Stdout>),
}

impl Output {
    fn new(args: &PredictArgs, predictor: &Predictor) -> anyhow::Result<Self> {
        if args.json {
            return Ok(Self::Json);
        }
        if args.csv {
            let mut writer = csv::Writer::from_writer(std::io::stdout());
            writer.write_record([
                "path",
                "probability",
                "threshold",
                "label",
                "verdict",
                "reason",
                "model",
            ])?;
            return Ok(Self::Csv(writer));
        }
        println!("{}  For research use only.", predictor.name());
        Ok(Self::Text)
    }

    fn write(&mut self, p: &Prediction) -> anyhow::Result<()> {
        let verdict = serde_json::to_value(p.verdict)?;
        let verdict = verdict.as_str().unwrap_or_default();
        let reason = p.reason.as_deref().unwrap_or_default();
        match self {
            Self::Json => writeln!(std::io::stdout(), "{}", serde_json::to_string(p)?)?,
            Self::Csv(writer) => {
                let number = |p: Option<tumorlens_core::Probability>| {
                    p.map(|p| p.get().to_string()).unwrap_or_default()
                };
                let label = p.label.clone().unwrap_or_default();
                let fields = [
                    &p.path,
                    &number(p.probability),
                    &number(p.threshold),
                    &label,
                    verdict,
                    reason,
                    &p.model,
                ];
                writer.write_record(fields.map(|f: &str| f.to_owned()))?;
            }
            Self::Text => {
                let probability = p
                    .probability
                    .map_or_else(|| "     ".to_owned(), |p| format!("{:.3}", p.get()));
                let label = if p.verdict == Verdict::Refused {
                    reason
                } else {
                    p.label.as_deref().unwrap_or_default()
                };
                writeln!(
                    std::io::stdout(),
                    "{verdict:<9} {probability}  {label:<12} {}",
                    p.path
                )?;
            }
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        if let Self::Csv(mut writer) = self {
            writer.flush()?;
        }
        Ok(())
    }
}
