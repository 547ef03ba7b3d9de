//! Geometries of convolutions and pools: values are those of the plain definition, borders and unused lanes stay zero.
#![no_main]

#[path = "../../crates/tumorlens-kernels/tests/definitions/plain.rs"]
#[allow(dead_code, reason = "the tests of the kernels use the rest")]
mod plain;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use plain::{
    agree, batch, bilinear, convolution, count, means, near, numbers, pooled, weights_of, wide,
    windows,
};
use tumorlens_kernels::conv::{self, Conv, Ending, Packed, Pooled, Start};
use tumorlens_kernels::depthwise::{self, Depthwise, Taps};
use tumorlens_kernels::norm::in_blocks;
use tumorlens_kernels::pool::{self, MaxPool};
use tumorlens_kernels::{Activation, Bf16x32, Blocked, Planar, Shape, bf16};

#[derive(Arbitrary, Debug)]
struct Input {
    which: u8,
    /// Images, channels in and out, height, width.
    sizes: [u8; 5],
    kernel: u8,
    stride: u8,
    padding: u8,
    /// Of input and output, beyond what must be there.
    borders: [u8; 2],
    start: u8,
    salt: u8,
}

impl Input {
    fn size(&self, which: usize, most: u8) -> usize {
        usize::from(self.sizes[which] % most) + 1
    }

    /// Kernel, stride and padding.
    fn geometry(&self) -> [usize; 3] {
        let kernel = self.kernel % 8 + 1;
        [kernel, self.stride % 5 + 1, self.padding % (kernel + 2)].map(usize::from)
    }

    /// What goes in, with a border that holds the padding, unless the kernel is larger than the map.
    fn shape(&self, most: u8) -> Option<Shape> {
        let [kernel, _, padding] = self.geometry();
        let [height, width] = [self.size(3, 12), self.size(4, 24)];
        (kernel <= height.min(width) + 2 * padding).then_some(Shape {
            images: self.size(0, 3),
            channels: self.size(1, most),
            height,
            width,
            border: padding + self.border(0),
        })
    }

    fn border(&self, which: usize) -> usize {
        usize::from(self.borders[which] % 3)
    }

    /// A convolution, what goes in, what comes out, and that with the border which its gradient needs; unless it takes
    /// long to compute plainly.
    fn convolution(&self) -> Option<(Conv, [Shape; 3])> {
        let input = self.shape(40)?;
        let [kernel, stride, padding] = self.geometry();
        let outputs = self.size(2, 80);
        let conv = Conv {
            inputs: input.channels,
            outputs,
            kernel,
            stride,
            padding,
        };
        let output = Shape {
            channels: outputs,
            height: conv.slide(input.height),
            width: conv.slide(input.width),
            border: self.border(1),
            ..input
        };
        let wide_output = Shape {
            border: conv.gradient_border(input) + output.border,
            ..output
        };
        let products = output.images * output.height * output.width * outputs * input.channels;
        (products * kernel * kernel <= 1 << 20).then_some((conv, [input, output, wide_output]))
    }

    fn convolve(&self) {
        let Some((conv, [input, output, wide_output])) = self.convolution() else {
            return;
        };
        let Conv {
            outputs,
            kernel,
            stride,
            padding,
            ..
        } = conv;
        let salt = u64::from(self.salt);
        let weights = weights_of(conv, salt);
        let w = wide(&weights);
        let ((x, blocked_x), (g, blocked_g)) =
            (batch(input, salt + 1), batch(wide_output, salt + 2));
        let mut by_w = vec![0.0; w.len()];
        let (mut y, mut out) = batch(output, salt + 3);
        let (mut by_x, mut ours_by_x) = batch(input, salt + 4);
        let bias = |shape: Shape| numbers(shape.channels, salt + 5);
        let (bias_y, bias_x) = (bias(output), bias(input));
        for (shape, values, bias) in [(output, &mut y, &bias_y), (input, &mut by_x, &bias_x)] {
            for (at, value) in values.iter_mut().enumerate() {
                match self.start % 3 {
                    0 => *value = 0.0,
                    1 => {}
                    _ => *value = bias[at / (shape.height * shape.width) % shape.channels].into(),
                }
            }
        }
        convolution(conv, input, output, |i, k, o| {
            y[o] += x[i] * w[k];
            by_x[i] += g[o] * w[k];
            by_w[k] += g[o] * x[i];
        });
        let (bias_y, bias_x) = (in_blocks(&bias_y), in_blocks(&bias_x));
        let [start_y, start_x] = [&bias_y, &bias_x].map(|bias| match self.start % 3 {
            0 => Start::Zero,
            1 => Start::Output,
            _ => Start::Bias(bias),
        });
        let taps = kernel * kernel;
        let packed = Packed::forward(&weights, outputs, input.channels, taps);
        conv::forward(conv, &blocked_x, &packed, start_y, &mut out, &|_, _, _| {});
        agree(&out, &y, 2e-5, "forward");
        if self.start % 3 != 1 {
            self.read_planar_and_pooled(conv, &blocked_x, &packed, start_y, &out);
        }
        let packed = Packed::backward(&weights, outputs, input.channels, taps);
        conv::input_gradient(conv, &blocked_g, &packed, start_x, &mut ours_by_x);
        agree(&ours_by_x, &by_x, 2e-5, "by the input");
        let ours = conv::weight_gradient(conv, &blocked_x, &blocked_g);
        near(&ours, &by_w, 2e-5, "by the weights");
        if (kernel, stride) != (3, 1) || padding > 2 {
            return;
        }
        let (mut out, mut ours_by_x) = (batch(output, salt + 3).1, batch(input, salt + 4).1);
        let packed = Packed::tiled_forward(&weights, outputs, input.channels);
        conv::forward(conv, &blocked_x, &packed, start_y, &mut out, &|_, _, _| {});
        agree(&out, &y, 2e-5, "forward by tiles");
        let packed = Packed::tiled_backward(&weights, outputs, input.channels);
        conv::input_gradient(conv, &blocked_g, &packed, start_x, &mut ours_by_x);
        agree(&ours_by_x, &by_x, 2e-5, "by the input by tiles");
        let ours = conv::weight_gradient_of_tiles(conv, &blocked_x, &blocked_g);
        near(&ours, &by_w, 2e-5, "by the weights by tiles");
    }

