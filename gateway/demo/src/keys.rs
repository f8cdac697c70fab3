//! Idempotency keys: UUIDv7 of the present instant, with the rest of its bits drawn from the seed.

use std::time::{SystemTime, UNIX_EPOCH};

use http::header::HeaderValue;

use crate::random::Random;

/// Tells the keys of a buyer from its wishes.
const KEYS_ROLE: u64 = 0x6B65_7973;

/// The keys of one client.
#[derive(Clone, Debug)]
pub struct Keys {
    random: Random,
}

impl Keys {
    /// The keys of a client under a seed.
    #[must_use]
    pub fn new(seed: u64, client: u64) -> Self {
        Keys { random: Random::new(seed.wrapping_add(KEYS_ROLE), client) }
    }

    /// The next key.
    #[must_use]
    pub fn mint(&mut self) -> HeaderValue {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let mut bits = [0; 10];
        bits[..8].copy_from_slice(&self.random.draw().to_le_bytes());
        bits[8..].copy_from_slice(&self.random.draw().to_le_bytes()[..2]);
        let key = uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid();
        let mut buffer = uuid::Uuid::encode_buffer();
        // Hexadecimal digits and hyphens are always a header value.
        HeaderValue::from_str(key.hyphenated().encode_lower(&mut buffer))
            .unwrap_or(HeaderValue::from_static("key"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_version_7_and_all_differ() {
        let mut keys = Keys::new(1, 2);
        let made: std::collections::BTreeSet<String> =
            (0..1_000).map(|_| keys.mint().to_str().unwrap().to_owned()).collect();
        assert_eq!(made.len(), 1_000);
        assert!(made.iter().all(|key| uuid::Uuid::parse_str(key).unwrap().get_version_num() == 7));
    }
}
