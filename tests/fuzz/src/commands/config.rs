//! Small configurations, most of them sound: at most 64 seats, three pools, two channels, a hidden type.

use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use tessera_inventory::{
    AccessCode, Category, CategoryId, Channel, ChannelId, Config, HoldPolicy, Point, Pool, PoolId, Row,
    SaleWindow, Schedule, Seat, SeatingPolicy, SectionId, TicketType, Timestamp,
};

use crate::scene::{BEGINNING, Scene};

const MINUTE_MS: u64 = 60_000;
/// Distance of seats, in millimetres.
const PITCH_MM: i32 = 500;

/// A first configuration.
pub(super) fn config(bytes: &mut Unstructured<'_>) -> Result<Config> {
    let pools = (0..3).map(|number| pool(bytes, number)).collect::<Result<_>>()?;
    let rows = bytes.int_in_range(0..=4_u8)?;
    let rows: Arc<[Row]> = (0..rows).map(|number| row(bytes, number)).collect::<Result<_>>()?;
    let types = 2 + bytes.int_in_range(0..=3_u8)?;
    Ok(Config {
        currency: *b"EUR",
        pools,
        categories: (0..2).map(|number| category(bytes, number)).collect::<Result<_>>()?,
        sections: vec!["left".into(), "right".into()],
        rows,
        channels: (0..2).map(|number| channel(bytes, number)).collect::<Result<_>>()?,
        ticket_types: (0..types).map(|number| ticket_type(bytes, number)).collect::<Result<_>>()?,
        units_per_subject_max: limit(bytes, 12)?,
        hold: hold(bytes)?,
        seating: SeatingPolicy {
            stranding_allowed: bytes.arbitrary()?,
            companions_max: bytes.int_in_range(0..=2)?,
            accessible_released: bytes.ratio(1_u8, 5_u8)?,
        },
        schedule: Schedule { presale_at: None, on_sale_at: instant(bytes)?, closes_at: late(bytes)? },
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    })
}

/// The configuration that stands, with one thing changed; or another one.
pub(super) fn changed(scene: &Scene, bytes: &mut Unstructured<'_>) -> Result<Config> {
    let Some((_, stands)) = scene.engine.config() else { return config(bytes) };
    let mut changed = Config::clone(stands);
    match bytes.int_in_range(0..=9_u8)? {
        0 => return config(bytes),
        1 => changed.units_per_subject_max = limit(bytes, 12)?,
        2 => changed.hold = hold(bytes)?,
        3 => {
            let rows = u8::try_from(changed.rows.len()).unwrap_or(u8::MAX);
            changed.rows = changed.rows.iter().cloned().chain([row(bytes, rows)?]).collect();
        }
        4 => {
            let number = u8::try_from(changed.ticket_types.len()).unwrap_or(u8::MAX);
            changed.ticket_types.push(ticket_type(bytes, number)?);
        }
        5 => {
            if let Some(first) = changed.ticket_types.first_mut() {
                first.price_minor = bytes.int_in_range(-1..=60)?;
            }
        }
        6 => {
            if let Some(first) = changed.channels.first_mut() {
                first.allotments = allotments(bytes)?;
            }
        }
        7 => changed.schedule.closes_at = instant(bytes)?,
        8 => {
            let at = bytes.int_in_range(0..=2_usize)?;
            if let Some(pool) = changed.pools.get_mut(at) {
                pool.capacity = bytes.int_in_range(0..=20)?;
            }
        }
        _ => drop(changed.pools.pop()),
    }
    Ok(changed)
}

fn maybe(bytes: &mut Unstructured<'_>, most: u8) -> Result<Option<u8>> {
    if bytes.ratio(1_u8, 3_u8)? { bytes.int_in_range(0..=most).map(Some) } else { Ok(None) }
}

/// A limit of at least 1, mostly.
fn limit(bytes: &mut Unstructured<'_>, most: u8) -> Result<Option<u32>> {
    let limit = maybe(bytes, most)?.map(u32::from);
    if bytes.ratio(1_u8, 64_u8)? { Ok(limit) } else { Ok(limit.map(|limit| limit.max(1))) }
}

/// An instant after every other one.
fn late(bytes: &mut Unstructured<'_>) -> Result<Option<Timestamp>> {
    Ok(instant(bytes)?.map(|at| at.plus_ms(121 * MINUTE_MS)))
}

fn instant(bytes: &mut Unstructured<'_>) -> Result<Option<Timestamp>> {
    let minutes = maybe(bytes, 120)?;
    Ok(minutes.map(|minutes| BEGINNING.plus_ms(u64::from(minutes) * MINUTE_MS)))
}

