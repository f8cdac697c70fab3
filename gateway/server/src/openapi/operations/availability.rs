//! What is free, and what happens.

use serde_json::json;

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::render::{changes::Item, documents, hall};
use crate::routes::changes;

const TAG: &str = "availability";
const READERS: [Who; 4] = [Who::Anyone, Who::Buyer, Who::Organizer(Scope::EventsRead), Who::Administrator];

pub(super) fn read() -> Operation {
    Operation::new(TAG, "Read the availability")
        .about("Without a credential a cache in between may answer. Ticket types that are sold by a code are left out, except for the organizer.")
        .by(&READERS)
        .reads::<documents::AvailabilityReply<'_>>("What is free.", example::availability())
        .upgrades("A WebSocket follows: a text message with each newest document, at most one a second.")
        .may(&[Code::InvalidRequest])
}

pub(super) fn hall() -> Operation {
    let seat = json!({"index": 0, "label": "1", "category": "Lower tier", "x_mm": -7000, "y_mm": 15000, "accessible": true});
    Operation::new(TAG, "Read the hall")
        .about("It changes only with the configuration; gzip for those who accept it.")
        .by(&READERS)
        .reads::<hall::HallReply<'_>>(
            "The hall.",
            json!({"configuration_version": 1, "sections": ["A"], "categories": ["Lower tier"],
                "rows": [{"section": "A", "label": "1", "blocks": [[seat]]}]}),
        )
        .may(&[Code::InvalidRequest, Code::TooManyStreams])
}

pub(super) fn seat_map() -> Operation {
    Operation::new(TAG, "Read the states of all seats")
        .by(&READERS)
        .reads::<documents::SeatMapReply>(
            "Two bits a seat.",
            json!({"sequence": 1234, "seats": 20, "states": "BQAAAAA="}),
        )
        .may(&[Code::InvalidRequest, Code::TooManyStreams])
}

pub(super) fn changes() -> Operation {
    let page = json!({"items": [example::change()], "next": 1234, "head": 1234});
    let mut operation = Operation::new(TAG, "Read the change feed")
        .about("Units and claims, never holders; dense and resumable. `Accept: text/event-stream` asks for Server-Sent Events with `id: <sequence>`.")
        .by(&READERS)
        .with(&["After", "Limit", "WaitMs", "LastEventId"])
        .answers::<changes::Page<'_>>(200, "A page, or a stream of items.", page)
        .component_of::<Item<'_>>()
        .upgrades("A WebSocket follows: a text message with each item.")
        .may(&[Code::InvalidHeader, Code::InvalidRequest, Code::TooManyStreams]);
    operation.content(
        200,
        "text/event-stream",
        json!({"schema": {"type": "string"},
        "example": format!("retry: 1000\n\nid: 1234\ndata: {}\n\n", example::change())}),
    );
    operation
}
