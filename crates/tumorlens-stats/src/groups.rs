//! Which images belong together. What varies independently is the group, not the image.

use std::collections::BTreeMap;

/// The group of every image, as numbers from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    of: Vec<usize>,
    count: usize,
}

impl Groups {
    /// Numbers groups by their sorted names, so that the numbers do not depend on the order of the images.
    #[must_use]
    pub fn new<G: Ord>(names: &[G]) -> Self {
        let mut numbers: BTreeMap<&G, usize> = names.iter().map(|name| (name, 0)).collect();
        for (number, slot) in numbers.values_mut().enumerate() {
            *slot = number;
        }
        let of = names.iter().map(|name| numbers[name]).collect();
        Self {
            of,
            count: numbers.len(),
        }
    }

    /// Every image is a group of its own.
    #[must_use]
    pub fn singletons(images: usize) -> Self {
        Self {
            of: (0..images).collect(),
            count: images,
        }
    }

    /// Number of groups.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of images.
    #[must_use]
    pub fn images(&self) -> usize {
        self.of.len()
    }

    /// Group of every image, below [`count`](Self::count).
    #[must_use]
    pub fn of(&self) -> &[usize] {
        &self.of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_sorted_names() {
        let groups = Groups::new(&["b", "a", "c", "a"]);
        assert_eq!(groups.of(), [1, 0, 2, 0]);
        assert_eq!((groups.count(), groups.images()), (3, 4));
    }
}
