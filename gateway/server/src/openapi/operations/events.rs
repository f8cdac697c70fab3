//! Events, their configuration, phases and units: the organizer's.

use serde_json::json;

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::{channels, configuration, events, phases, units};

const TAG: &str = "events";
const READ: [Who; 2] = [Who::Organizer(Scope::EventsRead), Who::Administrator];
const WRITE: [Who; 2] = [Who::Organizer(Scope::EventsWrite), Who::Administrator];

pub(super) fn create() -> Operation {
    Operation::new(TAG, "Create an event")
        .about("Its key is remembered as long as the event.")
        .by(&WRITE)
        .keyed()
        .takes::<events::CreateRequest<'_>>(json!({"name": "Club night", "starts_at": "2027-03-01T20:00:00Z",
            "zone": "Europe/Berlin", "configuration": example::venue()}))
        .answers::<events::EventReply<'_>>(201, "The event.", example::event())
        .may(&[
            Code::InvalidConfiguration,
            Code::InvalidRequest,
            Code::StaleVersion,
            Code::WrongPhase,
            Code::EventNotFound,
        ])
}

pub(super) fn list() -> Operation {
    Operation::new(TAG, "List events")
        .about("The organizer's own, oldest first; the administrator's list has everyone's.")
        .by(&READ)
        .listed("evt")
        .reads::<events::EventList<'_>>(
            "A page of events.",
            json!({"items": [example::listed_event()], "next": null}),
        )
}

pub(super) fn read() -> Operation {
    Operation::new(TAG, "Read an event")
        .about("Drafts are there for their organizer only.")
        .by(&[Who::Anyone, Who::Buyer, READ[0], READ[1]])
        .reads::<events::EventReply<'_>>("The event.", example::event())
}

pub(super) fn replace() -> Operation {
    Operation::new(TAG, "Replace what people are told of an event")
        .about(
            "What is left out is removed. Who has tickets hears of another date or place, and has them anew.",
        )
        .by(&WRITE)
        .takes::<events::ReplaceRequest<'_>>(
            json!({"name": "Club night", "starts_at": "2027-03-01T20:00:00Z",
            "zone": "Europe/Berlin"}),
        )
        .answers::<events::EventReply<'_>>(200, "The event.", example::event())
        .may(&[Code::InvalidRequest])
}

pub(super) fn configure() -> Operation {
    Operation::new(TAG, "Replace the configuration")
        .by(&WRITE)
        .keyed()
        .takes::<configuration::ReplaceRequest<'_>>(
            json!({"expected_version": 0, "configuration": example::venue()}),
        )
        .answers::<configuration::Replaced>(200, "It was accepted.", json!({"version": 1, "sequence": 1}))
        .may(&[Code::InvalidConfiguration, Code::InvalidRequest, Code::StaleVersion, Code::WrongPhase])
}

pub(super) fn read_configuration() -> Operation {
    Operation::new(TAG, "Read the configuration").by(&READ).reads::<configuration::Configuration<'_>>(
        "The configuration as it was sent; version 0 and null before the first.",
        json!({"version": 1, "configuration": example::venue(), "sequence": 2}),
    )
}

pub(super) fn change_phase() -> Operation {
    Operation::new(TAG, "Change the phase")
        .by(&WRITE)
        .keyed()
        .takes::<phases::PhaseRequest>(json!({"to": "on_sale"}))
        .answers::<phases::Changed>(200, "It is in this phase.", json!({"phase": "on_sale", "sequence": 2}))
        .may(&[Code::WrongPhase, Code::InvalidRequest])
}

fn units_changed(summary: &'static str) -> Operation {
    Operation::new(TAG, summary)
        .about("Units of a pool (`pool`, `quantity`), or `seats`.")
        .by(&WRITE)
        .keyed()
        .takes::<units::UnitsRequest<'_>>(json!({"pool": "Floor", "quantity": 10}))
        .answers::<units::Changed<'_>>(
            200,
            "The same units.",
            json!({"pool": "Floor", "quantity": 10, "sequence": 7}),
        )
        .may(&[Code::WrongPhase, Code::InvalidRequest])
}

pub(super) fn kill() -> Operation {
    units_changed("Withdraw units from sale").may(&[Code::SoldOut, Code::SeatsTaken])
}

pub(super) fn restore() -> Operation {
    units_changed("Give withdrawn units back").may(&[Code::NothingToRestore, Code::SeatsTaken])
}

pub(super) fn release_channel() -> Operation {
    Operation::new(TAG, "Give what is left of a channel to everyone")
        .by(&WRITE)
        .keyed()
        .takes::<crate::routes::Nothing>(json!({}))
        .answers::<channels::Released<'_>>(
            200,
            "It is released.",
            json!({"channel": "Sponsor", "sequence": 8}),
        )
        .may(&[Code::WrongPhase, Code::InvalidRequest])
}
