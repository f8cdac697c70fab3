//! From a decided turn to its replies: append, submit again, verify, end.

use std::sync::Arc;

use super::{Append, Closing, Stage, Writer, backoff_ms};
use crate::encode::{Part, pack};
use crate::mutant::Mutant;
use crate::{
    Alert, AppendAnswer, Encode, HAND_OVER_ATTEMPTS_MAX, Head, Monotonic, Output, Reply, STALLED_ATTEMPTS,
    StopReason, StoreFailure,
};

impl<T, E: Encode> Writer<T, E> {
    /// A turn without events: nothing leaves before `head` was seen to be ours.
    pub(super) fn verify(&mut self, now: Monotonic, out: &mut Vec<Output<T>>) {
        if self.turn.replies.is_empty() {
            self.arm_due(now, out);
        } else if self.mutation.is(Mutant::SkipHeadRead) {
            self.reply(out);
        } else {
            self.stage = Stage::Verifying { attempt: 0 };
            out.push(Output::ReadHead);
        }
    }

    /// Submit the turn's events, split over as many records as they need.
    pub(super) fn append_turn(&mut self, out: &mut Vec<Output<T>>) {
        let first = self.head.sequence.plus(1);
        pack(
            &mut self.encoder,
            first,
            &self.turn.events,
            &mut self.scratch,
            self.record_bytes_max,
            &mut self.parts,
        );
        self.append_next_part(out);
    }

    fn append_next_part(&mut self, out: &mut Vec<Output<T>>) {
        let Some(Part { record, format, last }) = self.parts.pop_front() else { return };
        let next = Head {
            format: self.head.format.then(format),
            sequence: last,
            batch_id: self.batch_ids.next(),
            chain: self.head.chain.extend(&record),
            ..self.head
        };
        self.submit_append(Append { expected: self.head, next, record, attempt: 0 }, out);
    }

    fn submit_append(&mut self, append: Append, out: &mut Vec<Output<T>>) {
        out.push(Output::Append {
            expected: append.expected,
            next: append.next,
            record: Arc::clone(&append.record),
            attempt: append.attempt,
        });
        self.stage = Stage::Appending(append);
    }

    pub(super) fn append_done(&mut self, answer: AppendAnswer, now: Monotonic, out: &mut Vec<Output<T>>) {
        let Stage::Appending(append) = std::mem::replace(&mut self.stage, Stage::Idle) else {
            panic!("an append was answered that was not submitted")
        };
        match answer {
            AppendAnswer::Committed => self.committed(&append, now, out),
            AppendAnswer::Fenced { found } if found == append.next => self.committed(&append, now, out),
            AppendAnswer::Fenced { found } if self.adopts(&append, &found) => {
                let next = Head { epoch: found.epoch, batch_id: self.batch_ids.next(), ..append.next };
                self.submit_append(Append { expected: found, next, ..append }, out);
            }
            AppendAnswer::Fenced { found } => self.stop(StopReason::Fenced { found }, out),
            AppendAnswer::Fatal { reason } => self.stop(StopReason::StoreFailed { reason }, out),
            AppendAnswer::Unknown => self.append_unknown(append, now, out),
        }
    }

    /// Only with a defect: whether the fence of another's claim is taken for its own.
    fn adopts(&self, append: &Append, found: &Head) -> bool {
        let wrote_nothing =
            (found.sequence, found.chain) == (append.expected.sequence, append.expected.chain);
        self.mutation.is(Mutant::FenceAdopted) && wrote_nothing
    }

    fn committed(&mut self, append: &Append, now: Monotonic, out: &mut Vec<Output<T>>) {
        self.head = append.next;
        if !self.parts.is_empty() {
            if self.closing == Some(Closing::OwnershipLost) {
                // What was submitted of the turn stays. Its replies leave together or not at all: who asks again under the same key
                // learns from the next owner what became of it.
                return self.stop(StopReason::HandedOver, out);
            }
            return self.append_next_part(out);
        }
        self.turn.events.clear();
        if self.mutation.is(Mutant::UnknownAfterCommit) {
            self.turn.replies.iter_mut().for_each(|(_, reply)| *reply = Reply::OutcomeUnknown);
        }
        self.reply(out);
        if !self.mutation.is(Mutant::PublicationForgotten) {
            out.push(Output::Publish);
        }
        self.turn_done(now, out);
    }

    fn append_unknown(&mut self, mut append: Append, now: Monotonic, out: &mut Vec<Output<T>>) {
        append.attempt += 1;
        let given_up = match self.closing {
            Some(Closing::OwnershipLost) => true,
            Some(Closing::HandOver) => append.attempt >= HAND_OVER_ATTEMPTS_MAX,
            None => false,
        };
        if given_up {
            return self.stop(StopReason::HandedOver, out);
        }
        if self.mutation.is(Mutant::DecideAgainAfterUnknown) {
            self.parts.clear();
            self.stage = Stage::Verifying { attempt: 0 };
            return out.push(Output::ReadHead);
        }
        let at = now.plus_ms(backoff_ms(append.attempt));
        self.alert_if_stalled(append.attempt, out);
        self.stage = Stage::Resubmitting { append, at };
        self.arm(at, out);
    }

