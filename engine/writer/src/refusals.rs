//! A small best-effort memory of refusals: a delayed duplicate of a refused request is refused again for a while.
//!
//! It is no part of the state: it is lost with the writer, and a slot may be taken by another key.

use tessera_inventory::{IdempotencyKey, Rejection, Sequence};

use crate::{Monotonic, REFUSAL_KEPT_MS, REFUSALS_MAX};

#[derive(Debug)]
struct Refusal {
    digest: u128,
    fingerprint: u64,
    until: Monotonic,
    sequence: Sequence,
    rejection: Rejection,
}

/// One slot per low bits of the key's digest, which is a keyed hash: nobody can aim at a slot.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    slots: Vec<Option<Refusal>>,
}

impl Refusals {
    pub(crate) fn find(&self, key: &IdempotencyKey, now: Monotonic) -> Option<(Sequence, Rejection)> {
        let refusal = self.slots.get(slot(key.digest))?.as_ref()?;
        let same = refusal.digest == key.digest && refusal.fingerprint == key.fingerprint;
        (same && now < refusal.until).then(|| (refusal.sequence, refusal.rejection.clone()))
    }

    pub(crate) fn keep(
        &mut self,
        key: &IdempotencyKey,
        now: Monotonic,
        sequence: Sequence,
        rejection: &Rejection,
    ) {
        if self.slots.is_empty() {
            self.slots.resize_with(REFUSALS_MAX, || None);
        }
        self.slots[slot(key.digest)] = Some(Refusal {
            digest: key.digest,
            fingerprint: key.fingerprint,
            until: now.plus_ms(REFUSAL_KEPT_MS),
            sequence,
            rejection: rejection.clone(),
        });
    }
}

#[allow(clippy::cast_possible_truncation)] // the low bits are what is wanted
const fn slot(digest: u128) -> usize {
    digest as usize & (REFUSALS_MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::Refusals;
    use crate::{Monotonic, REFUSALS_MAX};
    use tessera_inventory::{IdempotencyKey, Rejection, Sequence};

    fn key(digest: u128, fingerprint: u64) -> IdempotencyKey {
        IdempotencyKey { digest, fingerprint, minted_at: None }
    }

    #[test]
    fn the_same_key_and_body_find_their_refusal_for_a_minute() {
        let mut refusals = Refusals::default();
        let at = Monotonic(1_000);
        refusals.keep(&key(7, 1), at, Sequence(3), &Rejection::HoldNotFound);
        let found = Some((Sequence(3), Rejection::HoldNotFound));
        assert_eq!(refusals.find(&key(7, 1), at.plus_ms(59_999)), found);
        assert_eq!(refusals.find(&key(7, 1), at.plus_ms(60_000)), None, "after a minute");
        assert_eq!(refusals.find(&key(7, 2), at), None, "another body");
        assert_eq!(
            refusals.find(&key(7 + REFUSALS_MAX as u128, 1), at),
            None,
            "another key of the same slot"
        );
    }
}
