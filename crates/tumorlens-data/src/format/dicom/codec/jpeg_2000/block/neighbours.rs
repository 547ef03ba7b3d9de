//! What is known of the neighbourhood of each coefficient.

use super::super::context::SIGN;
use super::Blocks;

/// Room for columns of flags of the largest block with a border; a power of 2.
pub(super) const FLAGS: usize = 4096;
/// Room for maps with a border; a power of 2.
pub(super) const MAPS: usize = 1024;
/// Maps of one bit a coefficient: column by column from the lowest bit, four rows each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Map {
    pub(super) significant: u64,
    /// A neighbour is significant.
    pub(super) near: u64,
    /// Refined at least once.
    pub(super) refined: u64,
    /// Visited by the significance propagation pass of this bit plane.
    pub(super) visited: u64,
}

/// The upper of the four rows of all columns.
const TOP: u64 = 0x1111_1111_1111_1111;

/// The shape of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) stripes: usize,
    /// Maps of a stripe.
    pub(super) maps: usize,
    pub(super) causal: bool,
}

impl Shape {
    /// The coefficients of a map that lie inside the block.
    pub(super) fn inside(&self, stripe: usize, map: usize) -> u64 {
        let columns = (self.width - 16 * map).min(16);
        let rows = (self.height - 4 * stripe).min(4);
        (u64::MAX >> (64 - 4 * columns)) & (TOP * (0xF >> (4 - rows)))
    }

    /// Where the map stands among those with a border.
    pub(super) fn map(&self, stripe: usize, map: usize) -> usize {
        (stripe + 1) * (self.maps + 2) + map + 1
    }

    /// Where the flags of a column stand among those with a border.
    pub(super) fn flag(&self, stripe: usize, x: usize) -> usize {
        (stripe + 1) * (self.width + 2) + x + 1
    }
}

impl Blocks {
    /// Label of the sign of row `row` of a column, and whether the sign is inverted.
    #[inline(always)]
    pub(super) fn sign_label(&self, flag: usize, row: u32) -> (usize, u32) {
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
    pub(super) fn spread(&mut self, at: usize, flag: usize, place: u32, sign: u32) -> u64 {
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
        let edge = !(4..60).contains(&place);
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
