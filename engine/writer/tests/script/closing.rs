//! Hand-over, passivation, and losing the lease.

use crate::stage::{Setup, check};

#[test]
fn an_idle_writer_hands_over_at_once() {
    check(
        Setup::default(),
        "> hold a 1
         > hand over
         reply a not executed
         stop handed over
         > hold b 1
         turned away b",
    );
}

#[test]
fn a_turn_under_way_is_finished_before_the_hand_over() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > hold b 1
         > hand over
         reply b not executed
         > hold c 1
         turned away c
         > unknown
         timer 5
         > at 5
         > tick
         append 3..3 attempt 1
         > committed
         reply a accepted 3
         publish
         stop handed over",
    );
    check(
        Setup::default(),
        "> hold a 5
         > turn
         read head
         > hand over
         > head ours
         reply a rejected 2 SoldOut
         stop handed over",
    );
}

#[test]
fn scenario_19_a_hand_over_during_an_outage_is_bounded() {
    let mut script = "> hold a 1
         > turn
         append 3..3 attempt 0
         > hand over\n"
        .to_owned();
    let mut at = 0;
    for attempt in 1..8 {
        at += 5 << (attempt - 1);
        let alert = if attempt == 5 { "alert stalled 5\n" } else { "" };
        script +=
            &format!("> unknown\n{alert}timer {at}\n> at {at}\n> tick\nappend 3..3 attempt {attempt}\n");
    }
    script += "> unknown\nreply a outcome unknown\nstop handed over";
    check(Setup::default(), &script);
}

#[test]
fn without_the_lease_an_append_in_flight_may_end_well() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > lost
         > committed
         reply a accepted 3
         publish
         stop handed over",
    );
}

#[test]
fn without_the_lease_nothing_is_submitted_again() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > lost
         > unknown
         reply a outcome unknown
         stop handed over",
    );
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > unknown
         timer 5
         > lost
         reply a outcome unknown
         stop handed over",
    );
}

#[test]
fn a_hand_over_does_not_give_the_lease_back() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > lost
         > hand over
         > unknown
         reply a outcome unknown
         stop handed over",
    );
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > hand over
         > lost
         > unknown
         reply a outcome unknown
         stop handed over",
    );
}

#[test]
fn without_the_lease_the_rest_of_a_split_turn_is_not_submitted() {
    let setup = Setup { event_bytes: 800_000, ..Setup::default() };
    check(
        setup,
        "> hold a 1
         > hold b 1
         > hold c 9
         > turn
         append 3..3 attempt 0
         > hold d 1
         > lost
         reply d not executed
         > committed
         reply a outcome unknown
         reply b outcome unknown
         reply c outcome unknown
         stop handed over
         > tick
         > turn",
    );
    // Nor is it once a hand-over follows.
    check(
        setup,
        "> hold a 1
         > hold b 1
         > turn
         append 3..3 attempt 0
         > lost
         > hand over
         > committed
         reply a outcome unknown
         reply b outcome unknown
         stop handed over",
    );
    // A hand-over in good order finishes the turn.
    check(
        setup,
        "> hold a 1
         > hold b 1
         > turn
         append 3..3 attempt 0
         > hand over
         > committed
         append 4..4 attempt 0
         > committed
         reply a accepted 3
         reply b accepted 4
         publish
         stop handed over",
    );
}
