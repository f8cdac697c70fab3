//! `tessera simulate capacity`.

use std::sync::Arc;

use tessera_rehearsal::capacity::{Capacity, Load, Search, Went, probe, sought};
use tessera_rehearsal::error::RehearsalError;
use tessera_rehearsal::live::Interrupt;
use tessera_rehearsal::scenario::Scenario;
use tessera_rehearsal::scenario::objectives::name;
use tessera_verdict::judge::judge;
use tessera_verdict::verdict::Verdict;

use super::arguments::CapacityArguments;
use super::{Aimed, concluding, shown};
use crate::failure::Failure;
use crate::output::line;

/// Runs a scenario at one rate after another, and says at which its objectives still hold.
pub(super) async fn find(arguments: CapacityArguments, interrupt: &Arc<Interrupt>) -> Result<(), Failure> {
    let scenario = Scenario::load(&arguments.scenario).map_err(RehearsalError::Scenario)?;
    let (wanted, left_out) = sought(arguments.objectives, &scenario.objectives)?;
    for measure in left_out {
        line(format_args!("left out: {}, which fewer buyers cannot meet", name(measure)));
    }
    let (aim, seconds) = (&arguments.aim, arguments.probe_s);
    let server = Aimed::until(aim, interrupt).await?;
    let crowd = &scenario.crowd;
    let mut search = Search::new(f64::from(crowd.buyers) / crowd.duration_s, arguments.probes, seconds);
    let mut loads: Vec<(f64, Load)> = Vec::new();
    while let Some(rate) = search.next_rate() {
        let outcome = server.send(&probe(&scenario, rate, seconds, &wanted)?, aim, interrupt).await?;
        let load = Load::of(&outcome);
        let verdict = concluding(interrupt, move || judge(&outcome.recording)).await?;
        let went = Went::of(&verdict);
        line(format_args!("{} {rate:>8.0} buyers a second: {}", mark(went), said(&verdict)));
        search.note(rate, went);
        loads.push((rate, load));
    }
    drop(server);
    let found = search.found();
    line(format_args!("capacity: {found}"));
    let beyond = search.beyond();
    let load =
        loads.iter().rev().find(|(rate, _)| beyond.is_some_and(|beyond| beyond.total_cmp(rate).is_eq()));
    if let Some((_, load)) = load {
        limits(load);
    }
    if found == Capacity::None { Err(Failure::NoCapacity) } else { Ok(()) }
}

fn mark(went: Went) -> char {
    match went {
        Went::Holds => '✓',
        Went::Breaks => '✗',
        Went::Unclear => '?',
    }
}

/// What a run came to: each objective, and what the server did wrong.
fn said(verdict: &Verdict) -> String {
    let objectives = verdict.objectives.iter().map(shown);
    let wrong = (!verdict.is_sound()).then(|| verdict.reason.clone());
    objectives.chain(wrong).collect::<Vec<_>>().join(", ")
}

/// Says what a rate that did not hold was short of.
fn limits(load: &Load) {
    let saturated = load.saturated();
    for saturated in &saturated {
        line(format_args!("saturated beyond it: {saturated}"));
    }
    if saturated.is_empty() {
        line("saturated beyond it: nothing that the server's metrics or the generator show");
    }
}
