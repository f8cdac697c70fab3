//! Reads a file: first all of it, to see that it is whole and unchanged; then piece by piece.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::error::PortableError;
use super::piece::{Piece, Totals};
use super::{BUFFER_BYTES, HASH_BYTES, MAGIC, PIECE_BYTES_MAX, VERSION};
use crate::failure::Failure;

/// An open file.
pub(super) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    hash: blake3::Hasher,
    /// Which installation it was exported from.
    pub(super) installation: u128,
}

/// Reads all of a file.
///
/// # Errors
/// [`Failure::NotImported`] where it is not what was exported.
pub(super) fn check(path: &Path) -> Result<Totals, Failure> {
    let mut reader = Reader::open(path)?;
    loop {
        // What it says is looked at only when its checksum is known to fit.
        let (kind, bytes) = reader.raw()?;
        if kind == Piece::End(Totals::default()).kind() {
            reader.ends()?;
            let Piece::End(totals) = Piece::decode(kind, &bytes)? else { continue };
            return Ok(totals);
        }
    }
}

impl Reader {
    /// Opens a file and reads its header.
    pub(super) fn open(path: &Path) -> Result<Reader, Failure> {
        let file = File::open(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
        let mut reader = Reader {
            path: path.to_owned(),
            file: BufReader::with_capacity(BUFFER_BYTES, file),
            hash: blake3::Hasher::new(),
            installation: 0,
        };
        let magic: [u8; 8] = reader.take().map_err(|failure| match failure {
            Failure::NotImported(_) => Failure::NotImported(PortableError::Foreign),
            other => other,
        })?;
        if magic != MAGIC {
            return Err(Failure::NotImported(PortableError::Foreign));
        }
        let _version = u16::from_be_bytes(reader.take()?);
        let needed = u16::from_be_bytes(reader.take()?);
        if needed > VERSION {
            return Err(Failure::NotImported(PortableError::TooNew { needed, supported: VERSION }));
        }
        reader.installation = u128::from_be_bytes(reader.take()?);
        Ok(reader)
    }

    /// The next piece.
    pub(super) fn piece(&mut self) -> Result<Piece, Failure> {
        let (kind, bytes) = self.raw()?;
        Piece::decode(kind, &bytes)
    }

    fn raw(&mut self) -> Result<(u8, Vec<u8>), Failure> {
        let [kind] = self.take()?;
        let length = u32::from_be_bytes(self.take()?) as usize;
        if length > PIECE_BYTES_MAX {
            return Err(Failure::NotImported(PortableError::Changed));
        }
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok((kind, bytes))
    }

    /// The checksum fits, and nothing follows it.
    fn ends(&mut self) -> Result<(), Failure> {
        let expected = *self.hash.finalize().as_bytes();
        let found: [u8; HASH_BYTES] = self.take()?;
        let rest = self.file.read(&mut [0]).map_err(|source| self.unreadable(source))?;
        if found == expected && rest == 0 {
            Ok(())
        } else {
            Err(Failure::NotImported(PortableError::Changed))
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let mut field = [0; N];
        self.fill(&mut field)?;
        Ok(field)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Failure> {
        match self.file.read_exact(bytes) {
            Ok(()) => {
                self.hash.update(bytes);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Failure::NotImported(PortableError::Truncated))
            }
            Err(source) => Err(self.unreadable(source)),
        }
    }

    fn unreadable(&self, source: io::Error) -> Failure {
        Failure::File { path: self.path.clone(), source }
    }
}
