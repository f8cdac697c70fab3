//! The report: one HTML file that needs no other host and no script, with the verdict and the recording as JSON beside it.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

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

/// What could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written", path.display())]
pub struct WriteError {
    /// The file, or the folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Paths {
    fn within(folder: &Path) -> Self {
        Paths {
            page: folder.join(PAGE_FILE),
            recording: folder.join(RECORDING_FILE),
            verdict: folder.join(VERDICT_FILE),
        }
    }
}

/// Make a folder for a report, and take away what stands there of an earlier one.
///
/// # Errors
/// [`WriteError`] names what cannot be made or removed.
pub fn clear(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let Paths { page, recording, verdict } = Paths::within(folder);
    for path in [page, recording, verdict] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Write the page, the recording and the verdict into a folder, which is made if it is not there. Files of these names are replaced, each
/// when all of it is written.
///
/// # Errors
/// [`WriteError`] names the file that cannot be written.
pub fn write(folder: &Path, recording: &Recording, verdict: &Verdict) -> Result<Paths, WriteError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let paths = Paths::within(folder);
    whole(&paths.verdict, |file| Ok(serde_json::to_writer(file, verdict)?))?;
    whole(&paths.page, |file| file.write_all(page::render(recording, verdict)?.as_bytes()))?;
    // The largest comes last: a disk that is full loses the least.
    whole(&paths.recording, |file| Ok(serde_json::to_writer(file, recording)?))?;
    Ok(paths)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError { path, source }
}

/// Write a file beside its name, and give it that name when it is whole.
fn whole(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>,
) -> Result<(), WriteError> {
    let unfinished = path.with_extension("unfinished");
    let written = fs::File::create(&unfinished).and_then(|file| {
        let mut file = BufWriter::new(file);
        content(&mut file)?;
        file.flush()?;
        fs::rename(&unfinished, path)
    });
    written.map_err(|source| {
        // Of no use to anybody, and it may be what fills the disk.
        fs::remove_file(&unfinished).ok();
        at(path)(source)
    })
}
