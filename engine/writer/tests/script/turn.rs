//! The turn: lanes, order, group commit, deadlines, deferral, duplicates.

use crate::stage::{Setup, check};

#[test]
fn an_accepted_command_is_answered_after_its_commit() {
    check(
        Setup::default(),
        "> hold a 1
         > wants
         wants a turn
         > turn
         append 3..3 attempt 0
         > wants
         rests
         > committed
         reply a accepted 3
         publish
         timer 60000",
    );
}

#[test]
fn what_arrives_during_an_append_is_the_next_turn() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > hold b 1
         > hold c 1
         > turn
         > committed
         reply a accepted 3
         publish
         timer 60000
         > wants
         wants a turn
         > turn
         append 4..5 attempt 0
         > committed
         reply b accepted 4
         reply c accepted 5
         publish",
    );
}

#[test]
fn existing_claims_and_reads_are_decided_before_new_holds() {
    check(
        Setup::default(),
        "> hold a 4
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         publish
         timer 60000
         > hold b 4
         > release r 3
         > read q 3
         > turn
         append 4..5 attempt 0
         > committed
         reply r accepted 4
         reply q read 4 nothing
         reply b accepted 5
         publish",
    );
}

#[test]
fn scenario_12_a_rejection_waits_until_the_state_it_was_decided_on_is_durable() {
    check(
        Setup::default(),
        "> hold a 3
         > hold b 2
         > hold c 1
         > turn
         append 3..4 attempt 0
         > unknown
         timer 5
         > at 5
         > tick
         append 3..4 attempt 1
         > committed
         reply a accepted 3
         reply b rejected 3 SoldOut
         reply c accepted 4
         publish
         timer 60000",
    );
}

#[test]
fn a_turn_without_events_answers_after_the_head_was_seen_to_be_ours() {
    check(
        Setup::default(),
        "> read q 9
         > hold a 5
         > turn
         read head
         > head ours
         reply q read 2 nothing
         reply a rejected 2 SoldOut",
    );
}

#[test]
fn scenario_52_a_fenced_owner_neither_accepts_nor_refuses() {
    check(
        Setup::default(),
        "> hold a 5
         > turn
         read head
         > hold b 1
         > head other
         reply a outcome unknown
         reply b not executed
         stop fenced by epoch 9
         > hold c 1
         turned away c
         > turn",
    );
}

#[test]
fn who_has_given_up_is_dropped_undecided() {
    check(
        Setup::default(),
        "> hold a 4 until=10
         > hold b 4
         > at 10
         > turn
         reply a gave up
         append 3..3 attempt 0
         > committed
         reply b accepted 3
         publish
         timer 60010",
    );
    check(
        Setup::default(),
        "> read q 3 until=10
         > at 11
         > turn
         reply q gave up
         > wants
         rests",
    );
}

#[test]
fn what_is_due_comes_before_the_command_that_observes_it() {
    check(
        Setup::default(),
        "> hold a 4
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         publish
         timer 60000
         > at 59999
         > tick
         timer 60000
         > hold b 4
         > turn
         read head
         > head ours
         reply b rejected 3 SoldOut
         > at 60000
         > hold c 4
         > wants
         wants a turn
         > turn
         append 4..5 attempt 0
         > committed
         reply c accepted 5
         publish
         timer 120000",
    );
}

/// The payment is in flight from 10 s on, with a grace until 70 s; the deadline of the hold, at 60 s, passes meanwhile.
const PAYING: &str = "> hold a 4
     > turn
     append 3..3 attempt 0
     > committed
     reply a accepted 3
     publish
     timer 60000
     > at 10000
     > pay b 3
     > turn
     append 4..4 attempt 0
     > committed
     reply b accepted 4
     publish
     timer 70000
     > at 65000
     ";

#[test]
fn what_a_command_makes_due_comes_before_the_next_command_of_the_turn() {
    // The failure brings the hold back to a deadline that has passed: it ends before anybody renews it.
    let script = "> fail c 3
         > renew d 3
         > turn
         append 5..6 attempt 0
         > committed
         reply c accepted 5
         reply d rejected 6 HoldExpired
         publish";
    check(Setup::default(), &format!("{PAYING}{script}"));
}

#[test]
fn units_that_a_command_makes_due_are_there_for_the_next_command_of_the_turn() {
    let script = "> fail c 3
         > hold d 4
         > turn
         append 5..7 attempt 0
         > committed
         reply c accepted 5
         reply d accepted 7
         publish
         timer 125000";
    check(Setup::default(), &format!("{PAYING}{script}"));
}

#[test]
fn the_timer_alone_lets_a_hold_expire() {
    check(
        Setup::default(),
        "> hold a 4
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         publish
         timer 60000
         > at 60000
         > tick
         append 4..4 attempt 0
         > committed
         publish",
    );
}

#[test]
fn a_duplicate_in_the_same_turn_joins_the_reply_and_a_later_one_repeats_it() {
    check(
        Setup::default(),
        "> hold a 1 key=7
         > hold b 1 key=7
         > hold c 1 key=7 body=2
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         reply b accepted 3
         reply c rejected 3 KeyReused
         publish
         timer 60000
         > hold d 1 key=7
         > turn
         read head
         > head ours
         reply d repeated 3",
    );
}

#[test]
fn scenario_56_a_refused_duplicate_is_refused_again_for_a_minute() {
    check(
        Setup::default(),
        "> hold a 4 key=1
         > hold b 1 key=2
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         reply b rejected 3 SoldOut
         publish
         timer 60000
         > release r 3
         > turn
         append 4..4 attempt 0
         > committed
         reply r accepted 4
         publish
         > at 59999
         > hold again 1 key=2
         > turn
         read head
         > head ours
         reply again rejected 3 SoldOut
         > at 60000
         > hold later 1 key=2
         > turn
         append 5..5 attempt 0
         > committed
         reply later accepted 5
         publish
         timer 120000",
    );
}

#[test]
fn scenario_11_a_large_turn_is_split_and_keeps_its_order() {
    let setup = Setup { event_bytes: 400_000, ..Setup::default() };
    check(
        setup,
        "> hold a 1
         > hold b 1
         > hold c 1
         > hold d 1
         > hold e 1
         > turn
         append 3..4 attempt 0
         > committed
         append 5..6 attempt 0
         > unknown
         timer 5
         > at 5
         > tick
         append 5..6 attempt 1
         > committed
         reply a accepted 3
         reply b accepted 4
         reply c accepted 5
         reply d accepted 6
         reply e rejected 6 SoldOut
         publish
         timer 60000",
    );
}

#[test]
fn a_log_asks_for_a_newer_reader_from_the_first_event_on_that_needs_one() {
    check(
        Setup::default(),
        "> hold a 1
         > turn
         append 3..3 attempt 0
         > committed
         reply a accepted 3
         publish
         timer 60000
         > pay b 3 7
         > turn
         append 4..4 attempt 0 format 2 for readers of 2
         > committed
         reply b accepted 4
         publish
         > hold c 1
         > turn
         append 5..5 attempt 0 format 1 for readers of 2
         > committed
         reply c accepted 5
         publish",
    );
}
