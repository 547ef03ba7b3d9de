//! What waits for memory, on 16 bits: the same as in single precision on the same numbers, rounded as it is written.

use crate::plain::{ACTIVATIONS, count, numbers};
use crate::{below, cases, channels};
use proptest::prelude::*;
use proptest::sample::select;
use tumorlens_kernels::depthwise::{self, Depthwise, Taps};
use tumorlens_kernels::norm::{self, Normalised, in_blocks, moments, statistics};
use tumorlens_kernels::pool::{self, MaxPool};
use tumorlens_kernels::{Activation, Bf16x32, Blocked, Lane, Pixel, Shape, element};

/// The same numbers of 16 bits, stored both ways.
fn both(shape: Shape, salt: u64) -> (Blocked<Bf16x32>, Blocked) {
    let short = Blocked::<Bf16x32>::from_planar(&numbers(count(shape), salt), shape);
    let wide = Blocked::from_planar(&short.to_planar(), shape);
    (short, wide)
}

/// Fails unless values agree to half a unit of the last of 8 places, so many times, and borders and unused channels are zero.
fn agree(short: &Blocked<Bf16x32>, wide: &Blocked, times: f32, what: &str) {
    let values = short.to_planar();
    let room = wide.to_planar().iter().fold(1e-2f32, |m, v| m.max(v.abs())) * 1e-4;
    for (at, (a, b)) in values.iter().zip(wide.to_planar()).enumerate() {
        let most = times * b.abs() / 256.0 + room;
        assert!(
            (a - b).abs() <= most,
            "{what}, value {at}: {a}, in single precision {b}"
        );
    }
    let again = Blocked::<Bf16x32>::from_planar(&values, short.shape());
    let bits = |maps: &Blocked<Bf16x32>| -> Vec<u16> {
        let all = maps.values().iter().flat_map(|pixel| *pixel.numbers());
        all.map(|bits| if bits == 0x8000 { 0 } else { bits })
            .collect()
    };
    assert!(
        bits(short) == bits(&again),
        "{what}: border or unused channels"
    );
}

fn per_channel(channels: usize, salt: u64) -> Vec<Lane> {
    let values: Vec<f32> = numbers(channels, salt).iter().map(|v| v + 1.0).collect();
    in_blocks(&values)
}

fn near(ours: &[f32], exact: &[f32], what: &str) {
    assert_eq!(ours.len(), exact.len(), "{what}");
    let room = exact.iter().fold(0.1f32, |m, v| m.max(v.abs())) * 0.02;
    for (a, b) in ours.iter().zip(exact) {
        assert!((a - b).abs() <= room, "{what}: {a} {b}");
    }
}

