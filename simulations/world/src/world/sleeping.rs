//! An event at rest: an idle owner hands over to nobody, and the event is owned again when something is due, or somebody asks.

use tessera_writer::{CLOCK_BEHIND_MS_MAX, Input};

use super::{Step, World};
use crate::node::Role;
use crate::oracle::{Violation, broken};

/// An event is not put to rest if something is due so soon, in microseconds.
const DUE_US_MIN: u64 = 2_000_000;
/// How much later than what is due it may be woken, in milliseconds: all clocks are read in whole ones.
const ROUNDING_MS: u64 = 10;

impl World {
    /// Whether nobody is to own the event now.
    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.is_some() && self.nodes.iter().all(|node| matches!(node.role, Role::Away))
    }

    /// As the product's shell does with an owner of whom nobody wants anything: it hands over, and says when to wake it.
    pub(super) fn rest(&mut self, node: usize) -> Result<(), Violation> {
        let now = self.nodes[node].monotonic(self.now_us);
        let Role::Serving(writer) = &self.nodes[node].role else { return Ok(()) };
        let wakes_us = writer.wakes_at(now).map(|at| self.nodes[node].world_us(at));
        let may_rest = writer.is_idle()
            && *writer.head() == self.oracle.head()
            && !writer.waits_for_clock(now)
            && !writer.remembers_refusals(now)
            && wakes_us.is_none_or(|wakes_us| wakes_us > self.now_us + DUE_US_MIN)
            && self.followers.have_seen(self.oracle.sequence())
            && self.all_is_proven();
        if !may_rest {
            return Ok(());
        }
        if let Some(due) = self.oracle.model().next_due_at() {
            let left_ms = due.0.saturating_sub(writer.logged_now(now).0) + CLOCK_BEHIND_MS_MAX + ROUNDING_MS;
            if wakes_us.is_none_or(|wakes_us| wakes_us > self.now_us + left_ms * 1_000) {
                let detail = format!("due at {due}, in {left_ms} ms at most; to be woken at {wakes_us:?} us");
                return Err(broken("who rests is woken by what is due", detail));
            }
        }
        if let Some(body) = self.oracle.model().consequence(writer.logged_now(now)) {
            return Err(broken(
                "who waits and fits is served at once",
                format!("at rest; {body:?} is to come"),
            ));
        }
        self.close(node, Input::HandOver)?;
        if !matches!(self.nodes[node].role, Role::Away) {
            return Err(broken("who is idle hands over at once", format!("node {node}")));
        }
        self.note("put to rest");
        self.rests += 1;
        self.asleep = Some(self.rests);
        if let Some(wakes_us) = wakes_us {
            self.after(wakes_us.saturating_sub(self.now_us), Step::Wake { node, rest: self.rests });
        }
        Ok(())
    }

    /// Something is due, unless somebody has come before.
    pub(super) fn wake_for_due(&mut self, node: usize, rest: u64) -> Result<(), Violation> {
        if self.asleep.take_if(|asleep| *asleep == rest).is_none() {
            return Ok(());
        }
        self.note("woken by what is due");
        self.start(node)
    }

    /// Somebody asks.
    pub(super) fn wake_for_request(&mut self, node: usize) -> Result<(), Violation> {
        if !self.is_asleep() {
            return Ok(());
        }
        self.note("woken by a request");
        self.start(node)
    }
}
