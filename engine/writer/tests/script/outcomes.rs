//! What the store answers: unknown, fenced, failed, away.

use crate::stage::{POISON_BYTES, Setup, check};

#[test]
fn scenario_06_an_unknown_outcome_is_resubmitted_with_growing_waits() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > unknown
         timer 5
         > at 4
         > tick
         timer 5
         > at 5
         > tick
         append 3..3 attempt 1
         > unknown
         timer 15
         > at 15
         > tick
         append 3..3 attempt 2
         > unknown
         timer 35
         > at 35
         > tick
         append 3..3 attempt 3
         > committed
         reply a accepted 3
         publish
         timer 60000",
    );
}

#[test]
fn scenario_07_unknown_then_fenced_by_our_own_batch_is_committed() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > unknown
         timer 5
         > at 5
         > tick
         append 3..3 attempt 1
         > fenced by itself
         reply a accepted 3
         publish
         timer 60000",
    );
}

#[test]
fn scenario_08_a_conflict_on_the_head_stops_the_writer() {
    check(
        Setup::default(),
        "> hold a 1
         > hold b 9
         > turn
         append 3..3 attempt 0
         > hold c 1
         > fenced
         reply a outcome unknown
         reply b outcome unknown
         reply c not executed
         stop fenced by epoch 9
         > tick
         > turn",
    );
}

#[test]
fn scenario_09_a_stalled_store_turns_new_holds_away_and_recovers_by_itself() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > unknown
         timer 5
         > at 5
         > tick
         append 3..3 attempt 1
         > unknown
         timer 15
         > at 15
         > tick
         append 3..3 attempt 2
         > unknown
         timer 35
         > at 35
         > tick
         append 3..3 attempt 3
         > unknown
         timer 75
         > hold early 1 until=70
         > at 75
         > tick
         reply early gave up
         append 3..3 attempt 4
         > unknown
         alert stalled 5
         timer 155
         > hold b 1
         turned away b
         > release r 3
         > at 155
         > tick
         append 3..3 attempt 5
         > committed
         reply a accepted 3
         publish
         timer 60000
         > hold c 1
         > turn
         append 4..5 attempt 0
         > committed
         reply r accepted 4
         reply c accepted 5
         publish
         timer 60155",
    );
}

#[test]
fn a_failed_store_ends_the_writer_and_no_answer_is_a_success() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > hold b 1
         > fatal
         reply a outcome unknown
         reply b not executed
         stop store failed: away",
    );
    check(
        Setup::default(),
        "> read q 3
         > turn
         read head
         > head fatal
         reply q outcome unknown
         stop store failed: away",
    );
}

#[test]
fn a_head_that_cannot_be_read_is_read_again() {
    check(
        Setup::default(),
        "> read q 3
         > turn
         read head
         > head away
         timer 5
         > at 5
         > tick
         read head
         > head ours
         reply q read 2 nothing",
    );
}

#[test]
fn scenario_22_after_a_panic_everybody_is_told() {
    let poisoned = Setup { event_bytes: POISON_BYTES, ..Setup::default() };
    check(
        poisoned,
        "> hold a 1
         > hold b 9
         > read q 1
         > turn
         panics
         > hold c 1
         > abandon
         reply q outcome unknown
         reply a outcome unknown
         reply b outcome unknown
         reply c not executed",
    );
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > hold b 1
         > abandon
         reply a outcome unknown
         reply b not executed",
    );
}
