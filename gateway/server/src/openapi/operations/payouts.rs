//! What organizers are owed, and payouts to them.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::payouts;

const TAG: &str = "organizers";
const BY: [Who; 2] = [Who::Organizer(Scope::EventsRead), Who::Administrator];

fn payout(state: &str) -> Value {
    let mut payout = json!({
        "id": example::PAYOUT,
        "organizer": example::ORGANIZER,
        "amount": example::money(1_751_000),
        "provider": "stripe",
        "through": "2027-01-01T00:00:00Z",
        "state": state,
        "begun_at": example::at(),
    });
    if state != "begun" {
        payout["ended_at"] = example::at();
    }
    payout
}

pub(super) fn balances() -> Operation {
    Operation::new(TAG, "Read what an organizer is owed")
        .about("Its part of what was sold, less what it took at its own till and what was paid out.")
        .by(&BY)
        .with(&[])
        .reads::<payouts::OwedList>(
            "By currency, in minor units.",
            json!({"organizer": example::ORGANIZER, "items": [{"currency": "EUR", "owed": 1_751_000, "on_the_way": 0}]}),
        )
        .may(&[Code::OrganizerNotFound, Code::InvalidRequest, Code::NotExecuted])
}

pub(super) fn begin() -> Operation {
    Operation::new(TAG, "Begin a payout")
        .about("Money is on its way to the organizer. Who moves it is a person: here it is counted.")
        .by(&[Who::Administrator])
        .keyed()
        .takes::<payouts::PayoutRequest<'_>>(
            json!({"amount": example::money(1_751_000), "provider": "stripe"}),
        )
        .answers::<payouts::PayoutReply<'_>>(201, "It comes off what the organizer is owed.", payout("begun"))
        .may(&[Code::OrganizerNotFound, Code::PayoutExceeded, Code::ProviderUnknown, Code::InvalidRequest])
}

pub(super) fn list() -> Operation {
    Operation::new(TAG, "List payouts")
        .by(&BY)
        .listed("pyo")
        .reads::<payouts::PayoutList<'_>>(
            "The youngest first.",
            json!({"items": [payout("settled")], "next": null}),
        )
        .may(&[Code::OrganizerNotFound, Code::InvalidRequest, Code::NotExecuted])
}

pub(super) fn read() -> Operation {
    Operation::new(TAG, "Read a payout")
        .by(&BY)
        .with(&[])
        .reads::<payouts::PayoutReply<'_>>("How it stands.", payout("begun"))
        .may(&[Code::OrganizerNotFound, Code::PayoutNotFound, Code::InvalidRequest, Code::NotExecuted])
}

pub(super) fn settle() -> Operation {
    ends("Settle a payout")
        .about("It has left the provider's account. What is told first counts.")
        .answers::<payouts::PayoutReply<'_>>(200, "It is settled.", payout("settled"))
}

pub(super) fn fail() -> Operation {
    ends("Give up a payout")
        .about("It did not leave: the organizer is owed it again. What is told first counts.")
        .answers::<payouts::PayoutReply<'_>>(200, "It has failed.", payout("failed"))
}

fn ends(summary: &'static str) -> Operation {
    Operation::new(TAG, summary)
        .by(&[Who::Administrator])
        .may(&[Code::OrganizerNotFound, Code::PayoutNotFound, Code::PayoutEnded, Code::InvalidRequest])
        .may(&[Code::NotExecuted, Code::OutcomeUnknown])
}
