//! Our names at Razorpay: in the notes of what we make there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use tessera_payments::PaymentId;

const PAYMENT: &str = "tessera_payment";
const REFUND: &str = "tessera_refund";

/// Notes as Razorpay shows them: where there are none it is an empty list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Notes {
    Some(BTreeMap<String, Value>),
    #[allow(dead_code)] // whatever it is
    Other(Value),
}

impl Notes {
    fn get(&self, name: &str) -> Option<&str> {
        match self {
            Notes::Some(notes) => notes.get(name)?.as_str(),
            Notes::Other(_) => None,
        }
    }
}

pub(crate) fn of_payment(payment: PaymentId) -> Value {
    json!({PAYMENT: payment.to_string()})
}

pub(crate) fn of_refund(payment: PaymentId, number: u64) -> Value {
    json!({REFUND: format!("{payment}/{number}")})
}

/// The payment that it belongs to.
pub(crate) fn payment(notes: Option<&Notes>) -> Option<PaymentId> {
    PaymentId::parse(notes?.get(PAYMENT)?)
}

/// The refund that it is.
pub(crate) fn refund(notes: Option<&Notes>) -> Option<(PaymentId, u64)> {
    let (payment, number) = notes?.get(REFUND)?.rsplit_once('/')?;
    Some((PaymentId::parse(payment)?, number.parse().ok()?))
}
