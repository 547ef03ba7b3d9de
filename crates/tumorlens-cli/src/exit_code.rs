//! What the exit code says. The table in `tumorlens --help` is [`TABLE`].

use std::process::ExitCode;

/// Printed below the help.
pub(crate) const TABLE: &str = "\
Exit codes:
  0    done
  1    an error; one line on stderr names what and why
  2    the command line is wrong
  3    done, but some files could not be read
  4    a check failed (verify)
  130  stopped by Ctrl-C or SIGTERM; what was done is saved

For research use only. Not a medical device.";

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All done.
    Done,
    /// An error.
    Failed,
    /// Done, but some files could not be read.
    Partial,
    /// A check failed.
    CheckFailed,
    /// Stopped by the user.
    Stopped,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Partial => 3,
            Exit::CheckFailed => 4,
            Exit::Stopped => 130,
        })
    }
}

/// The user stopped the work; carried as an error so that `?` ends it.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
pub(crate) struct Stopped;

/// The exit for an error.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    if error.is::<Stopped>() {
        Exit::Stopped
    } else {
        Exit::Failed
    }
}

/// The whole chain of an error on one line, without control characters that a file name may have brought in.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // Many errors already contain their cause.
        if text.ends_with(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
