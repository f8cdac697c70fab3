//! The network: between clients and nodes, and between nodes and the store.

use tessera_store::Batch;
use tessera_store::memory::AppendFault;
use tessera_writer::{AppendAnswer, StoreFailure};

use super::{Step, World};
use crate::disturbance::Place;
use crate::follower::FOLLOWERS;
use crate::node::{Call, NodeInput};
use crate::oracle::Violation;
use crate::plan::Orphans;
use crate::store::StoreAnswer;
use crate::tally;

/// A duplicate arrives at most so long after its first, in microseconds.
const DUPLICATE_US_MAX: u64 = 150_000_000;
/// A message that others overtake is at most so late, in microseconds.
const DELAY_US_MAX: u64 = 5_000_000;
/// After so long without an answer the library in front of the store says that the outcome is unknown, in microseconds.
const STORE_PATIENCE_US: u64 = 4_000_000;

/// One kind of message, by what may happen to it.
pub(super) struct Road {
    pub(super) cut: &'static str,
    pub(super) lost: &'static str,
    /// `None`: whoever receives it twice would not notice.
    pub(super) duplicated: Option<&'static str>,
}

pub(super) const REQUEST: Road =
    Road { cut: "request cut off", lost: "request lost", duplicated: Some("request duplicated") };
pub(super) const ANSWER: Road =
    Road { cut: "answer cut off", lost: "answer lost", duplicated: Some("answer duplicated") };
pub(super) const CALL: Road = Road {
    cut: "call to the store cut off",
    lost: "call to the store lost",
    duplicated: Some("call to the store duplicated"),
};
pub(super) const STORE_ANSWER: Road =
    Road { cut: "answer of the store cut off", lost: "answer of the store lost", duplicated: None };

/// When a message arrives, and when once more, in microseconds from now.
pub(super) struct Arrivals {
    pub(super) first: Option<u64>,
    pub(super) second: Option<u64>,
}

impl World {
    /// A message sets out that usually takes `usual_us`.
    pub(super) fn travel(&mut self, (from, to): (Place, Place), road: &Road, usual_us: u64) -> Arrivals {
        let lost = Arrivals { first: None, second: None };
        if self.is_calm {
            return Arrivals { first: Some(usual_us), second: None };
        }
        if self.cuts.get(&(from, to)).is_some_and(|until_us| self.now_us < *until_us) {
            self.note(road.cut);
            return lost;
        }
        let network = self.plan.network;
        if self.prng.chance(network.lost) {
            self.note(road.lost);
            return lost;
        }
        let mut first = usual_us;
        if self.prng.chance(network.delayed) {
            self.note("message delayed");
            first += self.prng.between(1_000, DELAY_US_MAX);
        }
        let mut second = None;
        if let Some(name) = road.duplicated.filter(|_| self.prng.chance(network.duplicated)) {
            self.note(name);
            let most = [5_000, DUPLICATE_US_MAX][self.prng.index(2)];
            second = Some(first + self.prng.between(0, most));
        }
        Arrivals { first: Some(first), second }
    }

    pub(super) fn call_store(&mut self, node: usize, call: Call) {
        let life = self.nodes[node].life;
        let usual_us = self.store_delay_us();
        let Arrivals { first, second } = self.travel((Place::Node(node), Place::Store), &CALL, usual_us);
        if let (Some(wait_us), Call::Append { expected, next, record }) = (second, &call) {
            let batch = Batch { next: *next, record: record.clone() };
            self.after(wait_us, Step::Ghost { expected: *expected, batch });
        }
        let until_us = self.now_us + STORE_PATIENCE_US;
        if first.is_none_or(|wait_us| wait_us > STORE_PATIENCE_US) {
            self.unanswered(node, life, &call, until_us);
        }
        if let Some(wait_us) = first {
            self.after(wait_us, Step::Call { node, life, call, until_us });
        }
    }

