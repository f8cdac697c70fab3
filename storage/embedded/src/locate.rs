//! Names of the segments' files, and the files that are open.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tessera_store::StoreError;

use crate::disk::{Disk, DiskFile};

/// Segments in use.
pub(crate) const JOURNAL: &str = "journal";
/// Segments whose every record is trimmed.
pub(crate) const ARCHIVE: &str = "archive";
/// A segment that is being allocated.
pub(crate) const UNFINISHED: &str = "journal/unfinished";
/// How many segments are kept open for reading.
const OPEN_SEGMENTS_MAX: usize = 64;

const SUFFIX: &str = ".segment";

pub(crate) fn segment_name(directory: &str, number: u64) -> String {
    format!("{directory}/{number:016}{SUFFIX}")
}

/// The numbers of the segments in `directory`, ascending.
pub(crate) fn segment_numbers(disk: &dyn Disk, directory: &str) -> io::Result<Vec<u64>> {
    let names = disk.list(directory)?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(SUFFIX)?.parse().ok()).collect())
}

/// Finds segments wherever they are and keeps a bounded number open.
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    files: BTreeMap<u64, Arc<dyn DiskFile>>,
    /// In the order in which they were opened.
    order: VecDeque<u64>,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Segments {
        Segments { disk, open: Mutex::default() }
    }

    /// The file of a segment. Segments only ever move from the journal to the archive, so looking there second misses none.
    pub(crate) fn file(&self, number: u64) -> Result<Arc<dyn DiskFile>, StoreError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.files.get(&number) {
            return Ok(Arc::clone(file));
        }
        let found = match self.disk.open(&segment_name(JOURNAL, number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.disk.open(&segment_name(ARCHIVE, number))
            }
            found => found,
        };
        let file = found.map_err(|error| segment_error(number, &error))?;
        if open.order.len() >= OPEN_SEGMENTS_MAX
            && let Some(oldest) = open.order.pop_front()
        {
            open.files.remove(&oldest);
        }
        open.order.push_back(number);
        open.files.insert(number, Arc::clone(&file));
        Ok(file)
    }
}

/// A segment that cannot be read: missing is damage, anything else may pass.
pub(crate) fn segment_error(number: u64, error: &io::Error) -> StoreError {
    let reason = format!("segment {number}: {error}");
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => StoreError::Damaged { reason },
        _ => StoreError::Unavailable { reason },
    }
}
