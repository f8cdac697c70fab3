//! What a peer says while it runs: kept in a file, and shown where it does not start.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Child;

use tessera_benchmarks::wait_for;

/// Where a peer writes to.
pub(crate) struct Journal {
    name: String,
    path: PathBuf,
}

impl Journal {
    /// That of the peer of this name.
    pub(crate) fn in_folder(folder: &Path, name: &str) -> Journal {
        Journal { name: name.to_owned(), path: folder.join(format!("{name}.log")) }
    }

    /// The file.
    pub(crate) fn writer(&self) -> File {
        File::create(&self.path).expect("a file")
    }

    /// Wait until the peer is there.
    pub(crate) fn wait_for(&self, child: &mut Child, is_there: impl Fn() -> bool) {
        if let Err(status) = wait_for(&self.name, child, is_there) {
            let said = std::fs::read_to_string(&self.path).unwrap_or_default();
            panic!("{} ended with {status} before it was there; it said:\n{said}", self.name);
        }
    }
}
