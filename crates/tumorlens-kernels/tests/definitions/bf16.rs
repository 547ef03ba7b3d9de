//! Convolutions on numbers of 16 bits, of any geometry, border and start, on every unit of the processor.
//!
//! Inputs and weights are rounded first, so what is left is the rounding of sums in single precision and, where a map is
//! written, of one value to 16 bits: half a unit of its last place, at most 2^-8 of it.

use crate::plain::{convolution, count, numbers, weights_of};
use crate::{begun, below, cases, channels, start_of, with_threads};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Mutex;
use tumorlens_kernels::bf16::{Packed, Unit, forward, input_gradient, weight_gradient};
use tumorlens_kernels::conv::{Conv, Ending, Start};
use tumorlens_kernels::norm::in_blocks;
use tumorlens_kernels::{Activation, Bf16x32, Blocked, Lane, Pixel, Shape};

type Maps = Blocked<Bf16x32>;

/// The nearest number of 8 significant bits, ties to even; by arithmetic, where the kernels work on bits.
fn rounded(value: f32) -> f32 {
    let value = f64::from(value);
    // Far above the smallest numbers, which the tests do not use.
    let unit = 2f64.powi(value.abs().max(1e-30).log2().floor() as i32 - 7);
    ((value / unit).round_ties_even() * unit) as f32
}

/// Numbers of 16 bits, planar and in blocks.
fn batch(shape: Shape, salt: u64) -> (Vec<f64>, Maps) {
    let values: Vec<f32> = numbers(count(shape), salt)
        .into_iter()
        .map(rounded)
        .collect();
    let maps = Maps::from_planar(&values, shape);
    assert_eq!(
        maps.to_planar(),
        values,
        "numbers of 16 bits are stored as they are"
    );
    (values.into_iter().map(f64::from).collect(), maps)
}

#[derive(Clone, Copy, Debug)]
struct Case {
    conv: Conv,
    input: Shape,
    /// Border of the output, and of its gradient beyond what must be there.
    border: usize,
    /// Nothing, the output, or a bias is added to.
    start: usize,
    /// Whether a map is added and the negative cut off.
    ending: bool,
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

    /// Of a map that is added to the output.
    fn added(&self) -> Shape {
        Shape {
            border: self.salt as usize % 3,
            ..self.output()
        }
    }

    fn weights(&self) -> Vec<f32> {
        let weights = weights_of(self.conv, self.salt ^ 1);
        weights.into_iter().map(rounded).collect()
    }

    fn before(&self, shape: Shape) -> (Maps, Vec<f64>, Vec<Lane>) {
        let (mut plain, maps) = batch(shape, self.salt ^ 2);
        let bias = numbers(shape.channels, self.salt ^ 3);
        begun(self.start, shape, &bias, &mut plain);
        (maps, plain, in_blocks(&bias))
    }

    fn forward(&self) -> Maps {
        let (_, x) = batch(self.input, self.salt);
        let (_, add) = batch(self.added(), self.salt ^ 5);
        let (mut out, _, bias) = self.before(self.output());
        let mut ending = Ending::of(start_of(self.start, &bias));
        if self.ending {
            ending.add = Some(&add);
            ending.activation = Activation::Relu;
        }
        let packed = Packed::forward(self.conv, &self.weights());
        forward(self.conv, &x, &packed, ending, &mut out, &|_, _, _| {});
        out
    }

    fn by_input(&self) -> Maps {
        let (_, g) = batch(self.gradient(), self.salt ^ 4);
        let (mut by_x, _, bias) = self.before(self.input);
        let packed = Packed::backward(self.conv, &self.weights());
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
        weight_gradient(self.conv, &x, &g)
    }

    fn check(&self) {
        let (conv, input, output) = (self.conv, self.input, self.output());
        let x = batch(input, self.salt).0;
        let g = batch(self.gradient(), self.salt ^ 4).0;
        let w = self.weights();
        let (_, mut y, _) = self.before(output);
        let (_, mut by_x, _) = self.before(input);
        let mut by_w = vec![0.0; w.len()];
        convolution(conv, input, output, |i, k, o| {
            y[o] += x[i] * f64::from(w[k]);
            by_x[i] += g[o] * f64::from(w[k]);
            by_w[k] += g[o] * x[i];
        });
        if self.ending {
            let add = batch(self.added(), self.salt ^ 5).0;
            y.iter_mut()
                .zip(add)
                .for_each(|(y, add)| *y = (*y + add).max(0.0));
        }
        let what = format!("{self:?} by {:?}", Unit::best());
        agree(&self.forward(), &y, &format!("forward of {what}"));
        agree(&self.by_input(), &by_x, &format!("by the input of {what}"));
        near(
            &self.by_weights(),
            &by_w,
            0.0,
            &format!("by the weights of {what}"),
        );
    }
}

