//! Room for coefficients, kept by each thread from frame to frame: fresh memory costs as much as a wavelet.

use std::cell::RefCell;

/// Most numbers of a buffer that is kept, 16 MiB.
const MAX_KEPT: usize = 4 << 20;
/// Most buffers that are kept.
const MAX_BUFFERS: usize = 4;

/// Buffers of one kind of coefficient.
#[derive(Debug)]
pub(super) struct Room<T>(Vec<Vec<T>>);

impl<T> Default for Room<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + Default> Room<T> {
    /// A buffer of `count` numbers of any content.
    pub(super) fn take(&mut self, count: usize) -> Vec<T> {
        let found = self.0.iter().position(|buffer| buffer.capacity() >= count);
        let mut buffer = match found.or(self.0.len().checked_sub(1)) {
            Some(index) => self.0.swap_remove(index),
            None => Vec::new(),
        };
        buffer.resize(count, T::default());
        buffer
    }

    /// Takes a buffer back.
    pub(super) fn give(&mut self, buffer: Vec<T>) {
        if buffer.capacity() <= MAX_KEPT && self.0.len() < MAX_BUFFERS {
            self.0.push(buffer);
        }
    }
}

/// The room of a thread, for both transforms.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    pub(super) whole: Room<i32>,
    pub(super) real: Room<f32>,
}

thread_local! {
    static KEPT: RefCell<Rooms> = RefCell::default();
}

impl Rooms {
    /// What this thread has kept; a decoder that begins meanwhile on the same thread finds nothing.
    pub(super) fn take() -> Self {
        KEPT.take()
    }

    pub(super) fn keep(self) {
        KEPT.set(self);
    }
}
