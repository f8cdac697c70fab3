//! The oracle: it sees the store and every answer that leaves, and knows nothing of the writers' insides.
//!
//! It tells the durable log to the naive model, which shares no code with the engine, and judges every event and every answer by it.
//! Beside it a second engine replays the log: that replay gives the state of the writers is a rule too.

mod calendar;
mod gates;
mod history;
mod judge;
mod lines;
mod promise;
mod refusals;

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::{Command, Digest, Event, EventBody, Inventory, KeyMark, Rejection, Sequence};
use tessera_naive::{Model, Verdict, same_body};
use tessera_records::for_each;
use tessera_store::LogRecord;
use tessera_writer::{Ask, CLOCK_DISAGREEMENT_MS_MAX, Chain, Head};

use crate::catalogue::EVENT;
use crate::disturbance::ALONE_AHEAD_MS;
use crate::node::{Attempt, WorldWriter};
use crate::tally::Tally;
use calendar::Calendar;
use gates::Gates;
use history::History;
pub(crate) use judge::{Life, Speaker, TurnBegun};
use lines::Lines;
use promise::Promises;
use refusals::Refusals;

/// The engine's own check of everything is made once in so many records.
const CHECKED_EVERY: u64 = 8;

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

/// A batch as it was submitted first, and when it was decided.
#[derive(Debug)]
struct Submitted {
    expected: Head,
    next: Head,
    record: Arc<[u8]>,
    decided: Decided,
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
    history: History,
    /// A second engine without defect, and its digest after each event.
    engine: Inventory,
    digests: Vec<Digest>,
    records: u64,
    /// What stands behind a key and a body.
    commands: BTreeMap<(u128, u64), Arc<Command>>,
    keys: BTreeMap<u128, Effect>,
    chain: Chain,
    heads: Vec<Stood>,
    owners: BTreeMap<u64, Life>,
    /// What stands behind a batch.
    submitted: BTreeMap<u128, Submitted>,
    asked: Vec<Asked>,
    answers: BTreeMap<u128, Sequence>,
    refusals: Refusals,
    promises: Promises,
    calendar: Calendar,
    lines: Lines,
    gates: Gates,
}

impl Oracle {
    pub(crate) fn new() -> Oracle {
        let engine = Inventory::new(EVENT);
        Oracle {
            history: History::default(),
            digests: vec![engine.digest()],
            engine,
            records: 0,
            commands: BTreeMap::new(),
            keys: BTreeMap::new(),
            chain: Chain::default(),
            heads: vec![Stood { head: Head::GENESIS, since_us: 0 }],
            owners: BTreeMap::new(),
            submitted: BTreeMap::new(),
            asked: Vec::new(),
            answers: BTreeMap::new(),
            refusals: Refusals::default(),
            promises: Promises::default(),
            calendar: Calendar::default(),
            lines: Lines::default(),
            gates: Gates::default(),
        }
    }

    /// A client asks; the number of the attempt comes back.
    pub(crate) fn asked(&mut self, ask: &Ask, now_us: u64) -> Attempt {
        if let Ask::Command(command) = ask
            && let Some(key) = command.key
        {
            let behind = || Arc::new((**command).clone());
            self.commands.entry((key.digest, key.fingerprint)).or_insert_with(behind);
        }
        self.asked.push(Asked { ask: ask.clone(), submitted_us: now_us, denied: false });
        self.asked.len() as Attempt - 1
    }

    /// The same message once more, as the network repeats it: an attempt of its own, submitted when the first was.
    pub(crate) fn asked_again(&mut self, attempt: Attempt) -> Attempt {
        let Asked { ask, submitted_us, .. } = self.asked_at(attempt);
        let (ask, submitted_us) = (ask.clone(), *submitted_us);
        self.asked(&ask, submitted_us)
    }

    pub(crate) fn ask(&self, attempt: Attempt) -> &Ask {
        &self.asked_at(attempt).ask
    }

