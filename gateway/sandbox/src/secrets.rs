//! What the sandbox signs with: derived from one secret, one for each purpose.

use std::fmt::Write as _;

/// The keys of a sandbox.
#[derive(Clone)]
pub(crate) struct Secrets {
    /// Signs references.
    pub(crate) references: [u8; 32],
    /// Signs the addresses of pages.
    pub(crate) pages: [u8; 32],
    /// Signs webhooks.
    pub(crate) webhooks: [u8; 32],
    /// Whoever calls the API presents it as a bearer token.
    pub(crate) token: String,
}

impl Secrets {
    /// All of them from one.
    pub(crate) fn derive(secret: &[u8; 32]) -> Secrets {
        let key = |purpose: &str| blake3::derive_key(purpose, secret);
        Secrets {
            references: key("tessera sandbox 2026-11 references"),
            pages: key("tessera sandbox 2026-11 pages"),
            webhooks: key("tessera sandbox 2026-11 webhooks"),
            token: hex(&key("tessera sandbox 2026-11 token")),
        }
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
