//! What Razorpay answers and tells, as far as it is read. Everything may be missing or null.

use serde::Deserialize;

use crate::names::Notes;

/// An order.
#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) notes: Option<Notes>,
}

/// A payment link.
#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) short_url: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) notes: Option<Notes>,
}

/// What a buyer did about an order.
#[derive(Debug, Deserialize)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) amount: Option<i64>,
    pub(crate) currency: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) captured: Option<bool>,
    pub(crate) amount_refunded: Option<i64>,
    pub(crate) fee: Option<i64>,
    pub(crate) order_id: Option<String>,
    pub(crate) notes: Option<Notes>,
}

/// A refund.
#[derive(Debug, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) amount: Option<i64>,
    pub(crate) status: Option<String>,
    pub(crate) payment_id: Option<String>,
    pub(crate) notes: Option<Notes>,
}

/// A dispute.
#[derive(Debug, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) payment_id: Option<String>,
    pub(crate) amount: Option<i64>,
    pub(crate) status: Option<String>,
    pub(crate) phase: Option<String>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Collection<T> {
    pub(crate) items: Vec<T>,
}

/// A page of links, which has a name of its own.
#[derive(Debug, Deserialize)]
pub(crate) struct Links {
    pub(crate) payment_links: Vec<Link>,
}

/// An answer that is an error.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorReply {
    pub(crate) error: Option<ErrorBody>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) description: Option<String>,
}

impl tessera_outbound::ErrorReply for ErrorReply {
    fn word(&self) -> &str {
        let Some(error) = &self.error else { return "refused" };
        // A reason that is not known is called so.
        let reason = error.reason.as_deref().filter(|reason| *reason != "NA");
        reason.or(error.code.as_deref()).unwrap_or("refused")
    }

    fn message(&self) -> &str {
        self.error.as_ref().and_then(|error| error.description.as_deref()).unwrap_or_default()
    }
}

/// A webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) payload: Option<Payload>,
}

/// What a webhook is about: one thing, and those that it belongs to.
#[derive(Debug, Deserialize)]
pub(crate) struct Payload {
    pub(crate) payment_link: Option<Entity<Link>>,
    pub(crate) order: Option<Entity<Order>>,
    pub(crate) payment: Option<Entity<Payment>>,
    pub(crate) refund: Option<Entity<Refund>>,
    pub(crate) dispute: Option<Entity<Dispute>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Entity<T> {
    pub(crate) entity: T,
}
