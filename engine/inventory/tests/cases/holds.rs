//! Placing, renewing, releasing and losing holds.

use crate::hall::standing;
use crate::script::check;

#[test]
fn a_hold_that_expires_gives_its_units_back() {
    check(
        standing(),
        "A hold 0*4
         B hold 0*4
         wait 599999 => ok
         wait 1 => Expired { through: (1600000, ClaimNumber(4)), count: 2 }
         pool 0 => 10 0 0 0
         claim 3 => none
         A release 3 => HoldExpired { hold: ClaimNumber(3) }
         B release 3 => HoldNotFound
         secret renew 4 => HoldExpired { hold: ClaimNumber(4) }
         A pay 3 => HoldExpired { hold: ClaimNumber(3) }
         sys confirm 3 captured => HoldExpired { hold: ClaimNumber(3) }",
    );
}

#[test]
fn expiry_goes_by_deadline_then_number() {
    check(
        standing(),
        "A hold 0*1 ms=120000
         B hold 0*1 ms=60000
         C hold 0*1 ms=60000
         wait 60000 => Expired { through: (1060000, ClaimNumber(5)), count: 2 }
         wait 60000 => Expired { through: (1120000, ClaimNumber(3)), count: 1 }",
    );
}

#[test]
fn a_released_hold_is_gone() {
    check(
        standing(),
        "A hold 0*2
         B release 3 => HoldNotFound
         A release 3 => ok 4
         pool 0 => 10 0 0 0
         A release 3 => HoldNotFound
         A release 99 => HoldNotFound
         A hold 0*1
         secret release 5
         A hold 0*1
         org release 7
         pool 0 => 10 0 0 0",
    );
}

#[test]
fn a_hold_is_renewed_twice_within_its_life() {
    check(
        standing(),
        "A hold 0*1
         wait 1000
         A renew 3
         claim 3 => Held 1 Some(601000) None
         A renew 3 => RenewalsExhausted
         wait 1000
         A renew 3
         wait 1000
         A renew 3 => RenewalsExhausted
         B renew 3 => HoldNotFound
         B renew 4 => HoldNotFound
         wait 598999 => ok
         wait 1 => Expired { through: (1602000, ClaimNumber(3)), count: 1 }",
    );
    let mut config = standing();
    config.hold.life_ms_max = 700_000;
    check(
        config,
        "A hold 0*1
         wait 500000
         A renew 3
         claim 3 => Held 1 Some(700000) None
         wait 100000
         A renew 3 => RenewalsExhausted",
    );
}

#[test]
fn several_lines_are_held_together_or_not_at_all() {
    let mut config = standing();
    config.ticket_types.push(crate::hall::ticket_type("reduced", 1_000, &[0]));
    check(
        config,
        "A hold 0*4 1*4
         claim 3 => Held 8 Some(600000) None
         B hold 0*1 1*2 => SoldOut { line: 1, pool: Some(PoolId(0)), remaining: 1, may_return: true }
         pool 0 => 2 8 0 0
         B hold 0*1 1*1
         pool 0 => 0 10 0 0
         A release 3
         pool 0 => 8 2 0 0",
    );
}

#[test]
fn nobody_acts_for_another() {
    check(
        standing(),
        "A hold 0*1 for=B => Forbidden
         secret hold 0*1 => Forbidden
         gate hold 0*1 => Forbidden
         sys hold 0*1 => Forbidden
         org hold 0*1 for=B
         A pay 3 => HoldNotFound
         gate pay 3 => Forbidden
         gate release 3 => Forbidden
         sys release 3 => Forbidden
         A kill 0*1 => Forbidden
         A restore 0*1 => Forbidden
         A phase Paused => Forbidden
         A channel 0 => Forbidden
         B pay 3
         B confirm 3 captured => Forbidden
         B confirm 3 offline => Forbidden
         sys confirm 3 offline => Forbidden
         B fail 3 => Forbidden
         gate confirm 3 free => Forbidden
         org confirm 3 offline
         B refund 3 0 restock => Forbidden
         B in 3/0 => Forbidden
         B out 3/0 => Forbidden
         gate transfer 3/0 to C => Forbidden",
    );
}
