//! The waitlist.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::router::Route;
use crate::routes::{Nothing, waitlist};

const TAG: &str = "waitlist";

fn entry(standing: &str) -> Value {
    let choice = json!({"ticket_type": "Standing", "quantity": 2, "accessible": 0, "accept_split": false, "before": 17});
    let mut entry = json!({"id": example::ENTRY, "standing": standing, "choices": [choice], "priority": 128,
        "price_max": example::money(4500), "since": example::at(), "changed_at": example::at(), "sequence": 1234});
    if standing == "offered" {
        let mut hold = example::hold(false);
        (hold["origin"], hold["entry"]) = ("offer".into(), example::ENTRY.into());
        entry["offer"] = json!({"id": example::HOLD, "deadline_at": example::at(), "hold": hold});
    }
    entry
}

/// What the document says of the routes of the waitlist.
pub(super) fn of(route: Route) -> Option<Operation> {
    Some(match route {
        Route::JoinWaitlist => join(),
        Route::ListWaitlist => list(),
        Route::ReadWaitlistEntry => read(),
        Route::LeaveWaitlist => leave(),
        _ => return None,
    })
}

fn join() -> Operation {
    let mut joined = entry("waiting");
    joined["secret"] = example::hold(true)["secret"].clone();
    Operation::new(TAG, "Join the waitlist")
        .about("An offer is a hold, made in the turn in which enough returns. An organizer names the `buyer`, and may give a `priority`.")
        .by(&[Who::Buyer, Who::Organizer(Scope::OrdersWrite), Who::Administrator])
        .keyed()
        .takes::<waitlist::JoinRequest<'_>>(json!({
            "choices": [{"ticket_type": "Standing", "quantity": 2},
                {"ticket_type": "Lower tier", "quantity": 2, "accept_split": true}],
            "price_max": example::money(9000)}))
        .answers::<waitlist::EntryReply<'_>>(201, "The entry, with its secret.", joined)
        .may(&[Code::AlreadyWaiting, Code::WaitlistClosed, Code::WaitlistFull, Code::AvailableNow])
        .may(&[Code::LimitExceeded, Code::NotOnSale, Code::PriceChanged, Code::WrongPhase, Code::OrderSize])
        .may(&[Code::InvalidRequest])
}

fn list() -> Operation {
    let cursor = json!({"name": "cursor", "in": "query", "description": "The `next` of the page before.",
        "schema": {"type": "string", "pattern": "^wle_[0-7][0-9a-hjkmnp-tv-z]{25}$"}});
    Operation::new(TAG, "List the waitlist")
        .about("A buyer sees its own entries, the organizer all of them. Those that wait no more stay in the list.")
        .by(&[Who::Buyer, Who::Organizer(Scope::EventsRead), Who::Administrator])
        .taking(cursor)
        .with(&["Limit", "MinSequence"])
        .reads::<waitlist::EntryList<'_>>(
            "A page of entries, oldest first.",
            json!({"items": [entry("waiting")], "next": null, "sequence": 1234}),
        )
        .may(&[Code::InvalidRequest])
}

fn read() -> Operation {
    Operation::new(TAG, "Read an entry of the waitlist")
        .about("An offer is shown as the hold that it is; with its secret, to its buyer.")
        .by(&[Who::Buyer, Who::HoldSecret, Who::Organizer(Scope::EventsRead), Who::Administrator])
        .with(&["MinSequence"])
        .reads::<waitlist::EntryReply<'_>>("The entry.", entry("offered"))
        .may(&[Code::EntryNotFound, Code::InvalidRequest])
}

fn leave() -> Operation {
    Operation::new(TAG, "Leave the waitlist")
        .about("An offer is declined by releasing its hold.")
        .by(&[Who::Buyer, Who::HoldSecret, Who::Organizer(Scope::OrdersWrite), Who::Administrator])
        .keyed()
        .takes::<Nothing>(json!({}))
        .answers::<waitlist::Left>(
            200,
            "It waits no more.",
            json!({"id": example::ENTRY, "standing": "left", "sequence": 1240}),
        )
        .may(&[Code::EntryNotFound, Code::WrongPhase, Code::InvalidRequest])
}