fn agree(ours: &Maps, plain: &[f64], what: &str) {
    near(&ours.to_planar(), plain, 1.0 / 256.0, what);
    // Borders and unused channels are zero: nothing is lost by way of planar values.
    let again = Maps::from_planar(&ours.to_planar(), ours.shape());
    let bits = |maps: &Maps| -> Vec<u16> {
        maps.values()
            .iter()
            .flat_map(|pixel| *pixel.numbers())
            .map(|b| if b == 0x8000 { 0 } else { b })
            .collect()
    };
    assert!(
        bits(ours) == bits(&again),
        "{what}: border or unused channels"
    );
}

/// Fails unless all values agree to a share of themselves and 2e-5 of the largest (or of 1).
fn near(ours: &[f32], plain: &[f64], share: f64, what: &str) {
    assert_eq!(ours.len(), plain.len(), "{what}");
    let room = 2e-5 * plain.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(plain).enumerate() {
        assert!(
            (f64::from(*a) - b).abs() <= room + 1.01 * share * b.abs(),
            "{what}, value {i}: {a}, by the definition {b}"
        );
    }
}

fn case(conv: Conv, images: usize, [height, width]: [usize; 2], border: usize) -> Case {
    Case {
        conv,
        input: Shape {
            images,
            channels: conv.inputs,
            height,
            width,
            border: conv.padding + border,
        },
        border,
        start: 0,
        ending: false,
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

prop_compose! {
    fn any_case()(
        inputs in channels(), outputs in channels(), kernel in select(&[1usize, 3, 2, 5, 7, 4]), stride in 1usize..5,
        padding in 0..below(9), images in 1..below(4), height in 1..below(14), width in 1..below(20), wider in 0usize..3,
        border in 0usize..3, start in 0usize..3, ending in any::<bool>(), salt in 0u64..1000,
    ) -> Case {
        let kernel = if cfg!(miri) { kernel.min(3) } else { kernel };
        let padding = padding.min(kernel + 1);
        let inputs = if cfg!(miri) { inputs.min(3) } else { inputs };
        let least = kernel.saturating_sub(2 * padding).max(1);
        let of = conv(inputs, outputs, kernel, stride, padding);
        let input = case(of, images, [height.max(least), width.max(least)], wider).input;
        Case { conv: of, input, border, start, ending, salt }
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn bf16_of_any_geometry_border_and_start_agrees_with_the_definition(case in any_case()) {
        case.check();
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn bf16_layers_of_the_models_agree_with_the_definition() {
    for (inputs, outputs, kernel, stride, side) in [
        (1, 32, 3, 1, 40),
        (3, 64, 7, 2, 33),
        (32, 64, 3, 1, 32),
        (64, 128, 3, 2, 16),
        (64, 128, 1, 2, 16),
        (96, 40, 1, 1, 4),
        (128, 64, 3, 1, 4),
        (65, 33, 3, 1, 8),
    ] {
        for start in 0..3 {
            let of = conv(inputs, outputs, kernel, stride, kernel / 2);
            Case {
                start,
                ending: start > 0,
                ..case(of, 3, [side, side], start % 2)
            }
            .check();
        }
    }
}

/// More pixels than are laid out anew at a time.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn bf16_sums_over_several_groups_of_images_agree_with_the_definition() {
    case(conv(3, 8, 3, 1, 1), 17, [96, 99], 0).check();
    case(conv(33, 8, 3, 2, 1), 13, [97, 96], 0).check();
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn what_follows_in_bf16_sees_every_plane_once_and_finished() {
    for (outputs, side) in [(1, 3), (33, 9), (64, 4), (80, 30)] {
        let of = case(conv(3, outputs, 3, 1, 1), 2, [side, side], 1);
        let finished = of.forward();
        let seen = Mutex::new(Vec::new());
        let (_, x) = batch(of.input, of.salt);
        let packed = Packed::forward(of.conv, &of.weights());
        let mut out = Maps::zeros(of.output());
        let note = |image: usize, block: usize, plane: &mut [Bf16x32]| {
            assert_eq!(plane, finished.plane(image, block));
            plane.fill(Bf16x32::ZERO);
            seen.lock().unwrap().push((image, block));
        };
        forward(
            of.conv,
            &x,
            &packed,
            Ending::of(Start::Zero),
            &mut out,
            &note,
        );
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        let blocks = out.blocks();
        let all: Vec<_> = (0..2 * blocks).map(|i| (i / blocks, i % blocks)).collect();
        assert_eq!(seen, all);
    }
}

#[test]
fn the_same_bits_come_out_in_bf16_for_any_number_of_threads() {
    let side = below(17);
    for (inputs, stride) in [(3, 1), (below(40), 2), (below(40), 1)] {
        let of = conv(inputs, below(70), 3, stride, 1);
        let of = case(of, 3, [side, side + 2], 1);
        let run = |threads| {
            with_threads(threads, || {
                let bits =
                    |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                [
                    bits(of.forward().to_planar()),
                    bits(of.by_input().to_planar()),
                    bits(of.by_weights()),
                ]
            })
        };
        let one = run(1);
        for threads in 2..below(5) {
            assert!(
                one == run(threads),
                "{threads} threads, {inputs} inputs, stride {stride}"
            );
        }
    }
}

/// Memory is used again as it was left.
#[test]
fn numbers_of_bf16_that_are_none_do_not_reach_the_next_convolution() {
    let side = below(13);
    for (inputs, kernel, stride) in [(3, 3, 1), (below(40), 3, 2), (below(40), 3, 1)] {
        let of = case(
            conv(inputs, below(70), kernel, stride, 1),
            3,
            [side, side],
            1,
        );
        let poisoned = |shape: Shape| Maps::from_planar(&vec![f32::NAN; count(shape)], shape);
        let (x, g) = (poisoned(of.input), poisoned(of.gradient()));
        assert!(weight_gradient(of.conv, &x, &g)[0].is_nan());
        let none = vec![f32::NAN; of.weights().len()];
        let packed = Packed::forward(of.conv, &none);
        let mut out = Maps::zeros(of.output());
        forward(
            of.conv,
            &x,
            &packed,
            Ending::of(Start::Zero),
            &mut out,
            &|_, _, _| {},
        );
        drop((packed, Packed::backward(of.conv, &none)));
        case(of.conv, 2, [side, side], 0).check();
        case(conv(inputs, 5, kernel, stride, 0), 1, [side, side], 0).check();
    }
}

#[test]
fn an_image_gives_the_same_bits_in_bf16_alone_and_in_a_batch() {
    let side = below(11);
    for inputs in [3, below(40)] {
        let all = case(conv(inputs, below(40), 3, 1, 1), 3, [side, side], 0);
        let together = all.forward().to_planar();
        let maps = batch(all.input, all.salt).1.to_planar();
        let one = Shape {
            images: 1,
            ..all.input
        };
        let packed = Packed::forward(all.conv, &all.weights());
        for (alone, part) in maps
            .chunks(count(one))
            .zip(together.chunks(together.len() / 3))
        {
            let mut out = Maps::zeros(Shape {
                images: 1,
                ..all.output()
            });
            let x = Maps::from_planar(alone, one);
            forward(
                all.conv,
                &x,
                &packed,
                Ending::of(Start::Zero),
                &mut out,
                &|_, _, _| {},
            );
            assert!(out.to_planar() == part);
        }
    }
}

#[test]
fn numbers_are_rounded_to_the_nearest_of_16_bits_and_what_is_none_stays_none() {
    let stored = |value: f32| {
        let mut pixel = Bf16x32::ZERO;
        pixel.set(3, value);
        pixel.get(3)
    };
    for value in numbers(4096, 9) {
        assert_eq!(stored(value * 300.0), rounded(value * 300.0));
    }
    // Halfway between two of them, to the even one.
    for (units, even) in [(1.0f32, 0.0f32), (3.0, 4.0)] {
        assert_eq!(stored(1.0 + units / 256.0), 1.0 + even / 256.0);
    }
    assert!(stored(f32::from_bits(0x7f80_0001)).is_nan());
    assert!(stored(f32::from_bits(0xffff_ffff)).is_nan());
    assert_eq!(stored(f32::MAX), f32::INFINITY);
    assert_eq!(stored(f32::NEG_INFINITY), f32::NEG_INFINITY);
}

/// The choice is made once a process, so each unit runs the other tests in one of its own.
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn every_unit_of_this_processor_agrees_with_the_definitions() {
    if std::env::var_os("TUMORLENS_BF16").is_some() || std::env::var_os("TUMORLENS_ISA").is_some() {
        return;
    }
    for unit in Unit::available() {
        if unit == Unit::best() {
            continue; // the other tests of this process
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .env("TUMORLENS_BF16", unit.name())
            .arg("bf16")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{unit:?}: {said}");
    }
}
