//! From the beginning of a payment to a sale, or back; refunds.

use crate::hall::{seated, standing, ticket_type};
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
         claim 3 => Paid 2 None Some(Captured)",
    );
}

#[test]
fn every_state_refuses_what_it_does_not_admit() {
    check(
        standing(),
        "A hold 0*1
         sys confirm 3 captured => WrongState { state: Held }
         sys fail 3 => WrongState { state: Held }
         org refund 3 0 restock => WrongState { state: Held }
         A pay 3
         A release 3 => WrongState { state: PaymentInFlight }
         A renew 3 => WrongState { state: PaymentInFlight }
         A pay 3 => WrongState { state: PaymentInFlight }
         org refund 3 0 restock => WrongState { state: PaymentInFlight }
         A confirm 3 free => PaymentRequired { total_minor: 2000 }
         sys confirm 3 captured
         A release 3 => WrongState { state: Paid }
         A renew 3 => WrongState { state: Paid }
         A pay 3 => WrongState { state: Paid }
         sys confirm 3 captured => WrongState { state: Paid }
         sys fail 3 => WrongState { state: Paid }
         B release 3 => HoldNotFound
         org refund 3 0 restock
         A release 3 => WrongState { state: Refunded }
         org refund 3 0 restock => TicketRefunded
         sys fail 99 => OrderNotFound
         sys confirm 99 captured => OrderNotFound
         B confirm 99 free => OrderNotFound
         org refund 99 0 restock => OrderNotFound",
    );
}

#[test]
fn the_failure_of_an_attempt_ends_that_one_only() {
    check(
        standing(),
        "A hold 0*1
         A pay 3 by=1
         sys fail 3 attempt=2 => WrongState { state: PaymentInFlight }
         sys fail 3 attempt=0 => WrongState { state: PaymentInFlight }
         sys fail 3 attempt=1
         sys fail 3 attempt=1 => WrongState { state: Held }
         A pay 3 by=1
         sys fail 3 attempt=1 => WrongState { state: PaymentInFlight }
         claim 3 => PaymentInFlight 1 Some(900000) None
         sys fail 3 attempt=2
         A pay 3
         sys fail 3
         claim 3 => Held 1 Some(600000) None",
    );
}

#[test]
fn the_first_money_buys_the_hold_whichever_attempt_brought_it() {
    let paid = "claim 3 => Paid 2 None Some(Captured)
         pool 0 => 8 0 2 0";
    // The first attempt was given up, and its money came all the same: the hold is there.
    check(
        standing(),
        &format!(
            "A hold 0*2
         A pay 3 by=1
         sys fail 3 attempt=1
         sys confirm 3 captured attempt=1
         {paid}
         sys confirm 3 captured attempt=1 => WrongState {{ state: Paid }}"
        ),
    );
    // Another attempt is in flight.
    check(
        standing(),
        &format!(
            "A hold 0*2
         A pay 3 by=1 with=B
         sys fail 3 attempt=1
         A pay 3 by=1 with=C
         sys confirm 3 captured attempt=3 => WrongState {{ state: PaymentInFlight }}
         sys confirm 3 captured attempt=0 => WrongState {{ state: PaymentInFlight }}
         sys confirm 3 captured attempt=1
         {paid}
         sys fail 3 attempt=2 => WrongState {{ state: Paid }}"
        ),
    );
    // It is the provider's word that counts so much: what is free, or what an organizer says, is about the attempt in flight.
    check(
        standing(),
        "A hold 0*2
         A pay 3 by=1
         sys fail 3 attempt=1
         org confirm 3 captured attempt=1 => WrongState { state: Held }
         org confirm 3 offline attempt=1 => WrongState { state: Held }
         sys confirm 3 captured => WrongState { state: Held }
         A pay 3 by=1
         org confirm 3 offline attempt=1 => WrongState { state: PaymentInFlight }
         org confirm 3 offline attempt=2",
    );
}

