//! One turn: what is due, then the requests, each decided once, in order, and applied at once.

use std::sync::Arc;

use tessera_inventory::{
    ClaimView, Command, CommandBody, ConfigError, Decision, Event, EventBody, Inventory, KeyMark, Rejection,
    RequestError, Sequence, Timestamp, Units,
};

use crate::lanes::Waiting;
use crate::mutant::{KEPT_LONGER_MS, Mutant, Mutation};
use crate::refusals::{Refusals, Remembered};
use crate::{
    CONSEQUENCES_PER_TURN_MAX, DUE_EVENTS_PER_TURN_MAX, EVENT_BYTES_MAX, EXPIRIES_PER_TURN_MAX, Encode,
    Monotonic, RefusalPlace, Refused, Reply,
};

/// The turn under way. Its lists are reused from turn to turn.
#[derive(Debug)]
pub(crate) struct Turn<T> {
    /// What was decided, applied, and is to be durable.
    pub(crate) events: Vec<Arc<Event>>,
    /// Who waits for it, with the answer that leaves then.
    pub(crate) replies: Vec<(T, Reply)>,
    /// What is refused in it.
    pub(crate) refused: Vec<Refused>,
    /// Refused for lack of stock while units are due to return: decided in the next turn.
    pub(crate) deferred: Vec<Waiting<T>>,
    /// The request being decided: after a panic its caller can still be told.
    pub(crate) deciding: Option<Waiting<T>>,
}

impl<T> Turn<T> {
    pub(crate) fn new() -> Self {
        Turn {
            events: Vec::new(),
            replies: Vec::new(),
            refused: Vec::new(),
            deferred: Vec::new(),
            deciding: None,
        }
    }
}

/// What time may still do in a turn.
#[derive(Debug)]
pub(crate) struct DueBudget {
    events: u32,
    expiries: u32,
    consequences: u32,
}

impl DueBudget {
    /// That of a turn that begins.
    pub(crate) fn new() -> Self {
        DueBudget {
            events: DUE_EVENTS_PER_TURN_MAX,
            expiries: EXPIRIES_PER_TURN_MAX,
            consequences: CONSEQUENCES_PER_TURN_MAX,
        }
    }

    fn is_spent(&self) -> bool {
        self.events == 0 || self.expiries == 0
    }

    fn spend(&mut self, body: &EventBody) {
        self.events -= 1;
        if let EventBody::Expired { count, .. } = body {
            self.expiries = self.expiries.saturating_sub(*count);
        }
    }
}

/// When a turn decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant {
    pub(crate) monotonic: Monotonic,
    pub(crate) logged: Timestamp,
}

/// What deciding needs besides the turn.
#[derive(Debug)]
pub(crate) struct Decider<'a, E> {
    pub(crate) state: &'a mut Inventory,
    pub(crate) refusals: &'a mut Refusals,
    pub(crate) encoder: &'a mut E,
    pub(crate) scratch: &'a mut Vec<u8>,
    pub(crate) at: Instant,
    /// Sequence of the durable head: events after it are of this turn.
    pub(crate) durable: Sequence,
    /// The name of the last refusal.
    pub(crate) last_refusal: &'a mut RefusalPlace,
    /// Whether refusals are to be proven.
    pub(crate) receipts: bool,
    pub(crate) mutation: Mutation,
}

