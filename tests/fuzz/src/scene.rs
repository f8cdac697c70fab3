//! An event as the engine decides it, with its log, every promise of the engine checked on the way.

use tessera_inventory::{
    Command, Decision, Epoch, Event, EventBody, EventId, Inventory, KeyMark, Rejection, Sequence, Timestamp,
};
use tessera_records::{Replay, decode_snapshot, encode_record, encode_snapshot};
use tessera_writer::{Chain, ReplayRecord};

/// The event of every scene.
pub(crate) const EVENT: EventId = EventId(0x0192_f0c1_0000_7000_8000_0000_0000_0001);
/// When every scene begins.
pub(crate) const BEGINNING: Timestamp = Timestamp(1_800_000_000_000);
/// Most things that time does at once.
const DUE_MAX: usize = 1_000;

/// A record of the log.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) first: Sequence,
    pub(crate) last: Sequence,
    pub(crate) epoch: Epoch,
    pub(crate) chain: Chain,
    pub(crate) bytes: Vec<u8>,
}

impl Written {
    pub(crate) fn record(&self) -> ReplayRecord<'_> {
        ReplayRecord {
            first_sequence: self.first,
            last_sequence: self.last,
            epoch: self.epoch,
            chain: self.chain,
            bytes: &self.bytes,
        }
    }
}

/// The engine, a second one that only ever applies, and the log between them.
pub(crate) struct Scene {
    pub(crate) engine: Inventory,
    follower: Replay,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<Written>,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let (engine, follower) = (Inventory::new(EVENT), Replay::from_genesis(EVENT));
        Scene { engine, follower, now: BEGINNING, log: Vec::new() }
    }

    /// Lets time pass, and happen what is due then.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        for _ in 0..DUE_MAX {
            let Some(body) = self.engine.decide_due(self.now) else { break };
            self.happened(&Event { at: self.now, key: None, body });
        }
        self.sound();
    }

    /// Has a command decided, and answers what the engine answers.
    pub(crate) fn ask(&mut self, command: &Command) -> Result<Decision, Rejection> {
        let (before, sequence) = (self.engine.digest(), self.engine.sequence());
        let answer = self.engine.decide(self.now, command);
        assert_eq!(self.engine.digest(), before, "deciding changed the state: {command:?}");
        assert_eq!(self.engine.decide(self.now, command), answer, "two answers to {command:?}");
        match &answer {
            Ok(Decision::Accepted(body)) => {
                let key = command.key.map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint });
                self.happened(&Event { at: self.now, key, body: body.clone() });
                self.is_remembered(command, sequence.plus(1), body);
            }
            Ok(Decision::Repeated(first)) => assert!(*first <= sequence && command.key.is_some()),
            Err(_) => {}
        }
        self.sound();
        answer
    }

    /// The same command again has no second effect.
    fn is_remembered(&mut self, command: &Command, sequence: Sequence, body: &EventBody) {
        if command.key.is_none() {
            return;
        }
        let again = self.engine.decide(self.now, command);
        assert_eq!(again, Ok(Decision::Repeated(sequence)), "{command:?} was accepted before: {body:?}");
    }

    fn happened(&mut self, event: &Event) {
        let first = self.engine.sequence().plus(1);
        let mut bytes = Vec::new();
        encode_record(first, std::slice::from_ref(event), &mut bytes);
        let before = self.log.last().map_or(Chain::default(), |written| written.chain);
        let written = Written { first, last: first, epoch: Epoch(1), chain: before.extend(&bytes), bytes };
        self.engine.apply(event);
        self.follower.apply(&written.record()).expect("what was written is read");
        self.log.push(written);
    }

    fn sound(&self) {
        assert_eq!(self.engine.check(), Ok(()));
        assert_eq!(self.follower.inventory().digest(), self.engine.digest(), "the follower went another way");
    }

    /// Goes on from a snapshot of the state.
    pub(crate) fn restart(&mut self) {
        let image = self.engine.export();
        let bytes = encode_snapshot(&image, self.follower.chain());
        let read = Replay::from_snapshot(decode_snapshot(bytes.into()).expect("a snapshot is read"));
        self.engine = read.expect("a snapshot is sound").into_inventory();
        assert_eq!(self.engine.export(), image, "a snapshot changes on its way");
        self.sound();
    }
}
