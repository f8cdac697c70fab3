//! A small world: what happens when, in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::Timestamp;
use tessera_payments::{
    Abilities, Answer, Ask, AskAnswer, Change, Desk, DeskAlert, DeskOptions, Fact, Input, Operation, Output,
    Payment, PaymentId, ProviderEventId, ProviderKey,
};

use crate::log::{Hold, Log};
use crate::provider::Provider;
use crate::rows::Rows;
use crate::{DAY, PROVIDER, Rng, SECOND, payment_id};

/// What a story or a seed does to the order, beside what desks do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Begin {
        grace_ms: u64,
    },
    /// The buyer of this attempt pays as soon as there is a page; `None`: the price.
    Pay {
        attempt: u8,
        amount: Option<i64>,
    },
    Decline {
        attempt: u8,
    },
    /// The buyer asks for another attempt: the organizer ends the one in flight, and the next begins.
    Retry {
        grace_ms: u64,
    },
    Expire,
    Cancel,
    Refund {
        amount: i64,
    },
    /// Authorisations lapse.
    Lapse,
    Dispute {
        won: bool,
    },
    /// Fees become known and pending refunds arrive.
    DayPasses,
    /// The desk of this seat dies and comes back.
    Crash {
        seat: usize,
    },
}

#[derive(Clone, Debug)]
enum Happening {
    Act(Act),
    Follow,
    Timer { seat: usize },
    Input { seat: usize, life: u32, input: Box<Input> },
    Record { seat: usize, life: u32, batch: u64, changes: Vec<Change>, fails: bool },
    Read { seat: usize, life: u32, most: usize },
    Call { seat: usize, life: u32, payment: Box<Payment>, operation: Operation, key: ProviderKey },
    Ask { seat: usize, life: u32, payment: PaymentId, ask: Ask },
    Hook { number: u64, id: PaymentId, facts: Vec<Fact> },
}

/// What goes wrong by chance, until it stops.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) rng: Rng,
    /// Calls, answers and records that are lost, in percent.
    pub(crate) loss: u64,
    pub(crate) until: u64,
}

/// What goes wrong by a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Everything in memory is dropped at the output of this number: before it is performed (`false`), or after.
    pub(crate) crash_at: Option<(usize, bool)>,
    /// Each input is given twice.
    pub(crate) repeats: bool,
    /// No webhook arrives.
    pub(crate) no_hooks: bool,
    /// Webhooks arrive so late, in milliseconds.
    pub(crate) hooks_late_ms: u64,
    /// The answers to the first so many calls of this operation, or to so many confirmations, are lost, and they are made.
    pub(crate) unanswered: BTreeMap<&'static str, u32>,
}

struct Seat {
    desk: Desk,
    life: u32,
    timer: Option<Timestamp>,
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) abilities: Abilities,
    pub(crate) provider: Provider,
    pub(crate) log: Log,
    pub(crate) rows: Rows,
    pub(crate) plan: Plan,
    pub(crate) faults: Option<Faults>,
    pub(crate) alerts: Vec<DeskAlert>,
    /// What must never happen, and did.
    pub(crate) wrong: Vec<String>,
    /// How many outputs were put out.
    pub(crate) outputs: usize,
    /// What was given to the first desk, but rows.
    given: Vec<Input>,
    seats: Vec<Seat>,
    agenda: BTreeMap<(Timestamp, u64), Happening>,
    number: u64,
}

impl World {
    pub(crate) fn new(provider: Provider, log: Log, abilities: Abilities, seats: usize) -> World {
        let mut world = World {
            now: Timestamp(SECOND),
            abilities,
            provider,
            log,
            rows: Rows::default(),
            plan: Plan::default(),
            faults: None,
            alerts: Vec::new(),
            wrong: Vec::new(),
            outputs: 0,
            given: Vec::new(),
            seats: Vec::new(),
            agenda: BTreeMap::new(),
            number: 0,
        };
        for seat in 0..seats {
            let desk = world.new_desk();
            world.seats.push(Seat { desk, life: 0, timer: None });
            world.arm(seat, Timestamp(SECOND));
        }
        world.at(10, Happening::Follow);
        world
    }

    fn new_desk(&self) -> Desk {
        let providers = BTreeMap::from([(PROVIDER, self.abilities)]);
        Desk::new(DeskOptions { installation: 7, providers }, self.now)
    }

