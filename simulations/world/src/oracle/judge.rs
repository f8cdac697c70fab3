//! The judgement of answers, at the moment they leave a node.

use std::fmt;
use std::sync::Arc;

use tessera_inventory::{ClaimView, Command, Event, Rejection, Sequence, Timestamp};
use tessera_naive::{Model, Verdict, same, view_without_terms};
use tessera_writer::{Ask, Head, Reply};

use super::{Oracle, Violation, broken};
use crate::node::Attempt;

/// Who answers, and from where it knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker {
    /// The head that it holds for its own.
    pub(crate) head: Head,
    /// Logged time at which it decided.
    pub(crate) decided_at: Timestamp,
    /// Whether it believed its clock then.
    pub(crate) trusted: bool,
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
                self.accepted(command, *sequence, Some(event))?;
                claim.as_deref().map_or(Ok(()), |claim| self.shown(*sequence, claim))
            }
            (Ask::Command(command), Reply::Repeated { sequence, .. }) => {
                self.accepted(command, *sequence, None)
            }
            (Ask::Command(command), Reply::Rejected { sequence, rejection, .. }) => {
                self.owned(speaker, attempt)?;
                self.rejected(speaker, command, *sequence, rejection)
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
    fn shown(&mut self, sequence: Sequence, claim: &ClaimView) -> Result<(), Violation> {
        let before = Sequence(sequence.0.saturating_sub(1));
        let told = self.history.at(before).and_then(|model| model.claim_view(claim.number.0));
        let shown = view_without_terms(claim.clone());
        if told.as_ref().is_some_and(|told| (&told.lines, told.subject) == (&shown.lines, shown.subject)) {
            return Ok(());
        }
        let detail = format!("{shown:?} before {sequence}; the rules say {told:?}");
        Err(broken("a claim is shown with its lines", detail))
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

    /// A refusal is what the naive rules refuse at that sequence; a repeated one was judged before.
    fn rejected(
        &mut self,
        speaker: Speaker,
        command: &Command,
        sequence: Sequence,
        rejection: &Rejection,
    ) -> Result<(), Violation> {
        let known = command.key.map(|key| (key.digest, sequence.0));
        let text = format!("{rejection:?}");
        if known.is_some_and(|known| self.refusals.get(&known) == Some(&text)) {
            return Ok(());
        }
        let Some(model) = self.history.at(sequence) else {
            let detail = format!("sequence {sequence} is not in the log: {text}");
            return Err(broken("no refusal before its commit", detail));
        };
        nothing_was_due(model, speaker.decided_at, speaker.trusted, rejection)?;
        match model.decide(speaker.decided_at, command) {
            Verdict::Refused(reasons) if reasons.iter().any(|reason| same(rejection, reason)) => {
                self.refusals.extend(known.map(|known| (known, text)));
                Ok(())
            }
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
