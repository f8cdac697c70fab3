//! Seats: exact ones, and the best together.

use crate::hall::seated;
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
fn wheelchair_spaces_go_to_the_wish_for_them() {
    check(
        seated(),
        "available 2 => true 6
         A hold 2~2 accessible=1
         seats => ........hh......
         B hold 2~1 accessible=1 => SoldOut { line: 0, pool: None, remaining: 6, may_return: true }",
    );
    let mut config = seated();
    config.seating.accessible_released = true;
    check(config, "available 2 => true 8\n A hold 2[8,9]");
}