    fn at(&mut self, ms: u64, happening: Happening) {
        self.number += 1;
        self.agenda.insert((self.now.plus_ms(ms), self.number), happening);
    }

    pub(crate) fn act_at(&mut self, ms: u64, act: Act) {
        self.at(ms, Happening::Act(act));
    }

    /// So long something takes: as planned, or longer by chance.
    fn takes(&mut self, ms: u64, most: u64) -> u64 {
        let now = self.now.0;
        match &mut self.faults {
            Some(faults) if now < faults.until => faults.rng.below(most),
            _ => ms,
        }
    }

    fn is_lost(&mut self) -> bool {
        let now = self.now.0;
        let faults = self.faults.as_mut().filter(|faults| now < faults.until);
        faults.is_some_and(|faults| faults.rng.happens(faults.loss))
    }

    fn arm(&mut self, seat: usize, at: Timestamp) {
        self.seats[seat].timer = Some(at);
        let ms = at.0.saturating_sub(self.now.0).max(1);
        self.at(ms, Happening::Timer { seat });
    }

    /// Until nothing is under way and nothing is due, or too long.
    pub(crate) fn run(&mut self) {
        for _ in 0..400_000 {
            let Some(((at, _), happening)) = self.agenda.pop_first() else { return };
            self.now = self.now.max(at);
            self.happen(happening);
        }
        self.wrong.push("it never ends".to_owned());
    }

    /// When the first row is due.
    fn due_at(&self) -> Option<Timestamp> {
        self.rows.payments.values().filter_map(|(_, due)| *due).min()
    }

    /// A desk that has nothing in hand looks when something is due, not every ten seconds of the years between.
    fn tick(&mut self, seat: usize) {
        let due = self.due_at();
        let is_busy = self.seats[seat].desk.in_hand() > 0 || due.is_some_and(|due| due <= self.now);
        self.seats[seat].timer = None;
        match due {
            _ if is_busy => self.give(seat, Input::Tick),
            Some(due) => self.arm(seat, due),
            None => {}
        }
    }

