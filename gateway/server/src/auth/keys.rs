//! The keys of the installation, and the keyed hashes made with them. All derive from one secret in the table.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use subtle::ConstantTimeEq;
use tessera_inventory::{AccessCode, ClaimNumber, EventId, Subject};

/// Bytes of the installation secret.
pub const SECRET_BYTES: usize = 32;
/// Bytes of a message authentication code.
const MAC_BYTES: usize = 16;
/// Bytes of a hold secret: the subject of the hold, and a code over it.
const HOLD_SECRET_BYTES: usize = 16 + MAC_BYTES;
/// Length of a hold secret as text: 32 bytes in base64.
pub const HOLD_SECRET_TEXT_BYTES: usize = 43;

type Key = [u8; blake3::KEY_LEN];

/// The keys of the installation. Contexts are never reused or changed: stored hashes depend on them.
#[derive(Clone)]
pub struct Keys {
    subject: Key,
    buyer_token: Key,
    hold_secret: Key,
    event_tag: Key,
    idempotency: Key,
    fingerprint: Key,
    access_code: Key,
    single_use: Key,
    api_key: Key,
    ticket_code: Key,
    opt_out: Key,
    message_name: Key,
    push: Key,
    telegram_link: Key,
    telegram_updates: Key,
}

impl Keys {
    /// Derives every key from the installation secret.
    #[must_use]
    pub fn derive(secret: &[u8; SECRET_BYTES]) -> Keys {
        let key = |context: &str| blake3::derive_key(context, secret);
        Keys {
            subject: key("tessera 2026-11 subject v1"),
            buyer_token: key("tessera 2026-11 buyer token v1"),
            hold_secret: key("tessera 2026-11 hold secret v1"),
            event_tag: key("tessera 2026-11 event tag v1"),
            idempotency: key("tessera 2026-11 idempotency v1"),
            fingerprint: key("tessera 2026-11 fingerprint v1"),
            access_code: key("tessera 2026-11 access code v1"),
            single_use: key("tessera 2026-11 single-use code v1"),
            api_key: key("tessera 2026-11 api key v1"),
            ticket_code: key("tessera 2026-11 ticket code v1"),
            opt_out: key("tessera 2026-11 opt-out v1"),
            message_name: key("tessera 2026-11 message name v1"),
            push: key("tessera 2026-11 push key v1"),
            telegram_link: key("tessera 2026-11 telegram link v1"),
            telegram_updates: key("tessera 2026-11 telegram updates v1"),
        }
    }

    /// The subject of a buyer that an organizer knows by a reference of its own.
    #[must_use]
    pub fn subject(&self, organizer: u128, reference: &str) -> Subject {
        Subject(mac(&self.subject, &[&organizer.to_be_bytes(), reference.as_bytes()]))
    }

    /// The code over a buyer token's body.
    #[must_use]
    pub fn token_mac(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        truncated(blake3::keyed_hash(&self.buyer_token, body))
    }

    /// The secret of a hold of this subject; stateless, so that it outlives restarts and tokens.
    #[must_use]
    pub fn hold_secret(&self, event: EventId, hold: ClaimNumber, subject: Subject) -> HoldSecret {
        let (event, hold, subject) = (event.0.to_be_bytes(), hold.0.to_be_bytes(), subject.0.to_be_bytes());
        let mut secret = [0; HOLD_SECRET_BYTES];
        secret[..16].copy_from_slice(&subject);
        secret[16..].copy_from_slice(&mac(&self.hold_secret, &[&event, &hold, &subject]).to_be_bytes());
        HoldSecret(secret)
    }

    /// Whose hold this is, if `text` is its secret; takes the same time wherever a wrong one differs.
    #[must_use]
    pub fn read_hold_secret(&self, event: EventId, hold: ClaimNumber, text: &str) -> Option<Subject> {
        let mut shown = [0; HOLD_SECRET_BYTES];
        let read = URL_SAFE_NO_PAD.decode_slice(text, &mut shown).ok()?;
        let mut subject = [0; 16];
        subject.copy_from_slice(&shown[..16]);
        let subject = Subject(u128::from_be_bytes(subject));
        let genuine: bool = self.hold_secret(event, hold, subject).0.ct_eq(&shown).into();
        (read == HOLD_SECRET_BYTES && genuine).then_some(subject)
    }

    /// The code over what a ticket's code says.
    #[must_use]
    pub(super) fn ticket_mac(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        truncated(blake3::keyed_hash(&self.ticket_code, body))
    }

