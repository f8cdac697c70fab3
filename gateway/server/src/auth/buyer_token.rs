//! Buyer tokens: `tsb_` and 55 bytes of base64 {version, subject, organizer, expiry, code}. Verified without a look-up or an
//! allocation.

use std::num::NonZeroU128;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use tessera_inventory::{Subject, Timestamp};

use super::Keys;

const PREFIX: &str = "tsb_";
const VERSION: u8 = 1;
const BODY_BYTES: usize = 1 + 16 + 16 + 6;
const MAC_BYTES: usize = 16;
const TOKEN_BYTES: usize = BODY_BYTES + MAC_BYTES;
const BASE64_BYTES: usize = (TOKEN_BYTES * 4).div_ceil(3);
/// Length of a token as text.
pub const TOKEN_TEXT_BYTES: usize = PREFIX.len() + BASE64_BYTES;
/// Expiries are 48 bits of milliseconds.
const EXPIRY_MS_MAX: u64 = (1 << 48) - 1;

/// What a genuine token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuyerToken {
    /// Who it names.
    pub subject: Subject,
    /// At whose events it buys: those of the organizer that had it made; `None`: at everyone's.
    pub organizer: Option<NonZeroU128>,
    /// First instant at which it is over.
    pub expires_at: Timestamp,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Malformed, forged, or of another installation.
    #[error("the buyer token is not valid")]
    Invalid,
    /// Genuine, but over.
    #[error("the buyer token has expired")]
    Expired,
}

impl BuyerToken {
    /// Whether `text` claims to be a buyer token.
    #[must_use]
    pub fn is_claimed_by(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The token as text.
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> String {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[0] = VERSION;
        bytes[1..17].copy_from_slice(&self.subject.0.to_be_bytes());
        let organizer = self.organizer.map_or(0, NonZeroU128::get);
        bytes[17..33].copy_from_slice(&organizer.to_be_bytes());
        bytes[33..BODY_BYTES].copy_from_slice(&self.expires_at.0.min(EXPIRY_MS_MAX).to_be_bytes()[2..]);
        let mac = keys.token_mac(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(&mac);
        let mut text = String::with_capacity(TOKEN_TEXT_BYTES);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        text
    }

    /// What a token says, if it is genuine, whether or not it is over.
    ///
    /// # Errors
    /// [`TokenError::Invalid`].
    pub fn read(keys: &Keys, text: &str) -> Result<BuyerToken, TokenError> {
        let base64 = text.strip_prefix(PREFIX).ok_or(TokenError::Invalid)?;
        if base64.len() != BASE64_BYTES {
            return Err(TokenError::Invalid);
        }
        let mut bytes = [0; TOKEN_BYTES];
        let read =
            URL_SAFE_NO_PAD.decode_slice_unchecked(base64, &mut bytes).map_err(|_| TokenError::Invalid)?;
        let (body, mac) = bytes.split_at(BODY_BYTES);
        let genuine: bool = keys.token_mac(body).ct_eq(mac).into();
        if read != TOKEN_BYTES || !genuine || body[0] != VERSION {
            return Err(TokenError::Invalid);
        }
        let (mut subject, mut organizer, mut expiry) = ([0; 16], [0; 16], [0; 8]);
        subject.copy_from_slice(&body[1..17]);
        organizer.copy_from_slice(&body[17..33]);
        expiry[2..].copy_from_slice(&body[33..]);
        Ok(BuyerToken {
            subject: Subject(u128::from_be_bytes(subject)),
            organizer: NonZeroU128::new(u128::from_be_bytes(organizer)),
            expires_at: Timestamp(u64::from_be_bytes(expiry)),
        })
    }

    /// What a token says, if it is genuine and not over at `now`.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn verify(keys: &Keys, text: &str, now: Timestamp) -> Result<BuyerToken, TokenError> {
        let token = BuyerToken::read(keys, text)?;
        if now < token.expires_at { Ok(token) } else { Err(TokenError::Expired) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn a_token_is_accepted_until_it_is_over_and_never_when_changed() {
        let keys = Keys::derive(&[3; 32]);
        let organizer = NonZeroU128::new(u128::MAX / 7);
        let token = BuyerToken { subject: Subject(u128::MAX / 3), organizer, expires_at: NOW.plus_ms(1) };
        let text = token.sign(&keys);
        let of_nobody = BuyerToken { organizer: None, ..token };
        assert_eq!(BuyerToken::verify(&keys, &of_nobody.sign(&keys), NOW), Ok(of_nobody));
        assert_eq!(text.len(), TOKEN_TEXT_BYTES);
        assert_eq!(BuyerToken::verify(&keys, &text, NOW), Ok(token));
        assert_eq!(BuyerToken::verify(&keys, &text, NOW.plus_ms(1)), Err(TokenError::Expired));
        let elsewhere = Keys::derive(&[4; 32]);
        assert_eq!(BuyerToken::verify(&elsewhere, &text, NOW), Err(TokenError::Invalid));
        for position in PREFIX.len()..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(BuyerToken::verify(&keys, &forged, NOW), Err(TokenError::Invalid), "{position}");
        }
        for text in ["", "tsb_", "tsb", &text[..text.len() - 1], &format!("{text}A"), "tsb_é"] {
            assert_eq!(BuyerToken::verify(&keys, text, NOW), Err(TokenError::Invalid));
        }
    }
}
