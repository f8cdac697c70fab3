//! Answers of peers, for tests.

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tessera_outbound::{Answer, Bytes, Head};

use crate::delivery::Delivery;

/// An answer of this status, with these headers and this body.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Answer {
    let header = |(name, text): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(text).unwrap())
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    let head = Head { status: StatusCode::from_u16(status).unwrap(), headers };
    Answer { head, body: Bytes::from(body.to_string()) }
}

/// What it is, in a word or two.
pub(crate) fn name(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Taken => "taken",
        Delivery::Refused { is_address_dead: true, .. } => "dead",
        Delivery::Refused { .. } => "refused",
        Delivery::Untried { is_address_dead: true, .. } => "untried dead",
        Delivery::Untried { .. } => "untried",
        Delivery::Failed { is_account: true, .. } => "account",
        Delivery::Failed { .. } => "failed",
        Delivery::Busy { is_account: true, .. } => "busy account",
        Delivery::Busy { .. } => "busy",
    }
}
