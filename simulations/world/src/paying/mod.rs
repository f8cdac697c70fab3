//! Payments in the world: processes that look after them with the product's follower, desk, rows and ledger; the providers that they call; and
//! what must be true of both.

mod judge;
mod process;
mod provider;
mod puts_out;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;

use futures::executor::block_on;
use tessera_inventory::{Sequence, Timestamp};
use tessera_money::Lane;
use tessera_money::ledger::Ledger;
use tessera_money::payments::{Judge, Payments};
use tessera_payments::{Abilities, Ask, DeskOptions, Payment, PaymentId, ProviderId, Status};
use tessera_projections::catalogue::{Catalogue, CatalogueEvent, CatalogueRequest};
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_store::memory::MemoryStore;
use tessera_store::{StoreError, Table};

use crate::catalogue::{EVENT, WALL_BASE_MS};
use crate::mutant::Mutant;
use crate::oracle::{Violation, broken};
use crate::plan::{Paying, Till};
use crate::prng::Prng;
pub(crate) use judge::sales;
pub(crate) use process::Process;
pub(crate) use provider::{Happening, Paid, Provider};

/// Whose the event is.
const ORGANIZER: u128 = 77;
/// The installation's secret.
pub(crate) const SECRET: [u8; 32] = [7; 32];
/// What sets the calls of this installation apart.
const INSTALLATION: u128 = 7;
/// Calls a second that each provider takes.
const CALLS_PER_SECOND: u32 = 50;

/// An ask that is under way: of which process in which life, and about what.
pub(crate) type AskUnderWay = (usize, u64, PaymentId, Ask);

/// All that has to do with money.
pub(crate) struct Money {
    /// Its own, so that what goes wrong here does not decide what goes wrong elsewhere.
    pub(crate) prng: Prng,
    pub(crate) plan: Paying,
    pub(crate) processes: Vec<Process>,
    pub(crate) providers: [Provider; 2],
    pub(crate) payments: Payments,
    pub(crate) cursors: FollowerCursors,
    ledger: Ledger,
    /// Everything that can be done with a provider is judged by these.
    options: DeskOptions,
    pub(crate) asks: BTreeMap<u64, AskUnderWay>,
    asked: u64,
    /// Steps of processes and what desks put out.
    steps: u64,
    /// Steps that are on their way, but looks at the log, timers, and what lapses in the end.
    pub(crate) under_way: usize,
    /// What was captured: its fee becomes known, and it may be disputed.
    pub(crate) aged: BTreeSet<Box<str>>,
    /// What a process, in which life, calls off at the moment.
    calling_off: BTreeSet<(usize, u64, PaymentId)>,
    /// How each payment stood by its row.
    known: BTreeMap<PaymentId, Status>,
}

pub(crate) fn provider_id(till: usize) -> ProviderId {
    let number = u16::try_from(till).ok().and_then(|till| NonZeroU16::new(till + 1));
    ProviderId(number.unwrap_or(NonZeroU16::MIN))
}

/// The position of a provider; of one that is not there, none.
pub(crate) fn till_of(provider: ProviderId) -> Option<usize> {
    (0..2).find(|till| provider_id(*till) == provider)
}

fn abilities(till: Till, mutant: Option<Mutant>) -> Abilities {
    let Till { voids, key_life_ms, .. } = till;
    let sound = Abilities { voids, key_life_ms, calls_per_second: CALLS_PER_SECOND, ..Abilities::new() };
    match mutant {
        Some(Mutant::Payment(mutant)) => sound.mutated(mutant),
        _ => sound,
    }
}

pub(crate) fn unread(error: &StoreError) -> Violation {
    broken("what is written of payments can be read", error.to_string())
}

