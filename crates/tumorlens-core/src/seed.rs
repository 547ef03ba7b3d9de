//! Randomness without a global generator: one seed, and every consumer derives its own.
//!
//! Derivation hashes the parent seed and a name or number with SHA-256, so that what one consumer draws
//! does not depend on how many others there are, on their order, or on the number of threads.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A point in the tree of seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of a named consumer, e.g. `"augmentation"`.
    #[must_use]
    pub fn derive(self, name: &str) -> Self {
        self.hash(b'n', name.as_bytes())
    }

    /// The seed of a numbered child, e.g. an epoch or a sample.
    #[must_use]
    pub fn index(self, number: u64) -> Self {
        self.hash(b'i', &number.to_le_bytes())
    }

    /// A generator that starts here.
    #[must_use]
    pub fn rng(self) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(self.0)
    }

    fn hash(self, kind: u8, bytes: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0.to_le_bytes());
        hasher.update([kind]);
        hasher.update(bytes);
        let digest = hasher.finalize();
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_le_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_differ_by_name_number_and_parent_and_never_change() {
        let root = Seed(7);
        assert_ne!(root.derive("a"), root.derive("b"));
        assert_ne!(root.index(0), root.index(1));
        assert_ne!(root.derive("a"), Seed(8).derive("a"));
        assert_eq!(root.derive("a"), root.derive("a"));
        // Witness: the same derivation by Python's hashlib. A change here changes every published result.
        assert_eq!(
            Seed(7).derive("augmentation").index(3).0,
            17_088_771_678_427_988_196
        );
    }
}
