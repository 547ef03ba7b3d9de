//! One line of samples (T.87 annex A).

use super::context::{Context, RunContext, golomb};
use super::damaged;
use super::parameters::Parameters;
use crate::format::dicom::codec::bits::Bits;
use crate::format::error::DecodeError;

/// Table A.3: log2 of the run lengths.
const RUN_LENGTHS: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

/// The line being decoded and the one above, each with one sample more on both sides (A.2.1).
pub(super) struct Lines {
    above: Vec<i32>,
    line: Vec<i32>,
    /// RUNindex.
    run_index: usize,
}

impl Lines {
    pub(super) fn new(width: usize) -> Self {
        Self {
            above: vec![0; width + 2],
            line: vec![0; width + 2],
            run_index: 0,
        }
    }

    pub(super) fn current(&self) -> &[i32] {
        &self.line[1..self.line.len() - 1]
    }

    /// The decoded line becomes the one above.
    pub(super) fn turn(&mut self) {
        std::mem::swap(&mut self.above, &mut self.line);
    }
}

/// Decodes lines, with the contexts of a scan.
pub(super) struct Line {
    parameters: Parameters,
    /// By 81 q1 + 9 q2 + q3 of the first gradient that is not 0 being positive.
    contexts: Vec<Context>,
    runs: [RunContext; 2],
    /// Quantized gradient by gradient; beyond the last threshold on both sides all are alike.
    quantized: Vec<i8>,
    /// The largest gradient of the table.
    reach: i32,
}

impl Line {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let reach = parameters.thresholds[2].max(0);
        let quantized = (-reach..=reach).map(|d| quantize(parameters, d)).collect();
        Self {
            parameters: *parameters,
            contexts: vec![Context::new(parameters.range); 365],
            runs: [RunContext::new(parameters.range); 2],
            quantized,
            reach,
        }
    }

    #[inline(always)]
    fn gradient(&self, d: i32) -> i32 {
        let index = d.clamp(-self.reach, self.reach) + self.reach;
        i32::from(self.quantized[index as usize])
    }

    /// Decodes the line below `lines.above` into `lines.line`.
    pub(super) fn decode(
        &mut self,
        lines: &mut Lines,
        bits: &mut Bits<'_>,
    ) -> Result<(), DecodeError> {
        if self.parameters.near == 0 {
            self.decode_line::<true>(lines, bits)
        } else {
            self.decode_line::<false>(lines, bits)
        }
    }

    fn decode_line<const LOSSLESS: bool>(
        &mut self,
        lines: &mut Lines,
        bits: &mut Bits<'_>,
    ) -> Result<(), DecodeError> {
        let Lines {
            above,
            line,
            run_index,
        } = lines;
        let width = line.len() - 2;
        above[width + 1] = above[width];
        line[0] = above[1];
        let mut x = 1;
        while x <= width {
            // A.3.1: a lies before the sample, c, b and d above.
            let (mut a, mut b, mut c) = (line[x - 1], above[x], above[x - 1]);
            let samples = line[x..=width].iter_mut().zip(&above[x + 1..]);
            for (sample, &d) in samples {
                let q = 81 * self.gradient(d - b) + 9 * self.gradient(b - c) + self.gradient(c - a);
                if q == 0 {
                    break;
                }
                *sample = self.regular::<LOSSLESS>(q, predict(a, b, c), bits)?;
                (a, c, b) = (*sample, b, d);
                x += 1;
            }
            if x > width {
                break;
            }
            let length = run(width + 1 - x, run_index, bits)?;
            line[x..x + length].fill(a);
            x += length;
            if x <= width {
                line[x] = self.interruption(a, above[x], *run_index, bits)?;
                *run_index = run_index.saturating_sub(1);
                x += 1;
            }
        }
        Ok(())
    }

    /// A.5 and A.6.
    #[inline(always)]
    fn regular<const LOSSLESS: bool>(
        &mut self,
        q: i32,
        predicted: i32,
        bits: &mut Bits<'_>,
    ) -> Result<i32, DecodeError> {
        let p = &self.parameters;
        let near = if LOSSLESS { 0 } else { p.near };
        let sign = q >> 31;
        let context = &mut self.contexts[q.unsigned_abs() as usize];
        let predicted = (predicted + ((context.c ^ sign) - sign)).clamp(0, p.maximum);
        let k = context.golomb();
        let mapped = code(bits, k, p.limit, p.error_bits)?;
        // A.5.2, the other way round.
        let mut error = (mapped >> 1) ^ -(mapped & 1);
        if near == 0 && k == 0 && 2 * context.b <= -context.n {
            error = -error - 1;
        }
        if error.abs() > p.range {
            return Err(damaged("a prediction error is out of range"));
        }
        context.update(error, near, p.reset);
        Ok(self.reconstruct::<LOSSLESS>(predicted, (error ^ sign) - sign))
    }

    /// A.7.2.
    fn interruption(
        &mut self,
        a: i32,
        b: i32,
        run_index: usize,
        bits: &mut Bits<'_>,
    ) -> Result<i32, DecodeError> {
        let p = self.parameters;
        let same = (a - b).abs() <= p.near;
        let kind = i32::from(same);
        let context = &mut self.runs[usize::from(same)];
        let sum = if same {
            context.a + (context.n >> 1)
        } else {
            context.a
        };
        let k = golomb(context.n, sum);
        let limit = p.limit - RUN_LENGTHS[run_index] - 1;
        let mapped = code(bits, k, limit, p.error_bits)?;
        let doubled = mapped + kind;
        let odd = doubled & 1;
        let magnitude = (doubled + odd) / 2;
        let leans = k != 0 || 2 * context.negative >= context.n;
        let error = if leans == (odd == 1) {
            -magnitude
        } else {
            magnitude
        };
        if magnitude > p.range {
            return Err(damaged("a prediction error is out of range"));
        }
        if error < 0 {
            context.negative += 1;
        }
        context.a += (mapped + 1 - kind) >> 1;
        if context.n == p.reset {
            context.a >>= 1;
            context.n >>= 1;
            context.negative >>= 1;
        }
        context.n += 1;
        let sign = if !same && a > b { -1 } else { 1 };
        Ok(self.reconstruct::<false>(if same { a } else { b }, sign * error))
    }

    /// A.4.4, A.4.5: the sample from prediction and error.
    #[inline(always)]
    fn reconstruct<const LOSSLESS: bool>(&self, predicted: i32, error: i32) -> i32 {
        let p = &self.parameters;
        let near = if LOSSLESS { 0 } else { p.near };
        let step = 2 * near + 1;
        let mut value = predicted + error * step;
        if value < -near {
            value += p.range * step;
        } else if value > p.maximum + near {
            value -= p.range * step;
        }
        value.clamp(0, p.maximum)
    }
}

