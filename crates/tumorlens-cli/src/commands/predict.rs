//! `tumorlens predict`: a call for every picture and slice, for every series, and for a subject with several.

mod output;
mod series;
mod turned;

use crate::args::PredictArgs;
use crate::exit_code::{Exit, Stopped};
use crate::pictures::{self, Picture, Stems, Unreadable};
use crate::progress::Progress;
use crate::{model, npy};
use anyhow::Context;
use output::Output;
use rayon::prelude::*;
use series::Series;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use tumorlens_core::{
    Attribution, Classifier, GreyImage, Judgement, Level, Mask, Observer, Prediction, Verdict,
};
use tumorlens_data::scan::Found;
use tumorlens_data::scan::path_text::to_text;
use tumorlens_data::slice::Volumes;
use tumorlens_data::transform::Outside;
use tumorlens_nn::predict::Predictor;
use tumorlens_report::{HeatRange, overlay_png};

/// Pictures between two looks at what is asked of the program; where maps are drawn all of them are kept so long.
const CHUNK: usize = 128;

/// Pictures that one thread decodes and judges together: few enough for its cache, enough to read the weights once for
/// several.
const PIECE: usize = 8;

pub(crate) fn run(args: &PredictArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let say = |note: &str| progress.say(note);
    let precision = model::precision_to_judge(&args.precision, &args.device, say)?;
    let mut predictor = model::predictor(args.model.as_deref(), &args.device, precision)?;
    if args.no_guard {
        predictor = predictor.unguarded();
    }
    for dir in args.heatmaps.iter().chain(&args.maps) {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    let found = pictures::find(&args.paths, &args.planes, &args.sequences)?;
    anyhow::ensure!(
        !found.images.is_empty() || !found.skipped.is_empty(),
        "no picture in {}",
        list(&args.paths)
    );
    let mut out = Output::new(args, &predictor)?;
    for note in &found.notes {
        progress.say(note);
    }
    for skipped in &found.skipped {
        progress.say(&format!("{}: {}", skipped.path, skipped.reason));
        out.write(&Prediction::refused(
            &skipped.path,
            predictor.name(),
            skipped.reason.as_str(),
        ))?;
    }
    let mut judge = Judge {
        args,
        predictor: &predictor,
        volumes: Volumes::default(),
        stems: Stems::default(),
        series: None,
        subjects: BTreeMap::new(),
        unreadable: found.skipped.len(),
    };
    progress.begin("predict", Some(found.images.len() as u64));
    for (number, chunk) in found.images.chunks(CHUNK).enumerate() {
        if progress.should_stop() {
            return Err(Stopped.into());
        }
        judge.chunk(chunk, &mut out, progress)?;
        progress.advance((number * CHUNK + chunk.len()) as u64, "");
    }
    judge.end_series(&mut out)?;
    judge.end_subjects(&mut out)?;
    progress.end();
    out.finish()?;
    Ok(if judge.unreadable > 0 {
        Exit::Partial
    } else {
        Exit::Done
    })
}

/// The call on a picture, which is kept where a map of it is wanted.
type Judged = Result<(Judgement, Option<Picture>), Unreadable>;

/// Judges slices in order and adds up those of a series.
struct Judge<'a> {
    args: &'a PredictArgs,
    predictor: &'a Predictor,
    volumes: Volumes,
    stems: Stems,
    series: Option<Series>,
    /// By source and name: numbers of subjects begin anew in each input.
    subjects: BTreeMap<(String, String), Subject>,
    unreadable: usize,
}

