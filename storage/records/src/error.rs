//! Why a record or a snapshot could not be read.

/// What is wrong with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer release for newer readers. Nothing was decoded.
    #[error("it needs a reader of format {needed} or newer; this binary reads up to {supported}")]
    TooNew {
        /// The oldest reader that the bytes admit.
        needed: u32,
        /// What this binary reads.
        supported: u16,
    },
    /// It is not protobuf of the expected messages.
    #[error("it is not the protobuf it should be")]
    Protobuf(#[from] prost::DecodeError),
    /// It is protobuf, but says what no event can say.
    #[error("it is malformed: {what}")]
    Malformed {
        /// What was expected.
        what: &'static str,
    },
}

pub(crate) const fn malformed(what: &'static str) -> RecordError {
    RecordError::Malformed { what }
}
