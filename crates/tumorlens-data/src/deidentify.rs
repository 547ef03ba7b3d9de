//! DICOM files without what tells who is in them: the Basic Application Level Confidentiality Profile of PS3.15 annex E.
//!
//! | part of a file | what becomes of it |
//! | --- | --- |
//! | preamble, file meta information | made anew |
//! | attributes of table E.1-1 | removed, emptied, replaced or remapped as the table says, at every level of sequences |
//! | private attributes, curves, overlays, group lengths | removed |
//! | patient's name and identifier | the name that [`crate::scan`] gives with the same key |
//! | unique identifiers of instances | another one, the same for the same one and key |
//! | everything else, pixel data too | as it was, byte for byte and in its own transfer syntax (deflated: inflated) |
//!
//! No option of the profile is applied: no dates, descriptions, devices or patient's characteristics are kept. What
//! cannot be read to its last byte is refused, never half copied. Pixels are not looked at: files that show a sign of text in
//! their pixels are refused unless the user has looked, and nothing is claimed of the others.

mod burned_in;
mod check;
mod dummy;
mod export;
mod meta;
pub mod profile;
mod rewrite;
mod table;
mod uid;
mod write;

pub use check::left;
pub use export::{ExportError, ExportReport, export};

use crate::format::dicom::data_set::DataSet;
use crate::format::dicom::syntax::Form;
use crate::format::dicom::tag::{self, Tag};
use crate::format::dicom::{self, File, about};
use crate::format::error::DecodeError;
use crate::limits::Limits;
use crate::scan::SubjectKey;
use rewrite::{Rewriter, text};
use sha2::{Digest, Sha256};
use write::{Item, Piece};

/// Writes files without what tells who is in them; consistent for as long as it lives, or as its key is kept.
#[derive(Debug)]
pub struct Deidentifier {
    key: SubjectKey,
    /// The key outlives the run.
    lasting: bool,
    /// Files with signs of burned-in text are taken too: the user has looked.
    accept_burned_in: bool,
}

/// A file to be given away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clean {
    /// The file.
    pub bytes: Vec<u8>,
    /// New name of the patient.
    pub subject: String,
    /// New identifier of the study, the series and the object.
    pub uids: [String; 3],
}

/// Why a file is not given away. No message repeats a value of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is damaged, or no DICOM file.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A directory, a report, a plan...
    #[error("holds no image; only image objects are exported")]
    NoImage,
    /// What kind of object it is is not said.
    #[error("has no valid SOPClassUID")]
    Class,
    /// See [`Deidentifier::new`].
    #[error("{0}; look at it, then accept it (--accept-burned-in) or leave it out")]
    BurnedIn(&'static str),
    /// A mistake in this program.
    #[error("could not be freed of {0}; this is a defect of tumorlens")]
    Left(Tag),
}

impl Deidentifier {
    /// With a key of the user's, or one that is forgotten with this value. With `accept_burned_in` files are taken that say
    /// or suggest that text is burned into their pixels.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn new(key: Option<SubjectKey>, accept_burned_in: bool) -> std::io::Result<Self> {
        Ok(Self {
            lasting: key.is_some(),
            key: key.map_or_else(SubjectKey::random, Ok)?,
            accept_burned_in,
        })
    }

    /// One file without what tells who is in it.
    ///
    /// # Errors
    /// When it is damaged, exceeds a limit, holds no image, or may have text in its pixels.
    pub fn file(&self, bytes: &[u8], limits: &Limits) -> Result<Clean, Refusal> {
        let clean = self.rewritten(bytes, limits)?;
        match check::left(&clean.bytes, limits)? {
            Some(tag) => Err(Refusal::Left(tag)),
            None => Ok(clean),
        }
    }

    fn rewritten(&self, bytes: &[u8], limits: &Limits) -> Result<Clean, Refusal> {
        let file = File::open(bytes, limits)?;
        let set = file.data_set()?;
        if !dicom::has_pixels(&set) {
            return Err(Refusal::NoImage);
        }
        // A damaged image is refused here as everywhere; one of a kind that is not decoded is taken.
        if let Err(error @ DecodeError::Damaged { .. }) = dicom::decode(bytes, limits) {
            return Err(error.into());
        }
        if let Some(sign) = burned_in::sign(&set).filter(|_| !self.accept_burned_in) {
            return Err(Refusal::BurnedIn(sign));
        }
        let class = class(&set)?;
        // An object without an identifier gets one by its bytes.
        let instance = set
            .text(tag::SOP_INSTANCE_UID)
            .unwrap_or_else(|| crate::hex(&Sha256::digest(bytes)));
        let subject = self
            .key
            .name(&about::patient(&set).unwrap_or_else(|| instance.clone()));
        let new = |uid: &str| uid::remapped(&self.key, uid);
        let group = |tag| set.text(tag).map_or_else(String::new, |uid| new(&uid));
        let instance = new(&instance);

        let form = set.form();
        let mut pieces = Rewriter { key: &self.key }.pieces(&set, 0)?;
        let marks = marks(form, &subject, &instance)?;
        pieces.retain(|p| marks.iter().all(|m| m.tag != p.tag));
        pieces.extend(marks);
        pieces.sort_by_key(|p| p.tag);

        let syntax = if file.syntax().deflated {
            "1.2.840.10008.1.2.1"
        } else {
            file.syntax().uid
        };
        let mut bytes = meta::before(&class, &instance, syntax)?;
        bytes.reserve_exact(pieces.iter().map(Piece::len).sum());
        pieces.iter().for_each(|p| p.append(&mut bytes));
        Ok(Clean {
            bytes,
            subject,
            uids: [
                group(tag::STUDY_INSTANCE_UID),
                group(tag::SERIES_INSTANCE_UID),
                instance,
            ],
        })
    }
}

/// The class of the object, which stays: a unique identifier (PS3.5 section 9.1), digits and dots, at most 64.
fn class(set: &DataSet<'_>) -> Result<String, Refusal> {
    set.text(tag::SOP_CLASS_UID)
        .filter(|uid| uid.len() <= 64 && uid.chars().all(|c| c.is_ascii_digit() || c == '.'))
        .ok_or(Refusal::Class)
}

/// Who it is now, and what was done (PS3.3 C.7.1.1 and C.12.1, PS3.15 E.1.1).
fn marks<'d>(form: Form, subject: &str, instance: &str) -> Result<Vec<Piece<'d>>, DecodeError> {
    let code = vec![
        text(Tag(0x0008, 0x0100), *b"SH", form, "113100")?,
        text(Tag(0x0008, 0x0102), *b"SH", form, "DCM")?,
        text(
            Tag(0x0008, 0x0104),
            *b"LO",
            form,
            "Basic Application Confidentiality Profile",
        )?,
    ];
    let method = format!(
        "PS3.15 {} table E.1-1, Basic Profile\\tumorlens {}",
        profile::EDITION,
        env!("CARGO_PKG_VERSION")
    );
    Ok(vec![
        text(tag::SOP_INSTANCE_UID, *b"UI", form, instance)?,
        text(tag::PATIENT_NAME, *b"PN", form, subject)?,
        text(tag::PATIENT_ID, *b"LO", form, subject)?,
        text(tag::PATIENT_IDENTITY_REMOVED, *b"CS", form, "YES")?,
        text(tag::DEIDENTIFICATION_METHOD, *b"LO", form, &method)?,
        Piece::sequence(
            tag::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
            form,
            &[Item { form, pieces: code }],
            false,
        )?,
        text(
            tag::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
            *b"CS",
            form,
            "REMOVED",
        )?,
    ])
}
