//! Splits: which images train, which choose, which judge.
//!
//! A split is made over groups, never over images: a group is one subject or the copies of one slice, and two of its
//! images on two sides would let a model be tested on what it has seen. Within that rule the classes, and where
//! possible the sources, get the shares that the plan asks for. The result depends on the set of groups and the seed
//! alone; the order of the rows, file names and other groups' contents do not matter.
//!
//! ```
//! use tumorlens_core::Seed;
//! use tumorlens_data::split::{MixedGroups, Part, SplitItem, SplitName, SplitPlan, assign};
//!
//! let groups: Vec<String> = (0..40).map(|i| format!("subject{i}")).collect();
//! let items: Vec<SplitItem> = groups
//!     .iter()
//!     .enumerate()
//!     .map(|(i, group)| SplitItem { group, label: ["tumor", "no_tumor"][i % 2], source: "clinic" })
//!     .collect();
//! let plan = SplitPlan::Holdout { train: 0.7, validation: 0.15, test: 0.15 };
//! let names = assign(&items, plan, MixedGroups::Refuse, Seed(1))?;
//! let test = names.iter().filter(|n| **n == SplitName::Part(Part::Test)).count();
//! assert_eq!((names.len(), test), (40, 6));
//! # Ok::<(), tumorlens_data::split::SplitError>(())
//! ```

mod allocate;
mod error;
mod groups;
mod name;
mod plan;
mod rotation;

pub use error::SplitError;
pub use name::{Part, SplitName};
pub use plan::SplitPlan;
pub use rotation::{leave_source_out, rotate};

use allocate::allocate;
use groups::Groups;
use serde::{Deserialize, Serialize};
use tumorlens_core::Seed;

/// What a split needs to know of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitItem<'a> {
    /// Group, not empty.
    pub group: &'a str,
    /// Class name.
    pub label: &'a str,
    /// Where the image came from; may be empty.
    pub source: &'a str,
}

/// What to do with a group whose images have different labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MixedGroups {
    /// An error: right where groups are copies of one slice, for then one of the labels is wrong. The default.
    #[default]
    Refuse,
    /// Kept together and stratified by their set of labels: right where groups are subjects, some of whose slices show
    /// the lesion and some do not.
    Allow,
}

/// Names the part or fold of every item, in the order of the items.
///
/// Every part with a share above 0 gets at least one group of every class; beyond that, the images of a class in a part
/// differ from the plan's share by no more than about the largest group of that class.
///
/// # Errors
/// When the plan is out of range, a group has no name or (with [`MixedGroups::Refuse`]) two labels, a class has fewer
/// groups than there are parts, or a source-wise plan meets a group that spans sources.
pub fn assign(
    items: &[SplitItem<'_>],
    plan: SplitPlan,
    mixed: MixedGroups,
    seed: Seed,
) -> Result<Vec<SplitName>, SplitError> {
    plan.check()?;
    let groups = Groups::collect(items, mixed)?;
    let seed = seed.derive("split");
    match plan {
        SplitPlan::Holdout {
            train,
            validation,
            test,
        } => {
            let parts = [
                (Part::Train, train),
                (Part::Validation, validation),
                (Part::Test, test),
            ]
            .map(|(part, share)| (SplitName::Part(part), share));
            let parts: Vec<_> = parts
                .into_iter()
                .filter(|(_, share)| *share > 0.0)
                .collect();
            spread(&groups, &parts, seed)
        }
        SplitPlan::KFold { k } => {
            let parts: Vec<_> = (0..k)
                .map(|i| (SplitName::Fold(i), 1.0 / k as f64))
                .collect();
            spread(&groups, &parts, seed)
        }
        SplitPlan::LeaveOneSourceOut => rotation::source_folds(items, &groups),
    }
}

/// Allocates all groups to named parts with the given shares.
fn spread(
    groups: &Groups<'_>,
    parts: &[(SplitName, f64)],
    seed: Seed,
) -> Result<Vec<SplitName>, SplitError> {
    let shares: Vec<f64> = parts.iter().map(|(_, share)| *share).collect();
    let of_group = allocate(groups, &shares, seed)?;
    Ok(groups
        .per_item(&of_group)
        .map(|part| parts[part].0)
        .collect())
}
