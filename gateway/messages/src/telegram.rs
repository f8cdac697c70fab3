//! Messages of a bot in Telegram (<https://core.telegram.org/bots/api>).

use std::fmt;

use serde_json::{Value, json};
use tessera_inventory::Timestamp;
use tessera_outbound::{Answer, Client, Method};
use tokio::sync::OnceCell;

use crate::delivery::Delivery;
use crate::holds::Holds;
use crate::http::{after_seconds, ask, busy_account, cut, json, reason};

/// Longest text that Telegram takes, in characters.
pub const TELEGRAM_CHARACTERS_MAX: usize = 4_096;
/// How long a chat is left alone after a message, in milliseconds: Telegram takes one a second.
const CHAT_EVERY_MS: u64 = 1_000;
/// What Telegram says of a chat that is gone.
const DEAD_CHATS: [&str; 3] = ["chat not found", "user is deactivated", "bot was blocked"];

/// A bot.
#[derive(Clone, PartialEq, Eq)]
pub struct TelegramOptions {
    /// Where the API of bots is, without a path.
    pub url: String,
    /// The token of the bot.
    pub token: String,
    /// Where Telegram tells what people write to the bot: who knows the URL is Telegram.
    pub updates_url: String,
}

impl fmt::Debug for TelegramOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramOptions").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Sends messages of a bot.
pub struct Telegram {
    client: Client,
    options: TelegramOptions,
    /// The name of the bot, once Telegram knows where to tell what people write to it.
    name: OnceCell<String>,
    holds: Holds,
}

impl fmt::Debug for Telegram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telegram").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Telegram {
    /// By this bot. Nothing is asked yet.
    #[must_use]
    pub fn new(options: TelegramOptions) -> Telegram {
        Telegram { client: Client::new(true), options, name: OnceCell::new(), holds: Holds::default() }
    }

    /// One attempt.
    pub async fn send(&self, chat: &str, text: &str, now: Timestamp) -> Delivery {
        if let Err(until) = self.holds.take(chat, now.plus_ms(CHAT_EVERY_MS), now) {
            let reason = "its chat is left alone for a moment".to_owned();
            return Delivery::Busy { reason, until, is_account: false };
        }
        let body = json!({
            "chat_id": chat,
            "text": cut(text, TELEGRAM_CHARACTERS_MAX),
            "link_preview_options": {"is_disabled": true},
        });
        match self.call("sendMessage", &body).await {
            Ok(answer) => judge(&answer, now),
            Err(reason) => Delivery::account(reason),
        }
    }

    /// The name of the bot, under which people find it. Telegram has been told where to tell what they write to it.
    ///
    /// # Errors
    /// Why it could not be asked.
    pub async fn name(&self) -> Result<&str, String> {
        let name = self.name.get_or_try_init(|| async {
            let told = json!({"url": self.options.updates_url, "allowed_updates": ["message"]});
            self.done("setWebhook", &told).await?;
            let me = self.done("getMe", &json!({})).await?;
            let name = me["username"].as_str().map(str::to_owned);
            name.ok_or_else(|| "the bot has no name".to_owned())
        });
        name.await.map(String::as_str)
    }

    async fn done(&self, method: &str, body: &Value) -> Result<Value, String> {
        let answer = self.call(method, body).await?;
        let said = json(&answer);
        let status = answer.head.status.as_u16();
        match &said["result"] {
            result if said["ok"] == Value::Bool(true) => Ok(result.clone()),
            _ => Err(reason(status, None, said["description"].as_str())),
        }
    }

    async fn call(&self, method: &str, body: &Value) -> Result<Answer, String> {
        let url = format!("{}/bot{}/{method}", self.options.url, self.options.token);
        let headers = [("content-type", "application/json")];
        let answer = ask(&self.client, Method::POST, &url, &headers, body.to_string().into_bytes()).await;
        answer.map_err(|error| error.to_string())
    }
}

/// What an answer says of the message.
fn judge(answer: &Answer, now: Timestamp) -> Delivery {
    let (status, said) = (answer.head.status.as_u16(), json(answer));
    let words = said["description"].as_str().unwrap_or_default();
    let reason = reason(status, None, Some(words));
    match status {
        200..=299 => Delivery::Taken,
        403 => Delivery::dead(reason),
        400 if DEAD_CHATS.iter().any(|dead| words.contains(dead)) => Delivery::dead(reason),
        400 => Delivery::refused(reason),
        429 => {
            let asked = said["parameters"]["retry_after"].as_f64();
            busy_account(reason, asked.and_then(|seconds| after_seconds(seconds, now)))
        }
        _ => Delivery::account(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{answer, name};

    #[test]
    fn what_telegram_says_is_of_the_message_the_chat_or_the_bot() {
        let now = Timestamp(1_000);
        let check = |status: u16, words: &str, expected: &str| {
            let said = json!({"ok": status == 200, "error_code": status, "description": words});
            assert_eq!(name(&judge(&answer(status, &[], &said), now)), expected, "{said}");
        };
        check(200, "", "taken");
        check(403, "Forbidden: bot was blocked by the user", "dead");
        check(400, "Bad Request: chat not found", "dead");
        check(400, "Bad Request: message text is empty", "refused");
        check(401, "Unauthorized", "account");
        check(404, "Not Found", "account");
        check(502, "Bad Gateway", "account");
        check(429, "Too Many Requests", "account");
        let said = json!({"ok": false, "description": "Too Many Requests", "parameters": {"retry_after": 8}});
        let Delivery::Busy { until, is_account, .. } = judge(&answer(429, &[], &said), now) else {
            panic!("it says when")
        };
        assert_eq!((until, is_account), (now.plus_ms(8_000), true));
    }
}
