//! De-identified files: nothing of a person at any level, the same pixels, the same new identifiers, or a reason.

use crate::elements::{Content, Element, Form, sequence, value};
use crate::writer::Writer;
use proptest::prelude::*;
use tumorlens_data::deidentify::{Clean, Deidentifier, left, profile};
use tumorlens_data::format::dicom::tag::Tag;
use tumorlens_data::format::dicom::{File, decode};
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::SubjectKey;

const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const FORMS: [Form; 3] = [Form::Implicit, Form::Explicit, Form::Big];
/// Stands for everything that tells who it is.
const MARKER: &str = "ZZPHI";

pub(crate) fn keyed(key: &[u8], accept: bool) -> Deidentifier {
    Deidentifier::new(Some(SubjectKey::new(key).unwrap()), accept).unwrap()
}

fn clean(bytes: &[u8]) -> Clean {
    keyed(b"a secret of this hospital", false)
        .file(bytes, &Limits::default())
        .unwrap()
}

fn refused(bytes: &[u8]) -> String {
    keyed(b"a secret of this hospital", false)
        .file(bytes, &Limits::default())
        .unwrap_err()
        .to_string()
}

/// An image of 2x2 pixels with these elements more; they may replace its own.
pub(crate) fn elements(form: Form, more: Vec<Element>) -> Vec<Element> {
    let short = |tag, n| value(tag, "US", form.short(n));
    let pixels: Vec<u8> = [1u16, 2, 3, 40_000]
        .iter()
        .flat_map(|v| form.short(*v))
        .collect();
    let mut all = vec![
        value((8, 0x16), "UI", format!("{MR}\0")),
        value((8, 0x18), "UI", "1.2.3.4.5\0"),
        value((0x10, 0x20), "LO", "MRN-4711"),
        value((0x20, 0xD), "UI", "1.2.3"),
        value((0x20, 0xE), "UI", "1.2.3.4"),
        short((0x28, 2), 1),
        value((0x28, 4), "CS", "MONOCHROME2"),
        short((0x28, 0x10), 2),
        short((0x28, 0x11), 2),
        short((0x28, 0x100), 16),
        short((0x28, 0x101), 16),
        short((0x28, 0x102), 15),
        short((0x28, 0x103), 0),
        value((0x7FE0, 0x10), "OW", pixels),
    ];
    all.retain(|old| more.iter().all(|new| new.0 != old.0));
    all.extend(more);
    all.sort_by_key(|e| e.0);
    all
}

fn file_of(form: Form, elements: &[Element]) -> Vec<u8> {
    crate::writer::file(form.uid(), &form.write(elements))
}

