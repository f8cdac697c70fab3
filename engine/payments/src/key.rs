//! Keys under which providers are called.

use std::fmt;

use crate::{Operation, PaymentId};

/// A key under which a provider is called: letters, digits and `_`, 29 of them, as every provider takes them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderKey(Box<str>);

/// How every key begins.
const PREFIX: &str = "ts_";
/// The letters of base32 (RFC 4648), in lower case.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Letters behind the prefix: 130 bits.
const LETTERS_COUNT: usize = 26;

impl ProviderKey {
    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of an operation on a payment: derived, never drawn, so that whoever makes the call again makes it under the same key. `n` grows
/// only where the one before has certainly not been executed.
#[must_use]
pub fn provider_key(installation: u128, id: PaymentId, operation: Operation, n: u16) -> ProviderKey {
    let (kind, number) = match operation {
        Operation::Create => (1, 0),
        Operation::LookUp => (2, 0),
        Operation::Capture => (3, 0),
        Operation::Void => (4, 0),
        Operation::Refund { number } => (5, number),
        Operation::LookUpRefunds => (6, 0),
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&installation.to_be_bytes());
    hasher.update(&id.event.0.to_be_bytes());
    hasher.update(&id.order.0.to_be_bytes());
    hasher.update(&[id.attempt, kind]);
    hasher.update(&u64::to_be_bytes(number));
    hasher.update(&n.to_be_bytes());
    let hash = hasher.finalize();
    let letter = |position: usize| {
        let (byte, bit) = (position * 5 / 8, position * 5 % 8);
        let pair = u16::from_be_bytes([hash.as_bytes()[byte], hash.as_bytes()[byte + 1]]);
        char::from(LETTERS[usize::from(pair >> (11 - bit) & 31)])
    };
    let letters = (0..LETTERS_COUNT).map(letter);
    ProviderKey(PREFIX.chars().chain(letters).collect::<String>().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tessera_inventory::{ClaimNumber, EventId};

    use super::*;

    #[test]
    fn a_key_is_the_same_for_the_same_call_and_no_other() {
        let id = PaymentId { event: EventId(1), order: ClaimNumber(2), attempt: 1 };
        let later = PaymentId { attempt: 2, ..id };
        let operations = [
            Operation::Create,
            Operation::LookUp,
            Operation::Capture,
            Operation::Void,
            Operation::LookUpRefunds,
            Operation::Refund { number: 0 },
            Operation::Refund { number: 1 },
        ];
        let mut keys = BTreeSet::new();
        for (installation, id, n) in [(7, id, 0), (7, id, 1), (7, later, 0), (8, id, 0)] {
            for operation in operations {
                let key = provider_key(installation, id, operation, n);
                assert_eq!(provider_key(installation, id, operation, n), key);
                assert_eq!(key.as_str().len(), 29);
                let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
                assert!(key.as_str().bytes().all(is_plain), "{key:?}");
                assert!(keys.insert(key));
            }
        }
        let known = provider_key(7, id, Operation::Create, 0);
        assert_eq!(known.as_str(), "ts_", "keys outlive releases");
    }
}
