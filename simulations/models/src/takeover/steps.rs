//! What an owner, and the shell around it, does in one step.

use tessera_inventory::{Epoch, Sequence};

use super::store::Flying;
use super::{Action, Call, End, Fence, Owner, Rule, Stage, State, Takeover};
use crate::appends::Append;
use crate::event::Buyer;
use crate::owners::{Answer, Deed, Outcome, Rest, Word};

/// Whoever waits for an append no more leaves it in flight.
pub(super) fn let_fly(state: &mut State, owner: usize) {
    if let Call::Append { append, stage: Stage::InFlight { read_version } } = state.owners[owner].call {
        state.flying.push(Flying { append, read_version });
        state.forget_hopeless();
    }
}

impl Takeover {
    /// What may happen to one owner.
    pub(super) fn actions_of(&self, state: &State, number: usize, owner: &Owner, actions: &mut Vec<Action>) {
        let has_faults = state.faults < self.bounds.faults;
        match owner.call {
            Call::Nothing => {}
            Call::Log { .. } => actions.push(Action::Read(number)),
            Call::Head => {
                actions.push(Action::Read(number));
                actions.extend(has_faults.then_some(Action::Unread(number)));
            }
            Call::Append { stage, .. } => {
                match stage {
                    Stage::Unsent => {
                        actions.push(Action::Check { owner: number, reused: false });
                        let is_older = owner.committed_at.is_some_and(|version| version < state.version());
                        actions.extend(is_older.then_some(Action::Check { owner: number, reused: true }));
                    }
                    Stage::Compared => actions.push(Action::Submit(number)),
                    Stage::InFlight { .. } => actions.push(Action::Land(number)),
                    Stage::Landed { .. } => actions.push(Action::Deliver(number)),
                }
                let has_left = matches!(stage, Stage::InFlight { .. } | Stage::Landed { .. });
                actions.extend((has_left && has_faults).then_some(Action::LoseAnswer(number)));
            }
        }
        match owner.rest {
            Rest::Turn if owner.call == Call::Nothing => actions.push(Action::Turn(number)),
            Rest::Timer => actions.push(Action::Tick(number)),
            Rest::Quiet | Rest::Turn | Rest::Stopped => {}
        }
        if owner.is_writer {
            for (buyer, asking) in (0..).zip(&state.buyers) {
                let asks = asking.waits.is_none() && asking.end == End::Open;
                if asks && asking.asked < self.bounds.asks {
                    actions.push(Action::Ask { buyer, owner: number });
                }
            }
            if state.closings < self.bounds.closings {
                actions.extend([Action::HandOver(number), Action::LoseLease(number)]);
            }
        }
        actions.extend(has_faults.then_some(Action::Crash(number)));
    }

    pub(super) fn begin(&self, state: &mut State) {
        state.begun += 1;
        let outcome = self.machines.begin(state.begun);
        let owner = Owner {
            number: state.begun,
            machine: outcome.machine,
            rest: outcome.rest,
            is_writer: false,
            call: Call::Nothing,
            committed_at: None,
        };
        state.owners.push(owner);
        self.perform(state, state.owners.len() - 1, &outcome);
    }

    pub(super) fn ask(&self, state: &mut State, buyer: Buyer, owner: usize) {
        let waits = Some((state.owners[owner].number, state.version()));
        let asking = &mut state.buyers[usize::from(buyer)];
        (asking.waits, asking.is_told_not) = (waits, false);
        asking.asked += 1;
        self.tell(state, owner, Word::Ask(buyer));
    }

    pub(super) fn close(&self, state: &mut State, owner: usize, word: Word) {
        state.closings += 1;
        self.tell(state, owner, word);
    }

    pub(super) fn tell(&self, state: &mut State, owner: usize, word: Word) {
        let outcome = self.machines.tell(state.owners[owner].machine, word);
        self.perform(state, owner, &outcome);
    }

    /// What an owner has called for is answered.
    pub(super) fn answer_call(&self, state: &mut State, owner: usize, word: Word) {
        state.owners[owner].call = Call::Nothing;
        self.tell(state, owner, word);
    }

