//! Tickets: handing them on, and the door.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::{check_ins, tickets};

const TAG: &str = "tickets";

pub(super) fn transfer() -> Operation {
    Operation::new(TAG, "Hand a ticket on")
        .about("The code before dies; the receiver finds the ticket in its own list of orders.")
        .by(&[Who::Buyer, Who::HoldSecret])
        .keyed()
        .takes::<tickets::TransferRequest<'_>>(json!({"to": "customer-4711"}))
        .answers::<tickets::Transferred>(
            200,
            "It belongs to the receiver.",
            json!({"id": example::TICKET, "generation": 1, "sequence": 1243}),
        )
        .may(&[Code::TicketNotFound, Code::TicketRefunded, Code::AlreadyCheckedIn, Code::TransfersExhausted])
        .may(&[
            Code::WrongState,
            Code::WrongPhase,
            Code::InvalidRequest,
            Code::OrderNotFound,
            Code::InDispute,
        ])
}

fn scan(summary: &'static str) -> Operation {
    let scanned: Value = json!({"ticket": example::TICKET, "gate": 4, "at": example::at(), "sequence": 1250});
    Operation::new(TAG, summary)
        .about("By `scan`, the text of the ticket's QR, or by `ticket` and `code`.")
        .by(&[Who::Organizer(Scope::CheckInsWrite), Who::Administrator])
        .keyed()
        .takes::<check_ins::ScanRequest<'_>>(json!({"scan": example::qr(), "gate": 4}))
        .answers::<check_ins::Scanned>(200, "It is done.", scanned)
        .may(&[
            Code::TicketNotFound,
            Code::CodeRevoked,
            Code::WrongKind,
            Code::TicketExpired,
            Code::TicketRefunded,
            Code::WrongState,
            Code::WrongPhase,
        ])
        .may(&[Code::InvalidRequest])
}

pub(super) fn check_in() -> Operation {
    scan("Let a ticket in").may(&[
        Code::AlreadyCheckedIn,
        Code::NotAdmittedHere,
        Code::NoReEntry,
        Code::InDispute,
    ])
}

pub(super) fn check_out() -> Operation {
    scan("Let a ticket out").may(&[Code::NotCheckedIn])
}
