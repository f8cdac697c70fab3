//! The undo log: what writes replaced, which of them were synced, and taking back the others.
#![allow(dead_code, reason = "the library writes the log, the restoring side reads it")]

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What a loss of power keeps or loses as one piece, in bytes.
const SECTOR_BYTES: u64 = 512;
const HEADER_BYTES: usize = 72;
const MAGIC: u64 = 0x5465_7373_556e_646f;

/// Names a file for its whole life, whatever it is called. (Inode numbers are used again, birth times are not.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
    born_ns: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> FileId {
        let born = metadata.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
            born_ns: born.map_or(0, |born| u64::try_from(born.as_nanos()).unwrap_or(0)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Kind {
    /// `count` bytes at `offset` are about to be written over `replaced`.
    Write = 1,
    /// The file was synced; writes noted before log position `offset` are durable.
    Sync = 2,
    /// A sync failed: writes noted before log position `offset` that were not durable are lost, whatever later syncs say.
    FailedSync = 3,
}

#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) file: FileId,
    pub(crate) offset: u64,
    pub(crate) count: u64,
    pub(crate) size_before: u64,
    pub(crate) replaced: Vec<u8>,
}

impl Record {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let FileId { device, inode, born_ns } = self.file;
        let (kind, length) = (self.kind as u64, self.replaced.len() as u64);
        let fields = [MAGIC, kind, device, inode, born_ns, self.offset, self.count, self.size_before, length];
        let mut bytes: Vec<u8> = fields.iter().flat_map(|field| field.to_be_bytes()).collect();
        bytes.extend_from_slice(&self.replaced);
        bytes
    }

    /// The record at the front of `bytes`, and its length; `None` at the end (a record cut by the kill included).
    fn decode(bytes: &[u8]) -> Option<(Record, usize)> {
        let field = |index: usize| -> Option<u64> {
            Some(u64::from_be_bytes(*bytes.get(index * 8..)?.first_chunk()?))
        };
        let kind = match (field(0)?, field(1)?) {
            (MAGIC, 1) => Kind::Write,
            (MAGIC, 2) => Kind::Sync,
            (MAGIC, 3) => Kind::FailedSync,
            _ => return None,
        };
        let end = HEADER_BYTES + usize::try_from(field(8)?).ok()?;
        let replaced = bytes.get(HEADER_BYTES..end)?.to_vec();
        let file = FileId { device: field(2)?, inode: field(3)?, born_ns: field(4)? };
        Some((
            Record { kind, file, offset: field(5)?, count: field(6)?, size_before: field(7)?, replaced },
            end,
        ))
    }
}

/// Which of the unsynced sectors a loss of power takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    /// All of them.
    Everything,
    /// Those that a seed picks.
    Some(u64),
}

impl Loss {
    fn takes(self, file: FileId, sector: u64) -> bool {
        match self {
            Loss::Everything => true,
            Loss::Some(seed) => {
                let drawn = mix(seed ^ mix(file.inode ^ mix(file.born_ns ^ mix(sector))));
                // Some seeds lose most, some lose few.
                drawn % 100 < 10 + mix(seed) % 81
            }
        }
    }
}

/// Splitmix64's finalizer.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[derive(Default)]
struct Unsynced {
    /// With the log position of each.
    writes: Vec<(u64, Record)>,
    /// Lost to a failed sync.
    lost: Vec<(u64, Record)>,
    /// Written over what was lost, and synced: log position, first byte, first byte after.
    over_lost: Vec<(u64, u64, u64)>,
}

impl Unsynced {
    /// Writes noted before log position `through` are durable.
    fn synced(&mut self, through: u64) {
        if !self.lost.is_empty() {
            let durable = self.writes.iter().filter(|(noted, _)| *noted < through);
            self.over_lost.extend(durable.map(|(at, write)| (*at, write.offset, write.offset + write.count)));
        }
        self.writes.retain(|(noted, _)| *noted >= through);
    }

    /// Whether `byte`, lost at log position `at`, was written again later and synced.
    fn is_over_lost(&self, at: u64, byte: u64) -> bool {
        self.over_lost.iter().any(|(later, begin, end)| *later > at && (*begin..*end).contains(&byte))
    }
}

/// Take back what was not synced below `directory`, as noted in the log at `log`, and remove the log.
pub(crate) fn restore(log: &Path, directory: &Path, loss: Loss) -> io::Result<()> {
    let bytes = fs::read(log)?;
    let mut files: BTreeMap<FileId, Unsynced> = BTreeMap::new();
    let mut position = 0;
    while let Some((record, length)) = Record::decode(&bytes[position..]) {
        let file = files.entry(record.file).or_default();
        match record.kind {
            Kind::Write => file.writes.push((position as u64, record)),
            Kind::Sync => file.synced(record.offset),
            Kind::FailedSync => {
                let (lost, rest) =
                    std::mem::take(&mut file.writes).into_iter().partition(|(at, _)| *at < record.offset);
                file.writes = rest;
                file.lost.extend::<Vec<_>>(lost);
            }
        }
        position += length;
    }
    for path in files_below(directory)? {
        let id = FileId::of(&fs::metadata(&path)?);
        let Some(file) = files.remove(&id) else { continue };
        undo(&path, id, file, loss)?;
    }
    fs::remove_file(log)
}

fn undo(path: &Path, id: FileId, mut unsynced: Unsynced, loss: Loss) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let size_now = file.metadata()?.len();
    let mut writes: Vec<(u64, Record, Loss)> = Vec::new();
    writes.extend(unsynced.lost.drain(..).map(|(at, record)| (at, record, Loss::Everything)));
    writes.extend(unsynced.writes.drain(..).map(|(at, record)| (at, record, loss)));
    writes.sort_by_key(|(at, _, _)| *at);
    for (noted, write, loss) in writes.iter().rev() {
        let end = (write.offset + write.count).min(size_now);
        let mut at = write.offset;
        while at < end {
            let sector = at / SECTOR_BYTES;
            let until = end.min((sector + 1) * SECTOR_BYTES);
            if loss.takes(id, sector) {
                for byte in (at..until).filter(|byte| !unsynced.is_over_lost(*noted, *byte)) {
                    file.write_all_at(&[replaced_at(write, byte)], byte)?;
                }
            }
            at = until;
        }
    }
    if let (Loss::Everything, Some((_, first, _)), true) =
        (loss, writes.first(), unsynced.over_lost.is_empty())
    {
        file.set_len(first.size_before)?;
    }
    Ok(())
}

fn replaced_at(write: &Record, offset: u64) -> u8 {
    let index = usize::try_from(offset - write.offset).unwrap_or(usize::MAX);
    write.replaced.get(index).copied().unwrap_or(0)
}

fn files_below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}
