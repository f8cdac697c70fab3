//! Identities of payments.

use tessera_inventory::{ClaimNumber, EventId};

/// A provider by its number: 0 nobody (by hand), 1 the sandbox, 2 Stripe, 3 PayPal, 4 Razorpay; others from 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub u16);

/// One attempt to pay an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentId {
    /// Of which event.
    pub event: EventId,
    /// Which order.
    pub order: ClaimNumber,
    /// Its attempts are counted from 1.
    pub attempt: u8,
}
