//! Convolutions by tiles against the plain loop in double precision, over random shapes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use std::sync::Mutex;
use tumorlens_kernels::conv::{
    Conv, Packed, Start, forward, input_gradient, weight_gradient_of_tiles,
};
use tumorlens_kernels::norm::in_blocks;
use tumorlens_kernels::{Blocked, Shape};

/// Numbers that look random, in [-0.5, 0.5).
fn numbers(count: usize, salt: u64) -> Vec<f32> {
    let mut state = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        })
        .collect()
}

/// Result, gradient of the input and gradient of the weights by the definition.
fn plain(conv: Conv, x: &[f32], w: &[f32], dy: &[f32], s: Shape) -> [Vec<f64>; 3] {
    let (height, width) = (conv.slide(s.height), conv.slide(s.width));
    let mut y = vec![0.0; dy.len()];
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
    for n in 0..s.images {
        for o in 0..conv.outputs {
            for i in 0..conv.inputs {
                for at in 0..height * width {
                    let out = (n * conv.outputs + o) * height * width + at;
                    for tap in 0..9 {
                        let row = (at / width + tap / 3).wrapping_sub(conv.padding);
                        let column = (at % width + tap % 3).wrapping_sub(conv.padding);
                        if row < s.height && column < s.width {
                            let a = ((n * conv.inputs + i) * s.height + row) * s.width + column;
                            let k = (o * conv.inputs + i) * 9 + tap;
                            y[out] += f64::from(x[a]) * f64::from(w[k]);
                            dx[a] += f64::from(dy[out]) * f64::from(w[k]);
                            dw[k] += f64::from(dy[out]) * f64::from(x[a]);
                        }
                    }
                }
            }
        }
    }
    [y, dx, dw]
}

/// Largest difference as a share of the largest value.
fn distance(ours: &[f32], plain: &[f64]) -> f64 {
    assert_eq!(ours.len(), plain.len());
    let size = plain.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
    let pairs = ours.iter().zip(plain);
    pairs.fold(0.0f64, |m, (a, b)| m.max((f64::from(*a) - b).abs())) / size
}

/// Largest distance of the result, and of the gradients by input and weights.
fn distances(conv: Conv, images: usize, [height, width]: [usize; 2], salt: u64) -> [f64; 3] {
    let bare = |channels, height, width| Shape {
        images,
        channels,
        height,
        width,
        border: 0,
    };
    let of_input = bare(conv.inputs, height, width);
    let of_output = bare(conv.outputs, conv.slide(height), conv.slide(width));
    let x = numbers(images * conv.inputs * height * width, salt);
    let w = numbers(conv.outputs * conv.inputs * 9, salt + 1);
    let dy = numbers(
        of_output.images * conv.outputs * of_output.height * of_output.width,
        salt + 2,
    );
    let [y, dx, dw] = plain(conv, &x, &w, &dy, of_input);

    let wide = |shape: Shape, border| Shape { border, ..shape };
    let extra = usize::from(salt.is_multiple_of(2));
    let bx = Blocked::from_planar(&x, wide(of_input, conv.padding + extra));
    let mut by = Blocked::zeros(wide(of_output, extra));
    let packed = Packed::tiled_forward(&w, conv.outputs, conv.inputs);
    forward(conv, &bx, &packed, Start::Zero, &mut by, &|_, _, _| {});
    let result = distance(&by.to_planar(), &y);
    only_inside(&by);

    let border = conv.gradient_border(of_input) + extra;
    let bdy = Blocked::from_planar(&dy, wide(of_output, border));
    let mut bdx = Blocked::zeros(wide(of_input, extra));
    let packed = Packed::tiled_backward(&w, conv.outputs, conv.inputs);
    input_gradient(conv, &bdy, &packed, Start::Zero, &mut bdx);
    only_inside(&bdx);
    let by_weights = weight_gradient_of_tiles(conv, &bx, &bdy);
    [
        result,
        distance(&bdx.to_planar(), &dx),
        distance(&by_weights, &dw),
    ]
}

/// Border and unused lanes are zero.
fn only_inside(values: &Blocked) {
    let again = Blocked::from_planar(&values.to_planar(), values.shape());
    assert!(again.values() == values.values(), "border or unused lanes");
}

