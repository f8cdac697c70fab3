//! The oracle: it sees the store and every answer that leaves, and knows nothing of the writers' insides.
//!
//! It replays the durable log into a state of its own and judges every answer by it.

mod calendar;
mod judge;
mod promise;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tessera_inventory::{Event, Inventory, Sequence, Timestamp};
use tessera_records::for_each;
use tessera_store::LogRecord;
use tessera_store::memory::MemoryCore;
use tessera_writer::{Ask, CLOCK_DISAGREEMENT_MS_MAX, Chain, Head};

use crate::catalogue::EVENT;
use crate::disturbance::ALONE_AHEAD_MS;
use crate::node::{Attempt, WorldWriter};
use crate::prng::Prng;
use calendar::Calendar;
pub(crate) use judge::Speaker;
use promise::Promises;

/// States kept for the judgement of refusals.
const STATES_KEPT: u64 = 512;

/// Record ends at which a snapshot may stand.
const SNAPSHOTS_KEPT: usize = 64;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name.
    pub rule: &'static str,
    /// What was seen.
    pub detail: String,
}

pub(crate) fn broken(rule: &'static str, detail: impl Into<String>) -> Violation {
    Violation { rule, detail: detail.into() }
}

/// One attempt of a client.
#[derive(Debug)]
struct Asked {
    ask: Ask,
    submitted_us: u64,
    /// It was answered that it was not, and will not be, executed.
    denied: bool,
}

/// When a batch was decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decided {
    /// In the time of the world, in microseconds.
    pub(crate) at_us: u64,
    /// Whether the writer believed its clock.
    pub(crate) trusted: bool,
    /// Whether it knew nothing right beside its clock.
    pub(crate) was_alone: bool,
}

impl Decided {
    /// How early what time does may be, in microseconds of the world.
    fn early_us_max(self) -> u64 {
        let alone_ms = if self.was_alone { ALONE_AHEAD_MS.unsigned_abs() } else { 0 };
        (CLOCK_DISAGREEMENT_MS_MAX + alone_ms) * 1_000
    }
}

/// The event of a key.
#[derive(Clone, Copy, Debug)]
struct Effect {
    sequence: Sequence,
    fingerprint: u64,
    decided_us: u64,
}

/// A head and when it stood.
#[derive(Debug)]
struct Stood {
    head: Head,
    since_us: u64,
}

#[derive(Debug)]
pub(crate) struct Oracle {
    state: Inventory,
    states: BTreeMap<u64, Inventory>,
    /// The chain at the end of each record.
    chains: BTreeMap<u64, Chain>,
    events: Vec<Arc<Event>>,
    keys: BTreeMap<u128, Effect>,
    chain: Chain,
    heads: Vec<Stood>,
    owners: BTreeMap<u64, (usize, u64)>,
    decided: BTreeMap<u128, Decided>,
    asked: Vec<Asked>,
    answers: BTreeMap<u128, Sequence>,
    refusals: BTreeMap<(u128, u64), String>,
    promises: Promises,
    calendar: Calendar,
}

impl Oracle {
    pub(crate) fn new() -> Oracle {
        let state = Inventory::new(EVENT);
        Oracle {
            states: BTreeMap::from([(0, state.clone())]),
            state,
            events: Vec::new(),
            keys: BTreeMap::new(),
            chain: Chain::default(),
            chains: BTreeMap::new(),
            heads: vec![Stood { head: Head::GENESIS, since_us: 0 }],
            owners: BTreeMap::new(),
            decided: BTreeMap::new(),
            asked: Vec::new(),
            answers: BTreeMap::new(),
            refusals: BTreeMap::new(),
            promises: Promises::default(),
            calendar: Calendar::default(),
        }
    }

    /// A client asks; the number of the attempt comes back.
    pub(crate) fn asked(&mut self, ask: &Ask, now_us: u64) -> Attempt {
        self.asked.push(Asked { ask: ask.clone(), submitted_us: now_us, denied: false });
        self.asked.len() as Attempt - 1
    }

    pub(crate) fn ask(&self, attempt: Attempt) -> &Ask {
        &self.asked_at(attempt).ask
    }

