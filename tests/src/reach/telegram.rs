//! Telegram's API of bots (<https://core.telegram.org/bots/api>).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Peer;
use crate::provider::{Asked, Replied};

/// One bot, and its chats.
pub struct TelegramBooks {
    token: String,
    chats: BTreeSet<String>,
    blocked: BTreeSet<String>,
    /// Where updates are told.
    hook: Option<String>,
    messages: Vec<(String, String)>,
}

impl TelegramBooks {
    /// The bot of this token.
    #[must_use]
    pub fn new(token: &str) -> TelegramBooks {
        TelegramBooks {
            token: token.to_owned(),
            chats: BTreeSet::new(),
            blocked: BTreeSet::new(),
            hook: None,
            messages: Vec::new(),
        }
    }

    /// Where updates are told.
    #[must_use]
    pub fn hook(&self) -> Option<&str> {
        self.hook.as_deref()
    }

    /// Somebody writes to the bot: the update that Telegram tells.
    pub fn write(&mut self, chat: i64, text: &str) -> Value {
        self.chats.insert(chat.to_string());
        json!({"update_id": 1, "message": {"message_id": 1, "date": 1_700_000_000, "text": text,
            "from": {"id": chat, "is_bot": false, "first_name": "Ada", "language_code": "de"},
            "chat": {"id": chat, "type": "private", "first_name": "Ada"}}})
    }

    /// Somebody blocks the bot.
    pub fn block(&mut self, chat: i64) {
        self.blocked.insert(chat.to_string());
    }

    fn send(&mut self, asked: &Asked) -> Replied {
        let body = asked.json();
        let chat = match &body["chat_id"] {
            Value::String(chat) => chat.clone(),
            other => other.to_string(),
        };
        let text = body["text"].as_str().unwrap_or_default().to_owned();
        if self.blocked.contains(&chat) {
            return wrong(403, "Forbidden: bot was blocked by the user");
        }
        if !self.chats.contains(&chat) {
            return wrong(400, "Bad Request: chat not found");
        }
        if text.is_empty() || text.chars().count() > 4_096 {
            return wrong(400, "Bad Request: message is too long");
        }
        self.messages.push((chat, text));
        done(json!({"message_id": self.messages.len()}))
    }
}

impl Peer for TelegramBooks {
    /// The chat, and what it says.
    type Taken = (String, String);

    fn answer(&mut self, asked: &Asked) -> Replied {
        let (bot, parts) = (format!("bot{}", self.token), asked.parts());
        match parts[..] {
            [_, token, _] if token != bot => wrong(401, "Unauthorized"),
            [_, _, "getMe"] => done(json!({"id": 1, "is_bot": true, "username": "tickets_bot"})),
            [_, _, "setWebhook"] => {
                self.hook = asked.json()["url"].as_str().map(str::to_owned);
                done(json!(true))
            }
            ["POST", _, "sendMessage"] => self.send(asked),
            _ => wrong(404, "Not Found"),
        }
    }

    fn taken(&self) -> &[(String, String)] {
        &self.messages
    }
}

#[allow(clippy::needless_pass_by_value)] // made for it
fn done(result: Value) -> Replied {
    Replied::json(200, json!({"ok": true, "result": result}))
}

fn wrong(status: u16, description: &str) -> Replied {
    Replied::json(status, json!({"ok": false, "error_code": status, "description": description}))
}
