//! What stands in a manifest for the patient of a DICOM file.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;

/// How subjects are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    /// `subject-0001` and so on, in the order in which they are met: nothing of the patient, and nothing that links two
    /// datasets.
    #[default]
    Numbered,
    /// A keyed hash of the identifier: the same patient has the same name in every dataset made with the same key, and
    /// nobody without the key can tell which patient it is.
    Keyed(SubjectKey),
    /// The identifier itself.
    Kept,
}

/// A secret from which names of subjects are made. It is never printed or written.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectKey(Vec<u8>);

/// Fewer bytes can be guessed.
const SHORTEST: usize = 16;

/// A key is too short to keep a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key of {0} bytes can be guessed; it takes at least {SHORTEST}, from a random source")]
pub struct ShortKey(usize);

impl SubjectKey {
    /// A key from the bytes of a file; white space at its ends does not count.
    ///
    /// # Errors
    /// When fewer than 16 bytes are left.
    pub fn new(bytes: &[u8]) -> Result<Self, ShortKey> {
        let key = bytes.trim_ascii();
        if key.len() < SHORTEST {
            return Err(ShortKey(key.len()));
        }
        Ok(Self(key.to_vec()))
    }

    /// A key for one run, from the operating system; forgotten with it.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn random() -> std::io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(key.to_vec()))
    }

    /// `subject-` and the first 16 hexadecimal digits of the keyed hash of the identifier.
    pub(crate) fn name(&self, patient: &str) -> String {
        let digits: String = self
            .mac("", patient)
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect();
        format!("subject-{digits}")
    }

    /// HMAC-SHA256 (RFC 2104) of a text; `kind` keeps hashes for different ends apart.
    pub(crate) fn mac(&self, kind: &str, text: &str) -> [u8; 32] {
        // Keys of any length are accepted by the algorithm.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return [0; 32];
        };
        if !kind.is_empty() {
            mac.update(kind.as_bytes());
            mac.update(&[0]);
        }
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey")
    }
}

/// Gives names, one for each patient.
pub(super) struct Names<'a> {
    subjects: &'a Subjects,
    numbers: BTreeMap<String, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(subjects: &'a Subjects) -> Self {
        Self {
            subjects,
            numbers: BTreeMap::new(),
        }
    }

    pub(super) fn of(&mut self, patient: String) -> String {
        match self.subjects {
            Subjects::Numbered => {
                let next = self.numbers.len() + 1;
                format!("subject-{:04}", self.numbers.entry(patient).or_insert(next))
            }
            Subjects::Keyed(key) => key.name(&patient),
            Subjects::Kept => patient,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_the_names_that_rfc_4231_says() {
        // Test case 1 of RFC 4231: key 20 bytes 0x0b, data "Hi There".
        let key = SubjectKey::new(&[0x0b; 20]).unwrap();
        // 0x0b is white space in ASCII only as a vertical tab, which trim_ascii leaves.
        assert_eq!(key.name("Hi There"), "subject-b0344c61d8db3853");
    }

    #[test]
    fn another_key_gives_other_names_and_the_same_key_the_same() {
        let [a, b] = [[1u8; 32], [2; 32]].map(|k| SubjectKey::new(&k).unwrap());
        assert_eq!(a.name("P1"), a.name("P1"));
        assert_ne!(a.name("P1"), b.name("P1"));
        assert_ne!(a.name("P1"), a.name("P2"));
    }

    #[test]
    fn a_short_key_is_refused_and_no_key_is_printed() {
        assert_eq!(SubjectKey::new(b"0123456789abcde\n"), Err(ShortKey(15)));
        let key = SubjectKey::new(b"a secret that is long enough").unwrap();
        assert_eq!(format!("{:?}", Subjects::Keyed(key)), "Keyed(SubjectKey)");
    }

    #[test]
    fn numbers_say_nothing_of_the_patient() {
        let subjects = Subjects::Numbered;
        let mut names = Names::new(&subjects);
        assert_eq!(names.of("Doe^Jane".to_owned()), "subject-0001");
        assert_eq!(names.of("Roe^Richard".to_owned()), "subject-0002");
        assert_eq!(names.of("Doe^Jane".to_owned()), "subject-0001");
    }
}
