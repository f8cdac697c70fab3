//! Messages to people.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::router::Route;
use crate::routes::Nothing;
use crate::routes::broadcasts::{BroadcastItem, BroadcastList, BroadcastRequest};
use crate::routes::contacts::{OwnContact, OwnContactRequest};
use crate::routes::dead_letters::{DeadLetterList, ReplayReply, ReplayRequest};
use crate::routes::inbox::{InboxPage, ReadReply, ReadRequest};
use crate::routes::templates::{Preview, PreviewRequest, TemplateItem, TemplateList, TemplateRequest};

const TAG: &str = "messages";
const READERS: [Who; 2] = [Who::Organizer(Scope::EventsRead), Who::Administrator];
const WRITERS: [Who; 2] = [Who::Organizer(Scope::EventsWrite), Who::Administrator];
/// The name of a message.
const PLACE: &str = "18c3f5a0000-1987ac3a1d7e7c5a8f00123456789abc-4d4-5f3a9c0011223344-1";
const MJML: &str = "<mjml><mj-body><mj-section><mj-column><mj-text>{{ event.name }}</mj-text></mj-column></mj-section></mj-body></mjml>";

/// What the document says of a route of this heading.
pub(super) fn of(route: Route) -> Option<Operation> {
    Some(match route {
        Route::ReplaceContact => replace_contact(),
        Route::ReadContact => read_contact(),
        Route::EraseContact => erase_contact(),
        Route::ReadInbox => read_inbox(),
        Route::MarkInbox => mark_inbox(),
        Route::AskOptOut => ask_opt_out(),
        Route::OptOut => opt_out(),
        Route::KeepTemplate => keep_template(),
        Route::ListTemplates => list_templates(),
        Route::PreviewTemplate => preview_template(),
        Route::ListDeadLetters => list_dead_letters(),
        Route::ReplayDeadLetters => replay_dead_letters(),
        Route::ReplaceEvent => super::events::replace(),
        Route::BeginBroadcast => begin_broadcast(),
        Route::ListBroadcasts => list_broadcasts(),
        Route::PauseBroadcast => turn_broadcast("Pause a broadcast", "paused"),
        Route::ResumeBroadcast => turn_broadcast("Let a broadcast go on", "running"),
        _ => return super::reach::of(route),
    })
}

fn cursor() -> Value {
    json!({"name": "cursor", "in": "query", "description": "The `next` of the page before.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{1,16}-[0-9a-f]{1,32}-[0-9a-f]{1,16}-[0-9a-f]{1,16}-[0-9a-f]{1,2}$"}})
}

fn contact() -> Value {
    json!({"email": "ada@example.com", "phone": null, "name": "Ada Lovelace", "locale": "de-CH", "telegram": false, "refused": []})
}

fn replace_contact() -> Operation {
    Operation::new(TAG, "Say how one is reached")
        .about("For messages that are about no order, or about one at which nothing else was said. What was refused stays so.")
        .by(&[Who::Buyer])
        .takes::<OwnContactRequest<'_>>(json!({"email": "ada@example.com", "name": "Ada Lovelace", "locale": "de-CH"}))
        .or_nothing()
        .answers::<OwnContact>(200, "How one is reached.", contact())
}

fn read_contact() -> Operation {
    Operation::new(TAG, "Read how one is reached")
        .by(&[Who::Buyer])
        .reads::<OwnContact>("How one is reached.", contact())
}

fn erase_contact() -> Operation {
    Operation::new(TAG, "Be forgotten")
        .about("Nothing is sent any more, until an address is given again; what was said at orders is erased, too. What is in the inbox stays there.")
        .by(&[Who::Buyer])
        .reply(204, "It is forgotten.", &["X-Request-Id"], None)
}

fn read_inbox() -> Operation {
    let item = json!({"id": PLACE, "kind": "confirmation", "at": example::at(), "event": example::EVENT, "order": example::ORDER, "tickets": [],
        "read": false});
    Operation::new(TAG, "Read one's inbox")
        .about("The youngest first; the last 50 are kept.")
        .by(&[Who::Buyer])
        .taking(cursor())
        .with(&["Limit"])
        .reads::<InboxPage>("A page of messages.", json!({"items": [item], "next": null}))
}

fn mark_inbox() -> Operation {
    Operation::new(TAG, "Mark messages as read")
        .by(&[Who::Buyer])
        .takes::<ReadRequest<'_>>(json!({"items": [PLACE]}))
        .answers::<ReadReply>(200, "How many of them there are.", json!({"read": 1}))
}

fn page(summary: &'static str) -> Operation {
    let content = json!({"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>"}});
    Operation::new(TAG, summary)
        .by(&[Who::Anyone])
        .reply(200, "The page.", &["X-Request-Id", "Cache-Control"], Some(content))
        .may(&[Code::RouteNotFound])
}

fn ask_opt_out() -> Operation {
    page("Read the page of a link to opt out").about("It has a button: to open it changes nothing.")
}

