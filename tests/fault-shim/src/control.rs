//! The faults that a test asks for, one `key=value` a line.
//!
//! - `only=TEXT`: the faults concern only files whose path contains TEXT
//! - `sync_error=1`: every sync fails with an input/output error, and what it should have synced is lost for good
//! - `sync_lies=1`: every sync says that it was done, and does nothing
//! - `sync_delay_ms=N`: every sync takes N milliseconds longer
//! - `no_space=1`: nothing grows any more

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The faults for one file, now.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) sync_error: bool,
    pub(crate) sync_lies: bool,
    pub(crate) sync_delay: Option<Duration>,
    pub(crate) no_space: bool,
}

impl Control {
    pub(crate) fn read(control: Option<&Path>, file: &Path) -> Control {
        let text = control.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        if value("only").is_some_and(|only| !file.to_string_lossy().contains(only)) {
            return Control::default();
        }
        Control {
            sync_error: value("sync_error") == Some("1"),
            sync_lies: value("sync_lies") == Some("1"),
            sync_delay: value("sync_delay_ms").and_then(|ms| ms.parse().ok()).map(Duration::from_millis),
            no_space: value("no_space") == Some("1"),
        }
    }
}
