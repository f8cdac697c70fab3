//! The tables of a damaged installation, read from a copy.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tessera_inventory::EventId;
use tessera_store::{Row, StoreError};
use tessera_writer::Head;

use crate::disk::{Disk, private_directories};
use crate::recovery::check_commits;
use crate::sealed::{Sealed, TABLES, rows_of};

/// After every key: no tuple begins with these bytes.
const KEYS_END: [u8; 2] = [0xff, 0xff];

/// A directory for the copy of the tables, which is removed with it.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, where nothing stands yet, for its owner only: the copy has every secret that the tables have.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it cannot be made.
    pub fn make(path: &Path) -> Result<Scratch, StoreError> {
        let unavailable = |error| StoreError::Unavailable { reason: format!("{}: {error}", path.display()) };
        private_directories().recursive(false).create(path).map_err(unavailable)?;
        Ok(Scratch(path.to_owned()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(directory = %self.0.display(), %error, "a copy of the tables could not be removed");
        }
    }
}

/// The index of full segments.
pub(super) struct SalvagedIndex {
    /// Which of them are indexed.
    pub(super) segments: BTreeSet<u64>,
    /// The head of each event at the end of the last of them.
    pub(super) heads: Vec<(EventId, Head)>,
}

/// A copy of the tables. (The fields are dropped in this order: closed first, then removed.)
pub(super) struct SalvagedTables {
    sealed: Sealed,
    _scratch: Scratch,
}

impl SalvagedTables {
    pub(super) fn copy(directory: &Path, scratch: Scratch) -> Result<SalvagedTables, String> {
        let from = directory.join(TABLES);
        copy_directory(&from, &scratch.0.join(TABLES))
            .map_err(|error| format!("{}: {error}", from.display()))?;
        let sealed = Sealed::open(&scratch.0).map_err(|error| error.to_string())?;
        Ok(SalvagedTables { sealed, _scratch: scratch })
    }

    pub(super) fn index(&self) -> Result<SalvagedIndex, StoreError> {
        let segments = self.sealed.segments()?.into_iter().map(|(number, _)| number).collect();
        Ok(SalvagedIndex { segments, heads: self.sealed.heads()? })
    }

    /// [`StoreError::Damaged`] where commits that were acknowledged are missing.
    pub(super) fn lost_commits(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        check_commits(disk, &self.sealed).map(drop)
    }

    pub(super) fn rows(&self, after: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        let begin = [after, &[0]].concat();
        let snapshot = self.sealed.snapshot();
        rows_of(&snapshot, &self.sealed.rows, &begin, &KEYS_END, false).take(limit).collect()
    }
}

fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
