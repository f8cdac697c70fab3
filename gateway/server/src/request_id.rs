//! Request ids: taken over from the request when they are safe to repeat, otherwise made here.

use std::cell::Cell;

use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::web::Bytes;

use crate::limits::REQUEST_ID_BYTES_MAX;

/// The header, in requests and replies.
pub(crate) const HEADER: &str = "x-request-id";

/// Makes ids that no other worker or process makes: 64 random bits and a counter.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: u64,
    made: Cell<u64>,
}

impl RequestIds {
    /// A source with a random prefix of its own.
    pub(crate) fn new(random: u128) -> RequestIds {
        // The upper half of 128 random bits.
        RequestIds { prefix: u64::try_from(random >> 64).unwrap_or_default(), made: Cell::new(0) }
    }

    /// The id of a request.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(HEADER) {
            Some(given) if is_safe(given.as_bytes()) => given.clone(),
            _ => self.make(),
        }
    }

    fn make(&self) -> HeaderValue {
        let made = self.made.get();
        self.made.set(made.wrapping_add(1));
        let text = hex(self.prefix, made);
        HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&text))
            .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    }
}

fn hex(high: u64, low: u64) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bits = u128::from(high) << 64 | u128::from(low);
    let mut text = [0; 32];
    for (position, digit) in text.iter_mut().enumerate() {
        let nibble = (bits >> (124 - 4 * position)) & 0xf;
        *digit = DIGITS[usize::try_from(nibble).unwrap_or_default()];
    }
    text
}

fn is_safe(id: &[u8]) -> bool {
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    #[test]
    fn safe_ids_are_taken_over_and_others_are_made() {
        let ids = RequestIds::new(u128::MAX);
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(HEADER), HeaderValue::from_str(value).unwrap());
            ids.of(&headers).to_str().unwrap().to_owned()
        };
        assert_eq!(of("abc-123_x.y"), "abc-123_x.y");
        assert_eq!(of("<script>"), "ffffffffffffffff0000000000000000");
        assert_eq!(of(&"a".repeat(65)), "ffffffffffffffff0000000000000001");
    }
}
