//! One event under test: its inventory, its clock and its log.

use tessera_inventory::{
    Command, Decision, Event, EventBody, EventId, Inventory, KeyMark, Rejection, Timestamp,
};

/// The instant at which every case begins.
pub(crate) const START: u64 = 1_000_000;
const EVENT: EventId = EventId(0xe);

pub(crate) struct World {
    pub(crate) inventory: Inventory,
    pub(crate) now: u64,
    pub(crate) log: Vec<Event>,
}

impl World {
    pub(crate) fn new() -> Self {
        World { inventory: Inventory::new(EVENT), now: START, log: Vec::new() }
    }

    /// Decides a command, and applies what it was accepted as.
    pub(crate) fn run(&mut self, command: &Command) -> Result<Decision, Rejection> {
        let digest = self.inventory.digest();
        let decision = self.inventory.decide(Timestamp(self.now), command);
        assert_eq!(self.inventory.digest(), digest, "deciding changed the state");
        if let Ok(Decision::Accepted(body)) = &decision {
            let key = command.key.map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint });
            self.apply(Event { at: Timestamp(self.now), key, body: body.clone() });
        }
        self.inventory.check().unwrap();
        decision
    }

    /// Lets time pass, and what is due happen.
    pub(crate) fn wait(&mut self, ms: u64) -> Vec<EventBody> {
        self.now += ms;
        let mut happened = Vec::new();
        while let Some(body) = self.inventory.decide_due(Timestamp(self.now)) {
            happened.push(body.clone());
            self.apply(Event { at: Timestamp(self.now), key: None, body });
            self.inventory.check().unwrap();
        }
        assert!(self.inventory.next_due_at().is_none_or(|at| at.0 > self.now));
        happened
    }

    /// Lets follow what follows from the state, each with its sequence.
    pub(crate) fn serve(&mut self) -> Vec<(u64, EventBody)> {
        let mut happened = Vec::new();
        while let Some(body) = self.inventory.decide_consequence(Timestamp(self.now)) {
            self.apply(Event { at: Timestamp(self.now), key: None, body: body.clone() });
            self.inventory.check().unwrap();
            happened.push((self.inventory.sequence().0, body));
        }
        happened
    }

    fn apply(&mut self, event: Event) {
        self.inventory.apply(&event);
        self.log.push(event);
    }

    /// The log and the snapshot lead to the same state.
    /// The last event.
    pub(crate) fn last(&self) -> &Event {
        self.log.last().unwrap()
    }

    pub(crate) fn check_replay(&self) {
        let mut replayed = Inventory::new(EVENT);
        for event in &self.log {
            replayed.apply(event);
        }
        assert_eq!(replayed.digest(), self.inventory.digest(), "the log leads to another state");
        let imported = Inventory::import(self.inventory.export()).unwrap();
        imported.check().unwrap();
        assert_eq!(imported.export(), self.inventory.export(), "an image does not survive its import");
        assert_eq!(imported.availability(), self.inventory.availability(), "an import counts otherwise");
        assert_eq!(imported.next_due_at(), self.inventory.next_due_at());
    }
}
