//! The nodes of a cluster.

use serde_json::json;

use super::example::NODE;
use super::{Operation, Who, example};
use crate::code::Code;
use crate::routes::nodes;

const TAG: &str = "operation";

pub(super) fn list() -> Operation {
    let node = json!({
        "id": NODE, "name": "node1", "state": "serving", "peer_address": "node1:7443", "client_address": "https://node1.example",
        "release": "0.1.0", "owned_events": 12, "beat_age_ms": 380, "lease_ms": 3000,
    });
    Operation::new(TAG, "List the nodes")
        .about("As the node that is asked sees them. A server that is alone has none.")
        .by(&[Who::Administrator])
        .answers::<nodes::NodeList>(
            200,
            "The nodes.",
            json!({"me": NODE, "is_doubtful": false, "items": [node]}),
        )
}

pub(super) fn drain() -> Operation {
    Operation::new(TAG, "Drain a node")
        .about("It hands its events to others and takes none until it is started anew; as a way to the others it goes on.")
        .by(&[Who::Administrator])
        .answers::<nodes::Draining>(202, "It has been told.", json!({"id": NODE, "state": "draining"}))
        .may(&[Code::NodeNotFound, Code::InvalidRequest])
}

pub(super) fn move_event() -> Operation {
    Operation::new(TAG, "Move an event to another node")
        .about("Its owner finishes the turn under way and gives it away.")
        .by(&[Who::Administrator])
        .takes::<nodes::MoveRequest>(json!({"node": NODE}))
        .answers::<nodes::Moving>(
            202,
            "Its owner has been told.",
            json!({"event": example::EVENT, "node": NODE}),
        )
        .may(&[Code::NodeNotFound, Code::InvalidRequest])
}
