//! The one event of the world.

use std::sync::Arc;

use tessera_inventory::{
    Authority, Category, CategoryId, ClaimNumber, Command, CommandBody, Config, EventId, HoldPolicy,
    IdempotencyKey, LineRequest, Payment, Phase, PlaceHold, Point, Pool, PoolId, RefundedUnits, Row,
    SaleWindow, Schedule, Seat, SeatIndex, SeatingPolicy, SectionId, Subject, Subjects, TicketRef,
    TicketType, TicketTypeId, Timestamp, Units, Want,
};

pub(crate) const EVENT: EventId = EventId(0x77);
/// Wall time at the beginning of every run.
pub(crate) const WALL_BASE_MS: u64 = 1_900_000_000_000;
/// How long a hold and a payment in flight last.
const HOLD_MS: u64 = 60_000;
/// When the scheduled sale opens, after the beginning of the run.
const ON_SALE_MS: u64 = 1_000;
/// When the late type begins to sell, and when it ceases.
const LATE_MS: (u64, u64) = (15_000, 200_000);
/// Rows, and seats of each.
const ROWS: u8 = 2;
const SEATS_PER_ROW: u8 = 5;

pub(crate) const STANDING: TicketTypeId = TicketTypeId(0);
pub(crate) const LATE: TicketTypeId = TicketTypeId(1);
pub(crate) const SEATED: TicketTypeId = TicketTypeId(2);
pub(crate) const FLOOR: PoolId = PoolId(0);

fn ticket_type(name: &str, price_minor: i64, draws_on: Vec<PoolId>) -> TicketType {
    TicketType {
        name: name.into(),
        price_minor,
        window: SaleWindow::default(),
        per_order_min: 1,
        per_order_max: 4,
        per_subject_max: Some(8),
        access_code: None,
        category: None,
        draws_on,
    }
}

fn row(number: u8) -> Row {
    let y_mm = i32::from(number) * 1_000;
    let seat = |at: u8| Seat {
        label: [b'1' + at, 0, 0, 0, 0, 0, 0, 0],
        category: CategoryId(0),
        channel: None,
        position: Point { x_mm: i32::from(at) * 500, y_mm },
        accessible: false,
        companion: false,
        restricted_view: false,
    };
    let label = char::from(b'A' + number).to_string().into();
    Row { section: SectionId(0), label, blocks: Box::new([(0..SEATS_PER_ROW).map(seat).collect()]) }
}

/// A standing floor, a type from it that sells for a part of the run only, and two rows of seats.
fn config(capacity: u32) -> Config {
    let opening = |ms: u64| Some(Timestamp(WALL_BASE_MS + ms));
    let late = SaleWindow { opens_at: opening(LATE_MS.0), closes_at: opening(LATE_MS.1) };
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "floor".into(), capacity }],
        categories: vec![Category {
            name: "stalls".into(),
            focal_point: Point { x_mm: 1_000, y_mm: -2_000 },
        }],
        sections: vec!["hall".into()],
        rows: (0..ROWS).map(row).collect(),
        channels: Vec::new(),
        ticket_types: vec![
            ticket_type("standing", 2_500, vec![FLOOR]),
            TicketType { window: late, ..ticket_type("late", 1_500, vec![FLOOR]) },
            TicketType { category: Some(CategoryId(0)), ..ticket_type("seated", 4_000, Vec::new()) },
        ],
        units_per_subject_max: None,
        hold: HoldPolicy {
            duration_ms: HOLD_MS,
            renewals_max: 2,
            life_ms_max: 3 * HOLD_MS,
            grace_ms: HOLD_MS,
        },
        seating: SeatingPolicy { stranding_allowed: false, companions_max: 1, accessible_released: false },
        schedule: Schedule { on_sale_at: opening(ON_SALE_MS), ..Schedule::default() },
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

/// In mid-sale: more standing units at another price, and fewer a person.
pub(crate) fn configure_again(key: u128, capacity: u32) -> Command {
    let mut config = config(capacity + 2);
    let standing = &mut config.ticket_types[STANDING.index()];
    standing.price_minor += 500;
    standing.per_subject_max = Some(6);
    let body = CommandBody::Configure { expected_version: 1, config: Arc::new(config) };
    command(Authority::Organizer, key, body)
}

pub(crate) fn change_phase(key: u128, to: Phase) -> Command {
    command(Authority::Organizer, key, CommandBody::ChangePhase { to })
}

/// A standing unit and a seat, which are withdrawn and brought back.
pub(crate) fn units() -> [Units; 2] {
    [Units::Pool { pool: FLOOR, quantity: 1 }, Units::Seats(vec![SeatIndex(u32::from(SEATS_PER_ROW))])]
}

/// Some seats beside one another, by two numbers of whatever size.
pub(crate) fn seats(place: usize, quantity: u16) -> Want {
    let count = u32::from(ROWS * SEATS_PER_ROW);
    let first = u32::try_from(place).unwrap_or(0) % count;
    Want::Seats((first..(first + u32::from(quantity)).min(count)).map(SeatIndex).collect())
}

pub(crate) fn place_hold(key: u128, subject: Subject, ticket_type: TicketTypeId, want: Want) -> Command {
    let line = LineRequest { ticket_type: Some(ticket_type), expected_price_minor: None, want };
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

/// The first ticket of an order is given back.
pub(crate) fn refund(key: u128, order: ClaimNumber, units: RefundedUnits) -> Command {
    command(Authority::Organizer, key, CommandBody::RefundTickets { order, tickets: vec![0], units })
}

/// The first ticket of an order is handed on.
pub(crate) fn transfer(key: u128, order: ClaimNumber, from: Subject, to: Subject) -> Command {
    let body = CommandBody::TransferTicket { ticket: TicketRef { order, index: 0 }, to };
    command(Authority::Subject(from), key, body)
}
