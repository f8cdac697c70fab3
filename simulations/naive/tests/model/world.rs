//! Random small worlds: at most 64 seats, three pools that overlap, two channels, hidden types, sale windows.

use proptest::prelude::*;
use tessera_inventory::{
    AccessCode, Category, CategoryId, Channel, Config, EntryList, HoldPolicy, Point, Pool, PoolId, Row,
    SaleWindow, Schedule, Seat, SeatingPolicy, SectionId, Subject, TicketKind, TicketType, TicketTypeId,
    Timestamp,
};

use crate::{tariffs, waitlists};

/// When every world begins.
pub(crate) const BEGINNING: Timestamp = Timestamp(1_800_000_000_000);
/// The subjects of a world.
pub(crate) const SUBJECTS: u128 = 16;
/// Opens the first hidden type.
pub(crate) const TYPE_CODE: AccessCode = AccessCode(0x200);
/// Opens nothing.
pub(crate) const NO_CODE: AccessCode = AccessCode(0x999);
const MINUTE_MS: u64 = 60_000;

/// The code of a channel.
pub(crate) fn channel_code(channel: u8) -> AccessCode {
    AccessCode(0x100 + u128::from(channel))
}

/// The `number`th subject of the world; its halves differ, so that mixing them up shows.
pub(crate) fn subject(number: u128) -> Subject {
    Subject((number + 1) << 64 | (number * 7 + 3))
}

/// An instant of the first hour, on the minute, so that several things fall due together.
pub(crate) fn instant() -> impl Strategy<Value = Timestamp> {
    (0_u64..60).prop_map(|minutes| BEGINNING.plus_ms(minutes * MINUTE_MS))
}

fn maybe_instant(probability: f64) -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::weighted(probability, instant())
}

/// Runs of seats of one kind.
fn block() -> impl Strategy<Value = Vec<Seat>> {
    let channel =
        prop_oneof![5 => Just(None), 1 => (0_u8..2).prop_map(|c| Some(tessera_inventory::ChannelId(c)))];
    let run = (0_u16..2, channel, 0_u8..10, 1_usize..5).prop_map(|(category, channel, kind, count)| {
        let seat = Seat {
            label: [0; 8],
            category: CategoryId(category),
            channel,
            position: Point::default(),
            accessible: kind == 0,
            companion: kind == 1,
            restricted_view: kind == 2,
        };
        vec![seat; count]
    });
    prop::collection::vec(run, 1..3).prop_map(|runs| runs.concat())
}

