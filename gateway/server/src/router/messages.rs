//! Messages to people.

use futures::future::LocalBoxFuture;

use super::{Answer, Editor, Route, Watcher, go};
use crate::call::Call;
use crate::caller::{Administrator, Anyone, Buyer};
use crate::routes::{
    broadcasts, contacts, dead_letters, discord, events, inbox, opt_outs, organizer_contact,
    push_subscriptions, telegram, templates,
};

/// The routes of a path, and its parameters in order.
pub(super) fn resource<'a>(segments: &[&'a str]) -> Option<(&'static [Route], [&'a str; 2])> {
    use Route as R;
    Some(match *segments {
        ["v1", "contacts", "me"] => (&[R::ReplaceContact, R::ReadContact, R::EraseContact], ["", ""]),
        ["v1", "push-key"] => (&[R::ReadPushKey], ["", ""]),
        ["v1", "push-subscriptions"] => (&[R::KeepPushSubscription, R::RemovePushSubscription], ["", ""]),
        ["v1", "telegram-links"] => (&[R::LinkTelegram, R::UnlinkTelegram], ["", ""]),
        ["v1", "telegram-updates", token] => (&[R::HearTelegram], [token, ""]),
        ["v1", "discord-webhook"] => {
            (&[R::ReplaceDiscordWebhook, R::ReadDiscordWebhook, R::RemoveDiscordWebhook], ["", ""])
        }
        ["v1", "organizer-contact"] => {
            (&[R::ReplaceOrganizerContact, R::ReadOrganizerContact, R::RemoveOrganizerContact], ["", ""])
        }
        ["v1", "inbox"] => (&[R::ReadInbox], ["", ""]),
        ["v1", "inbox", "reads"] => (&[R::MarkInbox], ["", ""]),
        ["v1", "opt-outs", token] => (&[R::AskOptOut, R::OptOut], [token, ""]),
        ["v1", "templates"] => (&[R::KeepTemplate, R::ListTemplates], ["", ""]),
        ["v1", "templates", "preview"] => (&[R::PreviewTemplate], ["", ""]),
        ["v1", "dead-letters"] => (&[R::ListDeadLetters], ["", ""]),
        ["v1", "dead-letters", "replays"] => (&[R::ReplayDeadLetters], ["", ""]),
        ["v1", "events", event, "broadcasts"] => (&[R::BeginBroadcast, R::ListBroadcasts], [event, ""]),
        ["v1", "events", event, "broadcasts", run, "pause"] => (&[R::PauseBroadcast], [event, run]),
        ["v1", "events", event, "broadcasts", run, "resume"] => (&[R::ResumeBroadcast], [event, run]),
        _ => return None,
    })
}

/// Runs the controller of the route.
pub(super) fn run(call: Call) -> LocalBoxFuture<'static, Answer> {
    match call.route {
        Route::ReplaceContact => go(call, async |call, who: Buyer| contacts::replace(call, who).await),
        Route::ReadContact => go(call, async |call, who: Buyer| contacts::read(call, who).await),
        Route::EraseContact => go(call, async |call, who: Buyer| contacts::erase(call, who).await),
        Route::ReadInbox => go(call, async |call, who: Buyer| inbox::list(call, who).await),
        Route::MarkInbox => go(call, async |call, who: Buyer| inbox::mark(call, who).await),
        Route::AskOptOut => go(call, async |call, Anyone| opt_outs::ask(&call)),
        Route::OptOut => go(call, async |call, Anyone| opt_outs::accept(call).await),
        Route::KeepTemplate => go(call, async |call, who: Editor| templates::keep(call, who).await),
        Route::ListTemplates => go(call, async |call, who: Watcher| templates::list(call, who).await),
        Route::PreviewTemplate => go(call, async |call, who: Watcher| templates::preview(call, who).await),
        Route::ListDeadLetters => go(call, async |call, _: Administrator| dead_letters::list(call).await),
        Route::ReplayDeadLetters => go(call, async |call, _: Administrator| dead_letters::replay(call).await),
        Route::BeginBroadcast => go(call, async |call, who: Editor| broadcasts::begin(call, who).await),
        Route::ListBroadcasts => go(call, async |call, who: Watcher| broadcasts::list(call, who).await),
        Route::PauseBroadcast => go(call, async |call, who: Editor| broadcasts::pause(call, who).await),
        // Who has tickets hears of another date or place.
        Route::ReplaceEvent => go(call, async |call, who: Editor| events::replace(call, who).await),
        Route::ResumeBroadcast => go(call, async |call, who: Editor| broadcasts::resume(call, who).await),
        _ => run_channels(call),
    }
}

fn run_channels(call: Call) -> LocalBoxFuture<'static, Answer> {
    match call.route {
        Route::ReadPushKey => go(call, async |call, Anyone| push_subscriptions::key(&call)),
        Route::KeepPushSubscription => {
            go(call, async |call, who: Buyer| push_subscriptions::keep(call, who).await)
        }
        Route::RemovePushSubscription => {
            go(call, async |call, who: Buyer| push_subscriptions::remove(call, who).await)
        }
        Route::LinkTelegram => go(call, async |call, who: Buyer| telegram::link(call, who).await),
        Route::UnlinkTelegram => go(call, async |call, who: Buyer| telegram::unlink(call, who).await),
        Route::HearTelegram => go(call, async |call, Anyone| telegram::hear(call).await),
        Route::ReplaceDiscordWebhook => go(call, async |call, who: Editor| discord::replace(call, who).await),
        Route::ReadDiscordWebhook => go(call, async |call, who: Watcher| discord::read(call, who).await),
        Route::RemoveDiscordWebhook => go(call, async |call, who: Editor| discord::remove(call, who).await),
        Route::ReplaceOrganizerContact => {
            go(call, async |call, who: Editor| organizer_contact::replace(call, who).await)
        }
        Route::ReadOrganizerContact => {
            go(call, async |call, who: Watcher| organizer_contact::read(call, who).await)
        }
        Route::RemoveOrganizerContact => {
            go(call, async |call, who: Editor| organizer_contact::remove(call, who).await)
        }
        _ => super::run_documents(call),
    }
}
