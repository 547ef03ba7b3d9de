//! `study.jsonl`: what was tried and how it went, one event a line, appended by any number of workers.

use super::space::{Space, Values};
use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What a study searches, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    /// Version of this file's format.
    pub(super) version: u32,
    pub(super) seed: u64,
    /// Trials in all.
    pub(super) trials: usize,
    /// Inner folds.
    pub(super) folds: usize,
    /// Epochs of a fold.
    pub(super) epochs: usize,
    /// SHA-256 of the manifest.
    pub(super) manifest_sha256: String,
    pub(super) space: Space,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Event {
    /// The first line.
    Study(Terms),
    /// A trial was given to a worker.
    Begun { trial: usize, values: Values },
    /// A trial took a step: an epoch of a fold. The figure is the mean over the folds so far.
    Step {
        trial: usize,
        step: u64,
        figure: f64,
    },
    /// A trial is over.
    Ended { trial: usize, end: End },
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    /// All folds were trained.
    Complete,
    /// Others were better at the same step.
    Halted,
    /// It could not be trained, and why.
    Failed(String),
}

/// A trial as the events tell it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trial {
    pub(super) number: usize,
    pub(super) values: Values,
    /// Step and figure, ascending.
    pub(super) steps: Vec<(u64, f64)>,
    pub(super) end: Option<End>,
}

impl Trial {
    /// The figure of a trial that was trained to its end.
    pub(super) fn figure(&self) -> Option<f64> {
        match self.end {
            Some(End::Complete) => self.steps.last().map(|(_, figure)| *figure),
            _ => None,
        }
    }
}

/// The terms and all trials so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Study {
    pub(super) terms: Terms,
    pub(super) trials: Vec<Trial>,
}

impl Study {
    /// The complete trial with the best figure; of equals the first.
    pub(super) fn best(&self) -> Option<&Trial> {
        let complete = self.trials.iter().filter_map(|t| Some((t.figure()?, t)));
        complete
            .reduce(|a, b| if b.0 > a.0 { b } else { a })
            .map(|(_, trial)| trial)
    }

    fn of(events: Vec<Event>) -> anyhow::Result<Self> {
        let mut events = events.into_iter();
        let Some(Event::Study(terms)) = events.next() else {
            bail!("does not begin with the terms of a study");
        };
        ensure!(
            terms.version == 1,
            "version {} of a study; this program reads 1",
            terms.version
        );
        let mut trials: Vec<Trial> = Vec::new();
        for event in events {
            match event {
                Event::Study(_) => bail!("has the terms of a study twice"),
                Event::Begun { trial, values } => {
                    ensure!(trial == trials.len(), "trial {trial} is out of order");
                    trials.push(Trial {
                        number: trial,
                        values,
                        steps: Vec::new(),
                        end: None,
                    });
                }
                Event::Step {
                    trial,
                    step,
                    figure,
                } => {
                    let steps = &mut known(&mut trials, trial)?.steps;
                    // A worker that was killed before its checkpoint says some steps again.
                    if steps.last().is_none_or(|(last, _)| *last < step) {
                        steps.push((step, figure));
                    }
                }
                Event::Ended { trial, end } => known(&mut trials, trial)?.end = Some(end),
            }
        }
        Ok(Self { terms, trials })
    }
}

fn known(trials: &mut [Trial], number: usize) -> anyhow::Result<&mut Trial> {
    trials
        .get_mut(number)
        .with_context(|| format!("trial {number} is out of order"))
}

/// The file, which is locked while it is read or written.
#[derive(Clone, Debug)]
pub(super) struct StudyFile(PathBuf);

