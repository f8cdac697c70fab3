//! Requests, made by the builders of `async-stripe`. What is created says the same whenever it is asked for again: the amount, our name, and
//! what the buyer's contact says; never a time.

use std::str::FromStr;

use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, CreateCheckoutSessionPaymentIntentDataCaptureMethod,
    ExpireCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_client_core::{RequestBuilder, StripeRequest};
use stripe_core::dispute::ListDispute;
use stripe_core::payment_intent::{
    CancelPaymentIntent, CapturePaymentIntent, CreatePaymentIntent,
    CreatePaymentIntentAutomaticPaymentMethods, RetrievePaymentIntent,
};
use stripe_core::refund::{CreateRefund, ListRefund};
use stripe_shared::{CheckoutSessionMode, PaymentIntentCaptureMethod};
use tessera_ledger::Currency;
use tessera_payments::PaymentId;

use crate::money::lower;
use crate::names;

/// Refunds of one page; disputes likewise, of which there are few.
const PAGE: i64 = 100;
/// The charge of a PaymentIntent, and what Stripe took for it.
const CHARGE: &str = "latest_charge.balance_transaction";

/// What is to be paid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price {
    pub(crate) payment: PaymentId,
    pub(crate) currency: Currency,
    /// As Stripe counts it.
    pub(crate) amount: i64,
}

/// A page to pay at, from which the buyer goes to `return_url`.
pub(crate) fn create_session(price: Price, return_url: &str, email: Option<&str>) -> RequestBuilder {
    let name = format!("Tickets, order {}", price.payment.order.0);
    let line = CreateCheckoutSessionLineItems {
        quantity: Some(1),
        price_data: Some(CreateCheckoutSessionLineItemsPriceData {
            unit_amount: Some(price.amount),
            product_data: Some(ProductData::new(name)),
            ..CreateCheckoutSessionLineItemsPriceData::new(currency(price.currency))
        }),
        ..CreateCheckoutSessionLineItems::new()
    };
    let intent = CreateCheckoutSessionPaymentIntentData {
        capture_method: Some(CreateCheckoutSessionPaymentIntentDataCaptureMethod::Manual),
        metadata: Some(names::of_payment(price.payment)),
        ..CreateCheckoutSessionPaymentIntentData::new()
    };
    let session = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .client_reference_id(price.payment.to_string())
        .metadata(names::of_payment(price.payment))
        .line_items(vec![line])
        .payment_intent_data(intent)
        .success_url(return_url)
        .cancel_url(return_url);
    match email {
        Some(email) => session.customer_email(email).build(),
        None => session.build(),
    }
}

/// A PaymentIntent for a front-end of one's own.
pub(crate) fn create_intent(price: Price) -> RequestBuilder {
    CreatePaymentIntent::new(price.amount, currency(price.currency))
        .capture_method(PaymentIntentCaptureMethod::Manual)
        .automatic_payment_methods(CreatePaymentIntentAutomaticPaymentMethods::new(true))
        .metadata(names::of_payment(price.payment))
        .build()
}

pub(crate) fn session(id: &str) -> RequestBuilder {
    RetrieveCheckoutSession::new(id).expand(vec![format!("payment_intent.{CHARGE}")]).build()
}

pub(crate) fn intent(id: &str) -> RequestBuilder {
    RetrievePaymentIntent::new(id).expand(vec![CHARGE.to_owned()]).build()
}

pub(crate) fn expire(session: &str) -> RequestBuilder {
    ExpireCheckoutSession::new(session).build()
}

pub(crate) fn capture(intent: &str) -> RequestBuilder {
    CapturePaymentIntent::new(intent).build()
}

pub(crate) fn cancel(intent: &str) -> RequestBuilder {
    CancelPaymentIntent::new(intent).build()
}

pub(crate) fn refund(intent: &str, payment: PaymentId, number: u64, amount: i64) -> RequestBuilder {
    CreateRefund::new()
        .payment_intent(intent)
        .amount(amount)
        .metadata(names::of_refund(payment, number))
        .build()
}

/// Refunds of a PaymentIntent, the newest first, beyond one that was seen.
pub(crate) fn refunds(intent: &str, after: Option<&str>) -> RequestBuilder {
    let list = ListRefund::new().payment_intent(intent).limit(PAGE);
    match after {
        Some(after) => list.starting_after(after).build(),
        None => list.build(),
    }
}

/// Disputes of a PaymentIntent.
pub(crate) fn disputes(intent: &str) -> RequestBuilder {
    ListDispute::new().payment_intent(intent).limit(PAGE).build()
}

/// Every text is a currency: Stripe refuses what it does not know.
fn currency(currency: Currency) -> stripe_types::Currency {
    let Ok(currency) = stripe_types::Currency::from_str(&lower(currency));
    currency
}
