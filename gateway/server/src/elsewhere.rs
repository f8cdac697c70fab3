//! What a reply says about an event that another node has: how old the mirror is that was read, and where the owner is reached.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use tessera_actors::Published;
use tessera_inventory::EventId;
use tessera_writer::Monotonic;

use crate::call::Call;

/// The age of the mirror that a read was answered from, in milliseconds.
const MIRROR_AGE: HeaderName = HeaderName::from_static("mirror-age-ms");
/// Where the node is reached that has the event, as a URL: a hint for who asks again.
const OWNER: HeaderName = HeaderName::from_static("event-owner");

/// Of one request.
#[derive(Clone, Debug, Default)]
struct Elsewhere {
    mirrored_at: Option<Monotonic>,
    owner: Option<String>,
}

/// The view that a reply is made of, if it is a mirror's.
pub(crate) fn note_view(call: &Call, event: EventId, published: &Published) {
    let Some(mirrored_at) = published.mirrored_at else { return };
    let owner = call.inventory().owner_address(event);
    call.request.extensions_mut().insert(Elsewhere { mirrored_at: Some(mirrored_at), owner });
}

/// Who has decided a command, if it was another node.
pub(crate) fn note_owner(call: &Call, event: EventId) {
    if let Some(owner) = call.inventory().owner_address(event) {
        call.request.extensions_mut().insert(Elsewhere { mirrored_at: None, owner: Some(owner) });
    }
}

/// The headers of the reply.
pub(crate) fn write(request: &HttpRequest, now: Monotonic, headers: &mut HeaderMap) {
    let extensions = request.extensions();
    let Some(Elsewhere { mirrored_at, owner }) = extensions.get::<Elsewhere>() else { return };
    if let Some(mirrored_at) = mirrored_at {
        headers.insert(MIRROR_AGE, HeaderValue::from(now.since_ms(*mirrored_at)));
    }
    if let Some(owner) = owner.as_ref().and_then(|owner| HeaderValue::from_str(owner).ok()) {
        headers.insert(OWNER, owner);
    }
}
