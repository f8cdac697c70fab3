//! Violations in plain words.

use super::bounds::Broken;
use super::parts::Part;
use super::search::{Call, NEVER, Stuck};
use super::stock::Act;
use crate::record::who;
use crate::recording::Operation;

/// Most claims that are named as being in the way.
const CLAIMS_NAMED_MAX: usize = 3;

/// Why no order explains what clients were told of an object.
pub(super) fn stuck(history: &[Operation], part: &Part, stuck: &Stuck) -> String {
    let Some(call) = part.calls.get(stuck.call) else { return format!("{}: no order fits", part.name) };
    let said = told(history, part, call);
    let why = match call.act {
        Act::Place(_) => {
            let holders =
                stuck.claims.iter().take(CLAIMS_NAMED_MAX).map(|claim| holder(history, part, *claim));
            let holders: Vec<String> = holders.collect();
            if holders.is_empty() {
                "no order of the requests has room for it".to_owned()
            } else {
                format!("{} already had it, and had surely not given it back", holders.join(" and "))
            }
        }
        Act::Lacks(_) => "nobody can have had it during all of that time".to_owned(),
        Act::Over(_) => "it was before its deadline, and nobody had ended it".to_owned(),
        _ => "the hold was surely over, or not in that state, by then".to_owned(),
    };
    format!("{}: {said}, but {why}", part.name)
}

/// What is beyond a bound.
pub(super) fn beyond_bounds(history: &[Operation], part: &Part, broken: &Broken) -> String {
    let capacity = part.stock.free;
    match broken {
        Broken::TooMuch { at, held } => {
            format!(
                "{}: {held} units were surely held or sold at {}, and it has {capacity}",
                part.name,
                time(*at)
            )
        }
        Broken::Refused { call, held } => {
            let said = told(history, part, &part.calls[*call]);
            format!(
                "{}: {said}, but at most {held} of {capacity} units can have been held during all of that time",
                part.name
            )
        }
    }
}

fn told(history: &[Operation], part: &Part, call: &Call) -> String {
    let what = match call.act {
        Act::Place(_) if part.name.starts_with("hold ") => "was given the hold".to_owned(),
        Act::Place(claim) => {
            let units = part.stock.claims.get(claim).map_or(1, |claim| claim.units);
            if part.stock.free == 1 { "was given it".to_owned() } else { format!("was given {units} units") }
        }
        Act::Renew(..) => "renewed the hold".to_owned(),
        Act::Release(_) => "released the hold".to_owned(),
        Act::Begin(..) => "began the payment".to_owned(),
        Act::Fail(_) => "was told that the payment failed".to_owned(),
        Act::Confirm(_) => "was told that the order is paid".to_owned(),
        Act::End(_) => "saw it end".to_owned(),
        Act::Lacks(1) if part.name.starts_with("seat ") => "was refused it as taken".to_owned(),
        Act::Lacks(units) => format!("was refused {units} units as sold out"),
        Act::Over(_) => "was told that the hold is over".to_owned(),
    };
    let who = call.operation.and_then(|position| history.get(position)).map_or_else(String::new, who);
    let until = if call.returned == NEVER { "never answered".to_owned() } else { time(call.returned) };
    format!("{who} {what} (asked at {}, answered at {until})", time(call.invoked))
}

fn holder(history: &[Operation], part: &Part, claim: usize) -> String {
    part.placed_by
        .get(claim)
        .and_then(|position| history.get(*position))
        .map_or_else(|| "somebody".to_owned(), who)
}

/// A time since the run began.
fn time(us: i64) -> String {
    let milliseconds = us.div_euclid(1_000);
    let sign = if milliseconds < 0 { "-" } else { "" };
    let milliseconds = milliseconds.unsigned_abs();
    format!("{sign}{}.{:03} s", milliseconds / 1_000, milliseconds % 1_000)
}
