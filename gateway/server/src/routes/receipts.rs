//! Receipts, checkpoints, and the keys that verify them.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use serde::{Deserialize, Serialize};
use tessera_actors::{Random, ReceiptAnswer};
use tessera_projections::receipts::Rotation;
use tessera_proof::ReceiptId;
use utoipa::ToSchema;

use crate::accept;
use crate::call::Call;
use crate::caller::Reader;
use crate::code::Code;
use crate::ids::{self, Kind};
use crate::limits::RECEIPT_RETRY_AFTER_S;
use crate::problem::{self, Problem};
use crate::receipt::{KeysDocument, PublicKeyDocument, ReceiptDocument};
use crate::render;
use crate::render::receipt_page;
use crate::router::Answer;

/// A receipt that is being signed.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceiptPending)]
pub(crate) struct NotYet<'a> {
    receipt: &'a str,
    state: &'static str,
}

/// `GET /v1/events/{event}/receipts/{receipt}`
pub(crate) async fn read(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let owns = reader.owns(&call, event).await?;
    call.published(event, owns).await?;
    let absent = || Problem::new(Code::ReceiptNotFound, "nothing proves a decision of this name");
    let bits = ids::parse(Kind::Receipt, call.parameter(1)).ok_or_else(absent)?;
    let id = ReceiptId::of_event(event.0, bits).ok_or_else(absent)?;
    let answer = call.inventory().receipt(event, id.place).await.map_err(|error| problem::store(&error))?;
    match answer {
        ReceiptAnswer::Proven(receipt) => {
            let mut response = if accept::prefers(&call.request, "text/html") {
                receipt_page::response(call.headers(), &receipt)
            } else {
                render::read(call.headers(), &ReceiptDocument::of(&receipt))
            }?;
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
            Ok(response)
        }
        ReceiptAnswer::NotYet => not_yet(call.parameter(1)),
        ReceiptAnswer::Unknown => Err(absent()),
    }
}

fn not_yet(receipt: &str) -> Answer {
    let mut response = render::json(StatusCode::ACCEPTED, &NotYet { receipt, state: "not_signed_yet" })?;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RECEIPT_RETRY_AFTER_S));
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointsQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

/// A page of checkpoints.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckpointList)]
pub(crate) struct Checkpoints {
    items: Vec<CheckpointItem>,
    next: u64,
    head: u64,
}

/// A signed statement about all decisions so far.
#[derive(Serialize, ToSchema)]
#[schema(as = Checkpoint)]
struct CheckpointItem {
    page: u64,
    checkpoint: String,
}

/// `GET /v1/events/{event}/checkpoints`
pub(crate) async fn checkpoints(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let query: CheckpointsQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let owns = reader.owns(&call, event).await?;
    call.published(event, owns).await?;
    let found = call.inventory().checkpoints(event, query.after, limit).await;
    let (pages, head) = found.map_err(|error| problem::store(&error))?;
    let items: Vec<_> =
        pages.into_iter().map(|(page, checkpoint)| CheckpointItem { page, checkpoint }).collect();
    let next = items.last().map_or(query.after, |last| last.page);
    render::read(call.headers(), &Checkpoints { items, next, head })
}

/// `GET /.well-known/tessera-keys`
pub(crate) fn keys(call: &Call) -> Answer {
    let signer = &call.gateway().signer;
    render::read(call.headers(), &KeysDocument::of(signer.installation(), &signer.public_keys()))
}

/// `POST /v1/receipt-keys`: a new key signs from now on; the newest, where it is that new already.
pub(crate) async fn rotate(call: Call) -> Answer {
    let bytes = call.body().await?;
    crate::json::parse::<super::Nothing>(&bytes)?;
    let gateway = call.gateway();
    let seed = fresh_seed(&*gateway.environment.random);
    match gateway.signer.rotate(&seed, gateway.now()).await.map_err(|error| problem::store(&error))? {
        Rotation::Done(key) => {
            tracing::info!(key = key.id(), "receipts are signed with the newest key");
            render::json(StatusCode::CREATED, &PublicKeyDocument::of(&key))
        }
        Rotation::TooMany => Err(Problem::new(
            Code::InvalidRequest,
            "the installation has had as many keys as its history holds",
        )
        .with("reason", "too_many_keys")),
    }
}

/// Randomness for a signing key.
pub(crate) fn fresh_seed(random: &dyn Random) -> [u8; 32] {
    let mut seed = [0; 32];
    for half in seed.chunks_mut(16) {
        half.copy_from_slice(&random.bits().to_be_bytes());
    }
    seed
}
