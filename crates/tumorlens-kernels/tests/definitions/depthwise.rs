//! Depthwise convolutions of any geometry and border.

use crate::plain::{agree, batch, depthwise, near, numbers, wide};
use crate::{below, cases, channels};
use proptest::prelude::*;
use proptest::sample::select;
use tumorlens_kernels::depthwise::{Depthwise, Taps, forward, input_gradient, weight_gradient};
use tumorlens_kernels::{Blocked, Shape};

#[derive(Clone, Copy, Debug)]
struct Case {
    of: Depthwise,
    input: Shape,
    border: usize,
    salt: u64,
}

impl Case {
    fn output(&self) -> Shape {
        Shape {
            height: self.of.slide(self.input.height),
            width: self.of.slide(self.input.width),
            border: self.border,
            ..self.input
        }
    }

    fn weights(&self) -> Vec<f32> {
        let Depthwise {
            channels, kernel, ..
        } = self.of;
        numbers(channels * kernel * kernel, self.salt ^ 1)
    }

    fn check(&self) {
        let Self {
            of, input, salt, ..
        } = *self;
        let output = self.output();
        let (x, blocked_x) = batch(input, salt);
        let (g, blocked_g) = batch(output, salt ^ 4);
        let open = Shape {
            border: self.border,
            ..input
        };
        let (mut by_x, mut ours_by_x) = batch(open, salt ^ 2);
        let (w, bias) = (wide(&self.weights()), numbers(of.channels, salt ^ 3));
        let area = output.height * output.width;
        let (mut y, mut by_w) = (vec![0.0; g.len()], vec![0.0; w.len()]);
        depthwise(of, input, output, |i, k, o| {
            y[o] += x[i] * w[k];
            by_x[i] += g[o] * w[k];
            by_w[k] += g[o] * x[i];
        });
        let taps = Taps::new(of, &self.weights());
        // What was there before is overwritten.
        let mut out = batch(output, salt ^ 5).1;
        forward(of, &blocked_x, &taps, &[], &mut out);
        agree(&out, &y, 1e-5, &format!("forward of {self:?}"));
        for (at, value) in y.iter_mut().enumerate() {
            *value += f64::from(bias[at / area % of.channels]);
        }
        forward(of, &blocked_x, &taps, &bias, &mut out);
        agree(&out, &y, 1e-5, &format!("forward with bias of {self:?}"));
        input_gradient(of, &blocked_g, &taps, &mut ours_by_x);
        agree(
            &ours_by_x,
            &by_x,
            1e-5,
            &format!("by the input of {self:?}"),
        );
        let ours = weight_gradient(of, &blocked_x, &blocked_g);
        near(&ours, &by_w, 1e-5, &format!("by the weights of {self:?}"));
    }
}

prop_compose! {
    fn any_case()(
        channels in channels(), kernel in select(&[1usize, 3, 2, 5, 7, 4][..below(6)]), stride in 1usize..5, padding in 0..below(9),
        images in 1..below(4), height in 1..below(14), width in 1..below(20), wider in 0usize..3, border in 0usize..3,
        salt in 0u64..1000,
    ) -> Case {
        let padding = padding.min(kernel + 1);
        let least = kernel.saturating_sub(2 * padding).max(1);
        let (height, width) = (height.max(least), width.max(least));
        let of = Depthwise { channels, kernel, stride, padding };
        let input = Shape { images, channels, height, width, border: padding + wider };
        Case { of, input, border, salt }
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn any_depthwise_geometry_and_border_agrees_with_the_definition(case in any_case()) {
        case.check();
    }
}

#[test]
fn a_kernel_may_be_wider_than_the_image_and_most_of_it_lie_on_the_padding() {
    let cases = [
        (3, 3, 2, [1, 2]),
        (1, 2, 1, [1, 3]),
        (5, 2, 3, [1, 9]),
        (7, 3, 1, [1, 1]),
        (7, 3, 1, [2, 2]),
        (7, 3, 2, [2, 5]),
    ];
    for (kernel, padding, stride, [height, width]) in cases.into_iter().take(below(6)) {
        let of = Depthwise {
            channels: 17,
            kernel,
            stride,
            padding,
        };
        let input = Shape {
            images: 2,
            channels: 17,
            height,
            width,
            border: padding,
        };
        let (border, salt) = (0, 9);
        let case = Case {
            of,
            input,
            border,
            salt,
        };
        case.check();
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn depthwise_gradients_are_finite_differences_of_the_forward_pass() {
    let of = Depthwise {
        channels: 2,
        kernel: 3,
        stride: 2,
        padding: 1,
    };
    let input = Shape {
        images: 1,
        channels: 2,
        height: 4,
        width: 5,
        border: 1,
    };
    let case = Case {
        of,
        input,
        border: 0,
        salt: 7,
    };
    let (x, blocked_x) = batch(input, 7);
    let (g, blocked_g) = batch(case.output(), 8);
    let weights = case.weights();
    let loss = |x: &Blocked, w: &[f32]| -> f64 {
        let mut out = Blocked::zeros(case.output());
        forward(of, x, &Taps::new(of, w), &[], &mut out);
        let terms = wide(&out.to_planar()).into_iter().zip(&g);
        terms.map(|(y, g)| y * g).sum()
    };
    let mut by_x = Blocked::zeros(input);
    input_gradient(of, &blocked_g, &Taps::new(of, &weights), &mut by_x);
    let finite: Vec<f64> = (0..x.len())
        .map(|at| {
            let moved = |by: f32| {
                let mut values = blocked_x.to_planar();
                values[at] += by;
                loss(&Blocked::from_planar(&values, input), &weights)
            };
            (moved(1.0) - moved(-1.0)) / 2.0
        })
        .collect();
    agree(&by_x, &finite, 1e-5, "by the input");
    let finite: Vec<f64> = (0..weights.len())
        .map(|at| {
            let moved = |by: f32| {
                let mut weights = weights.clone();
                weights[at] += by;
                loss(&blocked_x, &weights)
            };
            (moved(1.0) - moved(-1.0)) / 2.0
        })
        .collect();
    let ours = weight_gradient(of, &blocked_x, &blocked_g);
    near(&ours, &finite, 1e-5, "by the weights");
}
