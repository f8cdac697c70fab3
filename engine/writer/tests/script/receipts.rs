//! What the writer hands over to be proven: the refusals of turns whose replies leave.

use crate::stage::{Setup, check};

fn proving() -> Setup {
    Setup { receipts: true, ..Setup::default() }
}

#[test]
fn refusals_are_handed_over_with_the_replies_of_their_turn() {
    check(
        proving(),
        "> hold a 3
         > hold b 4
         > hold c 9
         > turn
         append 3..3 attempt 0
         > committed
         refused 2:1 at 3 2:2 at 3
         reply a accepted 3
         reply b rejected 3 SoldOut
         reply c rejected 3 SoldOut
         publish
         timer 60000
         > hold d 4
         > turn
         read head
         > head ours
         refused 2:3 at 3
         reply d rejected 3 SoldOut",
    );
}

#[test]
fn a_refusal_that_is_given_again_is_not_handed_over_again() {
    check(
        proving(),
        "> hold a 9 key=1
         > turn
         read head
         > head ours
         refused 2:1 at 2
         reply a rejected 2 SoldOut
         > hold again 9 key=1
         > hold other 9 key=1 body=2
         > turn
         read head
         > head ours
         refused 2:2 at 2
         reply again rejected 2 SoldOut
         reply other rejected 2 SoldOut",
    );
}

/// A fenced owner may not even refuse, and so there is nothing to prove.
#[test]
fn scenario_52_a_fenced_owner_hands_over_no_refusal() {
    check(
        proving(),
        "> hold a 9
         > turn
         read head
         > head other
         reply a outcome unknown
         stop fenced by epoch 9",
    );
}

#[test]
fn nothing_is_handed_over_unless_it_is_wanted() {
    check(
        Setup::default(),
        "> hold a 9
         > turn
         read head
         > head ours
         reply a rejected 2 SoldOut",
    );
}
