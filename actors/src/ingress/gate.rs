//! Who may enter, and how many: the two counters in front of a writer's queue.
//!
//! This file has no dependencies, so that the loom models compile it as it stands.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

const CLOSED: u64 = 1 << 63;

/// Counts who is inside, and can be closed for good. Whoever entered is inside until [`Gate::leave`]; after
/// [`Gate::close`] nobody enters any more.
#[derive(Debug)]
pub(crate) struct Gate {
    word: AtomicU64,
}

impl Gate {
    pub(crate) fn new() -> Gate {
        Gate { word: AtomicU64::new(0) }
    }

    /// Enter, unless closed.
    pub(crate) fn enter(&self) -> bool {
        // Counting first and looking at the bit afterwards costs no loop; who finds it closed takes the count back.
        if self.word.fetch_add(1, Ordering::AcqRel) & CLOSED == 0 {
            return true;
        }
        self.leave(1);
        false
    }

    /// `count` of those inside leave.
    pub(crate) fn leave(&self, count: u64) {
        self.word.fetch_sub(count, Ordering::AcqRel);
    }

    /// Close for good.
    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Close for good if nobody is inside; otherwise nothing changes.
    pub(crate) fn close_if_empty(&self) -> bool {
        self.word.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Asked by who has entered and made its work visible: whether the gate stands open still. If so, whoever closes it
    /// later sees that work.
    pub(crate) fn is_open_still(&self) -> bool {
        // A read-modify-write: it is ordered with the closing, one way or the other; a load could be early.
        self.word.fetch_add(0, Ordering::AcqRel) & CLOSED == 0
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }
}

const BYTES_BITS: u32 = 40;
const BYTES_MASK: u64 = (1 << BYTES_BITS) - 1;

/// Bounds what waits in one lane, in requests and in bytes.
#[derive(Debug)]
pub(crate) struct Permits {
    word: AtomicU64,
    requests_max: u64,
    bytes_max: u64,
}

impl Permits {
    /// Bounds above 8 million requests or 1 TB are cut to those.
    pub(crate) fn new(requests_max: u32, bytes_max: u64) -> Permits {
        let requests_max = u64::from(requests_max).min((1 << (63 - BYTES_BITS)) - 1);
        Permits { word: AtomicU64::new(0), requests_max, bytes_max: bytes_max.min(BYTES_MASK >> 1) }
    }

    /// Take a permit for one request of `bytes`; `false` when the lane is full. A request larger than the whole lane
    /// is admitted to an empty one.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let bytes = bytes.min(self.bytes_max);
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (count, used) = (word >> BYTES_BITS, word & BYTES_MASK);
            if count >= self.requests_max || used + bytes > self.bytes_max {
                return false;
            }
            let next = word + (1 << BYTES_BITS) + bytes;
            match self.word.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(found) => word = found,
            }
        }
    }

    /// Whether [`Permits::take`] would certainly fail now. It only reads, so that turning a crowd away does not take the
    /// counter from those who work the queue off.
    pub(crate) fn is_full(&self) -> bool {
        self.taken() >= self.requests_max
    }

    /// Give one permit back, with the bytes it was taken for.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.word.fetch_sub((1 << BYTES_BITS) + bytes.min(self.bytes_max), Ordering::AcqRel);
    }

    /// Requests that hold a permit.
    pub(crate) fn taken(&self) -> u64 {
        self.word.load(Ordering::Relaxed) >> BYTES_BITS
    }
}
