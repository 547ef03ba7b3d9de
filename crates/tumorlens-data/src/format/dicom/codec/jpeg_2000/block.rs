//! Coefficients of a code block from its coding passes (T.800 annex D).
//!
//! Coefficients are kept by stripe and column, four rows together, and so is what is known of them: a word of flags a
//! column holds the significance of the 3x6 neighbourhood and the signs of the column, from which context labels are
//! looked up; maps of 64 bits, 16 columns each, say which coefficients a pass must visit, so that none is looked at in
//! vain.

use super::arithmetic::{Arithmetic, Contexts, INITIAL, RUN, Source, UNIFORM};
use super::context::{Labels, Orientation, SIGN};
use super::raw::Raw;

/// Most bit planes of a block: a coefficient has its sign and half a unit beside them.
pub(super) const MAX_PLANES: u8 = 30;

/// Coding styles of code blocks (table A.19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Modes(pub(super) u8);

impl Modes {
    /// Some passes bypass the arithmetic coder.
    pub(super) fn bypass(self) -> bool {
        self.0 & 1 != 0
    }
    /// Contexts begin anew with each pass.
    fn reset(self) -> bool {
        self.0 & 2 != 0
    }
    /// Each pass has a segment of its own.
    pub(super) fn terminates(self) -> bool {
        self.0 & 4 != 0
    }
    /// Contexts do not look into the next stripe.
    fn causal(self) -> bool {
        self.0 & 8 != 0
    }
    /// A cleanup pass ends with a fixed symbol.
    fn symbols(self) -> bool {
        self.0 & 32 != 0
    }
    /// The block is of high-throughput JPEG 2000, or what else is not of part 1.
    pub(super) fn is_unknown(self) -> bool {
        self.0 & 0xC0 != 0
    }
    /// The codeword segment that holds pass `pass`.
    pub(super) fn segment(self, pass: u16) -> u16 {
        if self.terminates() {
            pass
        } else if self.bypass() && pass >= 10 {
            1 + 2 * ((pass - 10) / 3) + u16::from((pass - 10) % 3 == 2)
        } else {
            0
        }
    }
}

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

/// Room for columns of flags of the largest block with a border; a power of 2.
const FLAGS: usize = 4096;
/// Room for maps with a border; a power of 2.
const MAPS: usize = 1024;
/// Columns of four of the largest block.
const COLUMNS: usize = 1024;

/// Maps of one bit a coefficient: column by column from the lowest bit, four rows each.
#[derive(Clone, Copy, Debug, Default)]
struct Map {
    significant: u64,
    /// A neighbour is significant.
    near: u64,
    /// Refined at least once.
    refined: u64,
    /// Visited by the significance propagation pass of this bit plane.
    visited: u64,
}

/// The upper of the four rows of all columns.
const TOP: u64 = 0x1111_1111_1111_1111;

/// A decoder of blocks, reused from block to block.
pub(super) struct Blocks {
    /// Sign in the highest bit, below it the magnitude in halves: `[stripe * width + x][row]`.
    values: Box<[[u32; 4]; COLUMNS]>,
    /// Bit `3 * row + x` of the neighbourhood's significance, rows -1 to 4 of the stripe; from bit 18 the signs of the
    /// column's rows -1 to 4.
    flags: Box<[u32; FLAGS]>,
    maps: Box<[Map; MAPS]>,
    contexts: Contexts,
    /// The segment being decoded, where it lies scattered.
    joined: Vec<u8>,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    width: usize,
    height: usize,
    stripes: usize,
    /// Maps of a stripe.
    maps: usize,
    causal: bool,
}

impl Shape {
    /// The coefficients of a map that lie inside the block.
    fn inside(&self, stripe: usize, map: usize) -> u64 {
        let columns = (self.width - 16 * map).min(16);
        let rows = (self.height - 4 * stripe).min(4);
        (u64::MAX >> (64 - 4 * columns)) & (TOP * (0xF >> (4 - rows)))
    }

    fn map(&self, stripe: usize, map: usize) -> usize {
        (stripe + 1) * (self.maps + 2) + map + 1
    }

