//! Convolutions against the plain definition, over random shapes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use tumorlens_kernels::conv::{Conv, Packed, Start, forward, input_gradient, weight_gradient};
use tumorlens_kernels::{Blocked, Isa, Shape};

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

/// Every product of the definition: `visit(input index, weight index, output index)`.
fn products(conv: Conv, input: Shape, output: Shape, mut visit: impl FnMut(usize, usize, usize)) {
    let k = conv.kernel;
    for n in 0..input.images {
        for o in 0..conv.outputs {
            for oy in 0..output.height {
                for ox in 0..output.width {
                    for i in 0..conv.inputs {
                        for ky in 0..k {
                            for kx in 0..k {
                                let y = (oy * conv.stride + ky).wrapping_sub(conv.padding);
                                let x = (ox * conv.stride + kx).wrapping_sub(conv.padding);
                                if y < input.height && x < input.width {
                                    visit(
                                        ((n * conv.inputs + i) * input.height + y) * input.width
                                            + x,
                                        ((o * conv.inputs + i) * k + ky) * k + kx,
                                        ((n * conv.outputs + o) * output.height + oy)
                                            * output.width
                                            + ox,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn close(ours: &[f32], plain: &[f64], what: &str) {
    assert_eq!(ours.len(), plain.len(), "{what}");
    let size = plain.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(plain).enumerate() {
        assert!(
            (f64::from(*a) - b).abs() < 2e-5 * size,
            "{what} {i}: {a} {b}"
        );
    }
}

fn case(conv: Conv, images: usize, [height, width]: [usize; 2], salt: u64) {
    let shape = |channels, height, width, border| Shape {
        images,
        channels,
        height,
        width,
        border,
    };
    let input = shape(
        conv.inputs,
        height,
        width,
        conv.padding + usize::from(salt.is_multiple_of(2)),
    );
    let bare = shape(conv.outputs, conv.slide(height), conv.slide(width), 0);
    let x = numbers(images * conv.inputs * height * width, salt);
    let w = numbers(
        conv.outputs * conv.inputs * conv.kernel * conv.kernel,
        salt + 1,
    );
    let dy = numbers(images * conv.outputs * bare.height * bare.width, salt + 2);
    let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
    products(conv, input, bare, |i, k, o| {
        y[o] += f64::from(x[i]) * f64::from(w[k]);
        dx[i] += f64::from(dy[o]) * f64::from(w[k]);
        dw[k] += f64::from(dy[o]) * f64::from(x[i]);
    });
    let taps = conv.kernel * conv.kernel;
    let (bx, bdy) = (
        Blocked::from_planar(&x, input),
        Blocked::from_planar(
            &dy,
            Shape {
                border: conv.gradient_border(input),
                ..bare
            },
        ),
    );
    let mut by = Blocked::zeros(bare);
    let packed = Packed::forward(&w, conv.outputs, conv.inputs, taps);
    forward(conv, &bx, &packed, Start::Zero, &mut by, &|_, _, _| {});
    close(&by.to_planar(), &y, "forward");
    let mut bdx = Blocked::zeros(input);
    let packed = Packed::backward(&w, conv.outputs, conv.inputs, taps);
    input_gradient(conv, &bdy, &packed, Start::Zero, &mut bdx);
    close(&bdx.to_planar(), &dx, "by the input");
    close(&weight_gradient(conv, &bx, &bdy), &dw, "by the weights");
}

#[test]
fn the_layers_of_the_models_agree_with_the_definition() {
    for (inputs, outputs, kernel, stride, side) in [
        (1, 32, 3, 1, 16),
        (3, 64, 7, 2, 24),
        (32, 64, 3, 1, 9),
        (64, 128, 3, 2, 8),
        (64, 128, 1, 2, 8),
        (80, 16, 1, 1, 4),
        (64, 64, 3, 1, 4),
    ] {
        let conv = Conv {
            inputs,
            outputs,
            kernel,
            stride,
            padding: kernel / 2,
        };
        case(conv, 2, [side, side], 5);
    }
}

/// The choice is made once a process, so each instruction set runs the other tests in one of its own.
#[test]
fn every_instruction_set_of_this_processor_agrees_with_the_definition() {
    if std::env::var_os("TUMORLENS_ISA").is_some() {
        return;
    }
    for isa in Isa::available() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .env("TUMORLENS_ISA", isa.name())
            .arg("agree")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{isa:?}: {said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_shape_agrees_with_the_definition(
        inputs in 1usize..40, outputs in 1usize..40, kernel in 1usize..6, stride in 1usize..4,
        padding in 0usize..4, images in 1usize..3, height in 1usize..12, width in 1usize..20, salt in 0u64..1000,
    ) {
        let padding = padding.min(kernel - 1);
        prop_assume!(height + 2 * padding >= kernel && width + 2 * padding >= kernel);
        case(Conv { inputs, outputs, kernel, stride, padding }, images, [height, width], salt);
    }
}
