//! Small random halls under random changes, against brute force.

use proptest::prelude::*;

use super::super::{Group, Query, ReleasedChannels, Seating};
use super::brute::Brute;
use super::hall::config;
use crate::{
    CategoryId, ChannelId, Config, Point, Row, Seat, SeatIndex, SeatState, SeatingPolicy, SectionId,
};

/// What a seat is: category, channel, kind (0: wheelchair space, 1: companion seat, else ordinary).
type Kind = (u16, Option<u8>, u8);

fn kinds() -> impl Strategy<Value = Kind> {
    // Long stretches of one kind: two in three seats are as their neighbour.
    (0_u16..2, prop_oneof![4 => Just(None), 1 => (0_u8..2).prop_map(Some)], 0_u8..12)
}

fn block() -> impl Strategy<Value = Vec<Kind>> {
    let varied = prop::collection::vec((kinds(), 1_usize..6), 1..5);
    let runs = |runs: Vec<(Kind, usize)>| {
        runs.into_iter().flat_map(|(kind, count)| std::iter::repeat_n(kind, count)).collect::<Vec<_>>()
    };
    let long = (kinds(), 120_usize..=128).prop_map(|(kind, count)| vec![kind; count]);
    prop_oneof![12 => varied.prop_map(runs), 1 => long]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (prop::collection::vec(block(), 1..4), 0_u16..3, -3_i32..4);
    prop::collection::vec(row, 1..5).prop_map(|rows| {
        let place = |(at, (blocks, section, bend)): (usize, (Vec<Vec<Kind>>, u16, i32))| {
            let mut x_mm = 0;
            let y_mm = i32::try_from(at).unwrap() * 900;
            let mut seat = |(category, channel, kind): Kind| {
                x_mm += 500;
                let curve = bend * (x_mm / 100 - 40) * (x_mm / 100 - 40) / 10;
                Seat {
                    label: [0; 8],
                    category: CategoryId(category),
                    channel: channel.map(ChannelId),
                    position: Point { x_mm, y_mm: y_mm + curve },
                    accessible: kind == 0,
                    companion: kind == 1,
                    restricted_view: false,
                }
            };
            let blocks = blocks.into_iter().map(|block| block.into_iter().map(&mut seat).collect()).collect();
            Row { section: SectionId(section), label: at.to_string().into(), blocks }
        };
        rows.into_iter().enumerate().map(place).collect()
    })
}

fn halls() -> impl Strategy<Value = Config> {
    let point = || (-2_000_i32..12_000, -2_000_i32..6_000).prop_map(|(x_mm, y_mm)| Point { x_mm, y_mm });
    let policy = (prop::bool::weighted(0.2), 0_u8..4, prop::bool::weighted(0.2)).prop_map(
        |(stranding_allowed, companions_max, accessible_released)| SeatingPolicy {
            stranding_allowed,
            companions_max,
            accessible_released,
        },
    );
    (rows(), [point(), point()], policy).prop_map(|(rows, focal, policy)| config(rows, &focal, 2, policy))
}

fn states() -> impl Strategy<Value = Vec<(prop::sample::Index, SeatState)>> {
    let state = prop_oneof![
        Just(SeatState::Free),
        Just(SeatState::Held),
        Just(SeatState::Sold),
        Just(SeatState::Killed)
    ];
    prop::collection::vec((any::<prop::sample::Index>(), state), 0..120)
}

fn queries() -> impl Strategy<Value = Query> {
    (0_u16..2, prop::option::weighted(0.3, 0_u8..2), prop::option::weighted(0.3, 0_u16..3), 0_u8..4, 1_u16..9)
        .prop_map(|(category, channel, section, accessible, quantity)| Query {
            category: CategoryId(category),
            channel: channel.map(ChannelId),
            section: section.map(SectionId),
            accessible: accessible.saturating_sub(1),
            quantity,
        })
}

fn compare(seating: &Seating, brute: &Brute<'_>, query: &Query, some: &[SeatIndex]) {
    for exclude in [&[], some] {
        let best = seating.best(query, exclude).map(|group| (group.score, group.seats));
        assert_eq!(best.as_ref(), brute.groups(query, exclude).first(), "{query:?} without {exclude:?}");
    }
    for exclude in [&[], some] {
        let alternatives = seating.alternatives(query, exclude, 3);
        let mut expected: Vec<Vec<SeatIndex>> = Vec::new();
        for (_, seats) in brute.groups(query, exclude) {
            if expected.len() < 3 && !expected.iter().flatten().any(|seat| seats.contains(seat)) {
                expected.push(seats);
            }
        }
        assert_eq!(alternatives, expected, "{query:?} without {exclude:?}");
        assert_eq!(seating.remaining(query, exclude), brute.remaining(query, exclude), "{query:?}");
    }
    let free: Vec<SeatIndex> =
        some.iter().copied().filter(|seat| brute.states[seat.index()] == SeatState::Free).collect();
    assert_eq!(seating.stranded_by(&free), brute.stranded(&free, &[]).first().copied(), "{free:?}");
    if let Some(Group { seats, .. }) = seating.split(query, some) {
        assert_eq!(seats.len(), usize::from(query.quantity));
        assert!(seats.is_sorted_by(|one, next| one < next));
        assert!(!seats.iter().any(|seat| some.contains(seat)));
        assert!(seats.iter().all(|&seat| seating.is_open_to(seat, query.channel, query.accessible > 0)));
        assert_eq!(brute.stranded(&seats, some), [], "{query:?} split into {seats:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn best_available_is_what_brute_force_finds(
        config in halls(),
        changes in states(),
        released in 0_u64..4,
        queries in prop::collection::vec(queries(), 6),
        some in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut seating = Seating::new(&config);
        let mut states = vec![SeatState::Free; seating.seats() as usize];
        let released = ReleasedChannels(released);
        for (number, (at, state)) in changes.iter().enumerate() {
            if number == changes.len() / 2 {
                seating = seating.reconfigured(&config, released);
            }
            let seat = at.index(states.len());
            states[seat] = *state;
            seating.set(SeatIndex(u32::try_from(seat).unwrap()), *state);
        }
        seating = if changes.is_empty() { seating.reconfigured(&config, released) } else { seating };
        seating.check().unwrap();
        let mut some: Vec<SeatIndex> =
            some.iter().map(|at| SeatIndex(u32::try_from(at.index(states.len())).unwrap())).collect();
        some.sort_unstable();
        some.dedup();
        let brute = Brute { config: &config, released, states: &states };
        for query in &queries {
            compare(&seating, &brute, query, &some);
        }
    }
}