    fn flag(&self, stripe: usize, x: usize) -> usize {
        (stripe + 1) * (self.width + 2) + x + 1
    }
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            values: Box::new([[0; 4]; COLUMNS]),
            flags: Box::new([0; FLAGS]),
            maps: Box::new([Map::default(); MAPS]),
            contexts: INITIAL,
            joined: Vec::new(),
            shape: Shape::default(),
        }
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
    fn segment(
        &mut self,
        task: &Task<'_>,
        passes: std::ops::Range<u16>,
        data: &[u8],
    ) -> Option<()> {
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
                (1, true) => self.propagate_raw(plane, &mut bits),
                (_, false) => self.refine(plane, &mut coder, &mut source),
                (_, true) => self.refine_raw(plane, &mut bits),
            }
            if modes.reset() {
                self.contexts = INITIAL;
            }
        }
        (!bits.broken).then_some(())
    }

    /// The significance propagation pass (D.3.1).
    fn propagate(
        &mut self,
        plane: u32,
        labels: &Labels,
        coder: &mut Arithmetic,
        source: &mut Source<'_>,
    ) {
        let shape = self.shape;
        let mut coding = *coder;
        for stripe in 0..shape.stripes {
            for word in 0..shape.maps {
                let at = shape.map(stripe, word) % MAPS;
                let Map {
                    mut significant,
                    mut near,
                    ..
                } = self.maps[at];
                let inside = shape.inside(stripe, word);
                let mut left = near & !significant & inside;
                let mut visited = 0;
                while left != 0 {
                    let place = left.trailing_zeros();
                    left &= left - 1;
                    visited |= 1 << place;
                    let column = 16 * word + (place >> 2) as usize;
                    let row = place & 3;
                    let flag = shape.flag(stripe, column);
                    let around = self.flags[flag % FLAGS] >> (3 * row);
                    let label = usize::from(labels[(around & 0x1FF) as usize]);
                    if coding.bit(&mut self.contexts, label, source) != 0 {
                        let (label, invert) = self.sign_label(flag, row);
                        let sign = coding.even_bit(&mut self.contexts, label, source) ^ invert;
                        self.values[(stripe * shape.width + column) % COLUMNS]
                            [(row % 4) as usize] = sign << 31 | 3 << plane;
                        significant |= 1 << place;
                        near |= self.spread(at, flag, place, sign);
                        let later = !(2u64 << place).wrapping_sub(1);
                        left |= near & !significant & inside & later;
                    }
                }
                let map = &mut self.maps[at];
                (map.significant, map.near, map.visited) = (significant, near, visited);
            }
        }
        *coder = coding;
    }

    /// [`propagate`](Self::propagate) without the arithmetic coder.
    fn propagate_raw(&mut self, plane: u32, bits: &mut Raw<'_>) {
        let shape = self.shape;
        for stripe in 0..shape.stripes {
            for word in 0..shape.maps {
                let at = shape.map(stripe, word) % MAPS;
                let Map {
                    mut significant,
                    mut near,
                    ..
                } = self.maps[at];
                let inside = shape.inside(stripe, word);
                let mut left = near & !significant & inside;
                let mut visited = 0;
                while left != 0 {
                    let place = left.trailing_zeros();
                    left &= left - 1;
                    visited |= 1 << place;
                    if bits.bit() == 0 {
                        continue;
                    }
                    let column = 16 * word + (place >> 2) as usize;
                    let sign = bits.bit();
                    self.values[(stripe * shape.width + column) % COLUMNS][(place & 3) as usize] =
                        sign << 31 | 3 << plane;
                    significant |= 1 << place;
                    near |= self.spread(at, shape.flag(stripe, column), place, sign);
                    let later = !(2u64 << place).wrapping_sub(1);
                    left |= near & !significant & inside & later;
                }
                let map = &mut self.maps[at];
                (map.significant, map.near, map.visited) = (significant, near, visited);
            }
        }
    }

    /// The magnitude refinement pass (D.3.3).
    fn refine(&mut self, plane: u32, coder: &mut Arithmetic, source: &mut Source<'_>) {
        let shape = self.shape;
        let mut coding = *coder;
        for stripe in 0..shape.stripes {
            for word in 0..shape.maps {
                let map = &mut self.maps[shape.map(stripe, word) % MAPS];
                let mut left = map.significant & !map.visited;
                let Map { near, refined, .. } = *map;
                map.refined |= left;
                let first = stripe * shape.width + 16 * word;
                while left != 0 {
                    let place = left.trailing_zeros();
                    left &= left - 1;
                    let label = if refined >> place & 1 != 0 {
                        16
                    } else {
                        14 + (near >> place & 1) as usize
                    };
                    let bit = coding.even_bit(&mut self.contexts, label, source);
                    // The bit that stood for the middle of the interval becomes the decoded one.
                    self.values[(first + (place >> 2) as usize) % COLUMNS][(place & 3) as usize] ^=
                        (2 - 2 * bit + 1) << plane;
                }
            }
        }
        *coder = coding;
    }

    /// [`refine`](Self::refine) without the arithmetic coder.
    fn refine_raw(&mut self, plane: u32, bits: &mut Raw<'_>) {
        let shape = self.shape;
        for stripe in 0..shape.stripes {
            for word in 0..shape.maps {
                let map = &mut self.maps[shape.map(stripe, word) % MAPS];
                let mut left = map.significant & !map.visited;
                map.refined |= left;
                while left != 0 {
                    let place = left.trailing_zeros();
                    left &= left - 1;
                    let column = stripe * shape.width + 16 * word + (place >> 2) as usize;
                    self.values[column % COLUMNS][(place & 3) as usize] ^=
                        (2 - 2 * bits.bit() + 1) << plane;
                }
            }
        }
    }

    /// The cleanup pass (D.3.4).
    fn clean_up(
        &mut self,
        plane: u32,
        labels: &Labels,
        coder: &mut Arithmetic,
        source: &mut Source<'_>,
    ) {
        let shape = self.shape;
        let mut coding = *coder;
        for stripe in 0..shape.stripes {
            let whole = shape.height - 4 * stripe >= 4;
            for word in 0..shape.maps {
                let at = shape.map(stripe, word) % MAPS;
                let Map {
                    mut significant,
                    mut near,
                    visited,
                    ..
                } = self.maps[at];
                let mut left = !(significant | visited) & shape.inside(stripe, word);
                while left != 0 {
                    let mut place = left.trailing_zeros();
                    let mut known = false;
                    if whole && place & 3 == 0 && ((near | significant) >> place) & 0xF == 0 {
                        if coding.bit(&mut self.contexts, RUN, source) == 0 {
                            left &= !(0xF << place);
                            continue;
                        }
                        let high = coding.bit(&mut self.contexts, UNIFORM, source);
                        place += 2 * high + coding.bit(&mut self.contexts, UNIFORM, source);
                        known = true;
                    }
                    left &= !(2u64 << place).wrapping_sub(1);
                    let column = 16 * word + (place >> 2) as usize;
                    let row = place & 3;
                    let flag = shape.flag(stripe, column);
                    if !known {
                        let around = self.flags[flag % FLAGS] >> (3 * row);
                        let label = usize::from(labels[(around & 0x1FF) as usize]);
                        if coding.bit(&mut self.contexts, label, source) == 0 {
                            continue;
                        }
                    }
                    let (label, invert) = self.sign_label(flag, row);
                    let sign = coding.even_bit(&mut self.contexts, label, source) ^ invert;
                    self.values[(stripe * shape.width + column) % COLUMNS][(row % 4) as usize] =
                        sign << 31 | 3 << plane;
                    significant |= 1 << place;
                    near |= self.spread(at, flag, place, sign);
                }
                let map = &mut self.maps[at];
                (map.significant, map.near, map.visited) = (significant, near, 0);
            }
        }
        *coder = coding;
    }

    /// Label of the sign of row `row` of a column, and whether the sign is inverted.
    #[inline(always)]
    fn sign_label(&self, flag: usize, row: u32) -> (usize, u32) {
        let before = self.flags[(flag - 1) % FLAGS] >> (19 + row);
        let here = self.flags[flag % FLAGS];
        let behind = self.flags[(flag + 1) % FLAGS] >> (19 + row);
        let signs = here >> (18 + row);
        let index = here >> (3 * row) & 0b1010_1010
            | before & 1
            | (behind & 1) << 2
            | (signs & 1) << 4
            | (signs & 4) << 4;
        let found = SIGN[(index & 0xFF) as usize];
        (usize::from(found & 0x7F), u32::from(found >> 7))
    }

    /// Tells the neighbours of a coefficient that it is significant. Returns those in its own map; the others' maps are
    /// changed.
    #[inline(always)]
    fn spread(&mut self, at: usize, flag: usize, place: u32, sign: u32) -> u64 {
        let row = place & 3;
        let wide = self.shape.width + 2;
        let corner = 3 * row + 3;
        self.flags[(flag - 1) % FLAGS] |= 4 << corner;
        self.flags[flag % FLAGS] |= 2 << corner | sign << (19 + row);
        self.flags[(flag + 1) % FLAGS] |= 1 << corner;
        let bit = 1u64 << place;
        let beside = (bit << 1 & !TOP) | (bit & !TOP) >> 1;
        let column = bit | beside;
        let near = beside | column << 4 | column >> 4;
        let edge = place < 4 || place >= 60;
        if edge {
            self.maps[(at - 1) % MAPS].near |= column << 60;
            self.maps[(at + 1) % MAPS].near |= column >> 60;
        }
        let stride = self.shape.maps + 2;
        if row == 0 && !self.shape.causal {
            let above = flag - wide;
            self.flags[(above - 1) % FLAGS] |= 4 << 15;
            self.flags[above % FLAGS] |= 2 << 15 | sign << 23;
            self.flags[(above + 1) % FLAGS] |= 1 << 15;
            self.reach(at - stride, bit << 3, edge);
        }
        if row == 3 {
            let below = flag + wide;
            self.flags[(below - 1) % FLAGS] |= 4;
            self.flags[below % FLAGS] |= 2 | sign << 18;
            self.flags[(below + 1) % FLAGS] |= 1;
            self.reach(at + stride, bit >> 3, edge);
        }
        near
    }

    /// Marks a coefficient of another stripe and those beside it.
    #[inline(always)]
    fn reach(&mut self, at: usize, bit: u64, edge: bool) {
        self.maps[at % MAPS].near |= bit | bit << 4 | bit >> 4;
        if edge {
            self.maps[(at - 1) % MAPS].near |= bit << 60;
            self.maps[(at + 1) % MAPS].near |= bit >> 60;
        }
    }
}
