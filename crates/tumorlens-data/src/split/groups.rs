//! Items gathered into groups.

use super::{MixedGroups, SplitError, SplitItem};
use std::collections::{BTreeMap, BTreeSet};

/// One group.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) name: &'a str,
    pub(super) labels: BTreeSet<&'a str>,
    pub(super) sources: BTreeSet<&'a str>,
    pub(super) images: usize,
}

/// All groups in the order of their names, and the group of every item.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    pub(super) groups: Vec<Group<'a>>,
    group_of_item: Vec<usize>,
}

impl<'a> Groups<'a> {
    pub(super) fn collect(items: &[SplitItem<'a>], mixed: MixedGroups) -> Result<Self, SplitError> {
        if items.is_empty() {
            return Err(SplitError::Empty);
        }
        if let Some(index) = items.iter().position(|item| item.group.is_empty()) {
            return Err(SplitError::NoGroup { index });
        }
        let mut by_name: BTreeMap<&str, Group<'a>> = BTreeMap::new();
        for item in items {
            let group = by_name.entry(item.group).or_insert_with(|| Group {
                name: item.group,
                labels: BTreeSet::new(),
                sources: BTreeSet::new(),
                images: 0,
            });
            group.labels.insert(item.label);
            group.sources.insert(item.source);
            group.images += 1;
        }
        let position: BTreeMap<&str, usize> = by_name
            .keys()
            .enumerate()
            .map(|(i, name)| (*name, i))
            .collect();
        let group_of_item = items.iter().map(|item| position[item.group]).collect();
        let groups = Self {
            groups: by_name.into_values().collect(),
            group_of_item,
        };
        if mixed == MixedGroups::Refuse {
            groups.refuse_mixed()?;
        }
        Ok(groups)
    }

    fn refuse_mixed(&self) -> Result<(), SplitError> {
        for group in &self.groups {
            let mut labels = group.labels.iter();
            if let (Some(first), Some(second)) = (labels.next(), labels.next()) {
                return Err(SplitError::MixedLabels {
                    group: group.name.to_owned(),
                    first: (*first).to_owned(),
                    second: (*second).to_owned(),
                });
            }
        }
        Ok(())
    }

    /// A value a group, handed out to the items.
    pub(super) fn per_item<'b, T: Copy>(
        &'b self,
        of_group: &'b [T],
    ) -> impl Iterator<Item = T> + 'b {
        self.group_of_item.iter().map(|group| of_group[*group])
    }
}