    pub(super) fn read(&self, state: &mut State, owner: usize) {
        let Owner { call, committed_at, is_writer, .. } = state.owners[owner];
        let word = match call {
            Call::Log { after } => Word::Rows(self.rows(state, after)),
            _ => {
                let stale = committed_at.filter(|_| self.fence == Fence::StaleVerification && is_writer);
                let version = stale.unwrap_or_else(|| state.version());
                Word::Head(Some(self.head_at(state, version)))
            }
        };
        self.answer_call(state, owner, word);
    }

    pub(super) fn checked(&self, state: &mut State, owner: usize, reused: bool) {
        let Owner { call: Call::Append { append, .. }, committed_at, .. } = state.owners[owner] else {
            return;
        };
        let version = committed_at.filter(|_| reused).unwrap_or_else(|| state.version());
        if let Some(answer) = self.check(state, owner, append, version) {
            self.answer_call(state, owner, Word::Appended(answer));
        }
    }

    pub(super) fn land(&self, state: &mut State, owner: usize) {
        let Call::Append { append, stage: Stage::InFlight { read_version } } = state.owners[owner].call
        else {
            return;
        };
        let stage = if state.conflicts(read_version) {
            self.seen.note("append conflicts");
            // It never conflicts with the same again.
            state.owners[owner].committed_at = None;
            Stage::Unsent
        } else {
            Stage::Landed { version: self.commit(state, append) }
        };
        state.owners[owner].call = Call::Append { append, stage };
    }

    pub(super) fn crash(&self, state: &mut State, owner: usize) {
        let_fly(state, owner);
        let gone = state.owners.remove(owner);
        for asking in &mut state.buyers {
            if asking.waits.is_some_and(|(owner, _)| owner == gone.number) {
                (asking.waits, asking.is_unsure) = (None, true);
            }
        }
    }

    fn perform(&self, state: &mut State, owner: usize, outcome: &Outcome) {
        let here = &mut state.owners[owner];
        if outcome.is_writer && !here.is_writer {
            self.seen.note("takeover");
        }
        (here.machine, here.rest, here.is_writer) = (outcome.machine, outcome.rest, outcome.is_writer);
        let number = here.number;
        for deed in outcome.deeds.iter() {
            match deed {
                Deed::ReadHead => state.owners[owner].call = Call::Head,
                Deed::ReadLog { after } => state.owners[owner].call = Call::Log { after: after.0 },
                Deed::Append { expected, next, record } => {
                    let append = Append { expected: *expected, next: *next, record: record.clone() };
                    let append = self.appends.id(append);
                    state.owners[owner].call = Call::Append { append, stage: Stage::Unsent };
                }
                Deed::Answer { buyer, answer } => self.answered(state, number, *buyer, *answer),
                Deed::FindDamage => state.broken.note(Rule::LogOpens),
                Deed::Panic => state.broken.note(Rule::NothingPanics),
            }
        }
        if outcome.rest == Rest::Stopped {
            let_fly(state, owner);
            let gone = state.owners.remove(owner);
            if state.buyers.iter().any(|asking| asking.waits.is_some_and(|(owner, _)| owner == gone.number)) {
                state.broken.note(Rule::NobodyForgotten);
            }
        }
    }

    fn answered(&self, state: &mut State, owner: u8, buyer: Buyer, answer: Answer) {
        let number = usize::from(buyer);
        let Some((asked, since)) = state.buyers[number].waits.take() else { return };
        if asked != owner {
            state.broken.note(Rule::NobodyForgotten);
        }
        match answer {
            Answer::Placed(at) => {
                self.seen.note("buyer acknowledged");
                self.told(state, number, End::Placed(at.0));
            }
            Answer::Refused { at, by } => {
                self.seen.note("buyer refused");
                if !self.was_owned(state, since, by, at) {
                    state.broken.note(Rule::FencedRefusesNothing);
                }
                self.told(state, number, End::Refused);
            }
            Answer::NotExecuted => {
                self.seen.note("buyer told not executed");
                state.buyers[number].is_told_not = true;
            }
            Answer::Unknown => {
                self.seen.note("buyer told outcome unknown");
                state.buyers[number].is_unsure = true;
            }
        }
    }

    /// Whether the event was owned in this epoch, and stood at this sequence, at some version since.
    fn was_owned(&self, state: &State, since: u8, by: Epoch, at: Sequence) -> bool {
        (since..=state.version()).any(|version| {
            let head = self.head_at(state, version);
            (head.epoch, head.sequence) == (by, at)
        })
    }
}
