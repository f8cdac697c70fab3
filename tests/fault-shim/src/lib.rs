//! A preloaded library that records unsynced writes and injects disk faults.
//!
//! `kill -9` proves nothing about syncing: the page cache survives the process. Preloaded (`LD_PRELOAD`), this library
//! notes, before every write to a file below `FAULT_SHIM_DIR`, what the write is about to replace, in a log at
//! `FAULT_SHIM_LOG` (outside that directory). After the kill, the tests take back (`undo.rs`) what was
//! not synced: all of it, or a seeded choice of sectors, as if the machine had lost power.
//!
//! Faults are read before every operation from the file at `FAULT_SHIM_CONTROL`; see `control.rs`.
//!
//! Not modelled: creating, renaming, truncating on open and removing files count as durable at once; memory maps and
//! system calls that bypass the C library are not seen. (The store uses none of these for its data.)
#![allow(unsafe_code, reason = "it stands in for functions of the C library, which deal in raw pointers")]

mod control;
mod undo;

use std::ffi::{c_int, c_long, c_void};
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use libc::{iovec, off_t, off64_t, size_t, ssize_t};

use control::Control;
use undo::{FileId, Kind, Record};

/// Where the shim works; absent, it does nothing.
struct Shim {
    directory: PathBuf,
    control: Option<PathBuf>,
    log: Mutex<UndoLog>,
}

/// The undo log: its descriptor (held open for the life of the process) and its length.
struct UndoLog {
    descriptor: c_int,
    length: u64,
}

/// A regular file below the directory that is watched.
struct Tracked {
    shim: &'static Shim,
    id: FileId,
    /// Opens the file whatever it is called now.
    link: String,
    size: u64,
    control: Control,
}

fn shim() -> Option<&'static Shim> {
    static SHIM: OnceLock<Option<Shim>> = OnceLock::new();
    SHIM.get_or_init(Shim::from_environment).as_ref()
}

impl Shim {
    #[allow(clippy::disallowed_methods, reason = "a preloaded library has nothing but its environment")]
    fn from_environment() -> Option<Shim> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let directory = fs::canonicalize(variable("FAULT_SHIM_DIR")?).ok()?;
        let path = variable("FAULT_SHIM_LOG")?;
        let log = File::options().append(true).create(true).open(path).ok()?;
        let length = log.metadata().ok()?.len();
        let descriptor = std::os::fd::IntoRawFd::into_raw_fd(log);
        let log = Mutex::new(UndoLog { descriptor, length });
        Some(Shim { directory, control: variable("FAULT_SHIM_CONTROL"), log })
    }

    fn log(&self) -> MutexGuard<'_, UndoLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UndoLog {
    fn append(&mut self, record: &Record) {
        let bytes = record.encode();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // SAFETY: the pointer and the length are of one live slice; the descriptor is never closed.
            let written =
                unsafe { libc::syscall(libc::SYS_write, self.descriptor, rest.as_ptr(), rest.len()) };
            let written = usize::try_from(written).unwrap_or_else(|_| std::process::abort());
            rest = &rest[written..];
        }
        self.length += bytes.len() as u64;
    }
}

/// The file behind a descriptor, if it is watched. Found through `/proc`, so that duplicated descriptors count too.
fn tracked(descriptor: c_int) -> Option<Tracked> {
    let shim = shim()?;
    let link = format!("/proc/self/fd/{descriptor}");
    let path = fs::read_link(&link).ok()?;
    if !path.starts_with(&shim.directory) {
        return None;
    }
    let metadata = fs::metadata(&link).ok().filter(fs::Metadata::is_file)?;
    let control = Control::read(shim.control.as_deref(), &path);
    Some(Tracked { shim, id: FileId::of(&metadata), link, size: metadata.size(), control })
}

impl Tracked {
    /// Before `count` bytes are written at `offset`: note what they replace. The guard is held over the write, so that
    /// a sync elsewhere comes before or after both.
    fn before_write(&self, offset: u64, count: u64) -> MutexGuard<'static, UndoLog> {
        let kept = self.size.saturating_sub(offset).min(count);
        let mut replaced = vec![0; usize::try_from(kept).unwrap_or(0)];
        let read = File::open(&self.link).and_then(|file| file.read_exact_at(&mut replaced, offset));
        if read.is_err() {
            std::process::abort();
        }
        let mut log = self.shim.log();
        log.append(&Record {
            kind: Kind::Write,
            file: self.id,
            offset,
            count,
            size_before: self.size,
            replaced,
        });
        log
    }

    fn mark(&self, kind: Kind, through: u64) {
        let mark =
            Record { kind, file: self.id, offset: through, count: 0, size_before: 0, replaced: Vec::new() };
        self.shim.log().append(&mark);
    }
}

fn fail(error: c_int) {
    // SAFETY: errno of this thread is always writable.
    unsafe { *libc::__errno_location() = error };
}

/// What a system call answered, as the C library's functions answer it.
fn isize_of(answer: c_long) -> ssize_t {
    ssize_t::try_from(answer).unwrap_or(-1)
}

