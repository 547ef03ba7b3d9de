//! Where the dataset goes, and how it names files.

use super::PrepareError;
use crate::dataset::{MANIFEST, RECORD};
use crate::scan::path_text::to_text;
use std::path::{Component, Path, PathBuf};

/// A dataset and its images are taken to move together when the way from one to the other climbs at most this far.
const MAX_CLIMB: usize = 3;

/// Makes the output folder and returns its real path; refuses one with somebody else's manifest.csv.
pub(super) fn output(out: &Path) -> Result<PathBuf, PrepareError> {
    if out.join(MANIFEST).exists() && !out.join(RECORD).exists() {
        return Err(PrepareError::NotOurs(out.to_owned()));
    }
    let made = std::fs::create_dir_all(out).and_then(|()| std::fs::canonicalize(out));
    made.map_err(|error| PrepareError::Output {
        path: out.to_owned(),
        error,
    })
}

/// A file as the manifest names it: below the dataset folder or beside it (`../images/a.png`) by a relative path, so
/// that both can be moved together; anywhere else by its full path. Both must be real paths.
pub(super) fn relative(dir: &Path, file: &Path) -> String {
    let common = dir
        .components()
        .zip(file.components())
        .take_while(|(a, b)| a == b)
        .count();
    let climb = dir.components().count() - common;
    let share_a_folder = dir
        .components()
        .take(common)
        .any(|c| matches!(c, Component::Normal(_)));
    if !share_a_folder || climb > MAX_CLIMB {
        return to_text(file);
    }
    let up = std::iter::repeat_n(Component::ParentDir, climb);
    to_text(
        &up.chain(file.components().skip(common))
            .collect::<PathBuf>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_near_the_dataset_are_named_relative_to_it() {
        let name = |file| relative(Path::new("/home/a/set"), Path::new(file));
        assert_eq!(name("/home/a/set/yes/1.png"), "yes/1.png");
        assert_eq!(name("/home/a/data/1.png"), "../data/1.png");
        assert_eq!(name("/mnt/data/1.png"), "/mnt/data/1.png");
        assert_eq!(
            relative(Path::new("/a/b/c/d/e"), Path::new("/a/1.png")),
            "/a/1.png"
        );
    }
}
