//! SMS, through Twilio's API of messages (<https://www.twilio.com/docs/messaging/api/message-resource>).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::fmt::rfc2822::DateTimeParser;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tessera_inventory::Timestamp;
use tessera_outbound::{Answer, Client, Method};

use crate::delivery::Delivery;
use crate::http::{ask, busy_account, cut, json, reason};

/// Longest text that is sent, in characters: ten parts of one message at most.
pub const SMS_CHARACTERS_MAX: usize = 640;
/// Messages to one number that are looked through for one whose answer was lost.
const LOOKED_AT: usize = 20;
/// How much earlier than we began to say it Twilio may have made it, in milliseconds: its clock is not ours.
const CLOCKS_DIFFER_MS: u64 = 60_000;
/// The number cannot be written to: no number, not of a mobile, or its owner has said STOP.
const DEAD_NUMBERS: [u64; 4] = [21_211, 21_217, 21_610, 21_614];
/// States of a message that was not sent and never will be.
const LOST: [&str; 3] = ["failed", "undelivered", "canceled"];
/// Fewest digits of what is taken for the number of a phone; codes of Twilio have five.
const PHONE_DIGITS_MIN: usize = 7;
/// Begins the identity of a messaging service, which may stand for a number.
const SERVICE: &str = "MG";

/// An account with Twilio.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsOptions {
    /// Where its API is, without a path.
    pub url: String,
    /// The account.
    pub account: String,
    /// Its token.
    pub token: String,
    /// From which number, or through which messaging service, messages go.
    pub from: String,
}

impl fmt::Debug for SmsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsOptions").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Sends SMS.
pub struct Sms {
    client: Client,
    url: String,
    from: String,
    authorization: String,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortText {
    /// A number in the international form.
    pub to: String,
    /// What it says.
    pub text: String,
    /// When it began to be said.
    pub since: Timestamp,
    /// Whether it may have been tried before: then it may have been taken, and the answer lost.
    pub is_again: bool,
}

impl Sms {
    /// By this account.
    #[must_use]
    pub fn new(options: &SmsOptions) -> Sms {
        let credentials = STANDARD.encode(format!("{}:{}", options.account, options.token));
        let account = utf8_percent_encode(&options.account, NON_ALPHANUMERIC);
        Sms {
            client: Client::new(true),
            url: format!("{}/2010-04-01/Accounts/{account}/Messages.json", options.url),
            from: options.from.clone(),
            authorization: format!("Basic {credentials}"),
        }
    }

    /// One attempt. Twilio has no keys of requests: one that may have been taken before is looked for first.
    pub async fn send(&self, message: &ShortText, now: Timestamp) -> Delivery {
        let text = cut(&message.text, SMS_CHARACTERS_MAX);
        if message.is_again {
            match self.is_known(message, &text, now).await {
                Ok(true) => return Delivery::Taken,
                Ok(false) => {}
                Err(delivery) => return delivery,
            }
        }
        let sender = if self.from.starts_with(SERVICE) { "MessagingServiceSid" } else { "From" };
        let form = form(&[("To", &message.to), (sender, &self.from), ("Body", &text)]);
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        match ask(&self.client, Method::POST, &self.url, &headers, form.into_bytes()).await {
            Ok(answer) => judge(&answer, now),
            Err(error) => Delivery::account(error.to_string()),
        }
    }

