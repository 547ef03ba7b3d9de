//! Depthwise convolutions against the plain definition, over random shapes.

use proptest::prelude::*;
use tumorlens_kernels::depthwise::{Depthwise, Taps, forward, input_gradient, weight_gradient};
use tumorlens_kernels::{Blocked, Shape};

/// Numbers that look random, in [-0.5, 0.5).
fn numbers(count: usize, salt: u64) -> Vec<f32> {
    (0..count as u64)
        .map(|i| {
            let mixed = (i + 1)
                .wrapping_mul(salt | 1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ((mixed ^ (mixed >> 29)) >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        })
        .collect()
}

fn close(ours: &[f32], plain: &[f64], what: &str) {
    assert_eq!(ours.len(), plain.len(), "{what}");
    let size = plain.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(plain).enumerate() {
        let off = (f64::from(*a) - b).abs();
        assert!(off < 2e-5 * size, "{what} {i}: {a} {b}");
    }
}

fn case(of: Depthwise, images: usize, [height, width]: [usize; 2], more: usize, salt: u64) {
    let shape = |height, width, border| Shape {
        images,
        channels: of.channels,
        height,
        width,
        border,
    };
    let (oh, ow) = (of.slide(height), of.slide(width));
    let (input, output) = (shape(height, width, of.padding + more), shape(oh, ow, more));
    let x = numbers(images * of.channels * height * width, salt);
    let w = numbers(of.channels * of.kernel * of.kernel, salt ^ 5);
    let b = numbers(of.channels, salt ^ 7);
    let g = numbers(images * of.channels * oh * ow, salt ^ 11);
    let start = numbers(x.len(), salt ^ 13);

    let (mut y, mut by_x, mut by_w) = (
        vec![0.0; g.len()],
        start.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>(),
        vec![0.0; w.len()],
    );
    for map in 0..images * of.channels {
        let channel = map % of.channels;
        for oy in 0..oh {
            for ox in 0..ow {
                let out = (map * oh + oy) * ow + ox;
                y[out] += f64::from(b[channel]);
                for ky in 0..of.kernel {
                    for kx in 0..of.kernel {
                        let iy = (oy * of.stride + ky).wrapping_sub(of.padding);
                        let ix = (ox * of.stride + kx).wrapping_sub(of.padding);
                        if iy < height && ix < width {
                            let from = (map * height + iy) * width + ix;
                            let tap = (channel * of.kernel + ky) * of.kernel + kx;
                            y[out] += f64::from(w[tap]) * f64::from(x[from]);
                            by_x[from] += f64::from(w[tap]) * f64::from(g[out]);
                            by_w[tap] += f64::from(x[from]) * f64::from(g[out]);
                        }
                    }
                }
            }
        }
    }

    let (bx, bg) = (
        Blocked::from_planar(&x, input),
        Blocked::from_planar(&g, output),
    );
    let taps = Taps::new(of, &w);
    let mut out = Blocked::zeros(output);
    forward(of, &bx, &taps, &b, &mut out);
    close(&out.to_planar(), &y, "forward");
    let planes = out
        .values()
        .iter()
        .filter(|lane| lane.0 != [0.0; 16])
        .count();
    assert!(
        planes <= images * out.shape().blocks() * oh * ow,
        "the border stays zero"
    );
    let mut bare = Blocked::zeros(output);
    forward(of, &bx, &taps, &[], &mut bare);
    assert_eq!(bare.shape(), out.shape());

    let mut ours = Blocked::from_planar(&start, shape(height, width, more));
    input_gradient(of, &bg, &taps, &mut ours);
    close(&ours.to_planar(), &by_x, "by the input");
    close(&weight_gradient(of, &bx, &bg), &by_w, "by the weights");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_geometry_agrees_with_the_definition(
        channels in 1usize..40,
        half in 0usize..4,
        stride in 1usize..4,
        padding in 0usize..4,
        images in 1usize..4,
        height in 1usize..20,
        width in 1usize..20,
        more in 0usize..2,
        salt in any::<u64>(),
    ) {
        let kernel = 2 * half + 1;
        prop_assume!(height + 2 * padding >= kernel && width + 2 * padding >= kernel);
        let of = Depthwise { channels, kernel, stride, padding };
        case(of, images, [height, width], more, salt);
    }
}

#[test]
fn a_kernel_may_be_wider_than_the_image_and_most_of_it_lie_on_the_padding() {
    for (kernel, padding, stride, sides) in [
        (7, 3, 1, [1, 1]),
        (7, 3, 1, [2, 2]),
        (7, 3, 2, [2, 5]),
        (5, 2, 3, [1, 9]),
        (3, 3, 2, [1, 2]),
        (1, 2, 1, [1, 3]),
    ] {
        let of = Depthwise {
            channels: 17,
            kernel,
            stride,
            padding,
        };
        case(of, 2, sides, 0, 9);
    }
}

#[test]
fn the_same_bits_come_out_for_one_and_two_threads() {
    let of = Depthwise {
        channels: 33,
        kernel: 7,
        stride: 1,
        padding: 3,
    };
    let shape = Shape {
        images: 5,
        channels: 33,
        height: 17,
        width: 23,
        border: 3,
    };
    let x = Blocked::from_planar(&numbers(5 * 33 * 17 * 23, 3), shape);
    let g = Blocked::from_planar(&numbers(5 * 33 * 17 * 23, 4), Shape { border: 0, ..shape });
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map(|pool| pool.install(|| weight_gradient(of, &x, &g)))
            .map(|all| all.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
            .ok()
    };
    assert_eq!(bits(1), bits(2));
}
