//! Convolutions by what a batch is stored in.

use super::{After, Conv, Ending, Input, Pooled, Start};
use crate::pool::{self, MaxPool};
use crate::{Activation, Bf16x32, Blocked, Lane, Pixel, Shape, bf16, element, norm};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Mutex;

/// A pixel with convolutions of its own: what a network's values can be stored in.
pub trait Storage: Pixel {
    /// Weights as its convolutions read them.
    type Packed: Debug + Send + Sync;
    /// Whether convolutions read planar images where they lie; elsewhere they are copied first.
    const READS_PLANAR: bool;

    /// Packs weights for many batches of any number of images, with outputs of this shape.
    fn for_judging(conv: Conv, weights: &[f32], output: Shape) -> Self::Packed;
    /// Packs weights for one batch with outputs of this shape.
    fn for_training(conv: Conv, weights: &[f32], output: Shape) -> Self::Packed;
    /// Packs weights for the gradient of an input of this shape.
    fn for_gradient(conv: Conv, weights: &[f32], input: Shape) -> Self::Packed;

    /// As [`super::forward`], with what is done before a value is written.
    ///
    /// # Panics
    /// When shapes or weights do not fit each other.
    fn forward(
        conv: Conv,
        input: Input<'_, Self>,
        weights: &Self::Packed,
        ending: Ending<'_, Self>,
        output: &mut Blocked<Self>,
        after: &After<'_, Self>,
    );
    /// The maxima over windows of what [`Self::forward`] gives. `whole` is room for all of that, used where it takes some.
    ///
    /// # Panics
    /// When shapes or weights do not fit each other, or a window sees no pixel.
    fn pooled(
        conv: Conv,
        input: Input<'_, Self>,
        weights: &Self::Packed,
        ending: Ending<'_, Self>,
        pool: MaxPool,
        [whole, output]: [&mut Blocked<Self>; 2],
    ) {
        pooled_whole(conv, input, weights, ending, pool, [whole, output]);
    }
    /// As [`super::input_gradient`].
    ///
    /// # Panics
    /// When shapes or weights do not fit each other.
    fn input_gradient(
        conv: Conv,
        output: &Blocked<Self>,
        weights: &Self::Packed,
        start: Start<'_>,
        input: &mut Blocked<Self>,
    );
    /// As [`super::weight_gradient`].
    ///
    /// # Panics
    /// When shapes do not fit each other.
    fn weight_gradient(conv: Conv, input: &Blocked<Self>, output: &Blocked<Self>) -> Vec<f32>;

    /// The same values in single precision, for what has no kernel of its own.
    fn widened(x: &Blocked<Self>) -> Cow<'_, Blocked<Lane>>;
    /// Lets `f` change values in single precision.
    fn changed(x: &mut Blocked<Self>, f: impl FnOnce(&mut Blocked<Lane>));
}

/// By writing the whole output, each plane of which is pooled while it is in the cache.
fn pooled_whole<P: Storage>(
    conv: Conv,
    input: Input<'_, P>,
    weights: &P::Packed,
    ending: Ending<'_, P>,
    pool: MaxPool,
    [whole, output]: [&mut Blocked<P>; 2],
) {
    let (shape, to, blocks) = (whole.shape(), output.shape(), output.blocks());
    let planes = output.values_mut().chunks_mut(to.plane().max(1));
    let slots: SmallVec<[Mutex<&mut [P]>; 128]> = planes.map(Mutex::new).collect();
    let after = |image: usize, block: usize, planes: &mut [P]| {
        for (i, plane) in planes.chunks_exact(shape.plane()).enumerate() {
            if let Ok(mut out) = slots[image * blocks + block + i].lock() {
                pool::max_of_plane(pool, shape, plane, to, &mut out);
            }
        }
    };
    P::forward(conv, input, weights, ending, whole, &after);
}

impl Storage for Lane {
    type Packed = super::Packed;
    const READS_PLANAR: bool = true;

