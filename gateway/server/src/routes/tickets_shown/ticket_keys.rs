//! The keys that tickets are signed with.

use actix_web::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tessera_inventory::Timestamp;
use tessera_projections::ticket_keys::KeyChange;
use tessera_tickets::TicketKey;
use utoipa::ToSchema;

use crate::call::Call;
use crate::code::Code;
use crate::instant::Rfc3339;
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;
use crate::routes::Nothing;
use crate::routes::receipts::fresh_seed;

/// The public keys of tickets, oldest first: who has them verifies a QR without a network.
#[derive(Serialize, ToSchema)]
#[schema(as = TicketKeys)]
pub(crate) struct KeysReply {
    keys: Vec<KeyReply>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
#[schema(as = TicketKey)]
pub(crate) struct KeyReply {
    /// The first eight digits are its name in a QR.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    id: String,
    /// `ed25519`
    algorithm: &'static str,
    /// In base64.
    public_key: String,
    valid_from: Rfc3339,
    /// When another went on signing; what it signed stays good. Null while it signs.
    #[schema(required)]
    valid_until: Option<Rfc3339>,
    /// When it was revoked: nothing that it signed is good. Null while it is not.
    #[schema(required)]
    revoked_at: Option<Rfc3339>,
}

impl KeyReply {
    fn of(key: &TicketKey) -> KeyReply {
        let instant = |ms: u64| Rfc3339(Timestamp(ms));
        KeyReply {
            id: key.name(),
            algorithm: "ed25519",
            public_key: STANDARD.encode(key.public()),
            valid_from: instant(key.valid_from_ms),
            valid_until: key.valid_until_ms.map(instant),
            revoked_at: key.revoked_at_ms.map(instant),
        }
    }
}

/// `GET /.well-known/tessera-ticket-keys`
pub(crate) fn read(call: &Call) -> Answer {
    let ring = call.gateway().ticket_keys.ring();
    render::read(call.headers(), &KeysReply { keys: ring.keys.iter().map(KeyReply::of).collect() })
}

/// `POST /v1/ticket-keys`: a new key signs from now on; the newest, where it is that new already.
pub(crate) async fn rotate(call: Call) -> Answer {
    let bytes = call.body().await?;
    json::parse::<Nothing>(&bytes)?;
    let gateway = call.gateway();
    let seed = fresh_seed(&*gateway.environment.random);
    let change = gateway.ticket_keys.rotate(&seed, gateway.now()).await;
    answer(StatusCode::CREATED, change.map_err(|error| problem::store(&error))?, "signs tickets")
}

/// `POST /v1/ticket-keys/{ticket_key}/revoke`
pub(crate) async fn revoke(call: Call) -> Answer {
    let bytes = call.body().await?;
    json::parse::<Nothing>(&bytes)?;
    let gateway = call.gateway();
    let seed = fresh_seed(&*gateway.environment.random);
    let change = gateway.ticket_keys.revoke(call.parameter(0), &seed, gateway.now()).await;
    answer(StatusCode::OK, change.map_err(|error| problem::store(&error))?, "is revoked")
}

fn answer(status: StatusCode, change: KeyChange, what: &str) -> Answer {
    match change {
        KeyChange::Done(key) => {
            tracing::info!(key = key.name(), "a key of tickets {what}");
            render::json(status, &KeyReply::of(&key))
        }
        KeyChange::NoSuchKey => Err(Problem::new(Code::TicketKeyNotFound, "no key of tickets has this name")),
        KeyChange::TooMany => Err(Problem::new(
            Code::InvalidRequest,
            "the installation has had as many keys as its history holds",
        )
        .with("reason", "too_many_keys")),
    }
}