    /// Rows were written: whoever sleeps longer than until they are due looks then.
    fn rows_written(&mut self) {
        let Some(due) = self.due_at() else { return };
        for seat in 0..self.seats.len() {
            // As late as a desk looks that nobody tells.
            let at = due.max(self.now.plus_ms(10 * SECOND));
            if self.seats[seat].timer.is_none_or(|timer| timer > at) {
                self.arm(seat, at);
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Act(act) => self.act(act),
            Happening::Follow => {
                let rows = self.rows.follow(self.now, &self.log, &self.abilities);
                // Whoever follows may die before it tells the desk.
                if !rows.is_empty() && !self.is_lost() {
                    self.give(0, Input::Written(rows));
                    (1..self.seats.len()).for_each(|seat| self.give(seat, Input::Wake));
                }
                self.rows_written();
                if self.rows.cursor < self.log.events.len() {
                    self.at(5, Happening::Follow);
                }
            }
            Happening::Timer { seat } => {
                if self.seats[seat].timer.is_some_and(|timer| timer <= self.now) {
                    self.tick(seat);
                }
            }
            Happening::Input { seat, life, input } => {
                if self.seats[seat].life == life {
                    self.give(seat, *input);
                }
            }
            Happening::Record { seat, life, batch, changes, fails } => {
                let rows = (!fails).then(|| self.rows.record(self.now, &changes, &self.abilities));
                self.rows_written();
                // Of what was recorded it may not be known.
                let rows = rows.filter(|_| !self.is_lost());
                let input =
                    rows.map_or(Input::RecordFailed { batch }, |rows| Input::Recorded { batch, rows });
                self.answer(seat, life, 1, input);
            }
            Happening::Read { seat, life, most } => {
                if self.is_lost() {
                    return self.answer(seat, life, 1, Input::DueFailed);
                }
                let mut due: Vec<_> =
                    self.rows.payments.values().filter_map(|(row, due)| due.map(|due| (due, row))).collect();
                due.sort_by_key(|(due, _)| *due);
                let next_at = due.iter().map(|(due, _)| *due).find(|due| *due > self.now);
                let now_due = due.into_iter().filter(|(due, _)| *due <= self.now).take(most);
                let payments = now_due.map(|(_, row)| row.clone()).collect();
                self.answer(seat, life, 1, Input::Due { payments, next_at });
            }
            Happening::Call { seat, life, payment, operation, key } => {
                self.call(seat, life, &payment, operation, &key);
            }
            Happening::Ask { seat, life, payment, ask } => {
                let events = self.log.events.len();
                let decided = self.log.decide(self.now, payment.attempt, ask);
                self.follow_from(events);
                let is_unanswered = ask == Ask::Confirm && self.is_unanswered("confirm");
                let answer = if is_unanswered || self.is_lost() { AskAnswer::Unknown } else { decided };
                self.answer(seat, life, 5, Input::Decided { payment, ask, answer });
            }
            Happening::Hook { number, id, facts } => self.hook(number, id, facts),
        }
    }

    /// The follower looks soon if something was appended after so many events.
    fn follow_from(&mut self, events: usize) {
        if self.log.events.len() > events {
            let ms = self.takes(5, 3 * SECOND);
            self.at(ms, Happening::Follow);
        }
    }

    fn answer(&mut self, seat: usize, life: u32, ms: u64, input: Input) {
        self.at(ms, Happening::Input { seat, life, input: Box::new(input) });
    }

    fn call(&mut self, seat: usize, life: u32, payment: &Payment, operation: Operation, key: &ProviderKey) {
        if operation == Operation::Capture && self.log.hold != Hold::Paid(payment.id.attempt) {
            self.wrong.push(format!("{:?} is captured and not sold", payment.id));
        }
        // Two desks may differ for a moment, and one that died does not know what it called for; none sells and calls off by itself.
        let is_sold = self.log.hold == Hold::Paid(payment.id.attempt) && !self.log.unpaid;
        if operation == Operation::Void && is_sold && self.seats.len() == 1 && self.seats[0].life == 0 {
            self.wrong.push(format!("{:?} is called off and sold", payment.id));
        }
        let answer = if self.is_lost() {
            Answer::Unknown
        } else {
            let answer = self.provider.call(self.now, payment, operation, key);
            if self.is_unanswered(name(operation)) || self.is_lost() { Answer::Unknown } else { answer }
        };
        self.tell_hooks();
        let ms = self.takes(100, 20 * SECOND);
        self.answer(seat, life, ms, Input::Answered { payment: payment.id, operation, answer });
    }

    fn is_unanswered(&mut self, name: &str) -> bool {
        let left = self.plan.unanswered.get_mut(name).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }

    /// What happened at the provider is told by webhooks: never, once, or more often.
    fn tell_hooks(&mut self) {
        for reference in std::mem::take(&mut self.provider.outbox) {
            let id = self.provider.payments[&reference].id;
            let facts = self.provider.facts(&reference);
            let now = self.now.0;
            let times = match &mut self.faults {
                _ if self.plan.no_hooks => Vec::new(),
                Some(faults) if now < faults.until => {
                    let times = faults.rng.one_of(&[0, 1, 1, 2]);
                    let most = faults.rng.one_of(&[100, 5 * SECOND, 4_000 * SECOND, DAY]);
                    (0..times).map(|_| faults.rng.below(most)).collect()
                }
                _ => vec![50 + self.plan.hooks_late_ms],
            };
            for ms in times {
                self.number += 1;
                let number = self.number;
                self.at(ms, Happening::Hook { number, id, facts: facts.clone() });
            }
        }
    }

    fn hook(&mut self, number: u64, id: PaymentId, facts: Vec<Fact>) {
        let event = ProviderEventId { provider: PROVIDER, event: format!("e{number}").into() };
        let Some((row, _)) = self.rows.payments.get(&id) else { return };
        if self.rows.handled.contains(&event) {
            return;
        }
        let payment = Box::new(row.clone());
        let seat = usize::try_from(number).unwrap() % self.seats.len();
        self.give(seat, Input::Told { payment, facts: facts.clone(), handled: Some(event) });
        // It is due until it is handled.
        self.at(10 * SECOND, Happening::Hook { number, id, facts });
    }

    fn act(&mut self, act: Act) {
        let events = self.log.events.len();
        match act {
            Act::Begin { grace_ms } => self.log.begin(self.now, grace_ms),
            Act::Pay { attempt, amount } => self.buyer(attempt, act, |provider, reference| {
                provider.buyer_pays(reference, amount);
            }),
            Act::Decline { attempt } => self.buyer(attempt, act, |provider, reference| {
                provider.happens(reference, |paid| {
                    if paid.status == tessera_payments::Status::Open {
                        paid.status = tessera_payments::Status::Failed;
                    }
                });
            }),
            Act::Retry { grace_ms } => {
                self.log.decide(self.now, self.log.attempts, Ask::PaymentFailed);
                self.log.begin(self.now, grace_ms);
            }
            Act::Expire => self.log.end(self.now, false),
            Act::Cancel => self.log.end(self.now, true),
            Act::Refund { amount } => self.log.refund(self.now, amount),
            Act::Lapse => self.provider.lapse(),
            Act::Dispute { won } => self.provider.dispute(won),
            Act::DayPasses => self.provider.day_passes(),
            Act::Crash { seat } => self.crash(seat),
        }
        self.follow_from(events);
        self.tell_hooks();
    }

    /// The buyer does something on its page, as soon as it is shown one, and gives up after a while.
    fn buyer(&mut self, attempt: u8, act: Act, does: impl FnOnce(&mut Provider, &str)) {
        let row = self.rows.payments.get(&payment_id(attempt)).map(|(row, _)| row);
        match row.filter(|row| row.facts.page.is_some()).and_then(|row| row.facts.reference.clone()) {
            Some(reference) => does(&mut self.provider, &reference),
            None if self.now.0 < 1_800 * SECOND => self.at(SECOND, Happening::Act(act)),
            None => {}
        }
    }

    fn crash(&mut self, seat: usize) {
        let desk = self.new_desk();
        let life = self.seats[seat].life + 1;
        self.seats[seat] = Seat { desk, life, timer: None };
        self.arm(seat, self.now.plus_ms(SECOND));
    }

    fn give(&mut self, seat: usize, input: Input) {
        if self.plan.repeats {
            if matches!(input, Input::Told { .. } | Input::Answered { .. } | Input::Decided { .. }) {
                self.given.push(input.clone());
            }
            self.give_once(seat, input.clone());
        }
        self.give_once(seat, input);
    }

    fn give_once(&mut self, seat: usize, input: Input) {
        let mut out = Vec::new();
        self.seats[seat].desk.handle(self.now, input, &mut out);
        for output in out {
            let crash = self.plan.crash_at.filter(|(at, _)| *at == self.outputs);
            self.outputs += 1;
            if let Some((_, false)) = crash {
                return self.crash(seat);
            }
            self.perform(seat, output);
            if crash.is_some() {
                return self.crash(seat);
            }
        }
    }

    fn perform(&mut self, seat: usize, output: Output) {
        let life = self.seats[seat].life;
        match output {
            Output::ReadDue { most } => {
                let ms = self.takes(2, SECOND);
                self.at(ms, Happening::Read { seat, life, most });
            }
            Output::Record { batch, changes } => {
                let ids: BTreeSet<_> = changes.iter().map(|change| change.payment).collect();
                assert_eq!(ids.len(), changes.len(), "each payment once");
                let fails = self.is_lost();
                let ms = self.takes(4, 3 * SECOND);
                self.at(ms, Happening::Record { seat, life, batch, changes, fails });
            }
            Output::Call { payment, operation, key } => {
                let recorded = &self.rows.payments[&payment.id].0.facts;
                let is_recorded = recorded.status >= payment.facts.status
                    && (recorded.reference.is_some() || payment.facts.reference.is_none());
                if !is_recorded {
                    self.wrong.push(format!("{operation:?} of what is not recorded"));
                }
                let ms = self.takes(100, 10 * SECOND);
                self.at(ms, Happening::Call { seat, life, payment, operation, key });
            }
            Output::Ask { payment, ask } => {
                let ms = self.takes(5, SECOND);
                self.at(ms, Happening::Ask { seat, life, payment: payment.id, ask });
            }
            Output::ArmTimer(at) => self.arm(seat, at),
            Output::Alert(alert) => self.alerts.push(alert),
        }
    }

    /// What was given is given once more, after everything.
    pub(crate) fn repeat_all(&mut self) {
        for input in std::mem::take(&mut self.given) {
            let input = match input {
                // Whoever tells reads the row.
                Input::Told { payment, facts, handled } => {
                    let payment = Box::new(self.rows.payments[&payment.id].0.clone());
                    Input::Told { payment, facts, handled }
                }
                input => input,
            };
            self.give_once(0, input);
            self.run();
        }
    }
}

/// What a plan calls an operation.
fn name(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "create",
        Operation::Capture => "capture",
        Operation::Void => "void",
        Operation::Refund { .. } => "refund",
        Operation::LookUp | Operation::LookUpRefunds => "look",
    }
}
