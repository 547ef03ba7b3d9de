//! Coefficients of a code block from its coding passes (T.800 annex D).
//!
//! Coefficients are kept by stripe and column, four rows together, and so is what is known of them: a word of flags a
//! column holds the significance of the 3x6 neighbourhood and the signs of the column, from which context labels are
//! looked up; maps of 64 bits, 16 columns each, say which coefficients a pass must visit, so that none is looked at in
//! vain.

mod neighbours;
mod passes;

use super::arithmetic::{Arithmetic, Contexts, INITIAL, Source, UNIFORM};
use super::context::Orientation;
use super::modes::Modes;
use super::raw::Raw;
use neighbours::{FLAGS, MAPS, Map, Shape};
use std::ops::Range;

/// Most bit planes of a block: a coefficient has its sign and half a unit beside them.
pub(super) const MAX_PLANES: u8 = 30;

/// Columns of four of the largest block.
const COLUMNS: usize = 1024;

/// What lies in the packets for a block, in order: the segment, passes and bytes of each contribution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    pub(super) segment: u16,
    pub(super) passes: u16,
    pub(super) length: usize,
    pub(super) data: &'a [u8],
}

/// Shape of a block and how it is coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Bit planes that are coded, at most [`MAX_PLANES`].
    pub(super) planes: u8,
    pub(super) modes: Modes,
    pub(super) orientation: Orientation,
    pub(super) chunks: &'a [Chunk<'a>],
}

/// A decoder of blocks, reused from block to block.
pub(super) struct Blocks {
    /// Sign in the highest bit, below it the magnitude in halves: `[stripe * width + x][row]`.
    values: [[u32; 4]; COLUMNS],
    /// Bit `3 * row + x` of the neighbourhood's significance, rows -1 to 4 of the stripe; from bit 18 the signs of the
    /// column's rows -1 to 4.
    flags: [u32; FLAGS],
    maps: [Map; MAPS],
    contexts: Contexts,
    /// The segment being decoded, where it lies scattered.
    joined: Vec<u8>,
    shape: Shape,
}

impl Blocks {
    /// A decoder, which is large.
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            values: [[0; 4]; COLUMNS],
            flags: [0; FLAGS],
            maps: [Map::default(); MAPS],
            contexts: INITIAL,
            joined: Vec::new(),
            shape: Shape::default(),
        })
    }
}

impl Blocks {
    /// Decodes a block; `None` when it is damaged. [`rows`](Self::rows) then holds it.
    pub(super) fn decode(&mut self, task: &Task<'_>) -> Option<()> {
        self.begin(task)?;
        let mut pass = 0;
        let mut chunks = task.chunks;
        while let Some(first) = chunks.first() {
            let count = chunks
                .iter()
                .take_while(|c| c.segment == first.segment)
                .count();
            let (these, rest) = chunks.split_at(count);
            chunks = rest;
            let end = pass + these.iter().map(|c| c.passes).sum::<u16>();
            let joined = std::mem::take(&mut self.joined);
            let (joined, done) = match these {
                [one] => (joined, self.segment(task, pass..end, one.data)),
                _ => {
                    let mut joined = joined;
                    joined.clear();
                    these.iter().for_each(|c| joined.extend_from_slice(c.data));
                    let done = self.segment(task, pass..end, &joined);
                    (joined, done)
                }
            };
            self.joined = joined;
            done?;
            pass = end;
        }
        Some(())
    }

    /// Rows of the decoded block: for each row its columns of four and which of the four.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[[u32; 4]], usize)> {
        let Shape { width, height, .. } = self.shape;
        (0..height).map(move |y| (&self.values[y / 4 * width..][..width], y % 4))
    }

    fn begin(&mut self, task: &Task<'_>) -> Option<()> {
        let (width, height) = (task.width, task.height);
        let shape = Shape {
            width,
            height,
            stripes: height.div_ceil(4),
            maps: width.div_ceil(16),
            causal: task.modes.causal(),
        };
        self.shape = shape;
        self.values.get_mut(..shape.stripes * width)?.fill([0; 4]);
        self.flags
            .get_mut(..(shape.stripes + 2) * (width + 2))?
            .fill(0);
        self.maps
            .get_mut(..(shape.stripes + 2) * (shape.maps + 2))?
            .fill(Map::default());
        self.contexts = INITIAL;
        (task.planes <= MAX_PLANES).then_some(())
    }

    /// The passes of one codeword segment.
    fn segment(&mut self, task: &Task<'_>, passes: Range<u16>, data: &[u8]) -> Option<()> {
        let labels = task.orientation.labels();
        let modes = task.modes;
        let raw = modes.bypass() && passes.start >= 10 && !passes.start.is_multiple_of(3);
        let mut bits = Raw::new(data);
        let mut source = Source::new(data);
        let mut coder = Arithmetic::new(&mut source);
        for pass in passes {
            let plane = u16::from(task.planes).checked_sub(1 + pass.div_ceil(3))?;
            let plane = u32::from(plane);
            match (pass % 3, raw) {
                (0, _) => {
                    self.clean_up(plane, labels, &mut coder, &mut source);
                    if modes.symbols() {
                        let symbol = (0..4).fold(0, |symbol, _| {
                            symbol << 1 | coder.bit(&mut self.contexts, UNIFORM, &mut source)
                        });
                        (symbol == 0b1010).then_some(())?;
                    }
                }
                (1, false) => self.propagate(plane, labels, &mut coder, &mut source),
                (1, true) => self.propagate(plane, labels, &mut bits, &mut ()),
                (_, false) => self.refine(plane, &mut coder, &mut source),
                (_, true) => self.refine(plane, &mut bits, &mut ()),
            }
            if modes.reset() {
                self.contexts = INITIAL;
            }
        }
        (!bits.broken).then_some(())
    }
}
