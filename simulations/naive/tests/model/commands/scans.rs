//! Uploads of three devices: mostly what is new to a device, at times all or a part of what it told before, or with a gap.

use proptest::prelude::*;
use proptest::sample::select;
use tessera_inventory::{Authority, ClaimNumber, CommandBody, Scan, TicketRef, Timestamp};
use tessera_naive::Model;

const MINUTE_MS: u64 = 60_000;

pub(super) fn record(model: &Model, now: Timestamp) -> BoxedStrategy<(CommandBody, Authority)> {
    let mut known = vec![(ClaimNumber(model.sequence() + 1), 0, 0)];
    for claim in model.claims.values() {
        for (index, ticket) in (0_u16..).zip(&claim.tickets) {
            known.push((ClaimNumber(claim.number), index, ticket.generation));
        }
    }
    let of_device: Vec<u64> =
        (0..4).map(|device| model.scans.get(&device).map_or(0, |scans| scans.len() as u64)).collect();
    // A clock may be wrong either way.
    let at = (0..8 * MINUTE_MS).prop_map(move |ago| Timestamp(now.0 + MINUTE_MS - ago));
    let flags = (prop::bool::weighted(0.7), prop::bool::weighted(0.85), 0_u8..8);
    let one = (select(known), at, 0_u16..4, flags).prop_map(
        |((order, index, generation), at, gate, (inward, admitted, older))| Scan {
            number: 0,
            at,
            gate,
            ticket: TicketRef { order, index },
            generation: generation.saturating_sub(u8::from(older == 0)),
            inward,
            admitted,
            list: None,
        },
    );
    let device = prop_oneof![1 => Just(0_u32), 20 => 1_u32..4];
    let shift = prop_oneof![12 => Just(0_i64), 4 => -3_i64..3];
    (device, shift, prop::collection::vec(one, 0..5), 0_u8..30)
        .prop_map(move |(device, shift, mut scans, broken)| {
            let next = of_device[device as usize] + 1;
            let first = next.saturating_add_signed(shift);
            for (at, scan) in (0..).zip(&mut scans) {
                scan.number = first + if broken == 0 { 2 * at } else { at };
            }
            (CommandBody::RecordScans { device, scans }, Authority::Scanner)
        })
        .boxed()
}
