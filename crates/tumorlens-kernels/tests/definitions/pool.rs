//! Pools and resizing.

use crate::plain::{agree, batch, bilinear, count, means, numbers, wide, windows};
use crate::{below, cases, channels};
use proptest::prelude::*;
use tumorlens_kernels::pool::{self, MaxPool};
use tumorlens_kernels::{Blocked, Shape};

prop_compose! {
    fn any_shape()(
        images in 1..below(4), channels in channels(), height in 1..below(14), width in 1..below(20), border in 0usize..3,
    ) -> Shape {
        Shape { images, channels, height, width, border }
    }
}

/// Forward and gradient of a linear map against the list of its shares.
fn linear(
    [from, to]: [Shape; 2],
    salt: u64,
    what: &str,
    forward: impl Fn(&Blocked, &mut Blocked),
    gradient: impl Fn(&Blocked, &mut Blocked),
    shares: impl Fn(&mut dyn FnMut(usize, usize, f64)),
) {
    let (x, blocked_x) = batch(from, salt);
    let (g, blocked_g) = batch(to, salt ^ 1);
    let mut y = vec![0.0; g.len()];
    // The gradient is added to what is there, whatever its border.
    let open = Shape {
        border: to.border,
        ..from
    };
    let (mut by_x, mut ours_by_x) = batch(open, salt ^ 2);
    shares(&mut |i, o, share| {
        y[o] += share * x[i];
        by_x[i] += share * g[o];
    });
    let mut out = batch(to, salt ^ 3).1;
    forward(&blocked_x, &mut out);
    agree(&out, &y, 1e-6, &format!("{what} of {from:?} to {to:?}"));
    gradient(&blocked_g, &mut ours_by_x);
    agree(
        &ours_by_x,
        &by_x,
        4e-6,
        &format!("gradient of {what} of {from:?} to {to:?}"),
    );
}

proptest! {
    #![proptest_config(cases(192))]

    /// Values are few, so that windows have several largest ones: the first of them takes the gradient.
    #[test]
    fn any_maximum_and_its_gradient_are_those_of_the_definition_to_the_bit(
        shape in any_shape(), kernel in 1usize..6, stride in 1usize..5, padding in 0usize..5, levels in 1u32..40,
        border in 0usize..3, salt in 0u64..1000,
    ) {
        let of = MaxPool { kernel, stride, padding: padding.min(kernel - 1) };
        let slide = |side: usize| (side + 2 * of.padding).checked_sub(kernel).map(|room| room / stride + 1);
        let (Some(height), Some(width)) = (slide(shape.height), slide(shape.width)) else { return Ok(()) };
        let to = Shape { height, width, border, ..shape };
        let values: Vec<f32> = numbers(count(shape), salt).iter().map(|v| (v * levels as f32).round() - 3.0).collect();
        let x = Blocked::from_planar(&values, shape);
        // Whole numbers, so that sums of them are exact.
        let whole = |shape: Shape, salt| -> Vec<f32> {
            numbers(count(shape), salt).iter().map(|v| (v * 100.0).round()).collect()
        };
        let (g, before) = (whole(to, salt ^ 1), whole(shape, salt ^ 2));
        let (mut y, mut by_x) = (vec![0.0; g.len()], wide(&before));
        windows(of, shape, to, |window, o| {
            let most = window.iter().map(|&i| values[i]).fold(f32::NEG_INFINITY, f32::max);
            let first = window.iter().find(|&&i| values[i] >= most);
            y[o] = f64::from(most);
            by_x[*first.unwrap()] += f64::from(g[o]);
        });
        let mut out = batch(to, salt ^ 3).1;
        pool::max(of, &x, &mut out);
        agree(&out, &y, 0.0, "maximum");
        let mut ours = Blocked::from_planar(&before, Shape { border, ..shape });
        pool::max_gradient(of, &x, &Blocked::from_planar(&g, to), &mut ours);
        agree(&ours, &by_x, 0.0, "gradient of the maximum");
    }

    #[test]
    fn means_of_any_grid_and_their_gradients_agree_with_the_definition(
        from in any_shape(), height in 1..below(9), width in 1..below(9), border in 0usize..3, salt in 0u64..1000,
    ) {
        let to = Shape { height, width, border, ..from };
        linear([from, to], salt, "mean", pool::mean, pool::mean_gradient, |visit| means(from, to, visit));
    }

    #[test]
    fn resizing_up_and_down_and_its_gradient_agree_with_the_definition(
        from in any_shape(), height in 1..below(20), width in 1..below(30), border in 0usize..3, salt in 0u64..1000,
    ) {
        let to = Shape { height, width, border, ..from };
        let (up, back) = (pool::upsample, pool::upsample_gradient);
        linear([from, to], salt, "resize", up, back, |visit| bilinear(from, to, visit));
    }
}