    /// The code over what a link says by which somebody opts out.
    #[must_use]
    pub(crate) fn opt_out(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        truncated(blake3::keyed_hash(&self.opt_out, body))
    }

    /// Whether that is the code; takes the same time wherever a wrong one differs.
    #[must_use]
    pub(crate) fn is_opt_out(&self, body: &[u8], code: &[u8]) -> bool {
        self.opt_out(body).ct_eq(code).into()
    }

    /// The name of a message to somebody, which says nothing of who that is.
    #[must_use]
    pub(crate) fn message_name(&self, about: &[u8]) -> u128 {
        mac(&self.message_name, &[about])
    }

    /// Bytes of which the private key for messages to browsers is made, the first time, or again where they make none.
    #[must_use]
    pub(crate) fn push_key(&self, turn: u8) -> [u8; blake3::OUT_LEN] {
        *blake3::keyed_hash(&self.push, &[turn]).as_bytes()
    }

    /// The code over what a link says by which somebody begins a chat with the bot.
    #[must_use]
    pub(crate) fn telegram_link(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        truncated(blake3::keyed_hash(&self.telegram_link, body))
    }

    /// Whether that is the code; takes the same time wherever a wrong one differs.
    #[must_use]
    pub(crate) fn is_telegram_link(&self, body: &[u8], code: &[u8]) -> bool {
        self.telegram_link(body).ct_eq(code).into()
    }

    /// What stands in the URL under which Telegram tells what people write to the bot of this token.
    #[must_use]
    pub(crate) fn telegram_updates(&self, bot_token: &str) -> String {
        let code: [u8; MAC_BYTES] =
            truncated(blake3::keyed_hash(&self.telegram_updates, bot_token.as_bytes()));
        URL_SAFE_NO_PAD.encode(code)
    }

    /// Whether two secrets are the same; takes the same time wherever they differ.
    #[must_use]
    pub(crate) fn is_same(left: &str, right: &str) -> bool {
        left.as_bytes().ct_eq(right.as_bytes()).into()
    }

    /// The tag of an event in the identifiers of what belongs to it.
    #[must_use]
    pub fn event_tag(&self, event: EventId) -> u64 {
        let hash = blake3::keyed_hash(&self.event_tag, &event.0.to_be_bytes());
        let mut tag = [0; 8];
        tag.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_be_bytes(tag)
    }

    /// The digest that an idempotency key has for this principal and scope (an event, or the catalogue).
    #[must_use]
    pub fn idempotency(&self, principal: u128, scope: u128, key: &[u8]) -> u128 {
        mac(&self.idempotency, &[&principal.to_be_bytes(), &scope.to_be_bytes(), key])
    }

    /// The fingerprint of a request: its path and body. A path knows one command, whose method need not be told apart.
    #[must_use]
    pub fn fingerprint(&self, path: &str, body: &[u8]) -> u64 {
        let length = (path.len() as u64).to_be_bytes();
        let wide = mac(&self.fingerprint, &[&length, path.as_bytes(), body]).to_be_bytes();
        let mut narrow = [0; 8];
        narrow.copy_from_slice(&wide[..8]);
        u64::from_be_bytes(narrow)
    }

    /// What is kept of an access code.
    #[must_use]
    pub fn access_code(&self, code: &str) -> AccessCode {
        AccessCode(mac(&self.access_code, &[code.as_bytes()]))
    }

    /// One of the single-use codes of a promotion of an event: the code of the promotion, its number, and a code over both.
    #[must_use]
    pub fn single_use_code(&self, event: EventId, promotion: &str, serial: u32) -> String {
        let (event, number) = (event.0.to_be_bytes(), serial.to_be_bytes());
        // 64 bits: nobody guesses them at a server that counts requests.
        let code = mac(&self.single_use, &[&event, &number, promotion.as_bytes()]) >> 64;
        format!("{promotion}-{serial}-{code:016x}")
    }

    /// The code of the promotion and the number, if that is a single-use code; takes the same time wherever a wrong one differs.
    #[must_use]
    pub fn read_single_use_code<'a>(&self, event: EventId, text: &'a str) -> Option<(&'a str, u32)> {
        let (promotion, serial) = text.rsplit_once('-')?.0.rsplit_once('-')?;
        let serial = serial.parse().ok()?;
        let genuine = self.single_use_code(event, promotion, serial);
        let is_genuine: bool = genuine.as_bytes().ct_eq(text.as_bytes()).into();
        is_genuine.then_some((promotion, serial))
    }

    /// What is kept of an organizer key's secret. Its first 16 bytes, the key's id, are a UUIDv8.
    #[must_use]
    pub fn api_key(&self, secret: &str) -> [u8; blake3::OUT_LEN] {
        let mut hash = *blake3::keyed_hash(&self.api_key, secret.as_bytes()).as_bytes();
        let mut id = [0; MAC_BYTES];
        id.copy_from_slice(&hash[..MAC_BYTES]);
        hash[..MAC_BYTES].copy_from_slice(uuid::Uuid::new_v8(id).as_bytes());
        hash
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(secret)")
    }
}

