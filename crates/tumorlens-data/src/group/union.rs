//! Union-find: from pairs to groups.

use std::collections::BTreeMap;

/// Disjoint sets of the numbers below n, each represented by its smallest member.
#[derive(Clone, Debug)]
pub(crate) struct Union(Vec<usize>);

impl Union {
    pub(crate) fn new(n: usize) -> Self {
        Self((0..n).collect())
    }

    /// Path halving.
    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    pub(crate) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }

    /// Joins all members that have the same key; one key a member, in order. A member without a key stays alone.
    pub(crate) fn join_alike<K: Ord>(&mut self, keys: impl IntoIterator<Item = Option<K>>) {
        let mut first = BTreeMap::new();
        for (i, key) in keys.into_iter().enumerate().take(self.0.len()) {
            if let Some(key) = key {
                self.join(i, *first.entry(key).or_insert(i));
            }
        }
    }

    /// The set of each member, numbered from 0 in the order of first appearance.
    pub(crate) fn numbers(mut self) -> Vec<usize> {
        let mut number = vec![0; self.0.len()];
        let mut next = 0;
        for i in 0..number.len() {
            // The root is the smallest member, so it has its number already.
            let root = self.root(i);
            if root == i {
                number[i] = next;
                next += 1;
            } else {
                number[i] = number[root];
            }
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_members_share_a_number_and_numbers_follow_first_appearance() {
        let mut union = Union::new(6);
        for (a, b) in [(4, 2), (5, 1), (2, 5)] {
            union.join(a, b);
        }
        assert_eq!(union.numbers(), [0, 1, 1, 2, 1, 1]);
    }
    #[test]
    fn members_with_one_key_are_joined_and_those_without_stay_alone() {
        let mut union = Union::new(5);
        union.join_alike([Some("a"), None, Some("b"), None, Some("a")]);
        assert_eq!(union.numbers(), [0, 1, 2, 3, 0]);
    }
}
