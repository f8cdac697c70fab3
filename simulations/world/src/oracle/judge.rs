//! The judgement of answers, at the moment they leave a node.

use std::fmt;
use std::sync::Arc;

use tessera_inventory::{
    ClaimNumber, ClaimView, Command, CommandBody, Event, Rejection, Sequence, Timestamp,
};
use tessera_naive::{Model, Verdict, same, view_without_terms};
use tessera_writer::{Ask, Head, Reply};

use super::refusals::Refusal;
use super::{Oracle, Violation, broken, gates, lines};
use crate::node::Attempt;

/// A life of a node.
pub(crate) type Life = (usize, u64);

/// When and from where a turn was decided.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TurnBegun {
    /// Logged time then.
    pub(crate) at: Timestamp,
    /// The same in the time of the world, in microseconds.
    pub(crate) at_us: u64,
    /// Whether the writer believed its clock then.
    pub(crate) trusted: bool,
    /// What was durable then.
    pub(crate) from: Sequence,
}

/// Who answers, and from where it knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker {
    /// The head that it holds for its own.
    pub(crate) head: Head,
    /// Who it is.
    pub(crate) by: Life,
    /// When it decided.
    pub(crate) turn: TurnBegun,
}

impl Oracle {
    /// An answer leaves a node.
    pub(crate) fn replied(
        &mut self,
        speaker: Speaker,
        attempt: Attempt,
        reply: &Reply,
    ) -> Result<(), Violation> {
        let ask = self.asked_at(attempt).ask.clone();
        match (&ask, reply) {
            (_, Reply::OutcomeUnknown) => Ok(()),
            (_, Reply::NotExecuted | Reply::GaveUp) => {
                self.denied(attempt);
                Ok(())
            }
            (Ask::Command(command), Reply::Accepted { sequence, event, claim }) => {
                self.refusals.accepted(speaker, command)?;
                self.accepted(command, *sequence, Some(event))?;
                match claim {
                    Some(claim) => self.shown(command, *sequence, claim),
                    // A duplicate that joins the answer of its turn, when the claim has ended in between.
                    None => self.beside(speaker, command, *sequence, None),
                }
            }
            (Ask::Command(command), Reply::Repeated { sequence, claim }) => {
                self.refusals.accepted(speaker, command)?;
                self.accepted(command, *sequence, None)?;
                self.beside(speaker, command, speaker.turn.from, claim.as_deref())
            }
            (Ask::Command(command), Reply::Rejected { sequence, rejection, place }) => {
                self.owned(speaker, attempt)?;
                let refusal = Refusal { sequence: *sequence, rejection: rejection.clone(), place: *place };
                if self.refusals.refused(speaker, command, refusal)? {
                    return self.rejected(speaker, command, *sequence, rejection);
                }
                Ok(())
            }
            (Ask::Read(claim), Reply::Read { sequence, claim: found }) => {
                self.owned(speaker, attempt)?;
                let Some(model) = self.history.at(*sequence) else {
                    return Err(broken("only durable state is shown", format!("a read at {sequence}")));
                };
                let shown = found.as_deref().cloned().map(view_without_terms);
                if model.claim_view(claim.0) != shown {
                    let detail = format!("{claim:?} at {sequence}: {shown:?}");
                    return Err(broken("a read tells the truth", detail));
                }
                Ok(())
            }
            (ask, reply) => Err(broken("answers fit their questions", format!("{ask:?}: {reply:?}"))),
        }
    }