    pub(super) fn head_read(
        &mut self,
        found: Result<Head, StoreFailure>,
        now: Monotonic,
        out: &mut Vec<Output<T>>,
    ) {
        let Stage::Verifying { attempt } = self.stage else {
            panic!("a read of the head was answered that was not asked for")
        };
        match found {
            Ok(found)
                if self.mutation.is(Mutant::DecideAgainAfterUnknown) && !self.turn.events.is_empty() =>
            {
                self.head = found;
                self.append_turn(out);
            }
            Ok(found) if found == self.head => {
                self.stage = Stage::Idle;
                self.reply(out);
                self.turn_done(now, out);
            }
            Ok(found) => self.stop(StopReason::Fenced { found }, out),
            Err(StoreFailure::Fatal { reason }) => self.stop(StopReason::StoreFailed { reason }, out),
            Err(StoreFailure::Unavailable { .. }) if self.closing.is_some() => {
                self.stop(StopReason::HandedOver, out);
            }
            Err(StoreFailure::Unavailable { .. }) => {
                let attempt = attempt + 1;
                let at = now.plus_ms(backoff_ms(attempt));
                self.alert_if_stalled(attempt, out);
                self.stage = Stage::Reverifying { attempt, at };
                self.arm(at, out);
            }
        }
    }

    pub(super) fn tick(&mut self, now: Monotonic, out: &mut Vec<Output<T>>) {
        self.armed = None;
        if !matches!(self.stage, Stage::Idle) {
            let now = if self.mutation.is(Mutant::GivenUpEarly) { now.plus_ms(1_000) } else { now };
            self.lanes.sweep(now, |ticket| out.push(Output::Reply { ticket, reply: Reply::GaveUp }));
        }
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Idle => self.begin_turn(now, out),
            Stage::Resubmitting { append, at } if at <= now => self.submit_append(append, out),
            Stage::Reverifying { attempt, at } if at <= now => {
                self.stage = Stage::Verifying { attempt };
                out.push(Output::ReadHead);
            }
            waiting => {
                if let Stage::Resubmitting { at, .. } | Stage::Reverifying { at, .. } = waiting {
                    self.arm(at, out);
                }
                self.stage = waiting;
            }
        }
    }

    pub(super) fn close(&mut self, closing: Closing, out: &mut Vec<Output<T>>) {
        // Nothing gives the ownership back: a hand-over that follows its loss is no hand-over in good order.
        self.closing = self.closing.max(Some(closing));
        if self.mutation.is(Mutant::UntoldAtClosing) {
            self.lanes.drain(drop);
        }
        self.lanes.drain(|ticket| out.push(Output::Reply { ticket, reply: Reply::NotExecuted }));
        let submits_again = matches!(self.stage, Stage::Resubmitting { .. } | Stage::Reverifying { .. });
        let at_once = submits_again && closing == Closing::OwnershipLost;
        if at_once || matches!(self.stage, Stage::Idle) {
            self.stop(StopReason::HandedOver, out);
        }
    }

    fn turn_done(&mut self, now: Monotonic, out: &mut Vec<Output<T>>) {
        self.stage = Stage::Idle;
        if self.closing.is_some() {
            self.stop(StopReason::HandedOver, out);
        } else if !self.mutation.is(Mutant::TimerForgotten) {
            self.arm_due(now, out);
        }
    }

    pub(super) fn reply(&mut self, out: &mut Vec<Output<T>>) {
        if !self.turn.refused.is_empty() {
            out.push(Output::Refused(std::mem::take(&mut self.turn.refused)));
        }
        out.extend(self.turn.replies.drain(..).map(|(ticket, reply)| Output::Reply { ticket, reply }));
    }

    /// Nothing leaves any more: what was decided is unknown, what was not is not executed.
    fn stop(&mut self, reason: StopReason, out: &mut Vec<Output<T>>) {
        for (ticket, _) in self.turn.replies.drain(..) {
            let lies = self.mutation.is(Mutant::NotExecutedAfterDeciding);
            let reply = if lies { Reply::NotExecuted } else { Reply::OutcomeUnknown };
            out.push(Output::Reply { ticket, reply });
        }
        self.lanes.drain(|ticket| out.push(Output::Reply { ticket, reply: Reply::NotExecuted }));
        self.turn.refused.clear();
        self.parts.clear();
        self.stage = Stage::Stopped;
        out.push(Output::Stop(reason));
    }

    fn alert_if_stalled(&self, attempts: u32, out: &mut Vec<Output<T>>) {
        if attempts.is_multiple_of(STALLED_ATTEMPTS) {
            out.push(Output::Alert(Alert::StoreStalled { attempts }));
        }
    }
}
