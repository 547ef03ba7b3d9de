//! What does not fit is refused before anything is read or written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use tumorlens_kernels::conv::{
    Conv, Packed, Pooled, Start, forward, input_gradient, weight_gradient,
};
use tumorlens_kernels::depthwise::{self, Depthwise, Taps};
use tumorlens_kernels::pool::{self, MaxPool};
use tumorlens_kernels::{Activation, Blocked, Lane, Planar, Shape, element};

fn refused(what: &str, run: impl FnOnce()) {
    let result = catch_unwind(AssertUnwindSafe(run));
    assert!(result.is_err(), "{what} is not refused");
}

const INPUT: Shape = Shape {
    images: 2,
    channels: 3,
    height: 5,
    width: 6,
    border: 1,
};
const CONV: Conv = Conv {
    inputs: 3,
    outputs: 20,
    kernel: 3,
    stride: 1,
    padding: 1,
};

fn convolve(conv: Conv, input: Shape, output: Shape, packed: &Packed, start: Start<'_>) {
    let (x, mut y) = (Blocked::zeros(input), Blocked::zeros(output));
    forward(conv, &x, packed, start, &mut y, &|_, _, _| {});
}

fn packed(outputs: usize, inputs: usize, taps: usize) -> Packed {
    Packed::forward(&vec![0.5; outputs * inputs * taps], outputs, inputs, taps)
}

#[test]
fn convolutions_of_shapes_that_do_not_fit_are_refused() {
    let output = Shape {
        channels: 20,
        border: 0,
        ..INPUT
    };
    let good = packed(20, 3, 9);
    let run = |conv, input, output| convolve(conv, input, output, &good, Start::Zero);
    run(CONV, INPUT, output);
    let narrow = Shape { border: 0, ..INPUT };
    refused("a border below the padding", || run(CONV, narrow, output));
    let few = Shape {
        channels: 2,
        ..INPUT
    };
    refused("too few channels", || run(CONV, few, output));
    let high = Shape {
        height: 6,
        ..output
    };
    refused("a row too many", || run(CONV, INPUT, high));
    let more = Shape {
        images: 3,
        ..output
    };
    refused("an image too many", || run(CONV, INPUT, more));
    refused("no stride", || {
        run(Conv { stride: 0, ..CONV }, INPUT, output)
    });
    refused("weights the other way round", || {
        convolve(CONV, INPUT, output, &packed(3, 20, 9), Start::Zero);
    });
    refused("weights of another kernel", || {
        convolve(CONV, INPUT, output, &packed(20, 3, 4), Start::Zero);
    });
    refused("a bias of one block only", || {
        convolve(CONV, INPUT, output, &good, Start::Bias(&[Lane::ZERO]));
    });
}

#[test]
fn a_kernel_that_is_larger_than_the_padded_map_is_refused() {
    for [height, width] in [[1, 6], [6, 1]] {
        let input = Shape {
            height,
            width,
            border: 3,
            ..INPUT
        };
        let conv = Conv {
            kernel: 5,
            padding: 1,
            ..CONV
        };
        let output = Shape {
            channels: 20,
            height: conv.slide(height),
            width: conv.slide(width),
            ..input
        };
        refused("a kernel larger than the map, forward", || {
            convolve(conv, input, output, &packed(20, 3, 25), Start::Zero);
        });
        refused("a kernel larger than the map, by the weights", || {
            let _ = weight_gradient(conv, &Blocked::zeros(input), &Blocked::zeros(output));
        });
    }
}

#[test]
fn gradients_of_convolutions_with_too_narrow_a_border_are_refused() {
    let conv = Conv { padding: 0, ..CONV };
    let need = conv.gradient_border(INPUT);
    let gradient = |border| Shape {
        channels: 20,
        height: 3,
        width: 4,
        border,
        ..INPUT
    };
    let weights = Packed::backward(&[0.5; 20 * 3 * 9], 20, 3, 9);
    let run = |border| {
        let g = Blocked::zeros(gradient(border));
        input_gradient(conv, &g, &weights, Start::Zero, &mut Blocked::zeros(INPUT));
    };
    run(need);
    refused("a border below what is needed", || run(need - 1));
}

