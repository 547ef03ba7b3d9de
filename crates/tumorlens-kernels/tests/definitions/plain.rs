//! The plain definitions, in double precision on `[image, channel, row, column]`. The fuzz target reads this file too.

use tumorlens_kernels::conv::Conv;
use tumorlens_kernels::depthwise::Depthwise;
use tumorlens_kernels::pool::MaxPool;
use tumorlens_kernels::{Activation, Blocked, LANES, Shape};

/// Every non-linearity.
pub(crate) const ACTIVATIONS: [Activation; 6] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Gelu,
    Activation::Silu,
    Activation::Elu,
];

/// Numbers that look random, in [-0.5, 0.5).
pub(crate) fn numbers(count: usize, salt: u64) -> Vec<f32> {
    let mut state = salt
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .max(1);
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        })
        .collect()
}

/// A batch of such numbers, planar and in blocks.
pub(crate) fn batch(shape: Shape, salt: u64) -> (Vec<f64>, Blocked) {
    let values = numbers(count(shape), salt);
    (wide(&values), Blocked::from_planar(&values, shape))
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// Values of a planar batch.
pub(crate) fn count(s: Shape) -> usize {
    s.images * s.channels * s.height * s.width
}

/// Position in a planar batch.
fn place(s: Shape, image: usize, channel: usize, y: usize, x: usize) -> usize {
    ((image * s.channels + channel) * s.height + y) * s.width + x
}

/// Calls with image, row and column of every pixel of a map.
fn pixels(s: Shape, mut visit: impl FnMut(usize, usize, usize)) {
    for n in 0..s.images {
        for y in 0..s.height {
            for x in 0..s.width {
                visit(n, y, x);
            }
        }
    }
}

/// Rows (or columns) that a window sees, with their place in the window.
fn seen(
    at: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    side: usize,
) -> Vec<(usize, usize)> {
    (0..kernel)
        .filter_map(|k| Some((k, (at * stride + k).checked_sub(padding)?)))
        .filter(|(_, position)| *position < side)
        .collect()
}

/// Every product of a convolution: positions of input, weight and output.
pub(crate) fn convolution(
    conv: Conv,
    from: Shape,
    to: Shape,
    mut visit: impl FnMut(usize, usize, usize),
) {
    let k = conv.kernel;
    pixels(to, |n, y, x| {
        for (ky, row) in seen(y, k, conv.stride, conv.padding, from.height) {
            for (kx, column) in seen(x, k, conv.stride, conv.padding, from.width) {
                for o in 0..conv.outputs {
                    for i in 0..conv.inputs {
                        visit(
                            place(from, n, i, row, column),
                            ((o * conv.inputs + i) * k + ky) * k + kx,
                            place(to, n, o, y, x),
                        );
                    }
                }
            }
        }
    });
}

/// Every product of a depthwise convolution: positions of input, weight and output.
pub(crate) fn depthwise(
    of: Depthwise,
    from: Shape,
    to: Shape,
    mut visit: impl FnMut(usize, usize, usize),
) {
    let k = of.kernel;
    pixels(to, |n, y, x| {
        for (ky, row) in seen(y, k, of.stride, of.padding, from.height) {
            for (kx, column) in seen(x, k, of.stride, of.padding, from.width) {
                for c in 0..of.channels {
                    let weight = (c * k + ky) * k + kx;
                    visit(
                        place(from, n, c, row, column),
                        weight,
                        place(to, n, c, y, x),
                    );
                }
            }
        }
    });
}

/// Every window of a pool: positions of its input, row by row, and of its output.
pub(crate) fn windows(
    pool: MaxPool,
    from: Shape,
    to: Shape,
    mut visit: impl FnMut(&[usize], usize),
) {
    let MaxPool {
        kernel,
        stride,
        padding,
    } = pool;
    pixels(to, |n, y, x| {
        for c in 0..to.channels {
            let mut window = Vec::new();
            for (_, row) in seen(y, kernel, stride, padding, from.height) {
                for (_, column) in seen(x, kernel, stride, padding, from.width) {
                    window.push(place(from, n, c, row, column));
                }
            }
            visit(&window, place(to, n, c, y, x));
        }
    });
}

/// A map of every pixel to every pixel that works on rows and columns apart: positions of input and output and the
/// share of the one in the other. `share(out, outs, in, ins)` is that along one axis.
fn separable(
    from: Shape,
    to: Shape,
    share: impl Fn(usize, usize, usize, usize) -> f64,
    mut visit: impl FnMut(usize, usize, f64),
) {
    pixels(to, |n, y, x| {
        for row in 0..from.height {
            for column in 0..from.width {
                let part =
                    share(y, to.height, row, from.height) * share(x, to.width, column, from.width);
                for c in 0..to.channels {
                    visit(place(from, n, c, row, column), place(to, n, c, y, x), part);
                }
            }
        }
    });
}

/// The mean of cells that overlap with an equal part of the side.
pub(crate) fn means(from: Shape, to: Shape, visit: impl FnMut(usize, usize, f64)) {
    let overlaps = |out: usize, outs: usize, at: usize, side: usize| {
        at * outs < (out + 1) * side && (at + 1) * outs > out * side
    };
    let share = |out, outs, at, side| {
        let members = (0..side).filter(|&i| overlaps(out, outs, i, side)).count();
        f64::from(u8::from(overlaps(out, outs, at, side))) / members as f64
    };
    separable(from, to, share, visit);
}

/// Bilinear resize with half-pixel centres, as a tent around the position.
pub(crate) fn bilinear(from: Shape, to: Shape, visit: impl FnMut(usize, usize, f64)) {
    let share = |out: usize, outs: usize, at: usize, side: usize| {
        let position = (out as f64 + 0.5) * side as f64 / outs as f64 - 0.5;
        let position = position.clamp(0.0, side as f64 - 1.0);
        (1.0 - (position - at as f64).abs()).max(0.0)
    };
    separable(from, to, share, visit);
}

/// The error function by a series of terms of one sign, good to 1e-15.
fn erf(z: f64) -> f64 {
    let (mut term, mut sum) = (z, z);
    let mut odd = 1.0;
    while term.abs() > 1e-17 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * z * z / odd;
        sum += term;
    }
    2.0 / std::f64::consts::PI.sqrt() * (-z * z).exp() * sum
}

