//! What follows from the state: offers come before whoever asks, also in the turn after one that has no room for them.

use crate::stage::{Setup, check};

fn waited_for() -> Setup {
    Setup { waitlist: true, ..Setup::default() }
}

#[test]
fn an_offer_is_made_in_the_turn_of_what_returns_before_who_asks_directly() {
    check(
        waited_for(),
        "> hold a 4
         > join b 7 2
         > turn
         append 3..4 attempt 0 format 2 for readers of 2
         > committed
         reply a accepted 3
         reply b accepted 4
         publish
         timer 60000
         > release c 3
         > hold d 4
         > hold e 2
         > turn
         append 5..7 attempt 0 format 2 for readers of 2
         > committed
         reply c accepted 5
         reply d rejected 6 SoldOut
         reply e accepted 7
         publish",
    );
}

#[test]
fn an_expiry_is_followed_by_the_offers_of_what_it_frees() {
    check(
        waited_for(),
        "> hold a 4
         > join b 7 2
         > join c 8 2
         > turn
         append 3..5 attempt 0 format 2 for readers of 2
         > committed
         reply a accepted 3
         reply b accepted 4
         reply c accepted 5
         publish
         timer 60000
         > at 60000
         > wants
         wants a turn
         > turn
         append 6..8 attempt 0 format 2 for readers of 2
         > committed
         publish
         timer 660000
         > wants
         rests",
    );
}

#[test]
fn what_a_turn_has_no_room_for_is_the_first_thing_of_the_next() {
    let setup = Setup { capacity: 5_000, waitlist: true, waiting: 4_200, ..Setup::default() };
    check(
        setup,
        "> wants
         rests
         > restore r 5000
         > hold d 1
         > turn
         append 4204..8300 attempt 0 format 2 for readers of 2
         > committed
         reply r accepted 4204
         publish
         timer 0
         > wants
         wants a turn
         > turn
         append 8301..8405 attempt 0 format 2 for readers of 2
         > committed
         reply d accepted 8405
         publish
         timer 60000",
    );
}