impl StudyFile {
    pub(super) fn new(folder: &Path) -> Self {
        Self(folder.join("study.jsonl"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes the terms of a new study.
    ///
    /// # Errors
    /// When there is one already, or the file cannot be written.
    pub(super) fn begin(&self, terms: Terms) -> anyhow::Result<()> {
        self.with(|file| {
            ensure!(
                file.metadata()?.len() == 0,
                "holds a study already; go on with --resume, or choose another folder"
            );
            append(file, 0, &[Event::Study(terms)])
        })
    }

    pub(super) fn read(&self) -> anyhow::Result<Study> {
        self.change(|_| Vec::new())
    }

    /// Reads the study, appends what `decide` makes of it, and gives it as it is then. No other worker reads or writes
    /// meanwhile.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds something else.
    pub(super) fn change(
        &self,
        decide: impl FnOnce(&Study) -> Vec<Event>,
    ) -> anyhow::Result<Study> {
        self.with(|file| {
            let mut text = String::new();
            file.seek(SeekFrom::Start(0))?;
            file.read_to_string(&mut text)?;
            // What a killed worker left of a line is overwritten by the next.
            let whole = text.rfind('\n').map_or(0, |at| at + 1);
            let mut events = text[..whole]
                .lines()
                .enumerate()
                .map(|(i, line)| {
                    serde_json::from_str(line).with_context(|| format!("line {}", i + 1))
                })
                .collect::<anyhow::Result<Vec<Event>>>()?;
            let study = Study::of(events.clone())?;
            let more = decide(&study);
            if more.is_empty() {
                return Ok(study);
            }
            append(file, whole as u64, &more)?;
            events.extend(more);
            Study::of(events)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut File) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let locked = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = options.open(&self.0)?;
            file.lock()?;
            work(&mut file)
        };
        locked().with_context(|| self.0.display().to_string())
    }
}

fn append(file: &mut File, at: u64, events: &[Event]) -> anyhow::Result<()> {
    let mut lines = String::new();
    for event in events {
        lines.push_str(&serde_json::to_string(event)?);
        lines.push('\n');
    }
    file.set_len(at)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(lines.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn terms() -> Terms {
        Terms {
            version: 1,
            seed: 3,
            trials: 4,
            folds: 2,
            epochs: 5,
            manifest_sha256: "0".repeat(64),
            space: Space::default(),
        }
    }

    fn begun(trial: usize) -> Event {
        Event::Begun {
            trial,
            values: Values::new(),
        }
    }

    fn step(trial: usize, step: u64, figure: f64) -> Event {
        Event::Step {
            trial,
            step,
            figure,
        }
    }

    fn ended(trial: usize, end: End) -> Event {
        Event::Ended { trial, end }
    }

    #[test]
    fn what_workers_append_is_read_back_by_all_and_a_torn_line_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let file = StudyFile::new(dir.path());
        file.begin(terms()).unwrap();
        let events = [begun(0), step(0, 1, 0.5), begun(1), step(0, 2, 0.625)];
        file.change(|_| events.to_vec()).unwrap();
        let whole = std::fs::read_to_string(file.path()).unwrap();
        std::fs::write(file.path(), format!("{whole}{{\"event\":\"ste")).unwrap();
        let study = file
            .change(|study| {
                assert_eq!(study.trials[0].steps, [(1, 0.5), (2, 0.625)]);
                vec![ended(0, End::Complete), ended(1, End::Halted)]
            })
            .unwrap();
        assert_eq!(study.trials[0].figure(), Some(0.625));
        assert_eq!(study.trials[1].figure(), None);
        assert_eq!(file.read().unwrap(), study);
        assert_eq!(study.best().unwrap().number, 0);
    }

    #[test]
    fn steps_that_are_said_again_count_once() {
        let again = [begun(0), step(0, 1, 0.5), step(0, 1, 0.5), step(0, 2, 0.75)];
        let study = [&[Event::Study(terms())][..], &again].concat();
        let steps = Study::of(study).unwrap().trials[0].steps.clone();
        assert_eq!(steps, [(1, 0.5), (2, 0.75)]);
    }

    #[test]
    fn a_second_study_and_something_else_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = StudyFile::new(dir.path());
        file.begin(terms()).unwrap();
        let error = format!("{:#}", file.begin(terms()).unwrap_err());
        assert!(
            error.contains("study.jsonl: holds a study already"),
            "{error}"
        );
        for (text, word) in [
            ("", "does not begin"),
            ("{}\n", "line 1"),
            (
                "{\"event\":\"begun\",\"trial\":0,\"values\":{}}\n",
                "does not begin",
            ),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let error = format!("{:#}", file.read().unwrap_err());
            assert!(error.contains(word), "{text}: {error}");
        }
        let late = [Event::Study(terms()), begun(1)];
        assert!(Study::of(late.to_vec()).is_err());
        let unknown = [Event::Study(terms()), step(0, 1, 0.5)];
        assert!(Study::of(unknown.to_vec()).is_err());
    }

    #[test]
    fn many_workers_lose_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = StudyFile::new(dir.path());
        file.begin(terms()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        file.change(|study| vec![begun(study.trials.len())])
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(file.read().unwrap().trials.len(), 40);
    }
}
