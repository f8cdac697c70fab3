//! Webhooks out.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::Nothing;
use crate::routes::webhook_deliveries::{DeliveryList, Ping, Replay, ReplayRequest};
use crate::routes::webhook_endpoints::{
    EndpointItem, EndpointRequest, Made, SecretRequest, WebhookEndpointList,
};

const TAG: &str = "webhooks";
const READERS: [Who; 2] = [Who::Organizer(Scope::EventsRead), Who::Administrator];
const WRITERS: [Who; 2] = [Who::Organizer(Scope::WebhooksWrite), Who::Administrator];

fn request() -> Value {
    json!({"url": "https://box-office.example/tessera", "types": ["order.confirmed"], "events": [], "enabled": true})
}

fn endpoint() -> Value {
    json!({"id": example::WEBHOOK_ENDPOINT, "organizer": example::ORGANIZER, "url": "https://box-office.example/tessera", "types": ["order.confirmed"],
        "events": [], "enabled": true, "created_at": example::at(), "told_since": example::at(), "pending": 0, "catching_up": false, "secrets": [{"valid_until": null}]})
}

fn made() -> Value {
    let mut made = endpoint();
    made["secret"] = "whsec_…".into();
    made
}

pub(super) fn make() -> Operation {
    Operation::new(TAG, "Make a webhook endpoint")
        .about(
            "The secret is shown this once. `Idempotency-Key` is ignored: each call makes another endpoint. One that the administrator makes is told of the events that the administrator made; every other is made by its organizer.",
        )
        .by(&WRITERS)
        .takes::<EndpointRequest<'_>>(request())
        .answers::<Made<'_>>(201, "The endpoint.", made())
        .may(&[Code::InvalidRequest])
}

pub(super) fn list() -> Operation {
    let cursor = json!({"name": "cursor", "in": "query", "description": "The `next` of the page before.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{1,32}-[0-9a-f]{1,32}$"}});
    Operation::new(TAG, "List webhook endpoints")
        .about("The organizer's own; the administrator's list has everyone's.")
        .by(&READERS)
        .taking(cursor)
        .with(&["Limit"])
        .reads::<WebhookEndpointList<'_>>(
            "A page of endpoints.",
            json!({"items": [endpoint()], "next": null}),
        )
}

pub(super) fn read() -> Operation {
    Operation::new(TAG, "Read a webhook endpoint")
        .by(&READERS)
        .reads::<EndpointItem<'_>>("The endpoint.", endpoint())
        .may(&[Code::WebhookEndpointNotFound])
}

pub(super) fn replace() -> Operation {
    Operation::new(TAG, "Change a webhook endpoint")
        .about("It is as the body says, secrets aside. To enable it again forgives what failed; what waits goes on, and where that is more than 50,000 messages, it is told of nothing new before.")
        .by(&WRITERS)
        .takes::<EndpointRequest<'_>>(request())
        .answers::<EndpointItem<'_>>(200, "The endpoint.", endpoint())
        .may(&[Code::WebhookEndpointNotFound])
}

pub(super) fn remove() -> Operation {
    Operation::new(TAG, "Remove a webhook endpoint")
        .about("What waits for it goes, too.")
        .by(&WRITERS)
        .reply(204, "It is removed.", &["X-Request-Id"], None)
        .may(&[Code::WebhookEndpointNotFound])
}

pub(super) fn rotate() -> Operation {
    Operation::new(TAG, "Sign with a new secret from now on")
        .about("For `overlap_s` seconds the old one signs, too: `webhook-signature` has both.")
        .by(&WRITERS)
        .takes::<SecretRequest>(json!({}))
        .answers::<Made<'_>>(201, "The endpoint, with its new secret.", made())
        .may(&[Code::WebhookEndpointNotFound])
}

pub(super) fn deliveries() -> Operation {
    let state = json!({"name": "state", "in": "query",
        "description": "Those that have ended, the youngest first; or those that wait, the oldest first.",
        "schema": {"type": "string", "enum": ["finished", "pending"], "default": "finished"}});
    let cursor = json!({"name": "cursor", "in": "query", "description": "The `next` of the page before.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{1,16}-[0-9a-f]{1,32}-[0-9a-f]{1,16}-[0-9a-f]{1,16}$"}});
    let delivery = json!({"message": example::MESSAGE, "type": "order.confirmed", "event": example::EVENT, "sequence": 1236,
        "state": "delivered", "since": example::at(), "attempts": 1, "last_attempt": {"at": example::at(), "status": 204}});
    Operation::new(TAG, "List deliveries to a webhook endpoint")
        .about("The last 1000 that have ended are kept.")
        .by(&READERS)
        .taking(state)
        .taking(cursor)
        .with(&["Limit"])
        .reads::<DeliveryList>("A page of deliveries.", json!({"items": [delivery], "next": null}))
        .may(&[Code::WebhookEndpointNotFound])
}

pub(super) fn replay() -> Operation {
    Operation::new(TAG, "Send messages again")
        .about("One by its id, or what the log of an event says after a sequence or since a time: up to 1000, and where to go on.")
        .by(&WRITERS)
        .takes::<ReplayRequest<'_>>(json!({"event": example::EVENT, "after": 1200}))
        .answers::<Replay>(202, "They are going to be sent.", json!({"messages": 36, "next": null}))
        .may(&[Code::WebhookEndpointNotFound, Code::EventNotFound, Code::InvalidRequest])
}

pub(super) fn ping() -> Operation {
    Operation::new(TAG, "Test a webhook endpoint")
        .about("It is sent a message of type `ping`.")
        .by(&WRITERS)
        .takes::<Nothing>(json!({}))
        .answers::<Ping>(
            202,
            "It is going to be sent.",
            json!({"message": "msg_ping_7b_5rs9a8d2vkfm5bqk2j4q4y6h0c"}),
        )
        .may(&[Code::WebhookEndpointNotFound, Code::InvalidRequest])
}