fn pool(bytes: &mut Unstructured<'_>, number: u8) -> Result<Pool> {
    Ok(Pool { name: format!("pool {number}").into(), capacity: bytes.int_in_range(12..=27)? })
}

fn category(bytes: &mut Unstructured<'_>, number: u8) -> Result<Category> {
    let focal_point = Point { x_mm: i32::from(bytes.arbitrary::<i8>()?) * 100, y_mm: 0 };
    Ok(Category { name: format!("category {number}").into(), focal_point })
}

fn row(bytes: &mut Unstructured<'_>, number: u8) -> Result<Row> {
    let section = SectionId(bytes.int_in_range(0..=1)?);
    let blocks = 1 + bytes.int_in_range(0..=1_u8)?;
    let mut next = 0;
    let blocks: Box<[Box<[Seat]>]> =
        (0..blocks).map(|_| block(bytes, number, &mut next)).collect::<Result<_>>()?;
    Ok(Row { section, label: number.to_string().into(), blocks })
}

fn block(bytes: &mut Unstructured<'_>, row: u8, next: &mut u8) -> Result<Box<[Seat]>> {
    let seats = 1 + bytes.int_in_range(0..=7_u8)?;
    let category = CategoryId(bytes.int_in_range(0..=1)?);
    // Beside the one before but for an aisle.
    *next += 1;
    (0..seats).map(|_| seat(bytes, row, next, category)).collect()
}

fn seat(bytes: &mut Unstructured<'_>, row: u8, next: &mut u8, category: CategoryId) -> Result<Seat> {
    let mut label = [0; 8];
    label[..2].copy_from_slice(format!("{:02}", *next % 100).as_bytes());
    let position = Point { x_mm: i32::from(*next) * PITCH_MM, y_mm: i32::from(row) * 900 };
    *next += 1;
    let kind = bytes.int_in_range(0..=15_u8)?;
    Ok(Seat {
        label,
        category,
        channel: if kind == 3 { Some(ChannelId(0)) } else { None },
        position,
        accessible: kind == 0,
        companion: kind == 1,
        restricted_view: kind == 2,
    })
}

fn allotments(bytes: &mut Unstructured<'_>) -> Result<Vec<(PoolId, u32)>> {
    let pools = bytes.int_in_range(0..=2_u16)?;
    (0..pools).map(|pool| Ok((PoolId(pool), bytes.int_in_range(0..=6)?))).collect()
}

fn channel(bytes: &mut Unstructured<'_>, number: u8) -> Result<Channel> {
    Ok(Channel {
        name: format!("channel {number}").into(),
        code: AccessCode(0x100 + u128::from(number)),
        allotments: allotments(bytes)?,
        release_at: instant(bytes)?,
    })
}

fn ticket_type(bytes: &mut Unstructured<'_>, number: u8) -> Result<TicketType> {
    let category = maybe(bytes, 1)?.map(|category| CategoryId(category.into()));
    let draws = bytes.int_in_range(0..=7_u8)?;
    let mut draws_on: Vec<PoolId> = (0..3_u16).filter(|pool| draws >> pool & 1 == 1).map(PoolId).collect();
    if category.is_none() && draws_on.is_empty() {
        draws_on.push(PoolId(0));
    }
    let per_order_min = 1 + bytes.int_in_range(0..=7_u16)? / 7;
    Ok(TicketType {
        name: format!("type {number}").into(),
        price_minor: bytes.int_in_range(0..=50)?,
        window: SaleWindow { opens_at: None, closes_at: instant(bytes)? },
        per_order_min,
        per_order_max: per_order_min + bytes.int_in_range(0..=7_u16)?,
        per_subject_max: limit(bytes, 8)?,
        access_code: if number == 1 && bytes.arbitrary()? { Some(AccessCode(0x200)) } else { None },
        category,
        draws_on,
        kind: tessera_inventory::TicketKind::Admission,
    })
}

fn hold(bytes: &mut Unstructured<'_>) -> Result<HoldPolicy> {
    let duration = 1 + bytes.int_in_range(0..=9_u64)?;
    Ok(HoldPolicy {
        duration_ms: duration * MINUTE_MS,
        renewals_max: bytes.int_in_range(0..=3)?,
        life_ms_max: (duration + bytes.int_in_range(0..=10_u64)?) * MINUTE_MS,
        grace_ms: (1 + bytes.int_in_range(0..=5_u64)?) * MINUTE_MS,
    })
}
