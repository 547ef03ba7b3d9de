//! Memory that is used again: fresh pages cost more than what is written to them.

use super::Bf16x32;
use crate::Pixel;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers that rest at most.
const MOST: usize = 16;

static RESTING: Mutex<Vec<Vec<Bf16x32>>> = Mutex::new(Vec::new());

fn resting() -> std::sync::MutexGuard<'static, Vec<Vec<Bf16x32>>> {
    RESTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Some lines, which go back to rest when they are dropped.
#[derive(Debug)]
pub(super) struct Scratch(Vec<Bf16x32>);

impl Scratch {
    /// Lines that hold whatever was in them.
    pub(super) fn stale(lines: usize) -> Self {
        let mut resting = resting();
        // The smallest that is large enough, else the largest, which grows.
        let fits =
            |buffer: &Vec<Bf16x32>| (buffer.capacity() < lines, buffer.capacity().abs_diff(lines));
        let best = (0..resting.len()).min_by_key(|&i| fits(&resting[i]));
        let found = best.map(|i| resting.swap_remove(i));
        drop(resting);
        let mut values = found.unwrap_or_default();
        if values.capacity() < lines {
            // Nothing is worth copying.
            values = Vec::with_capacity(lines);
        }
        values.resize(lines, Bf16x32::ZERO);
        Self(values)
    }
}

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut resting = resting();
        resting.push(std::mem::take(&mut self.0));
        if resting.len() > MOST {
            let least = (0..resting.len()).min_by_key(|&i| resting[i].capacity());
            least.map(|i| resting.swap_remove(i));
        }
    }
}

impl Deref for Scratch {
    type Target = [Bf16x32];

    fn deref(&self) -> &[Bf16x32] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [Bf16x32] {
        &mut self.0
    }
}