#[test]
fn a_shape_of_more_values_than_can_be_counted_is_refused() {
    let shape = Shape {
        images: 1,
        channels: 2,
        height: (1 << 60) + 1,
        width: 16,
        border: 0,
    };
    refused("a height of 2^60", || drop(Blocked::<Lane>::zeros(shape)));
}

#[test]
fn windows_that_see_no_pixel_are_refused() {
    for (kernel, stride, padding, outs) in [(2, 1, 2, 5), (1, 3, 1, 4), (2, 2, 0, 9)] {
        let of = MaxPool {
            kernel,
            stride,
            padding,
        };
        let to = Shape {
            height: outs,
            width: 1,
            ..INPUT
        };
        let turned = Shape {
            height: 1,
            width: outs,
            ..INPUT
        };
        for to in [to, turned] {
            refused("a window on the padding alone", || {
                pool::max(of, &Blocked::<Lane>::zeros(INPUT), &mut Blocked::zeros(to));
            });
            refused("the gradient of a window on the padding alone", || {
                let mut by_x: Blocked = Blocked::zeros(INPUT);
                pool::max_gradient(of, &Blocked::zeros(INPUT), &Blocked::zeros(to), &mut by_x);
            });
        }
    }
}

#[test]
fn what_is_not_a_number_stays_so_through_non_linearities_and_maxima() {
    let shape = Shape {
        images: 1,
        channels: 1,
        height: 1,
        width: 3,
        border: 0,
    };
    for at in 0..3 {
        let mut values = vec![-1.0, 2.0, 1.0];
        values[at] = f32::NAN;
        let x: Blocked = Blocked::from_planar(&values, shape);
        for which in crate::plain::ACTIVATIONS {
            let mut out = Blocked::zeros(shape);
            element::activate(which, &x, &mut out);
            assert!(out.to_planar()[at].is_nan(), "{which:?}");
            let mut slope = Blocked::from_planar(&[1.0; 3], shape);
            element::activate_gradient(which, &x, &mut slope);
            let known = matches!(
                which,
                Activation::Identity | Activation::Relu | Activation::LeakyRelu
            );
            assert!(
                known || slope.to_planar()[at].is_nan(),
                "slope of {which:?}"
            );
        }
        let of = MaxPool {
            kernel: 3,
            stride: 1,
            padding: 0,
        };
        let mut out = Blocked::zeros(Shape { width: 1, ..shape });
        pool::max(of, &x, &mut out);
        assert!(out.to_planar()[0].is_nan(), "maximum");
    }
}

#[test]
fn a_depthwise_bias_of_other_than_all_channels_is_refused() {
    let of = Depthwise {
        channels: 17,
        kernel: 3,
        stride: 1,
        padding: 1,
    };
    let taps = Taps::new(of, &[0.5; 17 * 9]);
    for count in [1, 16, 18, 32] {
        refused("a bias of some channels", || {
            let shape = Shape {
                channels: 17,
                ..INPUT
            };
            let (x, mut y) = (Blocked::<Lane>::zeros(shape), Blocked::zeros(shape));
            depthwise::forward(of, &x, &taps, &vec![1.0; count], &mut y);
        });
    }
}

