//! The contact of an order, found by whoever placed it: so that all that a person said can be erased.
//!
//! - key: (kind, subject, event, number of the order)
//! - value: empty; the contact is under [`super::PaymentContactKey`]
//! - mutability: written with the contact, removed with it

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, Subject};
use uuid::Uuid;

use super::{KeyKind, PaymentContactKey, foreign, parts, range_of};
use crate::StoreError;

/// Key of one contact of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentContactBySubjectKey {
    /// Who placed the order.
    pub subject: Subject,
    /// At which order.
    pub contact: PaymentContactKey,
}

impl PaymentContactBySubjectKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let PaymentContactKey { event, order } = self.contact;
        let (subject, event) = (Uuid::from_u128(self.subject.0), Uuid::from_u128(event.0));
        pack(&(KeyKind::PaymentContactBySubject.number(), subject, event, order.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PaymentContactBySubjectKey, StoreError> {
        let (kind, subject, event, order): (u16, Uuid, Uuid, u64) =
            parts(key, KeyKind::PaymentContactBySubject)?;
        if kind != KeyKind::PaymentContactBySubject.number() {
            return Err(foreign(key, KeyKind::PaymentContactBySubject));
        }
        let contact = PaymentContactKey { event: EventId(event.as_u128()), order: ClaimNumber(order) };
        Ok(PaymentContactBySubjectKey { subject: Subject(subject.as_u128()), contact })
    }

    /// All of a subject: `begin <= key < end`.
    #[must_use]
    pub fn range(subject: Subject) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::PaymentContactBySubject.number(), Uuid::from_u128(subject.0)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_contacts_of_its_subject() {
        let contact = PaymentContactKey { event: EventId(42), order: ClaimNumber(300) };
        let key = PaymentContactBySubjectKey { subject: Subject(9), contact };
        assert_eq!(PaymentContactBySubjectKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = PaymentContactBySubjectKey::range(key.subject);
        assert!(begin <= key.pack() && key.pack() < end);
        let other = PaymentContactBySubjectKey { subject: Subject(10), ..key };
        assert!(other.pack() >= end);
        assert!(PaymentContactBySubjectKey::unpack(&contact.pack()).is_err());
    }
}