fn three(inputs: usize, outputs: usize, padding: usize) -> Conv {
    Conv {
        inputs,
        outputs,
        kernel: 3,
        stride: 1,
        padding,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn tiles_give_what_the_definition_gives(
        inputs in 1usize..40,
        outputs in 1usize..70,
        padding in 0usize..3,
        images in 1usize..4,
        height in 3usize..20,
        width in 3usize..20,
        salt in 0u64..1000,
    ) {
        let found = distances(three(inputs, outputs, padding), images, [height, width], salt);
        prop_assert!(found.iter().all(|d| *d < 1e-5), "{found:?}");
    }
}

/// Rounding of the plain loop is about 1e-7 of the largest value here.
#[test]
fn rounding_of_tiles_stays_below_five_millionths_of_the_largest_value() {
    let found = distances(three(128, 64, 1), 2, [24, 24], 3);
    assert!(found.iter().all(|d| *d < 5e-6), "{found:?}");
}

#[test]
fn tiles_start_from_a_bias_or_from_what_is_there_and_show_every_plane_once_it_is_done() {
    let conv = three(20, 40, 1);
    let shape = |channels| Shape {
        images: 3,
        channels,
        height: 13,
        width: 30,
        border: 1,
    };
    let x = Blocked::from_planar(&numbers(3 * 20 * 390, 1), shape(20));
    let w = numbers(40 * 20 * 9, 2);
    let packed = Packed::tiled_forward(&w, 40, 20);
    let seen = Mutex::new(Vec::new());
    let mut zero = Blocked::zeros(shape(40));
    forward(
        conv,
        &x,
        &packed,
        Start::Zero,
        &mut zero,
        &|image, block, planes| {
            let plane = shape(40).plane();
            for index in 0..planes.len() / plane {
                let sum: f32 = planes[index * plane..(index + 1) * plane]
                    .iter()
                    .flat_map(|l| l.0)
                    .sum();
                seen.lock().unwrap().push((image, block + index, sum));
            }
        },
    );
    let mut seen = seen.into_inner().unwrap();
    seen.sort_by_key(|s| (s.0, s.1));
    assert_eq!(seen.len(), 9);
    for (image, block, sum) in seen {
        let whole: f32 = zero.plane(image, block).iter().flat_map(|l| l.0).sum();
        assert!(sum.to_bits() == whole.to_bits(), "{image} {block}");
    }

    let bias: Vec<f32> = (0..40).map(|c| c as f32).collect();
    let blocks = in_blocks(&bias);
    let mut biased = Blocked::zeros(shape(40));
    forward(
        conv,
        &x,
        &packed,
        Start::Bias(&blocks),
        &mut biased,
        &|_, _, _| {},
    );
    let mut twice = zero.clone();
    forward(conv, &x, &packed, Start::Output, &mut twice, &|_, _, _| {});
    let [zero, biased, twice] = [zero, biased, twice].map(|b| b.to_planar());
    for (i, z) in zero.iter().enumerate() {
        assert!((biased[i] - z - bias[i / 390 % 40]).abs() < 1e-5);
        assert!((twice[i] - 2.0 * z).abs() < 1e-5);
    }
}

#[test]
fn tiles_give_the_same_bits_for_any_number_of_threads_and_any_company() {
    let conv = three(32, 48, 1);
    let shape = |channels, images| Shape {
        images,
        channels,
        height: 29,
        width: 17,
        border: 1,
    };
    let x = numbers(5 * 32 * 29 * 17, 7);
    let w = numbers(48 * 32 * 9, 8);
    let run = |threads: usize, images: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let part = &x[..images * 32 * 29 * 17];
            let bx = Blocked::from_planar(part, shape(32, images));
            let mut y = Blocked::zeros(shape(48, images));
            let packed = Packed::tiled_forward(&w, 48, 32);
            forward(conv, &bx, &packed, Start::Zero, &mut y, &|_, _, _| {});
            let dw = weight_gradient_of_tiles(conv, &bx, &y);
            (y.to_planar(), dw)
        })
    };
    let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let (y, dw) = run(1, 5);
    for threads in [2, 3, 8] {
        let (other, by_weights) = run(threads, 5);
        assert!(bits(&y) == bits(&other) && bits(&dw) == bits(&by_weights));
    }
    let (alone, _) = run(2, 1);
    assert!(bits(&y[..alone.len()]) == bits(&alone));
}