#[test]
fn convolutions_on_bf16_of_shapes_that_do_not_fit_are_refused() {
    use tumorlens_kernels::bf16::{self, Packed};
    use tumorlens_kernels::conv::Ending;
    let output = Shape {
        channels: 20,
        border: 1,
        ..INPUT
    };
    let weights = vec![0.5; 20 * 3 * 9];
    let (ahead, back) = (
        Packed::forward(CONV, &weights),
        Packed::backward(CONV, &weights),
    );
    let forward = |input: Shape, output: Shape, packed: &Packed| {
        let (x, mut y) = (Blocked::zeros(input), Blocked::zeros(output));
        let ending = Ending::of(Start::Zero);
        bf16::forward(CONV, &x, packed, ending, &mut y, &|_, _, _| {});
    };
    forward(INPUT, output, &ahead);
    let narrow = Shape { border: 0, ..INPUT };
    refused("a border below the padding", || {
        forward(narrow, output, &ahead);
    });
    let few = Shape {
        channels: 2,
        ..INPUT
    };
    refused("too few channels", || forward(few, output, &ahead));
    refused("weights of the gradient", || {
        forward(INPUT, output, &back);
    });
    let input_gradient = |output: Shape, packed: &Packed| {
        let (g, mut by_x) = (Blocked::zeros(output), Blocked::zeros(INPUT));
        bf16::input_gradient(CONV, &g, packed, Start::Zero, &mut by_x);
    };
    input_gradient(output, &back);
    let open = Shape {
        border: 0,
        ..output
    };
    refused("a gradient without a border", || {
        input_gradient(open, &back);
    });
    refused("weights of the forward pass", || {
        input_gradient(output, &ahead);
    });
    refused("too few weights", || {
        drop(Packed::forward(CONV, &weights[1..]));
    });
    refused("a map of another size that is added", || {
        let (x, mut y) = (Blocked::zeros(INPUT), Blocked::zeros(output));
        let add = Blocked::zeros(Shape {
            height: 4,
            ..output
        });
        let mut ending = Ending::of(Start::Zero);
        ending.add = Some(&add);
        bf16::forward(CONV, &x, &ahead, ending, &mut y, &|_, _, _| {});
    });
    let gradient = |input: Shape, output: Shape| {
        drop(bf16::weight_gradient(
            CONV,
            &Blocked::zeros(input),
            &Blocked::zeros(output),
        ));
    };
    gradient(INPUT, output);
    refused("an input without a border", || gradient(narrow, output));
    let more = Shape {
        images: 3,
        ..output
    };
    refused("images of another batch", || gradient(INPUT, more));
}

#[test]
fn convolutions_that_cannot_read_images_or_be_pooled_are_refused() {
    let output = Shape {
        channels: 20,
        ..INPUT
    };
    let mut images = Planar::default();
    let mut y = Blocked::zeros(output);
    images.fill(INPUT, &[0.5; 180]);
    let mut run = |conv: Conv, images: &Planar, packed: &Packed| {
        forward(conv, images, packed, Start::Zero, &mut y, &|_, _, _| {});
    };
    run(CONV, &images, &packed(20, 3, 9));
    let tiles = Packed::tiled_forward(&[0.5; 540], 20, 3);
    refused("weights for tiles", || run(CONV, &images, &tiles));
    let wide = Shape {
        channels: 17,
        ..INPUT
    };
    let mut many = Planar::default();
    many.fill(wide, &[0.5; 17 * 60]);
    let conv = Conv { inputs: 17, ..CONV };
    refused("more channels than a block has", || {
        run(conv, &many, &packed(20, 17, 9));
    });
    refused("too few values", || images.fill(INPUT, &[0.5; 179]));

    let pool = |conv, input: Shape, weights: &Packed, start: Start<'_>, to: Shape| {
        let pooled = Pooled {
            conv,
            weights,
            start,
            activation: Activation::Relu,
            pool: MaxPool {
                kernel: 2,
                stride: 2,
                padding: 0,
            },
        };
        pooled.forward(&Blocked::zeros(input), &mut Blocked::zeros(to));
    };
    let good = packed(20, 3, 9);
    let halved = Shape {
        height: 2,
        width: 3,
        ..output
    };
    pool(CONV, INPUT, &good, Start::Zero, halved);
    refused("an output to add to", || {
        pool(CONV, INPUT, &good, Start::Output, halved);
    });
    refused("tiles that are pooled", || {
        pool(CONV, INPUT, &tiles, Start::Zero, halved);
    });
    let narrow = Shape { border: 0, ..INPUT };
    refused("a border below the padding", || {
        pool(CONV, narrow, &good, Start::Zero, halved);
    });
    let high = Shape {
        height: 4,
        ..halved
    };
    refused("a window that sees nothing", || {
        pool(CONV, INPUT, &good, Start::Zero, high);
    });
}
