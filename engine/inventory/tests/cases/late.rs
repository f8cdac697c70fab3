//! Late sales: money that came after its hold had ended.

use crate::hall::{seated, sponsored, standing};
use crate::script::check;

/// Whichever is logged first counts; the other is told so, and nothing is sold twice.
#[test]
fn scenario_39_an_expiry_and_a_capture_of_one_turn_are_decided_by_their_order() {
    check(
        standing(),
        "A hold 0*2
         A pay 3
         wait 899999
         sys confirm 3 captured
         wait 1 => ok
         sys late 3 => WrongState { state: Paid }
         B hold 0*2
         B pay 6
         wait 900000
         sys confirm 6 captured => HoldExpired { hold: ClaimNumber(6) }
         sys late 6
         sys confirm 6 captured => WrongState { state: Paid }
         pool 0 => 6 0 4 0",
    );
}

#[test]
fn scenario_38_late_money_buys_what_is_still_to_be_had() {
    check(
        seated(),
        "A hold 0*2 1[2,3]
         A pay 3
         sys late 3 => WrongState { state: PaymentInFlight }
         wait 900000
         sys confirm 3 captured => HoldExpired { hold: ClaimNumber(3) }
         A late 3 => Forbidden
         org late 3 => Forbidden
         sys late 3
         sys late 3 => WrongState { state: Paid }
         claim 3 => Paid 4 None Some(Captured)
         seats => ..ss............
         pool 0 => 8 0 2 0
         gate in 3/0
         org refund 3 2,3 restock
         seats => ................",
    );
}

#[test]
fn a_late_sale_is_asked_what_a_hold_is() {
    check(
        seated(),
        "A hold 1[2,3]
         A pay 3
         wait 900000
         B hold 1[3]
         sys late 3 => SeatsTaken { seats: [SeatIndex(3)] }
         B release 6
         org kill [2]
         sys late 3 => SeatsTaken { seats: [SeatIndex(2)] }
         org restore [2]
         org phase Paused
         sys late 3 => WrongPhase { phase: Paused, command: SellLate, opens_at: None }
         org phase Closed
         sys late 3
         sys late 99 => OrderNotFound",
    );
    check(
        standing(),
        "A hold 0*4
         A pay 3
         wait 900000
         B hold 0*4
         C hold 0*4
         sys late 3 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 2, may_return: true }
         C release 7
         sys late 3
         pool 0 => 2 4 4 0",
    );
}

#[test]
fn limits_hold_for_late_money() {
    let mut config = standing();
    config.units_per_subject_max = Some(4);
    check(
        config.clone(),
        "A hold 0*3
         A pay 3
         wait 900000
         A hold 0*2
         sys late 3 => LimitExceeded { ticket_type: None, limit: 4, used: 2 }
         A release 6
         sys late 3",
    );
    config.units_per_subject_max = None;
    config.ticket_types[0].per_subject_max = Some(3);
    check(
        config,
        "A hold 0*3
         A pay 3
         wait 900000
         A hold 0*1
         sys late 3 => LimitExceeded { ticket_type: Some(TicketTypeId(0)), limit: 3, used: 1 }",
    );
}

#[test]
fn a_late_sale_draws_on_its_channel_while_there_is_one() {
    check(
        sponsored(),
        "A hold 0*2 code=7
         A pay 3
         wait 900000
         sys late 3
         share 0 0 => 1 0 2",
    );
    check(
        sponsored(),
        "A hold 0*2 code=7
         A pay 3
         wait 900000
         org channel 0
         sys late 3
         pool 0 => 8 0 2 0",
    );
}