#[test]
fn money_that_comes_after_the_hold_has_ended_sells_nothing() {
    check(
        standing(),
        "A hold 0*2
         A pay 3 by=1
         sys fail 3 attempt=1
         A release 3
         sys confirm 3 captured attempt=1 => OrderNotFound
         pool 0 => 10 0 0 0",
    );
}

#[test]
fn a_failed_payment_returns_to_the_original_deadline() {
    check(
        standing(),
        "A hold 0*1
         wait 300000
         A pay 3
         claim 3 => PaymentInFlight 1 Some(1200000) None
         sys fail 3
         claim 3 => Held 1 Some(600000) None
         A pay 3
         sys fail 3
         A pay 3
         sys fail 3
         A pay 3 => PaymentAttemptsExhausted
         wait 300000 => Expired { through: (1600000, ClaimNumber(3)), count: 1 }",
    );
}

#[test]
fn a_payment_in_flight_outlives_the_deadline_until_its_grace_ends() {
    check(
        standing(),
        "A hold 0*1
         wait 599999
         A pay 3
         wait 899999 => ok
         wait 1 => Expired { through: (2499999, ClaimNumber(3)), count: 1 }
         sys confirm 3 captured => HoldExpired { hold: ClaimNumber(3) }
         B hold 0*1
         B pay 6
         wait 700000
         sys fail 6
         wait 0 => Expired { through: (3099999, ClaimNumber(6)), count: 1 }",
    );
}

/// The hold lasts an hour, its grace a quarter of one.
#[test]
fn a_payment_does_not_shorten_its_hold() {
    let mut config = standing();
    config.hold.duration_ms = 3_600_000;
    config.hold.life_ms_max = 3_600_000;
    config.hold.grace_ms = 900_000;
    check(
        config,
        "A hold 0*1
         wait 60000
         A pay 3
         claim 3 => PaymentInFlight 1 Some(3600000) None
         wait 3539999 => ok
         sys fail 3
         wait 1 => Expired { through: (4600000, ClaimNumber(3)), count: 1 }
         B hold 0*1
         wait 3599999
         B pay 7
         wait 899999 => ok
         wait 1 => Expired { through: (9099999, ClaimNumber(7)), count: 1 }",
    );
}

#[test]
fn free_orders_need_no_payment() {
    let mut config = standing();
    config.ticket_types.push(ticket_type("child", 0, &[0]));
    check(
        config,
        "A hold 1*2
         A pay 3
         A confirm 3 free
         claim 3 => Paid 2 None Some(Free)
         B hold 0*1 1*1
         B pay 6
         B confirm 6 free => PaymentRequired { total_minor: 2000 }
         org confirm 6 offline
         claim 6 => Paid 2 None Some(Offline)",
    );
}

#[test]
fn refunds_restock_or_withdraw() {
    check(
        seated(),
        "A hold 0*2 1[2,3]
         A pay 3
         sys confirm 3 captured
         seats => ..ss............
         org refund 3 4 restock => TicketNotFound
         org refund 3 0,0 restock => InvalidRequest(Duplicate)
         org refund 3 , restock => InvalidRequest(ZeroQuantity)
         org refund 3 0,2 restock
         pool 0 => 9 0 1 0
         seats => ...s............
         org refund 3 0,1 kill => TicketRefunded
         sys refund 3 3,1 kill
         pool 0 => 9 0 0 1
         seats => ...k............
         claim 3 => Refunded 4 None Some(Captured)",
    );
}

#[test]
fn cancelling_ends_holds_and_makes_orders_refund_due() {
    check(
        seated(),
        "A hold 0*1
         B hold 1[0,1]
         B pay 4
         C hold 0*3 1[2,3]
         C pay 6
         sys confirm 6 captured
         org phase Cancelled
         claim 3 => none
         claim 4 => none
         claim 6 => RefundDue 5 None Some(Captured)
         seats => ..ss............
         pool 0 => 7 0 3 0
         org refund 6 0,1,2,3,4 restock
         claim 6 => Refunded 5 None Some(Captured)
         pool 0 => 10 0 0 0",
    );
}
