//! Reading what was written, and saying so when it was not.

use tessera_store::StoreError;

/// A row that is not as it was written.
pub(crate) fn unreadable(what: &str) -> StoreError {
    StoreError::Damaged { reason: format!("a row of {what} cannot be read") }
}

/// Sixteen bytes of an identity.
pub(crate) fn identity(bytes: &[u8], what: &str) -> Result<u128, StoreError> {
    bytes.try_into().map(u128::from_be_bytes).map_err(|_| unreadable(what))
}

/// The first key after `key`.
pub(crate) fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0x00);
    key
}

/// As much of a text as is kept, ending at a character.
pub(crate) fn shortened(text: &str, bytes_max: usize) -> String {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].to_owned()
}