impl<E: Encode> Decider<'_, E> {
    /// Log what follows from the state by itself, up to what is left of the limits of a turn. Whether more follows.
    pub(crate) fn follow(&mut self, budget: &mut DueBudget, events: &mut Vec<Arc<Event>>) -> bool {
        while self.state.may_have_consequence() {
            if budget.consequences == 0 {
                return true;
            }
            let Some(body) = self.state.decide_consequence(self.at.logged) else { return false };
            budget.consequences -= 1;
            self.apply(events, None, body);
        }
        false
    }

    /// Log what time does by `due_by`, and what follows from it, up to what is left of the limits of a turn. Whether more is due.
    pub(crate) fn fire_due(
        &mut self,
        due_by: Timestamp,
        budget: &mut DueBudget,
        events: &mut Vec<Arc<Event>>,
    ) -> bool {
        while self.state.next_due_at().is_some_and(|due| due <= due_by) {
            if self.follow(budget, events) || budget.is_spent() {
                return true;
            }
            let Some(body) = self.state.decide_due(due_by) else { return false };
            budget.spend(&body);
            self.apply(events, None, body);
        }
        false
    }

    /// The refusal that the same request met a while ago.
    pub(crate) fn remembered(&self, command: &Command) -> Option<Reply> {
        let RefusalPlace { epoch, number: newest } = *self.last_refusal;
        let found = self.refusals.find(command.key.as_ref()?, self.at.monotonic, newest)?;
        let Remembered { sequence, rejection, number } = found;
        Some(Reply::Rejected { sequence, rejection, place: RefusalPlace { epoch, number } })
    }

    /// Decide a command and apply what it causes.
    pub(crate) fn decide(&mut self, events: &mut Vec<Arc<Event>>, command: &Command) -> Reply {
        let decision = self.state.decide(self.at.logged, command).and_then(|decision| match decision {
            Decision::Accepted(body) => match self.refuse_bulk(&body, command) {
                Some(rejection) => Err(rejection),
                None => Ok(Decision::Accepted(body)),
            },
            Decision::Repeated(_) => Ok(decision),
        });
        match decision {
            Ok(Decision::Accepted(body)) => {
                let claim = self.shown(command);
                let key = command.key.map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint });
                let event = self.apply(events, key, body);
                Reply::Accepted { sequence: self.state.sequence(), event, claim }
            }
            Ok(Decision::Repeated(sequence)) => self.repeat(events, sequence, self.shown(command)),
            Err(rejection) => {
                let RefusalPlace { epoch, number } = *self.last_refusal;
                let place = RefusalPlace { epoch, number: number + 1 };
                Reply::Rejected { sequence: self.state.sequence(), rejection, place }
            }
        }
    }

    /// A refusal that is going to leave takes its name, and is remembered. Returns it as it is proven.
    pub(crate) fn refuse(&mut self, command: &Command, reply: &Reply) -> Option<Refused> {
        let Reply::Rejected { sequence, rejection, place } = reply else { return None };
        if !self.mutation.is(Mutant::RefusalNamedAgain) || place.number.is_multiple_of(2) {
            *self.last_refusal = *place;
        }
        if let Some(key) = command.key.as_ref().filter(|_| !self.mutation.is(Mutant::RefusalsForgotten)) {
            let longer_ms = if self.mutation.is(Mutant::RefusalsKept) { KEPT_LONGER_MS } else { 0 };
            let since = self.at.monotonic.plus_ms(longer_ms);
            self.refusals.keep(key, since, *sequence, rejection, place.number);
        }
        let proves = self.receipts && !self.mutation.is(Mutant::RefusalUnproven);
        proves.then(|| Refused {
            place: *place,
            sequence: *sequence,
            at: self.at.logged,
            command: command.body.kind(),
            key: command.key.map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint }),
            rejection: rejection.clone(),
        })
    }

    /// A duplicate of a command of this turn joins its reply; an older one is rendered from the log.
    fn repeat(&self, events: &[Arc<Event>], sequence: Sequence, claim: Option<Box<ClaimView>>) -> Reply {
        let place = sequence.0.checked_sub(self.durable.0 + 1).and_then(|place| usize::try_from(place).ok());
        match place.and_then(|place| events.get(place)) {
            Some(event) => Reply::Accepted { sequence, event: Arc::clone(event), claim },
            None => Reply::Repeated { sequence, claim },
        }
    }

    /// The claim whose lines the answer to a command shows, so that nobody needs a turn of their own to read them.
    fn shown(&self, command: &Command) -> Option<Box<ClaimView>> {
        let claim = match &command.body {
            CommandBody::RenewHold { hold } | CommandBody::BeginPayment { hold, .. } => *hold,
            CommandBody::Confirm { order, .. } => *order,
            _ => return None,
        };
        if self.mutation.is(Mutant::ClaimLeftOut) {
            return None;
        }
        self.state.claim(claim).map(Box::new)
    }

    fn apply(&mut self, events: &mut Vec<Arc<Event>>, key: Option<KeyMark>, body: EventBody) -> Arc<Event> {
        let event = Arc::new(Event { at: self.at.logged, key, body });
        self.state.apply(&event);
        events.push(Arc::clone(&event));
        event
    }

    /// An event that no append could carry is refused before it is applied.
    fn refuse_bulk(&mut self, body: &EventBody, command: &Command) -> Option<Rejection> {
        let rejection = match body {
            EventBody::Configured { .. } => Rejection::InvalidConfig(ConfigError {
                path: "rows".to_owned(),
                problem: format!(
                    "it takes more than {EVENT_BYTES_MAX} bytes; use fewer seats or split the event"
                ),
            }),
            EventBody::UnitsKilled(Units::Seats(_)) | EventBody::UnitsRestored(Units::Seats(_)) => {
                Rejection::InvalidRequest(RequestError::TooManyUnits)
            }
            _ => return None,
        };
        let key = command.key.map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint });
        let event = Arc::new(Event { at: self.at.logged, key, body: body.clone() });
        self.scratch.clear();
        self.encoder.encode(self.state.sequence().plus(1), &[event], self.scratch);
        (self.scratch.len() > EVENT_BYTES_MAX).then_some(rejection)
    }
}
