//! Gradient of the input: a convolution of the output's gradient, one for each phase of the stride.

use super::rows::{Job, Tap};
use super::{Conv, Packed, Start, run, winograd};
use crate::{Blocked, Lane};

/// Writes to `input` the derivative by it, given the derivative by the output; with [`Start::Output`] it is added.
///
/// `output` must have a border of at least [`Conv::gradient_border`]; `weights` are packed by [`Packed::backward`].
///
/// # Panics
/// When shapes or weights do not fit each other.
pub fn input_gradient(
    conv: Conv,
    output: &Blocked,
    weights: &Packed,
    start: Start<'_>,
    input: &mut Blocked,
) {
    let (from, to) = (output.shape(), input.shape());
    conv.check(to, from);
    assert!(
        from.border >= conv.gradient_border(to),
        "border of {from:?}"
    );
    weights.check(conv.inputs, conv.outputs, conv.taps());
    if weights.is_tiled() {
        let turned = Conv {
            inputs: conv.outputs,
            outputs: conv.inputs,
            padding: conv.kernel - 1 - conv.padding,
            ..conv
        };
        winograd::forward(turned, output, weights, start, input, &|_, _, _| {});
        return;
    }
    let (stride, padding) = (conv.stride, conv.padding);
    // Output rows (kernel row, distance from the phase's first row) that see input rows of this phase.
    let seen = |phase: usize| -> Vec<(usize, isize)> {
        (0..conv.kernel)
            .filter(|k| (phase + padding + stride * conv.kernel - k).is_multiple_of(stride))
            .map(|k| (k, (phase + padding) as isize - k as isize))
            .map(|(k, distance)| (k, distance.div_euclid(stride as isize)))
            .collect()
    };
    for phase in 0..stride * stride {
        let (py, px) = (phase / stride, phase % stride);
        if py >= to.height || px >= to.width {
            continue;
        }
        let place = |(ky, oy): (usize, isize), (kx, ox): (usize, isize)| Tap {
            // The border makes both at least 0.
            offset: ((oy + from.border as isize) * from.row() as isize + ox + from.border as isize)
                as usize,
            weight: ky * conv.kernel + kx,
        };
        let columns = seen(px);
        let taps: Vec<Tap> = seen(py)
            .into_iter()
            .flat_map(|row| columns.iter().map(move |&column| place(row, column)))
            .collect();
        let job = Job {
            plane: from.plane(),
            channels: conv.outputs,
            taps: &taps,
            origin: 0,
            step: 1,
            row_step: from.row(),
            weights,
            out_plane: to.plane(),
            out_origin: to.at(py, px),
            out_step: stride,
            out_row_step: stride * to.row(),
            rows: (to.height - py).div_ceil(stride),
            columns: (to.width - px).div_ceil(stride),
            start,
        };
        run(&job, output, input, &|_, _, _: &mut [Lane]| {});
    }
}
