//! Huffman tables (T.81 annexes C and F.2.2.3).

use super::damaged;
use crate::format::dicom::codec::bits::Bits;
use crate::format::error::DecodeError;

const FAST: u32 = 9;

/// A decoding table: codes of up to nine bits by one look, longer ones by length.
pub(super) struct Huffman {
    /// `length << 8 | symbol` by the next nine bits; 0 for longer codes.
    fast: Vec<u16>,
    /// Behind the last code of each length, left aligned in 16 bits; index is the length.
    limit: [u32; 17],
    /// What to add to a code of a length to find its symbol.
    offset: [i32; 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// Reads counts and symbols; also returns how many bytes they took.
    pub(super) fn read(body: &[u8]) -> Result<(Self, usize), DecodeError> {
        let cut = || damaged("it ends inside a Huffman table");
        let counts: [u8; 16] = body
            .get(..16)
            .and_then(|b| b.try_into().ok())
            .ok_or_else(cut)?;
        let total: usize = counts.iter().map(|c| usize::from(*c)).sum();
        let symbols = body.get(16..16 + total).ok_or_else(cut)?.to_vec();
        let mut fast = vec![0; 1 << FAST];
        let (mut limit, mut offset) = ([0; 17], [0; 17]);
        let (mut code, mut index) = (0u32, 0usize);
        for length in 1..=16u32 {
            let count = u32::from(counts[length as usize - 1]);
            offset[length as usize] = index as i32 - code as i32;
            if code + count > 1 << length {
                return Err(damaged("a Huffman table has too many codes"));
            }
            if length <= FAST {
                for i in 0..count {
                    let symbol = symbols[index + i as usize];
                    let start = ((code + i) << (FAST - length)) as usize;
                    let entry = (length as u16) << 8 | u16::from(symbol);
                    fast[start..start + (1 << (FAST - length))].fill(entry);
                }
            }
            code += count;
            index += count as usize;
            limit[length as usize] = code << (16 - length);
            code <<= 1;
        }
        let table = Self {
            fast,
            limit,
            offset,
            symbols,
        };
        Ok((table, 16 + total))
    }

    /// The next symbol and the number behind it, whose size in bits the symbol's low half tells (F.2.2.1); `None` when
    /// the bits are no code.
    #[inline]
    pub(super) fn coded(&self, bits: &mut Bits<'_>) -> Option<(u8, i32)> {
        let next = bits.peek();
        let entry = self.fast[(next >> (32 - FAST)) as usize];
        let (length, symbol) = if entry != 0 {
            (u32::from(entry >> 8), entry as u8)
        } else {
            self.long(next >> 16)?
        };
        let size = u32::from(symbol & 15);
        let rest = next << length;
        let value = (rest >> 1 >> (31 - size)) as i32;
        // The lower half of the numbers of a size stands for negative ones.
        let is_low = !(rest as i32 >> 31);
        bits.drop(length + size);
        Some((symbol, value + (is_low & (1 - (1 << size)))))
    }

    /// Length and symbol of a code that is longer than the table reaches.
    #[cold]
    fn long(&self, code: u32) -> Option<(u32, u8)> {
        let length = (FAST + 1..=16).find(|l| code < self.limit[*l as usize])?;
        let index = (code >> (16 - length)) as i32 + self.offset[length as usize];
        let symbol = self.symbols.get(usize::try_from(index).ok()?)?;
        Some((length, *symbol))
    }
}
