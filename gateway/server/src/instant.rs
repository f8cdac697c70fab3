//! Instants as the API writes and reads them: RFC 3339 in UTC, to the millisecond.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tessera_inventory::Timestamp;

use crate::openapi::schema;

schema::schemas! {
    Rfc3339, "Instant" => schema::instant("RFC 3339; replies are in UTC, to the millisecond.");
}

/// Shows a logged time as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfc3339(pub Timestamp);

impl Rfc3339 {
    /// As a time of the library.
    pub(crate) fn instant(self) -> jiff::Timestamp {
        i64::try_from(self.0.0)
            .ok()
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
            .unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.instant().fmt(f)
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        parse(&text).map(Rfc3339).ok_or_else(|| {
            serde::de::Error::invalid_value(
                serde::de::Unexpected::Str(&text),
                &"an RFC 3339 instant of 1970 or later, such as 2027-01-01T10:00:00Z",
            )
        })
    }
}

/// Reads an RFC 3339 instant of 1970 or later.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(instant.as_millisecond()).ok().map(Timestamp)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_back_as_written() {
        for text in ["2027-01-01T10:00:00Z", "1970-01-01T00:00:00Z", "2026-11-20T23:59:59.123Z"] {
            assert_eq!(Rfc3339(parse(text).unwrap()).to_string(), text);
        }
        assert_eq!(parse("2027-01-01T12:00:00+02:00"), parse("2027-01-01T10:00:00Z"));
        for text in ["", "yesterday", "2027-01-01", "2027-13-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
