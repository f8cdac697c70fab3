//! The event that the owners of the model fight over: on sale, with one place for everybody who asks.

use std::sync::Arc;

use tessera_inventory::{
    Authority, Command, CommandBody, Config, Decision, Epoch, Event, EventId, HoldPolicy, IdempotencyKey,
    Inventory, LineRequest, Phase, PlaceHold, Pool, PoolId, SaleWindow, Schedule, SeatingPolicy, Sequence,
    Subject, Subjects, TicketType, TicketTypeId, Timestamp, Want,
};
use tessera_records::{encode_record, for_each};
use tessera_writer::{BatchId, Head};

/// Its identity.
pub(crate) const EVENT: EventId = EventId(77);
/// Wall time, in milliseconds; in the model it stands still.
pub(crate) const WALL: Timestamp = Timestamp(10_000_000);
/// Longer than anything that a machine of the model waits for, in milliseconds.
const HOLD_MS: u64 = 15 * 60_000;

/// A buyer, who asks for one place and repeats it under the same key until it is answered.
pub(crate) type Buyer = u8;

/// What a buyer asks.
pub(crate) fn command(buyer: Buyer) -> Command {
    let subject = Subject(u128::from(buyer));
    let line = LineRequest {
        ticket_type: Some(TicketTypeId(0)),
        expected_price_minor: None,
        want: Want::Quantity(1),
    };
    let body = CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary: subject, extra: Vec::new() },
        lines: vec![line],
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    });
    let key = IdempotencyKey { digest: u128::from(buyer), fingerprint: 1, minted_at: None };
    Command { authority: Authority::Subject(subject), key: Some(key), body }
}

/// The buyers whose holds a record holds, with the sequences.
pub(crate) fn placed(record: &[u8]) -> Vec<(Sequence, Buyer)> {
    let mut placed = Vec::new();
    let take = |sequence, event: Event| {
        let buyer = event.key.and_then(|key| Buyer::try_from(key.digest).ok());
        placed.extend(buyer.map(|buyer| (sequence, buyer)));
    };
    match for_each(record, take) {
        Ok(_) => placed,
        Err(_) => Vec::new(),
    }
}

/// The record that puts the event on sale, and the head behind it.
///
/// # Panics
/// If the engine refuses to configure the event: then there is nothing to check.
pub(crate) fn on_sale() -> (Arc<[u8]>, Head) {
    let mut state = Inventory::new(EVENT);
    let configure = CommandBody::Configure { expected_version: 0, config: Arc::new(config()) };
    let mut events = Vec::new();
    for body in [configure, CommandBody::ChangePhase { to: Phase::OnSale }] {
        let command = Command { authority: Authority::Organizer, key: None, body };
        match state.decide(WALL, &command) {
            Ok(Decision::Accepted(body)) => {
                let event = Event { at: WALL, key: None, body };
                state.apply(&event);
                events.push(event);
            }
            other => panic!("the event of the model is refused: {other:?}"),
        }
    }
    let mut record = Vec::new();
    encode_record(Sequence(1), &events, &mut record);
    let chain = Head::GENESIS.chain.extend(&record);
    let head =
        Head { epoch: Epoch(1), sequence: state.sequence(), batch_id: BatchId(1), chain, ..Head::GENESIS };
    (record.into(), head)
}

fn config() -> Config {
    let standing = TicketType {
        name: "standing".into(),
        price_minor: 0,
        window: SaleWindow { opens_at: None, closes_at: None },
        per_order_min: 1,
        per_order_max: 1,
        per_subject_max: None,
        access_code: None,
        category: None,
        draws_on: vec![PoolId(0)],
        kind: tessera_inventory::TicketKind::Admission,
    };
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "floor".into(), capacity: 1 }],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::from([]),
        channels: Vec::new(),
        ticket_types: vec![standing],
        units_per_subject_max: None,
        hold: HoldPolicy { duration_ms: HOLD_MS, renewals_max: 0, life_ms_max: HOLD_MS, grace_ms: HOLD_MS },
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}
