//! How long work tells what it is doing and is told to stop.

/// Receives progress and answers whether to stop. The command line draws bars with it; tests use [`Quiet`].
pub trait Observer: Sync {
    /// A named stage begins, with its number of steps where known.
    fn begin(&self, stage: &str, steps: Option<u64>);
    /// `done` steps of the current stage are finished; `note` is a short state such as "loss 0.31".
    fn advance(&self, done: u64, note: &str);
    /// The stage ended.
    fn end(&self);
    /// Something that the user should read, e.g. a skipped file.
    fn say(&self, message: &str);
    /// True once the user asked to stop; long work then saves and returns early.
    fn should_stop(&self) -> bool {
        false
    }
}

/// Says nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn begin(&self, _stage: &str, _steps: Option<u64>) {}
    fn advance(&self, _done: u64, _note: &str) {}
    fn end(&self) {}
    fn say(&self, _message: &str) {}
}
