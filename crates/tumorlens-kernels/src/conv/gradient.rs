//! Gradient of the input: a convolution of the output's gradient, one for each phase of the stride.

use super::rows::{Job, Tap};
use super::{BackTap, Conv, Input, Packed, Start, run, winograd};
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
    let stride = conv.stride;
    for phase in 0..stride * stride {
        let (py, px) = (phase / stride, phase % stride);
        if py >= to.height || px >= to.width {
            continue;
        }
        let border = from.border as isize;
        let taps: Vec<Tap> = conv
            .taps_of_phase(phase)
            .into_iter()
            .map(
                |BackTap {
                     distance: [y, x],
                     tap,
                 }| Tap {
                    // The border makes both at least 0.
                    offset: ((y + border) * from.row() as isize + x + border) as usize,
                    weight: tap,
                },
            )
            .collect();
        let job = Job {
            plane: from.plane(),
            planar: false,
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
        run(
            &job,
            Input::Blocked(output),
            input,
            &|_, _, _: &mut [Lane]| {},
        );
    }
}
