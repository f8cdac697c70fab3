//! Why a file is not imported.

/// Why a file is not imported. Nothing was made of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortableError {
    /// Not written by `tessera export`.
    #[error("it was not written by `tessera export`")]
    Foreign,
    /// Written by a newer release.
    #[error("it needs a reader of version {needed} or newer; this binary reads up to {supported}")]
    TooNew {
        /// Oldest version that reads it.
        needed: u16,
        /// What this binary reads.
        supported: u16,
    },
    /// It ends too early.
    #[error("it ends in the middle: it was cut, or the export did not come to its end")]
    Truncated,
    /// Its checksum does not fit.
    #[error("its checksum does not fit: it was changed after the export")]
    Changed,
    /// It cannot be understood, although its checksum fits.
    #[error("it holds {what}, which no export writes")]
    Malformed {
        /// What was found.
        what: &'static str,
    },
}