prop_compose! {
    fn shapes()(
        images in 1..below(4), channels in channels(), height in 1..below(9), width in 1..below(12), border in 0usize..3,
    ) -> Shape {
        Shape { images, channels, height, width, border }
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn normalisation_on_bf16_is_that_in_single_precision_rounded(
        shape in shapes(), border in 0usize..3, which in select(&ACTIVATIONS[..]), added in any::<bool>(), salt in 0u64..1000,
    ) {
        let to = Shape { border, ..shape };
        let (x, wide_x) = both(shape, salt);
        let (add, wide_add) = both(to, salt ^ 1);
        let [scale, shift, mean, inverse] = [2, 3, 4, 5].map(|s| per_channel(shape.channels, salt ^ s));
        let (mut out, mut wide) = (Blocked::zeros(to), Blocked::zeros(to));
        norm::apply(&x, &scale, &shift, added.then_some(&add), which, &mut out);
        norm::apply(&wide_x, &scale, &shift, added.then_some(&wide_add), which, &mut wide);
        agree(&out, &wide, 1.0, "apply");

        let all = |of: &Blocked<Bf16x32>| -> Vec<_> {
            (0..shape.images * of.blocks()).map(|i| moments(shape, of.plane(i / of.blocks(), i % of.blocks()))).collect()
        };
        let wide_all: Vec<_> =
            (0..shape.images * wide_x.blocks()).map(|i| moments(shape, wide_x.plane(i / wide_x.blocks(), i % wide_x.blocks()))).collect();
        let exact = statistics::<Lane>(shape, &wide_all);
        prop_assert_eq!(statistics::<Bf16x32>(shape, &all(&x)), exact);
        prop_assert_eq!(norm::sums(&x), norm::sums(&wide_x));

        let (mut g, mut wide_g) = both(to, salt ^ 6);
        let (mut by_x, mut wide_by_x) = (Blocked::zeros(shape), Blocked::zeros(shape));
        let rest = (&scale[..], &shift[..], &mean[..], &inverse[..]);
        let short = Normalised {
            x: &x, add: added.then_some(&add), gamma: rest.0, beta: rest.1, mean: rest.2, inverse: rest.3, activation: which,
            of_batch: true,
        };
        let long = Normalised {
            x: &wide_x, add: added.then_some(&wide_add), gamma: rest.0, beta: rest.1, mean: rest.2, inverse: rest.3,
            activation: which, of_batch: true,
        };
        let ours = norm::gradient(short, &mut g, &mut by_x);
        let exact = norm::gradient(long, &mut wide_g, &mut wide_by_x);
        agree(&g, &wide_g, 1.0, "by what was added");
        near(&by_x.to_planar(), &wide_by_x.to_planar(), "by x");
        near(&ours.0, &exact.0, "by gamma");
        near(&ours.1, &exact.1, "by beta");
    }

    #[test]
    fn depthwise_convolutions_on_bf16_are_those_in_single_precision_rounded(
        shape in shapes(), kernel in 1usize..4, stride in 1usize..3, border in 0usize..2, biased in any::<bool>(),
        salt in 0u64..1000,
    ) {
        let of = Depthwise { channels: shape.channels, kernel, stride, padding: kernel / 2 };
        let from = Shape { border: of.padding + border, ..shape };
        let to = Shape { height: of.slide(shape.height), width: of.slide(shape.width), border, ..shape };
        let (x, wide_x) = both(from, salt);
        let weights = numbers(shape.channels * kernel * kernel, salt ^ 1);
        let bias = numbers(if biased { shape.channels } else { 0 }, salt ^ 2);
        // What was there before is overwritten.
        let (mut out, mut wide) = both(to, salt ^ 3);
        depthwise::forward(of, &x, &Taps::new(of, &weights), &bias, &mut out);
        depthwise::forward(of, &wide_x, &Taps::new(of, &weights), &bias, &mut wide);
        agree(&out, &wide, 1.0, "depthwise");
    }

    #[test]
    fn pools_on_bf16_are_those_in_single_precision_rounded(
        shape in shapes(), kernel in 1usize..4, stride in 1usize..3, salt in 0u64..1000,
    ) {
        let of = MaxPool { kernel, stride, padding: kernel / 2 };
        let side = |side: usize| (side + 2 * of.padding).saturating_sub(kernel) / stride + 1;
        prop_assume!(shape.height + 2 * of.padding >= kernel && shape.width + 2 * of.padding >= kernel);
        let to = Shape { height: side(shape.height), width: side(shape.width), border: 1, ..shape };
        let (x, wide_x) = both(shape, salt);
        let (mut out, mut wide) = (Blocked::zeros(to), Blocked::zeros(to));
        pool::max(of, &x, &mut out);
        pool::max(of, &wide_x, &mut wide);
        prop_assert_eq!(out.to_planar(), wide.to_planar());
        let (g, wide_g) = both(to, salt ^ 1);
        let (mut by_x, mut wide_by_x) = both(shape, salt ^ 2);
        pool::max_gradient(of, &x, &g, &mut by_x);
        pool::max_gradient(of, &wide_x, &wide_g, &mut wide_by_x);
        // Every window that a pixel wins rounds once.
        near(&by_x.to_planar(), &wide_by_x.to_planar(), "gradient of the maximum");

        let [scale, shift, mean, inverse] = [2, 3, 4, 5].map(|s| per_channel(shape.channels, salt ^ s));
        norm::apply_pooled(&x, [&scale, &shift], Activation::Relu, of, &mut out);
        norm::apply_pooled(&wide_x, [&scale, &shift], Activation::Relu, of, &mut wide);
        agree(&out, &wide, 1.0, "normalised and pooled");
        let rest = (&scale[..], &shift[..], &mean[..], &inverse[..]);
        let short = Normalised {
            x: &x, add: None, gamma: rest.0, beta: rest.1, mean: rest.2, inverse: rest.3, activation: Activation::Relu, of_batch: true,
        };
        let long = Normalised {
            x: &wide_x, add: None, gamma: rest.0, beta: rest.1, mean: rest.2, inverse: rest.3, activation: Activation::Relu,
            of_batch: true,
        };
        let (mut by_x, mut wide_by_x) = (Blocked::zeros(shape), Blocked::zeros(shape));
        let ours = norm::gradient_pooled(short, of, &g, &mut by_x);
        let exact = norm::gradient_pooled(long, of, &wide_g, &mut wide_by_x);
        near(&by_x.to_planar(), &wide_by_x.to_planar(), "by x");
        near(&ours.0, &exact.0, "by gamma");
        near(&ours.1, &exact.1, "by beta");

        let grid = Shape { height: shape.height.min(2), width: shape.width.min(3), border: 0, ..shape };
        let (mut mean, mut wide) = (Blocked::zeros(grid), Blocked::zeros(grid));
        pool::mean(&x, &mut mean);
        pool::mean(&wide_x, &mut wide);
        agree(&mean, &wide, 1.0, "mean");
        let large = Shape { height: 2 * shape.height, width: 3 * shape.width, ..shape };
        let (mut out, mut wide) = (Blocked::zeros(large), Blocked::zeros(large));
        pool::upsample(&x, &mut out);
        pool::upsample(&wide_x, &mut wide);
        agree(&out, &wide, 1.0, "upsampling");
    }

    #[test]
    fn element_by_element_bf16_is_single_precision_rounded(
        shape in shapes(), border in 0usize..3, which in select(&ACTIVATIONS[..]), salt in 0u64..1000,
    ) {
        let to = Shape { border, ..shape };
        let ((x, wide_x), (mut out, mut wide)) = (both(shape, salt), both(to, salt ^ 1));
        element::add(&x, &mut out);
        element::add(&wide_x, &mut wide);
        agree(&out, &wide, 1.0, "sum");
        element::activate(which, &x, &mut out);
        element::activate(which, &wide_x, &mut wide);
        agree(&out, &wide, 1.0, "non-linearity");
        let (mut g, mut wide_g) = both(to, salt ^ 2);
        element::activate_gradient(which, &x, &mut g);
        element::activate_gradient(which, &wide_x, &mut wide_g);
        agree(&g, &wide_g, 1.0, "its derivative");
        let factors = numbers(count(to), salt ^ 3);
        element::scale(&factors, &mut g);
        element::scale(&factors, &mut wide_g);
        agree(&g, &wide_g, 2.01, "factors");
        element::copy(&x, &mut out);
        element::convert(&x, &mut wide);
        prop_assert_eq!(out.to_planar(), wide.to_planar());
        element::convert(&wide_x, &mut g);
        prop_assert_eq!(g.to_planar(), wide.to_planar());
        agree(&g, &wide, 0.0, "stored otherwise");
    }
}

#[test]
fn a_channel_is_where_its_part_says() {
    let mut pixel = Bf16x32::ZERO;
    for channel in 0..Bf16x32::CHANNELS {
        pixel.set(channel, channel as f32);
    }
    for channel in 0..Bf16x32::CHANNELS {
        let (part, lane) = Bf16x32::place(channel);
        assert_eq!(
            pixel.part(part).0[lane].to_bits(),
            (channel as f32).to_bits()
        );
    }
    assert_eq!(Bf16x32::of_parts([pixel.part(0), pixel.part(1)]), pixel);
}
