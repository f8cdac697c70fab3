//! Paging through a range of keys.

/// The first key after `key`.
pub(crate) fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0x00);
    key
}
