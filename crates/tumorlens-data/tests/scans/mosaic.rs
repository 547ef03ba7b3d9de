//! The places of a mosaic's slices against nibabel's reading of a real one.

use crate::writer::{EXPLICIT, Writer, file, pixels};
use tumorlens_data::format::dicom::about::about;
use tumorlens_data::limits::Limits;

/// The private header: one field.
fn csa(normal: [&str; 3]) -> Vec<u8> {
    let mut bytes = b"SV10\x04\x03\x02\x01\x01\0\0\0M\0\0\0".to_vec();
    let mut head = [0u8; 84];
    head[..17].copy_from_slice(b"SliceNormalVector");
    head[76] = 3;
    bytes.extend(head);
    for item in normal {
        let length = item.len() as u32;
        for word in [length, length, 77, length] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(item.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// 48 slices of 128 x 128 in a grid of 7 x 7, as a diffusion series of a Siemens Verio (nibabel's siemens_dwi_1000.dcm).
fn mosaic(private: Option<&[u8]>) -> Vec<u8> {
    let side: u16 = 896;
    let mut body = Writer::default()
        .put(
            (0x08, 0x08),
            "CS",
            b"ORIGINAL\\PRIMARY\\DIFFUSION\\NONE\\ND\\MOSAIC",
        )
        .put((0x18, 0x50), "DS", b"2.5")
        .put((0x18, 0x88), "DS", b"3")
        .short((0x19, 0x100A), 48)
        .put((0x20, 0x32), "DS", b"-805\\-825.019119\\-75.097641")
        .put((0x20, 0x37), "DS", b"1\\0\\0\\0\\0.999986\\-0.005236")
        .short((0x28, 2), 1)
        .put((0x28, 4), "CS", b"MONOCHROME2")
        .short((0x28, 0x10), side)
        .short((0x28, 0x11), side)
        .put((0x28, 0x30), "DS", b"1.796875\\1.796875")
        .short((0x28, 0x100), 16)
        .short((0x28, 0x101), 12)
        .short((0x28, 0x102), 11)
        .short((0x28, 0x103), 0);
    if let Some(bytes) = private {
        body = body
            .put((0x29, 0x10), "LO", b"SIEMENS CSA HEADER")
            .put((0x29, 0x1010), "OB", bytes);
    }
    let zeros = vec![0; usize::from(side) * usize::from(side)];
    file(EXPLICIT, &body.put((0x7FE0, 0x10), "OW", &pixels(&zeros)).0)
}

#[test]
fn slices_of_a_mosaic_lie_where_nibabel_has_them() {
    let bytes = mosaic(Some(&csa(["0.0", "0.00523632", "0.99998629"])));
    let places = about(&bytes, &Limits::default()).unwrap().places;
    assert_eq!(places.len(), 48);
    let near = |found: [f64; 3], expected: [f64; 3]| {
        let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-4, "{found:?}");
    };
    // MosaicWrapper.image_position, and the third column of its affine, in LPS+.
    let first = [-115.0, -135.028_779, -78.710_481];
    near(places[0].unwrap().position, first);
    let last = [0.0, 0.015_708, 2.999_958].map(|step| 47.0 * step);
    near(
        places[47].unwrap().position,
        std::array::from_fn(|axis| first[axis] + last[axis]),
    );
}

#[test]
fn slices_that_follow_the_other_way_are_placed_the_other_way() {
    let bytes = mosaic(Some(&csa(["0.0", "-0.00523632", "-0.99998629"])));
    let places = about(&bytes, &Limits::default()).unwrap().places;
    let height = |slice: usize| places[slice].unwrap().along_normal();
    assert!((height(1) - height(0) + 3.0).abs() < 1e-3);
}

#[test]
fn without_the_direction_of_its_slices_a_mosaic_has_no_places() {
    for private in [None, Some(&b"SV10 and nothing more"[..])] {
        let places = about(&mosaic(private), &Limits::default()).unwrap().places;
        assert!(places.len() == 48 && places.iter().all(Option::is_none));
    }
}
