//! Placing, renewing, releasing and losing holds.

use crate::hall::{seated, standing};
use crate::script::check;

#[test]
fn a_hold_becomes_an_order() {
    check(
        standing(),
        "A hold 0*2 => ok 3
         pool 0 => 8 2 0 0
         claim 3 => Held 2 Some(600000) None
         A pay 3 => ok 4
         claim 3 => PaymentInFlight 2 Some(900000) None
         sys confirm 3 captured => ok 5
         pool 0 => 8 0 2 0
         claim 3 => Paid 2 None Some(Captured)
         org refund 3 0 restock
         pool 0 => 9 0 1 0
         org refund 3 1 kill
         pool 0 => 9 0 0 1
         claim 3 => Refunded 2 None Some(Captured)",
    );
}

#[test]
fn a_hold_that_expires_gives_its_units_back() {
    check(
        standing(),
        "A hold 0*4
         B hold 0*4
         wait 599999 => ok
         wait 1 => Expired { through: (1600000, ClaimNumber(4)), count: 2 }
         pool 0 => 10 0 0 0
         A release 3 => HoldExpired { hold: ClaimNumber(3) }
         B release 3 => HoldNotFound",
    );
}

#[test]
fn the_best_seats_are_held_together() {
    check(
        seated(),
        "A hold 1~4
         seats => ..hhhh..........
         B hold 1[0] => StrandsSeat { stranded: SeatIndex(1), alternatives: [] }
         B hold 1[0,1]
         C hold ?~2 max=4000
         seats => hhhhhh....hh....",
    );
}
