//! What the profile does with an attribute (PS3.15 E.1, table E.1-1a), and what it comes to where the table leaves a choice.

use super::table::{BEYOND, Row, TABLE};
use crate::format::dicom::tag::Tag;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Edition of PS3.15 that the table was taken from.
pub const EDITION: &str = "2026c";

/// The codes of table E.1-1a; those of several letters let the type of the attribute decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Remove.
    X,
    /// Empty.
    Z,
    /// A dummy value.
    D,
    /// Another unique identifier, the same one wherever it stands.
    U,
    /// `Z/D`.
    ZD,
    /// `X/Z`.
    XZ,
    /// `X/D`.
    XD,
    /// `X/Z/D`.
    XZD,
    /// `X/Z/U*`: a sequence of references.
    XZU,
}

/// What is done with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Left out.
    Remove,
    /// Written without a value.
    Empty,
    /// Written with a dummy value of this value representation, where the file states none.
    Dummy([u8; 2]),
    /// Its unique identifiers are replaced.
    Uid,
    /// Written as it is; the items of a sequence are treated one by one.
    Keep,
}

/// Groups that belong to messages, files and directories and never to the data set of an image (PS3.7, PS3.10).
const FOREIGN_GROUPS: [u16; 3] = [0x0000, 0x0002, 0x0004];

static ACTIONS: LazyLock<HashMap<Tag, (Action, [u8; 2])>> = LazyLock::new(|| {
    let rows = BEYOND.iter().chain(TABLE);
    rows.flat_map(|Row(action, vr, tags)| {
        let tag = |t: &u32| Tag((t >> 16) as u16, (t & 0xFFFF) as u16);
        tags.iter().map(move |t| (tag(t), (*action, **vr)))
    })
    .collect()
});

/// The action of the table for an attribute, and of the rows of ours that go beyond it; `None` when it is kept.
#[must_use]
pub fn action(tag: Tag) -> Option<Action> {
    row(tag).map(|(action, _)| action)
}

fn row(tag: Tag) -> Option<(Action, [u8; 2])> {
    let Tag(group, element) = tag;
    let whole_group = group % 2 == 1
        // Lengths of groups (PS3.5 section 7.2, retired) would be wrong afterwards.
        || element == 0
        || FOREIGN_GROUPS.contains(&group)
        || matches!(group >> 8, 0x50 | 0x60);
    if whole_group {
        // The table names overlay data and comments; what is left of an overlay without its data is damaged.
        return Some((Action::X, *b"  "));
    }
    ACTIONS.get(&tag).copied()
}

/// What to do with an element: where the table leaves a choice, what keeps the object valid whatever the type of the
/// attribute (type 1 must have a value, type 2 must be there), so a dummy before an empty value before none. An attribute that was
/// empty before is not of type 1 and stays empty. Optional sequences go.
pub(super) fn step(tag: Tag, vr: [u8; 2], sequence: bool, empty: bool) -> Step {
    let Some((action, dummy)) = row(tag) else {
        // Dates, times and names go even where the standard does not know the attribute.
        return match &vr {
            b"DA" | b"DT" | b"TM" | b"PN" => Step::Empty,
            _ => Step::Keep,
        };
    };
    match action {
        Action::X => Step::Remove,
        Action::Z | Action::XZ => Step::Empty,
        Action::D => Step::Dummy(dummy),
        Action::XD if sequence => Step::Remove,
        Action::XZD if sequence => Step::Empty,
        Action::ZD | Action::XD | Action::XZD if empty => Step::Empty,
        Action::ZD | Action::XD | Action::XZD => Step::Dummy(dummy),
        Action::U if sequence => Step::Remove,
        Action::U => Step::Uid,
        // The references of an image to others lead to their new identifiers.
        Action::XZU if sequence => Step::Keep,
        Action::XZU => Step::Empty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attribute_stands_twice_and_the_table_is_whole() {
        let count = |rows: &[Row]| rows.iter().map(|r| r.2.len()).sum::<usize>();
        assert_eq!(count(TABLE), 652);
        assert_eq!(ACTIONS.len(), count(TABLE) + count(BEYOND));
    }

    #[test]
    fn rows_of_the_table_are_found_by_tag_and_by_group() {
        let found = [
            (Tag(0x0010, 0x0010), Some(Action::Z)),
            (Tag(0x0010, 0x0020), Some(Action::ZD)),
            (Tag(0x0008, 0x0018), Some(Action::U)),
            (Tag(0x0008, 0x1030), Some(Action::X)),
            (Tag(0x0008, 0x1140), Some(Action::XZU)),
            (Tag(0x0029, 0x1010), Some(Action::X)),
            (Tag(0x5002, 0x3000), Some(Action::X)),
            (Tag(0x60FE, 0x4000), Some(Action::X)),
            (Tag(0x5200, 0x9230), None),
            (Tag(0x0028, 0x0010), None),
            (Tag(0x7FE0, 0x0010), None),
        ];
        for (tag, expected) in found {
            assert_eq!(action(tag), expected, "{tag}");
        }
    }

    #[test]
    fn a_choice_of_the_table_is_settled_so_that_the_object_stays_valid() {
        let institution = Tag(0x0008, 0x0080);
        assert_eq!(step(institution, *b"LO", false, false), Step::Dummy(*b"LO"));
        assert_eq!(step(institution, *b"LO", false, true), Step::Empty);
        assert_eq!(step(Tag(0x0008, 0x0082), *b"SQ", true, false), Step::Empty);
        assert_eq!(step(Tag(0x0008, 0x1072), *b"SQ", true, false), Step::Remove);
        assert_eq!(step(Tag(0x0008, 0x0022), *b"DA", false, false), Step::Empty);
        assert_eq!(step(Tag(0x0018, 0x9998), *b"DT", false, false), Step::Empty);
    }
}
