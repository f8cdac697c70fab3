//! Names that are derived, never drawn.

/// The first 128 bits of a hash.
pub(crate) fn first_half(hash: &blake3::Hash) -> u128 {
    let mut first = [0; 16];
    first.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_be_bytes(first)
}
