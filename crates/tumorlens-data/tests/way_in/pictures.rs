//! One file: decoded right, or refused with a reason.

use crate::synthetic::{Folder, encode, field, field8};
use image::{DynamicImage, ImageFormat, Luma};
use proptest::prelude::*;
use tumorlens_data::format::error::DecodeError;
use tumorlens_data::format::raster::facts::facts;
use tumorlens_data::format::raster::{Picture, decode, decode_file, decode_stored};
use tumorlens_data::limits::Limits;

fn decoded(bytes: &[u8]) -> Picture {
    decode(bytes, &Limits::default()).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    decode(bytes, &Limits::default()).map_or_else(|e| e.to_string(), |_| "accepted".to_owned())
}

#[test]
fn lossless_formats_give_every_value_back_at_8_bits() {
    let grey = field8(1, 37, 23);
    let expected: Vec<f32> = grey.iter().map(|&v| f32::from(v)).collect();
    let cases = [
        (
            ImageFormat::Png,
            DynamicImage::ImageLuma8(grey.clone()),
            "png",
            "L",
        ),
        (
            ImageFormat::Bmp,
            DynamicImage::ImageLuma8(grey.clone()),
            "bmp",
            "P",
        ),
        (
            ImageFormat::Png,
            DynamicImage::ImageLuma8(grey.clone()).to_rgb8().into(),
            "png",
            "RGB",
        ),
        (
            ImageFormat::Png,
            DynamicImage::ImageLuma8(grey.clone()).to_rgba8().into(),
            "png",
            "RGBA",
        ),
        (
            ImageFormat::WebP,
            DynamicImage::ImageLuma8(grey).to_rgb8().into(),
            "webp",
            "RGB",
        ),
    ];
    for (format, image, name, mode) in cases {
        let picture = decoded(&encode(&image, format));
        assert_eq!(
            (picture.info.format, picture.info.mode.as_str()),
            (name, mode)
        );
        assert_eq!(picture.image.values(), expected, "{name} {mode}");
    }
}

#[test]
fn sixteen_bits_stay_sixteen_bits() {
    let grey = field(2, 31, 17);
    let expected: Vec<f32> = grey.iter().map(|&v| f32::from(v)).collect();
    let png = decoded(&encode(
        &DynamicImage::ImageLuma16(grey.clone()),
        ImageFormat::Png,
    ));
    assert_eq!(
        (png.info.bits, png.image.values()),
        (16, expected.as_slice())
    );
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
    encoder
        .write_image::<tiff::encoder::colortype::Gray16>(31, 17, &grey)
        .unwrap();
    let tiff = decoded(bytes.get_ref());
    assert_eq!(
        (tiff.info.format, tiff.info.bits, tiff.image.values()),
        ("tiff", 16, expected.as_slice())
    );
}

#[test]
fn transparent_pixels_are_black_and_half_transparent_ones_half_as_bright() {
    let alpha =
        image::GrayAlphaImage::from_fn(3, 1, |x, _| image::LumaA([200, [255, 0, 51][x as usize]]));
    let picture = decoded(&encode(&DynamicImage::ImageLumaA8(alpha), ImageFormat::Png));
    assert_eq!(
        (picture.info.mode.as_str(), picture.image.values()),
        ("LA", [200.0, 0.0, 40.0].as_slice())
    );
}

/// A PNG of two palette entries, written by hand: one row of four pixels, indices 0 1 1 0, 1 bit each.
fn palette_png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let chunk = |png: &mut Vec<u8>, name: &[u8; 4], body: &[u8]| {
        png.extend((body.len() as u32).to_be_bytes());
        let from = png.len();
        png.extend(name);
        png.extend(body);
        let crc = png[from..].iter().fold(!0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                if c & 1 == 1 {
                    (c >> 1) ^ 0xEDB8_8320
                } else {
                    c >> 1
                }
            })
        });
        png.extend((!crc).to_be_bytes());
    };
    chunk(&mut png, b"IHDR", &[0, 0, 0, 4, 0, 0, 0, 1, 1, 3, 0, 0, 0]);
    chunk(&mut png, b"PLTE", &[10, 10, 10, 0, 0, 255]);
    // zlib: header, one stored block of the two bytes "no filter, 0110 0000", Adler-32.
    chunk(
        &mut png,
        b"IDAT",
        &[0x78, 0x01, 1, 2, 0, 0xFD, 0xFF, 0, 0x60, 0, 0xC2, 0, 0x61],
    );
    chunk(&mut png, b"IEND", &[]);
    png
}