/// Write `count` bytes at `offset` (`None`: where the descriptor stands) by the system call `write`.
fn guarded_write(
    descriptor: c_int,
    offset: Option<i64>,
    count: size_t,
    write: impl FnOnce() -> c_long,
) -> ssize_t {
    let Some(file) = tracked(descriptor) else { return isize_of(write()) };
    let at = offset.unwrap_or_else(|| {
        // SAFETY: these only ask about the descriptor.
        let (flags, at) =
            unsafe { (libc::fcntl(descriptor, libc::F_GETFL), libc::lseek(descriptor, 0, libc::SEEK_CUR)) };
        if flags & libc::O_APPEND != 0 { i64::try_from(file.size).unwrap_or(i64::MAX) } else { at }
    });
    let at = u64::try_from(at).unwrap_or(0);
    if file.control.no_space && at + count as u64 > file.size {
        fail(libc::ENOSPC);
        return -1;
    }
    let _log = file.before_write(at, count as u64);
    isize_of(write())
}

fn guarded_sync(descriptor: c_int, call: c_long) -> c_int {
    // SAFETY: the call takes a descriptor and nothing else.
    let sync = || c_int::try_from(unsafe { libc::syscall(call, descriptor) }).unwrap_or(-1);
    let Some(file) = tracked(descriptor) else { return sync() };
    let through = file.shim.log().length;
    if let Some(delay) = file.control.sync_delay {
        #[allow(clippy::disallowed_methods, reason = "the fault is that time passes")]
        std::thread::sleep(delay);
    }
    if file.control.sync_lies {
        return 0;
    }
    if file.control.sync_error {
        file.mark(Kind::FailedSync, through);
        fail(libc::EIO);
        return -1;
    }
    let result = sync();
    if result == 0 {
        file.mark(Kind::Sync, through);
    }
    result
}

fn guarded_resize(descriptor: c_int, length: i64, resize: impl FnOnce() -> c_long) -> c_int {
    let result = |result: c_long| c_int::try_from(result).unwrap_or(-1);
    let Some(file) = tracked(descriptor) else { return result(resize()) };
    let length = u64::try_from(length).unwrap_or(0);
    if file.control.no_space && length > file.size {
        fail(libc::ENOSPC);
        return -1;
    }
    let _log = file.before_write(length.min(file.size), length.abs_diff(file.size));
    result(resize())
}

/// # Safety
/// As of the vector that the caller of `writev` passes.
unsafe fn total(vector: *const iovec, count: c_int) -> size_t {
    // SAFETY: the caller of the C function promises `count` entries.
    (0..usize::try_from(count).unwrap_or(0)).map(|index| unsafe { (*vector.add(index)).iov_len }).sum()
}

macro_rules! interpose {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// As of the function of the C library with this name.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $kind),*) -> $result {
            #[allow(unused_unsafe, reason = "not every function has something unsafe to pass on")]
            unsafe { $body }
        }
    )*};
}

interpose! {
    /// `write(2)`.
    fn write(descriptor: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
        guarded_write(descriptor, None, count, || libc::syscall(libc::SYS_write, descriptor, bytes, count))
    }
    /// `writev(2)`.
    fn writev(descriptor: c_int, vector: *const iovec, count: c_int) -> ssize_t {
        let call = || libc::syscall(libc::SYS_writev, descriptor, vector, count);
        guarded_write(descriptor, None, total(vector, count), call)
    }
    /// `pwrite(2)`.
    fn pwrite(descriptor: c_int, bytes: *const c_void, count: size_t, offset: off_t) -> ssize_t {
        pwrite64(descriptor, bytes, count, offset)
    }
    /// `pwrite(2)` with large offsets.
    fn pwrite64(descriptor: c_int, bytes: *const c_void, count: size_t, offset: off64_t) -> ssize_t {
        let call = || libc::syscall(libc::SYS_pwrite64, descriptor, bytes, count, offset);
        guarded_write(descriptor, Some(offset), count, call)
    }
    /// `pwritev(2)`.
    fn pwritev(descriptor: c_int, vector: *const iovec, count: c_int, offset: off_t) -> ssize_t {
        pwritev64(descriptor, vector, count, offset)
    }
    /// `pwritev(2)` with large offsets.
    fn pwritev64(descriptor: c_int, vector: *const iovec, count: c_int, offset: off64_t) -> ssize_t {
        let call = || libc::syscall(libc::SYS_pwritev, descriptor, vector, count, offset, 0);
        guarded_write(descriptor, Some(offset), total(vector, count), call)
    }
    /// `fsync(2)`.
    fn fsync(descriptor: c_int) -> c_int {
        guarded_sync(descriptor, libc::SYS_fsync)
    }
    /// `fdatasync(2)`.
    fn fdatasync(descriptor: c_int) -> c_int {
        guarded_sync(descriptor, libc::SYS_fdatasync)
    }
    /// `ftruncate(2)`.
    fn ftruncate(descriptor: c_int, length: off_t) -> c_int {
        ftruncate64(descriptor, length)
    }
    /// `ftruncate(2)` with large lengths.
    fn ftruncate64(descriptor: c_int, length: off64_t) -> c_int {
        guarded_resize(descriptor, length, || libc::syscall(libc::SYS_ftruncate, descriptor, length))
    }
    /// `fallocate(2)`.
    fn fallocate(descriptor: c_int, mode: c_int, offset: off_t, count: off_t) -> c_int {
        fallocate64(descriptor, mode, offset, count)
    }
    /// `fallocate(2)` with large offsets.
    fn fallocate64(descriptor: c_int, mode: c_int, offset: off64_t, count: off64_t) -> c_int {
        let call = || libc::syscall(libc::SYS_fallocate, descriptor, mode, offset, count);
        guarded_resize(descriptor, offset + count, call)
    }
}
