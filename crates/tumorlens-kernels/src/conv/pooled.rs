//! A convolution of which only the maxima over windows are kept: a few rows at a time, pooled while they are in the first
//! cache. The whole output is never written.

use super::rows::{self, Job, Tap};
use super::scratch::{self, Scratch};
use super::{Conv, Input, Packed, Start};
use crate::pool::{MaxPool, max_rows};
use crate::{Activation, Blocked, Lane, Shape, norm};
use rayon::prelude::*;
use smallvec::SmallVec;
use std::ops::Range;

/// Bytes of output rows that are held at once, if a window does not need more: they and what they are computed from stay
/// in the first cache.
const HELD: usize = 32 << 10;

/// The maxima over windows of `activation(convolution + start)`.
#[derive(Clone, Copy, Debug)]
pub struct Pooled<'a> {
    /// The convolution.
    pub conv: Conv,
    /// Its weights, not those of tiles ([`Packed::tiled_forward`]).
    pub weights: &'a Packed,
    /// What is added; [`Start::Output`] is none, for there is no output yet.
    pub start: Start<'a>,
    /// The non-linearity.
    pub activation: Activation,
    /// The windows.
    pub pool: MaxPool,
}

impl Pooled<'_> {
    /// Gives the bits that [`super::forward`], [`norm::finish`] and [`crate::pool::max`] give one after the other.
    ///
    /// # Panics
    /// When shapes or weights do not fit each other, the weights are for tiles, a window sees no pixel, or
    /// the input is planar and [`Conv::reads_planar`] says no.
    pub fn forward<'a>(&self, input: impl Into<Input<'a>>, output: &mut Blocked) {
        let input = input.into();
        let (from, to) = (input.shape(), output.shape());
        let between = Shape {
            channels: self.conv.outputs,
            height: self.conv.slide(from.height),
            width: self.conv.slide(from.width),
            border: 0,
            ..from
        };
        self.conv.check(from, between);
        self.pool.check(between, to);
        assert!(
            from.border >= self.conv.padding,
            "border of {from:?} for {:?}",
            self.conv
        );
        let Conv {
            inputs, outputs, ..
        } = self.conv;
        self.weights.check(outputs, inputs, self.conv.taps());
        assert!(!self.weights.is_tiled(), "weights for tiles");
        assert!(!matches!(self.start, Start::Output), "no output to add to");
        let taps = self.conv.taps_on(from);
        let pass = Pass {
            of: self,
            taps: &taps,
            input,
            between,
            to,
        };
        let group = rows::group(to.blocks(), between.width);
        let groups = (to.images * to.blocks().div_ceil(group)).max(1);
        // Rows in as many parts as it takes for every thread to have some.
        let parts = rayon::current_num_threads().div_ceil(groups);
        let mut tasks: SmallVec<[Task<'_>; 32]> = output
            .values_mut()
            .chunks_mut((to.blocks() * to.plane()).max(1))
            .enumerate()
            .flat_map(|(image, planes)| {
                let groups = planes.chunks_mut(group * to.plane()).enumerate();
                groups.flat_map(move |(index, planes)| {
                    split(image, index * group, planes, to, parts.min(to.height))
                })
            })
            .collect();
        tasks.par_iter_mut().for_each(|task| pass.run(task));
    }
}

/// Some rows of neighbouring blocks of an image.
struct Task<'a> {
    image: usize,
    /// First block.
    block: usize,
    /// Rows of the pool's output.
    rows: Range<usize>,
    /// Those rows of every block, border and all.
    planes: SmallVec<[&'a mut [Lane]; 4]>,
}

/// Planes in parts of about as many rows each.
fn split(
    image: usize,
    block: usize,
    planes: &mut [Lane],
    to: Shape,
    parts: usize,
) -> SmallVec<[Task<'_>; 4]> {
    let bound = |part: usize| part * to.height / parts;
    let mut tasks: SmallVec<[Task<'_>; 4]> = (0..parts)
        .map(|part| Task {
            image,
            block,
            rows: bound(part)..bound(part + 1),
            planes: SmallVec::new(),
        })
        .collect();
    for plane in planes.chunks_mut(to.plane()) {
        let mut rest = &mut plane[to.border * to.row()..];
        for task in &mut tasks {
            let (rows, after) = rest.split_at_mut(task.rows.len() * to.row());
            task.planes.push(rows);
            rest = after;
        }
    }
    tasks
}

/// What does not change from task to task.
struct Pass<'a> {
    of: &'a Pooled<'a>,
    taps: &'a [Tap],
    input: Input<'a>,
    /// The convolution's output, without a border.
    between: Shape,
    to: Shape,
}

impl Pass<'_> {
    fn run(&self, task: &mut Task<'_>) {
        let (row, blocks) = (self.between.width, task.planes.len());
        let seen = |rows: &Range<usize>| {
            let window = |y| self.of.pool.window(y, self.between.height);
            window(rows.start).start..window(rows.end - 1).end
        };
        // As many rows of the pool at once as fit, and at least one.
        let fitting = HELD / (blocks * row * size_of::<Lane>()).max(1);
        let at_once = (fitting / self.of.pool.stride.max(1)).clamp(1, task.rows.len().max(1));
        let capacity = (at_once - 1) * self.of.pool.stride + self.of.pool.kernel;
        scratch::ROWS.with(|home| {
            let mut taken = Scratch::take(home, blocks * capacity * row);
            let held = taken.lanes();
            let mut have = 0..0;
            let mut done = task.rows.start;
            while done < task.rows.end {
                let rows = done..(done + at_once).min(task.rows.end);
                let need = seen(&rows);
                let known = need.start.clamp(have.start, have.end)..have.end.min(need.end);
                for held in held.chunks_exact_mut(capacity * row) {
                    let from = (known.start - have.start) * row;
                    held.copy_within(from..from + known.len() * row, 0);
                }
                let from = if known.is_empty() {
                    need.start
                } else {
                    known.end
                };
                if from < need.end {
                    self.convolve(task, need.start, from..need.end, held);
                }
                for (held, out) in held.chunks_exact(capacity * row).zip(&mut task.planes) {
                    let out = &mut out[(rows.start - task.rows.start) * self.to.row()..];
                    let within = (self.between, need.start, held);
                    max_rows(self.of.pool, within, self.to, rows.clone(), out);
                }
                (have, done) = (need, rows.end);
            }
        });
    }

    /// Rows of the convolution, finished; `held` begins with the row `first` of every block.
    fn convolve(&self, task: &Task<'_>, first: usize, rows: Range<usize>, held: &mut [Lane]) {
        let (conv, from, row) = (self.of.conv, self.input.shape(), self.between.width);
        let capacity = held.len() / task.planes.len();
        let edge = from.border - conv.padding;
        let job = Job {
            plane: from.plane(),
            planar: self.input.is_planar(),
            channels: conv.inputs,
            taps: self.taps,
            origin: (edge + rows.start * conv.stride) * from.row() + edge,
            step: conv.stride,
            row_step: conv.stride * from.row(),
            weights: self.of.weights,
            out_plane: capacity,
            out_origin: (rows.start - first) * row,
            out_step: 1,
            out_row_step: row,
            rows: rows.len(),
            columns: row,
            start: self.of.start,
        };
        rows::run(&job, self.input.image(task.image), task.block, held);
        if self.of.activation != Activation::Identity {
            let fresh = Shape {
                height: rows.len(),
                ..self.between
            };
            for held in held.chunks_exact_mut(capacity) {
                let held = &mut held[(rows.start - first) * row..][..fresh.plane()];
                norm::finish(fresh, held, None, self.of.activation);
            }
        }
    }
}
