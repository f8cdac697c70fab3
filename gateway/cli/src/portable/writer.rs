//! Writes a file, piece by piece, with a checksum over all of them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::piece::{Piece, Totals};
use super::{BUFFER_BYTES, MAGIC, MINIMUM_READER, VERSION};
use crate::failure::Failure;
use crate::fresh::{rename, unfinished};

/// For its owner only: it has the installation's secret.
const PRIVATE: u32 = 0o600;

/// A file in the making. It gets its name in the end.
pub(super) struct Writer {
    target: PathBuf,
    unfinished: PathBuf,
    file: BufWriter<File>,
    hash: blake3::Hasher,
    scratch: Vec<u8>,
    pub(super) totals: Totals,
    pub(super) bytes: u64,
}

impl Writer {
    /// Begins a file, which must not be there yet.
    pub(super) fn begin(target: &Path, installation: u128) -> Result<Writer, Failure> {
        let unfinished = unfinished(target);
        let opened = if target.exists() {
            Err(io::Error::from(io::ErrorKind::AlreadyExists))
        } else {
            OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE).open(&unfinished)
        };
        let file = opened.map_err(|source| Failure::File { path: target.to_owned(), source })?;
        let mut writer = Writer {
            target: target.to_owned(),
            unfinished,
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            hash: blake3::Hasher::new(),
            scratch: Vec::new(),
            totals: Totals::default(),
            bytes: 0,
        };
        let version = [VERSION.to_be_bytes(), MINIMUM_READER.to_be_bytes()].concat();
        writer.write(&[&MAGIC, &version, &installation.to_be_bytes()])?;
        Ok(writer)
    }

    /// Writes a piece.
    pub(super) fn piece(&mut self, piece: &Piece) -> Result<(), Failure> {
        match piece {
            Piece::Event(_) => self.totals.events += 1,
            Piece::Record(_) => self.totals.records += 1,
            Piece::Row(_) => self.totals.rows += 1,
            Piece::End(_) => {}
        }
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        piece.encode(&mut bytes);
        // A record is bounded far below.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        let written = self.write(&[&[piece.kind()], &length, &bytes]);
        self.scratch = bytes;
        written
    }

    /// Ends the file, durably, and gives it its name.
    pub(super) fn finish(mut self) -> Result<(Totals, u64), Failure> {
        self.piece(&Piece::End(self.totals))?;
        let hash = *self.hash.finalize().as_bytes();
        self.write(&[&hash])?;
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|source| Failure::File { path: self.unfinished.clone(), source })?;
        rename(&self.unfinished, &self.target)?;
        Ok((self.totals, self.bytes))
    }

    fn write(&mut self, parts: &[&[u8]]) -> Result<(), Failure> {
        for part in parts {
            self.hash.update(part);
            self.bytes += part.len() as u64;
            let written = self.file.write_all(part);
            written.map_err(|source| Failure::File { path: self.unfinished.clone(), source })?;
        }
        Ok(())
    }
}
