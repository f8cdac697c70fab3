//! What the channels that speak HTTP have in common.

use std::pin::pin;
use std::time::Duration;

use serde_json::Value;
use tessera_inventory::Timestamp;
use tessera_outbound::{Answer, Bytes, Client, Method, NoAnswer, Request};
use tokio::time::sleep;

use crate::delivery::Delivery;
use crate::holds::Holds;

/// Longest a request may take, from the look-up of the name to the answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// The same where a stranger named the address: of a browser, of a webhook.
const STRANGERS_DEADLINE: Duration = Duration::from_secs(4);
/// After so long without an answer nothing else is begun with a stranger's address until that request is over.
const STRANGERS_SLOW_AFTER: Duration = Duration::from_secs(1);
/// The header by which a message to a browser replaces another of its name (RFC 8030, section 5.4).
pub(crate) const TOPIC: &str = "topic";
/// Longest answer that is read, in bytes: a message with everything that the peer says of it, or a page of them.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of what a peer says that stand in a reason.
const SAID_BYTES_MAX: usize = 160;

/// Asks, and reads the answer to its end. Where a connection ends, a question is sent a second time, and a message that replaces another of its
/// name; any other that is lost goes again when its courier says so.
pub(crate) async fn ask(
    client: &Client,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answer, NoAnswer> {
    ask_within(DEADLINE, client, method, (url, headers), body).await
}

/// Posts to a URL that a stranger gave, as [`ask`] does, but not for as long. While it hangs, and until it has answered, `address` is left
/// alone: messages that come meanwhile do not hang with it.
pub(crate) async fn ask_stranger(
    client: &Client,
    (holds, address, now): (&Holds, &str, Timestamp),
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answer, NoAnswer> {
    let mut asked = pin!(ask_within(STRANGERS_DEADLINE, client, Method::POST, (url, headers), body));
    tokio::select! {
        answer = asked.as_mut() => return answer,
        () = sleep(STRANGERS_SLOW_AFTER) => {}
    }
    let over_ms = u64::try_from(STRANGERS_DEADLINE.as_millis()).unwrap_or(u64::MAX);
    let over_at = now.plus_ms(over_ms);
    holds.hold(address, over_at, now);
    let answer = asked.await;
    if answer.is_ok() {
        holds.release(address, over_at);
    }
    answer
}

async fn ask_within(
    deadline: Duration,
    client: &Client,
    method: Method,
    (url, headers): (&str, &[(&str, &str)]),
    body: Vec<u8>,
) -> Result<Answer, NoAnswer> {
    let may_repeat = method == Method::GET || headers.iter().any(|(name, _)| *name == TOPIC);
    let request = Request { method, url, headers, body: Bytes::from(body), may_repeat, deadline };
    client.ask(&request, ANSWER_BYTES_MAX).await
}

/// What a peer says that operators should read: its status, its code and its words, in one line.
pub(crate) fn reason(status: u16, code: Option<u64>, words: Option<&str>) -> String {
    let words = words.unwrap_or_default();
    let end = (0..=SAID_BYTES_MAX.min(words.len())).rev().find(|end| words.is_char_boundary(*end));
    let words = words[..end.unwrap_or(0)].split(char::is_control).collect::<Vec<_>>().join(" ");
    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
    let words = if words.is_empty() { words } else { format!(": {words}") };
    format!("answered {status}{code}{words}")
}

/// The body as JSON; null where it is none.
pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// A text as long as a peer takes, in characters; one that is cut says so.
pub(crate) fn cut(text: &str, characters_max: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= characters_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(characters_max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// So many seconds from now, of which there may be a fraction: rounded up to milliseconds.
pub(crate) fn after_seconds(seconds: f64, now: Timestamp) -> Option<Timestamp> {
    let span = Duration::try_from_secs_f64(seconds).ok()?;
    let ms = u64::try_from(span.as_nanos().div_ceil(1_000_000)).ok()?;
    Some(now.plus_ms(ms))
}

/// The account has asked to be left alone.
pub(crate) fn busy_account(reason: String, until: Option<Timestamp>) -> Delivery {
    match until {
        Some(until) => Delivery::Busy { reason, until, is_account: true },
        None => Delivery::account(reason),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn whoever_answers_slowly_is_left_alone_until_it_has_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (client, holds, now) = (Client::new(true), Holds::default(), Timestamp(1_000));
        let answers = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                request.push(stream.read_u8().await.unwrap());
            }
            while holds.until("a", now).is_none() {
                yield_now().await;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            stream
        };
        let asked = ask_stranger(&client, (&holds, "a", now), &url, &[], b"{}".to_vec());
        let (answer, _stream) = tokio::join!(asked, answers);
        assert!(answer.is_ok());
        assert_eq!(holds.until("a", now), None);
    }

    #[test]
    fn what_a_peer_says_is_one_short_line() {
        assert_eq!(reason(400, Some(21_211), Some("Invalid\nTo")), "answered 400 21211: Invalid To");
        assert_eq!(reason(502, None, None), "answered 502");
        let long = reason(400, None, Some(&"ä".repeat(200)));
        assert_eq!(long, format!("answered 400: {}", "ä".repeat(80)));
    }

    #[test]
    fn texts_are_cut_and_seconds_rounded_up() {
        assert_eq!(cut(" abc\n", 3), "abc");
        assert_eq!(cut("äöü+", 3), "äö…");
        let now = Timestamp(10);
        assert_eq!(after_seconds(0.6571, now), Some(Timestamp(668)));
        assert_eq!(after_seconds(3.0, now), Some(Timestamp(3_010)));
        assert_eq!(after_seconds(-1.0, now), None);
        assert_eq!(after_seconds(f64::NAN, now), None);
    }
}
