//! Where the pickle says that a tensor's values lie.

use super::super::element::Element;

/// A view into a storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorReference {
    pub(super) storage: Storage,
    /// First element in the storage.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Elements from one index of each axis to the next.
    pub(super) strides: Vec<usize>,
}

/// One entry of raw values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    /// Name of the entry in the folder `data`.
    pub(super) key: String,
    pub(super) element: Element,
    /// Number of elements.
    pub(super) length: usize,
}

impl TensorReference {
    /// Row-major values of a tensor of `count` values, from all bytes of its storage.
    pub(super) fn values(&self, count: usize, data: &[u8]) -> Result<Vec<f32>, String> {
        let bytes = self.storage.element.bytes();
        if self.storage.length.checked_mul(bytes) != Some(data.len()) {
            return Err(format!("does not fit its storage of {} bytes", data.len()));
        }
        if self.span() != Some(count) {
            return Err("is a view with gaps or repeats; save a contiguous copy".to_owned());
        }
        let outside = || "reaches outside its storage".to_owned();
        let start = self.offset.checked_mul(bytes).ok_or_else(outside)?;
        let end = count
            .checked_mul(bytes)
            .and_then(|length| start.checked_add(length))
            .ok_or_else(outside)?;
        let dense = self
            .storage
            .element
            .decode(data.get(start..end).ok_or_else(outside)?);
        let dense =
            dense.ok_or_else(|| "holds integers; only floating point is read".to_owned())?;
        Ok(if self.is_row_major() {
            dense
        } else {
            self.reorder(&dense)
        })
    }

    /// Elements from the first to the last one reached.
    fn span(&self) -> Option<usize> {
        let steps = self.shape.iter().zip(&self.strides);
        steps
            .map(|(&side, &stride)| side.checked_sub(1)?.checked_mul(stride))
            .try_fold(1usize, |span, step| span.checked_add(step?))
    }

    fn is_row_major(&self) -> bool {
        let mut expected = 1;
        self.shape
            .iter()
            .zip(&self.strides)
            .rev()
            .all(|(&side, &stride)| {
                let right = side == 1 || stride == expected;
                expected *= side;
                right
            })
    }

    /// From the order of the strides, e.g. channels last, to row-major. Every place is inside: see `span`.
    fn reorder(&self, dense: &[f32]) -> Vec<f32> {
        let mut index = vec![0; self.shape.len()];
        let mut place = 0;
        (0..dense.len())
            .map(|_| {
                let value = dense[place];
                for axis in (0..index.len()).rev() {
                    index[axis] += 1;
                    place += self.strides[axis];
                    if index[axis] < self.shape[axis] {
                        break;
                    }
                    place -= index[axis] * self.strides[axis];
                    index[axis] = 0;
                }
                value
            })
            .collect()
    }
}
