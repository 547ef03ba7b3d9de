//! Convolutions of any geometry, border and start.

use crate::plain::{agree, batch, convolution, count, near, numbers, tidy, weights_of, wide};
use crate::{begun, below, cases, channels, start_of, with_threads};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Mutex;
use tumorlens_kernels::conv::{
    Conv, Packed, Start, forward, input_gradient, weight_gradient, weight_gradient_of_tiles,
};
use tumorlens_kernels::norm::in_blocks;
use tumorlens_kernels::{Blocked, Lane, Shape};

/// What one pass is compared on.
#[derive(Clone, Copy, Debug)]
struct Case {
    conv: Conv,
    /// By tiles, which are for kernels of 3x3 and stride 1.
    tiles: bool,
    input: Shape,
    /// Border of the output, and of its gradient beyond what must be there.
    border: usize,
    /// Nothing, the output, or a bias is added to.
    start: usize,
    salt: u64,
}

impl Case {
    fn output(&self) -> Shape {
        Shape {
            images: self.input.images,
            channels: self.conv.outputs,
            height: self.conv.slide(self.input.height),
            width: self.conv.slide(self.input.width),
            border: self.border,
        }
    }

    fn gradient(&self) -> Shape {
        let border = self.conv.gradient_border(self.input) + self.border;
        Shape {
            border,
            ..self.output()
        }
    }

    fn weights(&self) -> Vec<f32> {
        weights_of(self.conv, self.salt ^ 1)
    }

    /// What is there before, its planar values, and a bias of so many channels.
    fn before(&self, shape: Shape) -> (Blocked, Vec<f64>, Vec<Lane>) {
        let (mut plain, blocked) = batch(shape, self.salt ^ 2);
        let bias = numbers(shape.channels, self.salt ^ 3);
        begun(self.start, shape, &bias, &mut plain);
        (blocked, plain, in_blocks(&bias))
    }

    fn packed(&self) -> Packed {
        let (
            Conv {
                inputs, outputs, ..
            },
            weights,
        ) = (self.conv, self.weights());
        if self.tiles {
            return Packed::tiled_forward(&weights, outputs, inputs);
        }
        Packed::forward(&weights, outputs, inputs, self.conv.kernel.pow(2))
    }

    fn packed_backward(&self) -> Packed {
        let (
            Conv {
                inputs, outputs, ..
            },
            weights,
        ) = (self.conv, self.weights());
        if self.tiles {
            return Packed::tiled_backward(&weights, outputs, inputs);
        }
        Packed::backward(&weights, outputs, inputs, self.conv.kernel.pow(2))
    }

    fn forward(&self) -> Blocked {
        let (_, x) = batch(self.input, self.salt);
        let (mut out, _, bias) = self.before(self.output());
        let start = start_of(self.start, &bias);
        forward(
            self.conv,
            &x,
            &self.packed(),
            start,
            &mut out,
            &|_, _, _| {},
        );
        out
    }

    fn by_input(&self) -> Blocked {
        let (_, g) = batch(self.gradient(), self.salt ^ 4);
        let (mut by_x, _, bias) = self.before(self.input);
        let packed = self.packed_backward();
        input_gradient(
            self.conv,
            &g,
            &packed,
            start_of(self.start, &bias),
            &mut by_x,
        );
        by_x
    }

    fn by_weights(&self) -> Vec<f32> {
        let (_, x) = batch(self.input, self.salt);
        let (_, g) = batch(self.gradient(), self.salt ^ 4);
        if self.tiles {
            return weight_gradient_of_tiles(self.conv, &x, &g);
        }
        weight_gradient(self.conv, &x, &g)
    }

    fn check(&self) {
        self.check_to(2e-5);
    }

    /// Fails unless all agree to `share` of the largest value (or of 1).
    fn check_to(&self, share: f64) {
        let (conv, input, output) = (self.conv, self.input, self.output());
        let (x, g) = (
            batch(input, self.salt).0,
            batch(self.gradient(), self.salt ^ 4).0,
        );
        let w = wide(&self.weights());
        let (_, mut y, _) = self.before(output);
        let (_, mut by_x, _) = self.before(input);
        let mut by_w = vec![0.0; w.len()];
        convolution(conv, input, output, |i, k, o| {
            y[o] += x[i] * w[k];
            by_x[i] += g[o] * w[k];
            by_w[k] += g[o] * x[i];
        });
        let what = format!("{self:?}");
        agree(&self.forward(), &y, share, &format!("forward of {what}"));
        agree(
            &self.by_input(),
            &by_x,
            share,
            &format!("by the input of {what}"),
        );
        near(
            &self.by_weights(),
            &by_w,
            share,
            &format!("by the weights of {what}"),
        );
    }
}

