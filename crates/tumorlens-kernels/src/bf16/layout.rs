//! Where the gradient of the weights reads inputs and gradients of outputs.

use super::Bf16x32;
use super::gather::{Numbers, Phases};
use super::pack::by_rows;
use super::product::{COLUMNS, DEPTH, ROWS, Sums};
use super::scratch::Scratch;
use super::transpose::Matrix;
use crate::conv::Conv;
use crate::isa::dispatch;
use crate::{Blocked, Pixel, Shape};
use rayon::prelude::*;

/// Numbers that are laid out anew at a time: what the caches of the cores and the one behind hold.
const AT_ONCE: usize = 8 << 20;

/// Where inputs and gradients lie.
pub(super) struct Layout {
    pub(super) conv: Conv,
    from: Shape,
    to: Shape,
    phases: Phases,
    /// Whether all taps of few channels are rows of their own, `[tap][channel]`.
    joined: bool,
    /// Rows, and groups of [`COLUMNS`] of them.
    pub(super) rows: usize,
    pub(super) groups: usize,
    /// For each tap the numbers from a group's first to what it reads for the first pixel.
    pub(super) taps: Vec<usize>,
    /// Phases that lie one behind the other in a group.
    parts: usize,
    /// Pixels from image to image, and from a row of outputs to the next.
    image: usize,
    pitch: usize,
    /// Images that are taken together.
    pub(super) images: usize,
    /// Numbers of a row.
    pub(super) row: usize,
}

impl Layout {
    pub(super) fn new(conv: Conv, from: Shape, to: Shape) -> Self {
        let phases = Phases::of(conv, from);
        let joined = by_rows(conv);
        let plane = phases.rows * phases.columns;
        let (rows, parts, pitch, image) = if joined {
            (conv.inputs * conv.taps(), 1, to.width, to.height * to.width)
        } else {
            (
                conv.inputs,
                phases.each * phases.each,
                phases.columns,
                plane,
            )
        };
        // Pairs of pixels do not cross images.
        let image = image.next_multiple_of(2);
        let groups = rows.div_ceil(COLUMNS);
        let each = image * COLUMNS * (groups * parts + to.blocks_of::<Bf16x32>());
        let images = (AT_ONCE / each.max(1)).clamp(1, from.images.max(1));
        // A tile reads up to a depth beyond the last pixel. An odd number of cache lines spreads rows over the cache.
        let lines = (images * image).div_ceil(DEPTH) + 1;
        let row = (lines | 1) * DEPTH;
        let place = |tap: usize| {
            let (ky, kx) = (tap / conv.kernel, tap % conv.kernel);
            let phase = ky % conv.stride * phases.each + kx % conv.stride;
            phase * COLUMNS * row + ky / conv.stride * phases.columns + kx / conv.stride
        };
        Self {
            conv,
            from,
            to,
            phases,
            joined,
            rows,
            groups,
            taps: if joined {
                vec![0]
            } else {
                (0..conv.taps()).map(place).collect()
            },
            parts,
            image,
            pitch,
            images,
            row,
        }
    }

    /// Numbers of a group of rows.
    pub(super) fn left_group(&self) -> usize {
        self.parts * COLUMNS * self.row
    }

    /// Pixels of all images, up to a whole step.
    pub(super) fn right_block(&self) -> usize {
        (self.images * self.image).next_multiple_of(DEPTH)
    }

    /// Pixels up to the last of so many images, up to a whole step.
    pub(super) fn depth(&self, images: usize) -> usize {
        let last = (self.to.height - 1) * self.pitch + self.to.width;
        ((images - 1) * self.image + last).next_multiple_of(DEPTH)
    }

    /// Lays out some images.
    pub(super) fn lay(
        &self,
        input: &Blocked<Bf16x32>,
        output: &Blocked<Bf16x32>,
        images: std::ops::Range<usize>,
        left: &mut [u16],
        right: &mut [Bf16x32],
    ) {
        // What is left over there is multiplied by zero, so it must be a number. What lies between images and behind the
        // last one:
        let (used, row) = (self.phases.rows * self.phases.columns, self.row);
        let used = if self.joined {
            self.to.height * self.to.width
        } else {
            used
        };
        left.par_chunks_mut(row).for_each(|row| {
            row[images.len() * self.image..].fill(0);
            if used < self.image {
                let all = row.chunks_exact_mut(self.image).take(images.len());
                all.for_each(|image| image[used..].fill(0));
            }
        });
        if self.joined {
            self.join_taps(input, images.clone(), left);
        } else {
            self.turn(input, images.clone(), left);
        }
        self.pair(output, images, right);
    }

    /// Turns the inputs of some images.
    fn turn(&self, input: &Blocked<Bf16x32>, images: std::ops::Range<usize>, left: &mut [u16]) {
        let (phases, blocks) = (self.phases, input.blocks());
        let plane = phases.rows * phases.columns;
        let as_it_lies = self.conv.stride == 1 && self.from.border == self.conv.padding;
        let matrix = Matrix::new(left, self.row);
        let tasks = images.len() * blocks;
        (0..tasks).into_par_iter().for_each(|task| {
            let (image, block) = (task / blocks, task % blocks);
            let source = input.plane(images.start + image, block);
            let column = image * self.image;
            let row = block * self.parts * COLUMNS;
            if as_it_lies {
                // SAFETY: `left` is alive; this task's columns are those of its image in rows of its block.
                unsafe { matrix.transpose(row, column, source) };
                return;
            }
            let mut split = Scratch::stale(phases.block());
            phases.copy(self.conv, self.from, source, &mut split);
            for (phase, pixels) in split.chunks_exact(plane).enumerate() {
                // SAFETY: as above.
                unsafe { matrix.transpose(row + phase * COLUMNS, column, pixels) };
            }
        });
    }

