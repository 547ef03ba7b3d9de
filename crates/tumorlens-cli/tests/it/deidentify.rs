//! Files to be given away: what is said, where, and with which exit code.

use super::program::{fail, tumorlens};

/// An explicit little endian image of one pixel, of a person.
fn image(more: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    let mut put = |group: u16, element: u16, vr: &str, value: &[u8]| {
        bytes.extend(group.to_le_bytes());
        bytes.extend(element.to_le_bytes());
        bytes.extend(vr.as_bytes());
        let length = u16::try_from(value.len()).unwrap();
        if vr == "OW" {
            bytes.extend([0, 0]);
            bytes.extend(u32::from(length).to_le_bytes());
        } else {
            bytes.extend(length.to_le_bytes());
        }
        bytes.extend(value);
    };
    put(2, 0x10, "UI", b"1.2.840.10008.1.2.1\0");
    put(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.4\0");
    put(8, 0x18, "UI", b"1.2.3.4\0");
    put(0x10, 0x10, "PN", b"ZZPHI^JANE");
    put(0x10, 0x20, "LO", b"ZZPHI-4711");
    put(0x28, 2, "US", &[1, 0]);
    put(0x28, 4, "CS", b"MONOCHROME2 ");
    for element in [0x10, 0x11] {
        put(0x28, element, "US", &[1, 0]);
    }
    for (element, bits) in [(0x100, 16), (0x101, 16), (0x102, 15), (0x103, 0)] {
        put(0x28, element, "US", &[bits, 0]);
    }
    put(0x7FE0, 0x10, "OW", &[7, 0]);
    bytes.extend(more);
    bytes
}

#[test]
fn a_file_is_written_a_damaged_one_is_named_and_nothing_of_the_person_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("scans")).unwrap();
    std::fs::write(dir.path().join("scans/a"), image(b"")).unwrap();
    std::fs::write(dir.path().join("scans/b"), image(b"ZZPHI of Jane")).unwrap();
    let output = tumorlens(dir.path(), &["deidentify", "scans", "--out", "clean"]);
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("1 files written") && said.contains("scans/b: damaged"));
    assert!(!said.contains("ZZPHI") && !said.contains("JANE"), "{said}");
    fail(
        dir.path(),
        &["deidentify", "scans", "--out", "clean"],
        1,
        &["clean", "--subject-key"],
    );
    fail(
        dir.path(),
        &["deidentify", "nowhere", "--out", "other"],
        1,
        &["nowhere"],
    );
}
