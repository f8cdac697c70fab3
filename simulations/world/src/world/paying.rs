//! Payments in the world: when processes go on, what they put out, what happens at providers, and what goes wrong.

mod providers;

use futures::executor::block_on;
use tessera_inventory::{Sequence, Timestamp};
use tessera_money::Lane;
use tessera_money::asking;
use tessera_money::following::{Told, View};
use tessera_money::payments::Due;
use tessera_payments::{Ask, AskAnswer, Fact, Input, Output, Payment};
use tessera_writer::Reply;

use super::following::TABLE_FAULTS;
use super::{Step, World};
use crate::catalogue::{EVENT, WALL_BASE_MS};
use crate::client::Client;
use crate::follower::Followed;
use crate::node::Attempt;
use crate::oracle::Violation;
use crate::paying::{AskUnderWay, Happening, Money, SECRET};
use crate::plan::Paying;

const SECOND_US: u64 = 1_000_000;
const MINUTE_US: u64 = 60 * SECOND_US;
const HOUR_US: u64 = 60 * MINUTE_US;
const DAY_US: u64 = 24 * HOUR_US;
/// Longest pause of a process that follows the log, in microseconds: while anything goes on, and afterwards.
const PAUSE_US_MAX: (u64, u64) = (2 * SECOND_US, HOUR_US);
/// What goes wrong with calls, webhooks and processes goes on so long, in microseconds: longer than any key is remembered.
const FAULTS_US: u64 = 2 * DAY_US;
/// Where nothing else is to be done, the world looks so rarely, in microseconds.
pub(super) const PATIENT_US: u64 = HOUR_US;
/// Within this time all money is where it belongs, in microseconds.
pub(super) const SETTLED_US: u64 = 60 * DAY_US;

/// Something of payments.
#[derive(Debug)]
pub(super) enum PayStep {
    /// The follower of a process goes on.
    Follow(usize),
    /// A desk wakes, if this is its last timer.
    Timer { process: usize, number: u64 },
    /// Something reaches a desk.
    Input { process: usize, life: u64, input: Box<Input> },
    /// What a desk put out is done.
    Output { process: usize, life: u64, output: Box<Output> },
    /// A buyer comes to the page.
    Visit { till: usize, reference: Box<str>, tries: u32 },
    /// Something happens at a provider.
    Happens { till: usize, reference: Box<str>, happening: Happening },
    /// What nobody uses lapses.
    Lapses { till: usize, reference: Box<str> },
    /// A provider tells how a payment stands, or stood.
    Hook { till: usize, reference: Box<str>, facts: Vec<Fact>, is_first: bool },
}

impl World {
    pub(super) fn begin_paying(&mut self) {
        let Some(mut money) = self.money.take() else { return };
        for process in 0..money.processes.len() {
            self.after(SECOND_US, Step::Pay(PayStep::Follow(process)));
            self.wake_desk(&mut money, process);
        }
        self.money = Some(money);
    }

    /// One step; what must be true is looked at after it.
    pub(super) fn pay(&mut self, step: PayStep) -> Result<(), Violation> {
        let Some(mut money) = self.money.take() else { return Ok(()) };
        let done = self.pay_step(&mut money, step);
        let done = done.and_then(|()| money.check(self.oracle.events()));
        self.money = Some(money);
        done
    }

    fn pay_step(&mut self, money: &mut Money, step: PayStep) -> Result<(), Violation> {
        let is_counted = !matches!(step, PayStep::Follow(_) | PayStep::Timer { .. } | PayStep::Lapses { .. });
        money.under_way -= usize::from(is_counted);
        self.may_crash(money);
        match step {
            PayStep::Follow(process) => return self.follow_payments(money, process),
            PayStep::Timer { process, number } => {
                if money.processes[process].timer == number {
                    self.give(money, process, &Input::Tick)?;
                }
            }
            PayStep::Input { process, life, input } => {
                if money.processes[process].life == life {
                    return self.give(money, process, &input);
                }
            }
            PayStep::Output { process, life, output } => {
                // What was on its way when a process died may arrive all the same.
                if money.processes[process].life == life || money.prng.chance(500) {
                    return self.perform_payment((money, process, life), *output);
                }
            }
            PayStep::Visit { till, reference, tries } => return self.visit(money, (till, reference), tries),
            PayStep::Happens { till, reference, happening } => {
                money.providers[till].happens(&reference, happening);
                self.tell_news(money, till);
            }
            PayStep::Lapses { till, reference } => {
                money.providers[till].happens(&reference, Happening::Lapses);
                self.tell_news(money, till);
            }
            PayStep::Hook { till, reference, facts, is_first } => {
                return self.hook(money, (till, reference), facts, is_first);
            }
        }
        Ok(())
    }

    fn pay_after(&mut self, money: &mut Money, wait_us: u64, step: PayStep) {
        money.under_way += 1;
        self.after(wait_us, Step::Pay(step));
    }

    fn wall(&self) -> Timestamp {
        Timestamp(WALL_BASE_MS + self.now_us / 1_000)
    }

