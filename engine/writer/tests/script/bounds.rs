//! Bounds of one turn: what is too large, and what is too much at once.

use std::fmt::Write as _;

use tessera_writer::{DUE_EVENTS_PER_TURN_MAX, EVENT_BYTES_MAX, LANE_BYTES_MAX, TURN_BYTES_MAX};

use crate::stage::{Setup, check};

/// Bytes of one seat in a request.
const SEAT_BYTES: usize = 4;

#[test]
fn an_event_that_no_append_could_carry_is_refused_and_changes_nothing() {
    let setup = Setup { event_bytes: EVENT_BYTES_MAX + 1, ..Setup::default() };
    check(
        setup,
        "> configure a
         > turn
         read head
         > head ours
         reply a rejected 2 InvalidConfig",
    );
    let fits = Setup { event_bytes: EVENT_BYTES_MAX - 100, ..Setup::default() };
    check(
        fits,
        "> configure a
         > hold b 9
         > turn
         append 3..3 attempt 0
         > committed
         append 4..4 attempt 0
         > committed
         reply a accepted 3
         reply b accepted 4
         publish
         timer 60000",
    );
}

#[test]
fn a_turn_takes_no_more_bytes_than_its_bound_and_new_holds_have_their_part() {
    let seats = TURN_BYTES_MAX / SEAT_BYTES;
    check(
        Setup::default(),
        &format!(
            "> kill a {seats}
             > kill b {seats}
             > hold c 1
             > turn
             append 3..3 attempt 0
             > committed
             reply a rejected 2 InvalidRequest
             reply c accepted 3
             publish
             timer 60000
             > wants
             wants a turn
             > turn
             read head
             > head ours
             reply b rejected 3 InvalidRequest
             > wants
             rests"
        ),
    );
}

#[test]
fn a_lane_takes_no_more_bytes_than_its_bound_and_leaves_the_other_its_own() {
    let seats = LANE_BYTES_MAX / SEAT_BYTES;
    check(
        Setup::default(),
        &format!(
            "> kill a {seats}
             > kill b {seats}
             turned away b
             > read q 3
             turned away q
             > hold c 1
             > turn
             append 3..3 attempt 0
             > read q 3
             > committed
             reply a rejected 2 InvalidRequest
             reply c accepted 3
             publish
             timer 60000"
        ),
    );
}

/// Openings at one instant, and payments that fail after the deadlines of their holds: each makes its hold due at once.
#[test]
fn time_causes_no_more_events_in_a_turn_than_its_bound_and_goes_on_in_the_next() {
    const OPENINGS: u32 = 200;
    const HOLDS: u32 = DUE_EVENTS_PER_TURN_MAX - OPENINGS + 10;
    let (paid_from, failed_from) = (3 + HOLDS, 3 + 2 * HOLDS + OPENINGS);
    let setup = Setup { capacity: HOLDS, openings: 200, openings_ms: 65_000, ..Setup::default() };
    let mut script = "timer 65000\n".to_owned();
    let each = |script: &mut String, line: &dyn Fn(u32) -> String| {
        for number in 0..HOLDS {
            writeln!(script, "{}", line(number)).unwrap();
        }
    };
    each(&mut script, &|number| format!("> hold a{number} 1"));
    writeln!(script, "> turn\nappend 3..{} attempt 0\n> committed", paid_from - 1).unwrap();
    each(&mut script, &|number| format!("reply a{number} accepted {}", 3 + number));
    script += "publish\ntimer 60000\n> at 10000\n";
    each(&mut script, &|number| format!("> pay b{number} {}", 3 + number));
    writeln!(script, "> turn\nappend {paid_from}..{} attempt 0\n> committed", paid_from + HOLDS - 1).unwrap();
    each(&mut script, &|number| format!("reply b{number} accepted {}", paid_from + number));
    script += "publish\ntimer 65000\n> at 65000\n";
    each(&mut script, &|number| format!("> fail c{number} {}", 3 + number));
    // Behind the openings each failure is followed by an expiry, until the turn has had enough of them.
    let ended = DUE_EVENTS_PER_TURN_MAX - OPENINGS;
    let last = failed_from + HOLDS + ended - 1;
    writeln!(script, "> turn\nappend {}..{last} attempt 0\n> committed", paid_from + HOLDS).unwrap();
    each(&mut script, &|number| {
        format!("reply c{number} accepted {}", failed_from + number + number.min(ended))
    });
    writeln!(script, "publish\n> wants\nwants a turn").unwrap();
    writeln!(script, "> turn\nappend {}..{} attempt 0\n> committed\npublish", last + 1, last + 1).unwrap();
    check(setup, &script);
}
