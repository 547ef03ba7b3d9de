//! DICOM files made here: what is read, what is refused, and that no error repeats a value.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails like the test itself"
)]

use crate::writer::{EXPLICIT, Writer, file, image, pixels};
use proptest::prelude::*;
use tumorlens_data::format::dicom::codec::{jpeg, jpeg_ls, rle};
use tumorlens_data::format::dicom::decode;
use tumorlens_data::format::error::DecodeError;
use tumorlens_data::format::values::Values;
use tumorlens_data::limits::Limits;

#[test]
fn bits_that_do_not_count_are_masked_and_the_sign_is_extended() {
    let data = pixels(&[0xF001, 0x0800, 0x07FF, 0xFFFF]);
    let unsigned = image(2, 2, 12, false).put((0x7FE0, 0x10), "OW", &data).0;
    let found = decode(&file(EXPLICIT, &unsigned), &Limits::default()).unwrap();
    assert_eq!(found.values, Values::U16(vec![1, 0x800, 0x7FF, 0xFFF]));
    let signed = image(2, 2, 12, true).put((0x7FE0, 0x10), "OW", &data).0;
    let found = decode(&file(EXPLICIT, &signed), &Limits::default()).unwrap();
    assert_eq!(found.values, Values::I16(vec![1, -2048, 2047, -1]));
}

