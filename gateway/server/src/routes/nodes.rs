//! The nodes of a cluster, for administrators: who is there, drain one, move an event.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_actors::{NodeError, NodeStatus};
use tessera_cluster::{NodeId, Standing};
use utoipa::ToSchema;

use crate::call::Call;
use crate::code::Code;
use crate::ids::{self, IdText, Kind};
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// The cluster, as the node that was asked sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeList {
    /// The node that answers; null while it has no registration, and for a server that is alone.
    #[schema(required)]
    me: Option<IdText>,
    /// Whether that node could not renew its lease for its whole length.
    is_doubtful: bool,
    items: Vec<NodeReply>,
}

/// A node.
#[derive(Serialize, ToSchema)]
#[schema(as = Node)]
pub(crate) struct NodeReply {
    /// Of this registration: another one at every start.
    id: IdText,
    name: String,
    /// `serving`, `draining` or `evicted`
    state: &'static str,
    /// Where other nodes reach it.
    peer_address: String,
    /// Where clients may reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_address: Option<String>,
    release: String,
    /// Events that it owned at its last beat.
    owned_events: u32,
    /// How long ago the node that answers first saw its last beat, in milliseconds.
    beat_age_ms: u64,
    lease_ms: u64,
}

/// A node that hands its events over.
#[derive(Serialize, ToSchema)]
pub(crate) struct Draining {
    id: IdText,
    /// `draining`
    state: &'static str,
}

/// Where an event goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveRequest {
    /// The node that is to own it.
    #[schema(pattern = "^nod_")]
    node: String,
}

/// An event on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct Moving {
    event: IdText,
    /// To whom.
    node: IdText,
}

/// `GET /v1/nodes`
pub(crate) fn list(call: &Call) -> Answer {
    let cluster = call.gateway().platform.cluster().unwrap_or_default();
    let reply = NodeList {
        me: cluster.me.map(id),
        is_doubtful: cluster.is_doubtful,
        items: cluster.nodes.into_iter().map(node).collect(),
    };
    render::json(StatusCode::OK, &reply)
}

/// `POST /v1/nodes/{node}/drain`: it hands its events to others, and takes none until it is started anew.
pub(crate) fn drain(call: &Call) -> Answer {
    let node = parse(call.parameter(0))?;
    call.gateway().platform.drain_node(node).map_err(|error| refused(&error))?;
    render::json(StatusCode::ACCEPTED, &Draining { id: id(node), state: standing(Standing::Draining) })
}

/// `POST /v1/events/{event}/move`: its owner gives it to another node.
pub(crate) async fn move_event(call: Call) -> Answer {
    let event = call.event()?;
    let bytes = call.body().await?;
    let request: MoveRequest = json::parse(&bytes)?;
    let node = parse(&request.node)?;
    call.gateway().platform.move_event(event, node).await.map_err(|error| refused(&error))?;
    render::json(StatusCode::ACCEPTED, &Moving { event: ids::event(event), node: id(node) })
}

fn id(node: NodeId) -> IdText {
    IdText::new(Kind::Node, node.0)
}

fn parse(text: &str) -> Result<NodeId, Problem> {
    ids::parse(Kind::Node, text).map(NodeId).ok_or_else(not_found)
}

fn node(status: NodeStatus) -> NodeReply {
    NodeReply {
        id: id(status.node),
        name: status.name,
        state: standing(status.standing),
        peer_address: status.peer_address,
        client_address: status.client_address,
        release: status.release,
        owned_events: status.owned_events,
        beat_age_ms: status.beat_age_ms,
        lease_ms: status.lease_ms,
    }
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Serving => "serving",
        Standing::Draining => "draining",
        Standing::Evicted => "evicted",
    }
}

fn refused(error: &NodeError) -> Problem {
    let reason = match error {
        NodeError::NodeNotFound => return not_found(),
        NodeError::Store(error) => return problem::store(error),
        NodeError::Alone => "no_cluster",
        NodeError::NotServing => "not_serving",
        NodeError::NotOwned => "not_owned",
    };
    Problem::new(Code::InvalidRequest, error.to_string()).with("reason", reason)
}

fn not_found() -> Problem {
    Problem::new(Code::NodeNotFound, "there is no node of this id; a node has another one at every start")
}
