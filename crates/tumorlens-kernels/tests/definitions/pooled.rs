//! A convolution of which only maxima over windows are kept, against the three steps one after the other; and images read
//! channel by channel, against blocks of channels.

use crate::plain::{batch, numbers, pooled as maxima, weights_of};
use crate::{below, cases, channels, start_of, with_threads};
use proptest::prelude::*;
use proptest::sample::select;
use tumorlens_kernels::conv::{Conv, Packed, Pooled, forward};
use tumorlens_kernels::norm::{finish, in_blocks};
use tumorlens_kernels::pool::{self, MaxPool};
use tumorlens_kernels::{Activation, Blocked, Planar, Shape};

#[derive(Clone, Copy, Debug)]
struct Case {
    conv: Conv,
    pool: MaxPool,
    input: Shape,
    /// Border of the maxima.
    border: usize,
    start: usize,
    activation: Activation,
    salt: u64,
}

impl Case {
    fn between(&self) -> Shape {
        Shape {
            channels: self.conv.outputs,
            height: self.conv.slide(self.input.height),
            width: self.conv.slide(self.input.width),
            border: 0,
            ..self.input
        }
    }

    fn check(&self) {
        let Some(output) = maxima(self.pool, self.between(), self.border) else {
            return;
        };
        let (_, x) = batch(self.input, self.salt);
        let Conv {
            inputs, outputs, ..
        } = self.conv;
        let weights = weights_of(self.conv, self.salt ^ 1);
        let weights = Packed::forward(&weights, outputs, inputs, self.conv.kernel.pow(2));
        let bias = in_blocks(&numbers(outputs, self.salt ^ 2));
        let start = start_of(self.start, &bias);
        let between = self.between();
        let (mut whole, mut apart) = (Blocked::zeros(between), Blocked::zeros(output));
        forward(self.conv, &x, &weights, start, &mut whole, &|_, _, _| {});
        finish(between, whole.values_mut(), None, self.activation);
        pool::max(self.pool, &whole, &mut apart);
        let pooled = Pooled {
            conv: self.conv,
            weights: &weights,
            start,
            activation: self.activation,
            pool: self.pool,
        };
        // Unused lanes and the border too.
        let same = |a: &Blocked, b: &Blocked| assert!(a.values() == b.values(), "{self:?}");
        for threads in [1, 2, 3] {
            let mut joined = Blocked::zeros(output);
            with_threads(threads, || pooled.forward(&x, &mut joined));
            same(&joined, &apart);
        }
        if self.conv.reads_planar() {
            let values = x.to_planar();
            let mut images = Planar::default();
            // What other images left behind is gone.
            images.fill(self.input, &vec![f32::NAN; values.len()]);
            images.fill(self.input, &values);
            let (mut plain, mut joined) = (Blocked::zeros(between), Blocked::zeros(output));
            forward(
                self.conv,
                &images,
                &weights,
                start,
                &mut plain,
                &|_, _, _| {},
            );
            finish(between, plain.values_mut(), None, self.activation);
            same(&plain, &whole);
            pooled.forward(&images, &mut joined);
            same(&joined, &apart);
        }
    }
}

prop_compose! {
    fn any_case()(
        inputs in select(&[1usize, 3, 17]), outputs in channels(), kernel in select(&[1usize, 3, 7]), stride in 1usize..3,
        images in 1..below(3), height in 1..below(40), width in 1..below(40), borders in (0usize..2, 0usize..2),
        window in select(&[2usize, 3, 1]), step in 1usize..4, padded in any::<bool>(), start in select(&[0usize, 2]),
        which in 0usize..3, salt in 0u64..1000,
    ) -> Case {
        let padding = kernel / 2;
        Case {
            conv: Conv { inputs, outputs, kernel, stride, padding },
            pool: MaxPool { kernel: window, stride: step, padding: if padded { (window - 1) / 2 } else { 0 } },
            input: Shape { images, channels: inputs, height, width, border: padding + borders.0 },
            border: borders.1,
            start,
            // Under Miri an exponential has other last bits each time.
            activation: [
                Activation::Identity,
                Activation::Relu,
                if cfg!(miri) { Activation::LeakyRelu } else { Activation::Elu },
            ][which],
            salt,
        }
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn maxima_of_a_convolution_have_the_bits_of_the_steps_one_after_the_other(case in any_case()) {
        case.check();
    }
}

/// Rows too long for the first cache, windows that share rows, and windows that leave some out.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn long_rows_and_windows_that_overlap_have_the_bits_of_the_steps_one_after_the_other() {
    for (kernel, stride, padding) in [(3, 2, 1), (2, 2, 0), (5, 1, 2), (2, 3, 0)] {
        for width in [64, 130, 700] {
            Case {
                conv: Conv {
                    inputs: 3,
                    outputs: 40,
                    kernel: 3,
                    stride: 1,
                    padding: 1,
                },
                pool: MaxPool {
                    kernel,
                    stride,
                    padding,
                },
                input: Shape {
                    images: 1,
                    channels: 3,
                    height: 21,
                    width,
                    border: 1,
                },
                border: 1,
                start: 2,
                activation: Activation::Relu,
                salt: 3,
            }
            .check();
        }
    }
}
