//! Clients in the world: asking, waiting, asking again.

use tessera_inventory::{Phase, Rejection};
use tessera_writer::{Ask, Reply};

use super::network::{ANSWER, REQUEST};
use super::{Step, World};
use crate::client::{Client, Pending};
use crate::disturbance::Place;
use crate::node::Attempt;
use crate::oracle::Violation;
use crate::tally;

/// How long a client waits for an answer, in microseconds; its request says so.
pub(super) const PATIENCE_US: u64 = 3_000_000;

impl World {
    pub(super) fn client(&mut self, client: usize) {
        if self.clients[client].pending.is_none() {
            let mut asking = std::mem::replace(&mut self.clients[client], Client::buyer(client, 0, 0));
            let ask = asking.next_ask(self.view());
            self.clients[client] = asking;
            let Some(ask) = ask else { return };
            let is_buyer = client < self.plan.buyers;
            let reuses = is_buyer && self.prng.chance(self.plan.reused_keys);
            if reuses {
                self.note("key reused for another body");
            }
            let ask = if reuses { self.clients[client].reuse_key(ask) } else { ask };
            self.clients[client].wait_for(ask);
        }
        let Some(Pending { ask, serial, .. }) = self.clients[client].pending.clone() else { return };
        let attempts = if self.prng.chance(80) { 2 } else { 1 };
        for _ in 0..attempts {
            self.send(client, &ask, serial);
        }
    }

    /// A request sets out: of a client, or, beyond these, of those who look after payments.
    pub(super) fn send(&mut self, client: usize, ask: &Ask, serial: u64) {
        let attempt = self.oracle.asked(ask, self.now_us);
        self.askers.push((client, serial));
        if let Some(pending) = self.clients.get_mut(client).and_then(|client| client.pending.as_mut()) {
            pending.newest = Some(attempt);
        }
        let node = self.routed();
        let usual_us = if self.prng.chance(300) { 0 } else { self.prng.between(0, 2_000) };
        let arrivals = self.travel((Place::Clients, Place::Node(node)), &REQUEST, usual_us);
        if let Some(wait_us) = arrivals.first {
            self.after(wait_us, Step::Arrive { node, client, attempt });
        }
        if let Some(wait_us) = arrivals.second {
            // Wherever the owner is by then: whoever repeats a message looks for it.
            let attempt = self.oracle.asked_again(attempt);
            self.askers.push((client, serial));
            let node = self.routed();
            self.after(wait_us, Step::Arrive { node, client, attempt });
        }
        self.after(PATIENCE_US, Step::Impatient { client, attempt });
    }

    /// The node that is known as the owner, or any.
    fn routed(&mut self) -> usize {
        if !self.prng.chance(self.plan.stale_routes) {
            return self.route;
        }
        self.note("request to a stale owner");
        self.prng.index(self.nodes.len())
    }

    pub(super) fn impatient(&mut self, client: usize, attempt: Attempt) -> Result<(), Violation> {
        if client == self.clients.len() {
            return self.money_answered(attempt, None);
        }
        if self.is_newest(client, attempt) {
            self.client(client);
        }
        Ok(())
    }

    /// An answer on its way from a node: it may be lost.
    pub(super) fn answer(&mut self, node: usize, attempt: Attempt, reply: &Reply) {
        self.note(tally::answer(reply));
        if let Reply::Rejected { rejection, .. } = reply {
            self.note(tally::refusal(rejection));
            self.oracle.of_offer(attempt, rejection).into_iter().for_each(|name| self.note(name));
        }
        let (client, _) = self.asker(attempt);
        let Some((node, back_us)) = self.way_back(node, attempt) else { return };
        let usual_us = back_us + self.prng.between(0, 2_000);
        let arrivals = self.travel((Place::Node(node), Place::Clients), &ANSWER, usual_us);
        for wait_us in arrivals.first.into_iter().chain(arrivals.second) {
            self.after(wait_us, Step::Answer { client, attempt, reply: reply.clone() });
        }
    }

    pub(super) fn asker(&self, attempt: Attempt) -> (usize, u64) {
        self.askers[usize::try_from(attempt).unwrap_or(usize::MAX)]
    }

    pub(super) fn answered(
        &mut self,
        client: usize,
        attempt: Attempt,
        reply: &Reply,
    ) -> Result<(), Violation> {
        match reply {
            Reply::Accepted { .. } => self.summary.accepted += 1,
            Reply::Repeated { .. } => self.summary.repeated += 1,
            Reply::Rejected { .. } => self.summary.refused += 1,
            Reply::Read { .. } => {}
            Reply::NotExecuted | Reply::GaveUp | Reply::OutcomeUnknown => self.summary.unsure += 1,
        }
        if client == self.clients.len() {
            return self.money_answered(attempt, Some(reply));
        }
        if !self.waits_for(client, attempt) {
            return Ok(());
        }
        let wait_us = match reply {
            Reply::Accepted { sequence, .. } | Reply::Repeated { sequence, .. } => {
                self.clients[client].accepted(*sequence);
                self.think_us()
            }
            Reply::Rejected { rejection, .. } => {
                self.clients[client].refused(rejection);
                let waits =
                    matches!(rejection, Rejection::WrongPhase { phase, .. } if *phase != Phase::OnSale);
                if waits { self.prng.between(200_000, 2_000_000) } else { self.think_us() }
            }
            Reply::Read { .. } => {
                self.clients[client].has_read();
                self.think_us()
            }
            Reply::NotExecuted | Reply::GaveUp | Reply::OutcomeUnknown if self.is_newest(client, attempt) => {
                self.prng.between(1_000, 500_000)
            }
            Reply::NotExecuted | Reply::GaveUp | Reply::OutcomeUnknown => return Ok(()),
        };
        self.after(wait_us, Step::Client(client));
        Ok(())
    }

    fn think_us(&mut self) -> u64 {
        let most = self.plan.think_us_max;
        match self.prng.between(0, 9) {
            0..4 => self.prng.between(0, 1_000),
            4..9 => self.prng.between(10_000, most / 10),
            _ => self.prng.between(most / 2, most),
        }
    }

    /// Whether this is the newest attempt at what the client waits for.
    fn is_newest(&self, client: usize, attempt: Attempt) -> bool {
        self.clients[client].pending.as_ref().is_some_and(|pending| pending.newest == Some(attempt))
    }

    /// Whether this is an attempt at what the client waits for.
    fn waits_for(&self, client: usize, attempt: Attempt) -> bool {
        let (_, serial) = self.asker(attempt);
        self.clients[client].pending.as_ref().is_some_and(|pending| pending.serial == serial)
    }
}
