//! Bits that bypass the arithmetic coder (T.800 D.6).

/// Reads bits of a segment, most significant first; behind a byte 0xFF a zero bit is stuffed.
#[derive(Clone, Debug)]
pub(super) struct Raw<'a> {
    data: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
    /// More bits were asked for than there are, or a stuffed bit is not zero.
    pub(super) broken: bool,
}

impl<'a> Raw<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            byte: 0,
            left: 0,
            broken: false,
        }
    }

    /// The next bit; 0 once the segment is broken.
    pub(super) fn bit(&mut self) -> u32 {
        if self.left == 0 {
            let Some(&next) = self.data.get(self.at) else {
                self.broken = true;
                return 0;
            };
            self.left = if self.byte == 0xFF { 7 } else { 8 };
            self.broken |= self.byte == 0xFF && next >= 0x80;
            self.byte = next;
            self.at += 1;
        }
        self.left -= 1;
        u32::from(self.byte >> self.left & 1)
    }
}