/// The secret of one hold.
#[derive(Clone, Copy)]
pub struct HoldSecret([u8; HOLD_SECRET_BYTES]);

impl HoldSecret {
    fn text(self) -> [u8; HOLD_SECRET_TEXT_BYTES] {
        let mut text = [0; HOLD_SECRET_TEXT_BYTES];
        // 32 bytes are 43 characters: the buffer fits.
        let _ = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
        text
    }
}

impl Serialize for HoldSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for HoldSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HoldSecret")
    }
}

/// Parts that fit on the stack are hashed in one call, which is several times cheaper than a hasher.
const STACK_BYTES: usize = 512;

fn mac(key: &Key, parts: &[&[u8]]) -> u128 {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let hash = if length <= STACK_BYTES {
        let mut buffer = [0; STACK_BYTES];
        let mut at = 0;
        for part in parts {
            buffer[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        blake3::keyed_hash(key, &buffer[..length])
    } else {
        let mut hasher = blake3::Hasher::new_keyed(key);
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize()
    };
    u128::from_be_bytes(truncated(hash))
}

fn truncated(hash: blake3::Hash) -> [u8; MAC_BYTES] {
    let mut short = [0; MAC_BYTES];
    short.copy_from_slice(&hash.as_bytes()[..MAC_BYTES]);
    short
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_secret_opens_its_own_hold_only_and_names_its_subject() {
        let keys = Keys::derive(&[1; SECRET_BYTES]);
        let text = serde_json::to_string(&keys.hold_secret(EventId(1), ClaimNumber(2), Subject(7))).unwrap();
        let text = text.trim_matches('"');
        assert_eq!(text.len(), HOLD_SECRET_TEXT_BYTES);
        let read = |event: u128, hold: u64, text: &str| {
            keys.read_hold_secret(EventId(event), ClaimNumber(hold), text)
        };
        assert_eq!(read(1, 2, text), Some(Subject(7)));
        assert_eq!(read(1, 3, text), None);
        assert_eq!(read(2, 2, text), None);
        let other = Keys::derive(&[2; SECRET_BYTES]);
        assert_eq!(other.read_hold_secret(EventId(1), ClaimNumber(2), text), None);
        let forged = format!("B{}", &text[1..]);
        for wrong in ["", &text[1..], &text[..42], &forged, &format!("{text}A"), &"A".repeat(300)] {
            assert_eq!(read(1, 2, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_single_use_code_is_good_for_its_promotion_and_event_only() {
        let keys = Keys::derive(&[1; SECRET_BYTES]);
        let text = keys.single_use_code(EventId(1), "FRIENDS-1", 207);
        assert_eq!((text.len(), &text[..14]), (30, "FRIENDS-1-207-"));
        assert_eq!(keys.read_single_use_code(EventId(1), &text), Some(("FRIENDS-1", 207)));
        assert_eq!(keys.read_single_use_code(EventId(2), &text), None);
        let other = Keys::derive(&[2; SECRET_BYTES]);
        assert_eq!(other.read_single_use_code(EventId(1), &text), None);
        let changed = |from: &str, to: &str| text.replace(from, to);
        let upper = text.to_uppercase();
        for wrong in [
            "",
            "FRIENDS-1",
            "FRIENDS-1-207-",
            "--",
            "FRIENDS-1-x-0000000000000000",
            &text[..29],
            &format!("{text}0"),
            &changed("-207-", "-208-"),
            &changed("-207-", "-0207-"),
            &changed("-207-", "-+207-"),
            &changed("FRIENDS-1", "FRIENDS-2"),
            &upper,
        ] {
            assert_eq!(keys.read_single_use_code(EventId(1), wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_long_message_hashes_like_a_short_one() {
        let key = [9; 32];
        let long = vec![5; STACK_BYTES + 1];
        let whole = mac(&key, &[&long]);
        assert_eq!(whole, mac(&key, &[&long[..10], &long[10..]]));
        assert_eq!(mac(&key, &[b"ab"]), mac(&key, &[b"a", b"b"]));
    }
}
