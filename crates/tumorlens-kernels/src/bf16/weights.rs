//! Gradient of the weights: rows are inputs of a weight, columns outputs, and what is summed over are pixels.
//!
//! Inputs are turned so that the pixels of a channel lie side by side, and a tap is a shift; gradients so that two pixels of a
//! channel do. Both hold several images, one behind the other, so that small maps fill the depth of a product too.

use super::Bf16x32;
use super::gather::Numbers;
use super::layout::Layout;
use super::product::{COLUMNS, DEPTH, Product, ROWS, Sums};
use super::scratch::Scratch;
use super::unit::Ready;
use crate::Blocked;
use crate::conv::Conv;
use rayon::prelude::*;

/// Pixels whose inputs and gradients stay in the second cache while all taps pass.
const BAND: usize = 1024;
/// Tasks below which pixels are dealt out as well, each part with sums of its own. It does not ask for the number of threads,
/// which must not change a bit.
const ENOUGH_TASKS: usize = 8;

/// As [`crate::conv::weight_gradient`], on numbers of 16 bits.
///
/// # Panics
/// When shapes do not fit each other.
#[must_use]
pub fn weight_gradient(
    conv: Conv,
    input: &Blocked<Bf16x32>,
    output: &Blocked<Bf16x32>,
) -> Vec<f32> {
    let (from, to) = (input.shape(), output.shape());
    conv.check(from, to);
    assert!(from.border >= conv.padding, "border of {from:?}");
    let layout = Layout::new(conv, from, to);
    let blocks = output.blocks();
    let mut left = Scratch::stale((layout.groups * layout.left_group()).div_ceil(COLUMNS));
    let mut right = Scratch::stale(blocks * layout.right_block());
    if layout.images >= from.images && blocks >= ENOUGH_TASKS {
        let all = 0..from.images;
        layout.lay(input, output, all, left.as_numbers_mut(), &mut right);
        let laid = Laid {
            layout: &layout,
            left: left.as_numbers(),
            right: &right,
        };
        return laid.weights_at_once(from.images);
    }
    let tasks = layout.groups * blocks;
    let parts = (ENOUGH_TASKS / tasks.max(1)).max(1);
    let mut sums: Vec<Sums> = Vec::new();
    sums.resize_with(parts * tasks * layout.taps.len(), || Sums::ZERO);
    for first in (0..from.images).step_by(layout.images) {
        let images = first..(first + layout.images).min(from.images);
        layout.lay(
            input,
            output,
            images.clone(),
            left.as_numbers_mut(),
            &mut right,
        );
        let laid = Laid {
            layout: &layout,
            left: left.as_numbers(),
            right: &right,
        };
        let steps = layout.depth(images.len()) / DEPTH;
        let each = sums.par_chunks_mut(layout.taps.len()).enumerate();
        each.for_each(|(task, sums)| {
            let (part, task) = (task / tasks, task % tasks);
            let task = laid.task(task / blocks, task % blocks);
            task.add(part * steps / parts..(part + 1) * steps / parts, sums);
        });
    }
    let (total, more) = sums.split_at_mut(tasks * layout.taps.len());
    for more in more.chunks_exact(total.len().max(1)) {
        total
            .par_iter_mut()
            .zip(more)
            .for_each(|(total, more)| total.add(more));
    }
    layout.unpack(total)
}

/// Some images as they were laid out.
struct Laid<'a> {
    layout: &'a Layout,
    left: &'a [u16],
    right: &'a [Bf16x32],
}

impl Laid<'_> {
    fn task(&self, group: usize, block: usize) -> Task<'_> {
        let Self {
            layout,
            left,
            right,
        } = *self;
        Task {
            layout,
            left: &left[group * layout.left_group()..][..layout.left_group()],
            right: &right[block * layout.right_block()..][..layout.right_block()],
            tiles: (layout.rows - group * COLUMNS).div_ceil(ROWS).min(2),
        }
    }

    /// The weights where all images were laid out: the sums of one group at a time, which stay in the cache.
    fn weights_at_once(&self, images: usize) -> Vec<f32> {
        let layout = self.layout;
        let each = COLUMNS * layout.conv.inputs * layout.conv.taps();
        let mut values = vec![0.0; layout.conv.outputs * layout.conv.inputs * layout.conv.taps()];
        let blocks = values.par_chunks_mut(each).enumerate();
        blocks.for_each(|(block, weights)| {
            let mut sums: Vec<Sums> = Vec::new();
            sums.resize_with(layout.taps.len(), || Sums::ZERO);
            for group in 0..layout.groups {
                sums.iter_mut().for_each(|sums| *sums = Sums::ZERO);
                self.task(group, block)
                    .add(0..layout.depth(images) / DEPTH, &mut sums);
                layout.unpack_group(group, &sums, weights);
            }
        });
        values
    }
}

/// The weights of a group of rows for a block of outputs.
struct Task<'a> {
    layout: &'a Layout,
    left: &'a [u16],
    right: &'a [Bf16x32],
    /// Tiles of rows that hold something.
    tiles: usize,
}

impl Task<'_> {
    /// Adds some steps of pixels to the sums of every tap.
    fn add(&self, steps: std::ops::Range<usize>, sums: &mut [Sums]) {
        let (row, taps) = (self.layout.row, &self.layout.taps);
        // Everything that a product reads lies within these bounds.
        let last = taps.iter().max().copied().unwrap_or(0) + (COLUMNS - 1) * row;
        assert!(last + steps.end * DEPTH <= self.left.len());
        assert!(steps.end * DEPTH <= self.right.len());
        let ready = Ready::new(ROWS);
        let mut begin = steps.start;
        while begin < steps.end {
            let count = (BAND / DEPTH).min(steps.end - begin);
            let places: [usize; BAND / DEPTH] = std::array::from_fn(|step| step * DEPTH * 2);
            let right = self.right[begin * DEPTH..].as_ptr();
            for (tap, sums) in taps.iter().zip(&mut *sums) {
                let left = self.left[tap + begin * DEPTH..].as_ptr();
                let second = if self.tiles == 2 {
                    left.wrapping_add(ROWS * row).cast()
                } else {
                    std::ptr::null()
                };
                let product = Product {
                    left: [left.cast(), second],
                    row: row * 2,
                    steps: &places[..count],
                    right: right.cast(),
                    sums,
                    more: true,
                };
                // SAFETY: checked above; the sums are ours.
                unsafe { ready.run(&product) };
            }
            begin += count;
        }
    }
}
