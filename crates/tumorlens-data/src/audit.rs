//! Audit: what is wrong with a dataset before anybody trains on it.
//!
//! - copies: the same file, the same pixels, the same slice, mirrored or not;
//! - label conflicts: copies of one slice with different labels;
//! - leaks: how many test images of a split that somebody made have a copy in the training part;
//! - shortcuts: how well things that are no anatomy predict the label, on five folds that keep copies together.
//!
//! The result is a value, [`AuditReport`]: `audit.json`, and [`AuditReport::table`] for the terminal.

mod conclude;
mod copies;
mod features;
mod forest;
mod image;
mod leak;
mod nearest;
mod probe;
mod report;
mod table;

pub use image::{AuditImage, read_image};
pub use report::{
    AuditReport, ClassCount, Conflict, CopyCount, Evidence, Finding, Leak, Probe, ProbeSplit,
    Severity, Topic, Unreadable,
};

use crate::group::find_copies;
use crate::group::union::Union;
use crate::manifest::ManifestRow;
use image::Seen;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use tumorlens_core::{Observer, Seed};

/// No audit could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Nothing to look at.
    #[error("no image can be read ({unreadable} tried{first}): nothing to audit")]
    NoImages {
        /// Images tried.
        unreadable: usize,
        /// The first with its reason.
        first: String,
    },
    /// The user asked to stop.
    #[error("stopped")]
    Stopped,
}

/// Audits the images of `rows`; `load` reads the image of a row, and its error is the reason why it cannot be read.
///
/// Labels, subjects, groups and splits are taken from the rows; an empty one is not known. `seed` draws the folds of the
/// probes. The same rows, images and seed give the same report, whatever the number of threads.
///
/// # Errors
/// When no image can be read, or the observer asks to stop.
pub fn audit(
    rows: &[ManifestRow],
    load: impl Fn(&ManifestRow) -> Result<AuditImage, String> + Sync,
    seed: Seed,
    observer: &dyn Observer,
) -> Result<AuditReport, AuditError> {
    let (rows, seen, unreadable) = look(rows, load, observer)?;
    observer.begin("find copies", None);
    let fingerprints: Vec<_> = seen.iter().map(|image| &image.fingerprint).collect();
    let copies = find_copies(&fingerprints);
    observer.end();

    observer.begin("probe for shortcuts", None);
    let together = kept_together(&rows, &copies.kin);
    let probes = probe::all(&rows, &seen, &together, seed.derive("audit"));
    observer.end();

    let mut report = AuditReport {
        images: rows.len(),
        slices: copies.count(),
        units: together.iter().max().map_or(0, |last| last + 1),
        largest: copies::largest(&copies.group),
        unreadable,
        classes: copies::classes(&rows, &copies.group),
        copies: copies::counts(&seen, &copies),
        random_leak: copies::random_leak(&copies.group),
        conflicts: copies::conflicts(&rows, &copies.kin),
        torn: copies::torn(&rows, &copies.kin),
        leaks: leak::all(&rows, &copies),
        probes,
        findings: Vec::new(),
    };
    report.findings = conclude::findings(&report);
    Ok(report)
}

type Looked<'a> = (Vec<&'a ManifestRow>, Vec<Seen>, Vec<Unreadable>);

/// Reads all images in parallel; one decoded image a thread at a time.
fn look<'a>(
    rows: &'a [ManifestRow],
    load: impl Fn(&ManifestRow) -> Result<AuditImage, String> + Sync,
    observer: &dyn Observer,
) -> Result<Looked<'a>, AuditError> {
    observer.begin("read images", Some(rows.len() as u64));
    let done = AtomicU64::new(0);
    let one = |row: &ManifestRow| {
        if observer.should_stop() {
            return Err(AuditError::Stopped);
        }
        let seen = load(row).map(|image| Seen::of(&image));
        observer.advance(done.fetch_add(1, Ordering::Relaxed) + 1, "");
        Ok(seen)
    };
    let looked: Vec<Result<Seen, String>> = rows.par_iter().map(one).collect::<Result<_, _>>()?;
    observer.end();

    let (mut read, mut seen, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for (row, looked) in rows.iter().zip(looked) {
        match looked {
            Ok(image) => {
                read.push(row);
                seen.push(image);
            }
            Err(reason) => unreadable.push(Unreadable {
                path: row.path.clone(),
                reason,
            }),
        }
    }
    if read.is_empty() {
        let first = unreadable
            .first()
            .map(|u| format!(", the first: {}: {}", u.path, u.reason))
            .unwrap_or_default();
        return Err(AuditError::NoImages {
            unreadable: unreadable.len(),
            first,
        });
    }
    Ok((read, seen, unreadable))
}

/// The set of each image, numbered from 0: images that share a slice, a group, a unit or a subject of one source.
fn kept_together(rows: &[&ManifestRow], slices: &[usize]) -> Vec<usize> {
    let named = |name| Some(name).filter(|name: &&str| !name.is_empty());
    let mut union = Union::new(rows.len());
    union.join_alike(slices.iter().map(Some));
    union.join_alike(rows.iter().map(|row| named(&row.group)));
    union.join_alike(rows.iter().map(|row| named(row.unit())));
    union.join_alike(
        rows.iter()
            .map(|row| Some((&row.source, named(&row.subject)?))),
    );
    union.numbers()
}
