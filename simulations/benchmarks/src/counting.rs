//! An allocator that counts the live bytes it has handed out.
#![allow(unsafe_code)] // the trait of global allocators is unsafe by its nature

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting live bytes as requested (without its own overhead).
pub struct CountingAllocator {
    live_bytes: AtomicUsize,
}

impl CountingAllocator {
    /// Nothing handed out yet.
    #[must_use]
    pub const fn new() -> Self {
        CountingAllocator { live_bytes: AtomicUsize::new(0) }
    }

    /// Bytes handed out and not given back.
    pub fn live_bytes(&self) -> usize {
        self.live_bytes.load(Ordering::Relaxed)
    }
}

impl Default for CountingAllocator {
    fn default() -> Self {
        CountingAllocator::new()
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.live_bytes.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.live_bytes.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
