//! The door: who has bought shows its first ticket there.

use serde_json::{Value, from_slice, json};
use tessera_demo::tally::Operation as Command;
use tessera_demo::wire::{Order, ShownTicket};
use tessera_verdict::recording::Asked;

use crate::notes::Request;
use crate::visitor::Visitor;

/// Read the first ticket of an order, and show its QR at the door.
pub(crate) async fn enter(visitor: &mut Visitor, order: &str) {
    let Some((ticket, qr)) = first_ticket(visitor, order).await else { return };
    let body = json!({ "scan": qr, "gate": 1 }).to_string();
    visitor.scan(Command::CheckIn, Asked::CheckIn { ticket }, body).await;
}

/// The first ticket of a paid order, and the text of its QR.
async fn first_ticket(visitor: &mut Visitor, order: &str) -> Option<(String, Value)> {
    let reply = visitor.read_own(Request::Order, &format!("/orders/{order}")).await?;
    let ticket = from_slice::<Order>(&reply.body).ok()?.tickets.into_iter().next()?.id;
    let reply = visitor.read_own(Request::Order, &format!("/tickets/{ticket}")).await?;
    let shown: ShownTicket = from_slice(&reply.body).ok()?;
    Some((ticket, shown.qr?.into()))
}