pub(crate) fn image(form: Form, more: Vec<Element>) -> Vec<u8> {
    file_of(form, &elements(form, more))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

fn text(clean: &Clean, tag: Tag) -> Option<String> {
    let file = File::open(&clean.bytes, &Limits::default()).unwrap();
    file.data_set().unwrap().text(tag)
}

/// A person in every place that a file has for one.
fn person() -> Vec<Element> {
    let name = |tag| value(tag, "PN", MARKER);
    let inner = vec![
        value((8, 0x80), "LO", MARKER),
        value((8, 0x1155), "UI", "1.2.3.4.6\0"),
        name((0x10, 0x10)),
        value((0x10, 0x20), "LO", MARKER),
        value((0x11, 0x10), "LO", MARKER),
        value((0x40, 0xA123), "PN", MARKER),
    ];
    let deep = |undefined| {
        vec![
            value((8, 0x1030), "LO", MARKER),
            sequence((8, 0x2218), undefined, vec![inner.clone(), vec![]]),
        ]
    };
    vec![
        value((8, 0), "UL", [9, 9, 9, 9]),
        value((8, 0x20), "DA", "19991231"),
        value((8, 0x50), "SH", MARKER),
        value((8, 0x80), "LO", MARKER),
        value((8, 0x90), "PN", MARKER),
        value((8, 0x103E), "LO", MARKER),
        sequence((8, 0x1140), false, vec![inner.clone()]),
        Element((8, 0x9215), "UN", Content::Items(vec![deep(false)], false)),
        value((9, 0x10), "LO", MARKER),
        sequence((9, 0x1001), true, vec![inner.clone()]),
        name((0x10, 0x10)),
        value((0x10, 0x20), "LO", MARKER),
        value((0x10, 0x30), "DA", "19991231"),
        value((0x10, 0x4000), "LT", MARKER),
        sequence((0x5200, 0x9229), true, vec![deep(true), deep(false)]),
        Element(
            (0x5200, 0x9230),
            "UN",
            Content::Items(vec![deep(true)], true),
        ),
        value((0x5000, 0x2500), "LO", MARKER),
        value((0x6000, 0x3000), "OW", MARKER),
        value((0x6000, 0x4000), "LT", MARKER),
        value((0xFFFC, 0xFFFC), "OB", MARKER),
    ]
}

#[test]
fn nothing_of_a_person_is_left_at_any_level_and_the_pixels_are_the_same() {
    for form in FORMS {
        let mut before = image(form, person());
        before[..5].copy_from_slice(MARKER.as_bytes());
        assert!(holds(&before, MARKER));
        let after = clean(&before);
        assert!(!holds(&after.bytes, MARKER), "{form:?}");
        assert!(!holds(&after.bytes, "1999"), "{form:?}");
        assert!(!holds(&after.bytes, "1.2.3"), "{form:?}");
        assert_eq!(after.bytes[..128], [0; 128]);
        assert_eq!(left(&after.bytes, &Limits::default()).unwrap(), None);
        let [old, new] = [&before, &after.bytes].map(|b| decode(b, &Limits::default()).unwrap());
        assert_eq!(old.values, new.values);
        assert_eq!(old.syntax, new.syntax);
    }
}

#[test]
fn sequences_keep_their_items_and_references_lead_to_the_new_identifiers() {
    for form in FORMS {
        let after = clean(&image(form, person()));
        let file = File::open(&after.bytes, &Limits::default()).unwrap();
        let set = file.data_set().unwrap();
        let referenced = &set.items(Tag(8, 0x1140)).unwrap()[0];
        let other = clean(&image(form, vec![value((8, 0x18), "UI", "1.2.3.4.6\0")]));
        assert_eq!(
            referenced.text(Tag(8, 0x1155)).as_ref(),
            Some(&other.uids[2])
        );
        let groups = set.items(Tag(0x5200, 0x9229)).unwrap();
        assert_eq!(groups.len(), 2);
        let unknown = [Tag(0x5200, 0x9230), Tag(8, 0x9215)].map(|tag| set.items(tag).unwrap());
        assert!(unknown.iter().all(|items| items.len() == 1));
        for group in groups.iter().chain(unknown.iter().flatten()) {
            let inner = group.items(Tag(8, 0x2218)).unwrap();
            assert_eq!(inner.len(), 2);
            assert!(inner[0].has(Tag(8, 0x1155)) && inner[1].is_empty());
        }
    }
}

#[test]
fn what_was_done_is_written_and_nothing_is_claimed_of_the_pixels() {
    let after = clean(&image(Form::Explicit, person()));
    let said = |group, element| text(&after, Tag(group, element));
    assert_eq!(said(0x12, 0x62).as_deref(), Some("YES"));
    assert!(said(0x12, 0x63).unwrap().contains("PS3.15"));
    assert_eq!(said(0x28, 0x303).as_deref(), Some("REMOVED"));
    assert_eq!(said(0x28, 0x301), None);
    assert_eq!(said(8, 0x16).as_deref(), Some(MR));
    let file = File::open(&after.bytes, &Limits::default()).unwrap();
    let code = &file.data_set().unwrap().items(Tag(0x12, 0x64)).unwrap()[0];
    assert_eq!(code.text(Tag(8, 0x100)).as_deref(), Some("113100"));
    assert_eq!(code.text(Tag(8, 0x102)).as_deref(), Some("DCM"));
    // What the file itself claims is carried over.
    let claimed = clean(&image(
        Form::Explicit,
        vec![value((0x28, 0x301), "CS", "NO")],
    ));
    assert_eq!(text(&claimed, Tag(0x28, 0x301)).as_deref(), Some("NO"));
}

#[test]
fn the_patient_has_the_name_that_prepare_gives_with_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = image(Form::Explicit, vec![]);
    std::fs::write(folder.path().join("a"), &bytes).unwrap();
    let key = SubjectKey::new(b"a secret of this hospital").unwrap();
    let options = tumorlens_data::scan::ScanOptions {
        labelled: false,
        subjects: tumorlens_data::scan::Subjects::Keyed(key),
        ..Default::default()
    };
    let scan = tumorlens_data::scan::scan(&[folder.path().to_owned()], &options).unwrap();
    let after = clean(&bytes);
    assert_eq!(after.subject, scan.images[0].subject);
    for tag in [Tag(0x10, 0x10), Tag(0x10, 0x20)] {
        assert_eq!(text(&after, tag).as_ref(), Some(&after.subject));
    }
}

