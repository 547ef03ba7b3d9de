//! Unique identifiers in place of others: the same one for the same one, for as long as the key is the same.

use crate::scan::SubjectKey;

/// Root of everything that the standard itself registers.
const STANDARD: &str = "1.2.840.10008.";

/// The new identifier: a UUID of version 8 (RFC 9562) from HMAC-SHA256 of the old one, in the form of PS3.5 B.2.
/// Registered identifiers (well-known frames of reference, colour palettes) mean the same for everyone and stay.
pub(super) fn remapped(key: &SubjectKey, uid: &str) -> String {
    if registered(uid) {
        return uid.to_owned();
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(key.mac("uid", uid)) {
        *to = from;
    }
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    format!("2.25.{}", u128::from_be_bytes(bytes))
}

/// Whether PS3.6 may have registered it: short numbers, few of them. Some programs make identifiers of their own below
/// the root of the standard, with a date or a serial number in them; these are remapped.
fn registered(uid: &str) -> bool {
    uid.strip_prefix(STANDARD).is_some_and(|rest| {
        let parts = rest.split('.').count();
        parts <= 4 && rest.split('.').all(|p| (1..=3).contains(&p.len()))
    })
}

/// All identifiers of a value, with its padding.
pub(super) fn value(key: &SubjectKey, bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<String> = text
        .split('\\')
        .map(|part| part.trim_matches(['\0', ' ']))
        .map(|part| match part {
            "" => String::new(),
            uid => remapped(key, uid),
        })
        .collect();
    let mut value = parts.join("\\").into_bytes();
    value.resize(value.len().next_multiple_of(2), 0);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_replaced_by_a_valid_one_that_depends_on_the_key() {
        let [a, b] = [[1u8; 32], [2; 32]].map(|k| SubjectKey::new(&k).unwrap());
        let new = remapped(&a, "1.2.3.4");
        assert_eq!(new, remapped(&a, "1.2.3.4"));
        assert_ne!(new, remapped(&b, "1.2.3.4"));
        assert_ne!(new, remapped(&a, "1.2.3.5"));
        let number: u128 = new.strip_prefix("2.25.").unwrap().parse().unwrap();
        assert!(new.len() <= 64);
        assert_eq!(number >> 76 & 0xF, 8);
        assert_eq!(number >> 62 & 3, 2);
    }

    #[test]
    fn what_the_standard_registers_stays_and_what_is_invented_below_its_root_goes() {
        let key = SubjectKey::new(&[1; 32]).unwrap();
        for uid in ["1.2.840.10008.1.4.1.1", "1.2.840.10008.15.1.1"] {
            assert_eq!(remapped(&key, uid), uid);
        }
        for uid in [
            "1.2.840.10008.5.1.4.1.1.4.20240101.7",
            "1.2.840.10008.20240101",
            "1.2.840.100081",
            "1.2.840.10008.",
        ] {
            assert!(remapped(&key, uid).starts_with("2.25."), "{uid}");
        }
    }

    #[test]
    fn each_of_several_identifiers_is_replaced_and_the_value_is_padded() {
        let key = SubjectKey::new(&[1; 32]).unwrap();
        let (a, b) = (remapped(&key, "1.2"), remapped(&key, "1.3"));
        let found = value(&key, b"1.2\\1.3\0");
        assert_eq!(found.len() % 2, 0);
        let text = String::from_utf8(found).unwrap();
        assert_eq!(text.trim_end_matches('\0'), format!("{a}\\{b}"));
    }
}
