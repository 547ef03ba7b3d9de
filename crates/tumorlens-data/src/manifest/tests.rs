use super::*;
use proptest::prelude::*;

fn row(path: &str) -> ManifestRow {
    ManifestRow {
        path: path.to_owned(),
        label: "tumor".to_owned(),
        group: "g1".to_owned(),
        split: "train".to_owned(),
        sha256: "0".repeat(64),
        ..ManifestRow::default()
    }
}

fn reason(text: &str) -> String {
    parse(text.as_bytes(), "m.csv").unwrap_err().to_string()
}

fn text(rows: &[ManifestRow]) -> String {
    String::from_utf8(to_bytes(rows).unwrap()).unwrap()
}

#[test]
fn broken_rules_are_named_with_their_line() {
    let good = text(&[row("a.png"), row("b.png")]);
    let cases = [
        (
            good.replace("b.png", "a.png"),
            "m.csv: line 3: path 'a.png' stands already in line 2",
        ),
        (
            good.replace("b.png,tumor", "b.png,"),
            "m.csv: line 3: label is empty",
        ),
        (
            good.replace("b.png,tumor,,g1,,train", "b.png,tumor,,g1,,"),
            "m.csv: line 3: the split is filled in for some images only",
        ),
        (
            good.replace("g1,,train", "g1,,training"),
            "m.csv: line 2: split is 'training', expected train, validation, test, fold0, fold1... or nothing",
        ),
        (good.replace("000,", "00A,"), "m.csv: line 2: sha256 is"),
        (
            good.replace("b.png", "\"b\npng\""),
            "m.csv: line 3: path holds a control character: 'b\\npng'",
        ),
        (
            good.replace("mask", "masc"),
            "m.csv: column 'masc' is not known",
        ),
        (
            good.replace("group", "label"),
            "m.csv: column 'label' is there twice",
        ),
        (
            good.replace(",group", "").replace(",g1", ""),
            "m.csv: column 'group' is missing",
        ),
        (
            good.replace("b.png,tumor", "b.png"),
            "m.csv: line 3: CSV error: record",
        ),
    ];
    for (text, expected) in cases {
        let found = reason(&text);
        assert!(found.starts_with(expected), "{found}\nexpected {expected}");
    }
}

#[test]
fn the_unit_and_the_official_split_may_be_absent_and_columns_may_stand_in_any_order() {
    let sha = "0".repeat(64);
    let text =
        format!("label,path,subject,group,split,mask,source,sha256\nno,a.png,,g,,,s,{sha}\n");
    let rows = parse(text.as_bytes(), "m.csv").unwrap();
    assert_eq!(
        (
            rows[0].path.as_str(),
            rows[0].label.as_str(),
            rows[0].source.as_str()
        ),
        ("a.png", "no", "s")
    );
    assert_eq!(rows[0].unit(), "g");
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(paths in proptest::collection::btree_set("[^\\p{C}]{1,12}", 0..6), label in "[a-z,\"]{1,6}") {
        let rows: Vec<_> = paths.iter().filter(|p| !p.trim().is_empty()).map(|p| ManifestRow { label: label.clone(), ..row(p) }).collect();
        prop_assert_eq!(parse(&to_bytes(&rows).unwrap(), "m.csv").unwrap(), rows);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, "m.csv");
    }
}