impl Judge<'_> {
    fn chunk(
        &mut self,
        chunk: &[Found],
        out: &mut Output,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let predictor = self.predictor;
        let pieces = chunk.par_chunks(PIECE).map(|piece| self.piece(piece));
        let judged: Vec<Vec<Judged>> = pieces.collect::<anyhow::Result<_>>()?;
        for (found, judged) in chunk.iter().zip(judged.into_iter().flatten()) {
            self.enter_series(found, out)?;
            let text = to_text(&found.path);
            let judged = match judged {
                Ok((judgement, _)) if judgement.verdict == Verdict::Refused => {
                    Err(judgement.reason.unwrap_or_default())
                }
                Ok(judged) => Ok(judged),
                Err(Unreadable::File(reason)) => {
                    self.unreadable += 1;
                    Err(reason)
                }
                Err(Unreadable::Content(reason)) => Err(reason),
            };
            let prediction = match judged {
                Ok((judgement, picture)) => {
                    let mut prediction = judgement.clone().of(&text, predictor.name());
                    prediction.level = found.scan.as_ref().map(|_| Level::Slice);
                    about(&mut prediction, found);
                    if found.scan.is_some() && !found.subject.is_empty() {
                        let whose = (found.source.clone(), found.subject.clone());
                        let all = self.subjects.entry(whose).or_default();
                        all.judgements.push(judgement.clone());
                        all.series
                            .extend(found.scan.as_ref().and_then(|s| s.series));
                    }
                    let mut map = None;
                    if let Some(picture) = picture {
                        let stem = self.stems.of(&found.path);
                        let (drawn, region) = write_maps(self.args, predictor, &picture, &stem)?;
                        let (threshold, region) = region.unzip();
                        prediction.map_threshold = threshold;
                        let pixel = found.scan.as_ref().and_then(|s| s.pixel_mm2);
                        prediction.region_pixels = region;
                        prediction.region_mm2 = region.zip(pixel).map(|(n, area)| n as f64 * area);
                        map = Some(drawn);
                    }
                    if let Some(series) = &mut self.series {
                        series.add(found, judgement, map);
                    }
                    prediction
                }
                Err(reason) => {
                    progress.say(&format!("{text}: {reason}"));
                    if let Some(series) = &mut self.series {
                        series.add_refused(found);
                    }
                    Prediction::refused(&text, predictor.name(), reason)
                }
            };
            out.write(&prediction)?;
        }
        Ok(())
    }

    /// Decodes and judges some pictures.
    fn piece(&self, piece: &[Found]) -> anyhow::Result<Vec<Judged>> {
        let (spec, guarded) = (self.predictor.preprocess(), !self.args.no_guard);
        let read: Vec<Result<Picture, Unreadable>> = piece
            .par_iter()
            .map(|found| pictures::read(&found.path, spec, &self.volumes, guarded))
            .collect();
        let inputs: Vec<&[f32]> = read.iter().flatten().map(|p| p.input.as_slice()).collect();
        let mut judgements = self.predictor.judge(&inputs)?.into_iter();
        let drawn = self.draws();
        let mut judged = Vec::with_capacity(read.len());
        for (found, picture) in piece.iter().zip(read) {
            judged.push(match picture {
                Ok(picture) => {
                    let judgement = judgements.next();
                    let mut judgement = judgement.context("the model gave too few answers")?;
                    // A scan says which way is up.
                    if judgement.verdict == Verdict::Refused
                        && found.scan.is_none()
                        && turned::would_be_judged(&picture.image, self.predictor)
                        && let Some(reason) = &mut judgement.reason
                    {
                        reason.push_str(turned::ON_ITS_SIDE);
                    }
                    Ok((judgement, drawn.then_some(picture)))
                }
                Err(reason) => Err(reason),
            });
        }
        Ok(judged)
    }

    /// Whether maps are wanted.
    fn draws(&self) -> bool {
        self.args.heatmaps.is_some() || self.args.maps.is_some()
    }

    /// A slice of another series ends the one before.
    fn enter_series(&mut self, found: &Found, out: &mut Output) -> anyhow::Result<()> {
        let number = found.scan.as_ref().and_then(|s| s.series);
        if self.series.as_ref().map(Series::number) == number {
            return Ok(());
        }
        self.end_series(out)?;
        self.series = number.map(|n| Series::new(n, found));
        Ok(())
    }

    /// One answer for each subject of whom there are several series.
    fn end_subjects(&mut self, out: &mut Output) -> anyhow::Result<()> {
        for ((_, name), subject) in std::mem::take(&mut self.subjects) {
            let bundle = self.predictor.bundle();
            if subject.series.len() > 1
                && let Some(answer) = bundle.judge_together(&subject.judgements)
            {
                let mut prediction = answer.of(&name, self.predictor.name());
                prediction.level = Some(Level::Subject);
                prediction.slices = Some(subject.judgements.len());
                prediction.subject = Some(name);
                out.write(&prediction)?;
            }
        }
        Ok(())
    }

    fn end_series(&mut self, out: &mut Output) -> anyhow::Result<()> {
        let Some(series) = self.series.take() else {
            return Ok(());
        };
        if let Some(answer) = series.answer(self.predictor.bundle()) {
            let mut prediction = answer.of(to_text(series.path()), self.predictor.name());
            prediction.level = Some(Level::Series);
            prediction.slices = Some(series.len());
            about(&mut prediction, series.first());
            out.write(&prediction)?;
        }
        if let Some(dir) = &self.args.maps
            && let Some(bytes) = series.map(&self.volumes)?
        {
            let stem = self.stems.of(series.path());
            write(&dir.join(format!("{stem}_evidence.nii.gz")), &bytes)?;
        }
        Ok(())
    }
}

/// Every slice of a subject, of whatever series.
#[derive(Default)]
struct Subject {
    judgements: Vec<Judgement>,
    series: BTreeSet<usize>,
}

/// What the scan says of itself.
fn about(prediction: &mut Prediction, found: &Found) {
    let Some(scan) = &found.scan else { return };
    prediction.subject = (!found.subject.is_empty()).then(|| found.subject.clone());
    prediction.sequence = scan.sequence.weighting.map(|w| w.name().to_owned());
    prediction.contrast = scan.sequence.contrast;
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|p| to_text(p))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The model's own map on the picture's pixel grid, from which value on it outlines a region, and how many pixels lie there.
fn write_maps(
    args: &PredictArgs,
    predictor: &Predictor,
    picture: &Picture,
    stem: &str,
) -> anyhow::Result<(GreyImage, Option<(f32, usize)>)> {
    let map = predictor.explain(&picture.input)?;
    let placed = place(&map, picture)?;
    let threshold = predictor.map_line().map(|line| line.of(&placed.values));
    let outline = outline(&placed, threshold)?;
    if let Some(dir) = &args.maps {
        let bytes = npy::bytes(placed.size.height, placed.size.width, &placed.values);
        write(&dir.join(format!("{stem}.npy")), &bytes)?;
    }
    if let Some(dir) = &args.heatmaps {
        let range = range(&placed, threshold);
        write(
            &dir.join(format!("{stem}.png")),
            &overlay_png(&picture.image, &placed, range, outline.as_ref())?,
        )?;
    }
    let inside = |mask: Mask| mask.values().iter().filter(|inside| **inside).count();
    let region = threshold.zip(outline.map(inside));
    Ok((GreyImage::new(placed.size, placed.values)?, region))
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

/// The region of a map from a threshold on.
pub(crate) fn outline(map: &Attribution, threshold: Option<f32>) -> anyhow::Result<Option<Mask>> {
    let inside = |t: f32| map.values.iter().map(|v| *v >= t).collect();
    let region = threshold.map(|t| Mask::new(map.size, inside(t)));
    Ok(region.transpose()?)
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
