//! Normalisation: values against the definition, derivatives against finite differences of the definition.

use crate::plain::{ACTIVATIONS, activate, agree, batch, kink, near, numbers, wide};
use crate::{below, cases, channels, with_threads};
use proptest::prelude::*;
use proptest::sample::select;
use tumorlens_kernels::norm::{self, Normalised, in_blocks, moments, statistics};
use tumorlens_kernels::{Activation, Blocked, Lane, Shape};

const EPSILON: f64 = 1e-3;

#[derive(Clone, Copy, Debug)]
struct Case {
    shape: Shape,
    activation: Activation,
    add: bool,
    of_batch: bool,
    /// Borders of what is added, of the gradient and of the result.
    borders: [usize; 3],
    salt: u64,
}

/// One channel of a batch in double precision.
struct Channel {
    x: Vec<f64>,
    add: Vec<f64>,
    g: Vec<f64>,
    gamma: f64,
    beta: f64,
    /// Mean and 1 / deviation where they are not those of x.
    fixed: Option<[f64; 2]>,
    activation: Activation,
}

impl Channel {
    fn statistics(&self) -> [f64; 2] {
        let n = self.x.len() as f64;
        let mean = self.x.iter().sum::<f64>() / n;
        let variance = self.x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        self.fixed
            .unwrap_or([mean, 1.0 / (variance + EPSILON).sqrt()])
    }

    fn before_activation(&self) -> Vec<f64> {
        let [mean, inverse] = self.statistics();
        let z = |(x, add): (&f64, &f64)| self.gamma * (x - mean) * inverse + self.beta + add;
        self.x.iter().zip(&self.add).map(z).collect()
    }

    fn loss(&self) -> f64 {
        let z = self.before_activation();
        let terms = z.iter().zip(&self.g);
        terms.map(|(z, g)| activate(self.activation, *z) * g).sum()
    }

    /// The derivative of the loss by what `of` points at.
    fn slope(&mut self, of: impl Fn(&mut Self) -> &mut f64) -> f64 {
        let step = 1e-5;
        let middle = *of(self);
        *of(self) = middle + step;
        let above = self.loss();
        *of(self) = middle - step;
        let below = self.loss();
        *of(self) = middle;
        (above - below) / (2.0 * step)
    }
}

impl Case {
    fn with_border(&self, which: usize) -> Shape {
        Shape {
            border: self.borders[which],
            ..self.shape
        }
    }

    fn gamma_and_beta(&self) -> [Vec<f32>; 2] {
        let gamma = numbers(self.shape.channels, self.salt ^ 1);
        let gamma = gamma.into_iter().map(|v| v * 2.0 + 0.3).collect();
        [gamma, numbers(self.shape.channels, self.salt ^ 2)]
    }

    fn added(&self) -> (Vec<f64>, Option<Blocked>) {
        let (plain, blocked) = batch(self.with_border(0), self.salt ^ 3);
        if self.add {
            (plain, Some(blocked))
        } else {
            (vec![0.0; plain.len()], None)
        }
    }

    /// The channels of a planar batch are put together from all images.
    fn channel(&self, values: &[f64], channel: usize) -> Vec<f64> {
        let area = self.shape.height * self.shape.width;
        let maps = values
            .chunks(area)
            .skip(channel)
            .step_by(self.shape.channels);
        maps.flatten().copied().collect()
    }

    fn channels(&self) -> Vec<Channel> {
        let [gamma, beta] = self.gamma_and_beta();
        let x = batch(self.shape, self.salt).0;
        let g = batch(self.with_border(1), self.salt ^ 4).0;
        let add = self.added().0;
        let fixed = (!self.of_batch).then_some([0.05, 2.5]);
        (0..self.shape.channels)
            .map(|c| Channel {
                x: self.channel(&x, c),
                add: self.channel(&add, c),
                g: self.channel(&g, c),
                gamma: f64::from(gamma[c]),
                beta: f64::from(beta[c]),
                fixed,
                activation: self.activation,
            })
            .collect()
    }

