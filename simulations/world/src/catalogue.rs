//! The one event of the world: a small fixed one for named cases, a drawn one for the swarm.

pub(crate) mod crowd;
pub(crate) mod draw;
pub(crate) mod edit;

use tessera_inventory::{
    Category, CategoryId, Config, EntryList, EventId, HoldPolicy, Point, Pool, PoolId, Row, SaleWindow,
    Schedule, Seat, SeatingPolicy, SectionId, Subject, TicketType, TicketTypeId, Timestamp, WaitlistOrder,
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

/// The type that named cases sell out.
pub(crate) const STANDING: TicketTypeId = TicketTypeId(0);
const FLOOR: PoolId = PoolId(0);
/// People of a world.
pub(crate) const SUBJECTS: usize = 16;

/// The `number`th person of the world, counted round; its halves differ, so that mixing them up shows.
pub(crate) fn subject(number: usize) -> Subject {
    let number = (number % SUBJECTS) as u128;
    Subject((number + 1) << 64 | (number * 7 + 3))
}

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
        kind: tessera_inventory::TicketKind::Admission,
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
pub(crate) fn small(capacity: u32) -> Config {
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
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}

/// The same with a line for every type, served in this order, and two entry lists: one for each gate of two, the second for once.
pub(crate) fn lined(capacity: u32, order: WaitlistOrder) -> Config {
    let list = |name: &str, gates: Vec<u16>, re_entry: bool| EntryList {
        name: name.into(),
        gates,
        types: Vec::new(),
        re_entry,
        opens_at: None,
        closes_at: None,
    };
    Config {
        entry: vec![list("doors", vec![0, 1], true), list("side door", vec![2], false)],
        waitlist: Some(Box::new(crowd::line(order))),
        ..small(capacity)
    }
}

/// In mid-sale: more units of the first pool at another price of the first type, and fewer a person.
pub(crate) fn raised(config: &Config) -> Config {
    let mut config = config.clone();
    config.pools[0].capacity += 2;
    let first = &mut config.ticket_types[STANDING.index()];
    first.price_minor += 500;
    first.per_subject_max = Some(6);
    config
}
