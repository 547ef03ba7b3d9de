//! Memory in huge pages where the system gives them.
//!
//! A training step walks through hundreds of megabytes, and with pages of 4 KiB a good part of the time goes into looking
//! up where they lie. Linux hands out pages of 2 MiB where a program advises it to (`madvise(2)`, `MADV_HUGEPAGE`).

use std::alloc::{GlobalAlloc, Layout, System};

/// Bytes of a huge page.
const PAGE: usize = 2 << 20;

/// The system's allocator, which aligns whatever is larger than a huge page to one and advises the system to use them.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: tumorlens_kernels::HugePages = tumorlens_kernels::HugePages;
/// assert_eq!(vec![1u8; 5 << 20].as_ptr() as usize % (2 << 20), 0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HugePages;

/// Bytes by which the heap that small blocks are cut from grows.
#[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
const HEAP: usize = 64 << 20;

impl HugePages {
    /// One heap for small blocks of all threads, which grows by 64 MiB at a time and keeps what was freed: a program that
    /// starts, works for a few hundredths of a second and ends spends much of that time on asking for memory and giving it
    /// back. To be called once, when the program starts; where the C library is not glibc nothing happens.
    ///
    /// Its pages stay small. In a virtual machine the host may have to find a huge page first, 2 MiB of which are cleared
    /// at once however few are used: right after a program that gave much memory back, milliseconds for each.
    pub fn spread(self) {
        #[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
        {
            let set = |which, value: usize| {
                let value = libc::c_int::try_from(value).unwrap_or(libc::c_int::MAX);
                // SAFETY: it changes how much the allocator asks the system for, and nothing that it handed out.
                let _ = unsafe { libc::mallopt(which, value) };
            };
            set(libc::M_ARENA_MAX, 1);
            set(libc::M_MMAP_THRESHOLD, PAGE);
            set(libc::M_TRIM_THRESHOLD, 4 * HEAP);
            set(libc::M_TOP_PAD, HEAP);
        }
    }
}

/// The layout that the system is asked for; a function of the layout alone, so that what was allocated is freed alike.
fn asked(layout: Layout) -> Layout {
    if layout.size() < PAGE {
        return layout;
    }
    layout.align_to(PAGE).unwrap_or(layout)
}

/// Advises the system; that it does not listen is no error.
fn advise(pointer: *mut u8, size: usize) {
    #[cfg(all(target_os = "linux", not(miri)))]
    if size >= PAGE && !pointer.is_null() {
        // SAFETY: advice changes no value in the range, and does nothing where it is not one of ours.
        let _ = unsafe { libc::madvise(pointer.cast(), size, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(all(target_os = "linux", not(miri))))]
    let _ = (pointer, size);
}

// SAFETY: everything is handed to the system's allocator with a layout that depends on the given one alone, at least as
// large and as aligned. Growing is the default, which allocates, copies and frees through these methods.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        let pointer = unsafe { System.alloc(asked(layout)) };
        advise(pointer, layout.size());
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's: `alloc` asked for the same.
        unsafe { System.dealloc(pointer, asked(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() < PAGE {
            // SAFETY: the caller's; what is smaller than a page is asked for as it is.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the caller's.
        let pointer = unsafe { self.alloc(layout) };
        if !pointer.is_null() {
            // Advised first: it is the first touch that decides on the page.
            // SAFETY: so many bytes were just allocated.
            unsafe { pointer.write_bytes(0, layout.size()) };
        }
        pointer
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.size() < PAGE && size < PAGE {
            // SAFETY: the caller's; neither is asked for otherwise than as it is.
            return unsafe { System.realloc(pointer, layout, size) };
        }
        // SAFETY: the caller vouches that the size does not overflow when rounded up to the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the caller's.
        let to = unsafe { self.alloc(new) };
        if !to.is_null() {
            // SAFETY: both hold at least the smaller of the two sizes, and the new one was just allocated.
            unsafe {
                to.copy_from_nonoverlapping(pointer, layout.size().min(size));
                self.dealloc(pointer, layout);
            }
        }
        to
    }
}
