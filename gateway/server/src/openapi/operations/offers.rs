//! What is sold, as lists.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::offers::{ChannelList, KillList, PoolList, TicketTypeList};
use crate::routes::promotion_codes::CodeList;

const TAG: &str = "availability";
const READERS: [Who; 4] = [Who::Anyone, Who::Buyer, Who::Organizer(Scope::EventsRead), Who::Administrator];
const ORGANIZER: [Who; 2] = [Who::Organizer(Scope::EventsRead), Who::Administrator];

pub(super) fn ticket_types() -> Operation {
    let item = json!({"name": "Standing", "price": example::money(4500), "open": true, "available": 4000, "per_order_min": 1,
        "per_order_max": 6, "draws_on": ["Floor"], "by_code": false});
    Operation::new(TAG, "List ticket types")
        .about("Those that are sold by a code are left out, except for the organizer.")
        .by(&READERS)
        .reads::<TicketTypeList<'_>>("All of them.", json!({"items": [item], "sequence": 1234}))
        .may(&[Code::InvalidRequest])
}

pub(super) fn pools() -> Operation {
    let item =
        json!({"name": "Floor", "capacity": 5000, "free": 4000, "held": 600, "sold": 400, "killed": 0});
    Operation::new(TAG, "List pools")
        .by(&READERS)
        .reads::<PoolList<'_>>("All of them.", json!({"items": [item], "sequence": 1234}))
        .may(&[Code::InvalidRequest])
}

pub(super) fn channels() -> Operation {
    let allotment = json!({"pool": "Floor", "quantity": 200, "left": 150, "held": 10, "sold": 40});
    let item = json!({"name": "Sponsor", "allotments": [allotment], "release_at": example::at()});
    Operation::new(TAG, "List channels")
        .about("With what is set aside for each, what of it is held and sold, and what is left.")
        .by(&ORGANIZER)
        .reads::<ChannelList<'_>>("All of them.", json!({"items": [item], "sequence": 1234}))
        .may(&[Code::InvalidRequest])
}

fn cursor() -> Value {
    json!({"name": "cursor", "in": "query", "description": "The `next` of the page before.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,9}$"}})
}

pub(super) fn promotion_codes() -> Operation {
    let promotion = json!({"name": "promotion", "in": "query", "required": true,
        "description": "The code of the promotion.", "schema": {"type": "string", "minLength": 1}, "example": "FRIENDS"});
    let item = json!({"number": 0, "code": "FRIENDS-0-3f9ac1d20b7e5846"});
    Operation::new("events", "List single-use codes of a promotion")
        .about("Whoever has such a code uses it as `promotion` of a hold, once. They are always the same.")
        .by(&[Who::Organizer(Scope::EventsWrite), Who::Administrator])
        .taking(promotion)
        .taking(cursor())
        .with(&["Limit"])
        .reads::<CodeList>("A page of codes, by number.", json!({"items": [item], "next": "50"}))
        .may(&[Code::InvalidRequest])
}

pub(super) fn kills() -> Operation {
    Operation::new(TAG, "List what is withdrawn from sale")
        .by(&ORGANIZER)
        .taking(cursor())
        .with(&["Limit"])
        .reads::<KillList<'_>>(
            "Units of pools, and a page of seats.",
            json!({"pools": [{"pool": "Floor", "quantity": 10}], "seats": [4, 5], "next": null, "sequence": 1234}),
        )
        .may(&[Code::InvalidRequest])
}
