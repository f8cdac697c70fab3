//! Scenario files of the load rehearsal: read, and their crowds drawn.

use std::path::Path;

use tessera_rehearsal::plan::Plan;
use tessera_rehearsal::scenario::Scenario;

/// Largest crowd that is worth its time, in buyers: small files may describe large ones.
const BUYERS_MAX: u32 = 2_000;
/// Where the files stand that a scenario may name.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/fuzzed.toml");

/// The text of a scenario file, or anything else.
///
/// # Panics
/// When a promise is broken.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let scenario = match Scenario::read(text, Path::new(BESIDE)) {
        Ok(scenario) => scenario,
        Err(error) => {
            assert!(!error.detail.is_empty(), "who is refused is told why");
            let lines = text.matches('\n').count() + 1;
            assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{error}: no such line");
            return;
        }
    };
    if scenario.crowd.buyers > BUYERS_MAX {
        return;
    }
    let plan = Plan::draw(&scenario, 1);
    assert_eq!(plan, Plan::draw(&scenario, 1), "the same seed, another crowd");
    assert_eq!(plan.arrivals.len(), scenario.crowd.buyers as usize, "everybody comes once");
    assert!(plan.arrivals.is_sorted_by_key(|arrival| arrival.due_us), "in order");
    let last_us = plan.arrivals.last().map_or(0, |arrival| arrival.due_us);
    #[allow(clippy::cast_precision_loss)] // times of a run are far below 2^52 µs
    let last_s = last_us as f64 / 1e6;
    assert!(last_s <= scenario.crowd.duration_s, "nobody comes after the end: {last_s} s");
}
