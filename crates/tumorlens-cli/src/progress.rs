//! Progress: a bar on a terminal, plain lines otherwise, always on stderr.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tumorlens_core::Observer;

/// Seconds between two plain lines of one stage.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Draws what the libraries report.
pub(crate) struct Progress {
    mode: Mode,
    stage: Mutex<Option<Stage>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Silent,
    Plain,
    Bar,
}

struct Stage {
    name: String,
    steps: Option<u64>,
    done: u64,
    note: String,
    bar: Option<ProgressBar>,
    said: Instant,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Bar,
            (false, false) => Mode::Plain,
        };
        Self {
            mode,
            stage: Mutex::new(None),
        }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Option<Stage>) -> R) -> R {
        // A poisoned lock only means that another thread panicked while drawing.
        f(&mut self
            .stage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A bar's look; the templates are constants, so a mistake in them falls back to the default look.
fn style(steps: Option<u64>) -> ProgressStyle {
    let template = if steps.is_some() {
        "{prefix:>12} {bar:28} {pos}/{len} {wide_msg} {eta}"
    } else {
        "{prefix:>12} {spinner} {pos} {wide_msg}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Progress {
    fn begin(&self, stage: &str, steps: Option<u64>) {
        let bar = (self.mode == Mode::Bar).then(|| {
            let bar = ProgressBar::with_draw_target(steps, ProgressDrawTarget::stderr_with_hz(10));
            bar.set_style(style(steps));
            bar.set_prefix(stage.to_owned());
            bar
        });
        let name = stage.to_owned();
        self.with(|slot| {
            *slot = Some(Stage {
                name,
                steps,
                done: 0,
                note: String::new(),
                bar,
                said: Instant::now(),
            });
        });
    }

    fn advance(&self, done: u64, note: &str) {
        self.with(|slot| {
            let Some(stage) = slot else { return };
            stage.done = done;
            stage.note.clear();
            stage.note.push_str(note);
            match &stage.bar {
                Some(bar) => {
                    bar.set_position(done);
                    bar.set_message(note.to_owned());
                }
                None if self.mode == Mode::Plain && stage.said.elapsed() >= PLAIN_INTERVAL => {
                    stage.said = Instant::now();
                    eprintln!("{}", stage.line());
                }
                None => {}
            }
        });
    }

    fn end(&self) {
        self.with(|slot| {
            let Some(stage) = slot.take() else { return };
            if let Some(bar) = &stage.bar {
                bar.finish_and_clear();
            }
            if self.mode != Mode::Silent {
                eprintln!("{}", stage.line());
            }
        });
    }

    fn say(&self, message: &str) {
        if self.mode == Mode::Silent {
            return;
        }
        let message: String = message
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect();
        self.with(|slot| match slot.as_ref().and_then(|s| s.bar.as_ref()) {
            Some(bar) => bar.suspend(|| eprintln!("{message}")),
            None => eprintln!("{message}"),
        });
    }

    fn should_stop(&self) -> bool {
        crate::stop::requested()
    }
}

impl Stage {
    fn line(&self) -> String {
        let steps = self.steps.map(|s| format!("/{s}")).unwrap_or_default();
        let gap = if self.note.is_empty() { "" } else { "  " };
        format!("{:>12} {}{steps}{gap}{}", self.name, self.done, self.note)
    }
}
