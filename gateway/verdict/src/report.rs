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
        for path in [unfinished(&path), path] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path)(error)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Write the page, the recording and the verdict into a folder, which is made if it is not there. Files of these names are replaced.
///
/// # Errors
/// [`WriteError`] names the file that cannot be written; those before it are there.
pub fn write(folder: &Path, recording: &Recording, verdict: &Verdict) -> Result<Paths, WriteError> {
    Unfinished::write(folder, recording, verdict)?.name()
}

/// A report that is written beside its names. Until it gets them, all at once, there is none; dropped before that, it is gone.
#[derive(Debug)]
pub struct Unfinished {
    paths: Paths,
    /// Names of what is written.
    whole: Vec<PathBuf>,
    failed: Option<WriteError>,
}

impl Unfinished {
    /// Write everything, as far as it can be written.
    ///
    /// # Errors
    /// [`WriteError`] when the folder cannot be made.
    pub fn write(folder: &Path, recording: &Recording, verdict: &Verdict) -> Result<Self, WriteError> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let mut report = Unfinished { paths: Paths::within(folder), whole: Vec::new(), failed: None };
        let Paths { page, recording: all, verdict: found } = report.paths.clone();
        report.add(found, |file| Ok(serde_json::to_writer(file, verdict)?));
        report.add(page, |file| file.write_all(page::render(recording, verdict)?.as_bytes()));
        // The largest comes last: a disk that is full loses the least.
        report.add(all, |file| Ok(serde_json::to_writer(file, recording)?));
        Ok(report)
    }

    fn add(&mut self, path: PathBuf, content: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>) {
        if self.failed.is_some() {
            return;
        }
        let written = fs::File::create(unfinished(&path)).and_then(|file| {
            let mut file = BufWriter::new(file);
            content(&mut file)?;
            file.flush()
        });
        match written {
            Ok(()) => self.whole.push(path),
            Err(source) => {
                // Of no use to anybody, and it may be what fills the disk.
                fs::remove_file(unfinished(&path)).ok();
                self.failed = Some(WriteError { path, source });
            }
        }
    }

    /// Give its files their names.
    ///
    /// # Errors
    /// [`WriteError`] names the file that could not be written, or cannot be named; those before it are there.
    pub fn name(mut self) -> Result<Paths, WriteError> {
        for path in std::mem::take(&mut self.whole) {
            fs::rename(unfinished(&path), &path).map_err(at(&path))?;
        }
        match self.failed.take() {
            Some(failed) => Err(failed),
            None => Ok(self.paths.clone()),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in &self.whole {
            fs::remove_file(unfinished(path)).ok();
        }
    }
}

/// Where a file is written until it gets its name.
fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("unfinished")
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError { path, source }
}
