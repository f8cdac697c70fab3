//! Random small events: at most 64 seats, overlapping pools, channels, hidden types, sale windows, schedules.

use tessera_inventory::{
    AccessCode, Category, CategoryId, Channel, ChannelId, Config, HoldPolicy, Point, Pool, PoolId, Row,
    SaleWindow, Schedule, Seat, SeatingPolicy, SectionId, TicketType, Timestamp,
};

use super::WALL_BASE_MS;
use super::crowd::{drawn_line, drawn_lists};
use crate::prng::Prng;

/// Most seats of a drawn hall.
pub(crate) const SEATS_MAX: usize = 64;
/// Opens the hidden types.
pub(crate) const TYPE_CODE: AccessCode = AccessCode(0x200);
/// Opens nothing.
pub(crate) const NO_CODE: AccessCode = AccessCode(0x999);
/// Everything that is planned is planned within this time of the run, in milliseconds.
const PLANNED_MS: u64 = 200_000;
const SECOND_MS: u64 = 1_000;

/// The code of a channel.
pub(crate) fn channel_code(channel: u8) -> AccessCode {
    AccessCode(0x100 + u128::from(channel))
}

/// An instant of the run, on ten seconds, so that several things fall due together.
pub(crate) fn instant(prng: &mut Prng) -> Timestamp {
    Timestamp(WALL_BASE_MS + prng.between(1, PLANNED_MS / SECOND_MS / 10) * 10 * SECOND_MS)
}

fn maybe_instant(prng: &mut Prng, per_mille: u64) -> Option<Timestamp> {
    prng.chance(per_mille).then(|| instant(prng))
}

/// A whole configuration.
pub(crate) fn config(prng: &mut Prng) -> Config {
    let pools = prng.between(1, 3);
    let capacity_max = [6, 20, 60][prng.index(3)];
    let channels = u8::try_from(prng.between(0, 2)).unwrap_or(0);
    let rows = rows(prng, channels);
    let has_seats = !rows.is_empty();
    let types = prng.between(2, 6);
    let mut config = Config {
        currency: *b"EUR",
        pools: (0..pools)
            .map(|at| Pool {
                name: format!("pool {at}").into(),
                capacity: 4 + u32::try_from(prng.between(0, capacity_max)).unwrap_or(0),
            })
            .collect(),
        categories: (0..2)
            .map(|at| Category { name: format!("category {at}").into(), focal_point: focal_point(prng) })
            .collect(),
        sections: vec!["left".into(), "right".into()],
        rows: rows.into(),
        channels: (0..channels).map(|number| channel(prng, number)).collect(),
        ticket_types: (0..types).map(|at| ticket_type(prng, at, pools, has_seats)).collect(),
        units_per_subject_max: prng.chance(300).then(|| small(prng, 3, 12)),
        hold: hold_policy(prng),
        seating: seating_policy(prng),
        schedule: schedule(prng),
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    };
    // Drawn last: what was drawn before it stays.
    config.waitlist = prng.chance(750).then(|| Box::new(drawn_line(prng, config.ticket_types.len())));
    config.entry = if prng.chance(400) { drawn_lists(prng, &config) } else { Vec::new() };
    config
}

fn small(prng: &mut Prng, low: u64, high: u64) -> u32 {
    u32::try_from(prng.between(low, high)).unwrap_or(0)
}

/// On the grid of the seats: groups on both sides of it are equally near.
fn focal_point(prng: &mut Prng) -> Point {
    let (x, y) = (prng.between(0, 10), prng.between(0, 5));
    Point { x_mm: i32::try_from(x).unwrap_or(0) * 500, y_mm: i32::try_from(y).unwrap_or(0) * 900 - 900 }
}

fn rows(prng: &mut Prng, channels: u8) -> Vec<Row> {
    let mut seats = [0, 6, 16, 30, SEATS_MAX][prng.index(5)];
    let mut rows = Vec::new();
    while seats > 0 {
        rows.extend(row(prng, rows.len(), &mut seats, channels));
    }
    rows
}

