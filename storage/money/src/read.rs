//! Reading what was written, and saying so when it was not.

use std::num::NonZeroU16;

use tessera_inventory::{ProviderId, Timestamp};
use tessera_store::StoreError;

/// A row that is not as it was written.
pub(crate) fn unreadable(what: &str) -> StoreError {
    StoreError::Damaged { reason: format!("a row of {what} cannot be read") }
}

/// A time that may be missing.
pub(crate) fn time(ms: Option<u64>) -> Option<Timestamp> {
    ms.map(Timestamp)
}

/// Sixteen bytes of an identity.
pub(crate) fn identity(bytes: &[u8], what: &str) -> Result<u128, StoreError> {
    bytes.try_into().map(u128::from_be_bytes).map_err(|_| unreadable(what))
}

/// A number that was smaller when it was written.
pub(crate) fn narrow<T: TryFrom<u32>>(number: u32, what: &str) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| unreadable(what))
}

/// A provider of this number.
pub(crate) fn provider_of(number: u16, what: &str) -> Result<ProviderId, StoreError> {
    NonZeroU16::new(number).map(ProviderId).ok_or_else(|| unreadable(what))
}
