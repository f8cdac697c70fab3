//! A store that does not answer: the writer knows only of calls that were answered, so the shell looks whether one hangs.

use tessera_writer::{Input, Lane};

use super::performer::Performer;
use super::shell::{feed, take_in};
use crate::STORE_HANGS_MS;

/// The time has come to look whether the call that is under way hangs.
pub(super) fn look(state: &mut Performer) {
    state.watch_store();
    if !state.store_hangs() {
        return;
    }
    if !state.slot().is_stalled() {
        let event = state.slot().event;
        tracing::warn!(?event, "the store has not answered a call for {STORE_HANGS_MS} ms");
    }
    sweep(state);
}

/// Nothing gets on, and nobody who has given up is decided: they are told. The writer looks through its lanes at every tick, and has room
/// for more then.
fn sweep(state: &mut Performer) {
    let slot = state.slot();
    let waiting = || slot.ingress.depth(Lane::Existing) + slot.ingress.depth(Lane::New);
    loop {
        let before = waiting();
        take_in(state);
        feed(state, Input::Tick);
        if waiting() >= before || state.has_ended() {
            return;
        }
    }
}
