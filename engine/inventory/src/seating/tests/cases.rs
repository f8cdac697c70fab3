//! One rule per case.

use super::super::{Query, ReleasedChannels, Seating};
use super::hall::{STRICT, hall, seats};
use crate::{CategoryId, ChannelId, Counters, SeatIndex, SeatState, SeatingPolicy, SectionId};

const LOOSE: SeatingPolicy = SeatingPolicy { stranding_allowed: true, ..STRICT };
const RELEASED: SeatingPolicy = SeatingPolicy { accessible_released: true, ..STRICT };

fn together(quantity: u16) -> Query {
    Query { category: CategoryId(0), channel: None, section: None, accessible: 0, quantity }
}

fn with_wheelchairs(accessible: u8, quantity: u16) -> Query {
    Query { accessible, ..together(quantity) }
}

/// The best group in a hall whose focal point is at the left end of the first row, under `policy`.
fn check_under(policy: SeatingPolicy, drawing: &str, query: &Query, expect: Option<&[u32]>) {
    let (_, seating) = hall(drawing, 0, policy);
    seating.check().unwrap();
    let found = seating.best(query, &[]).map(|group| group.seats);
    assert_eq!(found, expect.map(seats), "{query:?} in\n{drawing}");
}

fn check(drawing: &str, query: &Query, expect: Option<&[u32]>) {
    check_under(STRICT, drawing, query, expect);
}

fn check_split(drawing: &str, query: &Query, expect: Option<&[u32]>) {
    let (_, seating) = hall(drawing, 0, STRICT);
    let found = seating.best(query, &[]).or_else(|| seating.split(query, &[]));
    assert_eq!(found.map(|group| group.seats), expect.map(seats), "{query:?} split in\n{drawing}");
}

#[test]
fn a_group_is_side_by_side_in_one_block() {
    check("....", &together(2), Some(&[0, 1]));
    check("..|....", &together(4), Some(&[2, 3, 4, 5]));
    check("..|..", &together(3), None);
    check(".. ..", &together(3), None);
    check("x.h.k", &together(1), Some(&[1]));
    check("xxx", &together(1), None);
    check("....", &together(0), None);
    check(&".".repeat(30), &together(20), Some(&(0..20).collect::<Vec<_>>()));
    check(&".".repeat(30), &together(21), None);
    check(&".".repeat(128), &together(20), Some(&(0..20).collect::<Vec<_>>()));
    check(&format!("{}....", "x".repeat(124)), &together(4), Some(&[124, 125, 126, 127]));
}

#[test]
fn no_seat_is_left_alone() {
    check("...", &together(2), None);
    check("...", &together(3), Some(&[0, 1, 2]));
    check("...", &together(1), Some(&[0]));
    check("x..x....", &together(3), None);
    check("x..x.....", &together(3), Some(&[4, 5, 6]));
    check("x...x..", &together(2), Some(&[5, 6]));
    check(".x....", &together(1), Some(&[0]));
    check("..x...", &together(1), Some(&[3]));
    check_under(LOOSE, "...", &together(2), Some(&[0, 1]));
}

#[test]
fn neighbours_are_of_one_audience_and_any_category() {
    check("..2", &together(2), None);
    check("..22", &together(2), Some(&[0, 1]));
    check("..p", &together(2), Some(&[0, 1]));
    check("...p", &together(2), None);
    let promoter = Query { channel: Some(ChannelId(0)), ..together(2) };
    check("..pp", &promoter, Some(&[2, 3]));
    check("..ppp", &promoter, None);
    check("..2", &Query { category: CategoryId(1), ..together(1) }, Some(&[2]));
}

#[test]
fn reserved_seats_are_kept_for_the_wish() {
    check("aa", &together(1), None);
    check("c", &together(1), None);
    check("..a.", &together(2), Some(&[0, 1]));
    check("...a", &together(2), None);
    check("..ac..", &with_wheelchairs(1, 1), Some(&[2]));
    check("..ac..", &with_wheelchairs(1, 2), Some(&[2, 3]));
    check("..ac..", &with_wheelchairs(1, 3), Some(&[0, 1, 2]));
    check("x..ac..x", &with_wheelchairs(1, 4), None);
    check("xxacc.", &with_wheelchairs(1, 3), Some(&[2, 3, 4]));
    check("...ac", &with_wheelchairs(1, 3), Some(&[2, 3, 4]));
    check("..ac", &with_wheelchairs(1, 3), Some(&[0, 1, 2]));
    check("caac", &with_wheelchairs(1, 2), Some(&[0, 1]));
    check("caac", &with_wheelchairs(2, 3), Some(&[0, 1, 2]));
    check("cccac", &with_wheelchairs(1, 4), None);
    check("a.", &with_wheelchairs(2, 1), None);
    check("A.", &with_wheelchairs(1, 1), None);
    check_under(RELEASED, "aa", &together(2), Some(&[0, 1]));
    check_under(RELEASED, "..a", &together(2), None);
}

