//! Errors about what is stored, said in one way.

use tessera_inventory::{EventId, Sequence};
use tessera_records::RecordError;
use tessera_store::StoreError;

/// What is stored is not what was written.
pub(crate) const fn damaged(reason: String) -> StoreError {
    StoreError::Damaged { reason }
}

/// What a record of the log that cannot be read is to whoever follows it: damage, or of a format that is too new.
#[must_use]
pub fn unreadable_record(event: EventId, last: Sequence, error: &RecordError) -> StoreError {
    match error {
        RecordError::TooNew { needed, supported } => StoreError::FormatTooNew {
            needed: u16::try_from(*needed).unwrap_or(u16::MAX),
            supported: *supported,
        },
        RecordError::Protobuf(_) | RecordError::Malformed { .. } => {
            damaged(format!("the record of {event:?} up to sequence {last}: {error}"))
        }
    }
}