fn case(conv: Conv, images: usize, [height, width]: [usize; 2], border: usize) -> Case {
    Case {
        conv,
        tiles: false,
        input: Shape {
            images,
            channels: conv.inputs,
            height,
            width,
            border: conv.padding + border,
        },
        border,
        start: 0,
        salt: 5,
    }
}

fn conv(inputs: usize, outputs: usize, kernel: usize, stride: usize, padding: usize) -> Conv {
    Conv {
        inputs,
        outputs,
        kernel,
        stride,
        padding,
    }
}

fn kernels() -> &'static [usize] {
    let all = &[1, 3, 2, 5, 7, 4];
    &all[..if cfg!(miri) { 3 } else { 6 }]
}

prop_compose! {
    fn any_case()(
        inputs in channels(), outputs in channels(), kernel in select(kernels()), stride in 1usize..5,
        padding in 0..below(9), images in 1..below(4), height in 1..below(14), width in 1..below(20), wider in 0usize..3,
        border in 0usize..3, start in 0usize..3, salt in 0u64..1000,
    ) -> Case {
        let padding = padding.min(kernel + 1);
        let inputs = if cfg!(miri) { inputs.min(3) } else { inputs };
        // The smallest map that the kernel fits on.
        let least = kernel.saturating_sub(2 * padding).max(1);
        let of = conv(inputs, outputs, kernel, stride, padding);
        let input = case(of, images, [height.max(least), width.max(least)], wider).input;
        Case { conv: of, tiles: false, input, border, start, salt }
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn any_geometry_border_and_start_agrees_with_the_definition(case in any_case()) {
        case.check();
    }

    #[test]
    fn tiles_agree_with_the_definition_for_any_shape_border_and_start(
        case in any_case(), (inputs, outputs, padding) in (channels(), channels(), 0usize..3),
    ) {
        let least = |side: usize| side.max(3usize.saturating_sub(2 * padding)).max(1);
        let sides = [least(case.input.height), least(case.input.width)];
        let input = self::case(conv(inputs, outputs, 3, 1, padding), case.input.images, sides, case.border).input;
        Case { conv: conv(inputs, outputs, 3, 1, padding), tiles: true, input, ..case }.check();
    }

    /// Four blocks of outputs share a tile where maps are at most four pixels wide.
    #[cfg_attr(miri, ignore = "long")]
    #[test]
    fn narrow_maps_with_many_channels_agree_with_the_definition(
        blocks in select(&[4usize, 8, 3, 5]), inputs in channels(), kernel in select(&[3usize, 1]), stride in 1usize..4,
        height in 1usize..6, width in 1usize..6, start in 0usize..3, salt in 0u64..1000,
    ) {
        let of = conv(inputs, 16 * blocks - salt as usize % 3, kernel, stride, kernel / 2);
        let forward = Case { start, salt, ..case(of, 2, [height, width], 1) };
        forward.check();
        // And the other way round, for the gradient of the input.
        let of = Conv { inputs: of.outputs, outputs: of.inputs, ..of };
        Case { start, salt, ..case(of, 1, [height, width], 0) }.check();
    }
}

/// Kernels that end on the last pixel in memory: a pointer must not be moved on from there.
#[test]
fn kernels_that_end_on_the_last_pixel_of_all_agree_with_the_definition() {
    for (inputs, kernel, stride) in [(3, 2, 2), (17, 1, 1), (1, 1, 3)] {
        let side = kernel + stride;
        case(conv(inputs, 2, kernel, stride, 0), 1, [side, side], 0).check();
    }
}

/// The bound that the decision on tiles states.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn rounding_of_tiles_stays_below_five_millionths_of_the_largest_value() {
    let of = case(conv(128, 64, 3, 1, 1), 2, [24, 24], 0);
    Case { tiles: true, ..of }.check_to(5e-6);
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn sums_over_several_bands_of_rows_or_tiles_agree_with_the_definition() {
    for (kernel, stride, sides) in [
        (3, 1, [40, 9]),
        (3, 2, [9, 250]),
        (1, 1, [3, 300]),
        (5, 3, [70, 31]),
    ] {
        case(conv(5, 18, kernel, stride, kernel / 2), 2, sides, 0).check();
    }
    let of = case(conv(17, 18, 3, 1, 1), 2, [58, 50], 0);
    Case { tiles: true, ..of }.check();
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn weights_larger_than_a_cache_agree_with_the_definition() {
    case(conv(128, 272, 3, 1, 1), 3, [4, 5], 0).check();
}

/// The forward pass is linear in input and weights, so a difference over any step is the derivative.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn gradients_are_finite_differences_of_the_forward_pass() {
    let of = case(conv(2, 3, 3, 2, 1), 1, [4, 5], 0);
    let (_, x) = batch(of.input, of.salt);
    let g = batch(of.gradient(), of.salt ^ 4).0;
    let weights = of.weights();
    let loss = |x: &Blocked, w: &[f32]| -> f64 {
        let mut out = Blocked::zeros(of.output());
        let packed = Packed::forward(w, of.conv.outputs, of.conv.inputs, 9);
        forward(of.conv, x, &packed, Start::Zero, &mut out, &|_, _, _| {});
        let terms = wide(&out.to_planar()).into_iter().zip(&g);
        terms.map(|(y, g)| y * g).sum()
    };
    let by_x = wide(&of.by_input().to_planar());
    for (at, slope) in by_x.iter().enumerate() {
        let moved = |by: f32| {
            let mut values = x.to_planar();
            values[at] += by;
            Blocked::from_planar(&values, of.input)
        };
        let finite = (loss(&moved(1.0), &weights) - loss(&moved(-1.0), &weights)) / 2.0;
        assert!(
            (slope - finite).abs() < 1e-5,
            "by the input {at}: {slope} {finite}"
        );
    }
    for (at, slope) in wide(&of.by_weights()).iter().enumerate() {
        let moved = |by: f32| {
            let mut weights = weights.clone();
            weights[at] += by;
            weights
        };
        let finite = (loss(&x, &moved(1.0)) - loss(&x, &moved(-1.0))) / 2.0;
        assert!(
            (slope - finite).abs() < 1e-5,
            "by weight {at}: {slope} {finite}"
        );
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn what_follows_sees_every_plane_once_and_finished() {
    let sizes = [(1, 3), (33, 9), (64, 4), (80, 4), (33, 30)];
    for ((outputs, side), tiles) in sizes.into_iter().flat_map(|s| [(s, false), (s, true)]) {
        let of = case(conv(3, outputs, 3, 1, 1), 2, [side, side], 1);
        let of = Case { tiles, ..of };
        let finished = of.forward();
        let seen = Mutex::new(Vec::new());
        let (_, x) = batch(of.input, of.salt);
        let packed = of.packed();
        let mut out = Blocked::zeros(of.output());
        let note = |image: usize, first: usize, planes: &mut [Lane]| {
            let each = planes.chunks_exact_mut(finished.shape().plane());
            for (more, plane) in each.enumerate() {
                assert_eq!(plane, finished.plane(image, first + more));
                plane.fill(Lane::ZERO);
                seen.lock().unwrap().push((image, first + more));
            }
        };
        forward(of.conv, &x, &packed, Start::Zero, &mut out, &note);
        assert!(out.values().iter().all(|pixel| *pixel == Lane::ZERO));
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        let blocks = finished.shape().blocks();
        let all: Vec<_> = (0..2 * blocks).map(|i| (i / blocks, i % blocks)).collect();
        assert_eq!(seen, all);
    }
}

fn bits(values: Vec<f32>) -> Vec<u32> {
    values.into_iter().map(f32::to_bits).collect()
}

#[test]
fn the_same_bits_come_out_for_any_number_of_threads() {
    let side = below(17);
    for (stride, tiles) in [(2, false), (1, true)] {
        let of = conv(below(19), below(70), 3, stride, 1);
        let of = case(of, 3, [side, side + 2], 1);
        let of = Case { tiles, ..of };
        let run = |threads| {
            with_threads(threads, || {
                [
                    bits(of.forward().to_planar()),
                    bits(of.by_input().to_planar()),
                    bits(of.by_weights()),
                ]
            })
        };
        let one = run(1);
        for threads in 2..below(5) {
            assert!(one == run(threads), "{threads} threads, tiles {tiles}");
        }
    }
}

#[test]
fn an_image_gives_the_same_bits_alone_and_in_a_batch() {
    let side = below(11);
    // The weights of the last are larger than a core's cache, and meet all images of one block after the other.
    let large = if cfg!(miri) { [3, 5] } else { [128, 272] };
    for ([inputs, outputs], tiles) in [
        ([3, below(40)], false),
        ([3, below(40)], true),
        (large, false),
    ] {
        let all = case(conv(inputs, outputs, 3, 1, 1), 3, [side, side], 0);
        let all = Case { tiles, ..all };
        let (_, batch) = batch(all.input, all.salt);
        let packed = all.packed();
        let run = |x: &Blocked| {
            let images = x.shape().images;
            let mut out = Blocked::zeros(Shape {
                images,
                ..all.output()
            });
            forward(all.conv, x, &packed, Start::Zero, &mut out, &|_, _, _| {});
            tidy(&out, "forward");
            out.to_planar()
        };
        let together = run(&batch);
        let one = Shape {
            images: 1,
            ..all.input
        };
        let maps = batch.to_planar();
        let parts = maps
            .chunks(count(one))
            .zip(together.chunks(together.len() / 3));
        for (alone, part) in parts {
            assert!(bits(run(&Blocked::from_planar(alone, one))) == bits(part.to_vec()));
        }
    }
}