fn opt_out() -> Operation {
    page("Opt out of a kind of message")
        .about("As RFC 8058 has it: what mail programs send is taken, whatever it says. To do it twice is to do it once.")
        .may(&[Code::BodyTooLarge, Code::BodyTooSlow])
}

fn template() -> Value {
    json!({"kind": "announcement", "channel": "email", "locale": "en", "version": 1, "created_at": example::at(), "subject": "{{ event.name }}",
        "text": "{{ message.text }}", "mjml": MJML})
}

fn keep_template() -> Operation {
    Operation::new(TAG, "Keep a template of messages")
        .about("It is compiled and tried with an example; what is wrong is said by field. It is the newest version from now on, for what waits, too. The administrator's are for organizers that have none.")
        .by(&WRITERS)
        .takes::<TemplateRequest<'_>>(json!({"kind": "announcement", "locale": "en", "subject": "{{ event.name }}", "text": "{{ message.text }}", "mjml": MJML}))
        .answers::<TemplateItem>(201, "The template.", template())
        .may(&[Code::InvalidRequest])
}

fn list_templates() -> Operation {
    Operation::new(TAG, "List templates of messages")
        .about("The newest version of each of the organizer's own.")
        .by(&READERS)
        .reads::<TemplateList>("The templates.", json!({"items": [template()]}))
}

fn preview_template() -> Operation {
    let shown = json!({"subject": "An evening of engines", "text": "Doors open at seven.", "html": "<!doctype html>",
        "variables": ["event.name", "message.text"]});
    Operation::new(TAG, "Look at a template of messages")
        .about("With example data, or those of an order: one that is sent, or, without `subject`, `text` and `mjml`, the one that is used.")
        .by(&READERS)
        .takes::<PreviewRequest<'_>>(json!({"kind": "announcement", "locale": "en"}))
        .answers::<Preview>(200, "How it looks.", shown)
        .may(&[Code::InvalidRequest, Code::EventNotFound, Code::OrderNotFound])
}

fn list_dead_letters() -> Operation {
    let channel = json!({"name": "channel", "in": "query", "description": "Of this channel only.",
        "schema": {"type": "string", "enum": ["email", "sms", "push", "discord", "telegram"]}});
    let letter = json!({"id": PLACE, "channel": "email", "kind": "confirmation", "event": example::EVENT, "order": example::ORDER,
        "since": example::at(), "ended_at": example::at(), "attempts": 1, "error": "permanent error (550): no such user"});
    Operation::new(TAG, "List messages that were tried in vain")
        .about("The youngest first; the last 100,000 are kept.")
        .by(&[Who::Administrator])
        .taking(channel)
        .taking(cursor())
        .with(&["Limit"])
        .reads::<DeadLetterList>("A page of dead letters.", json!({"items": [letter], "next": null}))
}

fn replay_dead_letters() -> Operation {
    Operation::new(TAG, "Send dead letters again")
        .about("Some, or up to 500 of those that were given up since a time. They keep their names, so that whoever had one after all recognises it.")
        .by(&[Who::Administrator])
        .takes::<ReplayRequest<'_>>(json!({"messages": [PLACE]}))
        .answers::<ReplayReply>(202, "They are going to be sent.", json!({"messages": 1, "more": false}))
        .may(&[Code::InvalidRequest])
}

fn broadcast(state: &str) -> Value {
    json!({"run": 1, "kind": "announcement", "state": state, "created_at": example::at(), "not_before": example::at(), "orders": 400,
        "recipients": 380, "title": "Doors open later"})
}

fn begin_broadcast() -> Operation {
    Operation::new(TAG, "Write to everybody who has tickets")
        .about("Each person once, however many orders it has. An emergency goes before everything else; an announcement when there is room, to those who have not opted out.")
        .by(&WRITERS)
        .with(&["IdempotencyKey"])
        .takes::<BroadcastRequest<'_>>(json!({"kind": "announcement", "title": "Doors open later", "text": "At seven, one hour later than announced."}))
        .answers::<BroadcastItem>(202, "It has begun.", broadcast("running"))
        .may(&[Code::KeyMissing, Code::KeyMalformed, Code::KeyReused, Code::InvalidRequest])
}

fn list_broadcasts() -> Operation {
    let cursor = json!({"name": "cursor", "in": "query", "description": "The `next` of the page before.",
        "schema": {"type": "integer", "minimum": 0, "maximum": u64::MAX}});
    Operation::new(TAG, "List the broadcasts of an event")
        .about("With how far each is. Cancellations and reminders are among them.")
        .by(&READERS)
        .taking(cursor)
        .with(&["Limit"])
        .reads::<BroadcastList>("The broadcasts.", json!({"items": [broadcast("done")], "next": null}))
}

fn turn_broadcast(summary: &'static str, state: &str) -> Operation {
    Operation::new(TAG, summary)
        .about("What was written already is sent. To do it twice is to do it once.")
        .by(&WRITERS)
        .takes::<Nothing>(json!({}))
        .answers::<BroadcastItem>(200, "The broadcast.", broadcast(state))
        .may(&[Code::BroadcastNotFound])
}
