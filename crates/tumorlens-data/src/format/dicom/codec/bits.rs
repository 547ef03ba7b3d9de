//! Bits of an entropy-coded segment, most significant first.

/// How a byte 0xFF inside the segment is told from a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuffing {
    /// JPEG (T.81 B.1.1.5): a zero byte follows.
    Byte,
    /// JPEG-LS (T.87 A.1): a zero bit follows.
    Bit,
}

/// Reads bits up to the next marker. Beyond it zeros are read and counted, so that the caller can refuse a stream that
/// needed them.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, left aligned.
    window: u64,
    /// Valid bits in the window, invented ones included.
    count: u32,
    /// Bits invented after the end.
    invented: u32,
    after_ff: bool,
    stuffing: Stuffing,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8], stuffing: Stuffing) -> Self {
        Self {
            data,
            at: 0,
            window: 0,
            count: 0,
            invented: 0,
            after_ff: false,
            stuffing,
        }
    }

    /// At least 32 bits are in the window afterwards.
    #[inline]
    fn fill(&mut self) {
        // Four bytes at once where nothing is stuffed.
        if !self.after_ff
            && let Some(word) = self.data.get(self.at..).and_then(<[u8]>::first_chunk::<4>)
        {
            let word = u32::from_be_bytes(*word);
            if (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 == 0 {
                self.window |= u64::from(word) << (32 - self.count);
                self.count += 32;
                self.at += 4;
                return;
            }
        }
        self.fill_bytes();
    }

    #[inline(never)]
    fn fill_bytes(&mut self) {
        while self.count <= 48 {
            let Some(&byte) = self.data.get(self.at) else {
                return self.invent();
            };
            let mut bits = 8;
            match self.stuffing {
                Stuffing::Byte if byte == 0xFF => {
                    if self.data.get(self.at + 1) != Some(&0) {
                        return self.invent();
                    }
                    self.at += 1;
                }
                Stuffing::Bit if self.after_ff => {
                    if byte >= 0x80 {
                        return self.invent();
                    }
                    bits = 7;
                }
                // At the end of a scan 0xFF begins a marker.
                Stuffing::Bit
                    if byte == 0xFF && self.data.get(self.at + 1).is_none_or(|b| *b >= 0x80) =>
                {
                    return self.invent();
                }
                _ => {}
            }
            self.after_ff = self.stuffing == Stuffing::Bit && byte == 0xFF;
            self.window |= u64::from(byte) << (64 - bits - self.count);
            self.count += bits;
            self.at += 1;
        }
    }

    #[cold]
    fn invent(&mut self) {
        self.invented += 56u32.saturating_sub(self.count);
        self.count = self.count.max(56);
    }

    /// The next 32 bits without taking them.
    #[inline]
    pub(super) fn peek(&mut self) -> u32 {
        if self.count < 32 {
            self.fill();
        }
        (self.window >> 32) as u32
    }

    /// Drops `n` bits, at most 32, that [`peek`](Self::peek) has shown.
    #[inline]
    pub(super) fn drop(&mut self, n: u32) {
        self.window <<= n;
        self.count -= n;
    }

    /// Takes `n` bits, 0 to 31.
    #[inline]
    pub(super) fn take(&mut self, n: u32) -> u32 {
        let bits = self.peek().checked_shr(32 - n).unwrap_or(0);
        self.drop(n);
        bits
    }

    /// Whether bits were used that the data does not hold.
    pub(super) fn overdrawn(&self) -> bool {
        self.invented > self.count
    }

    /// Skips to behind the restart marker `expected` (0 to 7), dropping what is left of the byte.
    pub(super) fn restart(&mut self, expected: u8) -> bool {
        // The window may have been filled up to the marker, never beyond it.
        let Some(rest) = self.data.get(self.at..) else {
            return false;
        };
        if rest.first() != Some(&0xFF) {
            return false;
        }
        let fill = rest.iter().take_while(|b| **b == 0xFF).count();
        if rest.get(fill) != Some(&(0xD0 + expected)) {
            return false;
        }
        let at = self.at + fill + 1;
        *self = Self {
            at,
            ..Self::new(self.data, self.stuffing)
        };
        true
    }

    /// Where the marker that ends this segment begins; `None` when data is left before it.
    pub(super) fn end(&self) -> usize {
        self.at
    }
}
