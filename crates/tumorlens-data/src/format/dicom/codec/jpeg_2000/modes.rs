//! Coding styles of code blocks.

/// Coding styles of code blocks (table A.19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Modes(pub(super) u8);

impl Modes {
    /// Some passes bypass the arithmetic coder.
    pub(super) fn bypass(self) -> bool {
        self.0 & 1 != 0
    }
    /// Contexts begin anew with each pass.
    pub(super) fn reset(self) -> bool {
        self.0 & 2 != 0
    }
    /// Each pass has a segment of its own.
    pub(super) fn terminates(self) -> bool {
        self.0 & 4 != 0
    }
    /// Contexts do not look into the next stripe.
    pub(super) fn causal(self) -> bool {
        self.0 & 8 != 0
    }
    /// A cleanup pass ends with a fixed symbol.
    pub(super) fn symbols(self) -> bool {
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
