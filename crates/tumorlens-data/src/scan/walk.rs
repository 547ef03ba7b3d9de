//! Walking a folder: always in the same order, never in a circle, never into something that has no end.
//!
//! Links are followed, to files and to folders, also out of the folder that was given; but what a link leads to is
//! taken once: real entries first, then links in the order of their names, and a link to something already found is
//! counted and left. So a link that points back to where it stands ends the walk instead of going round. Pipes,
//! sockets and devices are never opened, whether met directly or through a link.

use super::path_text::to_text;
use super::{Ignored, Skipped};
use crate::format::raster::sniff::sniff;
use crate::format::{dicom, nifti};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Folders deeper than this are not entered. A real data set has five levels; a path of this depth is a trap.
const MAX_DEPTH: usize = 64;

/// Extensions that promise a picture: such a file without a picture's signature is reported, not just counted.
const PICTURE_EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"];

/// Bytes that show which format a file has; a DICOM file says so behind its preamble.
const SNIFF_BYTES: usize = 512;

/// Names that browsers and copying programs give to a file before it is whole.
const UNFINISHED: [&[u8]; 4] = [b".part", b".partial", b".crdownload", b".download"];

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Files with the signature of a picture, a DICOM or a NIfTI file: full path, path below the root; sorted by the latter.
    pub(crate) files: Vec<(PathBuf, PathBuf)>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) ignored: Ignored,
}

/// Walks `root`, which is a folder.
pub(crate) fn walk(root: &Path) -> Walk {
    let mut walker = Walker::default();
    walker.folder(root, Path::new(""));
    // Links found while following links are followed in the next round.
    while !walker.links.is_empty() {
        let mut links = std::mem::take(&mut walker.links);
        links.sort();
        for relative in links {
            walker.follow(root, &relative);
        }
    }
    let mut walk = walker.walk;
    walk.files.sort_by(|a, b| a.1.cmp(&b.1));
    walk.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    walk
}

#[derive(Default)]
struct Walker {
    walk: Walk,
    /// Real places of folders entered and files taken.
    seen: BTreeSet<PathBuf>,
    /// Links not yet followed, by their path below the root.
    links: Vec<PathBuf>,
}

impl Walker {
    fn skip(&mut self, path: &Path, reason: impl ToString) {
        self.walk.skipped.push(Skipped {
            path: to_text(path),
            reason: reason.to_string(),
        });
    }

    /// Enters a folder and all below it.
    fn folder(&mut self, path: &Path, relative: &Path) {
        let mut open = vec![(path.to_owned(), relative.to_owned())];
        while let Some((path, relative)) = open.pop() {
            if relative.components().count() > MAX_DEPTH {
                self.skip(&path, format!("more than {MAX_DEPTH} folders deep"));
                continue;
            }
            let entries = match std::fs::canonicalize(&path)
                .and_then(|real| Ok((std::fs::read_dir(&path)?, real)))
            {
                Ok((entries, real)) => {
                    if !self.seen.insert(real) {
                        self.walk.ignored.count("link to a folder already found");
                        continue;
                    }
                    entries
                }
                Err(e) => {
                    self.skip(&path, format!("folder cannot be read: {e}"));
                    continue;
                }
            };
            for entry in entries {
                match entry {
                    Ok(entry) => {
                        let (path, relative) = (entry.path(), relative.join(entry.file_name()));
                        match entry.file_type() {
                            Ok(kind) if kind.is_dir() && !self.left(&entry.file_name()) => {
                                open.push((path, relative))
                            }
                            Ok(kind) if kind.is_dir() => {}
                            Ok(kind) if kind.is_symlink() && !self.left(&entry.file_name()) => {
                                self.links.push(relative)
                            }
                            Ok(kind) if kind.is_symlink() => {}
                            Ok(kind) if kind.is_file() && !self.left(&entry.file_name()) => {
                                self.file(path, relative)
                            }
                            Ok(kind) if kind.is_file() => {}
                            Ok(_) => self.walk.ignored.count("pipe, socket or device"),
                            Err(e) => self.skip(&path, e),
                        }
                    }
                    Err(e) => self.skip(&path, format!("folder cannot be read to its end: {e}")),
                }
            }
        }
    }

    /// Counts names that are never data: hidden ones and what operating systems leave behind.
    fn left(&mut self, name: &OsStr) -> bool {
        let bytes = name.as_encoded_bytes();
        let is = |names: &[&str]| {
            names
                .iter()
                .any(|n| n.as_bytes().eq_ignore_ascii_case(bytes))
        };
        let reason = if bytes.starts_with(b".") {
            "hidden file or folder"
        } else if UNFINISHED.iter().any(|end| {
            bytes.len() > end.len() && bytes[bytes.len() - end.len()..].eq_ignore_ascii_case(end)
        }) {
            "unfinished download"
        } else if is(&["Thumbs.db", "ehthumbs.db", "desktop.ini"]) {
            "file of the operating system"
        } else if is(&[
            "__MACOSX",
            "@eaDir",
            "lost+found",
            "$RECYCLE.BIN",
            "System Volume Information",
        ]) {
            "folder of the operating system"
        } else {
            return false;
        };
        self.walk.ignored.count(reason);
        true
    }

    fn follow(&mut self, root: &Path, relative: &Path) {
        let path = root.join(relative);
        // A link to itself or to nothing has no target.
        let target =
            std::fs::canonicalize(&path).and_then(|real| Ok((std::fs::metadata(&real)?, real)));
        match target {
            Err(e) => self.skip(&path, format!("link leads nowhere: {e}")),
            Ok((meta, _)) if meta.is_dir() => self.folder(&path, relative),
            Ok((meta, real)) if meta.is_file() => {
                if self.seen.contains(&real) {
                    self.walk.ignored.count("link to a file already found");
                } else {
                    self.file(path, relative.to_owned());
                }
            }
            Ok(_) => self.walk.ignored.count("pipe, socket or device"),
        }
    }

    /// Takes a regular file when it begins like a picture or a scan.
    fn file(&mut self, path: PathBuf, relative: PathBuf) {
        let mut head = Vec::with_capacity(SNIFF_BYTES);
        let read = std::fs::File::open(&path)
            .and_then(|f| f.take(SNIFF_BYTES as u64).read_to_end(&mut head));
        if let Err(e) = read {
            self.skip(&path, format!("cannot be read: {e}"));
        } else if sniff(&head).is_some() || dicom::sniff(&head).is_some() || is_nifti(&path, &head)
        {
            self.seen.extend(std::fs::canonicalize(&path));
            self.walk.files.push((path, relative));
        } else if !promises_picture(&path) {
            self.walk.ignored.count("no picture");
        } else if head.is_empty() {
            self.skip(&path, "is empty");
        } else {
            self.skip(&path, "is no PNG, JPEG, TIFF, BMP or WebP picture");
        }
    }
}

/// A gzip file may hold anything: there the name counts too.
fn is_nifti(path: &Path, head: &[u8]) -> bool {
    let gzip = head.starts_with(&[0x1F, 0x8B]);
    let name = path
        .file_name()
        .and_then(OsStr::to_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    nifti::sniff(head) && (!gzip || name.ends_with(".nii.gz") || name.ends_with(".hdr.gz"))
}

fn promises_picture(path: &Path) -> bool {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    extension.is_some_and(|e| PICTURE_EXTENSIONS.iter().any(|p| e == *p))
}
