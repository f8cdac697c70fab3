//! The report: one HTML file that needs no other host and no script, with the verdict and the recording as JSON beside it.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::recording::Recording;
use crate::verdict::Verdict;

mod chart;
mod figures;
mod page;
mod tables;

/// Name of the page.
pub const PAGE_FILE: &str = "report.html";
/// Name of the recording beside it.
pub const RECORDING_FILE: &str = "recording.json";
/// Name of the verdict beside it.
pub const VERDICT_FILE: &str = "verdict.json";

/// Where a report was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The page.
    pub page: PathBuf,
    /// The recording.
    pub recording: PathBuf,
    /// The verdict.
    pub verdict: PathBuf,
}

/// Write the page, the recording and the verdict into a folder, which is made if it is not there. Files of these names are replaced.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write(folder: &Path, recording: &Recording, verdict: &Verdict) -> io::Result<Paths> {
    fs::create_dir_all(folder)?;
    let paths = Paths {
        page: folder.join(PAGE_FILE),
        recording: folder.join(RECORDING_FILE),
        verdict: folder.join(VERDICT_FILE),
    };
    write_json(&paths.recording, recording)?;
    write_json(&paths.verdict, verdict)?;
    fs::write(&paths.page, page::render(recording, verdict)?)?;
    Ok(paths)
}

fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    serde_json::to_writer(&mut file, value)?;
    file.flush()
}
