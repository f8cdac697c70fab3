//! The oracle: it sees the store and every answer that leaves, and knows nothing of the writers' insides.
//!
//! It replays the durable log into a state of its own and judges every answer by it.

mod judge;
mod promise;

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::{Event, Inventory, Sequence};
use tessera_records::for_each;
use tessera_store::LogRecord;
use tessera_store::memory::MemoryCore;
use tessera_writer::{Ask, Chain, Head};

use crate::catalogue::EVENT;
use crate::node::{Attempt, WorldWriter};
use crate::prng::Prng;
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
    keys: BTreeMap<u128, Sequence>,
    chain: Chain,
    heads: Vec<Stood>,
    owners: BTreeMap<u64, (usize, u64)>,
    decided_us: BTreeMap<u128, u64>,
    asked: Vec<Asked>,
    answers: BTreeMap<u128, Sequence>,
    refusals: BTreeMap<(u128, u64), String>,
    promises: Promises,
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
            decided_us: BTreeMap::new(),
            asked: Vec::new(),
            answers: BTreeMap::new(),
            refusals: BTreeMap::new(),
            promises: Promises::default(),
        }
    }

    /// A client asks; the number of the attempt comes back.
    pub(crate) fn asked(&mut self, ask: &Ask, now_us: u64) -> Attempt {
        self.asked.push(Asked { ask: ask.clone(), submitted_us: now_us });
        self.asked.len() as Attempt - 1
    }

    pub(crate) fn ask(&self, attempt: Attempt) -> &Ask {
        &self.asked_at(attempt).ask
    }

    /// A writer decided this batch.
    pub(crate) fn decided(&mut self, next: &Head, now_us: u64) {
        self.decided_us.entry(next.batch_id.0).or_insert(now_us);
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
        let decided_us = self.decided_us.get(&head.batch_id.0).copied().unwrap_or(now_us);
        let mut events = Vec::new();
        for_each(&record.bytes, |_, event| events.push(Arc::new(event)))
            .map_err(|error| broken("every record can be read", error.to_string()))?;
        for event in events {
            self.event(event, decided_us)?;
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

    fn event(&mut self, event: Arc<Event>, decided_us: u64) -> Result<(), Violation> {
        let sequence = self.state.sequence().plus(1);
        if self.events.last().is_some_and(|before| before.at > event.at) {
            return Err(broken("logged time never goes back", format!("at sequence {sequence}")));
        }
        if let Some(key) = &event.key
            && let Some(first) = self.keys.insert(key.digest, sequence)
        {
            return Err(broken(
                "a key has one effect",
                format!("sequences {first} and {sequence}: {event:?}"),
            ));
        }
        self.promises.event(sequence, &event, decided_us)?;
        self.state.apply(&event);
        self.events.push(event);
        self.states.insert(sequence.0, self.state.clone());
        if let Some(oldest) = sequence.0.checked_sub(STATES_KEPT) {
            self.states.remove(&oldest);
        }
        Ok(())
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
            if self.keys.get(key) != Some(sequence) {
                let detail = format!("key {key:x} was answered with sequence {sequence}");
                return Err(broken("every acknowledged command is in the log once", detail));
            }
        }
        self.state.check().map_err(|violation| broken(violation.invariant, violation.detail))
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
