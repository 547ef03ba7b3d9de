//! What multiplies numbers of 16 bits: a run-time value.

use super::product::Product;
use std::sync::OnceLock;

/// A way to multiply numbers of 16 bits and sum them in single precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Widened first, then as any other number, on the instruction set of [`crate::Isa::best`].
    Widened,
    /// Dot products of pairs in vectors (AVX512_BF16).
    Dot,
    /// The matrix unit (AMX).
    Tiles,
}

impl Unit {
    /// Every one that this processor has beside [`crate::Isa::best`], the best last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
        let mut found = vec![Self::Widened];
        #[cfg(target_arch = "x86_64")]
        if crate::Isa::best() == crate::Isa::Avx512 && is_x86_feature_detected!("avx512bf16") {
            found.push(Self::Dot);
            if super::amx::is_usable() {
                found.push(Self::Tiles);
            }
        }
        found
    }

    /// The best that this processor has, or what the environment variable `TUMORLENS_BF16` (`widened`, `dot`, `tiles`)
    /// names, where the processor has it.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Unit> = OnceLock::new();
        *BEST.get_or_init(|| {
            let available = Self::available();
            let wanted = std::env::var("TUMORLENS_BF16").ok();
            let named = |unit: &&Self| wanted.as_deref() == Some(unit.name());
            let found = available.iter().find(named).or(available.last());
            found.copied().unwrap_or(Self::Widened)
        })
    }

    /// Whether products of 16 bits take less time than those of single precision: where the processor has them.
    #[must_use]
    pub fn pays(self) -> bool {
        self != Self::Widened
    }

    /// Its name in `TUMORLENS_BF16`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Widened => "widened",
            Self::Dot => "dot",
            Self::Tiles => "tiles",
        }
    }
}

/// The unit made ready on this thread for tiles of so many rows, until it is dropped.
///
/// It must not leave its thread, and one thread has one at a time.
pub(super) struct Ready {
    unit: Unit,
    rows: usize,
    /// Not for another thread: the state is this one's.
    _here: std::marker::PhantomData<*const ()>,
}

impl Ready {
    pub(super) fn new(rows: usize) -> Self {
        assert!((1..=16).contains(&rows), "rows of a tile: {rows}");
        let unit = Unit::best();
        #[cfg(target_arch = "x86_64")]
        if unit == Unit::Tiles {
            // SAFETY: `best` answers with what this processor has and the system lets us use; 1 to 16 rows.
            unsafe { super::amx::configure(rows) };
        }
        Self {
            unit,
            rows,
            _here: std::marker::PhantomData,
        }
    }

    /// Runs one product.
    ///
    /// # Safety
    /// All that the product reads and writes, as [`Product`] says for these rows, must be there.
    #[inline]
    pub(super) unsafe fn run(&self, product: &Product<'_>) {
        match self.unit {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the unit, and it is configured for these rows; the rest is the caller's.
            Unit::Tiles => unsafe { super::amx::run(product) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the unit; the rest is the caller's.
            Unit::Dot => unsafe { super::dot::run(product, self.rows) },
            // SAFETY: the caller's.
            _ => unsafe { super::product::run(product, self.rows) },
        }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if self.unit == Unit::Tiles {
            // SAFETY: the processor has the unit, and nothing on this thread uses it any more.
            unsafe { super::amx::release() };
        }
    }
}
