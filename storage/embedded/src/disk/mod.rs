//! The disk under the journal, as an interface: the real one, and one in memory that fails on demand.

mod memory;
mod real;

use std::io;
use std::sync::Arc;

pub use memory::MemoryDisk;
pub use real::RealDisk;
pub(crate) use real::private_directories;

/// Files below one directory. Names are relative and use `/`.
///
/// Creating, renaming and removing are durable when they return.
pub trait Disk: Send + Sync + 'static {
    /// Create an empty file, replacing what has this name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Open a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Give a file another name, replacing what has it. Open handles stay valid.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Names (without the directory) of the files in `directory`, in ascending order; none when it does not exist.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;

    /// Remove a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Room for more, in bytes.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// One open file.
pub trait DiskFile: Send + Sync + 'static {
    /// Write all of `bytes` at `offset`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Fill `bytes` from `offset`; an error when the file ends before.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Make everything that was written durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Fill an empty file with `length` zero bytes that are really allocated, and make them durable, so that writing
    /// over them later changes no metadata. [`io::ErrorKind::StorageFull`] when there is no room.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// Length of the file, in bytes.
    fn length(&self) -> io::Result<u64>;
}

/// Whether an error says that the disk is full rather than broken.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
