//! Tickets as they are shown, and the keys that verify them.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::router::Route;
use crate::routes::Nothing;
use crate::routes::tickets_shown::{self, design, ticket_keys};

const TAG: &str = "tickets";
/// Who may see what the order's buyer may, and holders of its tickets.
const HOLDERS: [Who; 4] =
    [Who::Buyer, Who::HoldSecret, Who::Organizer(Scope::EventsRead), Who::Administrator];

/// What the document says of a route of this heading.
pub(super) fn of(route: Route) -> Option<Operation> {
    Some(match route {
        Route::ReadTicket => read(),
        Route::ReadTicketQrSvg => qr_svg(),
        Route::ReadTicketQrPng => qr_png(),
        Route::ReadTicketsPdf => tickets_pdf(),
        Route::ReadCalendar => calendar(),
        Route::ReadTicketDesign => design(),
        Route::ReplaceTicketDesign => replace_design(),
        Route::ReadTicketKeys => keys(),
        Route::RotateTicketKey => rotate_key(),
        Route::RevokeTicketKey => revoke_key(),
        other => return super::entry::of(other),
    })
}

fn read() -> Operation {
    let shown = json!({
        "id": example::TICKET, "order": example::ORDER, "ticket_type": "Lower tier",
        "seat": {"section": "A", "row": "1", "seat": "4"}, "generation": 0, "refunded": false, "qr": example::qr(),
        "pdf": format!("/v1/events/{}/orders/{}/tickets.pdf", example::EVENT, example::ORDER),
        "calendar": format!("/v1/events/{}/orders/{}/calendar.ics", example::EVENT, example::ORDER),
    });
    Operation::new(TAG, "Read a ticket and the text of its QR")
        .about("For who holds it, and for the organizer. The QR verifies offline, by the keys of tickets; it is the same whenever it is asked for, until a transfer or a new key.")
        .by(&HOLDERS)
        .reads::<tickets_shown::ShownReply<'_>>("The ticket.", shown)
        .may(&[Code::TicketNotFound])
}

fn picture(media_type: &str, summary: &'static str) -> Operation {
    Operation::new(TAG, summary)
        .by(&HOLDERS)
        .tagged("The picture.", json!({media_type: {"schema": {"type": "string"}}}))
        .may(&[Code::TicketNotFound, Code::TicketRefunded])
}

fn qr_svg() -> Operation {
    picture("image/svg+xml", "Read the QR of a ticket as an SVG")
}

fn qr_png() -> Operation {
    picture("image/png", "Read the QR of a ticket as a PNG")
}

fn file(media_type: &str, summary: &'static str, about: &'static str) -> Operation {
    Operation::new(TAG, summary)
        .about(about)
        .by(&HOLDERS)
        .tagged("The file.", json!({media_type: {"schema": {"type": "string"}}}))
        .may(&[Code::OrderNotFound, Code::WrongState])
}

fn tickets_pdf() -> Operation {
    file(
        "application/pdf",
        "Read the tickets of an order as a PDF",
        "A page for each ticket of the order that the caller holds; the organizer gets all. What was refunded is left out.",
    )
    .may(&[Code::TicketRefunded, Code::TooManyStreams])
}

fn calendar() -> Operation {
    file(
        "text/calendar",
        "Read the calendar file of an order",
        "The event, for the calendar of who holds a ticket of the order.",
    )
}

fn design_example() -> Value {
    json!({"logo": null, "note": "Doors open one hour before."})
}

fn design() -> Operation {
    Operation::new(TAG, "Read how the tickets of an event look")
        .by(&[Who::Organizer(Scope::EventsRead), Who::Administrator])
        .reads::<design::DesignReply<'_>>("The design.", design_example())
}

fn replace_design() -> Operation {
    Operation::new(TAG, "Replace how the tickets of an event look")
        .about("The logo is a PNG or a JPEG of at most 65,536 bytes and 262,144 pixels.")
        .by(&[Who::Organizer(Scope::EventsWrite), Who::Administrator])
        .takes::<design::DesignRequest<'_>>(json!({"note": "Doors open one hour before."}))
        .or_nothing()
        .answers::<design::DesignReply<'_>>(200, "The design.", design_example())
        .may(&[Code::TooManyStreams])
}

fn key() -> Value {
    json!({"id": "1f2e3d4c5b6a7988", "algorithm": "ed25519", "public_key": "A".repeat(43) + "=", "valid_from": example::at(),
        "valid_until": null, "revoked_at": null})
}

fn keys() -> Operation {
    Operation::new(TAG, "Read the public keys of tickets")
        .about("With their history: what a key signed stays good until the key is revoked.")
        .by(&[Who::Anyone])
        .reads::<ticket_keys::KeysReply>("The keys.", json!({"keys": [key()]}))
}

fn rotate_key() -> Operation {
    Operation::new(TAG, "Sign tickets with a new key from now on")
        .about(
            "Tickets of before stay good. Within a minute of the last rotation the newest key is answered.",
        )
        .by(&[Who::Administrator])
        .takes::<Nothing>(json!({}))
        .answers::<ticket_keys::KeyReply>(201, "The new key.", key())
        .may(&[Code::InvalidRequest])
}

fn revoke_key() -> Operation {
    Operation::new(TAG, "Revoke a key of tickets")
        .about("What it signed is refused from now on; whoever holds such a ticket shows it again, signed by another key. To do it twice is to do it once.")
        .by(&[Who::Administrator])
        .takes::<Nothing>(json!({}))
        .answers::<ticket_keys::KeyReply>(200, "The key that was revoked.", key())
        .may(&[Code::TicketKeyNotFound, Code::InvalidRequest])
}
