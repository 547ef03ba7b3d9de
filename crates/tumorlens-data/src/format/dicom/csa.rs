//! The private header in which Siemens scanners say how the slices of a mosaic are stacked: `SV10`, the form written since
//! 2000. Siemens does not publish it; the layout is the one that nibabel and dcm2niix read and document.

use super::data_set::DataSet;
use super::tag::Tag;

const GROUP: u16 = 0x0029;
const CREATOR: &str = "SIEMENS CSA HEADER";
/// Element within the creator's block that describes the image.
const IMAGE_HEADER: u16 = 0x10;

/// Name, number of values, type, type again, number of items, and a mark.
const FIELD_BYTES: usize = 64 + 4 + 4 + 4 + 4 + 4;
/// A scanner writes about a hundred.
const MOST_FIELDS: u32 = 1000;
const MOST_ITEMS: u32 = 1000;

/// The direction in which slices follow one another, LPS+; `None` when the file does not state it soundly.
pub(super) fn slice_normal(set: &DataSet<'_>) -> Option<[f64; 3]> {
    let numbers = field(image_header(set)?, "SliceNormalVector")?;
    let &[x, y, z] = &numbers[..] else {
        return None;
    };
    let length = (x * x + y * y + z * z).sqrt();
    ((length - 1.0).abs() < 1e-2).then_some([x, y, z])
}

/// The header's bytes, in whichever block the creator reserved (PS3.5 section 7.8.1).
fn image_header<'a>(set: &DataSet<'a>) -> Option<&'a [u8]> {
    let block =
        (0x10..=0xFF).find(|block| set.text(Tag(GROUP, *block)).as_deref() == Some(CREATOR))?;
    set.value(Tag(GROUP, block << 8 | IMAGE_HEADER))
}

/// The numbers of a field; `None` when it is not there or anything before it is damaged.
fn field(bytes: &[u8], name: &str) -> Option<Vec<f64>> {
    let mut rest = bytes.strip_prefix(b"SV10")?.get(4..)?;
    let fields = take_u32(&mut rest)?.min(MOST_FIELDS);
    take_u32(&mut rest)?;
    for _ in 0..fields {
        let (head, after) = rest.split_at_checked(FIELD_BYTES)?;
        rest = after;
        let items = u32_at(head, 76)?.min(MOST_ITEMS);
        let wanted = until_nul(head.get(..64)?) == name.as_bytes();
        let mut numbers = Vec::new();
        for _ in 0..items {
            let (lengths, after) = rest.split_at_checked(16)?;
            let length = usize::try_from(u32_at(lengths, 4)?).ok()?;
            let (value, _) = after.split_at_checked(length)?;
            // Values are filled up to four bytes; the last may end with the header.
            rest = after.get(length.next_multiple_of(4)..).unwrap_or_default();
            if wanted && length > 0 {
                let text = std::str::from_utf8(until_nul(value)).ok()?.trim();
                numbers.push(text.parse::<f64>().ok().filter(|n| n.is_finite())?);
            }
        }
        if wanted {
            return Some(numbers);
        }
    }
    None
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let mut rest = bytes.get(at..)?;
    take_u32(&mut rest)
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_field(bytes: &mut Vec<u8>, name: &str, items: &[&str]) {
        let mut head = [0u8; FIELD_BYTES];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[76..80].copy_from_slice(&(items.len() as u32).to_le_bytes());
        bytes.extend(head);
        for item in items {
            let length = item.len() as u32;
            for word in [length, length, 77, length] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(item.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
    }

    fn header() -> Vec<u8> {
        let mut bytes = b"SV10\x04\x03\x02\x01\x02\0\0\0M\0\0\0".to_vec();
        put_field(&mut bytes, "EchoLinePosition", &["64", ""]);
        put_field(
            &mut bytes,
            "SliceNormalVector",
            &["0.0", "0.00523632", "0.99998629", "", "", ""],
        );
        bytes
    }

    #[test]
    fn a_field_is_found_by_its_name_and_empty_items_are_left_out() {
        let numbers = field(&header(), "SliceNormalVector").unwrap();
        assert_eq!(numbers, [0.0, 0.005_236_32, 0.999_986_29]);
        assert_eq!(field(&header(), "EchoLinePosition").unwrap(), [64.0]);
        assert!(field(&header(), "SliceNormal").is_none());
    }

    #[test]
    fn a_header_that_ends_anywhere_gives_nothing() {
        let whole = header();
        let end = whole.len() - 3 * 16;
        for cut in 0..end {
            assert!(field(&whole[..cut], "SliceNormalVector").is_none(), "{cut}");
        }
    }
}
