//! The keys of tickets.

use ed25519_dalek::{Signature, Signer, VerifyingKey};

use crate::short_hash;

/// Which key signed: the first bytes of SHA-256 over the public key.
pub type KeyId = [u8; 4];

/// A key that signs. Whoever has it can make tickets.
#[derive(Clone)]
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    id: KeyId,
}

impl SigningKey {
    /// The key of 32 bytes of randomness.
    #[must_use]
    pub fn of_seed(seed: &[u8; 32]) -> SigningKey {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let id = short_hash(&[key.verifying_key().as_bytes()]);
        SigningKey { key, id }
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Its name in tickets.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("signing key (not shown)")
    }
}

/// A public key, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketKey {
    key: VerifyingKey,
    id: KeyId,
    /// When it began to sign, in milliseconds since the Unix epoch.
    pub valid_from_ms: u64,
    /// When another key went on instead, in milliseconds since the Unix epoch; what it signed before stays good.
    pub valid_until_ms: Option<u64>,
    /// When it was revoked, in milliseconds since the Unix epoch: nothing that it signed is good any more.
    pub revoked_at_ms: Option<u64>,
}

impl TicketKey {
    /// A key that has just begun to sign; `None` where the bytes are no Ed25519 public key.
    #[must_use]
    pub fn new(public: &[u8; 32], valid_from_ms: u64) -> Option<TicketKey> {
        let key = VerifyingKey::from_bytes(public).ok()?;
        let id = short_hash(&[public]);
        Some(TicketKey { key, id, valid_from_ms, valid_until_ms: None, revoked_at_ms: None })
    }

    /// Ed25519.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Its name in tickets.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Its name in lists: 16 digits of SHA-256 over the public key. The first eight are its name in tickets.
    #[must_use]
    pub fn name(&self) -> String {
        let hash: [u8; 8] = short_hash(&[self.key.as_bytes()]);
        format!("{:016x}", u64::from_be_bytes(hash))
    }

    /// Whether it signed this. Strict: no other bytes pass for the same signature.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}