    fn for_judging(conv: Conv, weights: &[f32], output: Shape) -> Self::Packed {
        super::Packed::for_judging(conv, weights, output)
    }
    fn for_training(conv: Conv, weights: &[f32], output: Shape) -> Self::Packed {
        super::Packed::for_training(conv, weights, output)
    }
    fn for_gradient(conv: Conv, weights: &[f32], input: Shape) -> Self::Packed {
        super::Packed::for_gradient(conv, weights, input)
    }
    fn forward(
        conv: Conv,
        input: Input<'_, Self>,
        weights: &Self::Packed,
        ending: Ending<'_, Self>,
        output: &mut Blocked<Self>,
        after: &After<'_, Self>,
    ) {
        let Ending {
            start,
            add,
            activation,
        } = ending;
        if add.is_none() && activation == Activation::Identity {
            return super::forward(conv, input, weights, start, output, after);
        }
        let shape = output.shape();
        if let Some(add) = add {
            norm::same(add.shape(), shape);
        }
        let finish = |image: usize, block: usize, planes: &mut [Lane]| {
            let add = add.map(|add| {
                let s = add.shape();
                let first = (image * s.blocks() + block) * s.plane();
                (s, &add.values()[first..])
            });
            norm::finish(shape, planes, add, activation);
            after(image, block, planes);
        };
        super::forward(conv, input, weights, start, output, &finish);
    }
    fn pooled(
        conv: Conv,
        input: Input<'_, Self>,
        weights: &Self::Packed,
        ending: Ending<'_, Self>,
        pool: MaxPool,
        [whole, output]: [&mut Blocked<Self>; 2],
    ) {
        if weights.is_tiled() || ending.add.is_some() {
            pooled_whole(conv, input, weights, ending, pool, [whole, output]);
            return;
        }
        let pooled = Pooled {
            conv,
            weights,
            start: ending.start,
            activation: ending.activation,
            pool,
        };
        pooled.forward(input, output);
    }
    fn input_gradient(
        conv: Conv,
        output: &Blocked<Self>,
        weights: &Self::Packed,
        start: Start<'_>,
        input: &mut Blocked<Self>,
    ) {
        super::input_gradient(conv, output, weights, start, input);
    }
    fn weight_gradient(conv: Conv, input: &Blocked<Self>, output: &Blocked<Self>) -> Vec<f32> {
        super::weight_gradient(conv, input, output)
    }
    fn widened(x: &Blocked<Self>) -> Cow<'_, Blocked<Lane>> {
        Cow::Borrowed(x)
    }
    fn changed(x: &mut Blocked<Self>, f: impl FnOnce(&mut Blocked<Lane>)) {
        f(x);
    }
}

impl Storage for Bf16x32 {
    type Packed = bf16::Packed;
    const READS_PLANAR: bool = false;

    fn for_judging(conv: Conv, weights: &[f32], _: Shape) -> Self::Packed {
        bf16::Packed::forward(conv, weights)
    }
    fn for_training(conv: Conv, weights: &[f32], _: Shape) -> Self::Packed {
        bf16::Packed::forward(conv, weights)
    }
    fn for_gradient(conv: Conv, weights: &[f32], _: Shape) -> Self::Packed {
        bf16::Packed::backward(conv, weights)
    }
    fn forward(
        conv: Conv,
        input: Input<'_, Self>,
        weights: &Self::Packed,
        ending: Ending<'_, Self>,
        output: &mut Blocked<Self>,
        after: &After<'_, Self>,
    ) {
        let made;
        let input = match input {
            Input::Blocked(input) => input,
            Input::Planar(input) => {
                made = Blocked::from_planar(&input.to_planar(), input.shape());
                &made
            }
        };
        bf16::forward(conv, input, weights, ending, output, after);
    }
    fn input_gradient(
        conv: Conv,
        output: &Blocked<Self>,
        weights: &Self::Packed,
        start: Start<'_>,
        input: &mut Blocked<Self>,
    ) {
        bf16::input_gradient(conv, output, weights, start, input);
    }
    fn weight_gradient(conv: Conv, input: &Blocked<Self>, output: &Blocked<Self>) -> Vec<f32> {
        bf16::weight_gradient(conv, input, output)
    }
    fn widened(x: &Blocked<Self>) -> Cow<'_, Blocked<Lane>> {
        let mut wide = Blocked::zeros(x.shape());
        element::convert(x, &mut wide);
        Cow::Owned(wide)
    }
    fn changed(x: &mut Blocked<Self>, f: impl FnOnce(&mut Blocked<Lane>)) {
        let mut wide = Self::widened(x).into_owned();
        f(&mut wide);
        element::convert(&wide, x);
    }
}
