//! Links by which people begin a chat with the bot: whose chat it is and until when, with a code over both. What follows `/start` there has
//! at most 64 letters, digits, `_` and `-` (<https://core.telegram.org/bots/features#deep-linking>).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tessera_inventory::{Subject, Timestamp};

use crate::auth::Keys;

/// Bytes of what is said: the subject, and until when in seconds.
const BODY_BYTES: usize = 16 + 8;
/// Bytes of it and of the code.
const TOKEN_BYTES: usize = BODY_BYTES + 16;

/// The token of a link that is good until then.
pub(crate) fn telegram_link(keys: &Keys, subject: Subject, until: Timestamp) -> String {
    let mut token = [0; TOKEN_BYTES];
    token[..16].copy_from_slice(&subject.0.to_be_bytes());
    token[16..BODY_BYTES].copy_from_slice(&(until.0 / 1_000).to_be_bytes());
    let code = keys.telegram_link(&token[..BODY_BYTES]);
    token[BODY_BYTES..].copy_from_slice(&code);
    URL_SAFE_NO_PAD.encode(token)
}

/// Whose token it is; `None`: nobody's, or it is too late.
pub(crate) fn read_telegram_link(keys: &Keys, text: &str, now: Timestamp) -> Option<Subject> {
    let mut token = [0; TOKEN_BYTES];
    let read = URL_SAFE_NO_PAD.decode_slice(text, &mut token).ok()?;
    let (mut subject, mut until) = ([0; 16], [0; 8]);
    subject.copy_from_slice(&token[..16]);
    until.copy_from_slice(&token[16..BODY_BYTES]);
    let is_genuine = keys.is_telegram_link(&token[..BODY_BYTES], &token[BODY_BYTES..]);
    let is_good = now.0 / 1_000 < u64::from_be_bytes(until);
    (read == TOKEN_BYTES && is_genuine && is_good).then_some(Subject(u128::from_be_bytes(subject)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_for_one_person_and_a_while() {
        let (keys, until) = (Keys::derive(&[1; 32]), Timestamp(900_000));
        let text = telegram_link(&keys, Subject(7), until);
        assert!(
            text.len() <= 64
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        );
        assert_eq!(read_telegram_link(&keys, &text, Timestamp(0)), Some(Subject(7)));
        assert_eq!(read_telegram_link(&keys, &text, until), None);
        let forged = telegram_link(&Keys::derive(&[2; 32]), Subject(7), until);
        for wrong in ["", "x", &text[1..], &format!("{text}A"), &forged] {
            assert_eq!(read_telegram_link(&keys, wrong, Timestamp(0)), None, "{wrong}");
        }
    }
}
