//! A new installation in the making: its directory gets its name when it is whole.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Added to a name until what it names is whole.
const UNFINISHED: &str = "unfinished";
/// Permissions of the new directory: its tables have the installation's secret.
const PRIVATE: u32 = 0o700;

/// The directory of an installation that is not whole yet.
#[derive(Debug)]
pub(crate) struct Unfinished {
    /// Where it is made.
    pub(crate) path: PathBuf,
    target: PathBuf,
}

impl Unfinished {
    /// Begins one that will be at `target`, which must be absent or empty.
    pub(crate) fn begin(target: &Path) -> Result<Unfinished, Failure> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| Failure::File { path, source }
        };
        if !is_vacant(target).map_err(file(target))? {
            return Err(Failure::TargetNotEmpty(target.to_owned()));
        }
        let path = unfinished(target);
        DirBuilder::new().mode(PRIVATE).create(&path).map_err(file(&path))?;
        Ok(Unfinished { path, target: target.to_owned() })
    }

    /// It is whole.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        rename(&self.path, &self.target)
    }

    /// It will not be whole: nothing of it is left.
    pub(crate) fn give_up(self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.path).map_err(|source| Failure::File { path: self.path, source })
    }
}

/// The name of something until it is whole.
pub(crate) fn unfinished(target: &Path) -> PathBuf {
    target.with_added_extension(UNFINISHED)
}

/// Gives something whole its name, durably.
pub(crate) fn rename(unfinished: &Path, target: &Path) -> Result<(), Failure> {
    let renamed = fs::rename(unfinished, target).and_then(|()| {
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    });
    renamed.map_err(|source| Failure::File { path: target.to_owned(), source })
}

fn is_vacant(target: &Path) -> io::Result<bool> {
    match fs::read_dir(target) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