    fn accepted(
        &mut self,
        command: &Command,
        sequence: Sequence,
        event: Option<&Arc<Event>>,
    ) -> Result<(), Violation> {
        let place = usize::try_from(sequence.0.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(logged) = self.events().get(place) else {
            let detail = format!("sequence {sequence} was acknowledged and is not in the log");
            return Err(broken("no reply before its commit", detail));
        };
        if event.is_some_and(|event| event != logged) {
            let detail = format!("sequence {sequence} is {logged:?}; acknowledged was {event:?}");
            return Err(broken("what is acknowledged is what is logged", detail));
        }
        if logged.key != tessera_naive::mark_of(command) {
            let detail = format!("another key at {sequence}: {logged:?}");
            return Err(broken("what is acknowledged is what is logged", detail));
        }
        let Some(key) = command.key.map(|key| key.digest) else { return Ok(()) };
        match self.answers.insert(key, sequence) {
            Some(before) if before != sequence => {
                let detail = format!("key {key:x}: sequences {before} and {sequence}");
                Err(broken("every reply about a key is the same", detail))
            }
            _ => Ok(()),
        }
    }

    /// The claim beside an acceptance has the lines that it had before.
    fn shown(&mut self, command: &Command, sequence: Sequence, claim: &ClaimView) -> Result<(), Violation> {
        let before = Sequence(sequence.0.saturating_sub(1));
        let told = self.history.at(before).and_then(|model| model.claim_view(claim.number.0));
        let shown = view_without_terms(claim.clone());
        let is_it = claim_of(command) == Some(claim.number);
        let agrees = |told: &ClaimView| (&told.lines, told.subject) == (&shown.lines, shown.subject);
        if is_it && told.as_ref().is_some_and(agrees) {
            return Ok(());
        }
        let detail = format!("{shown:?} before {sequence}; the rules say {told:?}");
        Err(broken("a claim is shown with its lines", detail))
    }

    /// The claim beside a repetition stands, or is gone, as at some moment from there to the end of the turn.
    fn beside(
        &mut self,
        speaker: Speaker,
        command: &Command,
        from: Sequence,
        claim: Option<&ClaimView>,
    ) -> Result<(), Violation> {
        let shown = claim.cloned().map(view_without_terms);
        let number = claim_of(command);
        for sequence in (from.0..=speaker.head.sequence.0).map(Sequence) {
            let model = self.history.at(sequence);
            let told = number.and_then(|number| model?.claim_view(number.0));
            if told == shown {
                return Ok(());
            }
        }
        let detail = format!("{command:?} from {from} to {}: {shown:?}", speaker.head.sequence);
        Err(broken("a claim is shown as it stands", detail))
    }

    /// Whoever refuses or shows something owned the event when it did, or at least after it was asked.
    fn owned(&self, speaker: Speaker, attempt: Attempt) -> Result<(), Violation> {
        let submitted_us = self.asked_at(attempt).submitted_us;
        let stood = self.heads.iter().rposition(|stood| stood.head == speaker.head);
        let Some(place) = stood else {
            return Err(broken("only an owner answers", format!("{:?} never stood", speaker.head)));
        };
        match self.heads.get(place + 1) {
            Some(next) if next.since_us < submitted_us => {
                let detail = format!("replaced at {} us, asked at {submitted_us} us", next.since_us);
                Err(broken("a fenced owner does not even refuse", detail))
            }
            _ => Ok(()),
        }
    }

    /// A refusal is what the naive rules refuse at that sequence.
    fn rejected(
        &mut self,
        speaker: Speaker,
        command: &Command,
        sequence: Sequence,
        rejection: &Rejection,
    ) -> Result<(), Violation> {
        let text = format!("{rejection:?}");
        let Some(model) = self.history.at(sequence) else {
            let detail = format!("sequence {sequence} is not in the log: {text}");
            return Err(broken("no refusal before its commit", detail));
        };
        nothing_was_due(model, speaker.turn.at, speaker.turn.trusted, rejection)?;
        lines::nothing_followed(model, speaker.turn.at, rejection)?;
        if matches!(command.body, CommandBody::RecordScans { .. }) && !gates::may_refuse_facts(rejection) {
            return Err(broken("a fact is not refused", format!("{command:?}: {text}")));
        }
        match model.decide(speaker.turn.at, command) {
            Verdict::Refused(reasons) if reasons.iter().any(|reason| same(rejection, reason)) => Ok(()),
            Verdict::Repeated(first) => {
                let detail = format!("accepted at {first}, refused at {sequence}: {text}");
                Err(broken("a key has one effect", detail))
            }
            other => {
                let detail = format!("{command:?}: {text} at {sequence}; the rules say {other:?}");
                Err(broken("a refusal is right at its sequence", detail))
            }
        }
    }
}

/// The claim that the answer to a command shows.
fn claim_of(command: &Command) -> Option<ClaimNumber> {
    match &command.body {
        CommandBody::RenewHold { hold } | CommandBody::BeginPayment { hold, .. } => Some(*hold),
        CommandBody::Confirm { order, .. } => Some(*order),
        _ => None,
    }
}

/// Who believes its clock lets what is due happen before it decides a command.
pub(super) fn nothing_was_due(
    model: &Model,
    at: Timestamp,
    trusted: bool,
    decision: &dyn fmt::Debug,
) -> Result<(), Violation> {
    match model.next_due_at().filter(|due| trusted && *due <= at) {
        Some(due) => {
            let detail = format!("due at {due}, decided at {at}: {decision:?}");
            Err(broken("what is due comes before the command that observes it", detail))
        }
        None => Ok(()),
    }
}
