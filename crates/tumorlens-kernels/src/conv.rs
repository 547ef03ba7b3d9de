//! Convolution with a square kernel: forward, gradient of the input, gradient of the weights.
//!
//! Weights are `[outputs, inputs, kernel, kernel]`, row by row, as in PyTorch; [`Packed`] holds them as the kernels
//! read them. Against the plain definition each is tested in `tests/definitions`.

mod gradient;
mod input;
mod pack;
mod pooled;
mod rows;
mod scratch;
mod storage;
mod tile;
mod turn;
mod weights;
mod winograd;

pub use gradient::input_gradient;
pub use input::Input;
pub use pack::Packed;
pub use pooled::Pooled;
pub use storage::Storage;
pub use weights::{weight_gradient, weight_gradient_of_tiles};

use crate::{Activation, Blocked, Lane, Pixel, Shape};
use rayon::prelude::*;
use rows::{Job, Tap};
use smallvec::SmallVec;

/// Geometry of a convolution; the same stride and padding on all sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Stride, at least 1.
    pub stride: usize,
    /// Zero padding.
    pub padding: usize,
}

/// At least the taps of the largest kernel in use, 7x7; more are listed on the heap.
const MOST_TAPS: usize = 64;

impl Conv {
    /// Rows or columns that come out of so many.
    #[must_use]
    pub fn slide(&self, side: usize) -> usize {
        (side + 2 * self.padding).saturating_sub(self.kernel) / self.stride.max(1) + 1
    }

    /// Border that the gradient of the output must have, for an input of this shape: what [`input_gradient`] reads
    /// beyond its edges.
    #[must_use]
    pub fn gradient_border(&self, input: Shape) -> usize {
        let low = (self.kernel - 1)
            .saturating_sub(self.padding)
            .div_ceil(self.stride);
        let high = |side: usize| {
            ((side - 1 + self.padding) / self.stride).saturating_sub(self.slide(side) - 1)
        };
        low.max(high(input.height)).max(high(input.width))
    }

    /// The taps through which an output saw the inputs of one phase of the stride, row by row.
    pub(crate) fn taps_of_phase(&self, phase: usize) -> Vec<BackTap> {
        // Kernel rows (or columns) and the distance of the output from the phase's first.
        let seen = |phase: usize| -> Vec<(usize, isize)> {
            (0..self.kernel)
                .filter(|k| {
                    (phase + self.padding + self.stride * self.kernel - k)
                        .is_multiple_of(self.stride)
                })
                .map(|k| (k, (phase + self.padding) as isize - k as isize))
                .map(|(k, distance)| (k, distance.div_euclid(self.stride as isize)))
                .collect()
        };
        let columns = seen(phase % self.stride);
        let tap = |(ky, y): (usize, isize), (kx, x): (usize, isize)| BackTap {
            distance: [y, x],
            tap: ky * self.kernel + kx,
        };
        seen(phase / self.stride)
            .into_iter()
            .flat_map(|row| columns.iter().map(move |&column| tap(row, column)))
            .collect()
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Where a window reads on an input of this shape, from its first pixel.
    fn taps_on(&self, input: Shape) -> SmallVec<[Tap; MOST_TAPS]> {
        (0..self.taps())
            .map(|k| Tap {
                offset: (k / self.kernel) * input.row() + k % self.kernel,
                weight: k,
            })
            .collect()
    }

    pub(crate) fn check(&self, input: Shape, output: Shape) {
        assert!(self.stride > 0 && self.kernel > 0, "{self:?}");
        assert_eq!(input.channels, self.inputs, "channels in of {self:?}");
        assert_eq!(output.channels, self.outputs, "channels out of {self:?}");
        assert_eq!(input.images, output.images, "images of {self:?}");
        assert_eq!(output.height, self.slide(input.height), "rows of {self:?}");
        assert_eq!(output.width, self.slide(input.width), "columns of {self:?}");
        let least = input.height.min(input.width) + 2 * self.padding;
        assert!(self.kernel <= least, "{self:?} on {input:?}");
    }
}

/// A tap going back: the output that it leads to, rows and columns from that of the phase's first input, and its place in
/// the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackTap {
    pub(crate) distance: [isize; 2],
    pub(crate) tap: usize,
}

/// What is done with an output before it is written: `activation(sums + start + add)`.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a, P> {
    /// Added first.
    pub start: Start<'a>,
    /// A batch of the same shape but for its border.
    pub add: Option<&'a Blocked<P>>,
    /// The non-linearity.
    pub activation: Activation,
}

impl<'a, P> Ending<'a, P> {
    /// Nothing but a start.
    #[must_use]
    pub fn of(start: Start<'a>) -> Self {
        Self {
            start,
            add: None,
            activation: Activation::Identity,
        }
    }
}