#[test]
fn a_section_may_be_wished() {
    let section = |n, quantity| Query { section: Some(SectionId(n)), ..together(quantity) };
    check(".... /....", &section(1, 2), Some(&[4, 5]));
    check(".... /xx.x /....", &section(1, 2), None);
    check(".... /xx.x /....", &section(2, 2), Some(&[8, 9]));
    check("....", &section(9, 2), None);
}

#[test]
fn the_nearest_centre_wins_and_the_lowest_seat_of_equals() {
    let nearest = |x_mm, drawing| hall(drawing, x_mm, STRICT).1.best(&together(2), &[]).unwrap();
    assert_eq!(nearest(1_750, "........").seats, seats(&[3, 4]));
    assert_eq!(nearest(1_750, "........").score, 0);
    assert_eq!(nearest(1_500, "........").seats, seats(&[2, 3]));
    assert_eq!(nearest(1_500, "........").score, 4 * 250 * 250);
    assert_eq!(nearest(1_750, "........ ........").seats, seats(&[3, 4]));
    assert_eq!(nearest(1_750, "xxxxxxxx ........").seats, seats(&[11, 12]));
    assert_eq!(nearest(1_750, "..xxxx.. ........").seats, seats(&[11, 12]));
    // The second block is visited first, since its sold seat is the nearest; its free one ties with a lower seat.
    let (_, seating) = hall("x.|x.", 1_250, STRICT);
    assert_eq!(seating.best(&together(1), &[]).unwrap().seats, seats(&[1]));
}

#[test]
fn excluded_seats_count_as_taken() {
    let (_, seating) = hall("..... ..", 0, STRICT);
    assert_eq!(seating.best(&together(2), &seats(&[0, 1])).unwrap().seats, seats(&[5, 6]));
    let (_, seating) = hall("...", 0, STRICT);
    assert_eq!(seating.best(&together(2), &[]), None);
    assert_eq!(seating.best(&together(2), &seats(&[0])).unwrap().seats, seats(&[1, 2]));
}

#[test]
fn alternatives_share_no_seat_and_strand_nothing() {
    let (_, seating) = hall(".....|....", 0, STRICT);
    let alternatives = seating.alternatives(&together(2), &[], 3);
    assert_eq!(alternatives, [seats(&[0, 1]), seats(&[3, 4]), seats(&[5, 6])]);
    assert_eq!(seating.alternatives(&together(6), &[], 3), Vec::<Vec<SeatIndex>>::new());
}

#[test]
fn alternatives_keep_clear_of_what_is_taken() {
    let (_, seating) = hall(".....|....", 0, STRICT);
    let alternatives = seating.alternatives(&together(2), &seats(&[0, 1, 2]), 3);
    assert_eq!(alternatives, [seats(&[3, 4]), seats(&[5, 6]), seats(&[7, 8])]);
}

#[test]
fn what_remains_is_what_the_wish_could_get() {
    let (_, seating) = hall("..xa|.cp /.a2.", 0, STRICT);
    let remaining = |query: &Query, exclude: &[u32]| seating.remaining(query, &seats(exclude));
    assert_eq!(remaining(&together(1), &[]), 5);
    assert_eq!(remaining(&together(1), &[0, 2, 3, 6]), 4);
    assert_eq!(remaining(&with_wheelchairs(1, 1), &[]), 2);
    assert_eq!(remaining(&with_wheelchairs(1, 1), &[0, 3]), 1);
    let second = |query: Query| Query { section: Some(SectionId(1)), ..query };
    assert_eq!(remaining(&second(together(1)), &[0, 7]), 1);
    assert_eq!(remaining(&second(with_wheelchairs(1, 1)), &[]), 1);
    assert_eq!(remaining(&Query { channel: Some(ChannelId(0)), ..together(1) }, &[]), 1);
    assert_eq!(remaining(&Query { category: CategoryId(1), ..together(1) }, &[9]), 0);
}

#[test]
fn stranded_seats_are_named() {
    let stranded = |drawing, taken: &[u32]| hall(drawing, 0, STRICT).1.stranded_by(&seats(taken));
    assert_eq!(stranded("....", &[0, 1]), None);
    assert_eq!(stranded("....", &[1]), Some(SeatIndex(0)));
    assert_eq!(stranded("....", &[2, 1]), Some(SeatIndex(0)));
    assert_eq!(stranded(".....", &[1, 3]), Some(SeatIndex(0)));
    assert_eq!(stranded("x.x.", &[3]), None);
    assert_eq!(stranded("a..", &[1, 2]), None);
    assert_eq!(stranded("a..", &[0]), None);
    assert_eq!(stranded("..|..", &[2]), Some(SeatIndex(3)));
    assert_eq!(stranded(".p", &[0]), None);
    assert_eq!(hall("..", 0, LOOSE).1.stranded_by(&seats(&[0])), None);
}

