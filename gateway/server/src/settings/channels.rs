//! Settings of the channels of short texts.

use serde::Deserialize;

use super::messages::PER_SECOND_MAX;
use super::{Secret, SettingsError};

/// Where Twilio's API is.
const TWILIO_URL: &str = "https://api.twilio.com";
/// Where the API of Telegram's bots is.
const TELEGRAM_URL: &str = "https://api.telegram.org";

/// The account by which SMS go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TwilioSettings {
    /// The account, `AC…`; empty: there are no SMS.
    pub account: String,
    /// Its token.
    pub token: Option<Secret>,
    /// From which number SMS come, or the messaging service, `MG…`.
    pub from: String,
    /// Where its API is, as a URL without a path.
    pub url: String,
    /// Most messages a second.
    pub per_second: u32,
}

/// The bot in Telegram.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelegramSettings {
    /// Its token; none: there is no bot.
    pub token: Option<Secret>,
    /// Where the API of bots is, as a URL without a path.
    pub url: String,
    /// Most messages a second.
    pub per_second: u32,
}

/// Notifications of browsers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushSettings {
    /// How push services reach whoever operates this server, `mailto:` or `https:`; empty: browsers are not notified.
    pub contact: String,
    /// Most messages a second.
    pub per_second: u32,
}

/// Channels of organizers in Discord.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiscordSettings {
    /// Whether what everybody is told is said there.
    pub enabled: bool,
    /// Most messages a second.
    pub per_second: u32,
}

impl Default for TwilioSettings {
    fn default() -> Self {
        let (account, from) = (String::new(), String::new());
        TwilioSettings { account, token: None, from, url: TWILIO_URL.to_owned(), per_second: 1 }
    }
}

impl Default for TelegramSettings {
    fn default() -> Self {
        TelegramSettings { token: None, url: TELEGRAM_URL.to_owned(), per_second: 25 }
    }
}

impl Default for PushSettings {
    fn default() -> Self {
        PushSettings { contact: String::new(), per_second: 100 }
    }
}

impl Default for DiscordSettings {
    fn default() -> Self {
        DiscordSettings { enabled: false, per_second: 20 }
    }
}

impl TwilioSettings {
    /// # Errors
    /// [`SettingsError::Value`] for what cannot be.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let TwilioSettings { account, token, from, url, per_second } = self;
        rate("messages.twilio.per_second", *per_second)?;
        base("messages.twilio.url", url)?;
        if !account.is_empty() && (token.is_none() || from.is_empty()) {
            let name = "messages.twilio.token or messages.twilio.from";
            return Err(SettingsError::Value { name, value: String::new(), wanted: "what `account` needs" });
        }
        Ok(())
    }
}

impl TelegramSettings {
    /// # Errors
    /// [`SettingsError::Value`] for what cannot be.
    pub(super) fn check(&self, public_url: &str) -> Result<(), SettingsError> {
        rate("messages.telegram.per_second", self.per_second)?;
        base("messages.telegram.url", &self.url)?;
        // Telegram tells what people write to the bot by HTTPS alone.
        if self.token.is_some() && !public_url.starts_with("https://") {
            let (name, value) = ("messages.public_url", public_url.to_owned());
            let wanted =
                "where Telegram reaches this server, https://…, since messages.telegram.token is set";
            return Err(SettingsError::Value { name, value, wanted });
        }
        Ok(())
    }
}

impl PushSettings {
    /// # Errors
    /// [`SettingsError::Value`] for what cannot be.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        rate("messages.push.per_second", self.per_second)?;
        let is_url = ["mailto:", "https://"].iter().any(|scheme| self.contact.starts_with(scheme));
        if !self.contact.is_empty() && !is_url {
            let (name, value) = ("messages.push.contact", self.contact.clone());
            return Err(SettingsError::Value { name, value, wanted: "empty, mailto: or https://" });
        }
        Ok(())
    }
}

impl DiscordSettings {
    /// # Errors
    /// [`SettingsError::Value`] for what cannot be.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        rate("messages.discord.per_second", self.per_second)
    }
}

fn rate(name: &'static str, per_second: u32) -> Result<(), SettingsError> {
    if (1..=PER_SECOND_MAX).contains(&per_second) {
        return Ok(());
    }
    Err(SettingsError::Value { name, value: per_second.to_string(), wanted: "1 to 10000" })
}

fn base(name: &'static str, url: &str) -> Result<(), SettingsError> {
    if super::messages::is_base(url) {
        return Ok(());
    }
    Err(SettingsError::Value { name, value: url.to_owned(), wanted: "https:// and a host, without a path" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        let twilio = TwilioSettings::default();
        assert!(twilio.check().is_ok());
        assert!(TwilioSettings { account: "AC1".to_owned(), ..twilio.clone() }.check().is_err());
        assert!(TwilioSettings { url: "https://a/b".to_owned(), ..twilio.clone() }.check().is_err());
        assert!(TwilioSettings { per_second: 0, ..twilio }.check().is_err());
        let telegram =
            TelegramSettings { token: Some("1:a".to_owned().into()), ..TelegramSettings::default() };
        assert!(telegram.check("").is_err() && telegram.check("http://a").is_err());
        assert!(telegram.check("https://a").is_ok());
        let push = |contact: &str| PushSettings { contact: contact.to_owned(), ..PushSettings::default() };
        assert!(push("ada@example.com").check().is_err() && push("mailto:ada@example.com").check().is_ok());
        assert!(DiscordSettings { enabled: true, per_second: 10_001 }.check().is_err());
    }
}
