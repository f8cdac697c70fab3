//! Black-box linearizability: whether the histories of the clients alone (when each request was sent, when its answer came, what it
//! asked and was told) fit one order in time. It reads neither the feed nor a sequence.
//!
//! # Method
//! The history is cut into objects that can be checked each for itself: every seat (a stock of one), every pool (a stock of its
//! capacity) and every hold. M. Herlihy and J. Wing, *Linearizability: a correctness condition for concurrent objects* (ACM TOPLAS 12(3),
//! 1990), show that a history is linearizable only if its part on each object is; A. Horn and D. Kroening, *Faster linearizability checking via
//! P-compositionality* (FORTE 2015), how to use that in a checker. Each part is searched as in J. Wing and C. Gong, *Testing and verifying
//! concurrent objects* (JPDC 17, 1993) with G. Lowe's memoised states, *Testing for linearizability* (CPAE 29(4), 2017), the
//! way that A. Athalye's Porcupine goes ([`search`]). Pools, too large to search where they are broken, are first held against two bounds that
//! need no search ([`bounds`]).
//!
//! # What it proves
//! A violation is one: no order of the requests in time explains what the clients were told. The reverse does not hold. A hold of several
//! seats is one decision, and each seat is checked for itself; so is a hold that draws on several pools. Limits of buyers, places *together*,
//! prices, phases and codes are not looked at: the fold of the feed judges those. A seat called taken counts only where everyone
//! may buy it, where no document shows withdrawn seats of its category, and where no unanswered request for places *together* may have it; a pool
//! called sold out only where no channel keeps units of it and none are withdrawn.
//!
//! Holds may end by themselves from their deadline on, or never: clocks of two machines differ, so that counts from [`DEADLINE_SLACK_US`]
//! before it. What was never answered may take effect at any later time, or never. What the search does not decide within its budget is said
//! to be undecided.

use tessera_demo::venue::Venue;

use crate::recording::{Operation, Recording};
use crate::verdict::{EXAMPLES_MAX, Linearizability};

use self::parts::{Part, Parts};
use self::search::{Found, Search};

pub mod bounds;
pub mod parts;
pub mod search;
pub mod stock;
mod words;

/// How much before its deadline a hold may end by itself, in microseconds: what the clocks of two machines may differ.
pub const DEADLINE_SLACK_US: i64 = 1_000_000;
/// Most steps of the search of one object.
pub const STEPS_MAX: u64 = 20_000_000;
/// Most steps of all searches together.
pub const STEPS_TOTAL_MAX: u64 = 200_000_000;

/// Check the clients' histories. The venue tells what there is to sell.
#[must_use]
pub fn check(recording: &Recording, venue: &Venue) -> Linearizability {
    let parts = Parts::new(recording, venue);
    let mut found = Linearizability {
        operations: parts.operations,
        left_out: parts.left_out,
        ..Linearizability::default()
    };
    let mut steps_left = STEPS_TOTAL_MAX;
    for part in parts.seats() {
        found.seats += 1;
        check_one(&recording.history, &part, &mut steps_left, &mut found);
    }
    for part in parts.holds() {
        found.holds += 1;
        check_one(&recording.history, &part, &mut steps_left, &mut found);
    }
    // Pools are the largest: what they leave of the budget would be nothing.
    for part in parts.pools() {
        found.pools += 1;
        let broken = bounds::broken(&part);
        if broken.is_empty() {
            check_one(&recording.history, &part, &mut steps_left, &mut found);
        }
        for broken in broken {
            violation(&mut found, || words::beyond_bounds(&recording.history, &part, &broken));
        }
    }
    found.steps = STEPS_TOTAL_MAX - steps_left;
    found
}

fn check_one(history: &[Operation], part: &Part, steps_left: &mut u64, found: &mut Linearizability) {
    let mut search = Search::new(part.stock.clone(), &part.calls, STEPS_MAX.min(*steps_left));
    let outcome = search.run();
    *steps_left = steps_left.saturating_sub(search.steps());
    match outcome {
        Found::Linearizable => {}
        Found::NotLinearizable(stuck) => violation(found, || words::stuck(history, part, &stuck)),
        Found::Undecided => found.undecided.push(part.name.clone()),
    }
}

fn violation(found: &mut Linearizability, example: impl FnOnce() -> String) {
    found.violations += 1;
    if found.examples.len() < EXAMPLES_MAX {
        found.examples.push(example());
    }
}
