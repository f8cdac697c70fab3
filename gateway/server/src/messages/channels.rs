//! The channels, as the settings say.

use std::sync::Arc;

use tessera_actors::{Channel, Clock, Environment, Messaging};
use tessera_correspondence::PushSubscriptions;
use tessera_messages::{
    ChannelError, Discord, Push, Sms, SmsOptions, Smtp, SmtpOptions, Telegram, TelegramOptions, Tls, Vapid,
};
use tessera_projections::ticket_keys::TicketKeys;
use tessera_store::Table;

use super::composer::Composer;
use super::email::Email;
use super::short::{Short, Wire};
use crate::auth::Keys;
use crate::settings::{MessageSettings, Settings, SmtpSettings, SmtpTls};

/// Milliseconds of an hour.
const HOUR_MS: u64 = 3_600_000;

/// What messages are written with.
#[derive(Clone, Copy)]
pub(crate) struct Writing<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) table: &'a Arc<dyn Table>,
    pub(crate) ticket_keys: &'a Arc<TicketKeys>,
}

/// What callers need to be reached through some of the channels.
#[derive(Default)]
pub(crate) struct Reach {
    /// The key for which browsers take messages, where they are notified.
    pub(crate) push_key: Option<String>,
    /// The bot, where there is one.
    pub(crate) bot: Option<Bot>,
    /// Whether what everybody is told is said in Discord.
    pub(crate) has_discord: bool,
}

/// The bot in Telegram.
pub(crate) struct Bot {
    pub(crate) telegram: Arc<Telegram>,
    /// What stands in the URL under which Telegram tells what people write to it.
    pub(crate) updates: String,
}

/// Through what people are told of what concerns them.
pub(crate) fn start(
    settings: &Settings,
    environment: &Environment,
    writing: &Writing<'_>,
) -> Result<(Option<Messaging>, Reach), ChannelError> {
    let (mut reach, told) = (Reach::default(), &settings.messages);
    if !told.enabled {
        return Ok((None, reach));
    }
    let composer = Arc::new(Composer::new(writing, told.public_url.clone()));
    let mut channels: Vec<Arc<dyn Channel>> = Vec::new();
    if !told.smtp.host.is_empty() {
        let relay = Arc::new(Smtp::new(&relay(&told.smtp))?);
        let (composer, spawn) = (Arc::clone(&composer), Arc::clone(&environment.spawn));
        channels.push(Arc::new(Email::new(relay, composer, spawn, told.smtp.per_second)));
    }
    let clock: &Arc<dyn Clock> = &environment.clock;
    let mut open = |wire: Wire, per_second: u32| {
        channels.push(Arc::new(Short::new(wire, Arc::clone(&composer), Arc::clone(clock), per_second)));
    };
    if !told.twilio.account.is_empty() {
        open(Wire::Sms(sms(told)), told.twilio.per_second);
    }
    if !told.push.contact.is_empty() {
        let vapid = Arc::new(vapid(writing.keys, &told.push.contact)?);
        reach.push_key = Some(vapid.public().to_owned());
        let push = Push::new(vapid, settings.webhooks.private_targets);
        open(Wire::Push(push, PushSubscriptions::new(Arc::clone(writing.table))), told.push.per_second);
    }
    if told.discord.enabled {
        reach.has_discord = true;
        open(Wire::Discord(Discord::new(settings.webhooks.private_targets)), told.discord.per_second);
    }
    if let Some(token) = &told.telegram.token {
        let updates = writing.keys.telegram_updates(token.reveal());
        let telegram = Arc::new(Telegram::new(TelegramOptions {
            url: told.telegram.url.clone(),
            token: token.reveal().to_owned(),
            updates_url: format!("{}/v1/telegram-updates/{updates}", told.public_url),
        }));
        open(Wire::Telegram(Arc::clone(&telegram)), told.telegram.per_second);
        reach.bot = Some(Bot { telegram, updates });
    }
    let reminder_before_ms = told.reminder_h * HOUR_MS;
    Ok((Some(Messaging { channels, reminder_before_ms }), reach))
}

fn relay(smtp: &SmtpSettings) -> SmtpOptions {
    let password = smtp.password.as_ref().map(|password| password.reveal().to_owned());
    SmtpOptions {
        host: smtp.host.clone(),
        port: smtp.port,
        tls: match smtp.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::Starttls => Tls::Starttls,
            SmtpTls::Implicit => Tls::Implicit,
        },
        credentials: (!smtp.user.is_empty()).then(|| (smtp.user.clone(), password.unwrap_or_default())),
        from: smtp.from.clone(),
    }
}

fn sms(told: &MessageSettings) -> Sms {
    let twilio = &told.twilio;
    let token = twilio.token.as_ref().map(|token| token.reveal().to_owned());
    Sms::new(&SmsOptions {
        url: twilio.url.clone(),
        account: twilio.account.clone(),
        token: token.unwrap_or_default(),
        from: twilio.from.clone(),
    })
}

/// The installation's key for browsers: derived from its secret, so that it is the same after a restart, on every node and in an export.
fn vapid(keys: &Keys, contact: &str) -> Result<Vapid, ChannelError> {
    let turns = (0..=u8::MAX).find_map(|turn| Vapid::new(&keys.push_key(turn), contact));
    turns.ok_or(ChannelError::PushKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_has_one_key_for_browsers() {
        let key = |secret: u8| vapid(&Keys::derive(&[secret; 32]), "mailto:a@b").unwrap().public().to_owned();
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
        assert_eq!(key(1).len(), 87, "65 bytes in base64");
    }
}