    /// A call reaches the store. An answer that would come later than at `until_us` is not waited for.
    pub(super) fn call(
        &mut self,
        node: usize,
        life: u64,
        call: Call,
        until_us: u64,
    ) -> Result<(), Violation> {
        if self.nodes[node].life != life && self.is_lost(&call) {
            return Ok(());
        }
        let fault = self.fault_of(&call);
        if fault == AppendFault::UnknownAppliedLater && !self.store.is_away {
            let wait_us = self.prng.between(0, 400_000);
            self.after(wait_us, Step::Land);
        }
        let kept = call.clone();
        let answer = self.store.answer(call, fault);
        if self.store.has_failed() || self.now_us > until_us {
            // Nobody is there any more to be answered, or waits for it.
            return Ok(());
        }
        let usual_us = self.store_delay_us();
        match self.travel((Place::Store, Place::Node(node)), &STORE_ANSWER, usual_us).first {
            Some(wait_us) if self.now_us + wait_us <= until_us => {
                self.after(wait_us, Step::Input { node, life, input: NodeInput::Store(answer) });
            }
            Some(_) => {
                self.note("answer of the store late");
                self.unanswered(node, life, &kept, until_us);
            }
            None => self.unanswered(node, life, &kept, until_us),
        }
        Ok(())
    }

    /// The library in front of the store gives up waiting then.
    fn unanswered(&mut self, node: usize, life: u64, call: &Call, until_us: u64) {
        let late = || StoreFailure::Unavailable { reason: "no answer".to_owned() };
        let answer = match call {
            Call::Append { .. } => StoreAnswer::Append(AppendAnswer::Unknown),
            Call::Head => StoreAnswer::Head(Err(late())),
            Call::Log { .. } => StoreAnswer::Log(Err(late())),
        };
        let wait_us = until_us.saturating_sub(self.now_us);
        self.after(wait_us, Step::Input { node, life, input: NodeInput::Store(answer) });
    }

    /// Every process ends, nodes and followers, and the store with them; it is opened again, and so are they.
    pub(super) fn machine_restarts(&mut self) -> Result<(), Violation> {
        (0..self.nodes.len()).for_each(|node| self.crash(node));
        (0..FOLLOWERS).for_each(|follower| self.followers.forget(follower));
        self.signer_restarts()?;
        self.store.reopen()
    }

    /// Whether a call without its node is lost, or late.
    fn is_lost(&mut self, call: &Call) -> bool {
        let Call::Append { expected, next, record } = call else { return true };
        let orphans = match self.plan.orphans {
            Orphans::Any => [Orphans::Land, Orphans::Lost, Orphans::Late][self.prng.index(3)],
            orphans => orphans,
        };
        self.note(match orphans {
            Orphans::Lost => "orphaned append lost",
            Orphans::Late => "orphaned append late",
            Orphans::Land | Orphans::Any => "orphaned append landed",
        });
        if orphans == Orphans::Late {
            let batch = Batch { next: *next, record: record.clone() };
            let wait_us = self.prng.between(1_000, 10_000_000);
            self.after(wait_us, Step::Ghost { expected: *expected, batch });
        }
        orphans != Orphans::Land
    }

    fn fault_of(&mut self, call: &Call) -> AppendFault {
        let is_spared = self.is_calm || !self.store.is_service();
        if is_spared || !matches!(call, Call::Append { .. }) || !self.prng.chance(self.plan.append_faults) {
            return AppendFault::None;
        }
        let fault = self.plan.append_fault_kinds[self.prng.index(self.plan.append_fault_kinds.len())];
        tally::append_fault(fault).into_iter().for_each(|name| self.note(name));
        fault
    }

    pub(super) fn store_delay_us(&mut self) -> u64 {
        let is_slow = self.now_us < self.slow_until_us;
        if is_slow {
            self.note("disk: slow syncs");
        }
        let slow_us = if is_slow { self.prng.between(1_000_000, 3_000_000) } else { 0 };
        slow_us + self.prng.between(50, self.plan.store_delay_us_max)
    }
}
