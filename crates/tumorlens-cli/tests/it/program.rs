//! Calling the binary.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `tumorlens` in a folder.
pub(crate) fn tumorlens(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tumorlens"))
        .current_dir(dir)
        .args(args)
        .output()
        .unwrap()
}

/// Runs it and demands success; gives stdout.
pub(crate) fn succeed(dir: &Path, args: &[&str]) -> String {
    let output = tumorlens(dir, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{args:?}: {}\n{stderr}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it and demands this exit code and one line on stderr that holds `words`.
pub(crate) fn fail(dir: &Path, args: &[&str], code: i32, words: &[&str]) {
    let output = tumorlens(dir, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    for word in words {
        assert!(last.contains(word), "{args:?}: '{word}' is not in: {last}");
    }
}