/// A non-linearity.
pub(crate) fn activate(which: Activation, x: f64) -> f64 {
    match which {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu => x.max(0.01 * x),
        Activation::Gelu if x.abs() > 12.0 => x.max(0.0),
        Activation::Gelu => 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2)),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Elu => x.max(0.0) + x.min(0.0).exp_m1(),
    }
}

/// Whether the derivative of a non-linearity bends or jumps close to here.
pub(crate) fn kink(which: Activation, x: f64) -> bool {
    use Activation::{Elu, LeakyRelu, Relu};
    matches!(which, Relu | LeakyRelu | Elu) && x.abs() < 1e-4
}

/// The derivative of a function by the symmetric difference.
pub(crate) fn slope(f: impl Fn(f64) -> f64, x: f64) -> f64 {
    let step = 1e-5 * x.abs().max(1.0);
    (f(x + step) - f(x - step)) / (2.0 * step)
}

/// Fails unless all values agree to `share` of the largest, and borders and unused lanes are zero.
pub(crate) fn agree(ours: &Blocked, plain: &[f64], share: f64, what: &str) {
    near(&ours.to_planar(), plain, share, what);
    tidy(ours, what);
}

/// Fails unless all values agree to `share` of the largest (or of 1).
pub(crate) fn near(ours: &[f32], plain: &[f64], share: f64, what: &str) {
    assert_eq!(ours.len(), plain.len(), "{what}");
    let room = share * plain.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(plain).enumerate() {
        assert!(
            (f64::from(*a) - b).abs() <= room,
            "{what}, value {i}: {a}, by the definition {b}"
        );
    }
}

/// Weights of a convolution.
pub(crate) fn weights_of(conv: Conv, salt: u64) -> Vec<f32> {
    let taps = conv.kernel * conv.kernel;
    numbers(conv.outputs * conv.inputs * taps, salt)
}

/// The shape of the maxima over a map, with a border; none where a window is larger than the map.
pub(crate) fn pooled(pool: MaxPool, from: Shape, border: usize) -> Option<Shape> {
    let slide = |side: usize| {
        let room = (side + 2 * pool.padding).checked_sub(pool.kernel)?;
        Some(room / pool.stride + 1)
    };
    Some(Shape {
        height: slide(from.height)?,
        width: slide(from.width)?,
        border,
        ..from
    })
}

/// Fails unless borders and unused lanes are zero.
pub(crate) fn tidy(values: &Blocked, what: &str) {
    let s = values.shape();
    for (at, pixel) in values.values().iter().enumerate() {
        let (block, at) = (at / s.plane() % s.blocks(), at % s.plane());
        let inside = |at: usize, side: usize| (s.border..s.border + side).contains(&at);
        let inside = inside(at / s.row(), s.height) && inside(at % s.row(), s.width);
        let used = if inside {
            (s.channels - block * LANES).min(LANES)
        } else {
            0
        };
        assert!(
            pixel.0[used..]
                .iter()
                .all(|v| v.to_bits() & (u32::MAX >> 1) == 0),
            "{what}: border or unused lanes of {s:?}: {pixel:?}"
        );
    }
}
