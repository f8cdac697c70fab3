//! The desk: drives the payments of one lane. What is under way lives here, everything else in the rows.

mod bucket;
mod io;
mod recorder;

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::Timestamp;

pub use io::{DeskAlert, DeskOptions, Input, Output};

use crate::limits::{AGAIN_MS_MAX, AGAIN_MS_MIN, CALLS_MAX, IDLE_MS, IN_HAND_MAX, TOLD_MAX};
use crate::mutant::Mutant;
use crate::{
    Abilities, Alarm, Answer, Ask, AskAnswer, Change, Decided, Fact, News, Next, Operation, Outcome, Payment,
    PaymentId, ProviderEventId, ProviderId, alarms, next, provider_key,
};
use bucket::Buckets;
use recorder::Recorder;

/// The desk of one lane. Like the writer, it neither waits nor reads clocks.
#[derive(Debug)]
pub struct Desk {
    options: DeskOptions,
    hands: BTreeMap<PaymentId, Hand>,
    recorder: Recorder,
    buckets: Buckets,
    /// How many of those in hand are being called about.
    calls_under_way: usize,
    is_reading: bool,
    /// When the due rows are to be read again.
    wake_at: Option<Timestamp>,
}

/// A payment that is looked after.
#[derive(Debug)]
struct Hand {
    /// Its row, with all that was learnt since.
    payment: Payment,
    call: Option<Call>,
    ask: Option<Ask>,
    /// Its row says that it is due: if nothing is to be done, that must be written.
    is_due: bool,
    /// What operators were told, or was there before.
    alarms: BTreeSet<Alarm>,
}

/// A call of a payment: one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// It waits until the provider may be called again.
    Waits,
    /// It is under way.
    UnderWay { operation: Operation, n: u16, called_at: Timestamp },
}

impl Hand {
    fn is_being_called(&self) -> bool {
        matches!(self.call, Some(Call::UnderWay { .. }))
    }

    fn is_being_called_off(&self) -> bool {
        matches!(self.call, Some(Call::UnderWay { operation: Operation::Void, .. }))
    }
}

impl Desk {
    /// One that has nothing in hand; it begins with the first [`Input::Tick`].
    #[must_use]
    pub fn new(options: DeskOptions, now: Timestamp) -> Desk {
        Desk {
            options,
            hands: BTreeMap::new(),
            recorder: Recorder::default(),
            buckets: Buckets::default(),
            calls_under_way: 0,
            is_reading: false,
            wake_at: Some(now),
        }
    }

