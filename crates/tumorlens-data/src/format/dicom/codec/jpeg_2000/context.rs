//! Context labels of significance and sign (T.800 tables D.1 to D.3).

/// Which directions a sub-band holds high frequencies of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orientation {
    /// Low in both.
    LowLow,
    /// High across.
    HighLow,
    /// High down.
    LowHigh,
    /// High in both.
    HighHigh,
}

/// Label by the significance of the eight neighbours: bits 0 to 8 are the 3x3 neighbourhood by rows; the middle does
/// not count.
pub(super) type Labels = [u8; 512];

impl Orientation {
    pub(super) fn labels(self) -> &'static Labels {
        match self {
            Self::LowLow | Self::LowHigh => &ACROSS,
            Self::HighLow => &DOWN,
            Self::HighHigh => &DIAGONAL,
        }
    }
}

static ACROSS: Labels = labels(0);
static DOWN: Labels = labels(1);
static DIAGONAL: Labels = labels(2);

const fn labels(kind: u8) -> Labels {
    let mut table = [0; 512];
    let mut near = 0;
    while near < 512 {
        let across = (near >> 3 & 1) + (near >> 5 & 1);
        let down = (near >> 1 & 1) + (near >> 7 & 1);
        let diagonal = (near & 1) + (near >> 2 & 1) + (near >> 6 & 1) + (near >> 8 & 1);
        table[near] = match kind {
            0 => straight(across, down, diagonal),
            1 => straight(down, across, diagonal),
            _ => slanted(across + down, diagonal),
        };
        near += 1;
    }
    table
}

/// Columns LL, LH and HL of table D.1.
const fn straight(along: usize, across: usize, diagonal: usize) -> u8 {
    match (along, across, diagonal) {
        (2, ..) => 8,
        (1, 1.., _) => 7,
        (1, 0, 1..) => 6,
        (1, 0, 0) => 5,
        (_, 2, _) => 4,
        (_, 1, _) => 3,
        (_, _, 2..) => 2,
        (_, _, 1) => 1,
        _ => 0,
    }
}

/// Column HH of table D.1.
const fn slanted(straight: usize, diagonal: usize) -> u8 {
    match (diagonal, straight) {
        (3.., _) => 8,
        (2, 1..) => 7,
        (2, 0) => 6,
        (1, 2..) => 5,
        (1, 1) => 4,
        (1, _) => 3,
        (_, 2..) => 2,
        (_, 1) => 1,
        _ => 0,
    }
}

/// Label of the sign and, in bit 7, whether it is inverted. Index: bit 0 sign of the left neighbour, 1 significance of
/// the upper, 2 sign of the right, 3 significance of the left, 4 sign of the upper, 5 significance of the right, 6 sign
/// of the lower, 7 significance of the lower one.
pub(super) static SIGN: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let across = share(index, 3, 0) + share(index, 5, 2);
        let down = share(index, 1, 4) + share(index, 7, 6);
        table[index] = sign(across.signum(), down.signum());
        index += 1;
    }
    table
};

/// 1 of a positive neighbour, -1 of a negative, 0 of an insignificant one.
const fn share(index: usize, significant: u32, negative: u32) -> i32 {
    (index >> significant & 1) as i32 * (1 - 2 * (index >> negative & 1) as i32)
}

/// Table D.3.
const fn sign(across: i32, down: i32) -> u8 {
    match (across, down) {
        (1, 1) => 13,
        (1, 0) => 12,
        (1, _) => 11,
        (0, 1) => 10,
        (0, 0) => 9,
        (0, _) => 10 | 0x80,
        (_, 1) => 11 | 0x80,
        (_, 0) => 12 | 0x80,
        _ => 13 | 0x80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_table_d_1() {
        // The neighbours on both sides; one above and a corner; two corners.
        assert_eq!(Orientation::LowLow.labels()[0b000_101_000], 8);
        assert_eq!(Orientation::HighLow.labels()[0b000_101_000], 4);
        assert_eq!(Orientation::HighHigh.labels()[0b000_101_000], 2);
        assert_eq!(Orientation::LowHigh.labels()[0b000_000_011], 3);
        assert_eq!(Orientation::HighLow.labels()[0b000_000_011], 6);
        assert_eq!(Orientation::HighHigh.labels()[0b100_010_001], 6);
    }
}
