//! Settings of messages to people.

use serde::Deserialize;

use super::channels::{DiscordSettings, PushSettings, TelegramSettings, TwilioSettings};
use super::{Secret, SettingsError};

/// Hours in a year: no reminder is earlier.
const REMINDER_H_MAX: u64 = 8_760;
/// Most messages a second that a relay may be said to take.
pub(super) const PER_SECOND_MAX: u32 = 10_000;

/// Messages to people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessageSettings {
    /// Whether people are told of what concerns them: in the inbox that the API has, and by the channels that are set.
    pub enabled: bool,
    /// How people reach this server, as a URL without a path; empty: messages have no link to opt out by.
    pub public_url: String,
    /// How many hours before the start of an event who has tickets is reminded; 0: never.
    pub reminder_h: u64,
    /// E-mail.
    pub smtp: SmtpSettings,
    /// SMS.
    pub twilio: TwilioSettings,
    /// Telegram.
    pub telegram: TelegramSettings,
    /// Notifications of browsers.
    pub push: PushSettings,
    /// Discord.
    pub discord: DiscordSettings,
}

/// The relay that e-mail goes to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpSettings {
    /// Its name or address; empty: there is no e-mail.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How connections to it are secured.
    pub tls: SmtpTls,
    /// Who this server is to it; empty: nobody in particular.
    pub user: String,
    /// The password of that user.
    pub password: Option<Secret>,
    /// From whom mail comes.
    pub from: String,
    /// Most messages a second.
    pub per_second: u32,
}

/// How connections to the relay are secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Not at all.
    None,
    /// By STARTTLS.
    Starttls,
    /// From the first byte.
    Implicit,
}

impl Default for MessageSettings {
    fn default() -> Self {
        MessageSettings {
            enabled: false,
            public_url: String::new(),
            reminder_h: 24,
            smtp: SmtpSettings::default(),
            twilio: TwilioSettings::default(),
            telegram: TelegramSettings::default(),
            push: PushSettings::default(),
            discord: DiscordSettings::default(),
        }
    }
}

impl Default for SmtpSettings {
    fn default() -> Self {
        SmtpSettings {
            host: String::new(),
            port: 587,
            tls: SmtpTls::Starttls,
            user: String::new(),
            password: None,
            from: String::new(),
            per_second: 50,
        }
    }
}

impl MessageSettings {
    /// # Errors
    /// [`SettingsError::Value`] for what cannot be.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let wrong = |name, value: String, wanted| Err(SettingsError::Value { name, value, wanted });
        let url = &self.public_url;
        if !url.is_empty() && !is_base(url) {
            let wanted = "empty, or https:// and a host, without a path";
            return wrong("messages.public_url", url.clone(), wanted);
        }
        if self.reminder_h > REMINDER_H_MAX {
            return wrong("messages.reminder_h", self.reminder_h.to_string(), "0 (never) to 8760 hours");
        }
        if !(1..=PER_SECOND_MAX).contains(&self.smtp.per_second) {
            return wrong("messages.smtp.per_second", self.smtp.per_second.to_string(), "1 to 10000");
        }
        self.twilio.check()?;
        self.telegram.check(url)?;
        self.push.check()?;
        self.discord.check()
    }
}

/// Whether it is a URL without a path.
pub(super) fn is_base(url: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', ' ', '?', '#']))
    })
}