    /// Payments in hand: what is under way.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.hands.len()
    }

    /// Handle one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        let touched = match input {
            Input::Tick => Vec::new(),
            Input::Wake => {
                self.wake_by(now);
                Vec::new()
            }
            Input::Written(rows) => self.written(now, rows),
            Input::Due { payments, next_at } => self.due(now, payments, next_at),
            Input::DueFailed => {
                self.is_reading = false;
                self.wake_by(now.plus_ms(AGAIN_MS_MIN));
                Vec::new()
            }
            Input::Told { payment, facts, handled } => self.told(now, *payment, facts, handled),
            Input::Answered { payment, operation, answer } => {
                self.answered(now, payment, operation, answer, out)
            }
            Input::Decided { payment, ask, answer } => self.decided(now, payment, ask, answer),
            // What is answered once more is of a batch that is over.
            Input::Recorded { batch, .. } | Input::RecordFailed { batch } if !self.recorder.is(batch) => {
                Vec::new()
            }
            Input::Recorded { rows, .. } => self.recorded(rows, out),
            Input::RecordFailed { .. } => self.recorder.failed(now),
        };
        for id in touched {
            self.advance(now, id, out);
        }
        self.go_on(now, out);
    }

    fn wake_by(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |known| known.min(at)));
    }

    fn take(&mut self, payment: Payment, is_due: bool) -> PaymentId {
        let id = payment.id;
        let alarms = alarms(&payment, &self.options.abilities(payment.provider));
        self.hands.insert(id, Hand { payment, call: None, ask: None, is_due, alarms });
        id
    }

    /// Rows that were written just now: they are taken even where there is no room for what is due, since buyers wait for them.
    fn written(&mut self, now: Timestamp, rows: Vec<Payment>) -> Vec<PaymentId> {
        let mut touched = Vec::new();
        for row in rows {
            if self.hands.contains_key(&row.id) {
                touched.push(row.id);
                self.see(row);
            } else if self.hands.len() < TOLD_MAX {
                touched.push(self.take(row, true));
            } else {
                self.wake_by(now);
            }
        }
        touched
    }

    /// The row of a payment in hand, with what is not recorded in it.
    fn see(&mut self, row: Payment) {
        let abilities = self.options.abilities(row.provider);
        if let Some(hand) = self.hands.get_mut(&row.id) {
            hand.payment = row;
            for change in self.recorder.unrecorded(hand.payment.id) {
                hand.payment.apply(change, &abilities);
            }
        }
    }

    fn due(&mut self, now: Timestamp, rows: Vec<Payment>, next_at: Option<Timestamp>) -> Vec<PaymentId> {
        self.is_reading = false;
        let idle_at = now.plus_ms(IDLE_MS);
        self.wake_by(next_at.map_or(idle_at, |at| at.min(idle_at)));
        let mut touched = Vec::new();
        for row in rows {
            if self.hands.contains_key(&row.id) {
                continue;
            }
            if self.hands.len() >= IN_HAND_MAX {
                self.wake_by(now);
                break;
            }
            touched.push(self.take(row, true));
        }
        touched
    }

    fn told(
        &mut self,
        now: Timestamp,
        row: Payment,
        facts: Vec<Fact>,
        handled: Option<ProviderEventId>,
    ) -> Vec<PaymentId> {
        let id = row.id;
        if !self.hands.contains_key(&id) {
            if self.hands.len() >= TOLD_MAX {
                // It is due in the rows, too.
                return Vec::new();
            }
            self.take(row, false);
        }
        let news = self.new_facts(id, facts);
        let is_new = |event: &ProviderEventId| {
            !self.recorder.unrecorded(id).any(|change| change.handled.contains(event))
        };
        let handled = handled.into_iter().filter(is_new).collect();
        self.learn(now, id, news, handled);
        vec![id]
    }

    /// Those of the facts that say something new.
    fn new_facts(&self, id: PaymentId, facts: Vec<Fact>) -> Vec<News> {
        let Some(hand) = self.hands.get(&id) else { return Vec::new() };
        let mutation = self.options.abilities(hand.payment.provider).mutation;
        let is_new = |fact: &Fact| {
            let mut known = hand.payment.facts.clone();
            known.merge_with(fact, mutation);
            known != hand.payment.facts
        };
        facts.into_iter().filter(is_new).map(News::Fact).collect()
    }

    fn learn(&mut self, now: Timestamp, id: PaymentId, news: Vec<News>, handled: Vec<ProviderEventId>) {
        let Some(hand) = self.hands.get_mut(&id).filter(|_| !news.is_empty() || !handled.is_empty()) else {
            return;
        };
        let change = Change { payment: id, at: now, news, handled };
        hand.payment.apply(&change, &self.options.abilities(hand.payment.provider));
        self.recorder.queue(change);
    }

    fn answered(
        &mut self,
        now: Timestamp,
        id: PaymentId,
        operation: Operation,
        answer: Answer,
        out: &mut Vec<Output>,
    ) -> Vec<PaymentId> {
        let Some(hand) = self.hands.get_mut(&id) else { return Vec::new() };
        // What is answered once more was learnt before.
        let Some(Call::UnderWay { operation: called, n, called_at }) = hand.call else { return Vec::new() };
        if called != operation {
            return Vec::new();
        }
        hand.call = None;
        self.calls_under_way -= 1;
        let provider = hand.payment.provider;
        let (facts, outcome) = match answer {
            Answer::Facts(facts) => (facts, Outcome::Done),
            Answer::Declined { code, facts } => (facts, Outcome::Declined { code }),
            Answer::Later { not_before } => (Vec::new(), Outcome::Later { not_before }),
            Answer::Unknown => (Vec::new(), Outcome::Again { not_before: None }),
            Answer::NotOurs { detail } => {
                out.push(Output::Alert(DeskAlert::ProviderRefuses { provider, detail }));
                (Vec::new(), Outcome::Later { not_before: Some(now.plus_ms(AGAIN_MS_MAX)) })
            }
        };
        // What the call ended with is judged by what is known then.
        let mut news = self.new_facts(id, facts);
        news.push(News::Called { operation, n, called_at, outcome });
        self.learn(now, id, news, Vec::new());
        vec![id]
    }

    fn decided(&mut self, now: Timestamp, id: PaymentId, ask: Ask, answer: AskAnswer) -> Vec<PaymentId> {
        let Some(hand) = self.hands.get_mut(&id).filter(|hand| hand.ask == Some(ask)) else {
            return Vec::new();
        };
        hand.ask = None;
        self.learn(now, id, vec![News::Decided(Decided { ask, answer })], Vec::new());
        vec![id]
    }

    fn recorded(&mut self, rows: Vec<Payment>, out: &mut Vec<Output>) -> Vec<PaymentId> {
        let recorded = self.recorder.recorded();
        let there: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
        for gone in recorded.iter().filter(|id| !there.contains(id)) {
            // Nothing can be done about a payment without a row.
            let hand = self.hands.remove(gone);
            self.calls_under_way -= usize::from(hand.is_some_and(|hand| hand.is_being_called()));
        }
        for row in rows {
            let id = row.id;
            let found = alarms(&row, &self.options.abilities(row.provider));
            if let Some(hand) = self.hands.get_mut(&id) {
                hand.is_due = false;
                for &alarm in found.difference(&hand.alarms) {
                    out.push(Output::Alert(DeskAlert::Payment { payment: id, alarm }));
                }
                hand.alarms = found;
                self.see(row);
            }
        }
        recorded
    }

    /// Do what is next about a payment, or let it go.
    fn advance(&mut self, now: Timestamp, id: PaymentId, out: &mut Vec<Output>) {
        let Some(hand) = self.hands.get_mut(&id) else { return };
        let abilities = self.options.abilities(hand.payment.provider);
        let is_recorded = !self.recorder.has(id) || abilities.mutation.is(Mutant::CallsUnrecorded);
        match next(&hand.payment, &abilities, now) {
            // What is being called off is not sold meanwhile.
            Next::Ask(Ask::Confirm | Ask::SellLate)
                if hand.is_being_called_off() && !abilities.mutation.is(Mutant::SoldWhileCalledOff) => {}
            // A confirmation does not wait for what it follows from: its key makes it repeatable, and a buyer waits.
            Next::Ask(ask) if hand.ask.is_none() && (is_recorded || ask == Ask::Confirm) => {
                hand.ask = Some(ask);
                out.push(Output::Ask { payment: Box::new(hand.payment.clone()), ask });
            }
            Next::Call(operation) if hand.call.is_none() && is_recorded => {
                hand.call = Some(Call::Waits);
                self.buckets.wait(hand.payment.provider, id, operation == Operation::Create);
            }
            Next::Wait(_) | Next::Settled if hand.call.is_some() || hand.ask.is_some() || !is_recorded => {}
            Next::Wait(_) | Next::Settled if hand.is_due => {
                hand.is_due = false;
                self.recorder.queue(Change { payment: id, at: now, news: Vec::new(), handled: Vec::new() });
            }
            Next::Wait(at) => {
                self.hands.remove(&id);
                self.wake_by(at);
            }
            Next::Settled => {
                self.hands.remove(&id);
            }
            Next::Ask(_) | Next::Call(_) => {}
        }
    }

    /// A call whose turn has come is made, if it is still what is next.
    fn call(&mut self, now: Timestamp, id: PaymentId, out: &mut Vec<Output>) -> bool {
        // Who was let go while it waited, and came again, stands in line twice.
        let Some(hand) = self.hands.get_mut(&id).filter(|hand| hand.call == Some(Call::Waits)) else {
            return false;
        };
        let abilities = self.options.abilities(hand.payment.provider);
        hand.call = None;
        let is_recorded = !self.recorder.has(id) || abilities.mutation.is(Mutant::CallsUnrecorded);
        match next(&hand.payment, &abilities, now) {
            Next::Call(operation) if is_recorded => {
                let n = hand.payment.n(operation);
                hand.call = Some(Call::UnderWay { operation, n, called_at: now });
                self.calls_under_way += 1;
                let key = provider_key(self.options.installation, id, operation, n);
                out.push(Output::Call { payment: Box::new(hand.payment.clone()), operation, key });
                true
            }
            _ => {
                self.advance(now, id, out);
                false
            }
        }
    }

    /// Make the calls that may be made, record what was learnt, read what is due, and arm the timer for the next of these.
    fn go_on(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let mut room = CALLS_MAX.saturating_sub(self.calls_under_way);
        while let Some((provider, id)) = self.buckets.next(now, &self.options, room) {
            if self.call(now, id, out) {
                self.buckets.spend(provider);
                room -= 1;
            }
        }
        if let Some((batch, changes)) = self.recorder.begin(now) {
            out.push(Output::Record { batch, changes });
        }
        let has_room = self.hands.len() * 4 <= IN_HAND_MAX * 3;
        let may_read = has_room && !self.is_reading;
        if may_read && self.wake_at.is_some_and(|at| at <= now) {
            (self.is_reading, self.wake_at) = (true, None);
            out.push(Output::ReadDue { most: IN_HAND_MAX });
        }
        let wake_at = self.wake_at.filter(|_| has_room && !self.is_reading);
        let times = [wake_at, self.recorder.begin_at(), self.buckets.next_at(now, &self.options, room)];
        if let Some(at) = times.into_iter().flatten().min() {
            out.push(Output::ArmTimer(at.max(now)));
        }
    }
}

impl DeskOptions {
    fn abilities(&self, provider: ProviderId) -> Abilities {
        self.providers.get(&provider).copied().unwrap_or_default()
    }
}
