//! Clients in the world: asking, waiting, asking again.

use tessera_writer::{Ask, Reply};

use super::{Step, World};
use crate::buyer::Pending;
use crate::node::Attempt;

/// How long a client waits for an answer, in microseconds; its request says so.
pub(super) const PATIENCE_US: u64 = 3_000_000;

impl World {
    pub(super) fn client(&mut self, client: usize) {
        if self.clients[client].pending.is_none() {
            let Some(ask) = self.clients[client].next_ask(&mut self.prng) else { return };
            let is_buyer = client < self.plan.buyers;
            let reuses = is_buyer && self.prng.chance(self.plan.reused_keys);
            let ask = if reuses { self.clients[client].reuse_key(ask) } else { ask };
            self.clients[client].pending = Some(Pending { ask, attempts: None });
        }
        let Some(Pending { ask, .. }) = self.clients[client].pending.clone() else { return };
        let attempts = if self.prng.chance(80) { 2 } else { 1 };
        for _ in 0..attempts {
            self.send(client, &ask);
        }
    }

    fn send(&mut self, client: usize, ask: &Ask) {
        let attempt = self.oracle.asked(ask, self.now_us);
        self.askers.push(client);
        if let Some(pending) = &mut self.clients[client].pending {
            let (first, _) = pending.attempts.unwrap_or((attempt, attempt));
            pending.attempts = Some((first, attempt));
        }
        let is_stale = self.prng.chance(self.plan.stale_routes);
        let node = if is_stale { self.prng.index(self.nodes.len()) } else { self.route };
        let wait_us = if self.prng.chance(300) { 0 } else { self.prng.between(0, 2_000) };
        self.after(wait_us, Step::Arrive { node, client, attempt });
        self.after(PATIENCE_US, Step::Impatient { client, attempt });
    }

    pub(super) fn impatient(&mut self, client: usize, attempt: Attempt) {
        if self.is_newest(client, attempt) {
            self.client(client);
        }
    }

    /// An answer on its way from a node: it may be lost.
    pub(super) fn answer(&mut self, attempt: Attempt, reply: Reply) {
        let client = self.askers[usize::try_from(attempt).unwrap_or(usize::MAX)];
        if !self.is_calm && self.prng.chance(self.plan.lost_answers) {
            return;
        }
        let wait_us = self.prng.between(0, 2_000);
        self.after(wait_us, Step::Answer { client, attempt, reply });
    }

    pub(super) fn answered(&mut self, client: usize, attempt: Attempt, reply: &Reply) {
        match reply {
            Reply::Accepted { .. } => self.summary.accepted += 1,
            Reply::Repeated { .. } => self.summary.repeated += 1,
            Reply::Rejected { .. } => self.summary.refused += 1,
            Reply::Read { .. } => {}
            Reply::NotExecuted | Reply::GaveUp | Reply::OutcomeUnknown => self.summary.unsure += 1,
        }
        if !self.waits_for(client, attempt) {
            return;
        }
        let wait_us = match reply {
            Reply::Accepted { sequence, .. } | Reply::Repeated { sequence, .. } => {
                self.clients[client].accepted(*sequence);
                self.think_us()
            }
            Reply::Rejected { .. } => {
                self.clients[client].refused();
                self.think_us()
            }
            Reply::Read { .. } => {
                self.clients[client].has_read();
                self.think_us()
            }
            Reply::NotExecuted | Reply::GaveUp | Reply::OutcomeUnknown if self.is_newest(client, attempt) => {
                self.prng.between(1_000, 500_000)
            }
            Reply::NotExecuted | Reply::GaveUp | Reply::OutcomeUnknown => return,
        };
        self.after(wait_us, Step::Client(client));
    }

    fn think_us(&mut self) -> u64 {
        match self.prng.between(0, 9) {
            0..4 => self.prng.between(0, 1_000),
            4..9 => self.prng.between(10_000, 6_000_000),
            _ => self.prng.between(30_000_000, 59_000_000),
        }
    }

    /// Whether this is the newest attempt at what the client waits for.
    fn is_newest(&self, client: usize, attempt: Attempt) -> bool {
        self.attempts(client).is_some_and(|(_, newest)| attempt == newest)
    }

    /// Whether this is an attempt at what the client waits for.
    fn waits_for(&self, client: usize, attempt: Attempt) -> bool {
        self.attempts(client).is_some_and(|(first, newest)| (first..=newest).contains(&attempt))
    }

    fn attempts(&self, client: usize) -> Option<(Attempt, Attempt)> {
        self.clients[client].pending.as_ref().and_then(|pending| pending.attempts)
    }
}
