//! One run at a time in a folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// Held while a run works in its folder.
///
/// The operating system's lock on the file `lock` counts, not the file: a process that dies gives its lock back, so a
/// file that a killed run left behind stops nobody.
#[derive(Debug)]
pub(super) struct RunLock {
    file: File,
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Closing the file would leave the lock to a child process that was forked meanwhile and has not yet closed its copy.
        // Where unlocking fails, closing does it.
        self.file.unlock().ok();
    }
}

/// A folder could not be locked.
#[derive(Debug)]
pub(super) enum LockError {
    /// Another run holds it; its process number as that run wrote it, or "unknown".
    Held(String),
    /// The lock file could not be opened or locked.
    Io(io::Error),
}

impl RunLock {
    /// Locks a folder.
    pub(super) fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let mut file = open.map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = (&mut file).take(20).read_to_string(&mut holder);
                let known = read.is_ok() && holder.trim().parse::<u32>().is_ok();
                return Err(LockError::Held(if known {
                    holder.trim().to_owned()
                } else {
                    "unknown".to_owned()
                }));
            }
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write().map_err(LockError::Io)?;
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_and_names_the_holder_and_a_stale_file_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lock"), "999999999\n").unwrap();
        let first = RunLock::take(folder.path()).unwrap();
        match RunLock::take(folder.path()) {
            Err(LockError::Held(holder)) => assert_eq!(holder, std::process::id().to_string()),
            other => panic!("{other:?}"),
        }
        drop(first);
        RunLock::take(folder.path()).unwrap();
    }
}
