//! Configurations that the cases sell.

use std::sync::Arc;

use tessera_inventory::{
    AccessCode, Category, CategoryId, Channel, ChannelId, Config, HoldPolicy, Point, Pool, PoolId, Row,
    SaleWindow, Schedule, SeatingPolicy, SectionId, TicketKind, TicketType,
};

/// A pool of 10, `standing` at 20.00 from it (at most 4 an order).
pub(crate) fn standing() -> Config {
    Config {
        currency: *b"EUR",
        pools: vec![pool("floor", 10)],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::new([]),
        channels: Vec::new(),
        ticket_types: vec![ticket_type("standing", 2_000, &[0])],
        units_per_subject_max: None,
        hold: HoldPolicy::default(),
        seating: SeatingPolicy { stranding_allowed: false, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}

/// One section, two categories: `front` at 50.00 is a row of 8 seats (0 to 7), `back` at 30.00 a row of 8 (8 to 15) whose
/// first is a wheelchair space and whose second a companion seat; beside the standing floor.
pub(crate) fn seated() -> Config {
    let mut config = standing();
    config.sections = vec!["Hall".into()];
    config.categories = vec![category("front", 0), category("back", 1_000)];
    config.rows = Arc::new([row(0, "A", 8), row(1, "B", 8)]);
    config.ticket_types.push(seated_type("front", 5_000, 0));
    config.ticket_types.push(seated_type("back", 3_000, 1));
    let rows = Arc::get_mut(&mut config.rows).unwrap();
    rows[1].blocks[0][0].accessible = true;
    rows[1].blocks[0][1].companion = true;
    config
}

/// The standing floor with a sponsor's channel of 3 units, code 7.
pub(crate) fn sponsored() -> Config {
    let mut config = standing();
    config.channels = vec![Channel {
        name: "sponsor".into(),
        code: AccessCode(7),
        allotments: vec![(PoolId(0), 3)],
        release_at: None,
    }];
    config
}

pub(crate) fn pool(name: &str, capacity: u32) -> Pool {
    Pool { name: name.into(), capacity }
}

pub(crate) fn ticket_type(name: &str, price_minor: i64, draws_on: &[u16]) -> TicketType {
    TicketType {
        name: name.into(),
        price_minor,
        window: SaleWindow::default(),
        per_order_min: 1,
        per_order_max: 4,
        per_subject_max: None,
        access_code: None,
        category: None,
        draws_on: draws_on.iter().copied().map(PoolId).collect(),
        kind: TicketKind::Admission,
    }
}

pub(crate) fn seated_type(name: &str, price_minor: i64, category: u16) -> TicketType {
    TicketType { category: Some(CategoryId(category)), ..ticket_type(name, price_minor, &[]) }
}

pub(crate) fn category(name: &str, y_mm: i32) -> Category {
    Category { name: name.into(), focal_point: Point { x_mm: 1_750, y_mm } }
}

/// A row of one block, seats half a metre apart.
pub(crate) fn row(category: u16, label: &str, seats: u8) -> Row {
    let seat = |at: u8| tessera_inventory::Seat {
        label: [b'1' + at, 0, 0, 0, 0, 0, 0, 0],
        category: CategoryId(category),
        channel: None::<ChannelId>,
        position: Point { x_mm: i32::from(at) * 500, y_mm: i32::from(category) * 1_000 },
        accessible: false,
        companion: false,
        restricted_view: false,
    };
    Row { section: SectionId(0), label: label.into(), blocks: Box::new([(0..seats).map(seat).collect()]) }
}