/// What sees each finished group of planes (image, first block, the planes) while it is in the cache.
pub type After<'a, P> = dyn Fn(usize, usize, &mut [P]) + Sync + 'a;

/// What is added to the output as it is written.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Nothing.
    Zero,
    /// What the output holds already.
    Output,
    /// A value a channel; blocks of channels, unused lanes zero.
    Bias(&'a [Lane]),
}

/// Images times blocks of output channels are shared among the threads; `after` sees each finished group of planes
/// (image, first block, the planes) while it is in the cache.
///
/// The input's border must be at least the padding.
///
/// # Panics
/// When shapes or weights do not fit each other, or the input is planar and [`Conv::reads_planar`] says no or the weights
/// are for tiles.
pub fn forward<'a>(
    conv: Conv,
    input: impl Into<Input<'a>>,
    weights: &Packed,
    start: Start<'_>,
    output: &mut Blocked,
    after: &(dyn Fn(usize, usize, &mut [Lane]) + Sync),
) {
    let input = input.into();
    let (from, to) = (input.shape(), output.shape());
    conv.check(from, to);
    assert!(from.border >= conv.padding, "border of {from:?}");
    weights.check(conv.outputs, conv.inputs, conv.taps());
    let tiled = weights.is_tiled();
    assert!(
        !tiled || !input.is_planar(),
        "tiles read blocks of channels"
    );
    if let (true, Input::Blocked(input)) = (tiled, input) {
        winograd::forward(conv, input, weights, start, output, after);
        return;
    }
    let edge = from.border - conv.padding;
    let taps = conv.taps_on(from);
    let job = Job {
        plane: from.plane(),
        planar: input.is_planar(),
        channels: conv.inputs,
        taps: &taps,
        origin: edge * from.row() + edge,
        step: conv.stride,
        row_step: conv.stride * from.row(),
        weights,
        out_plane: to.plane(),
        out_origin: to.at(0, 0),
        out_step: 1,
        out_row_step: to.row(),
        rows: to.height,
        columns: to.width,
        start,
    };
    run(&job, input, output, after);
}

/// Vectors multiplied and added below which it takes longer to wake a thread than to do its share.
const SMALL: usize = 1 << 14;

/// Runs a job on every image and group of output blocks.
fn run(
    job: &Job<'_>,
    input: Input<'_>,
    output: &mut Blocked,
    after: &(dyn Fn(usize, usize, &mut [Lane]) + Sync),
) {
    let to = output.shape();
    let mut width = rows::group(to.blocks(), job.columns);
    if to.images * to.blocks().div_ceil(width) < rayon::current_num_threads() {
        // Blocks one by one give the same sums.
        width = 1;
    }
    let (image, group) = (to.blocks() * to.plane(), width * to.plane());
    let task = |n: usize, group: usize, planes: &mut [Lane]| {
        rows::run(job, input.image(n), group * width, planes);
        after(n, group * width, planes);
    };
    if to.len() * job.channels * job.taps.len() < SMALL {
        for (n, planes) in output.values_mut().chunks_mut(image.max(1)).enumerate() {
            let groups = planes.chunks_mut(group).enumerate();
            groups.for_each(|(group, planes)| task(n, group, planes));
        }
    } else if job.weights.bytes() > 1 << 20 && to.images > 1 {
        // Weights that do not stay in a core's cache are read once for all images.
        by_group(
            output.values_mut().chunks_mut(image).collect(),
            0,
            group,
            &task,
        );
    } else {
        let images = output.values_mut().par_chunks_mut(image).enumerate();
        images.for_each(|(n, planes)| {
            let groups = planes.par_chunks_mut(group).enumerate();
            groups.for_each(|(group, planes)| task(n, group, planes));
        });
    }
}

/// Some planes of every image.
type Planes<'a, P> = SmallVec<[&'a mut [P]; 8]>;

/// Calls `task` with an image, a group and the group's planes, which are `len` long, for every image of one group after the
/// other. `first` is the first group.
pub(crate) fn by_group<P: Pixel>(
    images: Planes<'_, P>,
    first: usize,
    len: usize,
    task: &(impl Fn(usize, usize, &mut [P]) + Sync),
) {
    let groups = images
        .first()
        .map_or(0, |planes| planes.len().div_ceil(len));
    if groups <= 1 {
        let images = images.into_iter().enumerate();
        images.for_each(|(n, planes)| task(n, first, planes));
        return;
    }
    let half = groups / 2;
    let halves = images
        .into_iter()
        .map(|planes| planes.split_at_mut(half * len));
    let (one, other): (Planes<'_, P>, Planes<'_, P>) = halves.unzip();
    rayon::join(
        || by_group(one, first, len, task),
        || by_group(other, first + half, len, task),
    );
}
