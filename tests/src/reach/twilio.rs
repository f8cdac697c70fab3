//! Twilio's API of messages (<https://www.twilio.com/docs/messaging/api/message-resource>, <https://www.twilio.com/docs/api/errors>).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Peer;
use crate::provider::{Asked, Replied};

/// Longest text of a message, in characters.
const CHARACTERS_MAX: usize = 1_600;

/// One account.
pub struct TwilioBooks {
    account: String,
    authorization: String,
    messages: Vec<TwilioMessage>,
    /// What is wrong with numbers.
    wrong: BTreeMap<String, u64>,
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwilioMessage {
    /// To which number.
    pub to: String,
    /// From which.
    pub from: String,
    /// What it says.
    pub body: String,
    /// When it was made, in RFC 2822.
    pub date_created: String,
}

impl TwilioBooks {
    /// An account with this token.
    #[must_use]
    pub fn new(account: &str, token: &str) -> TwilioBooks {
        TwilioBooks {
            account: account.to_owned(),
            authorization: format!("Basic {}", STANDARD.encode(format!("{account}:{token}"))),
            messages: Vec::new(),
            wrong: BTreeMap::new(),
        }
    }

    /// Messages to this number are refused with this code.
    pub fn refuse(&mut self, number: &str, code: u64) {
        self.wrong.insert(number.to_owned(), code);
    }

    fn take(&mut self, asked: &Asked) -> Replied {
        let form = asked.form();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let (to, from, body) = (field("To"), field("From"), field("Body"));
        if let Some(code) = self.wrong.get(&to) {
            return refused(400, *code, "The number cannot be written to");
        }
        if !to.starts_with('+') {
            return refused(400, 21_211, "The 'To' number is not a valid phone number.");
        }
        if body.is_empty() || body.chars().count() > CHARACTERS_MAX {
            return refused(400, 21_617, "The message body has 1 to 1600 characters.");
        }
        let date_created =
            jiff::fmt::rfc2822::to_string(&jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC));
        let message = TwilioMessage { to, from, body, date_created: date_created.unwrap() };
        self.messages.push(message.clone());
        Replied::json(201, shown(&message))
    }

    fn list(&self, asked: &Asked) -> Replied {
        let of = |message: &&TwilioMessage| asked.query.get("To").is_none_or(|to| *to == message.to);
        let messages: Vec<Value> = self.messages.iter().rev().filter(of).map(shown).collect();
        Replied::json(200, json!({"messages": messages, "page": 0, "next_page_uri": null}))
    }
}

impl Peer for TwilioBooks {
    type Taken = TwilioMessage;

    fn answer(&mut self, asked: &Asked) -> Replied {
        if asked.header("authorization") != Some(&self.authorization) {
            return refused(401, 20_003, "Authenticate");
        }
        match asked.parts()[..] {
            ["POST", "2010-04-01", "Accounts", account, "Messages.json"] if account == self.account => {
                self.take(asked)
            }
            ["GET", "2010-04-01", "Accounts", account, "Messages.json"] if account == self.account => {
                self.list(asked)
            }
            _ => refused(404, 20_404, "The requested resource was not found"),
        }
    }

    fn taken(&self) -> &[TwilioMessage] {
        &self.messages
    }
}

fn shown(message: &TwilioMessage) -> Value {
    let TwilioMessage { to, from, body, date_created } = message;
    json!({"to": to, "from": from, "body": body, "date_created": date_created, "status": "queued", "error_code": null,
        "direction": "outbound-api"})
}

fn refused(status: u16, code: u64, message: &str) -> Replied {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    Replied::json(status, json!({"code": code, "message": message, "more_info": more, "status": status}))
}
