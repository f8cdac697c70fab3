//! Webhooks of Discord (<https://discord.com/developers/docs/resources/webhook#execute-webhook>,
//! <https://discord.com/developers/docs/topics/rate-limits>).

use serde_json::json;

use super::Peer;
use crate::provider::{Asked, Replied};

/// One webhook.
pub struct DiscordBooks {
    token: String,
    messages: Vec<String>,
    is_gone: bool,
    /// What is left of the window after each message, and after how many seconds the window ends.
    window: (u32, String),
}

impl DiscordBooks {
    /// A webhook with this token.
    #[must_use]
    pub fn new(token: &str) -> DiscordBooks {
        let window = (4, "1.5".to_owned());
        DiscordBooks { token: token.to_owned(), messages: Vec::new(), is_gone: false, window }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/api/webhooks/123/{}", self.token)
    }

    /// So much is left of the window after each message; it ends after so many seconds.
    pub fn window(&mut self, left: u32, ends_after: &str) {
        self.window = (left, ends_after.to_owned());
    }

    /// Somebody removes it.
    pub fn remove(&mut self) {
        self.is_gone = true;
    }
}

impl Peer for DiscordBooks {
    type Taken = String;

    fn answer(&mut self, asked: &Asked) -> Replied {
        let is_known =
            matches!(asked.parts()[..], ["POST", "api", "webhooks", "123", token] if token == self.token);
        if !is_known || self.is_gone {
            return Replied::json(404, json!({"message": "Unknown Webhook", "code": 10_015}));
        }
        let body = asked.json();
        let content = body["content"].as_str().unwrap_or_default();
        if content.is_empty() || content.chars().count() > 2_000 {
            return Replied::json(400, json!({"message": "Invalid Form Body", "code": 50_035}));
        }
        if body["allowed_mentions"]["parse"] != json!([]) {
            return Replied::json(400, json!({"message": "It would call people", "code": 50_035}));
        }
        self.messages.push(content.to_owned());
        let headers = vec![
            ("x-ratelimit-limit", "5".to_owned()),
            ("x-ratelimit-remaining", self.window.0.to_string()),
            ("x-ratelimit-reset-after", self.window.1.clone()),
        ];
        let is_waited_for = asked.query.get("wait").map(String::as_str) == Some("true");
        let (status, body) =
            if is_waited_for { (200, json!({"id": "1"})) } else { (204, serde_json::Value::Null) };
        Replied { status, headers, body }
    }

    fn taken(&self) -> &[String] {
        &self.messages
    }
}
