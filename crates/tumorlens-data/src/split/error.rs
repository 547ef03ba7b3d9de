//! What can be wrong with a split, and what to do about it.

/// A split cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Nothing to split.
    #[error("there are no images to split")]
    Empty,
    /// A share or number of folds out of range.
    #[error("split plan: {field} is {found}, expected {expected}")]
    Plan {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// Values allowed.
        expected: &'static str,
    },
    /// An image without a group.
    #[error("image {index} has no group; give every image a group, its own if it stands alone")]
    NoGroup {
        /// Position among the items.
        index: usize,
    },
    /// Two labels in one group.
    #[error(
        "group '{group}' has images labelled '{first}' and '{second}'; correct the labels, or remove the group's images \
         from the manifest"
    )]
    MixedLabels {
        /// The group.
        group: String,
        /// One label.
        first: String,
        /// Another.
        second: String,
    },
    /// A class has fewer groups than there are parts to fill.
    #[error(
        "class '{label}' has {found} group(s), {needed} are needed for one in every part; add images of that class, or \
         use fewer folds or parts"
    )]
    TooFewGroups {
        /// The class.
        label: String,
        /// Its groups.
        found: usize,
        /// Parts to fill.
        needed: usize,
    },
    /// A plan over sources, but only one source.
    #[error("leave-one-source-out needs at least two sources, found {found}; use k folds instead")]
    TooFewSources {
        /// Sources found.
        found: usize,
    },
    /// A group with images of two sources, in a plan over sources.
    #[error(
        "group '{group}' ({count} such) has images of source '{first}' and of '{second}'; remove the copies from one \
         source, use k folds, or hold out one source at a time, which leaves such groups out of training"
    )]
    SpansSources {
        /// The first such group.
        group: String,
        /// How many such groups there are.
        count: usize,
        /// One source.
        first: String,
        /// Another.
        second: String,
    },
    /// A source or fold that is not there.
    #[error("{what} '{name}' is not in the dataset; there are: {known}")]
    Unknown {
        /// `source` or `fold`.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A rotation over something that is not folds.
    #[error("an image is in part '{found}', expected folds; make the split again with k folds")]
    NotFolds {
        /// The name found.
        found: String,
    },
}
