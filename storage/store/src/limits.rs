//! What a key, a value and a transaction may have: the limits of FoundationDB, which every store keeps, so that what one takes the others take.
//!
//! A transaction is counted as FoundationDB's client does (`Transaction::getSize` in `fdbclient/NativeAPI.actor.cpp`, release 7.4), rounded up:
//! a mutation each with its bytes, and each range that it could be in conflict with. So a transaction is refused here, with its size, and
//! never there.

use crate::keys::LOG_RECORD_HEADER_BYTES;

/// Room that every key leaves to the prefix of an installation that shares its FoundationDB with others, in bytes.
pub const KEY_PREFIX_BYTES_MAX: usize = 64;
/// Largest key, in bytes (FoundationDB's limit, less that prefix; aim below 32).
pub const KEY_BYTES_MAX: usize = 10_000 - KEY_PREFIX_BYTES_MAX;
/// Largest value, in bytes (FoundationDB's limit).
pub const VALUE_BYTES_MAX: usize = 100_000;
/// Longer values are cut into chunks of this size, in bytes.
pub const CHUNK_BYTES: usize = 90_000;
/// Largest transaction, in bytes (FoundationDB's limit; aim below 1 MB), as [`set_bytes`] and its like count.
pub const TRANSACTION_BYTES_MAX: usize = 10_000_000;

const _: () = assert!(CHUNK_BYTES + LOG_RECORD_HEADER_BYTES <= VALUE_BYTES_MAX);

/// What a mutation takes beside its bytes (`sizeof(MutationRef)` is 44).
const MUTATION_BYTES: usize = 48;
/// What a range takes beside its bytes (`sizeof(KeyRangeRef)` is 24).
const RANGE_BYTES: usize = 32;

/// The bytes of a range whose keys have this length together.
const fn range_bytes(keys: usize) -> usize {
    2 * KEY_PREFIX_BYTES_MAX + keys
}

/// The bytes of the range that has nothing but one key of this length.
const fn key_bytes(key: usize) -> usize {
    range_bytes(2 * key + 1)
}

/// What a transaction counts for a key of this length that it reads.
#[must_use]
pub const fn read_bytes(key: usize) -> usize {
    RANGE_BYTES + key_bytes(key)
}

/// What a transaction counts for a range that it reads, of which both keys together have this length.
#[must_use]
pub const fn read_range_bytes(keys: usize) -> usize {
    RANGE_BYTES + range_bytes(keys)
}

/// What a transaction counts for a key and a value of these lengths that it sets.
#[must_use]
pub const fn set_bytes(key: usize, value: usize) -> usize {
    MUTATION_BYTES + KEY_PREFIX_BYTES_MAX + key + value + read_bytes(key)
}

/// What a transaction counts for a key of this length that it clears.
#[must_use]
pub const fn clear_bytes(key: usize) -> usize {
    MUTATION_BYTES + key_bytes(key) + read_bytes(key)
}

/// What a transaction counts for a range that it clears, of which both keys together have this length.
#[must_use]
pub const fn clear_range_bytes(keys: usize) -> usize {
    MUTATION_BYTES + range_bytes(keys) + read_range_bytes(keys)
}