#[test]
fn pixel_data_that_the_header_does_not_describe_is_refused() {
    for count in [0, 3, 5, 8] {
        let body = image(2, 2, 16, false)
            .put((0x7FE0, 0x10), "OW", &pixels(&vec![7; count]))
            .0;
        let error = decode(&file(EXPLICIT, &body), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("pixel data"), "{count}: {error}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_and_no_error_repeats_a_value() {
    let body = image(4, 4, 16, false)
        .put((0x28, 0x1053), "DS", b"DOE")
        .put((0x7FE0, 0x10), "OW", &pixels(&[9; 16]))
        .0;
    let whole = file(EXPLICIT, &body);
    for end in 0..=whole.len() {
        let error = decode(&whole[..end], &Limits::default()).unwrap_err();
        let text = error.to_string();
        assert!(!text.contains("DOE") && !text.contains('\n'), "{text}");
    }
}

#[test]
fn frames_are_decoded_for_as_long_as_it_may_take_and_no_longer() {
    // One segment that begins behind the header: sixteen bytes as they are, in two planes.
    let frame = |value: u8| {
        let mut bytes = vec![0u8; 64];
        bytes[0] = 2;
        bytes[4] = 64;
        bytes[8] = 66;
        bytes.extend([0xFDu8, value, 0xFD, value]);
        bytes
    };
    let mut item = vec![0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0];
    for value in [1, 2] {
        let data = frame(value);
        item.extend([0xFE, 0xFF, 0, 0xE0, data.len() as u8, 0, 0, 0]);
        item.extend(data);
    }
    item.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    let mut body = image(2, 2, 16, false).0;
    let frames = Writer::default().put((0x28, 8), "IS", b"2").0;
    let at = body.len();
    body.splice(at..at, frames);
    body.extend([
        0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
    ]);
    body.extend(item);
    let bytes = file("1.2.840.10008.1.2.5", &body);
    let found = decode(&bytes, &Limits::default()).unwrap();
    assert_eq!(found.values.len(), 8);
    let none = Limits {
        max_time: std::time::Duration::ZERO,
        ..Limits::default()
    };
    let error = decode(&bytes, &none).unwrap_err();
    assert!(matches!(error, DecodeError::Time { .. }), "{error}");
}

#[test]
fn an_unknown_transfer_syntax_is_refused_by_name() {
    let body = image(1, 1, 16, false)
        .put((0x7FE0, 0x10), "OW", &pixels(&[1]))
        .0;
    for (uid, name) in [("1.2.840.10008.1.2.4.94", "JPIP"), ("1.2.3.4", "1.2.3.4")] {
        let error = decode(&file(uid, &body), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_declared_size_takes_no_memory_before_the_bytes_are_there() {
    let body = image(65535, 65535, 16, false)
        .put((0x28, 8), "IS", b"2147483647")
        .put((0x7FE0, 0x10), "OW", &pixels(&[1]))
        .0;
    assert!(decode(&file(EXPLICIT, &body), &Limits::default()).is_err());
}

/// The example of ITU-T T.87 annex H.3.
#[test]
fn the_worked_example_of_jpeg_ls_decodes() {
    let stream = [
        0xFF, 0xD8, 0xFF, 0xF7, 0x00, 0x0B, 0x08, 0x00, 0x04, 0x00, 0x04, 0x01, 0x01, 0x11, 0x00,
        0xFF, 0xDA, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x6C, 0x80,
        0x20, 0x8E, 0x01, 0xC0, 0x00, 0x00, 0x57, 0x40, 0x00, 0x00, 0x6E, 0xE6, 0x00, 0x00, 0x01,
        0xBC, 0x18, 0x00, 0x00, 0x05, 0xD8, 0x00, 0x00, 0x91, 0x60, 0xFF, 0xD9,
    ];
    let found = jpeg_ls::decode(&stream).unwrap();
    assert_eq!(
        found.samples,
        [
            0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145
        ]
    );
    for end in 0..stream.len() {
        assert!(jpeg_ls::decode(&stream[..end]).is_err(), "cut at {end}");
    }
}

/// PackBits, the plain way: runs of equal bytes and literals.
fn pack(plane: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for part in plane.chunk_by(|a, b| a == b) {
        for run in part.chunks(128) {
            packed.push((257 - run.len()) as u8);
            if run.len() == 1 {
                *packed.last_mut().unwrap() = 0;
            }
            packed.push(run[0]);
        }
    }
    packed
}

/// A lossless JPEG stream with a code of five bits for each of the 17 categories.
fn lossless(
    width: usize,
    samples: &[u16],
    precision: u8,
    predictor: u8,
    restart: usize,
) -> Vec<u8> {
    let height = samples.len() / width;
    let mut stream = vec![0xFF, 0xD8, 0xFF, 0xC3, 0, 11, precision];
    stream.extend(u16::try_from(height).unwrap().to_be_bytes());
    stream.extend(u16::try_from(width).unwrap().to_be_bytes());
    stream.extend([1, 1, 0x11, 0, 0xFF, 0xC4, 0, 19 + 17, 0, 0, 0, 0, 0, 17]);
    stream.extend([0; 11]);
    stream.extend(0..17);
    stream.extend([0xFF, 0xDD, 0, 4]);
    stream.extend(u16::try_from(restart).unwrap().to_be_bytes());
    stream.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, predictor, 0, 0]);
    let (mut bits, mut count, mut restarts) = (0u64, 0, 0u8);
    let mut first_line = 0;
    let put = |stream: &mut Vec<u8>, bits: &mut u64, count: &mut u32, value: u32, n: u32| {
        *bits = *bits << n | u64::from(value);
        *count += n;
        while *count >= 8 {
            *count -= 8;
            let byte = (*bits >> *count) as u8;
            stream.push(byte);
            if byte == 0xFF {
                stream.push(0);
            }
        }
    };
    for (i, sample) in samples.iter().enumerate() {
        let (x, y) = (i % width, i / width);
        let mut fresh = i == 0;
        if restart > 0 && i > 0 && i.is_multiple_of(restart) {
            if count > 0 {
                let fill = 8 - count;
                put(&mut stream, &mut bits, &mut count, (1 << fill) - 1, fill);
            }
            stream.extend([0xFF, 0xD0 + restarts % 8]);
            restarts = restarts.wrapping_add(1);
            fresh = true;
            first_line = y;
        }
        let at = |x: usize, y: usize| i32::from(samples[y * width + x]);
        let predicted = if fresh || (y == first_line && x == 0) {
            1 << (precision - 1)
        } else if y == first_line {
            at(x - 1, y)
        } else if x == 0 {
            at(x, y - 1)
        } else {
            let (a, b, c) = (at(x - 1, y), at(x, y - 1), at(x - 1, y - 1));
            [
                a,
                b,
                c,
                a + b - c,
                a + ((b - c) >> 1),
                b + ((a - c) >> 1),
                (a + b) >> 1,
            ][usize::from(predictor) - 1]
        };
        // Differences are modulo 2^16 (T.81 H.1.2.1).
        let difference = i32::from((i32::from(*sample) - predicted) as u16 as i16);
        if difference == -32768 {
            put(&mut stream, &mut bits, &mut count, 16, 5);
            continue;
        }
        let size = 32 - difference.unsigned_abs().leading_zeros();
        put(&mut stream, &mut bits, &mut count, size, 5);
        let code = if difference < 0 {
            difference + (1 << size) - 1
        } else {
            difference
        };
        put(&mut stream, &mut bits, &mut count, code as u32, size);
    }
    if count > 0 {
        let fill = 8 - count;
        put(&mut stream, &mut bits, &mut count, (1 << fill) - 1, fill);
    }
    stream.extend([0xFF, 0xD9]);
    stream
}

proptest! {
    #[test]
    fn run_length_planes_come_back(plane in proptest::collection::vec(0u8..4, 1..600)) {
        let packed = pack(&plane);
        let mut frame = vec![0; 64];
        frame[..4].copy_from_slice(&1u32.to_le_bytes());
        frame[4..8].copy_from_slice(&64u32.to_le_bytes());
        frame.extend(packed);
        let planes = rle::decode(&frame, plane.len(), 1, 1).unwrap();
        prop_assert_eq!(&planes[0], &plane);
    }

    #[test]
    fn lossless_jpeg_comes_back_with_every_predictor_depth_and_restart_interval(
        width in 1usize..9,
        height in 1usize..9,
        precision in 2u8..=16,
        predictor in 1u8..=7,
        restart in 0usize..12,
        seed in proptest::collection::vec(any::<u16>(), 64),
    ) {
        let mask = ((1u32 << precision) - 1) as u16;
        let samples: Vec<u16> = seed[..width * height].iter().map(|v| v & mask).collect();
        let stream = lossless(width, &samples, precision, predictor, restart);
        prop_assert_eq!(jpeg::decode(&stream).unwrap().samples, samples);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = jpeg::decode(&[&[0xFF, 0xD8][..], &bytes].concat());
        let _ = jpeg_ls::decode(&[&[0xFF, 0xD8][..], &bytes].concat());
        let _ = rle::decode(&bytes, 50, 1, 2);
        let _ = decode(&file(EXPLICIT, &bytes), &Limits::default());
    }
}