/// One row of at most three blocks, if it comes to any seat; what it has is taken from `seats`.
pub(crate) fn row(prng: &mut Prng, number: usize, seats: &mut usize, channels: u8) -> Option<Row> {
    let y_mm = i32::try_from(number).unwrap_or(0) * 900;
    let (mut x_mm, mut blocks) = (0, Vec::new());
    let mut label = 0_u8;
    for _ in 0..prng.between(1, 3) {
        let mut block: Vec<Seat> = Vec::new();
        for _ in 0..prng.between(1, 2) {
            let length = prng.index(5).min(*seats);
            *seats -= length;
            let kind = prng.between(0, 11);
            let category = CategoryId(u16::from(prng.chance(400)));
            let channel = (channels > 0 && prng.chance(150)).then(|| ChannelId(prng.small(channels)));
            for _ in 0..length {
                label += 1;
                block.push(Seat {
                    label: [b'0' + label / 10, b'0' + label % 10, 0, 0, 0, 0, 0, 0],
                    category,
                    channel,
                    position: Point { x_mm, y_mm },
                    accessible: kind == 0,
                    companion: kind == 1,
                    restricted_view: kind == 2,
                });
                x_mm += 500;
            }
        }
        x_mm += 500;
        if !block.is_empty() {
            blocks.push(block.into_boxed_slice());
        }
    }
    let section = SectionId(u16::from(prng.chance(500)));
    let label = format!("{number}").into();
    (!blocks.is_empty()).then(|| Row { section, label, blocks: blocks.into() })
}

/// A ticket type of these pools.
pub(crate) fn ticket_type(prng: &mut Prng, at: u64, pools: u64, has_seats: bool) -> TicketType {
    let category = (has_seats && prng.chance(600)).then(|| CategoryId(u16::from(prng.chance(400))));
    let mut draws_on: Vec<PoolId> = (0..pools)
        .filter(|_| prng.chance(if category.is_some() { 150 } else { 500 }))
        .map(|pool| PoolId(u16::try_from(pool).unwrap_or(0)))
        .collect();
    if category.is_none() && draws_on.is_empty() {
        draws_on.push(PoolId(0));
    }
    let (per_order_min, more) = if prng.chance(100) { (2, 3) } else { (1, 7) };
    let window = if prng.chance(300) { window(prng) } else { SaleWindow::default() };
    TicketType {
        name: format!("type {at}").into(),
        price_minor: if prng.chance(250) { 0 } else { i64::from(small(prng, 1, 50)) },
        window,
        per_order_min,
        per_order_max: per_order_min + more,
        per_subject_max: prng.chance(300).then(|| small(prng, 2, 8)),
        access_code: prng.chance(150).then_some(TYPE_CODE),
        category,
        draws_on,
        kind: tessera_inventory::TicketKind::Admission,
    }
}

fn window(prng: &mut Prng) -> SaleWindow {
    let (opens_at, closes_at) = (maybe_instant(prng, 600), maybe_instant(prng, 400));
    match (opens_at, closes_at) {
        (Some(opens), Some(closes)) if opens >= closes => {
            SaleWindow { opens_at: Some(closes), closes_at: Some(opens.plus_ms(SECOND_MS)) }
        }
        _ => SaleWindow { opens_at, closes_at },
    }
}

/// A channel with allotments of the first pool.
fn channel(prng: &mut Prng, number: u8) -> Channel {
    let allotments = if prng.chance(600) { vec![(PoolId(0), small(prng, 1, 2))] } else { Vec::new() };
    Channel {
        name: format!("channel {number}").into(),
        code: channel_code(number),
        allotments,
        release_at: maybe_instant(prng, 500),
    }
}

/// How long holds last: short, so that time does something in a run.
pub(crate) fn hold_policy(prng: &mut Prng) -> HoldPolicy {
    let duration_ms = prng.between(60, 120) * SECOND_MS;
    HoldPolicy {
        duration_ms,
        renewals_max: u8::from(prng.chance(700)) + u8::from(prng.chance(500)),
        life_ms_max: duration_ms + prng.between(0, 120) * SECOND_MS,
        grace_ms: prng.between(5, 60) * SECOND_MS,
    }
}

/// How seats are given out.
pub(crate) fn seating_policy(prng: &mut Prng) -> SeatingPolicy {
    SeatingPolicy {
        stranding_allowed: prng.chance(400),
        companions_max: u8::from(prng.chance(700)) + u8::from(prng.chance(500)),
        accessible_released: prng.chance(200),
    }
}

/// When phases begin by themselves.
pub(crate) fn schedule(prng: &mut Prng) -> Schedule {
    let mut times: Vec<Timestamp> = [300, 600].iter().filter_map(|odds| maybe_instant(prng, *odds)).collect();
    times.sort_unstable();
    times.dedup();
    let presale_at = (times.len() == 2).then(|| times[0]);
    let on_sale_at = times.last().copied();
    let closes_at =
        maybe_instant(prng, 100).filter(|closes_at| on_sale_at.is_none_or(|opens| opens < *closes_at));
    Schedule { presale_at, on_sale_at, closes_at }
}