    /// The command behind a key and a body.
    pub(crate) fn behind(&self, key: &KeyMark) -> Option<&Command> {
        self.commands.get(&(key.digest, key.fingerprint)).map(|command| &**command)
    }

    /// A writer submits this batch, again or for the first time, which it decided then.
    pub(crate) fn submitted(
        &mut self,
        by: Life,
        (expected, next, record): (&Head, &Head, &Arc<[u8]>),
        decided: Decided,
    ) -> Result<(), Violation> {
        let owner = self.owners.get(&next.epoch.0);
        if owner != Some(&by) {
            let detail = format!("{by:?} decides in epoch {}, which is {owner:?}'s", next.epoch);
            return Err(broken("only its owner decides in an epoch", detail));
        }
        let batch = Submitted { expected: *expected, next: *next, record: Arc::clone(record), decided };
        let first = self.submitted.entry(next.batch_id.0).or_insert(batch);
        if (&first.expected, &first.next, &first.record) != (expected, next, record) {
            let detail = format!("{next:?} after {expected:?} was {first:?}");
            return Err(broken("what is submitted again is the same", detail));
        }
        Ok(())
    }

    /// An attempt was answered: not executed.
    pub(crate) fn denied(&mut self, attempt: Attempt) {
        if let Some(asked) = usize::try_from(attempt).ok().and_then(|attempt| self.asked.get_mut(attempt)) {
            asked.denied = true;
        }
    }

    /// The head and the records after what is known, once something reached the store.
    pub(crate) fn observe(
        &mut self,
        head: Head,
        records: &[LogRecord],
        now_us: u64,
    ) -> Result<(), Violation> {
        let before = self.head();
        if head.epoch < before.epoch {
            return Err(broken("epochs never decrease", format!("{head:?} follows {before:?}")));
        }
        for record in records {
            self.record(record, &head)?;
        }
        let sequence = self.sequence();
        if head.sequence != sequence || head.chain != self.chain {
            return Err(broken("head and log agree", format!("{head:?} over a log up to {sequence}")));
        }
        self.heads.push(Stood { head, since_us: now_us });
        Ok(())
    }

    fn record(&mut self, record: &LogRecord, head: &Head) -> Result<(), Violation> {
        let expected = self.sequence().plus(1);
        if record.first_sequence != expected {
            let detail = format!("{} where {expected} belongs", record.first_sequence);
            return Err(broken("the log is dense", detail));
        }
        self.chain = self.chain.extend(&record.bytes);
        if self.chain != record.chain {
            return Err(broken("the chain is unbroken", format!("at sequence {expected}")));
        }
        if !self.owners.contains_key(&record.epoch.0) {
            return Err(broken("only an owner writes", format!("epoch {} was never claimed", record.epoch)));
        }
        let Some(Submitted { decided, .. }) = self.submitted.get(&head.batch_id.0) else {
            return Err(broken("only an owner writes", format!("nobody submitted {head:?}")));
        };
        let decided = *decided;
        let mut events = Vec::new();
        for_each(&record.bytes, |_, event| events.push(Arc::new(event)))
            .map_err(|error| broken("every record can be read", error.to_string()))?;
        for event in events {
            self.event(event, decided)?;
        }
        if self.sequence() != record.last_sequence {
            return Err(broken(
                "the log is dense",
                format!("a record says that it ends at {}", record.last_sequence),
            ));
        }
        self.records += 1;
        if self.records.is_multiple_of(CHECKED_EVERY) {
            self.engine.check().map_err(|violation| broken(violation.invariant, violation.detail))?;
        }
        Ok(())
    }

    /// The digest of the state that the log gives up to there.
    pub(crate) fn digest(&self, sequence: Sequence) -> Option<Digest> {
        self.digests.get(usize::try_from(sequence.0).ok()?).copied()
    }

