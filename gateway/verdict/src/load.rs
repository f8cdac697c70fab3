//! Reading a recording from its file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::recording::{RECORDING_VERSION, Recording};

/// Largest recording that is read, in bytes: a run of a million operations has about 1 GB.
pub const RECORDING_BYTES_MAX: u64 = 2 << 30;

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be opened or read.
    #[error("the recording {path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is larger than any recording.
    #[error("the recording {path} is larger than {RECORDING_BYTES_MAX} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another version.
    #[error(
        "the recording {path} has version {found}, and this program reads version {RECORDING_VERSION}: judge it with the release that made it"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The file is no recording.
    #[error("the file {path} is not a recording of `tessera simulate`")]
    Content {
        /// The file.
        path: PathBuf,
        /// Where it fails.
        source: serde_json::Error,
    },
}

/// What every version of the file has.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// Read a recording.
///
/// # Errors
/// [`LoadError`], which names the file and what is wrong with it.
pub fn load(path: &Path) -> Result<Recording, LoadError> {
    load_at_most(path, RECORDING_BYTES_MAX)
}

fn load_at_most(path: &Path, bytes_max: u64) -> Result<Recording, LoadError> {
    let failed = |source| LoadError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One more than is read of any, so that what is larger shows, even when it grows while it is read.
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(LoadError::TooLarge { path: path.to_owned() });
    }
    let content = |source| LoadError::Content { path: path.to_owned(), source };
    let head: Head = serde_json::from_slice(&bytes).map_err(content)?;
    if head.version != RECORDING_VERSION {
        return Err(LoadError::Version { path: path.to_owned(), found: head.version });
    }
    serde_json::from_slice(&bytes).map_err(content)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn refused(content: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording.json");
        std::fs::write(&path, content).unwrap();
        load_at_most(&path, 100).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert!(refused("{\"version\":99}").contains("has version 99"));
        assert!(refused(&format!("{{\"version\":{RECORDING_VERSION}}}")).contains("is not a recording"));
        assert!(refused("{\"version\":1}").contains("has version 1"), "latencies meant something else");
        assert!(refused("[]").contains("is not a recording"));
        assert!(refused("").contains("is not a recording"));
        assert!(refused(&format!("{{\"version\":2,{}}}", " ".repeat(100))).contains("larger than"));
        assert!(load(Path::new("/nowhere/recording.json")).unwrap_err().to_string().contains("/nowhere/"));
    }
}
