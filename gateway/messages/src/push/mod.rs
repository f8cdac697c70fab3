//! Notifications of browsers, through their push services (RFC 8030): encrypted for the browser, signed for the service.

mod encryption;
mod vapid;

use std::fmt;
use std::sync::Arc;

use serde_json::json;
use tessera_inventory::Timestamp;
use tessera_outbound::{Answer, Client};

pub use encryption::{PLAIN_BYTES_MAX, PushKeyError, is_point};
pub use vapid::Vapid;

use crate::delivery::Delivery;
use crate::holds::Holds;
use crate::http::{TOPIC, ask_stranger, reason};

/// How long a push service that fails, or does not say how long it is busy, is left alone, in milliseconds.
const FAILED_MS: u64 = 30_000;
/// Shortest part of a text that is left when a notification is too long: less is not worth a try.
const TEXT_STEP_BYTES: usize = 64;

/// Where a browser takes messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Browser {
    /// The URL of its push service.
    pub endpoint: String,
    /// Its public key: a point of P-256, uncompressed.
    pub key: [u8; 65],
    /// The secret that only it and we know.
    pub secret: [u8; 16],
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}

/// How urgent a notification is to a phone that saves power (RFC 8030, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// On power or on a network that costs nothing.
    Low,
    /// On battery, while it is used.
    Normal,
    /// At once.
    High,
}

/// A notification on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its name: a service that has not delivered it replaces it by another of this name, and so does a browser that shows it.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it says.
    pub text: String,
    /// The kind of message.
    pub kind: &'static str,
    /// The identifier of the event.
    pub event: String,
    /// How long the service keeps it for a browser that is away, in seconds.
    pub keep_s: u64,
    /// How urgent it is.
    pub urgency: Urgency,
}

/// Sends to push services. Their addresses are given by browsers, and judged where they are connected to.
pub struct Push {
    client: Client,
    vapid: Arc<Vapid>,
    holds: Holds,
}

impl Push {
    /// `private_targets`: whether push services may have addresses that are not public.
    #[must_use]
    pub fn new(vapid: Arc<Vapid>, private_targets: bool) -> Push {
        Push { client: Client::new(private_targets), vapid, holds: Holds::default() }
    }

    /// One attempt. A service that is busy or fails holds up nobody but those who use it.
    pub async fn send(&self, browser: &Browser, notification: &Notification, now: Timestamp) -> Delivery {
        let origin = origin(&browser.endpoint);
        if let Some(until) = self.holds.until(origin, now) {
            let reason = "its push service is left alone for a moment".to_owned();
            return Delivery::Busy { reason, until, is_account: false };
        }
        let Ok(body) = encryption::seal(browser, &payload(notification)) else {
            let reason = "its browser has no key that a message could be encrypted for".to_owned();
            return Delivery::Untried { reason, is_address_dead: true };
        };
        let Ok(authorization) = self.vapid.authorization(origin, now) else {
            return Delivery::failed("the message could not be signed".to_owned());
        };
        let keep_s = notification.keep_s.to_string();
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-encoding", "aes128gcm"),
            ("content-type", "application/octet-stream"),
            ("ttl", keep_s.as_str()),
            ("urgency", notification.urgency.name()),
            (TOPIC, notification.name.as_str()),
        ];
        let held = (&self.holds, origin, now);
        match ask_stranger(&self.client, held, &browser.endpoint, &headers, body).await {
            Ok(answer) => {
                let (delivery, held) = judge(&answer, now);
                if let Some(until) = held {
                    self.holds.hold(origin, until, now);
                }
                delivery
            }
            Err(error) => {
                self.holds.hold(origin, now.plus_ms(FAILED_MS), now);
                Delivery::failed(error.to_string())
            }
        }
    }
}

impl Urgency {
    const fn name(self) -> &'static str {
        match self {
            Urgency::Low => "low",
            Urgency::Normal => "normal",
            Urgency::High => "high",
        }
    }
}

