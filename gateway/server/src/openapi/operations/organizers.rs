//! What is agreed with organizers, and what they are owed.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::{statements, terms};

const TAG: &str = "organizers";
const BY: [Who; 2] = [Who::Organizer(Scope::EventsRead), Who::Administrator];

fn agreed() -> Value {
    json!({
        "organizer": example::ORGANIZER,
        "version": 2,
        "commission": "2.5",
        "commission_fixed": 20,
        "commission_returned": true,
        "fees": [{"name": "Platform", "per": "ticket", "fixed": 100, "rate": "0", "min": 0, "refundable": false}],
        "disputes_borne_by": "organizer",
        "refunds_by_hand": false,
    })
}

pub(super) fn terms() -> Operation {
    Operation::new(TAG, "Read an organizer's terms")
        .about("What the platform takes, and who bears what is lost.")
        .by(&BY)
        .with(&[])
        .reads::<terms::TermsReply>("Those that count now.", agreed())
        .may(&[Code::OrganizerNotFound, Code::InvalidRequest, Code::NotExecuted])
}

pub(super) fn replace_terms() -> Operation {
    Operation::new(TAG, "Agree on other terms with an organizer")
        .about("They count from now on; the commission and the fees, for configurations that come in from now on.")
        .by(&[Who::Administrator])
        .takes::<terms::TermsRequest<'_>>(json!({
            "expected_version": 1,
            "commission": "2.5",
            "commission_fixed": 20,
            "commission_returned": true,
            "fees": [{"name": "Platform", "per": "ticket", "fixed": 100}],
            "disputes_borne_by": "organizer",
        }))
        .answers::<terms::TermsReply>(200, "They count.", agreed())
        .may(&[Code::OrganizerNotFound, Code::InvalidRequest, Code::StaleVersion])
        .may(&[Code::NotExecuted, Code::OutcomeUnknown])
}

pub(super) fn statement() -> Operation {
    let parameter = |name: &str, required: bool, description: &str, example: &str| {
        json!({
            "name": name, "in": "query", "required": required, "description": description,
            "schema": {"type": "string"}, "example": example,
        })
    };
    let payable = |amount: i64| json!([{"account": "payable", "amount": amount}]);
    let entry = json!({
        "at": example::at(),
        "fact": "sold",
        "event": example::EVENT,
        "order": example::ORDER,
        "postings": [
            {"account": "in_flight", "detail": 1, "amount": 18_000},
            {"account": "payable", "amount": -18_000},
        ],
    });
    let mut operation = Operation::new(TAG, "Read a statement")
        .about("Opening balances, every entry, closing balances: debit positive, so what an organizer is owed is negative. As CSV for who prefers `text/csv`, a line a posting.")
        .by(&BY)
        .taking(parameter("currency", true, "Of this currency.", "EUR"))
        .taking(parameter("from", true, "From this time on.", "2027-01-01T00:00:00Z"))
        .taking(parameter("until", false, "Before this time; absent: now.", "2027-02-01T00:00:00Z"))
        .with(&[])
        .reads::<statements::Statement>(
            "With 10,000 entries it ends, at `until`, and the next one goes on at `next_from`, which is absent in the last one.",
            json!({
                "organizer": example::ORGANIZER,
                "currency": "EUR",
                "from": "2027-01-01T00:00:00Z",
                "until": "2027-02-01T00:00:00Z",
                "opening": payable(-1_000),
                "entries": [entry],
                "closing": payable(-19_000),
            }),
        );
    operation.content(200, "text/csv", json!({"schema": {"type": "string"}}));
    operation.may(&[Code::OrganizerNotFound, Code::InvalidRequest, Code::NotExecuted, Code::TooManyStreams])
}

pub(super) fn trial() -> Operation {
    Operation::new(TAG, "Read the trial balance")
        .about("What all accounts of all organizers come to.")
        .by(&[Who::Administrator])
        .with(&[])
        .reads::<statements::TrialBalance>(
            "By currency; each sums to zero.",
            json!({"items": [{"currency": "EUR", "accounts": [
                {"account": "provider", "detail": 1, "amount": 18_000}, {"account": "payable", "amount": -18_000},
            ], "sum": 0}]}),
        )
        .may(&[Code::InvalidRequest, Code::NotExecuted])
}
