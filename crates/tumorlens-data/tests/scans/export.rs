//! Folders of scans to folders that may be given away.

use crate::deidentify::{image, keyed};
use crate::elements::{Form, value};
use std::path::{Path, PathBuf};
use tumorlens_core::Quiet;
use tumorlens_data::deidentify::{Deidentifier, ExportReport, export};

fn written(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(written(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Two slices of Jane, one file that is damaged, one picture and one text.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let jane = folder.path().join("Jane Doe");
    std::fs::create_dir(&jane).unwrap();
    let slice = |uid: &str| image(Form::Explicit, vec![value((8, 0x18), "UI", uid)]);
    std::fs::write(jane.join("Jane 1.dcm"), slice("1.2.3.4.1")).unwrap();
    std::fs::write(jane.join("Jane 2.dcm"), slice("1.2.3.4.2")).unwrap();
    std::fs::write(jane.join("half"), &slice("1.2.3.4.3")[..300]).unwrap();
    std::fs::write(jane.join("x.bmp"), b"BM and so on").unwrap();
    std::fs::write(jane.join("notes"), b"about Jane").unwrap();
    folder
}

fn run(from: &Path, out: &Path, with: &Deidentifier) -> Result<ExportReport, String> {
    export(&[from.to_owned()], out, with, &Quiet).map_err(|e| e.to_string())
}

#[test]
fn files_lie_under_new_names_and_what_was_left_is_said() {
    let (from, out) = (folder(), tempfile::tempdir().unwrap());
    let report = run(from.path(), out.path(), &keyed(&[7; 32], false)).unwrap();
    assert_eq!((report.written, report.present), (2, 0));
    assert_eq!(report.subjects.len(), 1);
    let files = written(out.path());
    assert_eq!(files.len(), 2);
    for file in files {
        let parts: Vec<_> = file.strip_prefix(out.path()).unwrap().iter().collect();
        let parts: Vec<&str> = parts.iter().map(|p| p.to_str().unwrap()).collect();
        assert_eq!(parts.len(), 4);
        assert!(parts[0].starts_with("subject-"));
        assert!(parts[1..].iter().all(|p| p.starts_with("2.25.")));
        assert!(!file.to_str().unwrap().contains("Jane"));
    }
    let half = report.skipped.iter().find(|s| s.path.ends_with("half"));
    assert!(half.unwrap().reason.contains("damaged"));
}

#[test]
fn what_lies_there_already_is_never_replaced() {
    let (from, out) = (folder(), tempfile::tempdir().unwrap());
    let with = || keyed(&[7; 32], false);
    run(from.path(), out.path(), &with()).unwrap();
    let again = run(from.path(), out.path(), &with()).unwrap();
    assert_eq!((again.written, again.present), (0, 2));
    let file = &written(out.path())[0];
    std::fs::write(file, b"mine").unwrap();
    let third = run(from.path(), out.path(), &with()).unwrap();
    assert_eq!((third.written, third.present), (0, 1));
    assert!(
        third
            .skipped
            .iter()
            .any(|s| s.reason.contains("another object"))
    );
    assert_eq!(std::fs::read(file).unwrap(), b"mine");
}

#[test]
fn a_used_folder_is_refused_without_the_key_of_its_files_and_so_is_an_input() {
    let (from, out) = (folder(), tempfile::tempdir().unwrap());
    let without = || Deidentifier::new(None, false).unwrap();
    run(from.path(), out.path(), &without()).unwrap();
    let error = run(from.path(), out.path(), &without()).unwrap_err();
    assert!(error.contains("--subject-key"), "{error}");
    for inside in ["", "Jane Doe", "new/folder"] {
        let out = from.path().join(inside);
        let error = run(from.path(), &out, &without()).unwrap_err();
        assert!(error.contains("in an input"), "{error}");
    }
    assert!(!from.path().join("new").exists());
}

#[test]
fn an_input_that_is_not_there_or_holds_no_dicom_file_is_an_error() {
    let (from, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(from.path().join("notes"), b"no image").unwrap();
    let with = keyed(&[7; 32], false);
    let error = run(from.path(), out.path(), &with).unwrap_err();
    assert!(error.contains("no DICOM file"), "{error}");
    assert!(run(&from.path().join("nowhere"), out.path(), &with).is_err());
    // A file that was named is not just counted.
    let report = run(&from.path().join("notes"), out.path(), &with).unwrap();
    assert_eq!(report.skipped.len(), 1);
}
