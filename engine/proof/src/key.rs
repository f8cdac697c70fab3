//! Signing keys, and the public keys that outlive them.

use ed25519_dalek::{Signature, Signer, VerifyingKey};

use crate::{hash_of, to_hex};

/// Bytes of an Ed25519 signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;
/// Bytes of the hint that says which key signed.
pub(crate) const KEY_HINT_BYTES: usize = 4;
/// Ed25519 in a signed note.
const NOTE_ALGORITHM: u8 = 0x01;

/// A key that signs. Whoever has it can forge receipts.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of 32 bytes of randomness.
    #[must_use]
    pub fn of_seed(seed: &[u8; 32]) -> SigningKey {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, text: &str) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(text.as_bytes()).to_bytes()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("signing key (not shown)")
    }
}

/// A public key, and when it signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Ed25519.
    pub bytes: [u8; 32],
    /// The first time it may have signed at, in milliseconds since the Unix epoch.
    pub valid_from_ms: u64,
    /// It has signed nothing at this time or later; `None` while it signs.
    pub valid_until_ms: Option<u64>,
}

impl PublicKey {
    /// Its name in lists: 16 digits of its SHA-256.
    #[must_use]
    pub fn id(&self) -> String {
        to_hex(&hash_of(&self.bytes)[..8])
    }

    /// Whether it signed at this time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn signed_at(&self, at_ms: u64) -> bool {
        self.valid_from_ms <= at_ms && self.valid_until_ms.is_none_or(|until| at_ms < until)
    }

    pub(crate) fn hint(&self, name: &str) -> [u8; KEY_HINT_BYTES] {
        key_hint(name, &self.bytes)
    }

    pub(crate) fn has_signed(&self, text: &str, signature: &[u8; SIGNATURE_BYTES]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.bytes) else { return false };
        key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).is_ok()
    }
}

/// The hint of the key of this name (C2SP signed-note): SHA-256 of name, newline, algorithm and key, first 4 bytes.
pub(crate) fn key_hint(name: &str, key: &[u8; 32]) -> [u8; KEY_HINT_BYTES] {
    let hash = hash_of(&[name.as_bytes(), b"\n", &[NOTE_ALGORITHM], key].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}
