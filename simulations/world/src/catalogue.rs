//! The one event of the world.

use std::sync::Arc;

use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, Config, EventId, HoldPolicy, IdempotencyKey, LineRequest,
    Payment, Phase, PlaceHold, Pool, PoolId, SaleWindow, Schedule, SeatingPolicy, Subject, Subjects,
    TicketType, TicketTypeId, Want,
};

pub(crate) const EVENT: EventId = EventId(0x77);
/// Wall time at the beginning of every run.
pub(crate) const WALL_BASE_MS: u64 = 1_900_000_000_000;
/// How long a hold and a payment in flight last.
const HOLD_MS: u64 = 60_000;

pub(crate) fn config(capacity: u32) -> Config {
    let standing = TicketType {
        name: "standing".into(),
        price_minor: 2_500,
        window: SaleWindow::default(),
        per_order_min: 1,
        per_order_max: 4,
        per_subject_max: Some(8),
        access_code: None,
        category: None,
        draws_on: vec![PoolId(0)],
    };
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "floor".into(), capacity }],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::from([]),
        channels: Vec::new(),
        ticket_types: vec![standing],
        units_per_subject_max: None,
        hold: HoldPolicy {
            duration_ms: HOLD_MS,
            renewals_max: 2,
            life_ms_max: 3 * HOLD_MS,
            grace_ms: HOLD_MS,
        },
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
    }
}

pub(crate) fn command(authority: Authority, key: u128, body: CommandBody) -> Command {
    let key = IdempotencyKey { digest: key, fingerprint: 1, minted_at: None };
    Command { authority, key: Some(key), body }
}

pub(crate) fn configure(key: u128, capacity: u32) -> Command {
    let body = CommandBody::Configure { expected_version: 0, config: Arc::new(config(capacity)) };
    command(Authority::Organizer, key, body)
}

pub(crate) fn change_phase(key: u128, to: Phase) -> Command {
    command(Authority::Organizer, key, CommandBody::ChangePhase { to })
}

pub(crate) fn place_hold(key: u128, subject: Subject, quantity: u16) -> Command {
    let line = LineRequest {
        ticket_type: Some(TicketTypeId(0)),
        expected_price_minor: None,
        want: Want::Quantity(quantity),
    };
    let body = CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary: subject, extra: Vec::new() },
        lines: vec![line],
        access_code: None,
        channel: None,
        duration_ms: None,
    });
    command(Authority::Subject(subject), key, body)
}

pub(crate) fn confirm(key: u128, order: ClaimNumber) -> Command {
    let payment = Payment::Captured { reference: key };
    command(Authority::System, key, CommandBody::Confirm { order, payment })
}