#[test]
fn a_palette_is_looked_up_and_its_colours_become_luma() {
    let picture = decoded(&palette_png());
    assert_eq!((picture.info.mode.as_str(), picture.info.bits), ("P", 1));
    // Blue 255 weighs 7471 / 65536: 29.
    assert_eq!(picture.image.values(), [10.0, 29.0, 29.0, 10.0]);
}

/// A JPEG with an EXIF block that holds nothing but an orientation.
fn jpeg(orientation: Option<u16>) -> Vec<u8> {
    let grey = image::GrayImage::from_fn(48, 32, |x, y| {
        Luma([if x < 16 && y < 8 { 250 } else { 20 }])
    });
    let plain = encode(&DynamicImage::ImageLuma8(grey), ImageFormat::Jpeg);
    let Some(orientation) = orientation else {
        return plain;
    };
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    exif.extend(orientation.to_be_bytes());
    exif.extend([0; 6]);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&plain[..2], &[0xFF, 0xE1], &length, &exif, &plain[2..]].concat()
}

#[test]
fn exif_orientation_turns_a_jpeg_upright_and_an_illegal_one_does_nothing() {
    // Where the bright corner of the stored picture lies after turning: x and y of its middle, size.
    let cases = [
        (1, (8, 4), (48, 32)),
        (3, (40, 28), (48, 32)),
        (6, (28, 8), (32, 48)),
        (8, (4, 40), (32, 48)),
        (9, (8, 4), (48, 32)),
        (0, (8, 4), (48, 32)),
        (65535, (8, 4), (48, 32)),
    ];
    for (orientation, (x, y), size) in cases {
        let picture = decoded(&jpeg(Some(orientation)));
        assert_eq!(
            (picture.image.width(), picture.image.height()),
            size,
            "orientation {orientation}"
        );
        assert_eq!(picture.info.stored.width, 48);
        assert!(
            picture.image.clamped(x, y) > 200.0,
            "orientation {orientation}"
        );
        let bright = picture
            .image
            .values()
            .iter()
            .filter(|v| **v > 135.0)
            .count();
        assert!(
            (100..160).contains(&bright),
            "orientation {orientation}: {bright} bright pixels"
        );
    }
}

#[test]
fn the_format_is_found_by_content() {
    let folder = Folder::new();
    let path = folder.write(
        "a.jpg",
        encode(&DynamicImage::ImageLuma8(field8(3, 9, 9)), ImageFormat::Png),
    );
    assert_eq!(
        decode_file(&path, &Limits::default()).unwrap().info.format,
        "png"
    );
}

#[test]
fn a_file_that_was_cut_anywhere_is_refused() {
    let grey = DynamicImage::ImageLuma8(field8(4, 40, 30));
    let files = [
        jpeg(None),
        encode(&grey, ImageFormat::Png),
        encode(&grey, ImageFormat::Bmp),
        encode(&grey.to_rgb8().into(), ImageFormat::WebP),
    ];
    for bytes in files {
        for length in (0..bytes.len() - 20).step_by(7) {
            assert!(
                decode(&bytes[..length], &Limits::default()).is_err(),
                "accepted {length} of {}",
                bytes.len()
            );
        }
    }
}

#[test]
fn limits_hold_before_anything_is_decoded() {
    let bytes = encode(
        &DynamicImage::ImageLuma8(field8(6, 100, 100)),
        ImageFormat::Png,
    );
    let limits = |file, pixels, alloc| Limits {
        max_file_bytes: file,
        max_pixels: pixels,
        max_alloc_bytes: alloc,
        ..Limits::default()
    };
    let large = 1 << 30;
    assert!(matches!(
        decode(&bytes, &limits(large, 9_999, large)),
        Err(DecodeError::Dimensions { .. })
    ));
    assert!(matches!(
        decode(&bytes, &limits(large, large, 9_999)),
        Err(DecodeError::Memory { .. })
    ));
    let folder = Folder::new();
    let path = folder.write("a.png", &bytes);
    assert!(matches!(
        decode_file(&path, &limits(100, large, large)),
        Err(DecodeError::FileTooLong { .. })
    ));
    assert!(decode_file(&path, &limits(large, 10_000, large)).is_ok());
}

