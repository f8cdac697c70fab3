//! Idempotency keys: what a client sends, and the identity that the engine keeps of it.

use actix_web::http::header::HeaderMap;
use tessera_inventory::{EventId, IdempotencyKey, Timestamp};
use uuid::Uuid;

use crate::auth::Keys;
use crate::code::Code;
use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use crate::problem::Problem;

const HEADER: &str = "idempotency-key";
const OTHER_HEADER: &str = "x-idempotency-key";
/// What stands for the catalogue where a key is not scoped to an event.
const CATALOGUE: EventId = EventId(0);

/// The key as the client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestKey<'a>(&'a [u8]);

impl<'a> RequestKey<'a> {
    /// The key of a request that needs one.
    ///
    /// # Errors
    /// `key_missing`, `key_malformed`.
    pub(crate) fn required(headers: &'a HeaderMap) -> Result<RequestKey<'a>, Problem> {
        let mut values =
            headers.get_all(HEADER).chain(headers.get_all(OTHER_HEADER)).map(|value| value.as_bytes());
        let first = values.next().ok_or_else(|| {
            Problem::new(
                Code::KeyMissing,
                "send an Idempotency-Key: fresh for a new wish, the same for a retry",
            )
        })?;
        let visible = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&first.len())
            && first.iter().all(|byte| byte.is_ascii_graphic());
        if visible && values.all(|value| value == first) {
            Ok(RequestKey(first))
        } else {
            Err(Problem::new(
                Code::KeyMalformed,
                "an Idempotency-Key is 1 to 128 visible ASCII characters, once",
            ))
        }
    }

    /// The identity of a request on an event.
    pub(crate) fn on_event(
        self,
        keys: &Keys,
        principal: u128,
        event: EventId,
        fingerprint: u64,
    ) -> IdempotencyKey {
        IdempotencyKey {
            digest: keys.idempotency(principal, event.0, self.0),
            fingerprint,
            minted_at: self.minted_at(),
        }
    }

    /// The identity of a request on the catalogue.
    pub(crate) fn on_catalogue(self, keys: &Keys, principal: u128, fingerprint: u64) -> IdempotencyKey {
        self.on_event(keys, principal, CATALOGUE, fingerprint)
    }

    /// When the client minted the key, where the key is a UUIDv7.
    fn minted_at(self) -> Option<Timestamp> {
        const UUID_TEXT_BYTES: usize = 36;
        if self.0.len() != UUID_TEXT_BYTES {
            return None;
        }
        let uuid = Uuid::try_parse_ascii(self.0).ok()?;
        let ms = u64::try_from(uuid.as_u128() >> 80).ok()?;
        (uuid.get_version_num() == 7).then_some(Timestamp(ms))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn check(pairs: &[(&'static str, &str)], expected: Result<&str, Code>) {
        let map = headers(pairs);
        let key = RequestKey::required(&map).map_err(|problem| problem.code());
        assert_eq!(key, expected.map(|text| RequestKey(text.as_bytes())));
    }

    #[test]
    fn keys_are_read_strictly() {
        check(&[(HEADER, "a")], Ok("a"));
        check(&[(OTHER_HEADER, "a")], Ok("a"));
        check(&[(HEADER, "a"), (OTHER_HEADER, "a")], Ok("a"));
        check(&[], Err(Code::KeyMissing));
        check(&[(HEADER, "")], Err(Code::KeyMalformed));
        check(&[(HEADER, "a b")], Err(Code::KeyMalformed));
        check(&[(HEADER, "a"), (OTHER_HEADER, "b")], Err(Code::KeyMalformed));
        check(&[(HEADER, &"k".repeat(128))], Ok(&"k".repeat(128)));
        check(&[(HEADER, &"k".repeat(129))], Err(Code::KeyMalformed));
    }

    #[test]
    fn a_key_tells_when_it_was_minted_only_as_uuid_7() {
        let minted = |text: &str| RequestKey(text.as_bytes()).minted_at();
        assert_eq!(minted("0192f0c1-0000-7000-8000-000000000000"), Some(Timestamp(0x0192_f0c1_0000)));
        assert_eq!(minted("0192f0c1-0000-4000-8000-000000000000"), None);
        assert_eq!(minted("order-17"), None);
    }

    #[test]
    fn identities_differ_by_principal_and_event_but_not_by_time() {
        let keys = Keys::derive(&[5; 32]);
        let key = RequestKey(b"k");
        let base = key.on_event(&keys, 1, EventId(2), 3);
        assert_eq!(base, key.on_event(&keys, 1, EventId(2), 3));
        assert_ne!(base.digest, key.on_event(&keys, 9, EventId(2), 3).digest);
        assert_ne!(base.digest, key.on_event(&keys, 1, EventId(9), 3).digest);
        assert_ne!(base.digest, key.on_catalogue(&keys, 1, 3).digest);
    }
}