    /// Mean and 1 / deviation in blocks, as the kernels are given them.
    fn given(&self, channels: &[Channel]) -> [Vec<Lane>; 2] {
        [0, 1].map(|which| {
            let values = channels.iter().map(|c| c.statistics()[which] as f32);
            in_blocks(&values.collect::<Vec<_>>())
        })
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let mut channels = self.channels();
        let z: Vec<_> = channels.iter().map(Channel::before_activation).collect();
        prop_assume!(!z.iter().flatten().any(|z| kink(self.activation, *z)));
        let (_, x) = batch(self.shape, self.salt);
        let (_, add) = self.added();
        let [gamma, beta] = self.gamma_and_beta().map(|values| in_blocks(&values));
        let [mean, inverse] = self.given(&channels);

        let [scale, shift] = norm::folded(&gamma, &beta, &mean, &inverse);
        let mut out = batch(self.with_border(2), self.salt ^ 5).1;
        norm::apply(&x, &scale, &shift, add.as_ref(), self.activation, &mut out);
        let y = self.joined(&z, |z| activate(self.activation, *z));
        agree(&out, &y, 4e-6, &format!("values of {self:?}"));

        let mut gradient = batch(self.with_border(1), self.salt ^ 4).1;
        let mut by_x = batch(self.with_border(2), self.salt ^ 6).1;
        let of = Normalised {
            x: &x,
            add: add.as_ref(),
            gamma: &gamma,
            beta: &beta,
            mean: &mean,
            inverse: &inverse,
            activation: self.activation,
            of_batch: self.of_batch,
        };
        let (by_gamma, by_beta) = norm::gradient(of, &mut gradient, &mut by_x);
        let slopes = |c: &mut Channel, of: fn(&mut Channel, usize) -> &mut f64| -> Vec<f64> {
            (0..c.x.len()).map(|at| c.slope(|c| of(c, at))).collect()
        };
        let finite: Vec<_> = channels
            .iter_mut()
            .map(|c| slopes(c, |c, at| &mut c.x[at]))
            .collect();
        let what = format!("by the input of {self:?}");
        agree(&by_x, &self.joined(&finite, |v| *v), 1e-5, &what);
        let finite: Vec<_> = channels
            .iter_mut()
            .map(|c| slopes(c, |c, at| &mut c.add[at]))
            .collect();
        let what = format!("by what is added of {self:?}");
        agree(&gradient, &self.joined(&finite, |v| *v), 1e-5, &what);
        let finite: Vec<f64> = channels
            .iter_mut()
            .map(|c| c.slope(|c| &mut c.gamma))
            .collect();
        near(&by_gamma, &finite, 1e-5, &format!("by gamma of {self:?}"));
        let finite: Vec<f64> = channels
            .iter_mut()
            .map(|c| c.slope(|c| &mut c.beta))
            .collect();
        near(&by_beta, &finite, 1e-5, &format!("by beta of {self:?}"));
        Ok(())
    }

    /// Channels back to a planar batch.
    fn joined(&self, channels: &[Vec<f64>], f: impl Fn(&f64) -> f64) -> Vec<f64> {
        let area = self.shape.height * self.shape.width;
        (0..self.shape.images)
            .flat_map(|n| {
                channels
                    .iter()
                    .flat_map(move |c| &c[n * area..(n + 1) * area])
            })
            .map(f)
            .collect()
    }
}