/// What the browser gets: JSON, as long as one record holds. A text that is too long is cut.
fn payload(notification: &Notification) -> Vec<u8> {
    let Notification { name, title, text, kind, event, .. } = notification;
    let mut end = text.len();
    loop {
        let shown = text.get(..end).unwrap_or_default();
        let shown = if end < text.len() { format!("{shown}…") } else { shown.to_owned() };
        let whole = json!({"title": title, "body": shown, "kind": kind, "event": event, "tag": name});
        let whole = whole.to_string().into_bytes();
        if whole.len() <= PLAIN_BYTES_MAX || end == 0 {
            return whole;
        }
        end = end.saturating_sub(TEXT_STEP_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
    }
}

/// What an answer says of the message, and until when its service is left alone.
fn judge(answer: &Answer, now: Timestamp) -> (Delivery, Option<Timestamp>) {
    let status = answer.head.status.as_u16();
    let reason = reason(status, None, None);
    match status {
        200..=299 => (Delivery::Taken, None),
        404 | 410 => (Delivery::dead(reason), None),
        429 | 503 => {
            let until = answer.head.not_before(now).unwrap_or(now.plus_ms(FAILED_MS));
            (Delivery::Busy { reason, until, is_account: false }, Some(until))
        }
        400..=499 => (Delivery::refused(reason), None),
        _ => (Delivery::failed(reason), Some(now.plus_ms(FAILED_MS))),
    }
}

/// Scheme, host and port of a URL, as they stand there.
fn origin(url: &str) -> &str {
    let rest = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(rest..).and_then(|rest| rest.find(['/', '?']));
    end.and_then(|end| url.get(..rest + end)).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::examples::{answer, name};

    fn notification(text: &str) -> Notification {
        Notification {
            name: "0123".to_owned(),
            title: "Doors".to_owned(),
            text: text.to_owned(),
            kind: "emergency",
            event: "evt_1".to_owned(),
            keep_s: 60,
            urgency: Urgency::High,
        }
    }

    #[test]
    fn what_a_push_service_says_is_of_the_browser_or_the_service() {
        let now = Timestamp(1_000);
        let check = |status: u16, headers: &[(&str, &str)], expected: (&str, Option<u64>)| {
            let (delivery, held) = judge(&answer(status, headers, &Value::Null), now);
            assert_eq!((name(&delivery), held.map(|until| until.0 - now.0)), expected, "{status}");
        };
        check(201, &[], ("taken", None));
        check(404, &[], ("dead", None));
        check(410, &[], ("dead", None));
        check(413, &[], ("refused", None));
        check(429, &[("retry-after", "9")], ("busy", Some(9_000)));
        check(429, &[], ("busy", Some(FAILED_MS)));
        check(500, &[], ("failed", Some(FAILED_MS)));
    }

    #[test]
    fn an_origin_ends_before_the_path() {
        let check = |url, expected| assert_eq!(origin(url), expected);
        check("https://push.example/a/b", "https://push.example");
        check("https://push.example:8443?a", "https://push.example:8443");
        check("http://127.0.0.1:1", "http://127.0.0.1:1");
    }

    #[test]
    fn a_text_that_is_too_long_for_one_record_is_cut_at_a_letter() {
        let short: Value = serde_json::from_slice(&payload(&notification("At seven."))).unwrap();
        let all = json!({"title": "Doors", "body": "At seven.", "kind": "emergency", "event": "evt_1", "tag": "0123"});
        assert_eq!(short, all);
        let long = payload(&notification(&"ü\n".repeat(3_000)));
        assert!((PLAIN_BYTES_MAX - 200..=PLAIN_BYTES_MAX).contains(&long.len()), "{}", long.len());
        let long: Value = serde_json::from_slice(&long).unwrap();
        assert!(long["body"].as_str().unwrap().ends_with('…'));
    }
}