#[test]
fn a_party_that_accepts_it_is_split() {
    check_split("....", &together(4), Some(&[0, 1, 2, 3]));
    // Close: in one row, or in adjacent rows of one section; the larger group as large as possible.
    check_split("...|..", &together(5), Some(&[0, 1, 2, 3, 4]));
    check_split(".. xx ... ..", &together(5), Some(&[4, 5, 6, 7, 8]));
    check_split(".. /.. ..", &together(4), Some(&[2, 3, 4, 5]));
    // Anywhere.
    check_split("... xx ..", &together(5), Some(&[0, 1, 2, 5, 6]));
    check_split(".. xx .. xx ..", &together(6), Some(&[0, 1, 4, 5, 8, 9]));
    // 3 of the first row would leave one who could not sit.
    check_split("..... xx ..", &together(4), Some(&[0, 1, 7, 8]));
    check_split(".. xx ..", &together(3), None);
    check_split("ac xx ac", &with_wheelchairs(2, 4), Some(&[0, 1, 4, 5]));
    check_split("ac xx a.", &with_wheelchairs(2, 3), Some(&[0, 1, 4]));
    check_split("ac xx A.", &with_wheelchairs(2, 3), None);
}

#[test]
fn counters_follow_every_state() {
    let (config, mut seating) = hall("..xhkacp2", 0, STRICT);
    assert_eq!(seating.counters(CategoryId(0)), Counters { free: 5, held: 1, sold: 1, killed: 1 });
    assert_eq!(seating.counters(CategoryId(1)), Counters { free: 1, held: 0, sold: 0, killed: 0 });
    assert_eq!(seating.available(CategoryId(0), None), 2);
    assert_eq!(seating.available(CategoryId(0), Some(ChannelId(0))), 1);
    seating.set(SeatIndex(0), SeatState::Held);
    seating.set(SeatIndex(2), SeatState::Free);
    assert_eq!(seating.counters(CategoryId(0)), Counters { free: 5, held: 2, sold: 0, killed: 1 });
    assert_eq!(seating.map(), [0b01_00_00_01, 0b00_00_00_11, 0b00]);
    let released = seating.reconfigured(&config, ReleasedChannels::NONE.with(ChannelId(0)));
    assert_eq!(released.available(CategoryId(0), None), 3);
    assert_eq!(released.available(CategoryId(0), Some(ChannelId(0))), 3);
    assert_eq!(released.map(), seating.map());
    released.check().unwrap();
}

#[test]
fn seats_are_open_to_their_audience() {
    let open = |seating: &Seating, seat, channel, wish| seating.is_open_to(SeatIndex(seat), channel, wish);
    let (config, seating) = hall("xpa", 0, STRICT);
    let promoter = Some(ChannelId(0));
    assert!(open(&seating, 0, None, false) && !open(&seating, 0, promoter, false));
    assert!(!open(&seating, 1, None, false) && open(&seating, 1, promoter, false));
    assert!(!open(&seating, 2, None, false) && open(&seating, 2, None, true));
    let released = seating.reconfigured(&config, ReleasedChannels::NONE.with(ChannelId(0)));
    assert!(open(&released, 1, None, false) && open(&released, 1, promoter, false));
}

#[test]
fn a_released_channel_without_seats_costs_no_layout() {
    let released = ReleasedChannels::NONE.with(ChannelId(0));
    let (config, mut seating) = hall("..x", 0, STRICT);
    let before = std::sync::Arc::clone(&seating.layout);
    seating.release(&config, released);
    assert!(std::sync::Arc::ptr_eq(&before, &seating.layout));
    assert_eq!(seating.available(CategoryId(0), Some(ChannelId(0))), 2);
    let (config, mut seating) = hall("..p", 0, STRICT);
    seating.release(&config, released);
    assert_eq!(seating.available(CategoryId(0), None), 3);
    seating.check().unwrap();
}

#[test]
fn appended_rows_are_free() {
    let (_, seating) = hall("x.", 0, STRICT);
    let (larger, _) = hall("x. ...", 0, STRICT);
    let seating = seating.reconfigured(&larger, ReleasedChannels::NONE);
    assert_eq!(seating.best(&together(3), &[]).unwrap().seats, seats(&[2, 3, 4]));
    assert_eq!(seating.state(SeatIndex(0)), SeatState::Sold);
    seating.check().unwrap();
}