#[test]
fn a_key_gives_the_same_bytes_in_every_run_and_no_key_gives_others() {
    let bytes = image(Form::Explicit, person());
    assert_eq!(clean(&bytes), clean(&bytes));
    let [a, b] = [0, 1].map(|_| {
        let without = Deidentifier::new(None, false).unwrap();
        without.file(&bytes, &Limits::default()).unwrap()
    });
    assert_ne!(a.uids, b.uids);
    assert_ne!(a.subject, b.subject);
    assert!(a.uids.iter().all(|uid| uid.starts_with("2.25.")));
}

#[test]
fn file_meta_information_is_made_anew_and_agrees_with_the_data_set() {
    let meta = Writer::default()
        .put((2, 1), "OB", &[0, 1])
        .put((2, 3), "UI", b"1.2.3.4.5")
        .put((2, 0x10), "UI", Form::Explicit.uid().as_bytes())
        .put((2, 0x16), "AE", MARKER.as_bytes())
        .put((2, 0x100), "UI", b"1.2.3.99")
        .put((2, 0x102), "OB", MARKER.as_bytes())
        .0;
    let body = Form::Explicit.write(&elements(Form::Explicit, vec![]));
    let after = clean(&[&[7; 128][..], b"DICM", &meta, &body].concat());
    assert!(!holds(&after.bytes, MARKER) && !holds(&after.bytes, "1.2.3.99"));
    let length = u32::from_le_bytes(after.bytes[140..144].try_into().unwrap()) as usize;
    let data_set = &after.bytes[144 + length..];
    assert_eq!(data_set[..4], [8, 0, 0x16, 0]);
    let uid = &after.uids[2];
    assert!(holds(&after.bytes[144..144 + length], uid));
    assert_eq!(text(&after, Tag(8, 0x18)).as_ref(), Some(uid));
}

#[test]
fn dummies_stand_where_a_value_must_be_and_empty_stays_empty() {
    for form in FORMS {
        let after = clean(&image(
            form,
            vec![
                value((8, 0x21), "DA", "20240229"),
                value((8, 0x2A), "DT", "20240229113000"),
                value((8, 0x80), "LO", "Clinic"),
                value((8, 0x1070), "PN", ""),
                value((0x18, 0x10), "LO", "Gadovist, 7 ml"),
                value((0x18, 0x1030), "LO", "brain of Jane"),
            ],
        ));
        let said = |group, element| text(&after, Tag(group, element));
        assert_eq!(said(8, 0x21).as_deref(), Some("19000101"));
        assert_eq!(said(8, 0x2A).as_deref(), Some("19000101000000"));
        for (group, element) in [(8, 0x80), (0x18, 0x10), (0x18, 0x1030)] {
            assert_eq!(said(group, element).as_deref(), Some("REMOVED"));
        }
        assert_eq!(said(8, 0x1070), None);
    }
}

