//! Memory that a thread keeps from call to call: fresh pages cost more than the transforms that fill them.

use crate::Lane;
use std::cell::Cell;

thread_local! {
    /// Rows of a convolution that is pooled.
    pub(super) static ROWS: Cell<Vec<Lane>> = const { Cell::new(Vec::new()) };
    /// Transformed inputs.
    pub(super) static INPUT: Cell<Vec<Lane>> = const { Cell::new(Vec::new()) };
    /// Transformed gradients of outputs.
    pub(super) static GRADIENT: Cell<Vec<Lane>> = const { Cell::new(Vec::new()) };
    /// Products.
    pub(super) static PRODUCTS: Cell<Vec<Lane>> = const { Cell::new(Vec::new()) };
    /// Sums of products for the gradient of filters.
    pub(super) static SUMS: Cell<Vec<Lane>> = const { Cell::new(Vec::new()) };
}

/// A thread's memory while it is in use. Whoever comes in between, as a thread that waits may take up other work, gets
/// memory of its own.
pub(super) struct Scratch<'a> {
    home: &'a Cell<Vec<Lane>>,
    values: Vec<Lane>,
    len: usize,
}

impl<'a> Scratch<'a> {
    /// So many vectors; what they hold is left over from earlier use.
    pub(super) fn take(home: &'a Cell<Vec<Lane>>, len: usize) -> Self {
        let mut values = home.take();
        if values.len() < len {
            values.resize(len, Lane::ZERO);
        }
        Self { home, values, len }
    }

    pub(super) fn lanes(&mut self) -> &mut [Lane] {
        &mut self.values[..self.len]
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let other = self.home.take();
        let mine = std::mem::take(&mut self.values);
        self.home.set(if other.len() > mine.len() {
            other
        } else {
            mine
        });
    }
}