prop_compose! {
    fn any_case()(
        images in 1..below(4), channels in channels(), height in 1..below(6), width in 1..below(7), border in 0usize..3,
        activation in select(&ACTIVATIONS), add in any::<bool>(), of_batch in any::<bool>(),
        borders in prop::array::uniform3(0usize..3), salt in 0u64..1000,
    ) -> Case {
        let shape = Shape { images, channels, height, width, border };
        Case { shape, activation, add, of_batch, borders, salt }
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn normalised_values_are_the_definition_and_gradients_its_finite_differences(case in any_case()) {
        case.check()?;
    }

    #[test]
    fn means_and_variances_are_those_of_the_definition(
        images in 1..below(4), channels in channels(), height in 1..below(14), width in 1..below(20), border in 0usize..3,
        offset in -8.0f32..8.0, salt in 0u64..1000,
    ) {
        let shape = Shape { images, channels, height, width, border };
        let values = numbers(images * channels * height * width, salt);
        let values: Vec<f32> = values.iter().map(|v| v + offset).collect();
        let x: Blocked = Blocked::from_planar(&values, shape);
        let planes: Vec<_> = (0..images * shape.blocks())
            .map(|i| moments(shape, x.plane(i / shape.blocks(), i % shape.blocks())))
            .collect();
        let (mean, variance) = statistics::<Lane>(shape, &planes);
        let case = Case { shape, activation: Activation::Identity, add: false, of_batch: true, borders: [0; 3], salt };
        for channel in 0..channels {
            let values = case.channel(&wide(&values), channel);
            let n = values.len() as f64;
            let plain = values.iter().sum::<f64>() / n;
            let spread = values.iter().map(|v| (v - plain).powi(2)).sum::<f64>() / n;
            near(&mean[channel..=channel], &[plain], 1e-6, "mean");
            // Both moments are rounded, so the variance is as good as the square.
            near(&variance[channel..=channel], &[spread], 1e-6 * f64::from(offset * offset).max(1.0), "variance");
            prop_assert!(variance[channel] >= 0.0);
        }
    }

    #[test]
    fn finishing_planes_adds_and_bends_them_whatever_the_borders(
        case in any_case(), first in 0usize..3, most in 1usize..4,
    ) {
        let (to, other) = (case.with_border(2), case.with_border(0));
        let ((x, mut out), (plain, blocked)) = (batch(to, case.salt), batch(other, case.salt ^ 1));
        let z = |add: bool| x.iter().zip(&plain).map(move |(x, more)| if add { x + more } else { *x });
        prop_assume!(!z(case.add).any(|z| kink(case.activation, z)));
        // Some planes of every image at a time, as a convolution finishes them.
        let (blocks, first) = (to.blocks(), first.min(to.blocks() - 1));
        let taken = first..blocks.min(first + most);
        for image in 0..to.images {
            let start = (image * blocks + first) * to.plane();
            let planes = &mut out.values_mut()[start..start + taken.len() * to.plane()];
            let add = &blocked.values()[(image * blocks + first) * other.plane()..];
            norm::finish(to, planes, case.add.then_some((other, add)), case.activation);
        }
        let area = to.height * to.width;
        let y: Vec<f64> = z(case.add)
            .enumerate()
            .map(|(at, z)| (at / area % to.channels / 16, at, z))
            .map(|(block, at, z)| if taken.contains(&block) { activate(case.activation, z) } else { x[at] })
            .collect();
        agree(&out, &y, 1e-6, "finished");
    }
}

#[test]
fn normalisation_gives_the_same_bits_for_any_number_of_threads() {
    let shape = Shape {
        images: 3,
        channels: 35,
        height: below(9),
        width: below(7),
        border: 1,
    };
    let case = Case {
        shape,
        activation: Activation::LeakyRelu,
        add: true,
        of_batch: true,
        borders: [0, 1, 2],
        salt: 3,
    };
    let [gamma, beta] = case.gamma_and_beta().map(|values| in_blocks(&values));
    let [mean, inverse] = case.given(&case.channels());
    let (x, add) = (batch(shape, 3).1, case.added().1);
    let run = |threads| {
        with_threads(threads, || {
            let mut gradient = batch(case.with_border(1), 7).1;
            let mut by_x = Blocked::zeros(case.with_border(2));
            let of = Normalised {
                x: &x,
                add: add.as_ref(),
                gamma: &gamma,
                beta: &beta,
                mean: &mean,
                inverse: &inverse,
                activation: case.activation,
                of_batch: true,
            };
            let sums = norm::gradient(of, &mut gradient, &mut by_x);
            (sums, gradient.to_planar(), by_x.to_planar())
        })
    };
    let one = run(1);
    for threads in 2..below(5) {
        assert!(one == run(threads), "{threads} threads");
    }
}
