//! The values of a parameter, in single precision or as a file stores them.

use super::element::{Element, finite_halves};
use bytes::Bytes;
use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

/// A slice of numbers in single precision. Those of a file in half precision stay as they lie there until somebody asks for the
/// slice; who needs them once takes [`Values::read`], which keeps nothing.
#[derive(Clone, Default)]
pub struct Values {
    numbers: OnceLock<Vec<f32>>,
    /// Where `numbers` come from, as long as nobody changed them.
    halves: Bytes,
}

impl Values {
    /// IEEE half precision, little-endian.
    pub(super) fn of_halves(halves: Bytes) -> Self {
        Self {
            numbers: OnceLock::new(),
            halves,
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers
            .get()
            .map_or(self.halves.len() / Element::Half.bytes(), Vec::len)
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, converted anew where nobody asked for the slice yet.
    #[must_use]
    pub fn read(&self) -> Cow<'_, [f32]> {
        match self.numbers.get() {
            Some(numbers) => Cow::Borrowed(numbers),
            None => Cow::Owned(self.converted()),
        }
    }

    /// Whether no value is infinite or not a number.
    pub(super) fn all_finite(&self) -> bool {
        const INFINITE: u32 = f32::INFINITY.to_bits();
        match self.numbers.get() {
            // By their bits and without an early end: many at a time.
            Some(numbers) => {
                let largest = numbers.iter().map(|value| value.abs().to_bits()).max();
                largest.is_none_or(|largest| largest < INFINITE)
            }
            None => finite_halves(&self.halves),
        }
    }

    fn converted(&self) -> Vec<f32> {
        Element::Half.decode(&self.halves).unwrap_or_default()
    }
}

impl From<Vec<f32>> for Values {
    fn from(numbers: Vec<f32>) -> Self {
        Self {
            numbers: OnceLock::from(numbers),
            halves: Bytes::new(),
        }
    }
}

impl FromIterator<f32> for Values {
    fn from_iter<I: IntoIterator<Item = f32>>(numbers: I) -> Self {
        Self::from(Vec::from_iter(numbers))
    }
}

impl Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.numbers.get_or_init(|| self.converted())
    }
}

impl DerefMut for Values {
    fn deref_mut(&mut self) -> &mut [f32] {
        let _: &[f32] = self;
        self.halves = Bytes::new();
        self.numbers.get_mut().map_or(&mut [], Vec::as_mut_slice)
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.read() == other.read()
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.read().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Values;
    use bytes::Bytes;
    use half::f16;

    fn stored(values: &[f32]) -> Values {
        let bytes = values
            .iter()
            .flat_map(|v| f16::from_f32(*v).to_le_bytes())
            .collect::<Vec<u8>>();
        Values::of_halves(Bytes::from(bytes))
    }

    #[test]
    fn stored_values_are_those_in_single_precision_whoever_asks_first() {
        let values = stored(&[0.5, -2.0, 0.25]);
        assert_eq!((values.len(), values.is_empty()), (3, false));
        assert_eq!(*values.read(), [0.5, -2.0, 0.25]);
        assert_eq!(values, Values::from(vec![0.5, -2.0, 0.25]));
        assert_eq!(values.iter().sum::<f32>(), -1.25);
        assert_eq!(*values.read(), [0.5, -2.0, 0.25]);
    }

    #[test]
    fn a_changed_value_stays_changed() {
        let mut values = stored(&[0.5, -2.0]);
        values[1] = 3.0;
        assert_eq!(*values.read(), [0.5, 3.0]);
        assert_eq!(values.clone(), Values::from(vec![0.5, 3.0]));
    }

    #[test]
    fn an_infinite_value_is_noticed_stored_or_not() {
        for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            for values in [stored(&[1.0, bad]), Values::from(vec![1.0, bad])] {
                assert!(!values.all_finite());
            }
        }
        assert!(stored(&[65504.0, -65504.0]).all_finite());
        assert!(Values::from(vec![f32::MAX]).all_finite());
        assert!(Values::default().all_finite());
    }
}
