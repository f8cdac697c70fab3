//! One POST of a message.

use std::io;

use tessera_outbound::{Bytes, Client, Head, Method, NoAnswer, Request};

use super::signature::Signed;
use crate::limits::WEBHOOK_DEADLINE;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// Posts a message; what was answered besides status and headers is not read.
pub(super) async fn post(
    client: &Client,
    url: &str,
    signed: &Signed,
    payload: Vec<u8>,
) -> Result<Head, io::Error> {
    let timestamp = signed.timestamp.to_string();
    let headers = [
        ("content-type", "application/json"),
        (ID, signed.id.as_str()),
        (TIMESTAMP, timestamp.as_str()),
        (SIGNATURE, signed.signature.as_str()),
    ];
    let request = Request {
        method: Method::POST,
        url,
        headers: &headers,
        body: Bytes::from(payload),
        // Its identity says to the receiver that it is the same.
        may_repeat: true,
        deadline: WEBHOOK_DEADLINE,
    };
    client.tell(&request).await.map_err(|error| match error {
        NoAnswer::NotSent(error) | NoAnswer::NotAnswered(error) => error,
    })
}
