//! Scenario 18: a wall clock that is an hour off, or years.

use tessera_writer::CLOCK_AHEAD_MS_MAX;

use crate::stage::{START_MS, Setup, check};

const HOUR: u64 = 3_600_000;

#[test]
fn scenario_18_an_hour_ahead_of_the_witness_lets_nothing_happen_until_the_clock_is_mended() {
    let setup =
        Setup { openings: 1, wall_ms: START_MS + HOUR, witness_ms: Some(START_MS), ..Setup::default() };
    check(
        setup,
        "alert clock +3600000
         > at 2000
         > tick
         > hold a 4
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         publish
         > hold b 1
         > turn
         read head
         > head ours
         reply b rejected 3 SoldOut
         > wall 10002000 witness 10002000 since 10000000
         timer 2000
         > wants
         wants a turn
         > tick
         append 4..4 attempt 0
         > committed
         publish
         timer 62000",
    );
}

#[test]
fn scenario_18_an_operator_vouches_for_the_wall_clock() {
    let setup =
        Setup { openings: 1, wall_ms: START_MS + HOUR, witness_ms: Some(START_MS), ..Setup::default() };
    check(
        setup,
        "alert clock +3600000
         > acknowledge 13600000
         timer 0
         > tick
         append 3..3 attempt 0
         > committed
         publish",
    );
}

#[test]
fn an_operator_moves_a_clock_on_that_stood_still_while_the_machine_slept() {
    let setup = Setup { openings: 1, ..Setup::default() };
    check(
        setup,
        "timer 1000
         > at 10
         > acknowledge 9000000
         > at 20
         > acknowledge 13600000
         timer 20
         > tick
         append 3..3 attempt 0
         > committed
         publish
         > hold a 1
         > turn
         append 4..4 attempt 0
         > committed
         reply a accepted 4
         publish
         timer 60020
         > acknowledge 13600000",
    );
}

#[test]
fn nobody_is_told_of_a_doubted_clock_before_something_waits_for_it() {
    let setup = Setup { wall_ms: START_MS + HOUR, witness_ms: Some(START_MS), ..Setup::default() };
    check(
        setup,
        "> hold a 5
         > turn
         read head
         > head ours
         reply a rejected 2 SoldOut
         > hold b 1
         > turn
         append 3..3 attempt 0
         > committed
         reply b accepted 3
         publish
         alert clock +3600000
         > release c 3
         > turn
         append 4..4 attempt 0
         > committed
         reply c accepted 4
         publish
         > hold d 1
         > turn
         append 5..5 attempt 0
         > committed
         reply d accepted 5
         publish",
    );
}

#[test]
fn scenario_18_an_hour_behind_logged_time_stands_still() {
    let setup = Setup { wall_ms: START_MS - HOUR, ..Setup::default() };
    check(
        setup,
        "> hold a 4
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         publish
         alert clock -3600000
         timer 3660000
         > at 60000
         > tick
         timer 3660000
         > at 3660000
         > tick
         append 4..4 attempt 0
         > committed
         publish",
    );
}

#[test]
fn scenario_18_a_process_that_begins_years_ahead_is_not_its_own_witness() {
    let wall_ms = START_MS + 2 * CLOCK_AHEAD_MS_MAX;
    let began = Setup { openings: 1, wall_ms, witness_ms: Some(wall_ms), ..Setup::default() };
    let setup = Setup { watched_since_ms: wall_ms, ..began };
    check(
        setup,
        "alert clock +69120000000
         > at 2000
         > tick
         > hold a 4
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         publish
         > at 3000
         > renew b 3
         > turn
         append 4..4 attempt 0
         > committed
         reply b accepted 4
         publish
         > wall 10003000 witness 69130003000 since 69130000000
         timer 3000
         > tick
         append 5..5 attempt 0
         > committed
         publish
         timer 63000",
    );
}

#[test]
fn an_event_that_slept_through_years_that_somebody_watched_goes_on_at_once() {
    let wall_ms = START_MS + 3 * CLOCK_AHEAD_MS_MAX;
    let setup = Setup { openings: 1, wall_ms, witness_ms: Some(wall_ms), ..Setup::default() };
    check(
        setup,
        "timer 0
         > tick
         append 3..3 attempt 0
         > committed
         publish",
    );
}
