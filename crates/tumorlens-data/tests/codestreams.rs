//! JPEG 2000 code streams that OpenJPEG made of a formula (`reference/scans/make_codestreams.py`).

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails like the test itself"
)]

use std::path::Path;
use tumorlens_data::format::dicom::codec::jpeg_2000::decode;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    width: usize,
    height: usize,
    components: usize,
    bits: u8,
    signed: bool,
    stream: String,
    /// What OpenJPEG decodes where the stream is lossy.
    decoded: Option<Vec<u16>>,
}

fn cases() -> Vec<Case> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reference/scans/codestreams.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let digit = |b: u8| (b as char).to_digit(16).unwrap() as u8;
        let pairs = self.stream.as_bytes().as_chunks::<2>().0;
        pairs
            .iter()
            .map(|[a, b]| digit(*a) << 4 | digit(*b))
            .collect()
    }

    /// The picture of the script.
    fn picture(&self) -> Vec<u16> {
        let top = 1u64 << self.bits;
        let mut values = Vec::new();
        for y in 0..self.height as u64 {
            for x in 0..self.width as u64 {
                for c in 0..self.components as u64 {
                    let noise = (x * 7919 + y * 104_729 + c * 1_299_709 + x * y * 31) % 65537 % 7;
                    let edge = if x > y { top / 4 } else { 0 };
                    let value = (x * top / 40 + y * top / 60 + c * 5 + noise + edge) % top;
                    let lower = if self.signed { top / 2 } else { 0 };
                    values.push((value.wrapping_sub(lower) & (top - 1)) as u16);
                }
            }
        }
        values
    }
}

#[test]
fn lossless_streams_give_the_picture_back() {
    for case in cases().iter().filter(|case| case.decoded.is_none()) {
        let found = decode(&case.bytes()).unwrap();
        assert_eq!(found.samples, case.picture(), "{}", case.name);
        assert_eq!(
            (found.width, found.height, found.precision, found.signed),
            (case.width, case.height, case.bits, case.signed),
            "{}",
            case.name
        );
    }
}

#[test]
fn lossy_streams_give_what_openjpeg_gives() {
    for case in cases() {
        let Some(expected) = &case.decoded else {
            continue;
        };
        let found = decode(&case.bytes()).unwrap().samples;
        let differences: Vec<u16> = found
            .iter()
            .zip(expected)
            .map(|(a, b)| a.abs_diff(*b))
            .collect();
        let exact = case.name.starts_with("5/3");
        assert!(
            differences.iter().all(|d| *d <= u16::from(!exact)),
            "{}: {differences:?}",
            case.name
        );
        // A rounding falls on the other side now and then: OpenJPEG rounds the constants of the 9/7 transform.
        let other = differences.iter().filter(|d| **d > 0).count();
        assert!(other * 20 <= found.len(), "{}: {other} differ", case.name);
    }
}

#[test]
fn a_stream_that_is_cut_is_refused() {
    for case in cases() {
        let bytes = case.bytes();
        for end in (0..bytes.len()).step_by(7) {
            assert!(decode(&bytes[..end]).is_err(), "{} cut at {end}", case.name);
        }
    }
}

#[test]
fn a_stream_with_a_wrong_byte_gives_an_error_or_a_picture() {
    for case in cases() {
        let bytes = case.bytes();
        for at in (0..bytes.len()).step_by(5) {
            for wrong in [0x00, 0xFF, bytes[at] ^ 0x10] {
                let mut bytes = bytes.clone();
                bytes[at] = wrong;
                if let Err(reason) = decode(&bytes) {
                    assert!(!reason.to_string().contains('\n'), "{reason}");
                }
            }
        }
    }
}

#[test]
fn a_missing_tile_is_refused() {
    let cases = cases();
    let case = cases.iter().find(|c| c.name.starts_with("tiles")).unwrap();
    let bytes = case.bytes();
    let parts: Vec<usize> = (0..bytes.len() - 1)
        .filter(|at| bytes[*at..].starts_with(&[0xFF, 0x90, 0, 10]))
        .collect();
    let without = [&bytes[..parts[1]], &bytes[parts[2]..]].concat();
    let reason = decode(&without).unwrap_err().to_string();
    assert!(reason.contains("a tile is missing"), "{reason}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    for case in cases() {
        let bytes = case.bytes();
        let one = pool(1).install(|| decode(&bytes).unwrap());
        assert_eq!(one, pool(3).install(|| decode(&bytes).unwrap()));
    }
}
