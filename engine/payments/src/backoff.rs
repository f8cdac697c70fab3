//! When something is tried again.

use tessera_inventory::Timestamp;

use crate::PaymentId;
use crate::limits::{AGAIN_MS_MAX, AGAIN_MS_MIN, LOOK_MS_MAX, LOOKS_MS};

/// When a call or an ask is made again that was made `tries` times (1 or more): 1 s, doubled to 5 min, ± 10 %.
pub(crate) fn again_at(id: PaymentId, tries: u32, at: Timestamp) -> Timestamp {
    let doubled = AGAIN_MS_MIN.saturating_mul(1 << tries.saturating_sub(1).min(20));
    at.plus_ms(spread(id, tries, doubled.min(AGAIN_MS_MAX)))
}

/// When a provider is asked again how a payment stands, after `looks` looks.
pub(crate) fn look_at(looks: u32, at: Timestamp) -> Timestamp {
    let position = usize::try_from(looks).unwrap_or(usize::MAX);
    let last = LOOKS_MS[LOOKS_MS.len() - 1];
    let beyond = position.saturating_sub(LOOKS_MS.len() - 1).min(10);
    let ms = LOOKS_MS.get(position).copied().unwrap_or(last << beyond);
    at.plus_ms(ms.min(LOOK_MS_MAX))
}

/// `ms` and up to a tenth more or less, the same for the same try of the same payment: many that failed together do not come again together.
fn spread(id: PaymentId, tries: u32, ms: u64) -> u64 {
    let order = [id.order.0, u64::from(id.attempt), u64::from(tries)];
    let seed = id.event.0.to_be_bytes().into_iter().map(u64::from).chain(order);
    // SplitMix64's finalizer over the parts: any that mixes well will do.
    let mixed = seed.fold(0x9e37_79b9_7f4a_7c15_u64, |mixed, part| {
        let mixed = (mixed ^ part).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (mixed >> 31)
    });
    let tenth = ms / 10;
    ms - tenth + mixed % (2 * tenth + 1)
}

#[cfg(test)]
mod tests {
    use tessera_inventory::{ClaimNumber, EventId};

    use super::*;

    #[test]
    fn pauses_double_to_five_minutes_and_differ_by_a_tenth_at_most() {
        let id = |order| PaymentId { event: EventId(5), order: ClaimNumber(order), attempt: 1 };
        for (tries, ms) in [(1, 1_000), (2, 2_000), (9, 256_000), (10, 300_000), (4_000_000_000, 300_000)] {
            let pauses: Vec<_> = (0..50).map(|order| again_at(id(order), tries, Timestamp(0)).0).collect();
            assert!(pauses.iter().all(|pause| (ms * 9 / 10..=ms * 11 / 10).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().collect::<std::collections::BTreeSet<_>>().len() > 25, "they are spread");
            assert_eq!(again_at(id(3), tries, Timestamp(0)).0, pauses[3], "the same again");
        }
    }

    #[test]
    fn looks_are_soon_at_first_and_an_hour_apart_at_last() {
        let looks: Vec<_> = (0..10).map(|looks| look_at(looks, Timestamp(0)).0 / 1_000).collect();
        assert_eq!(looks, [15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 3_600]);
        assert_eq!(look_at(u32::MAX, Timestamp(0)).0, 3_600_000);
    }
}