#[test]
fn a_picture_that_takes_longer_than_it_may_is_given_up() {
    let limits = Limits {
        max_time: std::time::Duration::ZERO,
        ..Limits::default()
    };
    let picture = DynamicImage::ImageLuma8(field8(6, 100, 100));
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
        let error = decode(&encode(&picture, format), &limits).unwrap_err();
        assert!(
            matches!(error, DecodeError::Time { .. }),
            "{format:?}: {error}"
        );
    }
}

#[test]
fn a_header_of_ten_thousand_megapixels_is_refused_for_its_size() {
    let mut bytes = palette_png();
    bytes[16..24].copy_from_slice(&[0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0]);
    assert!(
        refusal(&bytes).contains("100000x100000 pixels are refused"),
        "{}",
        refusal(&bytes)
    );
}

#[test]
fn what_is_no_picture_is_said_to_be_none() {
    assert_eq!(refusal(b""), "is empty");
    assert_eq!(
        refusal(b"<html>"),
        "is no PNG, JPEG, TIFF, BMP or WebP picture, no DICOM and no NIfTI file"
    );
    let folder = Folder::new();
    let here = decode_file(folder.path(), &Limits::default()).unwrap_err();
    assert_eq!(here.to_string(), "is not a regular file");
}

#[test]
fn the_facts_are_those_of_the_stored_array() {
    let la = image::GrayAlphaImage::from_fn(32, 16, |x, y| {
        image::LumaA([(x * 8) as u8, (y * 16) as u8])
    });
    let bytes = encode(&DynamicImage::ImageLumaA8(la.clone()), ImageFormat::Png);
    let facts = facts(&decode_stored(&bytes, &Limits::default()).unwrap());
    assert_eq!(
        (facts.shape.as_slice(), facts.dtype, facts.min, facts.max),
        ([16, 32, 2].as_slice(), "u1", 0, 248)
    );
    assert!((facts.mean - 122.0).abs() < 1e-12);
    assert_eq!(facts.thumb16.len(), 16 * 16 * 2);
    assert_eq!(facts.thumb16[2..6], [20.0, 0.0, 36.0, 0.0]);
    use sha2::Digest;
    let rgba: Vec<u8> = la.pixels().flat_map(|p| [p[0], p[0], p[0], p[1]]).collect();
    let hash: String = sha2::Sha256::digest(rgba)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(facts.sha256_rgba, hash);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changed_bytes_never_panic_and_never_change_the_size_beyond_the_limit(
        kind in 0usize..5, at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let grey = DynamicImage::ImageLuma8(field8(7, 33, 21));
        let mut bytes = match kind {
            0 => jpeg(Some(6)),
            1 => encode(&grey, ImageFormat::Png),
            2 => encode(&grey, ImageFormat::Bmp),
            3 => encode(&grey.to_rgb8().into(), ImageFormat::WebP),
            _ => {
                let mut tiff = std::io::Cursor::new(Vec::new());
                let mut encoder = tiff::encoder::TiffEncoder::new(&mut tiff).unwrap();
                encoder.write_image::<tiff::encoder::colortype::Gray8>(33, 21, grey.as_luma8().unwrap()).unwrap();
                tiff.into_inner()
            }
        };
        let at = at.index(bytes.len());
        bytes[at] = to;
        let end = bytes.len() - cut.index(8) * (usize::from(to) % 2);
        let limits = Limits { max_file_bytes: 1 << 20, max_pixels: 1 << 20, max_alloc_bytes: 1 << 24, ..Limits::default() };
        if let Ok(picture) = decode(&bytes[..end], &limits) {
            prop_assert!(picture.image.size().area() <= 1 << 20);
        }
    }
}
