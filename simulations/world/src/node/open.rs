//! The requests that a writer has taken and not answered: each is answered once, at its time, by a word that fits.

use std::collections::BTreeMap;

use tessera_writer::{Monotonic, Reply};

use super::Attempt;
use crate::oracle::{Violation, broken};

/// What one life of a node owes.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// With the time at which each client has gone.
    tickets: BTreeMap<Attempt, Monotonic>,
    /// The writer is to take nothing more.
    pub(crate) is_closing: bool,
    /// The writer has come to its end.
    pub(crate) is_ending: bool,
}

impl Open {
    /// The writer has taken a request.
    pub(crate) fn took(&mut self, ticket: Attempt, give_up_at: Monotonic) {
        self.tickets.insert(ticket, give_up_at);
    }

    /// The writer answers, at `now`, what it has decided at `decided_at` if it has decided it.
    pub(crate) fn answered(
        &mut self,
        ticket: Attempt,
        reply: &Reply,
        decided_at: Monotonic,
        now: Monotonic,
    ) -> Result<(), Violation> {
        let Some(give_up_at) = self.tickets.remove(&ticket) else {
            return Err(broken("a request is answered once", format!("attempt {ticket} again: {reply:?}")));
        };
        let fits = match reply {
            Reply::OutcomeUnknown => self.is_ending,
            Reply::NotExecuted => self.is_ending || self.is_closing,
            _ => true,
        };
        if !fits {
            let detail = format!("attempt {ticket}: {reply:?} by a writer that goes on");
            return Err(broken("only a writer that ends leaves a question open", detail));
        }
        let in_time = match reply {
            Reply::GaveUp => give_up_at <= now,
            reply => !reply.is_decided() || decided_at < give_up_at,
        };
        if in_time {
            return Ok(());
        }
        let detail =
            format!("attempt {ticket}, gone at {give_up_at:?}, decided at {decided_at:?}: {reply:?}");
        Err(broken("who has gone is given up, and nobody else", detail))
    }

    /// Nothing is under way and nobody waits, says the writer.
    pub(crate) fn nobody_waits(&self) -> Result<(), Violation> {
        match self.tickets.keys().next() {
            Some(ticket) => Err(broken("nobody is left without an answer", format!("attempt {ticket}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tessera_writer::{Monotonic, Reply};

    use super::Open;

    const EARLY: Monotonic = Monotonic(1);
    const GONE: Monotonic = Monotonic(10);

    fn rule(open: &mut Open, reply: &Reply, decided_at: Monotonic, now: Monotonic) -> Option<&'static str> {
        open.took(7, GONE);
        open.answered(7, reply, decided_at, now).err().map(|violation| violation.rule)
    }

    #[test]
    fn a_request_is_answered_once_and_nobody_is_left() {
        let mut open = Open::default();
        let read = Reply::Read { sequence: tessera_inventory::Sequence::ZERO, claim: None };
        open.took(7, GONE);
        assert!(open.nobody_waits().is_err());
        assert!(open.answered(7, &read, EARLY, EARLY).is_ok());
        assert!(open.answered(7, &read, EARLY, EARLY).is_err());
        assert!(open.nobody_waits().is_ok());
    }

    #[test]
    fn who_goes_on_gives_an_answer() {
        let open_question = Some("only a writer that ends leaves a question open");
        for reply in [Reply::OutcomeUnknown, Reply::NotExecuted] {
            assert_eq!(rule(&mut Open::default(), &reply, EARLY, EARLY), open_question);
            let mut ending = Open { is_ending: true, ..Open::default() };
            assert_eq!(rule(&mut ending, &reply, EARLY, EARLY), None);
        }
        let mut closing = Open { is_closing: true, ..Open::default() };
        assert_eq!(rule(&mut closing, &Reply::NotExecuted, EARLY, EARLY), None);
        assert_eq!(rule(&mut closing, &Reply::OutcomeUnknown, EARLY, EARLY), open_question);
    }

    #[test]
    fn who_has_gone_is_given_up_and_nobody_else() {
        let too_early_or_late = Some("who has gone is given up, and nobody else");
        let read = Reply::Read { sequence: tessera_inventory::Sequence::ZERO, claim: None };
        let open = &mut Open::default();
        assert_eq!(rule(open, &Reply::GaveUp, EARLY, EARLY), too_early_or_late);
        assert_eq!(rule(open, &Reply::GaveUp, EARLY, GONE), None);
        assert_eq!(rule(open, &read, GONE, GONE), too_early_or_late);
        assert_eq!(rule(open, &read, EARLY, GONE), None, "it was decided in time");
    }
}
