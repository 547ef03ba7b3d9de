//! File names as text that a table, a terminal and a log can hold, and back.
//!
//! Text is the path itself, but for bytes that would do harm: these are written `%XX`, one for each byte, in upper-case
//! hexadecimal: bytes that are not UTF-8, control characters, the characters that turn the writing direction, a
//! first character that a spreadsheet takes for a formula (`=`, `+`, `-`, `@`), and a `%` that two hexadecimal digits
//! follow. So the text of an ordinary name is the name, and every text leads back to its bytes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A path as text; see the module.
#[must_use]
pub fn to_text(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut text = String::with_capacity(bytes.len());
    let escape = |text: &mut String, bytes: &[u8]| {
        use std::fmt::Write;
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for (at, c) in chunk.valid().char_indices() {
            let first = text.is_empty() && matches!(c, '=' | '+' | '-' | '@');
            let taken_for_escape =
                c == '%' && starts_with_two_digits(&chunk.valid().as_bytes()[at + 1..]);
            if first || taken_for_escape || c.is_control() || turns_direction(c) {
                escape(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(c);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

/// The path that a text stands for.
#[must_use]
pub fn from_text(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' && starts_with_two_digits(after) {
            bytes.push(digit(after[0]) * 16 + digit(after[1]));
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    PathBuf::from(os_string(bytes))
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes)
}

/// Elsewhere names are not bytes; a name that is not Unicode does not come back, and its file is reported missing.
#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    OsString::from(String::from_utf8_lossy(&bytes).into_owned())
}

fn starts_with_two_digits(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit)
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte - b'A' + 10,
    }
}

/// Unicode's explicit directional formatting characters: with them a name shows as another one.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_name_is_its_own_text() {
        for name in [
            "yes/Y1.jpg",
            "café 100%.png",
            "脳/a+b=c.png",
            "/abs/-rf",
            "50%zz",
        ] {
            assert_eq!(to_text(Path::new(name)), name);
        }
    }

    #[test]
    fn harmful_bytes_are_escaped() {
        assert_eq!(to_text(Path::new("a\nb\u{1b}[31m")), "a%0Ab%1B[31m");
        assert_eq!(to_text(Path::new("=1+1.png")), "%3D1+1.png");
        assert_eq!(to_text(Path::new("\u{202e}gnp.exe")), "%E2%80%AEgnp.exe");
        assert_eq!(to_text(Path::new("50%41")), "50%2541");
    }

    #[cfg(unix)]
    proptest::proptest! {
        #[test]
        fn every_name_comes_back_from_its_text(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            use std::os::unix::ffi::OsStrExt;
            let path = Path::new(std::ffi::OsStr::from_bytes(&bytes));
            let text = to_text(path);
            proptest::prop_assert!(!text.chars().any(char::is_control));
            let back = from_text(&text);
            proptest::prop_assert_eq!(back.as_os_str().as_bytes(), &bytes[..]);
        }

        #[test]
        fn percent_signs_and_digits_never_get_mixed_up(name in "[%0-9a-f=\n]{0,12}") {
            proptest::prop_assert_eq!(from_text(&to_text(Path::new(&name))), PathBuf::from(&name));
        }
    }
}
