//! How people are reached through channels of short texts.

use serde_json::json;

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::router::Route;
use crate::routes::discord::{WebhookReply, WebhookRequest};
use crate::routes::organizer_contact::{OrganizerContact, OrganizerContactRequest};
use crate::routes::push_subscriptions::{PushKey, SubscriptionRequest};
use crate::routes::telegram::LinkReply;

const TAG: &str = "messages";
const READERS: [Who; 2] = [Who::Organizer(Scope::EventsRead), Who::Administrator];
const WRITERS: [Who; 2] = [Who::Organizer(Scope::EventsWrite), Who::Administrator];
/// A public key: that of the example of RFC 8291.
const KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
/// A secret of a browser, of the same example.
const SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";
/// The path of a webhook in Discord, without what is secret of it.
const WEBHOOK: &str = "https://discord.com/api/webhooks/1180000000000000000";

/// What the document says of a route of this heading.
pub(super) fn of(route: Route) -> Option<Operation> {
    Some(match route {
        Route::ReadPushKey => read_push_key(),
        Route::KeepPushSubscription => keep_push_subscription(),
        Route::RemovePushSubscription => remove_push_subscription(),
        Route::LinkTelegram => link_telegram(),
        Route::UnlinkTelegram => unlink_telegram(),
        Route::HearTelegram => hear_telegram(),
        Route::ReplaceDiscordWebhook => replace_discord_webhook(),
        Route::ReadDiscordWebhook => read_discord_webhook(),
        Route::RemoveDiscordWebhook => remove_discord_webhook(),
        Route::ReplaceOrganizerContact => replace_organizer_contact(),
        Route::ReadOrganizerContact => read_organizer_contact(),
        Route::RemoveOrganizerContact => remove_organizer_contact(),
        _ => return None,
    })
}

fn read_push_key() -> Operation {
    Operation::new(TAG, "Read the key for which browsers take messages")
        .about("`applicationServerKey` of `PushManager.subscribe()`. It is the same as long as the installation is.")
        .by(&[Who::Anyone])
        .reads::<PushKey<'_>>("The key.", json!({"key": KEY}))
        .may(&[Code::InvalidRequest])
}

fn keep_push_subscription() -> Operation {
    let subscription = json!({"endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        "expirationTime": null, "keys": {"p256dh": KEY, "auth": SECRET}});
    Operation::new(TAG, "Have a browser notified")
        .about("What `PushSubscription.toJSON()` gives. To say it again is to say it once; a buyer has eight browsers, the oldest leaves.")
        .by(&[Who::Buyer])
        .takes::<SubscriptionRequest<'_>>(subscription)
        .reply(204, "It is notified.", &["X-Request-Id"], None)
        .may(&[Code::InvalidRequest])
}

fn remove_push_subscription() -> Operation {
    let endpoint = json!({"name": "endpoint", "in": "query", "description": "Of this browser only.", "schema": {"type": "string"}});
    Operation::new(TAG, "Have browsers notified no more")
        .by(&[Who::Buyer])
        .taking(endpoint)
        .reply(204, "They are not.", &["X-Request-Id"], None)
        .may(&[Code::InvalidRequest])
}

fn link_telegram() -> Operation {
    let link = json!({"url": "https://t.me/tickets_bot?start=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "expires_at": example::at()});
    Operation::new(TAG, "Ask for a link to the bot in Telegram")
        .about("Whoever opens it and presses *Start* is told there what concerns the buyer. It is good for fifteen minutes.")
        .by(&[Who::Buyer])
        .answers::<LinkReply>(201, "The link.", link)
        .may(&[Code::InvalidRequest, Code::NotExecuted])
}

fn unlink_telegram() -> Operation {
    Operation::new(TAG, "Be told nothing in Telegram").by(&[Who::Buyer]).reply(
        204,
        "Nothing is told there.",
        &["X-Request-Id"],
        None,
    )
}

fn hear_telegram() -> Operation {
    let said =
        json!({"method": "sendMessage", "chat_id": 42, "text": "You will be told here of your tickets."});
    let content = json!({"application/json": {"schema": {"type": "object"}, "example": said}});
    Operation::new(TAG, "Hear what people write to the bot in Telegram")
        .about("Only Telegram knows the URL. What it answers is what the bot says.")
        .by(&[Who::Anyone])
        .takes_bytes()
        .reply(200, "It is taken.", &["X-Request-Id"], Some(content))
        .may(&[Code::NotExecuted, Code::OutcomeUnknown])
}

fn shown() -> serde_json::Value {
    json!({"url": format!("{WEBHOOK}/…"), "locale": "en"})
}

fn replace_discord_webhook() -> Operation {
    Operation::new(TAG, "Say where in Discord everybody is told")
        .about("Emergencies, announcements and cancellations of the organizer's events are said there, once each.")
        .by(&WRITERS)
        .takes::<WebhookRequest<'_>>(json!({"url": format!("{WEBHOOK}/Kq7pU4"), "locale": "en"}))
        .answers::<WebhookReply>(200, "The webhook.", shown())
        .may(&[Code::InvalidRequest])
}

fn read_discord_webhook() -> Operation {
    Operation::new(TAG, "Read where in Discord everybody is told")
        .by(&READERS)
        .reads::<WebhookReply>("The webhook, without what is secret of it.", shown())
}

fn remove_discord_webhook() -> Operation {
    Operation::new(TAG, "Tell nobody in Discord").by(&WRITERS).reply(
        204,
        "Nothing is said there.",
        &["X-Request-Id"],
        None,
    )
}

fn team() -> serde_json::Value {
    json!({"email": "team@example.com", "locale": "en"})
}

fn replace_organizer_contact() -> Operation {
    Operation::new(TAG, "Say where the team is written to")
        .about("What concerns one order is written there: that its payment is disputed, and how that was decided.")
        .by(&WRITERS)
        .takes::<OrganizerContactRequest<'_>>(team())
        .answers::<OrganizerContact>(200, "Where it is written to.", team())
        .may(&[Code::InvalidRequest])
}

fn read_organizer_contact() -> Operation {
    Operation::new(TAG, "Read where the team is written to")
        .by(&READERS)
        .reads::<OrganizerContact>("Where it is written to.", team())
}

fn remove_organizer_contact() -> Operation {
    Operation::new(TAG, "Write to the team no more").by(&WRITERS).reply(
        204,
        "Nothing is written there.",
        &["X-Request-Id"],
        None,
    )
}