    /// Other ways to the same bits as a convolution's output.
    fn read_planar_and_pooled(
        &self,
        conv: Conv,
        x: &Blocked,
        weights: &Packed,
        start: Start<'_>,
        whole: &Blocked,
    ) {
        let from = whole.shape();
        let mut images = Planar::default();
        images.fill(x.shape(), &x.to_planar());
        if conv.reads_planar() {
            let mut out = Blocked::zeros(from);
            conv::forward(conv, &images, weights, start, &mut out, &|_, _, _| {});
            assert!(out.values() == whole.values(), "read channel by channel");
        }
        let side = |at: usize| usize::from(self.borders[at] / 3 % 4);
        let (kernel, stride) = (side(0) + 1, side(1) + 1);
        let pool = MaxPool {
            kernel,
            stride,
            padding: kernel / 2 * usize::from(self.salt % 2),
        };
        let Some(to) = pooled(pool, from, from.border) else {
            return;
        };
        let (mut apart, mut joined) = (Blocked::zeros(to), Blocked::zeros(to));
        pool::max(pool, whole, &mut apart);
        let of = Pooled {
            conv,
            weights,
            start,
            activation: Activation::Identity,
            pool,
        };
        of.forward(x, &mut joined);
        assert!(joined.values() == apart.values(), "pooled row by row");
        if conv.reads_planar() {
            let mut joined = Blocked::zeros(to);
            of.forward(&images, &mut joined);
            assert!(
                joined.values() == apart.values(),
                "images pooled row by row"
            );
        }
    }

    fn convolve_in_16_bits(&self) {
        let Some((conv, [input, output, wide_output])) = self.convolution() else {
            return;
        };
        let made = |shape: Shape, salt: u64| {
            let maps: Maps = Blocked::from_planar(&numbers(count(shape), salt), shape);
            (wide(&maps.to_planar()), maps)
        };
        let salt = u64::from(self.salt);
        let taps = conv.kernel * conv.kernel;
        let flat = Shape {
            images: 1,
            channels: 1,
            height: 1,
            width: conv.outputs * conv.inputs * taps,
            border: 0,
        };
        // Weights of 16 bits: what packing rounds is nothing.
        let (w, weights) = made(flat, salt);
        let weights = weights.to_planar();
        let ((x, maps_x), (g, maps_g)) = (made(input, salt + 1), made(wide_output, salt + 2));
        let (mut y, mut by_w) = (vec![0.0; count(output)], vec![0.0; w.len()]);
        let (mut by_x, mut ours_by_x) = (vec![0.0; x.len()], made(input, salt + 3).1);
        convolution(conv, input, output, |i, k, o| {
            y[o] += x[i] * w[k];
            by_x[i] += g[o] * w[k];
            by_w[k] += g[o] * x[i];
        });
        let mut out = made(output, salt + 4).1;
        let packed = bf16::Packed::forward(conv, &weights);
        let ending = Ending::of(Start::Zero);
        bf16::forward(conv, &maps_x, &packed, ending, &mut out, &|_, _, _| {});
        // Of one rounding to 8 bits, against the largest value.
        near(&out.to_planar(), &y, 1.0 / 250.0, "forward in 16 bits");
        let packed = bf16::Packed::backward(conv, &weights);
        bf16::input_gradient(conv, &maps_g, &packed, Start::Zero, &mut ours_by_x);
        near(
            &ours_by_x.to_planar(),
            &by_x,
            1.0 / 250.0,
            "by the input in 16 bits",
        );
        let ours = bf16::weight_gradient(conv, &maps_x, &maps_g);
        near(&ours, &by_w, 2e-5, "by the weights in 16 bits");
    }

