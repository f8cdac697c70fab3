//! Replies, rendered from events and views. A repeated command renders the same event again: the same bytes.

pub(crate) mod changes;
pub(crate) mod claim;
pub(crate) mod documents;
pub(crate) mod hall;
pub(crate) mod quote;
pub(crate) mod receipt_page;
mod receipt_words;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use tessera_inventory::Config;
use utoipa::ToSchema;

use crate::ids::IdText;
use crate::problem::{self, Problem};

/// Room for most replies.
const REPLY_BYTES: usize = 512;

/// The currency of an event, as text.
#[must_use]
pub(crate) fn currency(config: &Config) -> &str {
    std::str::from_utf8(&config.currency).unwrap_or_default()
}

/// Money as the API writes it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Money<'a> {
    /// Minor units.
    amount: i64,
    /// ISO 4217.
    currency: &'a str,
}

impl<'a> Money<'a> {
    pub(crate) fn new(amount: i64, config: &'a Config) -> Money<'a> {
        Money { amount, currency: currency(config) }
    }

    /// In this currency.
    pub(crate) const fn of(amount: i64, currency: &'a str) -> Money<'a> {
        Money { amount, currency }
    }
}

/// A reply with a JSON body that no cache may keep.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<HttpResponse, Problem> {
    let mut bytes = Vec::with_capacity(REPLY_BYTES);
    serde_json::to_writer(&mut bytes, body).map_err(|error| problem::internal(error.to_string()))?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(bytes))
}

/// The reply to a read: with a strong entity tag over its bytes, or 304 when the client has them.
pub(crate) fn read<T: Serialize>(headers: &HeaderMap, body: &T) -> Result<HttpResponse, Problem> {
    let mut bytes = Vec::with_capacity(REPLY_BYTES);
    serde_json::to_writer(&mut bytes, body).map_err(|error| problem::internal(error.to_string()))?;
    let etag = documents::etag_of(&bytes);
    documents::cacheable(headers, &etag, "no-store", || Ok(BoxBody::new(bytes)))
}

/// What every reply to a decision says besides its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Whether it was made before, under the same key.
    pub(crate) replayed: bool,
    /// The name of its receipt, where receipts are given.
    pub(crate) receipt: Option<IdText>,
}

#[derive(Serialize)]
struct Marked<'a, T> {
    #[serde(flatten)]
    body: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<IdText>,
}

/// What every reply to a decision has, besides its own members.
#[derive(ToSchema)]
#[allow(dead_code)] // it is rendered by `Marked`
pub(crate) struct Receipted {
    /// The name of the receipt that proves the decision; absent where this server gives none.
    #[schema(nullable = false, pattern = "^rct_")]
    receipt: Option<String>,
}

/// The reply to a decision: with the name of its receipt, and marked when it was made before.
pub(crate) fn decision<T: Serialize>(
    status: StatusCode,
    mark: Mark,
    body: &T,
) -> Result<HttpResponse, Problem> {
    let mut response = json(status, &Marked { body, receipt: mark.receipt })?;
    if mark.replayed {
        response
            .headers_mut()
            .insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    }
    Ok(response)
}
