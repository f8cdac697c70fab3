//! What may be chosen about an embedded store.

use std::sync::Arc;

use crate::disk::Disk;
use crate::frame::{FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use crate::mutant::Mutation;

/// Size of a segment in production, in bytes.
const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;
/// Smallest segment that makes sense (tests), in bytes.
const SEGMENT_BYTES_MIN: u64 = 4096;
/// Threads that read in production.
const READER_THREADS_DEFAULT: usize = 2;

const _: () = assert!(SEGMENT_BYTES_MIN > (SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES) as u64);

/// How to open an [`crate::EmbeddedStore`].
#[derive(Clone)]
pub struct Options {
    /// Size of a journal segment, in bytes; rounded up to 4 KiB. Larger records get a segment of their own.
    pub segment_bytes: u64,
    /// Threads that serve reads.
    pub reader_threads: usize,
    /// The disk under the journal; `None`: the real one, below the store's directory.
    pub disk: Option<Arc<dyn Disk>>,
    /// A deliberate defect; none without the feature `mutants`.
    #[doc(hidden)]
    pub mutation: Mutation,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            reader_threads: READER_THREADS_DEFAULT,
            disk: None,
            mutation: Mutation::default(),
        }
    }
}

impl Options {
    pub(crate) fn rounded_segment_bytes(&self) -> u64 {
        self.segment_bytes.next_multiple_of(SEGMENT_BYTES_MIN).max(SEGMENT_BYTES_MIN)
    }
}