impl Money {
    pub(crate) fn new(
        seed: u64,
        plan: Paying,
        table: MemoryStore,
        mutant: Option<Mutant>,
    ) -> Result<Money, Violation> {
        let table: Arc<dyn Table> = Arc::new(table);
        let tills = plan.tills.into_iter().enumerate();
        let providers = tills.map(|(at, till)| (provider_id(at), abilities(till, mutant))).collect();
        let options = DeskOptions { installation: INSTALLATION, providers };
        let catalogue = Catalogue::new(Arc::clone(&table));
        put_into(&catalogue)?;
        let payments = payments(Arc::clone(&table), &options, mutant);
        let process = |_| Process::new(Arc::clone(&table), &options, mutant);
        Ok(Money {
            prng: Prng::new(seed ^ 0xca54_u64.rotate_left(40)),
            plan,
            processes: (0..plan.processes).map(process).collect(),
            providers: [Provider::new(plan.tills[0], 'a'), Provider::new(plan.tills[1], 'b')],
            payments,
            cursors: FollowerCursors::new(Arc::clone(&table)),
            ledger: Ledger::new(table),
            options,
            asks: BTreeMap::new(),
            asked: 0,
            steps: 0,
            under_way: 0,
            aged: BTreeSet::new(),
            calling_off: BTreeSet::new(),
            known: BTreeMap::new(),
        })
    }

    /// The number of another ask.
    pub(crate) fn asks(&mut self, ask: AskUnderWay) -> u64 {
        self.asked += 1;
        self.asks.insert(self.asked, ask);
        self.asked
    }

    /// One more step; whether everything in memory is dropped at it.
    pub(crate) fn is_crash(&mut self) -> bool {
        self.steps += 1;
        self.plan.crash == Some(self.steps)
    }

    /// How many steps there were.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Everything in the memory of a process is gone.
    pub(crate) fn forget(&mut self, process: usize, now: Timestamp) {
        self.processes[process].forget(&self.options, now);
    }

    pub(crate) fn load(&self, id: PaymentId) -> Result<Option<Payment>, Violation> {
        block_on(self.payments.load(id)).map_err(|error| unread(&error))
    }

    /// When the first payment is due.
    pub(crate) fn due_at(&self) -> Result<Option<Timestamp>, Violation> {
        let backlog = block_on(self.payments.backlog(Lane::of(EVENT), 1));
        Ok(backlog.map_err(|error| unread(&error))?.due_at)
    }

    /// What is not quiet, for who wants to know.
    pub(crate) fn unfinished(&self) -> String {
        let in_hand: Vec<_> = self.processes.iter().map(|process| process.desk.in_hand()).collect();
        let unsettled = block_on(self.payments.unsettled(Lane::of(EVENT), 3));
        format!("{} steps of payments on their way, in hand {in_hand:?}, due {unsettled:?}", self.under_way)
    }

    /// Nothing is under way, nothing is due, and the log is followed to its end.
    pub(crate) fn is_quiet(&self, through: Sequence) -> Result<bool, Violation> {
        let is_idle = |process: &Process| process.desk.in_hand() == 0 && !process.is_following();
        let is_followed = self.processes.iter().any(|process| process.followed >= through);
        if self.under_way > 0 || !self.asks.is_empty() || !is_followed || !self.processes.iter().all(is_idle)
        {
            return Ok(false);
        }
        Ok(self.due_at()?.is_none())
    }
}

fn payments(table: Arc<dyn Table>, options: &DeskOptions, mutant: Option<Mutant>) -> Payments {
    let judge = Judge { providers: options.providers.clone() };
    match mutant {
        Some(Mutant::Money(mutant)) => Payments::mutated(table, judge, mutant),
        _ => Payments::new(table, judge),
    }
}

/// The event is in the catalogue, so that whose it is can be told.
fn put_into(catalogue: &Catalogue) -> Result<(), Violation> {
    let event = CatalogueEvent {
        event: EVENT,
        organizer: ORGANIZER,
        name: "world".to_owned(),
        starts_at: Timestamp(WALL_BASE_MS),
        ends_at: None,
        zone: "UTC".to_owned(),
        place: String::new(),
        created_at: Timestamp(WALL_BASE_MS),
        changed_at: Timestamp(WALL_BASE_MS),
        changes: 0,
    };
    let request = CatalogueRequest { digest: 1, fingerprint: 1 };
    block_on(catalogue.create(&event, request)).map_err(|error| unread(&error))?;
    Ok(())
}