#[test]
fn compressed_pixels_are_not_touched_and_deflated_files_are_inflated() {
    let fragments = [
        &[0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0][..],
        &[0xFE, 0xFF, 0, 0xE0, 4, 0, 0, 0, 0xFF, 0xD8, 0xFF, 0xD9],
        &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
    ]
    .concat();
    let mut all = elements(Form::Explicit, vec![]);
    all.pop();
    let mut body = Form::Explicit.write(&all);
    body.extend([0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 255, 255, 255, 255]);
    body.extend(&fragments);
    // MPEG2: read, and no decoder.
    let mpeg = crate::writer::file("1.2.840.10008.1.2.4.100", &body);
    assert!(clean(&mpeg).bytes.ends_with(&fragments));

    let plain = Form::Explicit.write(&elements(Form::Explicit, person()));
    let mut deflater =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut deflater, &plain).unwrap();
    let deflated = deflater.finish().unwrap();
    let deflated = crate::writer::file("1.2.840.10008.1.2.1.99", &deflated);
    assert_eq!(clean(&deflated), clean(&image(Form::Explicit, person())));
}

#[test]
fn what_cannot_be_read_to_its_last_byte_is_refused_and_no_reason_repeats_a_value() {
    for form in FORMS {
        let whole = image(form, person());
        for end in (0..whole.len()).rev().step_by(3) {
            let with = keyed(b"a secret of this hospital", false);
            if let Err(error) = with.file(&whole[..end], &Limits::default()) {
                let reason = error.to_string();
                assert!(
                    !reason.contains(MARKER) && !reason.contains('\n'),
                    "{reason}"
                );
            } else {
                // Cut between two elements behind the pixels.
                assert!(end > whole.len() - 30, "{form:?} {end}");
            }
        }
        let mut garbage = whole.clone();
        garbage.extend(b"ZZPHI of a person");
        assert!(refused(&garbage).contains("damaged"), "{form:?}");
        // Zeros are what some writers pad with.
        let padded = [&whole[..], &[0; 10]].concat();
        assert_eq!(clean(&padded), clean(&whole));
    }
}

#[test]
fn a_sequence_with_something_behind_its_items_and_an_element_that_stands_twice_are_refused() {
    let item = Form::Explicit.write(&[sequence((8, 0x2218), true, vec![vec![]])]);
    let inside = [&item[12..], MARKER.as_bytes(), b" "].concat();
    let odd = value((8, 0x2218), "SQ", inside);
    assert!(refused(&image(Form::Explicit, vec![odd])).contains("sequence of items"));
    let mut twice = elements(Form::Explicit, vec![]);
    twice.insert(0, twice[0].clone());
    assert!(refused(&file_of(Form::Explicit, &twice)).contains("stands twice"));
}

#[test]
fn what_may_show_text_in_its_pixels_is_refused_until_someone_has_looked() {
    let signs = [
        value((0x28, 0x301), "CS", "YES"),
        value((8, 0x16), "UI", "1.2.840.10008.5.1.4.1.1.7"),
        value((8, 0x16), "UI", "1.2.840.10008.5.1.4.1.1.7.4"),
        value((8, 0x16), "UI", "1.2.840.10008.5.1.4.1.1.6.1"),
        value((8, 0x60), "CS", "US"),
        value((8, 0x64), "CS", "WSD"),
        value((8, 8), "CS", "DERIVED\\SECONDARY\\SCREEN SAVE"),
        value((0x6000, 0x102), "US", [12, 0]),
    ];
    for sign in signs {
        let bytes = image(Form::Explicit, vec![sign.clone()]);
        let reason = refused(&bytes);
        assert!(reason.contains("--accept-burned-in"), "{sign:?}: {reason}");
        let accepted = keyed(b"a secret of this hospital", true).file(&bytes, &Limits::default());
        let said = text(&accepted.unwrap(), Tag(0x28, 0x301));
        assert_ne!(said.as_deref(), Some("NO"));
    }
}

#[test]
fn what_holds_no_image_or_has_no_class_is_refused() {
    let mut report = elements(Form::Explicit, vec![value((8, 0x60), "CS", "SR")]);
    report.pop();
    assert!(refused(&file_of(Form::Explicit, &report)).contains("no image"));
    let odd = image(Form::Explicit, vec![value((8, 0x16), "UI", MARKER)]);
    let reason = refused(&odd);
    assert!(reason.contains("SOPClassUID") && !reason.contains(MARKER));
    assert!(refused(b"no DICOM file").contains("no DICOM"));
}

