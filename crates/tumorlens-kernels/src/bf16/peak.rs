//! What a unit multiplies at most.

use super::Unit;

/// Steps of a round: a quarter of a millisecond or so.
#[cfg(target_arch = "x86_64")]
const ROUND: usize = 1 << 13;

/// A round on this thread; gives its operations (a multiply-add is two), or none where numbers are widened and multiplied as
/// all others.
pub(crate) fn round() -> Option<usize> {
    match Unit::best() {
        // SAFETY: the unit is usable; the registers are given back before anything else happens on this thread.
        #[cfg(target_arch = "x86_64")]
        Unit::Tiles => Some(unsafe {
            super::amx::configure(super::product::ROWS);
            let operations = super::amx::chains(ROUND);
            super::amx::release();
            operations
        }),
        // SAFETY: the processor has the unit.
        #[cfg(target_arch = "x86_64")]
        Unit::Dot => Some(unsafe { super::dot::chains(ROUND) }),
        _ => None,
    }
}
