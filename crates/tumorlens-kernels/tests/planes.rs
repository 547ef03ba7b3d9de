//! What works plane by plane: layouts, pooling, upsampling, normalisation.

use proptest::prelude::*;
use tumorlens_kernels::norm::{self, Normalised, in_blocks, moments, statistics};
use tumorlens_kernels::pool::{self, MaxPool};
use tumorlens_kernels::{Activation, Blocked, Lane, Shape, element};

fn numbers(count: usize, salt: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i + salt) as u64 * 2_654_435_761 % (1 << 32)) as f32 / (1u64 << 31) as f32 - 1.0)
        .collect()
}

fn count(s: Shape) -> usize {
    s.images * s.channels * s.height * s.width
}

fn made(shape: Shape, salt: usize) -> Blocked {
    Blocked::from_planar(&numbers(count(shape), salt), shape)
}

fn dot(a: &Blocked, b: &Blocked) -> f64 {
    let pairs = a.to_planar().into_iter().zip(b.to_planar());
    pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum()
}

prop_compose! {
    fn shapes()(images in 1usize..3, channels in 1usize..36, height in 1usize..9, width in 1usize..12, border in 0usize..3)
        -> Shape {
        Shape { images, channels, height, width, border }
    }
}

proptest! {
    #[test]
    fn values_come_back_and_borders_and_unused_lanes_are_zero(shape in shapes()) {
        let values = numbers(count(shape), 3);
        let blocked = Blocked::from_planar(&values, shape);
        prop_assert_eq!(&blocked.to_planar(), &values);
        let all: f64 = blocked.values().iter().flat_map(|l: &Lane| l.0).map(|v| f64::from(v).abs()).sum();
        let inner: f64 = values.iter().map(|v| f64::from(*v).abs()).sum();
        prop_assert!((all - inner).abs() < 1e-9 * (1.0 + inner));
    }

    /// A linear map and its derivative are adjoint: (A x, g) = (x, A' g).
    #[test]
    fn means_and_upsampling_are_adjoint_to_their_gradients(shape in shapes(), grid in 1usize..5, more in 0usize..9) {
        let cells = Shape { height: grid.min(shape.height), width: grid.min(shape.width), border: 1, ..shape };
        let (x, g) = (made(shape, 1), made(cells, 2));
        let (mut y, mut by_x) = (Blocked::zeros(cells), Blocked::zeros(shape));
        pool::mean(&x, &mut y);
        pool::mean_gradient(&g, &mut by_x);
        prop_assert!((dot(&y, &g) - dot(&x, &by_x)).abs() < 1e-4);

        let large = Shape { height: shape.height + more, width: shape.width + 2 * more, border: 0, ..shape };
        let g = made(large, 2);
        let (mut y, mut by_x) = (Blocked::zeros(large), Blocked::zeros(shape));
        pool::upsample(&x, &mut y);
        pool::upsample_gradient(&g, &mut by_x);
        prop_assert!((dot(&y, &g) - dot(&x, &by_x)).abs() < 1e-3);
    }

    #[test]
    fn a_maximum_gives_all_its_gradient_to_one_pixel(shape in shapes(), kernel in 1usize..4, stride in 1usize..3) {
        let padding = (kernel - 1) / 2;
        let slide = |side: usize| (side + 2 * padding).checked_sub(kernel).map(|s| s / stride + 1);
        let (Some(height), Some(width)) = (slide(shape.height), slide(shape.width)) else { return Ok(()) };
        let to = Shape { height, width, border: 0, ..shape };
        let of = MaxPool { kernel, stride, padding };
        // Equal everywhere: the first of each window wins, and nothing is lost or doubled.
        let x = Blocked::from_planar(&vec![0.5; count(shape)], shape);
        let (mut y, mut by_x) = (Blocked::zeros(to), Blocked::zeros(shape));
        pool::max(of, &x, &mut y);
        prop_assert!(y.to_planar().iter().all(|v| (v - 0.5).abs() < 1e-9));
        let g = made(to, 4);
        pool::max_gradient(of, &x, &g, &mut by_x);
        let sum = |b: &Blocked| b.to_planar().iter().map(|v| f64::from(*v)).sum::<f64>();
        prop_assert!((sum(&g) - sum(&by_x)).abs() < 1e-3);
    }

    #[test]
    fn a_pool_in_the_same_pass_changes_nothing(
        shape in shapes(),
        (kernel, stride, padded) in (1usize..4, 1usize..4, any::<bool>()),
        (which, of_batch) in (0usize..4, any::<bool>()),
    ) {
        let padding = if padded { (kernel - 1) / 2 } else { 0 };
        let slide = |side: usize| (side + 2 * padding).checked_sub(kernel).map(|s| s / stride + 1);
        let (Some(height), Some(width)) = (slide(shape.height), slide(shape.width)) else { return Ok(()) };
        let to = Shape { height, width, border: 1, ..shape };
        let of = MaxPool { kernel, stride, padding };
        let activation = [Activation::Identity, Activation::Relu, Activation::LeakyRelu, Activation::Elu][which];
        let channel = |salt: usize| in_blocks(&(0..shape.channels).map(|c| 0.3 + ((c + salt) % 7) as f32 / 9.0).collect::<Vec<_>>());
        let (gamma, beta, mean, inverse) = (channel(1), channel(3), channel(4), channel(2));
        let [scale, shift] = norm::folded(&gamma, &beta, &mean, &inverse);
        let x = made(shape, 21);
        let (mut whole, mut apart, mut joined) = (Blocked::zeros(shape), Blocked::zeros(to), Blocked::zeros(to));
        norm::apply(&x, &scale, &shift, None, activation, &mut whole);
        pool::max(of, &whole, &mut apart);
        norm::apply_pooled(&x, [&scale, &shift], activation, of, &mut joined);
        let pairs = apart.to_planar().into_iter().zip(joined.to_planar());
        prop_assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5));

        let g = made(to, 22);
        let normalised = Normalised {
            x: &x, add: None, gamma: &gamma, beta: &beta, mean: &mean, inverse: &inverse, activation, of_batch,
        };
        let (mut by_whole, mut by_apart, mut by_joined) = (Blocked::zeros(shape), Blocked::zeros(shape), Blocked::zeros(shape));
        pool::max_gradient(of, &whole, &g, &mut by_whole);
        let apart = norm::gradient(normalised, &mut by_whole, &mut by_apart);
        let joined = norm::gradient_pooled(normalised, of, &g, &mut by_joined);
        let pairs = [(apart.0, joined.0), (apart.1, joined.1), (by_apart.to_planar(), by_joined.to_planar())];
        for (a, b) in pairs {
            prop_assert_eq!(a.len(), b.len());
            prop_assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4 * (1.0 + a.abs())));
        }
        let again: Blocked = Blocked::from_planar(&by_joined.to_planar(), shape);
        prop_assert!(again.values() == by_joined.values(), "border or unused lanes");
    }

    #[test]
    fn normalised_values_have_mean_0_and_variance_1_and_gradients_without_both(shape in shapes()) {
        prop_assume!(shape.images * shape.height * shape.width > 3);
        let x = made(shape, 9);
        let of: Vec<_> = (0..shape.images * shape.blocks())
            .map(|i| moments(shape, x.plane(i / shape.blocks(), i % shape.blocks())))
            .collect();
        let (mean, variance) = statistics::<Lane>(shape, &of);
        let ones = in_blocks(&vec![1.0; shape.channels]);
        let zeros = in_blocks(&vec![0.0; shape.channels]);
        let inverse = in_blocks(&variance.iter().map(|v| 1.0 / (v + 1e-12).sqrt()).collect::<Vec<_>>());
        let mean = in_blocks(&mean);
        let [scale, shift] = norm::folded(&ones, &zeros, &mean, &inverse);
        let (mut y, mut by_x) = (Blocked::zeros(shape), Blocked::zeros(shape));
        norm::apply(&x, &scale, &shift, None, Activation::Identity, &mut y);
        let mut g = made(shape, 11);
        let of = Normalised {
            x: &x, add: None, gamma: &ones, beta: &zeros, mean: &mean, inverse: &inverse,
            activation: Activation::Identity, of_batch: true,
        };
        let _ = norm::gradient(of, &mut g, &mut by_x);
        // Neither a shift of x nor a stretch of it changes y.
        let area = shape.height * shape.width;
        for channel in 0..shape.channels {
            let of = |b: &Blocked| -> Vec<f64> {
                b.to_planar().chunks(area).skip(channel).step_by(shape.channels).flatten().map(|v| f64::from(*v)).collect()
            };
            let (y, slope) = (of(&y), of(&by_x));
            let n = y.len() as f64;
            prop_assert!((y.iter().sum::<f64>() / n).abs() < 1e-4);
            prop_assert!((y.iter().map(|v| v * v).sum::<f64>() / n - 1.0).abs() < 1e-3);
            let size = slope.iter().map(|v| v.abs()).sum::<f64>() + 1.0;
            prop_assert!(slope.iter().sum::<f64>().abs() < 1e-3 * size);
            let along: f64 = slope.iter().zip(&y).map(|(a, b)| a * b).sum();
            prop_assert!(along.abs() < 1e-3 * size, "{along}");
        }
    }
}

#[test]
fn derivatives_of_the_non_linearities_are_their_finite_differences() {
    let shape = Shape {
        images: 1,
        channels: 16,
        height: 1,
        width: 40,
        border: 0,
    };
    let x: Vec<f32> = (0..640).map(|i| (i as f32 - 320.5) / 80.0).collect();
    let run = |which, x: &[f32]| {
        let mut out: Blocked = Blocked::zeros(shape);
        element::activate(which, &Blocked::from_planar(x, shape), &mut out);
        out.to_planar()
    };
    for which in [
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Elu,
    ] {
        let step = 1e-3;
        let shifted = |by: f32| run(which, &x.iter().map(|v| v + by).collect::<Vec<_>>());
        let (above, below) = (shifted(step), shifted(-step));
        let mut slope: Blocked = Blocked::from_planar(&vec![1.0; 640], shape);
        element::activate_gradient(which, &Blocked::from_planar(&x, shape), &mut slope);
        for (i, slope) in slope.to_planar().into_iter().enumerate() {
            let finite = (above[i] - below[i]) / (2.0 * step);
            assert!(
                (slope - finite).abs() < 2e-3,
                "{which:?} at {}: {slope} {finite}",
                x[i]
            );
        }
    }
}
