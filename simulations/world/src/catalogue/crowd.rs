//! Lines for those who wait, and entry lists.

use tessera_inventory::{Config, EntryList, TicketKind, TicketTypeId, WaitlistOrder, WaitlistPolicy};

use super::draw::instant;
use crate::prng::Prng;

const SECOND_MS: u64 = 1_000;
/// Gates of the world are numbered below this.
pub(crate) const GATES: u8 = 4;

/// Most entries of a line, how long an offer is good, and for how long units are kept at most, in seconds. Together they are short enough
/// that everybody who waits has had an offer, one after the other, soon after the faults have ceased.
const PACES: [(u32, u64, u64); 3] = [(2, 120, 60), (4, 90, 40), (8, 60, 20)];

/// A line for every type, served in this order.
pub(crate) fn line(order: WaitlistOrder) -> WaitlistPolicy {
    let (entries_max, offer_s, patience_s) = PACES[2];
    WaitlistPolicy {
        order,
        patience_ms: patience_s * SECOND_MS,
        offer_ms: offer_s * SECOND_MS,
        entries_max,
        ..WaitlistPolicy::default()
    }
}

/// Any policy, of an event with so many types.
pub(crate) fn drawn_line(prng: &mut Prng, types: usize) -> WaitlistPolicy {
    let (entries_max, offer_s, patience_s) = PACES[prng.index(PACES.len())];
    let order = if prng.chance(400) { WaitlistOrder::Accumulate } else { WaitlistOrder::Fit };
    let is_listed = prng.chance(200);
    let listed = (0_u16..).take(types).filter(|_| is_listed && prng.chance(700));
    let listed = listed.map(TicketTypeId).collect();
    WaitlistPolicy {
        enabled: prng.chance(950),
        order,
        patience_ms: prng.between(1, patience_s) * SECOND_MS,
        offer_ms: offer_s * SECOND_MS,
        entries_max,
        types: listed,
        price_may_rise: prng.chance(500),
        per_subject_max: 1 + u8::from(prng.chance(400)),
    }
}

/// One or two lists: who comes in where and when, and whether again.
pub(crate) fn drawn_lists(prng: &mut Prng, config: &Config) -> Vec<EntryList> {
    (0..prng.between(1, 2)).map(|number| drawn_list(prng, config, number)).collect()
}

fn drawn_list(prng: &mut Prng, config: &Config, number: u64) -> EntryList {
    let some_gates = prng.chance(600);
    let gates = (0..u16::from(GATES)).filter(|_| some_gates && prng.chance(600)).collect();
    let some_types = prng.chance(400);
    let admits = |id: &u16| {
        let known = config.ticket_types.get(usize::from(*id));
        known.is_some_and(|known| known.kind == TicketKind::Admission)
    };
    let ids = (0_u16..).take(config.ticket_types.len()).filter(admits);
    let types = ids.filter(|_| some_types && prng.chance(700)).map(TicketTypeId).collect();
    let (opens_at, closes_at) =
        (prng.chance(150).then(|| instant(prng)), prng.chance(100).then(|| instant(prng)));
    // What would close before it opens never opens.
    let closes_at = closes_at.filter(|closes| opens_at.is_none_or(|opens| opens < *closes));
    EntryList {
        name: format!("list {number}").into(),
        gates,
        types,
        re_entry: prng.chance(600),
        opens_at,
        closes_at,
    }
}

/// Some edit of what people wait for, or of where they come in.
pub(crate) fn edit(prng: &mut Prng, config: &mut Config) {
    let types = config.ticket_types.len();
    match prng.between(0, 9) {
        0..3 => config.waitlist = Some(Box::new(drawn_line(prng, types))),
        3 => config.waitlist = None,
        4 => config.entry = drawn_lists(prng, config),
        5 => config.entry.clear(),
        other => {
            let Some(policy) = config.waitlist.as_deref_mut() else { return };
            match other {
                6 => policy.enabled = !policy.enabled,
                7 => policy.price_may_rise = !policy.price_may_rise,
                8 => policy.order = WaitlistOrder::Fit,
                // Never sound: there is no such type.
                _ => policy.types = vec![TicketTypeId(u16::MAX)],
            }
        }
    }
}
