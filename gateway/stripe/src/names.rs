//! Our names at Stripe: in the metadata of what we make there, one entry each, so that a request that is repeated has the same bytes.

use std::collections::{BTreeMap, HashMap};

use tessera_payments::PaymentId;

/// The entry that has our name for a payment: on sessions, PaymentIntents and the charges of these.
const PAYMENT: &str = "tessera_payment";
/// The entry that has our name for a refund: the payment's, and its number behind a slash.
const REFUND: &str = "tessera_refund";

/// Metadata as Stripe shows it.
pub(crate) type Metadata = BTreeMap<String, Option<String>>;

pub(crate) fn of_payment(payment: PaymentId) -> HashMap<String, String> {
    HashMap::from([(PAYMENT.to_owned(), payment.to_string())])
}

pub(crate) fn of_refund(payment: PaymentId, number: u64) -> HashMap<String, String> {
    HashMap::from([(REFUND.to_owned(), format!("{payment}/{number}"))])
}

/// The payment that it belongs to.
pub(crate) fn payment(metadata: Option<&Metadata>) -> Option<PaymentId> {
    PaymentId::parse(metadata?.get(PAYMENT)?.as_deref()?)
}

/// The refund that it is.
pub(crate) fn refund(metadata: Option<&Metadata>) -> Option<(PaymentId, u64)> {
    let (payment, number) = metadata?.get(REFUND)?.as_deref()?.rsplit_once('/')?;
    Some((PaymentId::parse(payment)?, number.parse().ok()?))
}
