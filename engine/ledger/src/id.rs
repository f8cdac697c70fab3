//! The identity of an entry: what it is about.

use tessera_inventory::{ClaimNumber, EventId, Sequence};

/// The identity of an entry: a hash of what it is about, so that a cause that is repeated finds its entry there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u128);

impl EntryId {
    /// Of what the log of an event says at this sequence.
    #[must_use]
    pub fn of_log(event: EventId, sequence: Sequence) -> EntryId {
        hashed("log", &[&event.0.to_be_bytes(), &sequence.0.to_be_bytes()])
    }

    /// Of what a provider says of an attempt to pay. `what` is the name of the fact, `mark` what tells it from others of that name: the
    /// provider's id of a refund or dispute, or the amount that is reached with it.
    #[must_use]
    pub fn of_payment(
        (event, order, attempt): (EventId, ClaimNumber, u8),
        what: &'static str,
        mark: &[u8],
    ) -> EntryId {
        let parts: [&[u8]; 4] = [&event.0.to_be_bytes(), &order.0.to_be_bytes(), &[attempt], mark];
        hashed(what, &parts)
    }

    /// Of a step of a payout: 1 begun, 2 done, 3 failed.
    #[must_use]
    pub fn of_payout(payout: u128, step: u8) -> EntryId {
        hashed("payout", &[&payout.to_be_bytes(), &[step]])
    }
}

/// BLAKE3 of the parts, each behind its length, so that no two lists of parts have the same bytes.
fn hashed(what: &str, parts: &[&[u8]]) -> EntryId {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(what.as_bytes()).chain(parts.iter().copied()) {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    EntryId(u128::from_be_bytes(first))
}

impl std::fmt::Debug for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "entry:{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_something_else_has_another_id_and_the_same_has_the_same() {
        let (event, order) = (EventId(7), ClaimNumber(3));
        let all = [
            EntryId::of_log(event, Sequence(3)),
            EntryId::of_log(event, Sequence(4)),
            EntryId::of_payment((event, order, 1), "captured", b"1"),
            EntryId::of_payment((event, order, 2), "captured", b"1"),
            EntryId::of_payment((event, order, 1), "captured", b"2"),
            EntryId::of_payment((event, order, 1), "fee", b"1"),
            EntryId::of_payout(7, 1),
            EntryId::of_payout(7, 2),
        ];
        let distinct: std::collections::BTreeSet<_> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(EntryId::of_log(event, Sequence(3)), all[0]);
        assert_eq!(format!("{:?}", all[0]), "entry:874c79735c6a36c5262eb22593bc1a68", "ids are stored");
    }
}
