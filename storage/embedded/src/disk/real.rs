//! The file system.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskFile};

/// How much is zeroed, and synced, at a time while a file is allocated: the syncs of the journal, which go on meanwhile,
/// wait for no more than this.
const ZERO_BYTES: usize = 4 << 20;

/// Permissions of the directories that the store makes: they lead to secrets, so they are for their owner only.
const PRIVATE: u32 = 0o700;

/// Makes directories that only their owner may look into, with those above them where they are missing.
pub(crate) fn private_directories() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(PRIVATE);
    builder
}

/// The real disk, below a directory.
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// The files below `root`.
    #[must_use]
    pub fn new(root: &Path) -> RealDisk {
        RealDisk { root: root.to_owned() }
    }

    fn sync_parent(path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }
}

impl Disk for RealDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.root.join(name);
        if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
            private_directories().create(directory)?;
            RealDisk::sync_parent(directory)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        RealDisk::sync_parent(&path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.root.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.root.join(from), self.root.join(to));
        if let Some(directory) = to.parent().filter(|directory| !directory.exists()) {
            private_directories().create(directory)?;
            RealDisk::sync_parent(directory)?;
        }
        fs::rename(&from, &to)?;
        RealDisk::sync_parent(&to)?;
        RealDisk::sync_parent(&from)
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(directory)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort();
        Ok(names)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.root.join(name);
        fs::remove_file(&path)?;
        RealDisk::sync_parent(&path)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let status = rustix::fs::statvfs(&self.root)?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let zeros = vec![0; ZERO_BYTES];
        let mut offset = 0;
        while offset < length {
            let count = usize::try_from(length - offset).unwrap_or(usize::MAX).min(ZERO_BYTES);
            self.0.write_all_at(&zeros[..count], offset)?;
            self.0.sync_data()?;
            offset += count as u64;
        }
        self.0.sync_all()
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
