//! Contexts: what a scan has learned about prediction errors (T.87 A.3 to A.6).

/// A regular context.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Sum of the magnitudes of the errors.
    pub(super) a: i32,
    /// Sum of the errors.
    pub(super) b: i32,
    /// Correction of the prediction.
    pub(super) c: i32,
    /// Number of errors.
    pub(super) n: i32,
}

impl Context {
    pub(super) fn new(range: i32) -> Self {
        Self {
            a: ((range + 32) / 64).max(2),
            b: 0,
            c: 0,
            n: 1,
        }
    }

    /// Length of the remainder of a Golomb code.
    #[inline]
    pub(super) fn golomb(&self) -> u32 {
        golomb(self.n, self.a)
    }

    /// A.6.1 and A.6.2.
    #[inline]
    pub(super) fn update(&mut self, error: i32, near: i32, reset: i32) {
        self.b += error * (2 * near + 1);
        self.a += error.abs();
        if self.n == reset {
            self.a >>= 1;
            self.b >>= 1; // rounds down, as the standard's -((1 - b) >> 1) does
            self.n >>= 1;
        }
        self.n += 1;
        if self.b <= -self.n {
            self.b = (self.b + self.n).max(1 - self.n);
            if self.c > -128 {
                self.c -= 1;
            }
        } else if self.b > 0 {
            self.b = (self.b - self.n).min(0);
            if self.c < 127 {
                self.c += 1;
            }
        }
    }
}

/// A context of run interruptions (A.7.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct RunContext {
    pub(super) a: i32,
    pub(super) n: i32,
    /// Number of negative errors.
    pub(super) negative: i32,
}

impl RunContext {
    pub(super) fn new(range: i32) -> Self {
        Self {
            a: ((range + 32) / 64).max(2),
            n: 1,
            negative: 0,
        }
    }
}

/// Smallest k with `n << k >= a`, `n` being positive.
#[inline]
pub(super) fn golomb(n: i32, a: i32) -> u32 {
    let k = n.leading_zeros().saturating_sub(a.leading_zeros()).min(24);
    k + u32::from(n << k < a)
}

#[cfg(test)]
mod tests {
    use super::golomb;

    #[test]
    fn the_remainder_has_the_fewest_bits() {
        for n in 1..70 {
            for a in (0..300).chain([4095, 4096, 4097, 65535 * 63]) {
                let k = (0..24).find(|k| n << k >= a).unwrap();
                assert_eq!(golomb(n, a), k, "{n} {a}");
            }
        }
    }
}
