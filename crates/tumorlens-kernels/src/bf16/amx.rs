//! The matrix unit of Intel processors (AMX): eight registers of 16 rows of 64 bytes.
//!
//! Rust has no stable names for its instructions yet, so they are written as assembly. Two tiles of rows times two of columns
//! are summed in registers 0 to 3; 4 and 5 hold rows, 6 and 7 columns: four loads for four products.

use super::product::{COLUMNS, Product, ROWS, STEP};
use std::arch::asm;
use std::sync::OnceLock;

/// Bits of leaf 7 of CPUID (EDX), and of the states that the system saves (XCR0).
const AMX_BF16: u32 = 1 << 22;
const AMX_TILE: u32 = 1 << 24;
const TILE_STATES: u64 = 3 << 17;
/// `arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA)`: Linux gives the registers to who asks for them.
#[cfg(target_os = "linux")]
const REQUEST: [libc::c_long; 2] = [0x1023, 18];

/// Whether the processor has the unit and the system lets this process use it.
pub(super) fn is_usable() -> bool {
    static USABLE: OnceLock<bool> = OnceLock::new();
    *USABLE.get_or_init(|| !cfg!(miri) && has_unit() && granted())
}

fn has_unit() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    if __cpuid(0).eax < 7 || !is_x86_feature_detected!("xsave") {
        return false;
    }
    let wanted = AMX_BF16 | AMX_TILE;
    if __cpuid_count(7, 0).edx & wanted != wanted {
        return false;
    }
    #[target_feature(enable = "xsave")]
    fn states() -> u64 {
        // SAFETY: the features say that the system has enabled the instruction; register 0 is always there.
        unsafe { _xgetbv(0) }
    }
    // SAFETY: the processor has xsave, and the system uses it, which is what the detection asks.
    unsafe { states() & TILE_STATES == TILE_STATES }
}

#[cfg(target_os = "linux")]
fn granted() -> bool {
    // SAFETY: a request that changes nothing but what this process may use.
    unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST[0], REQUEST[1]) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn granted() -> bool {
    false
}

/// How registers are cut: palette 1, and for each the bytes of a row and the rows.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

/// Cuts the registers of this thread for tiles of so many rows.
///
/// # Safety
/// The unit must be usable; 1 to 16 rows.
pub(super) unsafe fn configure(rows: usize) {
    let mut shapes = Shapes {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        bytes: [0; 16],
        rows: [0; 16],
    };
    shapes.bytes[..8].fill(64);
    shapes.rows[..6].fill(rows as u8);
    shapes.rows[6..8].fill(16);
    // SAFETY: the unit is usable; the 64 bytes are there and say what the manual asks for.
    unsafe {
        asm!(
            "ldtilecfg [{shapes}]",
            shapes = in(reg) &raw const shapes,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, readonly, preserves_flags),
        );
    }
}

/// Gives the registers of this thread back.
///
/// # Safety
/// The unit must be usable.
pub(super) unsafe fn release() {
    // SAFETY: the unit is usable.
    unsafe {
        asm!(
            "tilerelease",
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, nomem, preserves_flags),
        );
    }
}

/// Bytes of a row of the right-hand side, `[column][2]`, and of a row of sums: the same.
const ROW: usize = COLUMNS * 4;

/// A product.
///
/// # Safety
/// The unit must be usable and configured for the rows on this thread; memory as `product::run` asks.
#[inline]
pub(super) unsafe fn run(of: &Product<'_>) {
    if of.steps.is_empty() {
        if !of.more {
            // SAFETY: the caller's.
            unsafe { of.sums.write(super::product::Sums::ZERO) };
        }
        return;
    }
    // SAFETY: the caller's.
    unsafe {
        if of.tiles() == 2 {
            two(of);
        } else {
            one(of);
        }
    }
}

#[inline]
unsafe fn two(of: &Product<'_>) {
    // SAFETY: loads are of the left side's rows at every step, of the right side's steps, and of two tiles of sums, where
    // stores are too, all of which the caller vouches for; the loop runs once for each of at least one step; tile registers
    // are declared, the stack is untouched.
    unsafe {
        asm!(
            "test {t}, {t}",
            "jnz 3f",
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "jmp 2f",
            "3:",
            "tileloadd tmm0, [{c} + {row}]",
            "tileloadd tmm1, [{c} + {row} + 64]",
            "tileloadd tmm2, [{c} + {row} + {second}]",
            "tileloadd tmm3, [{c} + {row} + {second} + 64]",
            "2:",
            "mov {t}, [{steps}]",
            "lea {u}, [{a} + {t}]",
            "add {t}, {a1}",
            "tileloadd tmm6, [{b} + {row}]",
            "tileloadd tmm4, [{u} + {left}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{b} + {row} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{t} + {left}]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {steps}, 8",
            "add {b}, {step}",
            "dec {n}",
            "jnz 2b",
            "tilestored [{c} + {row}], tmm0",
            "tilestored [{c} + {row} + 64], tmm1",
            "tilestored [{c} + {row} + {second}], tmm2",
            "tilestored [{c} + {row} + {second} + 64], tmm3",
            a = in(reg) of.left[0],
            a1 = in(reg) of.left[1],
            left = in(reg) of.row,
            steps = inout(reg) of.steps.as_ptr() => _,
            n = inout(reg) of.steps.len() => _,
            b = inout(reg) of.right => _,
            row = in(reg) ROW,
            c = in(reg) of.sums,
            t = inout(reg) usize::from(of.more) => _,
            u = out(reg) _,
            second = const ROWS * ROW,
            step = const STEP * 2,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

#[inline]
unsafe fn one(of: &Product<'_>) {
    // SAFETY: as in `two`, with one tile.
    unsafe {
        asm!(
            "test {t}, {t}",
            "jnz 3f",
            "tilezero tmm0",
            "tilezero tmm1",
            "jmp 2f",
            "3:",
            "tileloadd tmm0, [{c} + {row}]",
            "tileloadd tmm1, [{c} + {row} + 64]",
            "2:",
            "mov {t}, [{steps}]",
            "add {t}, {a}",
            "tileloadd tmm6, [{b} + {row}]",
            "tileloadd tmm4, [{t} + {left}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{b} + {row} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "add {steps}, 8",
            "add {b}, {step}",
            "dec {n}",
            "jnz 2b",
            "tilestored [{c} + {row}], tmm0",
            "tilestored [{c} + {row} + 64], tmm1",
            a = in(reg) of.left[0],
            left = in(reg) of.row,
            steps = inout(reg) of.steps.as_ptr() => _,
            n = inout(reg) of.steps.len() => _,
            b = inout(reg) of.right => _,
            row = in(reg) ROW,
            c = in(reg) of.sums,
            t = inout(reg) usize::from(of.more) => _,
            step = const STEP * 2,
            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// Products of registers alone, four in each of so many (at least one) turns; gives their operations.
///
/// # Safety
/// The unit must be usable and configured for whole tiles on this thread.
pub(super) unsafe fn chains(turns: usize) -> usize {
    // SAFETY: no memory is touched; tile registers are declared.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "tilezero tmm4",
            "tilezero tmm5",
            "tilezero tmm6",
            "tilezero tmm7",
            "2:",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "dec {n}",
            "jnz 2b",
            n = inout(reg) turns.max(1) => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, nomem),
        );
    }
    turns.max(1) * 2 * (2 * ROWS) * STEP
}