    /// Clients have what they want, and no deadline is open: only money may still be under way.
    pub(super) fn is_patient(&self) -> bool {
        self.is_calm && self.oracle.live_claims() == 0 && self.clients.iter().all(Client::is_done)
    }

    /// So long a look that finds nothing waits for the next.
    pub(super) fn patiently(&self, wait_us: u64) -> u64 {
        if self.plan.paying.is_some() && self.is_patient() { wait_us.max(PATIENT_US) } else { wait_us }
    }

    fn pays_faultily(&self) -> bool {
        self.now_us < FAULTS_US
    }

    /// A fault of a call, a webhook or a process, of a thousand.
    fn fails(&self, money: &mut Money, odds: fn(&Paying) -> u64) -> bool {
        let per_mille = odds(&money.plan);
        per_mille > 0 && self.pays_faultily() && money.prng.chance(per_mille)
    }

    /// One more step, at which the plan may drop everything in memory.
    fn may_crash(&mut self, money: &mut Money) {
        if money.is_crash() {
            self.note("memory of payments dropped");
            (0..money.processes.len()).for_each(|process| self.process_forgets(money, process));
        }
    }

    fn process_forgets(&mut self, money: &mut Money, process: usize) {
        money.forget(process, self.wall());
        self.wake_desk(money, process);
    }

    /// A desk begins.
    fn wake_desk(&mut self, money: &mut Money, process: usize) {
        let number = money.processes[process].timer;
        let wait_us = money.prng.between(1_000, SECOND_US);
        self.after(wait_us, Step::Pay(PayStep::Timer { process, number }));
    }

    fn follow_payments(&mut self, money: &mut Money, process: usize) -> Result<(), Violation> {
        if self.fails(money, |plan| plan.deaths) {
            self.note("process of payments restarted");
            self.process_forgets(money, process);
        }
        self.table_fails(money);
        let (through, config) = (self.oracle.sequence(), &self.oracle.model().config);
        let currency = config.as_ref().map(|config| config.currency);
        let view = View { through, currency, now: self.wall(), is_last: false };
        let (followed, told) = match self.store.shared_log() {
            Some(log) if !self.store.is_away => money.processes[process].follow(log, view)?,
            _ => (Followed::Failed, Vec::new()),
        };
        self.trace.note(self.now_us, format_args!("payments {process}: {followed:?}"));
        if followed == Followed::Overtaken {
            self.note("follower of payments overtaken");
        }
        for told in told {
            let Told::Written(rows) = told else { continue };
            self.give(money, process, &Input::Written(rows))?;
            for other in (0..money.processes.len()).filter(|other| *other != process) {
                self.give(money, other, &Input::Wake)?;
            }
        }
        let is_behind = money.processes[process].followed < through || followed == Followed::Halted;
        let most = if self.is_patient() && !is_behind { PAUSE_US_MAX.1 } else { PAUSE_US_MAX.0 };
        let wait_us = money.prng.between(1_000, most);
        self.after(wait_us, Step::Pay(PayStep::Follow(process)));
        Ok(())
    }

    /// The next commit of the table may fail, while everything else may.
    fn table_fails(&mut self, money: &mut Money) {
        if !self.is_calm && money.prng.chance(self.plan.table_faults) {
            let (name, fault) = TABLE_FAULTS[money.prng.index(TABLE_FAULTS.len())];
            self.note(name);
            self.followers.inject(fault);
        }
    }

    /// Give a desk something, and do what follows.
    fn give(&mut self, money: &mut Money, process: usize, input: &Input) -> Result<(), Violation> {
        let times = if self.fails(money, |plan| plan.repeats) { 2 } else { 1 };
        for _ in 0..times {
            let (mut out, now) = (Vec::new(), self.wall());
            money.hears(process, input);
            money.processes[process].desk.handle(now, input.clone(), &mut out);
            let life = money.processes[process].life;
            for output in out {
                self.may_crash(money);
                if self.fails(money, |plan| plan.deaths) {
                    self.note("process of payments restarted");
                    self.process_forgets(money, process);
                }
                if money.processes[process].life != life {
                    return Ok(());
                }
                self.put_out(money, process, output)?;
            }
        }
        Ok(())
    }

    fn put_out(&mut self, money: &mut Money, process: usize, output: Output) -> Result<(), Violation> {
        match output {
            Output::ArmTimer(at) => return self.arm_desk(money, process, at),
            Output::Alert(_) => {
                self.note("operator told: payment");
                return Ok(());
            }
            _ => {}
        }
        money.puts_out(process, &output)?;
        let life = money.processes[process].life;
        let wait_us = money.prng.between(1_000, 50_000);
        if self.fails(money, |plan| plan.repeats) {
            // What is said twice may arrive much later the second time: calls end within this time.
            let (output, late_us) = (Box::new(output.clone()), money.prng.between(1_000, 20 * SECOND_US));
            self.pay_after(money, late_us, PayStep::Output { process, life, output });
        }
        self.pay_after(money, wait_us, PayStep::Output { process, life, output: Box::new(output) });
        Ok(())
    }