    /// Whether there is a message of this text to this number that was made since.
    async fn is_known(&self, message: &ShortText, text: &str, now: Timestamp) -> Result<bool, Delivery> {
        let query = form(&[("To", &message.to), ("PageSize", &LOOKED_AT.to_string())]);
        let url = format!("{}?{query}", self.url);
        let headers = [("authorization", self.authorization.as_str())];
        let answer = ask(&self.client, Method::GET, &url, &headers, Vec::new()).await;
        let answer = answer.map_err(|error| Delivery::account(error.to_string()))?;
        if !answer.head.status.is_success() {
            return Err(judge(&answer, now));
        }
        let listed = json(&answer);
        let messages = listed["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(messages.iter().any(|known| is_this(known, text, message.since)))
    }
}

/// Whether a message of Twilio's list is the one that began to be said then.
fn is_this(known: &Value, text: &str, since: Timestamp) -> bool {
    let made =
        known["date_created"].as_str().and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let made_ms = made.and_then(|made| u64::try_from(made.as_millisecond()).ok());
    let is_lost = known["status"].as_str().is_some_and(|status| LOST.contains(&status));
    // Twilio says when it was made in whole seconds.
    let is_since = made_ms.is_some_and(|made_ms| made_ms.saturating_add(CLOCKS_DIFFER_MS) >= since.0);
    is_since && !is_lost && known["body"].as_str() == Some(text)
}

/// What an answer says of the message. What is not of the message is of the account.
fn judge(answer: &Answer, now: Timestamp) -> Delivery {
    let (status, said) = (answer.head.status.as_u16(), json(answer));
    let code = said["code"].as_u64();
    // What went wrong is kept; whose number it was about can be erased, and stands nowhere else.
    let words = said["message"].as_str().map(without_numbers);
    let reason = reason(status, code, words.as_deref());
    match status {
        200..=299 => Delivery::Taken,
        400 if code.is_some_and(|code| DEAD_NUMBERS.contains(&code)) => Delivery::dead(reason),
        400 | 413 | 422 => Delivery::refused(reason),
        429 | 503 => busy_account(reason, answer.head.not_before(now)),
        _ => Delivery::account(reason),
    }
}

/// A text without the numbers of phones in it, however they are written.
fn without_numbers(words: &str) -> String {
    let is_of_number = |letter: char| letter.is_ascii_digit() || "+-(). ".contains(letter);
    let (mut out, mut rest) = (String::with_capacity(words.len()), words);
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit() || letter == '+') {
        let (before, from) = rest.split_at(at);
        let run = from.split(|letter: char| !is_of_number(letter)).next().unwrap_or_default();
        let run = run.trim_end_matches(|letter: char| !letter.is_ascii_digit() && letter != '+');
        let is_phone = run.chars().filter(char::is_ascii_digit).count() >= PHONE_DIGITS_MIN;
        out.push_str(before);
        out.push_str(if is_phone { "(a number)" } else { run });
        rest = &from[run.len()..];
    }
    out.push_str(rest);
    out
}

fn form(fields: &[(&str, &str)]) -> String {
    let field =
        |(name, text): &(&str, &str)| format!("{name}={}", utf8_percent_encode(text, NON_ALPHANUMERIC));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::examples::answer;

    #[test]
    fn what_twilio_says_is_of_the_message_the_number_or_the_account() {
        let now = Timestamp(1_000);
        let check = |status: u16, code: u64, expected: &str| {
            let found = judge(&answer(status, &[], &json!({"code": code, "message": "no"})), now);
            assert_eq!(crate::examples::name(&found), expected, "{status} {code}");
        };
        check(201, 0, "taken");
        check(400, 21_211, "dead");
        check(400, 21_610, "dead");
        check(400, 21_614, "dead");
        check(400, 21_408, "refused");
        check(401, 20_003, "account");
        check(404, 20_404, "account");
        check(429, 20_429, "account");
        check(500, 20_500, "account");
        let asked = judge(&answer(429, &[("retry-after", "2")], &json!({"code": 20_429})), now);
        let until = now.plus_ms(2_000);
        assert_eq!(
            asked,
            Delivery::Busy { reason: "answered 429 20429".to_owned(), until, is_account: true }
        );
    }

    #[test]
    fn reasons_have_no_numbers_of_phones() {
        let check = |words: &str, expected: &str| assert_eq!(without_numbers(words), expected);
        check("The 'To' number +15005550001 is not valid.", "The 'To' number (a number) is not valid.");
        check("15005550001", "(a number)");
        check("To (500) 555-0001 1: no", "To ((a number): no");
        check("error 21211, part 3 of 10 + 2", "error 21211, part 3 of 10 + 2");
        check("ü +", "ü +");
        let said = json!({"code": 21_211, "message": "Invalid 'To' Phone Number: +4179123XXXX"});
        let found = judge(&answer(400, &[], &said), Timestamp(1));
        let reason = "answered 400 21211: Invalid 'To' Phone Number: (a number)XXXX".to_owned();
        assert_eq!(found, Delivery::Refused { reason, is_address_dead: true });
    }

    #[test]
    fn a_message_is_recognised_by_what_it_says_and_when_it_was_made() {
        let since = Timestamp(1_693_000_000_000); // 2023-08-25T21:46:40Z
        let check = |body: &str, date: &str, status: &str, expected: bool| {
            let known = json!({"body": body, "date_created": date, "status": status});
            assert_eq!(is_this(&known, "Hello", since), expected, "{known}");
        };
        check("Hello", "Fri, 25 Aug 2023 21:46:41 +0000", "sent", true);
        check("Hello", "Fri, 25 Aug 2023 21:46:40 +0000", "queued", true);
        check("Hello", "Fri, 25 Aug 2023 21:46:41 +0000", "failed", false);
        check("Hallo", "Fri, 25 Aug 2023 21:46:41 +0000", "sent", false);
        check("Hello", "Fri, 25 Aug 2023 21:40:00 +0000", "sent", false);
        check("Hello", "yesterday", "sent", false);
    }

    #[test]
    fn a_form_says_everything_in_letters_and_digits() {
        assert_eq!(form(&[("To", "+4179"), ("Body", "a b&ü")]), "To=%2B4179&Body=a%20b%26%C3%BC");
    }
}
