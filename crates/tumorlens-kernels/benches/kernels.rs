//! Speed of the kernels: GFLOP/s beside the peak of this processor, GB/s beside a stream through memory, measured in the same run.
//!
//!     cargo bench -p tumorlens-kernels -- 'resnet18.*forward'
//!
//! A regular expression chooses rows. Rates are criterion's `thrpt`.
//! Products are counted by the definition, so an algorithm that saves some may pass the peak, which is that of single precision
//! for numbers of 16 bits too. Nothing fails by being slow.

#![allow(clippy::print_stdout, reason = "a table is what this program is for")]

#[path = "kernels/table.rs"]
mod table;

use std::hint::black_box;
use table::{Table, Work};
use tumorlens_kernels::conv::{Conv, Ending, Input, Start, Storage};
use tumorlens_kernels::depthwise::{self, Depthwise, Taps};
use tumorlens_kernels::norm::{self, Normalised, in_blocks};
use tumorlens_kernels::pool::{self, MaxPool};
use tumorlens_kernels::{Activation, Bf16x32, Blocked, Lane, Pixel, Shape, element};

const BATCHES: [usize; 2] = [1, 32];

fn main() {
    let mut table = Table::new();
    // Model, channels in and out, kernel, stride, side of the input.
    for (model, inputs, outputs, kernel, stride, side) in [
        ("cnn", 1, 32, 3, 1, 128),
        ("cnn", 32, 64, 3, 1, 64),
        ("cnn", 64, 128, 3, 1, 32),
        ("resnet18", 3, 64, 7, 2, 128),
        ("resnet18", 64, 64, 3, 1, 32),
        ("resnet18", 64, 128, 3, 2, 32),
        ("resnet18", 64, 128, 1, 2, 32),
        ("resnet18", 128, 128, 3, 1, 16),
        ("resnet18", 128, 256, 3, 2, 16),
        ("resnet18", 256, 256, 3, 1, 8),
        ("resnet18", 256, 512, 3, 2, 8),
        ("resnet18", 512, 512, 3, 1, 4),
    ] {
        let conv = Conv {
            inputs,
            outputs,
            kernel,
            stride,
            padding: kernel / 2,
        };
        for images in BATCHES {
            convolution::<Lane>(&mut table, model, conv, images, side);
            convolution::<Bf16x32>(&mut table, &format!("bf16 {model}"), conv, images, side);
        }
    }
    for (channels, kernel, stride, side) in [(96, 7, 1, 32), (96, 3, 1, 32), (96, 5, 2, 32)] {
        let of = Depthwise {
            channels,
            kernel,
            stride,
            padding: kernel / 2,
        };
        for images in BATCHES {
            by_channel(&mut table, of, images, side);
        }
    }
    for images in BATCHES {
        for (channels, side) in [(64, 64), (512, 4)] {
            normalisation::<Lane>(&mut table, "", images, channels, side);
            normalisation::<Bf16x32>(&mut table, "bf16 ", images, channels, side);
        }
        pools::<Lane>(&mut table, "", images);
        pools::<Bf16x32>(&mut table, "bf16 ", images);
    }
    table.end();
}

fn filled<P: Pixel>(shape: Shape) -> Blocked<P> {
    let count = shape.images * shape.channels * shape.height * shape.width;
    let values: Vec<f32> = (0..count).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
    Blocked::from_planar(&values, shape)
}

fn square(images: usize, channels: usize, side: usize, border: usize) -> Shape {
    Shape {
        images,
        channels,
        height: side,
        width: side,
        border,
    }
}

/// Bytes of the values of a batch without borders.
fn bytes<P: Pixel>(shape: Shape) -> usize {
    Shape { border: 0, ..shape }.len_of::<P>() * size_of::<P>()
}

/// Convolutions on what a batch is stored in.
fn convolution<P: Storage>(table: &mut Table, model: &str, conv: Conv, images: usize, side: usize) {
    let Conv {
        inputs,
        outputs,
        kernel,
        stride,
        padding,
    } = conv;
    let taps = kernel * kernel;
    let input = square(images, inputs, side, padding);
    let out_side = conv.slide(side);
    let output = square(images, outputs, out_side, 0);
    let wide = square(images, outputs, out_side, conv.gradient_border(input));
    let products = images * out_side * out_side * inputs * outputs * taps;
    let work = Work::Products(products);
    let name = |pass: &str| {
        format!("{model} {inputs}->{outputs} {kernel}x{kernel}/{stride} @{side} x{images} {pass}")
    };
    let maps = filled::<P>;
    let weights: Vec<f32> = (0..inputs * outputs * taps)
        .map(|i| (i % 17) as f32 / 17.0 - 0.5)
        .collect();
    let packing = Work::Bytes(weights.len() * (size_of::<f32>() + P::BYTES));
    table.row(&name("pack"), packing, || {
        let weights = weights.clone();
        move || drop(black_box(P::for_training(conv, &weights, output)))
    });
    table.row(&name("forward"), work, || {
        let packed = P::for_training(conv, &weights, output);
        let (x, mut y) = (maps(input), Blocked::zeros(output));
        move || {
            let ending = Ending::of(Start::Zero);
            P::forward(
                conv,
                Input::from(&x),
                &packed,
                ending,
                &mut y,
                &|_, _, _| {},
            );
        }
    });
    table.row(&name("by-input"), work, || {
        let packed = P::for_gradient(conv, &weights, input);
        let (g, mut by_x) = (maps(wide), Blocked::zeros(input));
        move || P::input_gradient(conv, &g, &packed, Start::Zero, &mut by_x)
    });
    table.row(&name("by-weights"), work, || {
        let (x, g) = (maps(input), maps(wide));
        move || drop(black_box(P::weight_gradient(conv, &x, &g)))
    });
}