/// A.3.3.
fn quantize(p: &Parameters, d: i32) -> i8 {
    let [t1, t2, t3] = p.thresholds;
    let size = d.abs();
    let q = if size <= p.near {
        0
    } else if size < t1 {
        1
    } else if size < t2 {
        2
    } else if size < t3 {
        3
    } else {
        4
    };
    if d < 0 { -q } else { q }
}

/// The median edge detector (A.4.1).
#[inline]
fn predict(a: i32, b: i32, c: i32) -> i32 {
    if c >= a.max(b) {
        a.min(b)
    } else if c <= a.min(b) {
        a.max(b)
    } else {
        a + b - c
    }
}

/// Length of a run, at most `left` (A.7.1).
fn run(left: usize, run_index: &mut usize, bits: &mut Bits<'_>) -> Result<usize, DecodeError> {
    let mut length = 0;
    while bits.take(1) == 1 {
        if bits.overdrawn() {
            break;
        }
        let full = 1 << RUN_LENGTHS[*run_index];
        let part = full.min(left - length);
        length += part;
        if part == full {
            *run_index = (*run_index + 1).min(31);
        }
        if length == left {
            return Ok(length);
        }
    }
    length += bits.take(RUN_LENGTHS[*run_index]) as usize;
    if length < left {
        Ok(length)
    } else {
        Err(damaged("a run goes beyond its line"))
    }
}

/// A limited Golomb code (A.5.3).
#[inline(always)]
fn code(bits: &mut Bits<'_>, k: u32, limit: u32, error_bits: u32) -> Result<i32, DecodeError> {
    let longest = limit - error_bits - 1;
    let next = bits.peek();
    let zeros = next.leading_zeros();
    if zeros < longest && zeros + k < 32 {
        // Behind the zeros and their end; shifted twice, since k may be 0.
        let rest = next << zeros << 1;
        bits.drop(zeros + 1 + k);
        return Ok((zeros << k) as i32 + (rest >> 1 >> (31 - k)) as i32);
    }
    long_code(bits, k, longest, error_bits)
}

/// A code that is longer than one look, or has the longest prefix.
#[cold]
fn long_code(
    bits: &mut Bits<'_>,
    k: u32,
    longest: u32,
    error_bits: u32,
) -> Result<i32, DecodeError> {
    let mut zeros = 0;
    loop {
        let part = bits.peek().leading_zeros();
        if part < 32 {
            zeros += part;
            bits.drop(part + 1);
            break;
        }
        zeros += 32;
        bits.drop(32);
        if zeros > longest {
            break;
        }
    }
    if zeros < longest {
        Ok((zeros << k) as i32 + bits.take(k) as i32)
    } else if zeros == longest {
        Ok(bits.take(error_bits) as i32 + 1)
    } else {
        Err(damaged("a code is too long"))
    }
}
