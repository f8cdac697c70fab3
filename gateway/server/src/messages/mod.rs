//! Messages to people: what each may say, which template says it, how somebody opts out, and the channels. Where messages wait and when
//! they are tried again is the supervision tree's business; `docs/notifications.md` describes them.

mod channels;
mod composer;
mod email;
mod opt_out;
mod place;
mod short;
mod telegram_link;
mod wording;

use std::sync::Arc;

use tessera_actors::Sent;
use tessera_correspondence::{
    Broadcasts, Contacts, Inbox, Kind, Medium, Messages, PushSubscriptions, Template, TemplateName, Templates,
};
use tessera_messages::{Compiled, Delivery};
use tessera_store::keys::MessageLane;
use tessera_store::{StoreError, Table};

pub(crate) use channels::{Bot, Reach, Writing, start};
pub(crate) use composer::facts_of_order;
pub(crate) use opt_out::{opt_out, read_opt_out};
pub(crate) use place::{place_text, read_place};
pub(crate) use telegram_link::{read_telegram_link, telegram_link};

/// The channels that leave this server, each with its account.
const ACCOUNTS: [(Medium, &str); 5] = [
    (Medium::Email, SMTP_ACCOUNT),
    (Medium::Sms, TWILIO_ACCOUNT),
    (Medium::Push, PUSH_ACCOUNT),
    (Medium::Discord, DISCORD_ACCOUNT),
    (Medium::Telegram, TELEGRAM_ACCOUNT),
];
/// The account of the relay.
const SMTP_ACCOUNT: &str = "smtp";
/// The account of SMS.
const TWILIO_ACCOUNT: &str = "twilio";
/// The account of all push services: each is left alone for itself.
const PUSH_ACCOUNT: &str = "push";
/// The account of all webhooks in Discord: each is left alone for itself.
const DISCORD_ACCOUNT: &str = "discord";
/// The account of the bot.
const TELEGRAM_ACCOUNT: &str = "telegram";

/// The lanes of the channels that leave this server, or that of one.
pub(crate) fn lanes(of: Option<Medium>) -> Vec<(Medium, MessageLane)> {
    let accounts = ACCOUNTS.iter().filter(|(medium, _)| of.is_none_or(|of| of == *medium));
    accounts.map(|(medium, account)| (*medium, tessera_correspondence::lane_of(*medium, account))).collect()
}

/// The channels that leave this server, by name.
pub(crate) const CHANNELS: &str = "one of email, sms, push, discord, telegram";

/// The channel of this name that leaves this server.
pub(crate) fn channel_named(name: &str) -> Option<Medium> {
    Medium::named(name).filter(|medium| ACCOUNTS.iter().any(|(known, _)| known == medium))
}

fn refused(reason: String) -> Sent {
    Sent::Refused { reason, is_address_dead: false }
}

/// It cannot be made.
fn untried(reason: String) -> Sent {
    Sent::Untried { reason, is_address_dead: false }
}

/// What it says cannot be read now.
fn later(reason: String) -> Sent {
    Sent::Failed { reason, is_account: false, not_before: None }
}

fn sent(delivery: Delivery) -> Sent {
    match delivery {
        Delivery::Taken => Sent::Taken,
        Delivery::Refused { reason, is_address_dead } => Sent::Refused { reason, is_address_dead },
        Delivery::Untried { reason, is_address_dead } => Sent::Untried { reason, is_address_dead },
        Delivery::Failed { reason, is_account } => Sent::Failed { reason, is_account, not_before: None },
        Delivery::Busy { reason, until, is_account } => Sent::Busy { reason, until, is_account },
    }
}

/// How people are reached, and what is said to them.
pub(crate) struct People {
    pub(crate) contacts: Contacts,
    pub(crate) inbox: Inbox,
    pub(crate) templates: Templates,
    pub(crate) messages: Messages,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) browsers: PushSubscriptions,
    /// What callers need to be reached through some of the channels.
    pub(crate) reach: Reach,
}

impl People {
    pub(crate) fn new(table: &Arc<dyn Table>, reach: Reach) -> People {
        People {
            contacts: Contacts::new(Arc::clone(table)),
            inbox: Inbox::new(Arc::clone(table)),
            templates: Templates::new(Arc::clone(table)),
            messages: Messages::new(Arc::clone(table)),
            broadcasts: Broadcasts::new(Arc::clone(table)),
            browsers: PushSubscriptions::new(Arc::clone(table)),
            reach,
        }
    }
}

/// The template by which somebody is written to, and its language: the organizer's in the recipient's language, the organizer's in any, the
/// installation's or the built-in one in the recipient's, and English.
pub(crate) async fn template(
    templates: &Templates,
    organizer: u128,
    (kind, medium): (Kind, Medium),
    locale: Option<&str>,
) -> Result<(String, Compiled), StoreError> {
    let locales = locales(locale);
    let find = async |organizer: u128, locale: &str| {
        let name = TemplateName { organizer, kind, medium, locale: locale.to_owned() };
        templates.find(&name).await
    };
    for locale in &locales {
        if let Some(found) = find(organizer, locale).await? {
            return Ok(compiled(found));
        }
    }
    if let Some(any) = templates.any_locale(organizer, kind, medium).await?
        && let Some(found) = find(organizer, &any).await?
    {
        return Ok(compiled(found));
    }
    for locale in &locales {
        if organizer != 0
            && let Some(found) = find(0, locale).await?
        {
            return Ok(compiled(found));
        }
    }
    let language = locales.last().map_or("en", String::as_str);
    let (language, _, built_in) = match medium.is_short() {
        true => tessera_messages::builtin_short(kind, language),
        false => tessera_messages::builtin(kind, language),
    };
    Ok((language.to_owned(), built_in.clone()))
}

fn compiled(template: Template) -> (String, Compiled) {
    let Template { name, subject, text, html, .. } = template;
    (name.locale, Compiled { subject, text, html })
}

/// A language tag in lower case, and its language alone.
fn locales(locale: Option<&str>) -> Vec<String> {
    let Some(locale) = locale.map(str::to_lowercase) else { return Vec::new() };
    let language = locale.split(['-', '_']).next().unwrap_or_default().to_owned();
    if language == locale { vec![locale] } else { vec![locale, language] }
}