    fn convolve_by_channel(&self) {
        let Some(input) = self.shape(50) else { return };
        let [kernel, stride, padding] = self.geometry();
        let channels = input.channels;
        let of = Depthwise {
            channels,
            kernel,
            stride,
            padding,
        };
        let output = Shape {
            height: of.slide(input.height),
            width: of.slide(input.width),
            border: self.border(1),
            ..input
        };
        let salt = u64::from(self.salt);
        let weights = numbers(channels * kernel * kernel, salt);
        let w = wide(&weights);
        let ((x, blocked_x), (g, blocked_g)) = (batch(input, salt + 1), batch(output, salt + 2));
        let (mut y, mut by_w) = (vec![0.0; g.len()], vec![0.0; w.len()]);
        let (mut by_x, mut ours_by_x) = batch(input, salt + 3);
        plain::depthwise(of, input, output, |i, k, o| {
            y[o] += x[i] * w[k];
            by_x[i] += g[o] * w[k];
            by_w[k] += g[o] * x[i];
        });
        let taps = Taps::new(of, &weights);
        let mut out = batch(output, salt + 4).1;
        depthwise::forward(of, &blocked_x, &taps, &[], &mut out);
        agree(&out, &y, 2e-5, "depthwise");
        depthwise::input_gradient(of, &blocked_g, &taps, &mut ours_by_x);
        agree(&ours_by_x, &by_x, 2e-5, "depthwise by the input");
        let ours = depthwise::weight_gradient(of, &blocked_x, &blocked_g);
        near(&ours, &by_w, 2e-5, "depthwise by the weights");
    }

    fn largest(&self) {
        let Some(from) = self.shape(50) else { return };
        let [kernel, stride, padding] = self.geometry();
        let padding = padding.min(kernel - 1);
        let of = MaxPool {
            kernel,
            stride,
            padding,
        };
        let Some(to) = pooled(of, from, self.border(1)) else {
            return;
        };
        // Whole numbers: several are the largest of a window, and sums of them are exact.
        let salt = u64::from(self.salt);
        let whole = |shape: Shape, salt: u64| -> Vec<f32> {
            let values = numbers(count(shape), salt).into_iter();
            values
                .map(|v| (v * f32::from(self.start)).round())
                .collect()
        };
        let (values, slopes, before) = (
            whole(from, salt),
            whole(to, salt + 1),
            whole(from, salt + 2),
        );
        let (mut y, mut by_x) = (vec![0.0; slopes.len()], wide(&before));
        windows(of, from, to, |window, o| {
            let most = window
                .iter()
                .map(|&i| values[i])
                .fold(f32::NEG_INFINITY, f32::max);
            y[o] = f64::from(most);
            if let Some(&first) = window.iter().find(|&&i| values[i] >= most) {
                by_x[first] += f64::from(slopes[o]);
            }
        });
        let x: Blocked = Blocked::from_planar(&values, from);
        let mut out = batch(to, salt + 3).1;
        pool::max(of, &x, &mut out);
        agree(&out, &y, 0.0, "maximum");
        let mut ours = Blocked::from_planar(&before, from);
        pool::max_gradient(of, &x, &Blocked::from_planar(&slopes, to), &mut ours);
        agree(&ours, &by_x, 0.0, "gradient of the maximum");
    }

    /// Means of a grid, or a resize, to any size.
    fn resize(&self, mean: bool) {
        let shape = |height, width, border| Shape {
            images: self.size(0, 3),
            channels: self.size(1, 50),
            height,
            width,
            border,
        };
        let from = shape(self.size(3, 12), self.size(4, 24), self.border(0));
        let sides = [self.kernel % 12, self.stride % 30].map(|v| usize::from(v) + 1);
        let to = shape(sides[0], sides[1], self.border(1));
        let salt = u64::from(self.salt);
        let ((x, blocked_x), (g, blocked_g)) = (batch(from, salt), batch(to, salt + 1));
        let (mut by_x, mut ours_by_x) = batch(from, salt + 2);
        let mut y = vec![0.0; g.len()];
        let visit = |i: usize, o: usize, share: f64| {
            y[o] += share * x[i];
            by_x[i] += share * g[o];
        };
        let mut out = batch(to, salt + 3).1;
        if mean {
            means(from, to, visit);
            pool::mean(&blocked_x, &mut out);
            pool::mean_gradient(&blocked_g, &mut ours_by_x);
        } else {
            bilinear(from, to, visit);
            pool::upsample(&blocked_x, &mut out);
            pool::upsample_gradient(&blocked_g, &mut ours_by_x);
        }
        agree(&out, &y, 1e-5, "resized");
        agree(&ours_by_x, &by_x, 1e-5, "gradient of the resize");
    }
}

type Maps = Blocked<Bf16x32>;

fuzz_target!(|input: Input| match input.which % 8 {
    0..3 => input.convolve(),
    3 => input.convolve_in_16_bits(),
    4 => input.convolve_by_channel(),
    5 => input.largest(),
    6 => input.resize(true),
    _ => input.resize(false),
});
