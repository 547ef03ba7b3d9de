//! Non-linearities on whole pixels of a block.

use crate::{LANES, Lane};

/// Which non-linearity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// x.
    #[default]
    Identity,
    /// max(0, x).
    Relu,
    /// x above 0, else 0.01 x.
    LeakyRelu,
    /// x times the normal distribution function of x.
    Gelu,
    /// x times the logistic function of x.
    Silu,
    /// exp(x) - 1 below 0, x above.
    Elu,
}

impl Activation {
    /// Whether a larger value never gives a smaller one, so that the largest result is that of the largest value.
    #[must_use]
    pub fn never_falls(self) -> bool {
        !matches!(self, Self::Gelu | Self::Silu)
    }

    /// The value.
    #[inline(always)]
    pub(crate) fn apply(self, x: Lane) -> Lane {
        match self {
            Self::Identity => x,
            Self::Relu => map(x, |x| if x < 0.0 { 0.0 } else { x }),
            Self::LeakyRelu => map(x, |x| if x > 0.0 { x } else { 0.01 * x }),
            Self::Gelu => map(x, |x| x * normal(x)),
            Self::Silu => map(x, |x| x * logistic(x)),
            Self::Elu => map(x, |x| if x > 0.0 { x } else { x.exp_m1() }),
        }
    }

    /// The derivative at x.
    #[inline(always)]
    pub(crate) fn slope(self, x: Lane) -> Lane {
        match self {
            Self::Identity => Lane([1.0; LANES]),
            Self::Relu => map(x, |x| if x > 0.0 { 1.0 } else { 0.0 }),
            Self::LeakyRelu => map(x, |x| if x > 0.0 { 1.0 } else { 0.01 }),
            Self::Gelu => map(x, |x| {
                normal(x) + x * (-0.5 * x * x).exp() / (2.0 * std::f32::consts::PI).sqrt()
            }),
            Self::Silu => map(x, |x| {
                let s = logistic(x);
                s + x * s * (1.0 - s)
            }),
            Self::Elu => map(x, |x| if x > 0.0 { 1.0 } else { x.exp() }),
        }
    }
}

#[inline(always)]
fn map(mut x: Lane, f: impl Fn(f32) -> f32) -> Lane {
    for v in &mut x.0 {
        *v = f(*v);
    }
    x
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The normal distribution function, by the rational approximation of erf in Abramowitz and Stegun 7.1.26
/// (error below 1.5e-7).
fn normal(x: f32) -> f32 {
    let z = f64::from(x) / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z.abs());
    let polynomial = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let erf = (1.0 - polynomial * (-z * z).exp()).copysign(z);
    (0.5 * (1.0 + erf)) as f32
}
