use super::*;
use proptest::prelude::*;

/// Written by `reference/models/make_golden.py` with PyTorch.
const TINY: &[u8] = include_bytes!("../../../../../reference/models/tiny.pth");

/// A stored archive, as PyTorch writes it but without its padding.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let crc = crc32fast::hash(data).to_le_bytes();
        let size = (data.len() as u32).to_le_bytes();
        let common = [
            &[0u8; 8][..],
            &crc,
            &size,
            &size,
            &(name.len() as u16).to_le_bytes(),
            &[0; 2],
        ]
        .concat();
        directory.extend([b"PK\x01\x02", &[0u8; 2][..], &[0; 2]].concat());
        directory.extend(&common);
        directory.extend(
            [
                &[0u8; 10][..],
                &(bytes.len() as u32).to_le_bytes(),
                name.as_bytes(),
            ]
            .concat(),
        );
        bytes.extend([b"PK\x03\x04", &[0u8; 2][..]].concat());
        bytes.extend([&common, name.as_bytes(), data].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let start = (bytes.len() as u32).to_le_bytes();
    let length = (directory.len() as u32).to_le_bytes();
    bytes.extend(
        [
            &directory,
            &b"PK\x05\x06"[..],
            &[0; 4],
            &count,
            &count,
            &length,
            &start,
            &[0; 2],
        ]
        .concat(),
    );
    bytes
}

fn error(bytes: &[u8]) -> String {
    let text = parse(bytes).unwrap_err().to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

fn pickle_error(program: &[u8]) -> String {
    error(&archive(&[("a/data.pkl", program), ("a/data/0", &[0; 16])]))
}

/// A state dict `{"w": tensor}` over a storage of four single-precision zeros.
fn one_tensor(shape: &[u8], strides: &[u8], offset: u8) -> Vec<u8> {
    let sizes = |values: &[u8]| {
        let items: Vec<u8> = values.iter().flat_map(|&value| [b'K', value]).collect();
        [b"(", items.as_slice(), b"t"].concat()
    };
    [
        b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n".as_slice(),
        b"X\x01\0\0\x000X\x03\0\0\0cpuK\x04tQK",
        &[offset],
        &sizes(shape),
        &sizes(strides),
        b"\x89}tRs.",
    ]
    .concat()
}

fn read_one(shape: &[u8], strides: &[u8], offset: u8) -> Result<Vec<f32>, String> {
    let values: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let bytes = archive(&[
        ("a/data.pkl", &one_tensor(shape, strides, offset)),
        ("a/data/0", &values),
    ]);
    parse(&bytes)
        .map(|tensors| tensors["w"].values.to_vec())
        .map_err(|error| error.to_string())
}

#[test]
fn strides_are_followed_within_the_storage() {
    assert_eq!(read_one(&[2, 2], &[2, 1], 0).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(read_one(&[2, 2], &[1, 2], 0).unwrap(), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(read_one(&[3], &[1], 1).unwrap(), [2.0, 3.0, 4.0]);
    assert!(
        read_one(&[3], &[1], 2)
            .unwrap_err()
            .contains("outside its storage")
    );
    assert!(
        read_one(&[200, 200], &[0, 0], 0)
            .unwrap_err()
            .contains("larger than the file")
    );
    assert!(
        read_one(&[2, 2], &[0, 1], 0)
            .unwrap_err()
            .contains("gaps or repeats")
    );
    assert!(read_one(&[0], &[1], 0).unwrap_err().contains("shape [0]"));
}

#[test]
fn a_pickle_that_would_run_something_is_refused_by_name() {
    let call = b"\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R.";
    assert!(pickle_error(call).contains("'posix.system'"));
    assert!(pickle_error(b"\x80\x02cbuiltins\neval\n)R.").contains("'builtins.eval'"));
    assert!(pickle_error(b"\x80\x02(iposix\nsystem\n.").contains("INST"));
    assert!(
        pickle_error(b"\x80\x02c__main__\n<script>\n\x1b[31m\n.").contains("'__main__.<script>'")
    );
    assert!(pickle_error(b"\x80\x02ccollections\nOrderedDict\n)\x81.").contains("NEWOBJ"));
    assert!(pickle_error(b"\x80\x04\x95.").contains("protocol 4"));
    assert!(pickle_error(b"\x80\x02\xff.").contains("0xff"));
    assert!(
        pickle_error(b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.")
            .contains("no plain state dict")
    );
}

#[test]
fn a_malformed_pickle_is_an_error() {
    for program in [
        &b""[..],
        b".",
        b"\x80\x02",
        b"\x80\x02t.",
        b"\x80\x02s.",
        b"\x80\x02(K\x01\x85.",
        b"\x80\x02R.",
        b"\x80\x02NQ.",
        b"\x80\x02h\x07.",
        b"\x80\x02X\xff\xff\xff\xff.",
        b"\x80\x02K\x01.",
        b"\x80\x02}K\x01K\x02s.",
        b"\x80\x02}X\x01\0\0\0wNs.",
    ] {
        assert!(pickle_error(program).starts_with("PyTorch checkpoint: "));
    }
}

#[test]
fn deeply_nested_tuples_neither_overflow_the_stack_nor_multiply() {
    let deep = [b"\x80\x02)".as_slice(), &b"\x85".repeat(900_000), b"."].concat();
    assert!(pickle_error(&deep).contains("no dictionary"));
    let doubling: Vec<u8> = b"q\0h\0\x86".repeat(100_000);
    assert!(
        pickle_error(&[b"\x80\x02)", doubling.as_slice(), b"."].concat()).contains("no dictionary")
    );
}

#[test]
fn a_damaged_or_foreign_archive_is_refused_with_its_reason() {
    assert!(error(&archive(&[("readme", b"")])).contains("no data.pkl"));
    assert!(error(&archive(&[("a/data.pkl", b""), ("b/data.pkl", b"")])).contains("more than one"));
    assert!(error(&archive(&[("a/data.pkl", b""), ("a/data.pkl", b"")])).contains("twice"));
    assert!(
        error(&archive(&[("a/data.pkl", b""), ("a/byteorder", b"big")])).contains("little-endian")
    );
    assert!(error(&TINY[..TINY.len() - 1]).contains("cut short"));
    let mut flipped = archive(&[("a/data.pkl", b"\x80\x02}.")]);
    let program = flipped.windows(2).position(|w| w == b"\x80\x02").unwrap();
    flipped[program + 2] ^= 1;
    assert!(error(&flipped).contains("checksum of 'a/data.pkl'"));
    let mut packed = archive(&[("a/data.pkl", b"\x80\x02}.")]);
    let directory = packed.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    packed[directory + 10] = 8;
    assert!(error(&packed).contains("compressed"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_change_of_a_checkpoint_makes_the_reader_panic(
        changes in prop::collection::vec((0..TINY.len(), any::<u8>()), 1..8),
        end in 0..TINY.len() * 2,
    ) {
        let mut bytes = TINY.to_vec();
        for (at, value) in changes {
            bytes[at] = value;
        }
        bytes.truncate(end);
        let _ = parse(&bytes);
    }

    #[test]
    fn no_change_of_a_pickle_makes_the_machine_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let start = TINY.windows(3).position(|w| w == b"\x80\x02c").unwrap();
        let mut program = TINY[start..start + 700].to_vec();
        for (at, value) in changes {
            let at = at.index(program.len());
            program[at] = value;
        }
        program.extend(tail);
        let _ = pickle::tensors(&program);
    }
}