    /// A writer decided this batch.
    pub(crate) fn decided(&mut self, next: &Head, decided: Decided) {
        self.decided.entry(next.batch_id.0).or_insert(decided);
    }

    /// An attempt was answered: not executed.
    pub(crate) fn denied(&mut self, attempt: Attempt) {
        if let Some(asked) = usize::try_from(attempt).ok().and_then(|attempt| self.asked.get_mut(attempt)) {
            asked.denied = true;
        }
    }

    /// Look at the store after something reached it.
    pub(crate) fn observe(&mut self, core: &MemoryCore, now_us: u64) -> Result<(), Violation> {
        let head = core.head_now(EVENT);
        let before = self.head();
        if head == before {
            return Ok(());
        }
        if head.epoch < before.epoch {
            return Err(broken("epochs never decrease", format!("{head:?} follows {before:?}")));
        }
        for record in core.read_now(EVENT, self.state.sequence(), usize::MAX) {
            self.record(&record, &head, now_us)?;
        }
        if head.sequence != self.state.sequence() || head.chain != self.chain {
            let sequence = self.state.sequence();
            return Err(broken("head and log agree", format!("{head:?} over a log up to {sequence}")));
        }
        self.heads.push(Stood { head, since_us: now_us });
        Ok(())
    }

    fn record(&mut self, record: &LogRecord, head: &Head, now_us: u64) -> Result<(), Violation> {
        let expected = self.state.sequence().plus(1);
        if record.first_sequence != expected {
            return Err(broken(
                "the log is dense",
                format!("{} where {expected} belongs", record.first_sequence),
            ));
        }
        self.chain = self.chain.extend(&record.bytes);
        if self.chain != record.chain {
            return Err(broken("the chain is unbroken", format!("at sequence {expected}")));
        }
        if !self.owners.contains_key(&record.epoch.0) {
            return Err(broken("only an owner writes", format!("epoch {} was never claimed", record.epoch)));
        }
        let unknown = Decided { at_us: now_us, trusted: false, was_alone: false };
        let decided = self.decided.get(&head.batch_id.0).copied().unwrap_or(unknown);
        let mut events = Vec::new();
        for_each(&record.bytes, |_, event| events.push(Arc::new(event)))
            .map_err(|error| broken("every record can be read", error.to_string()))?;
        for event in events {
            self.event(event, decided)?;
        }
        self.chains.insert(self.state.sequence().0, self.chain);
        self.state.check().map_err(|violation| broken(violation.invariant, violation.detail))
    }

    /// A snapshot at the end of some record, as the product writes and reads it.
    pub(crate) fn snapshot(&self, prng: &mut Prng) -> Result<Option<(Inventory, Chain)>, Violation> {
        let kept = self.chains.iter().rev().take(SNAPSHOTS_KEPT);
        let candidates: Vec<_> =
            kept.filter_map(|(sequence, chain)| Some((self.states.get(sequence)?, *chain))).collect();
        if candidates.is_empty() {
            return Ok(None);
        }
        let (state, chain) = candidates[prng.index(candidates.len())];
        let state = Inventory::import(state.export())
            .map_err(|error| broken("every snapshot can be opened", error.to_string()))?;
        Ok(Some((state, chain)))
    }

    fn event(&mut self, event: Arc<Event>, decided: Decided) -> Result<(), Violation> {
        let sequence = self.state.sequence().plus(1);
        if self.events.last().is_some_and(|before| before.at > event.at) {
            return Err(broken("logged time never goes back", format!("at sequence {sequence}")));
        }
        if let Some(key) = &event.key {
            let effect = Effect { sequence, fingerprint: key.fingerprint, decided_us: decided.at_us };
            if let Some(first) = self.keys.insert(key.digest, effect) {
                let first = first.sequence;
                let detail = format!("sequences {first} and {sequence}: {event:?}");
                return Err(broken("a key has one effect", detail));
            }
            self.nothing_was_due(&self.state, event.at, decided.trusted, &event.body)?;
        }
        self.promises.event(sequence, &event, decided)?;
        self.calendar.event(&event, decided)?;
        self.state.apply(&event);
        self.events.push(event);
        self.states.insert(sequence.0, self.state.clone());
        if let Some(oldest) = sequence.0.checked_sub(STATES_KEPT) {
            self.states.remove(&oldest);
        }
        Ok(())
    }