    /// A desk that has nothing in hand wakes when something is due, not every ten seconds of the days between.
    fn arm_desk(&mut self, money: &mut Money, process: usize, at: Timestamp) -> Result<(), Violation> {
        let mut at = at;
        if self.is_patient() && money.processes[process].desk.in_hand() == 0 {
            let latest = at.plus_ms(PATIENT_US / 1_000);
            at = money.due_at()?.unwrap_or(latest).min(latest).max(at);
        }
        let here = &mut money.processes[process];
        here.timer += 1;
        let number = here.timer;
        let wait_us = at.0.saturating_sub(self.wall().0) * 1_000 + 1_000;
        self.after(wait_us, Step::Pay(PayStep::Timer { process, number }));
        Ok(())
    }

    /// The answer to what a desk put out comes back.
    fn come_back(&mut self, (money, process, life): (&mut Money, usize, u64), most_us: u64, input: Input) {
        let wait_us = money.prng.between(1_000, most_us);
        self.pay_after(money, wait_us, PayStep::Input { process, life, input: Box::new(input) });
    }

    fn perform_payment(
        &mut self,
        (money, process, life): (&mut Money, usize, u64),
        output: Output,
    ) -> Result<(), Violation> {
        let input = match output {
            Output::ReadDue { most } => {
                let read = block_on(money.payments.due(Lane::of(EVENT), self.wall(), most));
                match read {
                    Ok(Due { payments, next_at }) if !self.fails(money, |plan| plan.lost) => {
                        Input::Due { payments, next_at }
                    }
                    _ => Input::DueFailed,
                }
            }
            Output::Record { batch, changes } => {
                self.table_fails(money);
                let recorded = block_on(money.payments.record(&changes));
                if let Ok(rows) = &recorded {
                    money.recorded(rows)?;
                }
                match recorded {
                    Ok(rows) if !self.fails(money, |plan| plan.lost) => Input::Recorded { batch, rows },
                    _ => Input::RecordFailed { batch },
                }
            }
            Output::Call { payment, operation, key } => {
                let answer = self.call_provider(money, &payment, operation, &key)?;
                let input = Input::Answered { payment: payment.id, operation, answer };
                self.come_back((money, process, life), 2 * SECOND_US, input);
                return Ok(());
            }
            Output::Ask { payment, ask } => {
                return self.ask_log(money, (process, life, payment.id, ask), &payment);
            }
            Output::ArmTimer(_) | Output::Alert(_) => return Ok(()),
        };
        self.come_back((money, process, life), 10_000, input);
        Ok(())
    }

    /// The log is asked, through the network, like by any client.
    fn ask_log(&mut self, money: &mut Money, ask: AskUnderWay, payment: &Payment) -> Result<(), Violation> {
        let (process, life, id, what) = ask;
        let log = self.store.shared_log().filter(|_| !self.store.is_away);
        let command = log.map(|log| block_on(asking::command(&*log, payment, what, &SECRET)));
        let Some(Ok(command)) = command else {
            let unknown = Input::Decided { payment: id, ask: what, answer: AskAnswer::Unknown };
            self.come_back((money, process, life), 10_000, unknown);
            return Ok(());
        };
        let serial = money.asks(ask);
        let till = self.clients.len();
        self.send(till, &tessera_writer::Ask::Command(Box::new(command)), serial);
        Ok(())
    }

    /// What was asked about a payment is answered; `None`: not in time.
    pub(super) fn money_answered(
        &mut self,
        attempt: Attempt,
        reply: Option<&Reply>,
    ) -> Result<(), Violation> {
        let (_, serial) = self.asker(attempt);
        let Some(mut money) = self.money.take() else { return Ok(()) };
        if let Some((process, life, payment, ask)) = money.asks.remove(&serial) {
            let answer = match reply {
                Some(Reply::Accepted { sequence, .. } | Reply::Repeated { sequence, .. }) => {
                    AskAnswer::Accepted(*sequence)
                }
                Some(Reply::Rejected { sequence, rejection, .. }) => {
                    let followed: Sequence = money.processes[process].followed;
                    let known = (&money.payments, &money.cursors);
                    block_on(asking::refused(known, payment, (ask, *sequence), rejection, || Some(followed)))
                }
                _ => AskAnswer::Unknown,
            };
            self.note(asked(ask, answer));
            self.come_back((&mut money, process, life), 10_000, Input::Decided { payment, ask, answer });
        }
        self.money = Some(money);
        Ok(())
    }
}

/// The name of what the log said.
fn asked(ask: Ask, answer: AskAnswer) -> &'static str {
    match (ask, answer) {
        (_, AskAnswer::Unknown) => "log asked: unknown",
        (_, AskAnswer::Refused(_)) => "log asked: refused",
        (Ask::Confirm, _) => "paid at a provider",
        (Ask::PaymentFailed, _) => "payment told as failed",
        (Ask::SellLate, _) => "late money sold",
        (Ask::RefundUnpaid, _) => "unpaid sale taken back",
        (Ask::Dispute { .. }, _) => "dispute told",
    }
}
