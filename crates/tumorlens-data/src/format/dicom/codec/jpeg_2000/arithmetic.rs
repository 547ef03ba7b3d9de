//! The arithmetic decoder (T.800 annex C).
//!
//! As Taubman describes it: of the interval `A` and the code `C` the part `D` is kept apart which more probable symbols
//! may use up before anything else happens, so that such a symbol costs a subtraction and a test. The registers hold
//! [`SCALE`] bits of the stream beyond the 16 that are compared, so that bytes are fetched four at a time.

/// A context: the size of its less probable interval, scaled, and its row of table C.2 with the more probable symbol in
/// the lowest bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    less: i64,
    state: usize,
}

/// Contexts of a code block: 0 to 8 significance, 9 to 13 sign, 14 to 16 refinement, [`RUN`] and [`UNIFORM`].
pub(super) type Contexts = [Context; 32];

/// Context of a run of four insignificant coefficients.
pub(super) const RUN: usize = 17;
/// Context of equal probabilities.
pub(super) const UNIFORM: usize = 18;

const SCALE: i32 = 40;
/// Where the interval is doubled.
const HALF: i64 = 0x8000 << SCALE;

/// Qe, next row after the more and after the less probable symbol, whether the symbols change places (table C.2).
const ROWS: [(u16, u8, u8, bool); 47] = [
    (0x5601, 1, 1, true),
    (0x3401, 2, 6, false),
    (0x1801, 3, 9, false),
    (0x0AC1, 4, 12, false),
    (0x0521, 5, 29, false),
    (0x0221, 38, 33, false),
    (0x5601, 7, 6, true),
    (0x5401, 8, 14, false),
    (0x4801, 9, 14, false),
    (0x3801, 10, 14, false),
    (0x3001, 11, 17, false),
    (0x2401, 12, 18, false),
    (0x1C01, 13, 20, false),
    (0x1601, 29, 21, false),
    (0x5601, 15, 14, true),
    (0x5401, 16, 14, false),
    (0x5101, 17, 15, false),
    (0x4801, 18, 16, false),
    (0x3801, 19, 17, false),
    (0x3401, 20, 18, false),
    (0x3001, 21, 19, false),
    (0x2801, 22, 19, false),
    (0x2401, 23, 20, false),
    (0x2201, 24, 21, false),
    (0x1C01, 25, 22, false),
    (0x1801, 26, 23, false),
    (0x1601, 27, 24, false),
    (0x1401, 28, 25, false),
    (0x1201, 29, 26, false),
    (0x1101, 30, 27, false),
    (0x0AC1, 31, 28, false),
    (0x09C1, 32, 29, false),
    (0x08A1, 33, 30, false),
    (0x0521, 34, 31, false),
    (0x0441, 35, 32, false),
    (0x02A1, 36, 33, false),
    (0x0221, 37, 34, false),
    (0x0141, 38, 35, false),
    (0x0111, 39, 36, false),
    (0x0085, 40, 37, false),
    (0x0049, 41, 38, false),
    (0x0025, 42, 39, false),
    (0x0015, 43, 40, false),
    (0x0009, 44, 41, false),
    (0x0005, 45, 42, false),
    (0x0001, 45, 43, false),
    (0x5601, 46, 46, false),
];

const fn context(row: usize, symbol: usize) -> Context {
    Context {
        less: (ROWS[row].0 as i64) << SCALE,
        state: row << 1 | symbol,
    }
}

/// The context that follows: by state, and by whether the symbol was the less probable one; from 2 where the interval
/// was not doubled, which changes nothing.
static NEXT: [[Context; 4]; 128] = {
    let mut table = [[context(0, 0); 4]; 128];
    let mut state = 0;
    while state < 2 * ROWS.len() {
        let (_, more, less, change) = ROWS[state >> 1];
        let symbol = state & 1;
        table[state] = [
            context(more as usize, symbol),
            context(less as usize, symbol ^ change as usize),
            context(state >> 1, symbol),
            context(state >> 1, symbol),
        ];
        state += 1;
    }
    table
};

/// The contexts as a code block begins with them (table D.7).
pub(super) const INITIAL: Contexts = {
    let mut contexts = [context(0, 0); 32];
    contexts[0] = context(4, 0);
    contexts[RUN] = context(3, 0);
    contexts[UNIFORM] = context(46, 0);
    contexts
};

/// Bytes of a codeword segment.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    data: &'a [u8],
    at: usize,
    /// The last byte was 0xFF: the next one has seven bits, or is a marker.
    after_ff: bool,
}

