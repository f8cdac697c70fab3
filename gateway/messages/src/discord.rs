//! Messages in a channel of Discord, through its webhook (<https://discord.com/developers/docs/resources/webhook#execute-webhook>).

use serde_json::{Value, json};
use tessera_inventory::Timestamp;
use tessera_outbound::{Answer, Client};

use crate::delivery::Delivery;
use crate::holds::Holds;
use crate::http::{after_seconds, ask_stranger, cut, json, reason};

/// Longest text that Discord takes, in characters.
pub const DISCORD_CHARACTERS_MAX: usize = 2_000;
/// How long a webhook that fails, or does not say how long it is busy, is left alone, in milliseconds.
const FAILED_MS: u64 = 30_000;
/// How many requests of the current window are left.
const REMAINING: &str = "x-ratelimit-remaining";
/// After how many seconds, of which there may be a fraction, the window ends.
const RESET_AFTER: &str = "x-ratelimit-reset-after";

/// Sends to webhooks. Their addresses are given by organizers, and judged where they are connected to.
pub struct Discord {
    client: Client,
    holds: Holds,
}

impl Discord {
    /// `private_targets`: whether webhooks may have addresses that are not public.
    #[must_use]
    pub fn new(private_targets: bool) -> Discord {
        Discord { client: Client::new(private_targets), holds: Holds::default() }
    }

    /// One attempt. A webhook that is busy or fails holds up nobody but itself.
    pub async fn send(&self, webhook: &str, text: &str, now: Timestamp) -> Delivery {
        if let Some(until) = self.holds.until(webhook, now) {
            let reason = "its webhook is left alone for a moment".to_owned();
            return Delivery::Busy { reason, until, is_account: false };
        }
        let separator = if webhook.contains('?') { '&' } else { '?' };
        let url = format!("{webhook}{separator}wait=true");
        // Whoever is named in it is not called.
        let body = json!({"content": cut(text, DISCORD_CHARACTERS_MAX), "allowed_mentions": {"parse": []}});
        let headers = [("content-type", "application/json")];
        let (held, body) = ((&self.holds, webhook, now), body.to_string().into_bytes());
        match ask_stranger(&self.client, held, &url, &headers, body).await {
            Ok(answer) => {
                let (delivery, held) = judge(&answer, now);
                if let Some(until) = held {
                    self.holds.hold(webhook, until, now);
                }
                delivery
            }
            Err(error) => {
                self.holds.hold(webhook, now.plus_ms(FAILED_MS), now);
                Delivery::failed(error.to_string())
            }
        }
    }
}

/// What an answer says of the message, and until when its webhook is left alone.
fn judge(answer: &Answer, now: Timestamp) -> (Delivery, Option<Timestamp>) {
    let (status, said) = (answer.head.status.as_u16(), json(answer));
    let reason = reason(status, said["code"].as_u64(), said["message"].as_str());
    match status {
        200..=299 => (Delivery::Taken, spent(answer, now)),
        // There is no such webhook any more, or its token is another.
        401 | 404 => (Delivery::dead(reason), None),
        429 => {
            let asked = said["retry_after"].as_f64().and_then(|seconds| after_seconds(seconds, now));
            let until = asked.or(answer.head.not_before(now)).unwrap_or(now.plus_ms(FAILED_MS));
            let is_account = said["global"] == Value::Bool(true);
            (Delivery::Busy { reason, until, is_account }, Some(until))
        }
        // Who stands before Discord, not Discord, says 403.
        400..=499 if status != 403 => (Delivery::refused(reason), spent(answer, now)),
        _ => (Delivery::failed(reason), Some(now.plus_ms(FAILED_MS))),
    }
}

/// When the next request may follow, where this was the last of its window.
fn spent(answer: &Answer, now: Timestamp) -> Option<Timestamp> {
    let remaining: u64 = answer.head.header(REMAINING)?.parse().ok()?;
    let seconds = answer.head.header(RESET_AFTER)?.parse().ok()?;
    if remaining == 0 { after_seconds(seconds, now) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{answer, name};

    #[test]
    fn what_discord_says_is_of_the_message_the_webhook_or_everything() {
        let now = Timestamp(1_000);
        let check = |status: u16, headers: &[(&str, &str)], body: Value, expected: (&str, Option<u64>)| {
            let (delivery, held) = judge(&answer(status, headers, &body), now);
            assert_eq!((name(&delivery), held.map(|until| until.0 - now.0)), expected, "{status} {body}");
        };
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "1.25")];
        let left = [("x-ratelimit-remaining", "4"), ("x-ratelimit-reset-after", "1.25")];
        check(200, &[], json!({"id": "1"}), ("taken", None));
        check(200, &spent, json!({"id": "1"}), ("taken", Some(1_250)));
        check(200, &left, json!({"id": "1"}), ("taken", None));
        check(404, &[], json!({"code": 10_015, "message": "Unknown Webhook"}), ("dead", None));
        check(401, &[], json!({"code": 50_027}), ("dead", None));
        check(403, &[], Value::Null, ("failed", Some(FAILED_MS)));
        check(400, &[], json!({"code": 50_006}), ("refused", None));
        check(429, &[], json!({"retry_after": 0.65, "global": false}), ("busy", Some(650)));
        check(429, &[], json!({"retry_after": 64.57, "global": true}), ("busy account", Some(64_570)));
        check(429, &[("retry-after", "7")], Value::Null, ("busy", Some(7_000)));
        check(429, &[], Value::Null, ("busy", Some(FAILED_MS)));
        check(502, &[], Value::Null, ("failed", Some(FAILED_MS)));
    }
}
