//! `tessera simulate capacity`.

use std::sync::Arc;

use tessera_rehearsal::capacity::{Capacity, Load, Search, Went, probe};
use tessera_rehearsal::error::RehearsalError;
use tessera_rehearsal::live::Interrupt;
use tessera_rehearsal::scenario::Scenario;
use tessera_verdict::objectives;

use super::arguments::CapacityArguments;
use super::{Aimed, shown};
use crate::failure::Failure;
use crate::output::line;

/// Runs a scenario at one rate after another, and says at which its objectives still hold.
pub(super) async fn find(arguments: CapacityArguments, interrupt: &Arc<Interrupt>) -> Result<(), Failure> {
    let scenario = Scenario::load(&arguments.scenario).map_err(RehearsalError::Scenario)?;
    let wanted =
        if arguments.objectives.is_empty() { scenario.objectives.clone() } else { arguments.objectives };
    if wanted.is_empty() {
        let said = "say what must hold: --objective hold_p99_ms=100, or [objectives] in the scenario";
        return Err(RehearsalError::Usage(said.to_owned()).into());
    }
    let (aim, seconds) = (&arguments.aim, arguments.probe_s);
    let server = Aimed::until(aim, interrupt).await?;
    let crowd = &scenario.crowd;
    let mut search = Search::new(f64::from(crowd.buyers) / crowd.duration_s, arguments.probes, seconds);
    // What the lowest rate that does not hold was short of bounds the capacity.
    let mut beyond: Option<(f64, Load)> = None;
    while let Some(rate) = search.next_rate() {
        let outcome = server.send(&probe(&scenario, rate, seconds, &wanted)?, aim, interrupt).await?;
        let judged = objectives::judge(&outcome.recording, &objectives::generator(&outcome.recording));
        let went = Went::of(&judged);
        let said: Vec<String> = judged.iter().map(shown).collect();
        let mark = match went {
            Went::Holds => '✓',
            Went::Breaks => '✗',
            Went::Unclear => '?',
        };
        line(format_args!("{mark} {rate:>8.0} buyers a second: {}", said.join(", ")));
        search.note(rate, went);
        if went != Went::Holds && beyond.is_none_or(|(known, _)| rate <= known) {
            beyond = Some((rate, Load::of(&outcome)));
        }
    }
    drop(server);
    let found = search.found();
    line(format_args!("capacity: {found}"));
    if let Some((_, load)) = beyond {
        limits(&load);
    }
    if found == Capacity::None { Err(Failure::NoCapacity) } else { Ok(()) }
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
