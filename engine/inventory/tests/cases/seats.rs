//! Seats: exact ones, and the best together.

use std::sync::Arc;

use tessera_inventory::{AccessCode, PoolId, SectionId, Timestamp};

use crate::hall::{pool, row, seated, seated_type};
use crate::script::check;

#[test]
fn exact_seats_are_all_free_or_refused_by_name() {
    check(
        seated(),
        "A hold 1[2,3]
         seats => ..hh............
         B hold 1[3,4] => SeatsTaken { seats: [SeatIndex(3)] }
         B hold 1[2] 1[3] => SeatsTaken { seats: [SeatIndex(2), SeatIndex(3)] }
         B hold 1[4,5] 2[12,13]
         seats => ..hhhh......hh..
         A hold 2[8] => SeatsTaken { seats: [SeatIndex(8)] }
         org hold 2[8,9] for=C
         seats => ..hhhh..hh..hh..",
    );
}

#[test]
fn a_stranded_seat_is_refused_with_alternatives() {
    check(
        seated(),
        "A hold 1[1,2] => StrandsSeat { stranded: SeatIndex(0), alternatives: \
         [[SeatIndex(3), SeatIndex(4)], [SeatIndex(0), SeatIndex(1)], [SeatIndex(6), SeatIndex(7)]] }",
    );
    let mut config = seated();
    config.seating.stranding_allowed = true;
    check(config, "A hold 1[1,2]\n seats => .hh.............");
}

#[test]
fn the_best_seats_are_nearest_to_the_focal_point() {
    check(
        seated(),
        "A hold 1~4
         seats => ..hhhh..........
         B hold 1[0] => StrandsSeat { stranded: SeatIndex(1), alternatives: [] }
         B hold 1[0,1]
         C hold ?~2 max=4000
         seats => hhhhhh....hh....
         D hold 1~4 => SoldOut { line: 0, pool: None, remaining: 2, may_return: true }
         D hold 1~2 2~2",
    );
}

#[test]
fn seats_are_split_only_on_request() {
    check(
        seated(),
        "A hold 1[2,3,4,5]
         B hold 1~4 => SoldOut { line: 0, pool: None, remaining: 4, may_return: true }
         B hold 1~4 split
         seats => hhhhhhhh........",
    );
}

#[test]
fn what_remains_is_what_the_same_wish_can_still_get() {
    let mut config = seated();
    config.sections.push("Balcony".into());
    config.rows = config.rows.iter().cloned().chain([row(1, "C", 3)]).collect();
    Arc::get_mut(&mut config.rows).unwrap()[2].section = SectionId(1);
    check(
        config,
        "A hold 2~4 section=1 => SoldOut { line: 0, pool: None, remaining: 3, may_return: false }
         A hold 2~3 section=1
         B hold 2~1 section=1 => SoldOut { line: 0, pool: None, remaining: 0, may_return: true }
         B hold 2[10,11] 2~2 section=1 => SoldOut { line: 1, pool: None, remaining: 0, may_return: true }
         B hold 1[0,1] ?~4 section=1 => SoldOut { line: 1, pool: None, remaining: 0, may_return: true }
         C hold 1~4
         org kill [6]
         D hold 1[0,1] 1~2 => SoldOut { line: 1, pool: None, remaining: 1, may_return: true }
         D hold 1[0,1] 1~1
         E hold ?~4 max=2999 => SoldOut { line: 0, pool: None, remaining: 0, may_return: false }
         E hold 1~1 => SoldOut { line: 0, pool: None, remaining: 0, may_return: true }",
    );
}

#[test]
fn alternatives_are_for_the_line_that_strands_and_keep_clear_of_the_others() {
    check(
        seated(),
        "A hold 1[4,5] 2[11] => StrandsSeat { stranded: SeatIndex(10), alternatives: \
         [[SeatIndex(12)], [SeatIndex(10)], [SeatIndex(13)]] }
         A hold 1[4,5] 1[1] => StrandsSeat { stranded: SeatIndex(0), alternatives: \
         [[SeatIndex(3)], [SeatIndex(0)]] }
         A hold 2[12,13] 2[11] => StrandsSeat { stranded: SeatIndex(10), alternatives: [] }",
    );
}

#[test]
fn a_split_party_gets_the_best_split_of_all_types() {
    // Two pairs are left in front and at the back; those at the back are nearer to their focal point.
    check(
        seated(),
        "org kill [0,1,2,5,12,13]
         seats => kkk..k......kk..
         A hold ?~3 split => SoldOut { line: 0, pool: None, remaining: 4, may_return: false }
         A hold ?~4 split
         seats => kkk..k....hhkkhh",
    );
}

#[test]
fn wheelchair_spaces_go_to_the_wish_for_them() {
    check(
        seated(),
        "available 2 => true 6
         A hold 2~2 accessible=1
         seats => ........hh......
         B hold 2~1 accessible=1 => SoldOut { line: 0, pool: None, remaining: 0, may_return: true }",
    );
    let mut config = seated();
    config.seating.accessible_released = true;
    check(config, "available 2 => true 8\n A hold 2[8,9]");
}

#[test]
fn of_the_reasons_against_all_types_a_lack_of_stock_is_told_first() {
    // Type 1 needs a code; type 2 draws on a pool that is used up, type 3 is not on sale yet.
    let mut config = seated();
    config.pools.push(pool("quota", 1));
    config.ticket_types[1].access_code = Some(AccessCode(9));
    config.ticket_types[2].draws_on = vec![PoolId(1)];
    config.ticket_types.push(seated_type("late", 2_000, 1));
    config.ticket_types[3].window.opens_at = Some(Timestamp(2_000_000));
    check(
        config.clone(),
        "A hold 2[10]
         B hold ?~2 => SoldOut { line: 0, pool: Some(PoolId(1)), remaining: 0, may_return: true }
         B hold ?~2 code=9",
    );
    config.ticket_types.remove(2);
    check(config, "B hold ?~2 => NotOnSale { ticket_type: TicketTypeId(2), opens_at: Some(2000000) }");
}
