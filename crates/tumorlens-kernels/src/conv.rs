//! Convolution with a square kernel: forward, gradient of the input, gradient of the weights.
//!
//! Weights are `[outputs, inputs, kernel, kernel]`, row by row, as in PyTorch; [`Packed`] holds them as the kernels
//! read them. Against the plain definition each is tested in `tests/conv.rs`.

mod gradient;
mod input;
mod pack;
mod pooled;
mod rows;
mod scratch;
mod storage;
mod weights;
mod winograd;

pub use gradient::input_gradient;
pub use input::Input;
pub use pack::Packed;
pub use pooled::Pooled;
pub use storage::Storage;
pub use weights::{weight_gradient, weight_gradient_of_tiles};

use crate::{Activation, Blocked, Lane, Shape};
use rayon::prelude::*;
use rows::{Job, Tap};

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
    fn taps_on(&self, input: Shape) -> Vec<Tap> {
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
    let mut tasks: Vec<(usize, usize, &mut [Lane])> = output
        .values_mut()
        .chunks_mut((to.blocks() * to.plane()).max(1))
        .enumerate()
        .flat_map(|(n, planes)| {
            planes
                .chunks_mut(width * to.plane())
                .enumerate()
                .map(move |(group, planes)| (n, group * width, planes))
        })
        .collect();
    // Weights that do not stay in a core's cache are read once for all images.
    if job.weights.bytes() > 1 << 20 {
        tasks.sort_by_key(|&(n, block, _)| (block, n));
    }
    let task = |(n, block, planes): (usize, usize, &mut [Lane])| {
        rows::run(job, input.image(n), block, planes);
        after(n, block, planes);
    };
    if to.len() * job.channels * job.taps.len() < SMALL {
        tasks.into_iter().for_each(task);
    } else {
        tasks.into_par_iter().for_each(task);
    }
}
