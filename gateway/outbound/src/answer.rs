//! What was answered.

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap};
use tessera_inventory::Timestamp;

/// Status and headers of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status and headers.
    pub head: Head,
    /// The body, to its end.
    pub body: Bytes,
}

impl Head {
    /// A header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Until when whoever answered asks to be left alone (`Retry-After`): after so many seconds, or at a time. Only an answer that says to come
    /// later asks for that: 429 and 503.
    #[must_use]
    pub fn not_before(&self, now: Timestamp) -> Option<Timestamp> {
        if ![StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&self.status) {
            return None;
        }
        let text = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(now.plus_ms(seconds.saturating_mul(1_000)));
        }
        let at = httpdate::parse_http_date(text).ok()?;
        let since = at.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
        Some(Timestamp(u64::try_from(since.as_millis()).ok()?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_asks_to_be_left_alone_in_seconds_or_until_a_time() {
        let now = Timestamp(1_000_000);
        let asked = |status: StatusCode, text: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
            Head { status, headers }.not_before(now).map(|at| at.0)
        };
        let busy = StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(asked(busy, "120"), Some(1_120_000));
        assert_eq!(asked(StatusCode::SERVICE_UNAVAILABLE, "0"), Some(1_000_000));
        assert_eq!(asked(busy, "Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(asked(busy, "99999999999999999999"), None);
        assert_eq!(asked(busy, "soon"), None);
        assert_eq!(
            asked(StatusCode::INTERNAL_SERVER_ERROR, "120"),
            None,
            "it has failed, and asks for nothing"
        );
    }
}
