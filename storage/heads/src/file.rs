//! The file of a head witness: a header, then records of one size, each with its checksum; the last one of an event counts.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tessera_inventory::EventId;

use crate::HeadMark;
use crate::mark::{SLOT_BYTES, Slot, decode, decode_header, encode, encode_header};

/// Name of the file, in the data directory of a node.
pub const FILE_NAME: &str = "heads";
/// The file is written anew under this name first, so that one that exists is a whole one.
const UNFINISHED_NAME: &str = "heads-unfinished";
/// Held locked while a node uses the directory.
const LOCK_NAME: &str = "heads-lock";
/// Permissions of what is made.
const PRIVATE: u32 = 0o600;

/// Why a node cannot have its witness.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The file, or its directory, cannot be used.
    #[error("the head witness {} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another node has this data directory.
    #[error("another node uses the data directory {}; give each node its own", path.display())]
    Locked {
        /// Which.
        path: PathBuf,
    },
    /// The beginning of the file is not what was written.
    #[error(
        "the head witness {} is damaged at its beginning: whether the store has lost anything cannot be told; if it is known to be whole, remove that file",
        path.display()
    )]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// The store is another installation than this node has seen, or was lost and is begun anew.
    #[error(
        "this node has seen the installation {witnessed:032x}, and the store {}: restore the store; or, if another one is meant, remove {}",
        match found { Some(found) => format!("holds {found:032x}"), None => "is empty".to_owned() },
        path.display()
    )]
    OtherInstallation {
        /// The file.
        path: PathBuf,
        /// Whose events it has.
        witnessed: u128,
        /// What the store holds.
        found: Option<u128>,
    },
}

/// What a file has.
pub(crate) struct Content {
    pub(crate) installation: u128,
    /// Its records, oldest first.
    pub(crate) records: Vec<(EventId, HeadMark)>,
}

/// The file, open for more; whoever has it has the lock of the directory.
pub(crate) struct HeadFile {
    directory: PathBuf,
    file: Option<File>,
    _lock: File,
}

/// What the file of a directory has; `None` where there is none.
pub(crate) fn read(directory: &Path) -> Result<Option<Content>, WitnessError> {
    let path = directory.join(FILE_NAME);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(WitnessError::File { path, source }),
    }
    let (slots, torn) = bytes.as_chunks::<SLOT_BYTES>();
    let damaged = || WitnessError::Damaged { path: path.clone() };
    let (header, slots) = slots.split_first().ok_or_else(damaged)?;
    let installation = decode_header(header).ok_or_else(damaged)?;
    Ok(Some(Content { installation, records: intact(slots, !torn.is_empty(), &path) }))
}

/// The intact records. A write that a crash tore is at the end, and what it had was in the window anyway; damage before that is said.
fn intact(slots: &[Slot], is_torn: bool, path: &Path) -> Vec<(EventId, HeadMark)> {
    let end = slots.iter().rposition(|slot| decode(slot).is_some()).map_or(0, |last| last + 1);
    let records: Vec<_> = slots[..end].iter().filter_map(decode).collect();
    let damaged = end - records.len();
    if damaged > 0 {
        tracing::error!(
            path = %path.display(),
            damaged,
            "records in the middle of the head witness are not intact: of their events an older head is witnessed, or none"
        );
    }
    if is_torn || end < slots.len() {
        tracing::warn!(path = %path.display(), "an unfinished end of the head witness is discarded");
    }
    records
}

impl HeadFile {
    /// Takes the directory, which is made where it is missing. Nothing is written before [`HeadFile::rewrite`].
    pub(crate) fn take(directory: &Path) -> Result<HeadFile, WitnessError> {
        let failed = |source| WitnessError::File { path: directory.to_owned(), source };
        fs::create_dir_all(directory).map_err(failed)?;
        let path = directory.join(LOCK_NAME);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(PRIVATE).open(&path);
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(HeadFile { directory: directory.to_owned(), file: None, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(WitnessError::Locked { path: directory.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Replaces the file by one with exactly these records, durably.
    pub(crate) fn rewrite<'a>(
        &mut self,
        installation: u128,
        records: impl Iterator<Item = (EventId, &'a HeadMark)>,
    ) -> io::Result<()> {
        // What was there is not appended to any more, whatever becomes of this.
        self.file = None;
        let mut bytes = encode_header(installation).to_vec();
        records.for_each(|(event, mark)| bytes.extend_from_slice(&encode(event, mark)));
        let unfinished = self.directory.join(UNFINISHED_NAME);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE).open(&unfinished)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.directory.join(FILE_NAME))?;
        File::open(&self.directory)?.sync_all()?;
        self.file = Some(file);
        Ok(())
    }

    /// Adds records, durably. After an error the file must be written anew: it may have any part of them.
    pub(crate) fn append(&mut self, records: &[(EventId, HeadMark)]) -> io::Result<()> {
        let again = || io::Error::other("the file must be written anew");
        let mut file = self.file.take().ok_or_else(again)?;
        let bytes: Vec<u8> = records.iter().flat_map(|(event, mark)| encode(*event, mark)).collect();
        file.write_all(&bytes)?;
        file.sync_data()?;
        self.file = Some(file);
        Ok(())
    }

    /// Every append fails from now on, until the file is written anew.
    #[cfg(test)]
    pub(crate) fn open_for_reading_only(&mut self) {
        self.file = File::open(self.directory.join(FILE_NAME)).ok();
    }
}