#[test]
fn an_object_without_an_identifier_gets_one_by_its_bytes() {
    let without = |pixel: u8| {
        let mut all = elements(
            Form::Explicit,
            vec![value((0x7FE0, 0x10), "OW", [pixel; 8])],
        );
        all.retain(|e| e.0 != (8, 0x18));
        clean(&file_of(Form::Explicit, &all))
    };
    let [a, b] = [without(1), without(2)];
    assert_ne!(a.uids[2], b.uids[2]);
    assert_eq!(text(&a, Tag(8, 0x18)).as_ref(), Some(&a.uids[2]));
}

/// Elements with the marker in them: of the table, by tag and by group, and private ones.
fn marked() -> impl Strategy<Value = Element> {
    let tags = prop::sample::select(vec![
        ((0x0008, 0x0080), "LO"),
        ((0x0008, 0x0090), "PN"),
        ((0x0008, 0x1030), "LO"),
        ((0x0008, 0x1070), "PN"),
        ((0x0008, 0x3010), "UI"),
        ((0x0010, 0x0010), "PN"),
        ((0x0010, 0x0020), "LO"),
        ((0x0010, 0x1040), "LO"),
        ((0x0011, 0x1010), "UN"),
        ((0x0018, 0x1030), "LO"),
        ((0x0020, 0x0052), "UI"),
        ((0x0032, 0x1032), "PN"),
        ((0x0040, 0xA124), "UI"),
        ((0x0042, 0x0011), "OB"),
        ((0x0072, 0x005F), "AS"),
        ((0x5002, 0x0040), "SH"),
        ((0x6002, 0x4000), "LT"),
    ]);
    tags.prop_map(|(tag, vr)| value(tag, vr, MARKER))
}

/// Items without elements that stand twice.
fn item(inner: impl Strategy<Value = Element>) -> impl Strategy<Value = Vec<Element>> {
    prop::collection::vec(inner, 0..5).prop_map(|mut all| {
        all.sort_by_key(|e| e.0);
        all.dedup_by_key(|e| e.0);
        all
    })
}

fn nested() -> impl Strategy<Value = Element> {
    marked().prop_recursive(5, 40, 4, |inner| {
        let tags = prop::sample::select(vec![
            (0x0008, 0x1140),
            (0x0008, 0x2218),
            (0x0009, 0x1002),
            (0x0040, 0x0275),
            (0x0040, 0xA730),
            (0x5200, 0x9230),
        ]);
        (
            tags,
            any::<bool>(),
            prop::collection::vec(item(inner), 0..3),
        )
            .prop_map(|(tag, undefined, items)| sequence(tag, undefined, items))
    })
}

proptest! {
    #[test]
    fn however_deep_a_person_stands_nothing_is_left(more in item(nested()), form in 0usize..3) {
        let form = FORMS[form];
        let before = image(form, more);
        let after = clean(&before);
        prop_assert!(!holds(&after.bytes, MARKER));
        prop_assert_eq!(left(&after.bytes, &Limits::default()).unwrap(), None);
        let [old, new] = [&before, &after.bytes].map(|b| decode(b, &Limits::default()).unwrap());
        prop_assert_eq!(old.values, new.values);
        // What was written is read again by the same rules.
        prop_assert_eq!(clean(&after.bytes).subject.len(), after.subject.len());
    }

    #[test]
    fn no_bytes_make_it_panic(at in 132usize..600, with in any::<u8>(), form in 0usize..3) {
        let mut bytes = image(FORMS[form], person());
        let at = at.min(bytes.len() - 1);
        bytes[at] = with;
        if let Ok(after) = keyed(b"a secret of this hospital", true).file(&bytes, &Limits::default()) {
            prop_assert_eq!(left(&after.bytes, &Limits::default()).unwrap(), None);
        }
    }
}

#[test]
fn the_table_names_the_edition_that_it_was_taken_from() {
    assert_eq!(profile::EDITION, "2026c");
    assert_eq!(profile::action(Tag(0x40, 0xE012)), Some(profile::Action::X));
}