/// Rows of seats from the `first` row of the hall on, labelled and placed.
pub(crate) fn rows(first: usize, count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Row>> {
    let row = (prop::collection::vec(block(), 1..3), 0_u16..2);
    prop::collection::vec(row, count).prop_map(move |rows| {
        rows.into_iter()
            .enumerate()
            .map(|(at, (blocks, section))| place(first + at, section, blocks))
            .collect()
    })
}

fn place(row: usize, section: u16, mut blocks: Vec<Vec<Seat>>) -> Row {
    let y_mm = i32::try_from(row).unwrap() * 900;
    let mut x_mm = 0;
    let mut number = 0_u8;
    for block in &mut blocks {
        for seat in block.iter_mut() {
            number += 1;
            seat.label[..2].copy_from_slice(format!("{number:02}").as_bytes());
            seat.position = Point { x_mm, y_mm };
            x_mm += 500;
        }
        x_mm += 500;
    }
    Row {
        section: SectionId(section),
        label: format!("{row}").into(),
        blocks: blocks.into_iter().map(Vec::into_boxed_slice).collect(),
    }
}

fn window() -> impl Strategy<Value = SaleWindow> {
    (maybe_instant(0.15), maybe_instant(0.15)).prop_map(|(opens_at, closes_at)| match (opens_at, closes_at) {
        (Some(opens), Some(closes)) if opens >= closes => {
            SaleWindow { opens_at: Some(closes), closes_at: Some(opens.plus_ms(MINUTE_MS)) }
        }
        _ => SaleWindow { opens_at, closes_at },
    })
}

/// A ticket type; its category and its draws are put in by [`config`].
pub(crate) fn ticket_type() -> impl Strategy<Value = TicketType> {
    let price = prop_oneof![1 => Just(0_i64), 3 => 1_i64..50];
    let sizes = prop_oneof![6 => Just((1_u16, 8_u16)), 1 => (1_u16..4, 0_u16..4).prop_map(|(min, more)| (min, min + more))];
    let code = prop_oneof![5 => Just(None), 1 => Just(Some(TYPE_CODE))];
    let kind = prop_oneof![
        1 => Just(None),
        2 => (0_u16..2).prop_map(|category| Some(CategoryId(category)))
    ];
    let draws = prop::sample::subsequence(vec![PoolId(0), PoolId(1), PoolId(2)], 0..3);
    let add_on = prop_oneof![
        3 => Just(TicketKind::Admission),
        1 => (0_u16..3).prop_map(|with_admission_max| TicketKind::AddOn { with_admission_max }),
    ];
    (price, window(), sizes, prop::option::weighted(0.3, 2_u32..8), code, kind, draws, add_on).prop_map(
        |(
            price_minor,
            window,
            (per_order_min, per_order_max),
            per_subject_max,
            access_code,
            category,
            draws_on,
            add_on,
        )| {
            let needs_pool = category.is_none() && draws_on.is_empty();
            TicketType {
                name: "type".into(),
                price_minor,
                window,
                per_order_min,
                per_order_max,
                per_subject_max,
                access_code,
                category,
                draws_on: if needs_pool { vec![PoolId(0)] } else { draws_on },
                kind: if category.is_none() { add_on } else { TicketKind::Admission },
            }
        },
    )
}

/// How long holds last.
pub(crate) fn hold_policy() -> impl Strategy<Value = HoldPolicy> {
    (1_u64..6, 0_u8..3, 0_u64..12, 1_u64..6).prop_map(|(duration, renewals_max, more, grace)| HoldPolicy {
        duration_ms: duration * MINUTE_MS,
        renewals_max,
        life_ms_max: (duration + more) * MINUTE_MS,
        grace_ms: grace * MINUTE_MS,
    })
}

/// How seats are given out.
pub(crate) fn seating_policy() -> impl Strategy<Value = SeatingPolicy> {
    (any::<bool>(), 0_u8..3, prop::bool::weighted(0.2)).prop_map(
        |(stranding_allowed, companions_max, accessible_released)| SeatingPolicy {
            stranding_allowed,
            companions_max,
            accessible_released,
        },
    )
}

/// When phases begin by themselves.
pub(crate) fn schedule() -> impl Strategy<Value = Schedule> {
    (maybe_instant(0.4), maybe_instant(0.4), maybe_instant(0.1)).prop_map(|(one, other, last)| {
        let mut times: Vec<Timestamp> = [one, other].into_iter().flatten().collect();
        times.sort_unstable();
        let both = times.len() == 2 && times[0] < times[1];
        let on_sale_at = times.last().copied();
        let closes_at = last.filter(|&closes_at| on_sale_at.is_none_or(|opens| opens < closes_at));
        Schedule { presale_at: both.then(|| times[0]), on_sale_at, closes_at }
    })
}

/// A channel with allotments of pools.
pub(crate) fn channel(number: u8) -> impl Strategy<Value = Channel> {
    let allotments = prop::sample::subsequence(vec![PoolId(0), PoolId(1), PoolId(2)], 0..=2)
        .prop_flat_map(|pools| pools.into_iter().map(|pool| (Just(pool), 1_u32..4)).collect::<Vec<_>>());
    (allotments, maybe_instant(0.5)).prop_map(move |(allotments, release_at)| Channel {
        name: format!("channel {number}").into(),
        code: channel_code(number),
        allotments,
        release_at,
    })
}

/// None mostly; otherwise up to three. A type that is an add-on makes the configuration one that is refused, so few name any.
pub(crate) fn entry_lists() -> impl Strategy<Value = Vec<EntryList>> {
    let types = prop_oneof![5 => Just(vec![]), 1 => (0_u16..3).prop_map(|of| vec![TicketTypeId(of)])];
    let gates = prop::sample::subsequence(vec![0_u16, 1, 2, 3], 0..4);
    let list = (gates, types, any::<bool>(), maybe_instant(0.2), maybe_instant(0.1)).prop_map(
        |(gates, types, re_entry, opens_at, closes_at)| {
            let closes_at = closes_at.filter(|&closes| opens_at.is_none_or(|opens| opens < closes));
            EntryList { name: "list".into(), gates, types, re_entry, opens_at, closes_at }
        },
    );
    let named = |lists: Vec<EntryList>| {
        let name = |(at, list): (usize, EntryList)| EntryList { name: format!("list {at}").into(), ..list };
        lists.into_iter().enumerate().map(name).collect()
    };
    prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec(list, 1..4).prop_map(named)]
}

/// A whole configuration.
pub(crate) fn config() -> impl Strategy<Value = Config> {
    // On the grid of the seats: groups on both sides of it are equally near.
    let point = || (0_i32..10, -1_i32..4).prop_map(|(x, y)| Point { x_mm: x * 500, y_mm: y * 900 });
    let capacities = prop::collection::vec(6_u32..16, 3);
    let types = prop::collection::vec(ticket_type(), 3..6);
    let parts = (capacities, [point(), point()], rows(0, 1..4), (channel(0), channel(1)), types);
    let tariff = prop::option::weighted(0.6, tariffs::tariff().prop_map(Box::new));
    let waitlist = prop::option::weighted(0.7, waitlists::policy().prop_map(Box::new));
    let limit = prop::option::weighted(0.3, 3_u32..12);
    let rest = (limit, hold_policy(), seating_policy(), schedule(), tariff, entry_lists(), waitlist);
    (parts, rest).prop_map(|((capacities, focal_points, rows, channels, mut types), rest)| {
        let (units_per_subject_max, hold, seating, schedule, tariff, entry, waitlist) = rest;
        let number = |(at, mut ticket_type): (usize, TicketType)| {
            ticket_type.name = format!("type {at}").into();
            ticket_type
        };
        types = types.into_iter().enumerate().map(number).collect();
        Config {
            currency: *b"EUR",
            pools: capacities
                .into_iter()
                .enumerate()
                .map(|(at, capacity)| Pool { name: format!("pool {at}").into(), capacity })
                .collect(),
            categories: focal_points
                .into_iter()
                .enumerate()
                .map(|(at, focal_point)| Category { name: format!("category {at}").into(), focal_point })
                .collect(),
            sections: vec!["left".into(), "right".into()],
            rows: rows.into(),
            channels: vec![channels.0, channels.1],
            ticket_types: types,
            units_per_subject_max,
            hold,
            seating,
            schedule,
            tariff,
            entry,
            waitlist,
        }
    })
}
