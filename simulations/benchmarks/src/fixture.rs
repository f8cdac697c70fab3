//! Events to measure: a standing area of any size, a hall of any size.

use std::sync::Arc;

use tessera_inventory::{
    Authority, Category, CategoryId, Command, CommandBody, Config, Decision, Event, EventId, HoldPolicy,
    IdempotencyKey, Inventory, LineRequest, Phase, PlaceHold, Point, Pool, PoolId, Row, SEAT_LABEL_BYTES_MAX,
    SaleWindow, Schedule, Seat, SeatingPolicy, SectionId, Subject, Subjects, TicketType, TicketTypeId,
    Timestamp, Want, Wishes,
};
use tessera_pricing::{Basis, Fee, Payer, Tariff, Tax, TypeSet};

/// The event that is measured.
pub const EVENT: EventId = EventId(0x0192_f0c1_0000_7000_8000_0000_0000_0001);
/// When it is opened.
pub const SALE_OPENS_AT: Timestamp = Timestamp(1_800_000_000_000);

/// Seats of one block in the measured hall.
const BLOCK_SEATS: usize = 20;
/// Blocks of one row in the measured hall.
const ROW_BLOCKS: usize = 5;
/// Distance of seats and rows, in millimetres.
const PITCH_MM: i32 = 550;

/// A standing area: one pool, one type with a limit per subject.
#[must_use]
pub fn standing(capacity: u32) -> Config {
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "Floor".into(), capacity }],
        categories: vec![],
        sections: vec![],
        rows: Arc::from([]),
        channels: vec![],
        ticket_types: vec![ticket_type("Standing", 0, None, vec![PoolId(0)])],
        units_per_subject_max: Some(8),
        hold: HoldPolicy::default(),
        seating: SeatingPolicy { stranding_allowed: false, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}

/// As [`standing`], at 45.00 under a tariff: a tax inside of the price, and a fee.
#[must_use]
pub fn priced(capacity: u32) -> Config {
    let mut config = standing(capacity);
    config.ticket_types[0].price_minor = 4_500;
    let fee = Fee {
        name: "Service".into(),
        basis: Basis::PerTicket,
        fixed_minor: 150,
        rate_ppm: 25_000,
        min_minor: 0,
        max_minor: None,
        payer: Payer::Buyer,
        taxes: 1,
        types: TypeSet::default(),
        refundable: false,
    };
    config.tariff = Some(Box::new(Tariff {
        taxes: vec![Tax { name: "VAT".into(), rate_ppm: 70_000, included: true }],
        type_taxes: vec![1],
        fees: vec![fee],
        ..Tariff::default()
    }));
    config
}

/// A hall of about `seats` seats in rows of five blocks, one category, no standing area.
#[must_use]
pub fn hall(seats: usize) -> Config {
    let rows = seats.div_ceil(BLOCK_SEATS * ROW_BLOCKS);
    Config {
        categories: vec![Category { name: "Seated".into(), focal_point: Point { x_mm: 0, y_mm: 0 } }],
        sections: vec!["Hall".into()],
        rows: (0..rows).map(hall_row).collect(),
        pools: vec![],
        ticket_types: vec![ticket_type("Seated", 4_500, Some(CategoryId(0)), vec![])],
        ..standing(0)
    }
}

fn ticket_type(
    name: &str,
    price_minor: i64,
    category: Option<CategoryId>,
    draws_on: Vec<PoolId>,
) -> TicketType {
    TicketType {
        name: name.into(),
        price_minor,
        window: SaleWindow::default(),
        per_order_min: 1,
        per_order_max: 8,
        per_subject_max: None,
        access_code: None,
        category,
        draws_on,
        kind: tessera_inventory::TicketKind::Admission,
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // small constants
fn hall_row(row: usize) -> Row {
    let width_mm = (BLOCK_SEATS * ROW_BLOCKS) as i32 * PITCH_MM;
    let seat = |number: usize| Seat {
        label: label(number + 1),
        category: CategoryId(0),
        channel: None,
        position: Point {
            x_mm: number as i32 * PITCH_MM - width_mm / 2,
            y_mm: 5_000 + row as i32 * PITCH_MM,
        },
        accessible: false,
        companion: false,
        restricted_view: false,
    };
    let block = |block: usize| (block * BLOCK_SEATS..(block + 1) * BLOCK_SEATS).map(seat).collect();
    Row {
        section: SectionId(0),
        label: (row + 1).to_string().into(),
        blocks: (0..ROW_BLOCKS).map(block).collect(),
    }
}

fn label(number: usize) -> [u8; SEAT_LABEL_BYTES_MAX] {
    let mut label = [0; SEAT_LABEL_BYTES_MAX];
    let text = number.to_string();
    label[..text.len()].copy_from_slice(text.as_bytes());
    label
}

/// An inventory that is configured and on sale.
///
/// # Panics
/// Where the engine refuses the configuration.
#[must_use]
#[allow(clippy::panic)]
pub fn opened(config: Config) -> Inventory {
    let mut inventory = Inventory::new(EVENT);
    let bodies = [
        CommandBody::Configure { expected_version: 0, config: Arc::new(config) },
        CommandBody::ChangePhase { to: Phase::OnSale },
    ];
    for body in bodies {
        let command = Command { authority: Authority::Organizer, key: None, body };
        match inventory.decide(SALE_OPENS_AT, &command) {
            Ok(Decision::Accepted(body)) => inventory.apply(&Event { at: SALE_OPENS_AT, key: None, body }),
            refused => panic!("the fixture was refused: {refused:?}"),
        }
    }
    inventory
}

/// Spread a counter over 128 bits, as the gateway's keyed hashes are (splitmix64 of both halves).
fn spread(number: u64, salt: u64) -> u128 {
    let half = |seed: u64| {
        let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    u128::from(half(number ^ salt)) << 64 | u128::from(half(number.rotate_left(32) ^ !salt))
}

/// The subject of this number.
#[must_use]
pub fn subject(number: u64) -> Subject {
    Subject(spread(number, 1))
}

fn command(number: u64, line: LineRequest) -> Command {
    let subject = subject(number);
    Command {
        authority: Authority::Subject(subject),
        key: Some(IdempotencyKey { digest: spread(number, 2), fingerprint: number, minted_at: None }),
        body: CommandBody::PlaceHold(PlaceHold {
            subjects: Subjects { primary: subject, extra: vec![] },
            lines: vec![line],
            access_code: None,
            channel: None,
            duration_ms: None,
            promotion: None,
            expected_total_minor: None,
        }),
    }
}

/// A hold of `quantity` standing units, with a key and a subject of its own.
#[must_use]
pub fn hold_command(number: u64, quantity: u16) -> Command {
    let want = Want::Quantity(quantity);
    command(number, LineRequest { ticket_type: Some(TicketTypeId(0)), expected_price_minor: None, want })
}

/// A hold of the best `quantity` seats together, with a key and a subject of its own.
#[must_use]
pub fn together_command(number: u64, quantity: u16) -> Command {
    let want = Want::Together { quantity, wishes: Wishes::default() };
    command(number, LineRequest { ticket_type: Some(TicketTypeId(0)), expected_price_minor: None, want })
}

/// A hold of the best `quantity` seats of any type, in several groups if need be, with a key and a subject of its own.
#[must_use]
pub fn split_command(number: u64, quantity: u16) -> Command {
    let want = Want::Together { quantity, wishes: Wishes { accept_split: true, ..Wishes::default() } };
    command(number, LineRequest { ticket_type: None, expected_price_minor: None, want })
}
