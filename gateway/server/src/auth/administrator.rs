//! The administrator's token: made at first start, or given by the configuration.

use std::fmt;

use subtle::ConstantTimeEq;

/// Prefix of administrator tokens.
const PREFIX: &str = "tsa_";
/// Shortest token accepted, prefix included.
const TOKEN_BYTES_MIN: usize = 24;

/// The administrator's token as requests are compared with it: by its hash.
#[derive(Clone)]
pub struct AdministratorToken(blake3::Hash);

impl AdministratorToken {
    /// The token of this text; `None` when it is too short or does not begin with `tsa_`.
    #[must_use]
    pub fn new(text: &str) -> Option<AdministratorToken> {
        let acceptable = text.starts_with(PREFIX) && text.len() >= TOKEN_BYTES_MIN && text.is_ascii();
        acceptable.then(|| AdministratorToken(blake3::hash(text.as_bytes())))
    }

    /// A fresh token from 128 random bits, as text.
    #[must_use]
    pub fn generate(bits: u128) -> String {
        format!("{PREFIX}{bits:032x}")
    }

    /// Whether `text` claims to be an administrator token.
    #[must_use]
    pub fn is_claimed_by(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Whether `text` is this token; takes the same time wherever they differ.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(blake3::hash(text.as_bytes()).as_bytes()).into()
    }
}

impl fmt::Debug for AdministratorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdministratorToken")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_accepted() {
        let text = AdministratorToken::generate(42);
        let token = AdministratorToken::new(&text).unwrap();
        assert!(token.is(&text));
        assert!(!token.is(&AdministratorToken::generate(43)));
        assert!(AdministratorToken::new("tsa_short").is_none());
        assert!(AdministratorToken::new(&text[1..]).is_none());
    }
}
