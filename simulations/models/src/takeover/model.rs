//! The steps of the model.

use stateright::{Model, Property};
use tessera_writer::AppendAnswer;

use super::store::Flying;
use super::{Action, Asking, Call, Rule, Stage, State, Takeover, steps};
use crate::owners::Word;

impl Model for Takeover {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            commits: vec![self.on_sale],
            flying: Vec::new(),
            owners: Vec::new(),
            buyers: vec![Asking::default(); usize::from(self.bounds.buyers)],
            begun: 0,
            faults: 0,
            closings: 0,
            broken: super::rules::Broken::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.begun < self.bounds.activations && state.owners.len() < self.bounds.nodes {
            actions.push(Action::Begin);
        }
        for (number, owner) in state.owners.iter().enumerate() {
            self.actions_of(state, number, owner, actions);
        }
        actions.extend((0..state.flying.len()).map(Action::LandLate));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Begin => self.begin(&mut state),
            Action::Ask { buyer, owner } => self.ask(&mut state, buyer, owner),
            Action::Turn(owner) => self.tell(&mut state, owner, Word::Turn),
            Action::Tick(owner) => self.tell(&mut state, owner, Word::Tick),
            Action::Read(owner) => self.read(&mut state, owner),
            Action::Unread(owner) => {
                state.faults += 1;
                self.answer_call(&mut state, owner, Word::Head(None));
            }
            Action::Check { owner, reused } => self.checked(&mut state, owner, reused),
            Action::Submit(owner) => {
                let read_version = state.version();
                let Call::Append { append, .. } = state.owners[owner].call else { return None };
                state.owners[owner].call = Call::Append { append, stage: Stage::InFlight { read_version } };
            }
            Action::Land(owner) => self.land(&mut state, owner),
            Action::Deliver(owner) => {
                let Call::Append { stage: Stage::Landed { version }, .. } = state.owners[owner].call else {
                    return None;
                };
                state.owners[owner].committed_at = Some(version);
                self.answer_call(&mut state, owner, Word::Appended(AppendAnswer::Committed));
            }
            Action::LoseAnswer(owner) => {
                state.faults += 1;
                steps::let_fly(&mut state, owner);
                self.answer_call(&mut state, owner, Word::Appended(AppendAnswer::Unknown));
            }
            Action::LandLate(flying) => {
                let Flying { append, .. } = state.flying.swap_remove(flying);
                self.seen.note("an append lands when nobody waits for it");
                self.commit(&mut state, append);
            }
            Action::Crash(owner) => {
                state.faults += 1;
                self.crash(&mut state, owner);
            }
            Action::HandOver(owner) => self.close(&mut state, owner, Word::HandOver),
            Action::LoseLease(owner) => self.close(&mut state, owner, Word::OwnershipLost),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Rule::ALL.into_iter().map(|rule| Property::always(rule.name(), condition(rule))).collect()
    }
}

/// Functions without a memory of which rule they ask for, as the checker wants them.
fn condition(rule: Rule) -> fn(&Takeover, &State) -> bool {
    match rule {
        Rule::OneOnEachHead => |_, state| state.broken.holds(Rule::OneOnEachHead),
        Rule::EachBatchOnce => |_, state| state.broken.holds(Rule::EachBatchOnce),
        Rule::AcknowledgedStays => |_, state| state.broken.holds(Rule::AcknowledgedStays),
        Rule::SoldOnce => |_, state| state.broken.holds(Rule::SoldOnce),
        Rule::FencedRefusesNothing => |_, state| state.broken.holds(Rule::FencedRefusesNothing),
        Rule::NotExecutedIsTrue => |_, state| state.broken.holds(Rule::NotExecutedIsTrue),
        Rule::RefusedIsTrue => |_, state| state.broken.holds(Rule::RefusedIsTrue),
        Rule::NobodyForgotten => |_, state| state.broken.holds(Rule::NobodyForgotten),
        Rule::LogOpens => |_, state| state.broken.holds(Rule::LogOpens),
        Rule::OneOwnerAnEpoch => |_, state| state.broken.holds(Rule::OneOwnerAnEpoch),
        Rule::NothingPanics => |_, state| state.broken.holds(Rule::NothingPanics),
    }
}
