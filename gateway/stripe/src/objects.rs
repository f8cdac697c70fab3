//! What Stripe answers and tells, as far as it is read. Everything may be missing or null.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::names::Metadata;

/// An object, or only its name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expandable<T> {
    Name(String),
    Object(Box<T>),
}

impl<T> Expandable<T> {
    pub(crate) fn object(&self) -> Option<&T> {
        match self {
            Expandable::Object(object) => Some(object),
            Expandable::Name(_) => None,
        }
    }
}

impl Expandable<Intent> {
    pub(crate) fn id(&self) -> &str {
        match self {
            Expandable::Name(name) => name,
            Expandable::Object(object) => &object.id,
        }
    }
}

/// A Checkout Session.
#[derive(Debug, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) url: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) currency: Option<String>,
    pub(crate) payment_intent: Option<Expandable<Intent>>,
}

/// A PaymentIntent.
#[derive(Debug, Deserialize)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) amount: Option<i64>,
    pub(crate) amount_capturable: Option<i64>,
    pub(crate) amount_received: Option<i64>,
    pub(crate) currency: Option<String>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) last_payment_error: Option<ErrorBody>,
    pub(crate) latest_charge: Option<Expandable<Charge>>,
}

/// A charge.
#[derive(Debug, Deserialize)]
pub(crate) struct Charge {
    pub(crate) amount_captured: Option<i64>,
    pub(crate) amount_refunded: Option<i64>,
    pub(crate) captured: Option<bool>,
    pub(crate) currency: Option<String>,
    pub(crate) disputed: Option<bool>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) payment_method_details: Option<MethodDetails>,
    pub(crate) balance_transaction: Option<Expandable<BalanceTransaction>>,
}

/// How it was paid.
#[derive(Debug, Deserialize)]
pub(crate) struct MethodDetails {
    pub(crate) card: Option<CardDetails>,
}

/// Of a card.
#[derive(Debug, Deserialize)]
pub(crate) struct CardDetails {
    /// Until when it can be captured, in seconds.
    pub(crate) capture_before: Option<u64>,
}

/// What a movement of money did to the balance at Stripe.
#[derive(Debug, Deserialize)]
pub(crate) struct BalanceTransaction {
    pub(crate) fee: Option<i64>,
    pub(crate) currency: Option<String>,
}

/// A refund.
#[derive(Debug, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) amount: Option<i64>,
    pub(crate) currency: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) payment_intent: Option<Expandable<Intent>>,
}

/// A dispute.
#[derive(Debug, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) amount: Option<i64>,
    pub(crate) currency: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) payment_intent: Option<Expandable<Intent>>,
    pub(crate) balance_transactions: Option<Vec<BalanceTransaction>>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    pub(crate) has_more: Option<bool>,
}

/// An answer that is an error.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorReply {
    pub(crate) error: ErrorBody,
}

/// What is wrong.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorBody {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) decline_code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) payment_intent: Option<Box<Intent>>,
}

impl ErrorBody {
    /// What is told of it, the most exact word first.
    pub(crate) fn word(&self) -> &str {
        let words = [&self.decline_code, &self.code, &self.kind];
        words.into_iter().flatten().next().map_or("refused", String::as_str)
    }
}

/// A webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) data: Option<EventData>,
}

/// What a webhook is about.
#[derive(Debug, Deserialize)]
pub(crate) struct EventData {
    pub(crate) object: Value,
}

impl EventData {
    /// What kind of object it is.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.object.get("object")?.as_str()
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.object.clone()).ok()
    }
}