    /// Who believes its clock lets what is due happen before it decides a command.
    fn nothing_was_due(
        &self,
        state: &Inventory,
        at: Timestamp,
        trusted: bool,
        decision: &dyn fmt::Debug,
    ) -> Result<(), Violation> {
        match state.next_due_at().filter(|due| trusted && *due <= at) {
            Some(due) => {
                let detail = format!("due at {due}, decided at {at}: {decision:?}");
                Err(broken("what is due comes before the command that observes it", detail))
            }
            None => Ok(()),
        }
    }

    /// A node believes that it owns the event.
    pub(crate) fn activated(
        &mut self,
        node: usize,
        life: u64,
        writer: &WorldWriter,
    ) -> Result<(), Violation> {
        let epoch = writer.head().epoch.0;
        if let Some(owner) = self.owners.insert(epoch, (node, life))
            && owner != (node, life)
        {
            let detail = format!("epoch {epoch} belongs to {owner:?} and to {:?}", (node, life));
            return Err(broken("an epoch has one owner", detail));
        }
        self.replay_equals(writer)
    }

    /// A writer publishes what it holds for durable.
    pub(crate) fn published(&self, writer: &WorldWriter) -> Result<(), Violation> {
        self.replay_equals(writer)
    }

    /// The durable state of a writer is the replay of the log up to its sequence.
    fn replay_equals(&self, writer: &WorldWriter) -> Result<(), Violation> {
        let Some(state) = writer.durable_state() else {
            return Err(broken("only durable state is shown", "an append is under way"));
        };
        let sequence = state.sequence();
        let Some(replayed) = self.states.get(&sequence.0) else {
            return Err(broken(
                "only durable state is shown",
                format!("sequence {sequence} is not in the log"),
            ));
        };
        if replayed.digest() != state.digest() {
            let detail = format!("{:?} is not {:?} at {sequence}", state.digest(), replayed.digest());
            return Err(broken("replay(log) = state", detail));
        }
        Ok(())
    }

    /// Everything is over.
    pub(crate) fn finish(&self) -> Result<(), Violation> {
        for (key, sequence) in &self.answers {
            if self.keys.get(key).map(|effect| effect.sequence) != Some(*sequence) {
                let detail = format!("key {key:x} was answered with sequence {sequence}");
                return Err(broken("every acknowledged command is in the log once", detail));
            }
        }
        self.nobody_was_denied_what_was_done()?;
        self.state.check().map_err(|violation| broken(violation.invariant, violation.detail))
    }

    /// Behind every logged command stands an attempt that came before its decision and was not told "not executed".
    fn nobody_was_denied_what_was_done(&self) -> Result<(), Violation> {
        let mut asked_us: BTreeMap<(u128, u64), u64> = BTreeMap::new();
        for asked in self.asked.iter().filter(|asked| !asked.denied) {
            let Ask::Command(command) = &asked.ask else { continue };
            let Some(key) = command.key else { continue };
            let first = asked_us.entry((key.digest, key.fingerprint)).or_insert(asked.submitted_us);
            *first = asked.submitted_us.min(*first);
        }
        for (key, effect) in &self.keys {
            let asked_us = asked_us.get(&(*key, effect.fingerprint));
            if asked_us.is_none_or(|asked_us| *asked_us > effect.decided_us) {
                let detail = format!("key {key:x}, sequence {}", effect.sequence);
                return Err(broken("what is said not to be executed is not executed", detail));
            }
        }
        Ok(())
    }

    pub(crate) fn head(&self) -> Head {
        self.heads.last().map_or(Head::GENESIS, |stood| stood.head)
    }

    pub(crate) fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// Claims that a deadline will end.
    pub(crate) fn live_claims(&self) -> usize {
        self.promises.len()
    }

    fn asked_at(&self, attempt: Attempt) -> &Asked {
        // Every attempt was numbered by `asked`; the world has far fewer than memory has addresses.
        &self.asked[usize::try_from(attempt).unwrap_or(usize::MAX)]
    }
}
