//! The tables' own journals, before the tables are opened.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

use tessera_store::StoreError;

use crate::scan::is_zero;
use crate::sealed::TABLES;

/// How the names of the journals end.
const EXTENSION: &str = "jnl";
/// They are written again by pieces of this size, in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// Write the tables' own journals once more, in place, and sync them. After a failed sync the system takes for written what it could not
/// write, and a later sync skips it: a loss of power would then leave a hole in the middle of what was acknowledged since. (What of a
/// journal is zero was never written.)
pub(crate) fn make_durable(directory: &Path) -> Result<(), StoreError> {
    let unavailable =
        |error: io::Error| StoreError::Unavailable { reason: format!("the journals of the tables: {error}") };
    rewrite(&directory.join(TABLES)).map_err(unavailable)
}

fn rewrite(tables: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(tables) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut piece = vec![0; PIECE_BYTES];
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let file = File::options().read(true).write(true).open(path)?;
        let mut offset = 0;
        loop {
            let count = file.read_at(&mut piece, offset)?;
            if count == 0 {
                break;
            }
            if !is_zero(&piece[..count]) {
                file.write_all_at(&piece[..count], offset)?;
            }
            offset += count as u64;
        }
        file.sync_all()?;
    }
    Ok(())
}
