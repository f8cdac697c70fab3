//! What is looked at now and then: that somebody serves, that time is kept, and whether everything is over.

use tessera_inventory::Timestamp;
use tessera_writer::{ClockState, Monotonic};

use super::paying::SETTLED_US;
use super::{Step, World};
use crate::catalogue::WALL_BASE_MS;
use crate::client::Client;
use crate::node::{Role, WorldWriter};
use crate::oracle::Violation;
use crate::paying::Money;

/// After the faults have ceased, everything must be over within this time, in microseconds (20 minutes).
const LIVENESS_US: u64 = 20 * 60 * 1_000_000;
/// How often, in microseconds.
pub(super) const WATCH_US: u64 = 700_000;
/// A node that was paused so short a time ago may still have to catch up, in microseconds.
const CATCH_UP_US: u64 = 2_000_000;

impl World {
    /// Where clients go somebody serves, or will; and who serves keeps time.
    pub(super) fn watch(&mut self) -> Result<(), Violation> {
        self.after(self.patiently(WATCH_US), Step::Watch);
        (0..self.nodes.len()).try_for_each(|node| self.keeps_time(node))?;
        if self.cluster.is_some() {
            return self.is_owned_in_time();
        }
        if self.is_asleep() {
            return Ok(());
        }
        if matches!(self.nodes[self.route].role, Role::Away) {
            let away: Vec<usize> =
                (0..self.nodes.len()).filter(|node| matches!(self.nodes[*node].role, Role::Away)).collect();
            let node = away[self.prng.index(away.len())];
            return self.start(node);
        }
        if self.plan.rests > 0 && self.prng.chance(self.plan.rests) {
            return self.rest(self.route);
        }
        Ok(())
    }

    /// Time does what is due, wherever a writer believes its clock, owns the event and could do it.
    fn keeps_time(&mut self, node: usize) -> Result<(), Violation> {
        let now = self.nodes[node].monotonic(self.now_us);
        let here = &mut self.nodes[node];
        let Role::Serving(writer) = &here.role else { return Ok(()) };
        if writer.clock_state(now) != ClockState::Trusted {
            return Ok(());
        }
        let logged = writer.logged_now(now);
        here.pace.goes(logged, self.now_us)?;
        let is_paused = self.now_us < here.paused_until_us + CATCH_UP_US;
        if is_paused || !writer.is_idle() || *writer.head() != self.oracle.head() {
            here.pace.works();
            return Ok(());
        }
        let (model, head) = (self.oracle.model(), *writer.head());
        here.pace.serves(model.consequence(logged).as_ref(), head)?;
        here.pace.rests(model.next_due_at(), logged, head)
    }

    /// It is not over, and should be. Money may take days after everything else, and what a dispute then takes from somebody may be offered to
    /// whoever waits.
    pub(super) fn is_too_late(&self) -> bool {
        let since_us = self.plan.faults_end_us;
        if self.money.is_none() {
            return self.now_us > since_us + LIVENESS_US;
        }
        let since_us = since_us.max(self.last_event_us());
        self.now_us > SETTLED_US || self.now_us > since_us + LIVENESS_US && !self.is_patient()
    }

    /// When something happened last, as far as it is not in the future.
    fn last_event_us(&self) -> u64 {
        let at_ms = self.oracle.events().last().map_or(0, |event| event.at.0.saturating_sub(WALL_BASE_MS));
        (at_ms * 1_000).min(self.now_us)
    }

    /// The faults have ceased, every client has its answers, every deadline has been kept, and every follower has seen it.
    pub(super) fn is_over(&self) -> Result<bool, Violation> {
        let through = self.oracle.sequence();
        if !self.all_but_money_is_over() {
            return Ok(false);
        }
        self.money.as_ref().map_or(Ok(true), |money| money.is_quiet(through))
    }

    fn all_but_money_is_over(&self) -> bool {
        self.is_calm
            && self.oracle.live_claims() == 0
            && self.clients.iter().all(Client::is_done)
            && self.followers.have_seen(self.oracle.sequence())
            && self.all_is_proven()
            && (self.rests_for_good()
                || self.nodes.iter().any(|node| match &node.role {
                    Role::Serving(writer) => self.has_nothing_to_do(writer, node.monotonic(self.now_us)),
                    _ => false,
                }))
    }

    /// It is asleep, and nothing is due.
    fn rests_for_good(&self) -> bool {
        let now = Timestamp(WALL_BASE_MS + self.now_us / 1_000);
        self.is_asleep() && self.oracle.model().next_due_at().is_none_or(|due| now < due)
    }

    pub(super) fn all_is_proven(&self) -> bool {
        self.notaries.as_ref().is_none_or(|notaries| notaries.have_proven(self.oracle.sequence()))
    }

    fn has_nothing_to_do(&self, writer: &WorldWriter, now: Monotonic) -> bool {
        let due = self.oracle.model().next_due_at();
        writer.is_idle() && due.is_none_or(|due| writer.logged_now(now) < due)
    }

    pub(super) fn unfinished(&self) -> String {
        let waiting: Vec<_> =
            self.clients.iter().enumerate().filter(|(_, client)| !client.is_done()).map(|(n, _)| n).collect();
        let (claims, due) = (self.oracle.live_claims(), self.oracle.model().next_due_at());
        let follows = self.followers.have_seen(self.oracle.sequence());
        let proven = self.all_is_proven();
        format!(
            "clients {waiting:?} wait, {claims} claims are live, due is {due:?}; followers at the end: {follows}, all is proven: {proven}, {}",
            self.money.as_ref().map(Money::unfinished).unwrap_or_default()
        )
    }
}