    /// Writes the inputs of each tap of few channels to rows of its own.
    fn join_taps(
        &self,
        input: &Blocked<Bf16x32>,
        images: std::ops::Range<usize>,
        left: &mut [u16],
    ) {
        let (conv, phases, to) = (self.conv, self.phases, self.to);
        let (plane, channels) = (phases.rows * phases.columns, conv.inputs);
        let matrix = Matrix::new(left, self.row);
        images.clone().into_par_iter().for_each(|image| {
            let source = input.plane(image, 0);
            let column = (image - images.start) * self.image;
            // `[phase][channel][row][column]`
            let count = phases.block() * channels;
            let mut maps = Scratch::stale(count.div_ceil(COLUMNS));
            let maps = &mut maps.as_numbers_mut()[..count];
            maps.fill(0);
            phases.rows_of(conv, self.from, |place, from, count, step| {
                let at = place / plane * channels * plane + place % plane;
                for channel in 0..channels {
                    let to = &mut maps[at + channel * plane..][..count];
                    for (to, pixel) in to.iter_mut().zip(source[from..].iter().step_by(step)) {
                        *to = pixel.numbers()[channel];
                    }
                }
            });
            for row in 0..self.rows {
                let (tap, channel) = (row / channels, row % channels);
                let first = phases.offset(conv, tap);
                let first = first / plane * channels * plane + channel * plane + first % plane;
                for y in 0..to.height {
                    let values = &maps[first + y * phases.columns..][..to.width];
                    // SAFETY: `left` is alive; this task's columns are those of its image.
                    unsafe { matrix.write(row, column + y * to.width, values) };
                }
            }
        });
    }

    /// Writes the gradients of some images in pairs of pixels, `[pair][channel][2]`; between rows and images zeros stay.
    fn pair(
        &self,
        output: &Blocked<Bf16x32>,
        images: std::ops::Range<usize>,
        right: &mut [Bf16x32],
    ) {
        let to = self.to;
        let blocks = right.par_chunks_mut(self.right_block()).enumerate();
        blocks.for_each(|(block, values)| {
            values[images.len() * self.image..].fill(Bf16x32::ZERO);
            let each = values.par_chunks_mut(self.image).enumerate();
            each.take(images.len()).for_each(|(image, values)| {
                let source = output.plane(images.start + image, block);
                values.fill(Bf16x32::ZERO);
                for y in 0..to.height {
                    let row = &source[to.at(y, 0)..][..to.width];
                    pair_row(row, y * self.pitch, values);
                }
            });
        });
    }

    /// From sums `[group][block][tap]` to `[outputs, inputs, kernel, kernel]`.
    pub(super) fn unpack(&self, sums: &[Sums]) -> Vec<f32> {
        let (inputs, taps) = (self.conv.inputs, self.conv.taps());
        let blocks = self.to.blocks_of::<Bf16x32>();
        let mut values = vec![0.0; self.conv.outputs * inputs * taps];
        let each = values.par_chunks_mut(COLUMNS * inputs * taps).enumerate();
        each.for_each(|(block, weights)| {
            for group in 0..self.groups {
                let first = (group * blocks + block) * self.taps.len();
                self.unpack_group(group, &sums[first..][..self.taps.len()], weights);
            }
        });
        values
    }

    /// The sums of each tap of a group of rows, to the weights of a block of outputs.
    pub(super) fn unpack_group(&self, group: usize, sums: &[Sums], weights: &mut [f32]) {
        let (inputs, taps) = (self.conv.inputs, self.conv.taps());
        let first = group * COLUMNS;
        for (output, weights) in weights.chunks_exact_mut(inputs * taps).enumerate() {
            for row in 0..COLUMNS.min(self.rows - first) {
                let of = |sums: &Sums| sums.0[row / ROWS][row % ROWS][output];
                if self.joined {
                    let (tap, channel) = ((first + row) / inputs, (first + row) % inputs);
                    weights[channel * taps + tap] = of(&sums[0]);
                    continue;
                }
                let weights = &mut weights[(first + row) * taps..][..taps];
                for (weight, sums) in weights.iter_mut().zip(sums) {
                    *weight = of(sums);
                }
            }
        }
    }
}

#[inline(always)]
fn pair_row_body(row: &[Bf16x32], first: usize, values: &mut [Bf16x32]) {
    let mut row = row;
    let values = &mut values[first / 2 * 2..];
    let (mut at, numbers) = (0, values.as_numbers_mut());
    let mut one = |pixel: &Bf16x32, at: usize| {
        for (pair, value) in numbers[at / 2 * 2 * COLUMNS..]
            .chunks_exact_mut(2)
            .zip(*pixel.numbers())
        {
            pair[at % 2] = value;
        }
    };
    if first % 2 == 1 {
        one(&row[0], 1);
        (row, at) = (&row[1..], 2);
    }
    let (pairs, rest) = row.as_chunks::<2>();
    if let [last] = rest {
        one(last, at + 2 * pairs.len());
    }
    let numbers = values[at..].as_numbers_mut();
    for ([a, b], out) in pairs.iter().zip(numbers.chunks_exact_mut(2 * COLUMNS)) {
        let (a, b) = (a.numbers(), b.numbers());
        for i in 0..COLUMNS {
            out[2 * i] = a[i];
            out[2 * i + 1] = b[i];
        }
    }
}
dispatch!(fn pair_row = pair_row_body(row: &[Bf16x32], first: usize, values: &mut [Bf16x32]));
