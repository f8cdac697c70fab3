//! Identities of payments.

use std::fmt;

use tessera_inventory::{ClaimNumber, EventId};

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

/// Our name for a payment at its provider: 32 hexadecimal digits of the event, the order and the attempt, with hyphens between.
impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{}-{}", self.event.0, self.order.0, self.attempt)
    }
}

impl PaymentId {
    /// The payment of this name, as [`fmt::Display`] writes it.
    #[must_use]
    pub fn parse(name: &str) -> Option<PaymentId> {
        let mut parts = name.splitn(3, '-');
        let event = u128::from_str_radix(parts.next()?, 16).ok()?;
        let order = parts.next()?.parse().ok()?;
        let attempt = parts.next()?.parse().ok()?;
        let id = PaymentId { event: EventId(event), order: ClaimNumber(order), attempt };
        (id.to_string() == name).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_has_one_name() {
        let id = PaymentId { event: EventId(0xabc), order: ClaimNumber(17), attempt: 3 };
        let name = "00000000000000000000000000000abc-17-3";
        assert_eq!(id.to_string(), name);
        assert_eq!(PaymentId::parse(name), Some(id));
        for other in [
            "",
            "abc-17-3",
            "00000000000000000000000000000ABC-17-3",
            "00000000000000000000000000000abc-17-03",
            "x-1-1",
        ] {
            assert_eq!(PaymentId::parse(other), None, "{other}");
        }
    }
}
