//! Non-linearities and what works value by value.

use crate::plain::{ACTIVATIONS, activate, agree, batch, count, kink, near, numbers, slope, wide};
use crate::{below, cases, channels};
use proptest::prelude::*;
use tumorlens_kernels::{Activation, Blocked, Shape, element};

/// One row of a block; the values that are not given are zero.
fn row(values: &[f32]) -> Blocked {
    let mut row = values.to_vec();
    row.resize(values.len().next_multiple_of(16), 0.0);
    let shape = Shape {
        images: 1,
        channels: 16,
        height: 1,
        width: row.len() / 16,
        border: 0,
    };
    Blocked::from_planar(&row, shape)
}

fn run(which: Activation, x: &[f32]) -> Vec<f32> {
    let x_row = row(x);
    let mut out = Blocked::zeros(x_row.shape());
    element::activate(which, &x_row, &mut out);
    out.to_planar()[..x.len()].to_vec()
}

fn slopes(which: Activation, x: &[f32]) -> Vec<f32> {
    let mut slope = row(&vec![1.0; x.len()]);
    element::activate_gradient(which, &row(x), &mut slope);
    slope.to_planar()[..x.len()].to_vec()
}

/// From -30 to 30, closer together in the middle.
fn line() -> Vec<f32> {
    let count = if cfg!(miri) { 24 } else { 2000 };
    (0..count)
        .map(|i| 2.0 * (i as f32 + 0.5) / count as f32 - 1.0)
        .map(|part| 30.0 * part * part * part)
        .collect()
}

#[test]
fn values_of_the_non_linearities_are_those_of_the_definition() {
    let x = line();
    for which in ACTIVATIONS {
        for (x, y) in x.iter().zip(run(which, &x)) {
            let plain = activate(which, f64::from(*x));
            let off = (f64::from(y) - plain).abs();
            assert!(
                off < 4e-7 * f64::from(x.abs().max(1.0)),
                "{which:?} of {x}: {y} {plain}"
            );
        }
    }
}

#[test]
fn derivatives_of_the_non_linearities_are_finite_differences_of_the_definition() {
    let x = line();
    for which in ACTIVATIONS {
        for (x, ours) in x.iter().zip(slopes(which, &x)) {
            let x = f64::from(*x);
            if !kink(which, x) {
                let finite = slope(|x| activate(which, x), x);
                let off = (f64::from(ours) - finite).abs();
                assert!(off < 2e-6, "{which:?} at {x}: {ours} {finite}");
            }
        }
    }
}

#[test]
fn far_from_zero_every_non_linearity_is_a_line_or_constant() {
    let far = [1e3f32, 1e10, 1e30, f32::MAX];
    for which in ACTIVATIONS {
        let (above, below) = (run(which, &far), run(which, &far.map(|v| -v)));
        let (up, down) = (slopes(which, &far), slopes(which, &far.map(|v| -v)));
        near(&above, &wide(&far), 1e-6, "above");
        near(&up, &[1.0; 4], 1e-6, "slope above");
        let (factor, constant) = match which {
            Activation::Identity => (1.0, 0.0),
            Activation::LeakyRelu => (0.01, 0.0),
            Activation::Elu => (0.0, -1.0),
            _ => (0.0, 0.0),
        };
        let line = far.map(|v| -factor * f64::from(v) + constant);
        near(&below, &line, 1e-6, "below");
        near(&down, &[factor; 4], 1e-6, "slope below");
    }
}

#[test]
fn zero_stays_zero_so_that_unused_lanes_do() {
    for which in ACTIVATIONS {
        assert_eq!(run(which, &[0.0]), [0.0], "{which:?}");
    }
}

prop_compose! {
    fn any_pair()(
        images in 1..below(4), channels in channels(), height in 1..below(9), width in 1..below(12), one in 0usize..3,
        other in 0usize..3,
    ) -> [Shape; 2] {
        let shape = |border| Shape { images, channels, height, width, border };
        [shape(one), shape(other)]
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn sums_copies_and_factors_are_value_by_value_whatever_the_borders([from, to] in any_pair(), salt in 0u64..1000) {
        let ((x, blocked_x), (mut y, mut out)) = (batch(from, salt), batch(to, salt ^ 1));
        element::add(&blocked_x, &mut out);
        y.iter_mut().zip(&x).for_each(|(y, x)| *y += x);
        agree(&out, &y, 1e-7, "sum");
        let factors = numbers(count(to), salt ^ 2);
        element::scale(&factors, &mut out);
        y.iter_mut().zip(wide(&factors)).for_each(|(y, f)| *y *= f);
        agree(&out, &y, 2e-7, "product");
        element::copy(&blocked_x, &mut out);
        agree(&out, &x, 0.0, "copy");
    }

    #[test]
    fn non_linearities_of_a_batch_are_value_by_value_whatever_the_borders(
        [from, to] in any_pair(), which in proptest::sample::select(&ACTIVATIONS), salt in 0u64..1000,
    ) {
        let ((x, blocked_x), (mut g, mut gradient)) = (batch(from, salt), batch(to, salt ^ 1));
        prop_assume!(!x.iter().any(|x| kink(which, *x)));
        let mut out = batch(to, salt ^ 2).1;
        element::activate(which, &blocked_x, &mut out);
        let y: Vec<f64> = x.iter().map(|x| activate(which, *x)).collect();
        agree(&out, &y, 4e-7, "activation");
        element::activate_gradient(which, &blocked_x, &mut gradient);
        g.iter_mut().zip(&x).for_each(|(g, x)| *g *= slope(|x| activate(which, x), *x));
        agree(&gradient, &g, 1e-6, "gradient of the activation");
    }

    #[test]
    fn planar_values_come_back_and_are_replaced_and_cleared([shape, _] in any_pair(), salt in 0u64..1000) {
        let (values, mut blocked) = batch(shape, salt);
        agree(&blocked, &values, 0.0, "values");
        let others = numbers(count(shape), salt ^ 1);
        blocked.fill_planar(&others);
        agree(&blocked, &wide(&others), 0.0, "other values");
        blocked.clear();
        agree(&blocked, &vec![0.0; count(shape)], 0.0, "nothing");
    }
}