impl<'a> Source<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            after_ff: false,
        }
    }

    /// Adds bytes to `code` below its `bits` valid bits (BYTEIN). Behind the end the stream goes on with ones.
    #[inline]
    fn fill(&mut self, code: i64, bits: i32) -> (i64, i32) {
        if !self.after_ff
            && let Some(word) = self.data.get(self.at..).and_then(<[u8]>::first_chunk::<4>)
        {
            let word = u32::from_be_bytes(*word);
            let has_ff = (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080;
            if has_ff == 0 {
                self.at += 4;
                return (code + (i64::from(word) << (SCALE - 32 - bits)), bits + 32);
            }
        }
        self.fill_bytes(code, bits)
    }

    #[cold]
    #[inline(never)]
    fn fill_bytes(&mut self, mut code: i64, mut bits: i32) -> (i64, i32) {
        while bits <= SCALE - 8 {
            let byte = self.data.get(self.at).copied().unwrap_or(0xFF);
            if self.after_ff && byte > 0x8F {
                code += 0xFF << (SCALE - 8 - bits);
                bits += 8;
                continue;
            }
            let width = if self.after_ff { 7 } else { 8 };
            code += i64::from(byte) << (SCALE - width - bits);
            bits += width;
            self.after_ff = byte == 0xFF;
            self.at += 1;
        }
        (code, bits)
    }
}

/// The registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arithmetic {
    interval: i64,
    code: i64,
    /// Valid bits of the code below the 16 that are compared.
    bits: i32,
}

impl Arithmetic {
    /// INITDEC.
    pub(super) fn new(source: &mut Source<'_>) -> Self {
        let (code, bits) = source.fill(0, -15);
        Self {
            interval: HALF,
            code,
            bits,
        }
    }

    /// DECODE: the next symbol in context `label`. There is no test that could be guessed wrong but the one for more
    /// bytes: symbols are about as often the less probable as not, or too often for a processor's guess.
    #[inline(always)]
    pub(super) fn bit(
        &mut self,
        contexts: &mut Contexts,
        label: usize,
        source: &mut Source<'_>,
    ) -> u32 {
        let context = &mut contexts[label & 31];
        let Context { less, state } = *context;
        let (interval, code) = (self.interval - less, self.code - less);
        // The code lies in the less probable interval, below; which of the two that is changes where it is larger.
        let below = code < 0;
        let other = usize::from(below != (interval < less));
        let still = usize::from((code | (interval - HALF)) >= 0);
        *context = NEXT[state & 127][other + 2 * still];
        let interval = if below { less } else { interval };
        let code = if below { code + less } else { code };
        let shift = (interval | 1).leading_zeros() - HALF.leading_zeros();
        self.interval = interval << shift;
        self.code = code << shift;
        self.bits -= shift as i32;
        if self.bits < 0 {
            (self.code, self.bits) = source.fill(self.code, self.bits);
        }
        ((state & 1) ^ other) as u32
    }

    /// [`bit`](Self::bit) in a context where the more probable symbol nearly always comes.
    #[inline(always)]
    pub(super) fn likely_bit(
        &mut self,
        contexts: &mut Contexts,
        label: usize,
        source: &mut Source<'_>,
    ) -> u32 {
        let Context { less, state } = contexts[label & 31];
        let (interval, code) = (self.interval - less, self.code - less);
        if (code | (interval - HALF)) >= 0 {
            (self.interval, self.code) = (interval, code);
            return (state & 1) as u32;
        }
        self.bit(contexts, label, source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_sequence_of_the_standard_is_decoded() {
        // T.88 H.2, the sequence by which T.800's coder is tested too.
        let coded = [
            0x84, 0xC7, 0x3B, 0xFC, 0xE1, 0xA1, 0x43, 0x04, 0x02, 0x20, 0x00, 0x00, 0x41, 0x0D,
            0xBB, 0x86, 0xF4, 0x31, 0x7F, 0xFF, 0x88, 0xFF, 0x37, 0x47, 0x1A, 0xDB, 0x6A, 0xDF,
            0xFF, 0xAC,
        ];
        let plain = [
            0x00, 0x02, 0x00, 0x51, 0x00, 0x00, 0x00, 0xC0, 0x03, 0x52, 0x87, 0x2A, 0xAA, 0xAA,
            0xAA, 0xAA, 0x82, 0xC0, 0x20, 0x00, 0xFC, 0xD7, 0x9E, 0xF6, 0xBF, 0x7F, 0xED, 0x90,
            0x4F, 0x46, 0xA3, 0xBF,
        ];
        let mut source = Source::new(&coded);
        let mut decoder = Arithmetic::new(&mut source);
        let mut contexts = INITIAL;
        for expected in plain {
            let byte = (0..8).fold(0, |byte, _| {
                byte << 1 | decoder.bit(&mut contexts, 1, &mut source)
            });
            assert_eq!(byte, expected);
        }
    }
}
