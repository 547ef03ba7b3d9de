//! DICOM files of a reference corpus lose what tells who is in them, and keep every pixel.
//!
//! The corpus is not part of the repository: TUMORLENS_CORPUS names its folder (default `../shared/corpus` beside the
//! workspace).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test fails like the test itself"
)]

use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tumorlens_data::deidentify::{Deidentifier, left};
use tumorlens_data::format::dicom::{decode, sniff};
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::SubjectKey;

/// What the corpus writes into the attributes of a person, and beside them.
const MARKER: &[u8] = b"ZZPHI";

fn corpus() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("TUMORLENS_CORPUS").map_or(default, PathBuf::from);
    folder.join("dicom.csv").is_file().then_some(folder)
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// What became of a file: nothing to do with it, refused with the reason, or written.
fn judge(path: &Path, with: &Deidentifier) -> Result<&'static str, String> {
    let bytes = std::fs::read(path).unwrap();
    if sniff(&bytes).is_none() {
        return Ok("no DICOM file");
    }
    let limits = Limits::default();
    let before = decode(&bytes, &limits);
    let clean = match with.file(&bytes, &limits) {
        Ok(clean) => clean,
        Err(reason) => {
            return match before {
                Err(_) => Ok("refused, as by the decoder"),
                Ok(_) => Err(format!("decodes and is refused: {reason}")),
            };
        }
    };
    if clean.bytes.windows(MARKER.len()).any(|w| w == MARKER) {
        return Err("a marker is left".to_owned());
    }
    if clean.bytes[..128] != [0; 128] {
        return Err("the preamble is not empty".to_owned());
    }
    if let Some(tag) = left(&clean.bytes, &limits).map_err(|e| e.to_string())? {
        return Err(format!("{tag} is left"));
    }
    let after = decode(&clean.bytes, &limits);
    match (before, after) {
        (Ok(before), Ok(after)) if before.values.sha256() == after.values.sha256() => Ok("written"),
        (Ok(_), _) => Err("other pixels".to_owned()),
        (Err(_), Err(_)) => Ok("written, of a kind that is not decoded"),
        (Err(_), Ok(_)) => Err("decodes now".to_owned()),
    }
}

#[test]
fn dicom_files_of_the_corpus_keep_their_pixels_and_nothing_of_a_person() {
    let Some(folder) = corpus() else {
        println!("SKIPPED: no reference corpus (TUMORLENS_CORPUS)");
        return;
    };
    let mut all = Vec::new();
    files(&folder.join("dicom"), &mut all);
    let key = SubjectKey::new(b"a key for this test alone").unwrap();
    let with = Deidentifier::new(Some(key), true).unwrap();
    let judged: Vec<_> = all.par_iter().map(|path| judge(path, &with)).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (path, judged) in all.iter().zip(judged) {
        match judged {
            Ok(what) => *counts.entry(what).or_default() += 1,
            Err(why) => wrong.push(format!("{}: {why}", path.display())),
        }
    }
    println!("{} files: {counts:?}", all.len());
    assert!(counts["written"] > 100, "{counts:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
