//! A dense layer: a convolution of one row that has a pixel for each image.

use super::backward::{Gradients, Pass};
use super::forward::{dims, start};
use super::record::Task;
use super::{Engine, LayerWeights};
use crate::network::Mode;
use crate::weights::Weights;
use tumorlens_kernels::conv::{
    Conv, Packed, Start, Storage, forward, input_gradient, weight_gradient,
};
use tumorlens_kernels::{Blocked, LANES, Shape, element, norm};

/// What a dense layer reads and what it gives.
#[derive(Debug)]
pub(super) struct Dense {
    x: Blocked,
    y: Blocked,
}

impl Dense {
    fn new(images: usize, [inputs, outputs]: [usize; 2]) -> Self {
        let row = |channels| Blocked::zeros(row(images, channels));
        Self {
            x: row(inputs),
            y: row(outputs),
        }
    }

    /// What it gives, `[image, output]`.
    pub(super) fn read(&self, values: &mut [f32]) {
        let (images, outputs) = (self.y.shape().width, self.y.shape().channels);
        assert_eq!(values.len(), images * outputs, "outputs");
        for (image, values) in values.chunks_exact_mut(outputs.max(1)).enumerate() {
            for (output, value) in values.iter_mut().enumerate() {
                *value = self.y.plane(0, output / LANES)[image].0[output % LANES];
            }
        }
    }
}

impl<P: Storage> Engine<P> {
    /// A dense layer, forward.
    pub(super) fn linear(
        &mut self,
        weights: &Weights,
        index: usize,
        [inputs, outputs]: [usize; 2],
        mode: Mode,
        out: &mut Blocked<P>,
    ) {
        let conv = dense(inputs, outputs);
        let shape = row(self.buffers.images, outputs);
        let layer = self.packed_layer(weights, index, mode, |values| {
            LayerWeights::Dense(if mode == Mode::Inference {
                Packed::for_judging(conv, values, shape)
            } else {
                Packed::for_training(conv, values, shape)
            })
        });
        let LayerWeights::Dense(weights) = &layer.weights else {
            return;
        };
        let from = self.graph.nodes[index].inputs[0].0;
        let known = self.buffers.dense[index].take();
        let mut layer_of =
            known.unwrap_or_else(|| Dense::new(self.buffers.images, [inputs, outputs]));
        fill_columns(self.value(from), &mut layer_of.x);
        let Dense { x, y } = &mut layer_of;
        forward(conv, &*x, weights, start(&layer.bias), y, &|_, _, _| {});
        unflatten_row(y, out);
        self.buffers.dense[index] = Some(layer_of);
    }

    /// The same, backward.
    pub(super) fn back_dense(
        &mut self,
        pass: &Pass<'_>,
        index: usize,
        [inputs, outputs]: [usize; 2],
        gradients: &mut Gradients,
    ) {
        let from = self.graph.nodes[index].inputs[0].0;
        let conv = dense(inputs, outputs);
        let slopes = columns(self.gradient(index));
        self.learn(pass, [index, 0], gradients, || {
            weight_gradient(conv, &columns(self.value(from)), &slopes)
        });
        self.learn(pass, [index, 1], gradients, || {
            norm::sums(self.gradient(index))
        });
        self.lap(Some(index), Task::ByWeights);
        let packed = Packed::backward(self.values_of(pass.weights, index, 0), outputs, inputs, 1);
        self.add_to(pass, from, |_, out| {
            let mut by_x = Blocked::zeros(row(slopes.shape().width, inputs));
            input_gradient(conv, &slopes, &packed, Start::Zero, &mut by_x);
            let mut more = Blocked::zeros(out.shape());
            unflatten_row(&by_x, &mut more);
            element::add(&more, out);
        });
    }
}

/// Geometry of a dense layer.
pub(super) fn dense(inputs: usize, outputs: usize) -> Conv {
    Conv {
        inputs,
        outputs,
        kernel: 1,
        stride: 1,
        padding: 0,
    }
}

/// One row of as many pixels as there are images.
fn row(images: usize, channels: usize) -> Shape {
    Shape {
        images: 1,
        channels,
        height: 1,
        width: images,
        border: 0,
    }
}

/// The features of each image as a pixel of one row.
pub(super) fn columns<P: Storage>(x: &Blocked<P>) -> Blocked {
    let [c, h, w] = dims(x.shape());
    let mut out = Blocked::zeros(row(x.shape().images, c * h * w));
    fill_columns(x, &mut out);
    out
}

fn fill_columns<P: Storage>(x: &Blocked<P>, out: &mut Blocked) {
    let images = x.shape().images;
    each_feature(x, |image, feature, value| {
        out.values_mut()[feature / LANES * images + image].0[feature % LANES] = value;
    });
}

/// Each image's features as channels of one pixel.
pub(super) fn flatten<P: Storage>(x: &Blocked<P>, out: &mut Blocked<P>) {
    let at = out.shape().at(0, 0);
    each_feature(x, |image, feature, value| {
        let plane = out.plane_mut(image, feature / P::CHANNELS);
        plane[at].set(feature % P::CHANNELS, value);
    });
}

/// The channels of each pixel of a row as features of an image.
fn unflatten_row<P: Storage>(row: &Blocked, out: &mut Blocked<P>) {
    let shape = out.shape();
    let area = shape.height * shape.width;
    for image in 0..shape.images {
        for feature in 0..shape.channels * area {
            let value = row.plane(0, feature / LANES)[image].0[feature % LANES];
            let (channel, pixel) = (feature / area, feature % area);
            let at = shape.at(pixel / shape.width, pixel % shape.width);
            out.plane_mut(image, channel / P::CHANNELS)[at].set(channel % P::CHANNELS, value);
        }
    }
}

/// Calls `f` with every image, feature (channel, row and column in one number) and value.
fn each_feature<P: Storage>(x: &Blocked<P>, mut f: impl FnMut(usize, usize, f32)) {
    let shape = x.shape();
    let [channels, height, width] = dims(shape);
    for image in 0..shape.images {
        for channel in 0..channels {
            let plane = x.plane(image, channel / P::CHANNELS);
            for y in 0..height {
                let first = (channel * height + y) * width;
                let pixels = &plane[shape.at(y, 0)..][..width];
                for (column, pixel) in pixels.iter().enumerate() {
                    f(image, first + column, pixel.get(channel % P::CHANNELS));
                }
            }
        }
    }
}