fn by_channel(table: &mut Table, of: Depthwise, images: usize, side: usize) {
    let Depthwise {
        channels,
        kernel,
        stride,
        padding,
    } = of;
    let (input, output) = (
        square(images, channels, side, padding),
        square(images, channels, of.slide(side), 0),
    );
    let taps = kernel * kernel;
    let work = Work::Products(images * channels * taps * output.height * output.width);
    let name = |pass: &str| {
        format!("depthwise {channels} {kernel}x{kernel}/{stride} @{side} x{images} {pass}")
    };
    let weights = vec![0.5; channels * taps];
    table.row(&name("forward"), work, || {
        let taps = Taps::<Lane>::new(of, &weights);
        let (x, mut y) = (filled(input), Blocked::zeros(output));
        move || depthwise::forward(of, &x, &taps, &[], &mut y)
    });
    table.row(&name("by-input"), work, || {
        let taps = Taps::new(of, &weights);
        let (g, mut by_x) = (filled(output), Blocked::zeros(input));
        move || depthwise::input_gradient(of, &g, &taps, &mut by_x)
    });
    table.row(&name("by-weights"), work, || {
        let (x, g) = (filled(input), filled(output));
        move || drop(black_box(depthwise::weight_gradient(of, &x, &g)))
    });
}

fn normalisation<P: Pixel>(
    table: &mut Table,
    of: &str,
    images: usize,
    channels: usize,
    side: usize,
) {
    let shape = square(images, channels, side, 1);
    let each = bytes::<P>(shape);
    let values = |value: f32| in_blocks(&vec![value; channels]);
    let name = |what: &str| format!("{of}norm {channels} @{side} x{images} {what}");
    let blocks = shape.blocks_of::<P>();
    table.row(&name("moments"), Work::Bytes(each), || {
        let x = filled::<P>(shape);
        move || {
            for at in 0..images * blocks {
                black_box(norm::moments(shape, x.plane(at / blocks, at % blocks)));
            }
        }
    });
    for (what, activation) in [("relu", Activation::Relu), ("silu", Activation::Silu)] {
        // Reads x and what is added, writes the result.
        table.row(
            &name(&format!("apply add {what}")),
            Work::Bytes(3 * each),
            || {
                let (x, add, mut out) = (
                    filled::<P>(shape),
                    filled::<P>(shape),
                    Blocked::<P>::zeros(shape),
                );
                let (scale, shift) = (values(1.5), values(0.1));
                move || norm::apply(&x, &scale, &shift, Some(&add), activation, &mut out)
            },
        );
        // Copies a fresh gradient (two); reads it, x and what was added and writes it (four); reads x and it and writes
        // by x (three).
        table.row(
            &name(&format!("gradient add {what}")),
            Work::Bytes(9 * each),
            || {
                let (x, add) = (filled::<P>(shape), filled::<P>(shape));
                let fresh = filled::<P>(shape);
                let (mut gradient, mut by_x) =
                    (Blocked::<P>::zeros(shape), Blocked::<P>::zeros(shape));
                let [gamma, beta, mean, inverse] = [1.5, 0.1, 0.2, 1.1].map(values);
                move || {
                    element::copy(&fresh, &mut gradient);
                    let of = Normalised {
                        x: &x,
                        add: Some(&add),
                        gamma: &gamma,
                        beta: &beta,
                        mean: &mean,
                        inverse: &inverse,
                        activation,
                        of_batch: true,
                    };
                    black_box(norm::gradient(of, &mut gradient, &mut by_x));
                }
            },
        );
    }
}

fn pools<P: Pixel>(table: &mut Table, label: &str, images: usize) {
    for (kernel, side) in [(3, 64), (2, 128)] {
        let of = MaxPool {
            kernel,
            stride: 2,
            padding: kernel / 3,
        };
        let (from, to) = (square(images, 64, side, 0), square(images, 64, side / 2, 1));
        let name =
            |what: &str| format!("{label}pool 64 {kernel}x{kernel}/2 @{side} x{images} {what}");
        table.row(
            &name("max"),
            Work::Bytes(bytes::<P>(from) + bytes::<P>(to)),
            || {
                let (x, mut out) = (filled::<P>(from), Blocked::<P>::zeros(to));
                move || pool::max(of, &x, &mut out)
            },
        );
        let work = Work::Bytes(3 * bytes::<P>(from) + bytes::<P>(to));
        table.row(&name("max gradient"), work, || {
            let (x, g, mut by_x) = (
                filled::<P>(from),
                filled::<P>(to),
                Blocked::<P>::zeros(from),
            );
            move || pool::max_gradient(of, &x, &g, &mut by_x)
        });
    }
    let (from, to) = (square(images, 64, 64, 0), square(images, 64, 1, 0));
    let name = |what: &str| format!("{label}pool 64 @64 x{images} {what}");
    table.row(&name("mean"), Work::Bytes(bytes::<P>(from)), || {
        let (x, mut out) = (filled::<P>(from), Blocked::<P>::zeros(to));
        move || pool::mean(&x, &mut out)
    });
    let large = square(images, 64, 128, 0);
    table.row(
        &name("upsample"),
        Work::Bytes(bytes::<P>(from) + bytes::<P>(large)),
        || {
            let (x, mut out) = (filled::<P>(from), Blocked::<P>::zeros(large));
            move || pool::upsample(&x, &mut out)
        },
    );
    table.row(&name("add"), Work::Bytes(3 * bytes::<P>(from)), || {
        let (x, mut out) = (filled::<P>(from), Blocked::<P>::zeros(from));
        move || element::add(&x, &mut out)
    });
}