    fn event(&mut self, event: Arc<Event>, decided: Decided) -> Result<(), Violation> {
        let sequence = self.sequence().plus(1);
        if self.model().logged_at > event.at {
            return Err(broken("logged time never goes back", format!("at sequence {sequence}")));
        }
        if let Some(key) = &event.key {
            let effect = Effect { sequence, fingerprint: key.fingerprint, decided_us: decided.at_us };
            if let Some(first) = self.keys.insert(key.digest, effect) {
                let detail = format!("sequences {} and {sequence}: {event:?}", first.sequence);
                return Err(broken("a key has one effect", detail));
            }
            judge::nothing_was_due(self.model(), event.at, decided.trusted, &event.body)?;
            lines::nothing_followed(self.model(), event.at, &event.body)?;
        }
        self.lines.event(sequence, &event, self.history.now())?;
        self.gates.event(sequence, &event)?;
        self.promises.event(sequence, &event, decided)?;
        self.calendar.event(&event, decided)?;
        self.follows_the_rules(&event)?;
        self.engine.apply(&event);
        self.digests.push(self.engine.digest());
        self.history.push(event);
        Ok(())
    }

    /// What is logged is what the naive rules make of the request behind it, or of the time.
    fn follows_the_rules(&self, event: &Event) -> Result<(), Violation> {
        let told: Option<EventBody> = match &event.key {
            // What follows from the state comes before what is due.
            None => self.model().consequence(event.at).or_else(|| self.model().due(event.at)),
            Some(key) => {
                let Some(command) = self.behind(key) else {
                    return Err(broken("behind every decision stands a request", format!("{event:?}")));
                };
                match self.model().decide(event.at, command) {
                    Verdict::Accepted(body) => Some(body),
                    verdict => {
                        let detail =
                            format!("{command:?} was accepted: {event:?}; the rules say {verdict:?}");
                        return Err(broken("what is accepted may be accepted", detail));
                    }
                }
            }
        };
        if told.as_ref().is_some_and(|told| same_body(&event.body, told)) {
            return Ok(());
        }
        let rule =
            if event.key.is_some() { "what happens is what the rules say" } else { "time does what is due" };
        Err(broken(rule, format!("{event:?}; the rules say {told:?}")))
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
        self.published(writer)
    }

    /// A writer publishes what it holds for durable: the replay of the log up to its sequence, and what the naive model counts.
    pub(crate) fn published(&mut self, writer: &WorldWriter) -> Result<(), Violation> {
        let Some(state) = writer.durable_state() else {
            return Err(broken("only durable state is shown", "an append is under way"));
        };
        let sequence = state.sequence();
        let place = usize::try_from(sequence.0).unwrap_or(usize::MAX);
        let (Some(replayed), Some(model)) = (self.digests.get(place), self.history.at(sequence)) else {
            return Err(broken(
                "only durable state is shown",
                format!("sequence {sequence} is not in the log"),
            ));
        };
        let (shown, counted) = (state.availability(), model.availability());
        if shown != counted {
            return Err(broken("what is shown is what there is", format!("{shown:?} is not {counted:?}")));
        }
        if *state.seat_map().states != *model.seat_map() {
            return Err(broken("what is shown is what there is", format!("the seats at {sequence}")));
        }
        if *replayed != state.digest() {
            let detail = format!("{:?} is not {replayed:?} at {sequence}", state.digest());
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
        self.engine.check().map_err(|violation| broken(violation.invariant, violation.detail))
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

    /// The durable state.
    pub(crate) fn model(&self) -> &Model {
        self.history.now()
    }

    pub(crate) fn sequence(&self) -> Sequence {
        Sequence(self.model().sequence())
    }

    pub(crate) fn events(&self) -> &[Arc<Event>] {
        self.history.events()
    }

    /// What a refusal of an attempt says of an offer, if it is about one.
    pub(crate) fn of_offer(&self, attempt: Attempt, rejection: &Rejection) -> Option<&'static str> {
        let Ask::Command(command) = self.ask(attempt) else { return None };
        self.lines.of_offer(command, rejection)
    }

    /// What became of those who waited.
    pub(crate) fn count(&self, tally: &mut Tally) {
        self.lines.count(tally);
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
