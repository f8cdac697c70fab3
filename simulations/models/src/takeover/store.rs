//! The store of the model: versions, conflicts, commits, and attempts that land when nobody waits for them any more.

use std::collections::BTreeMap;

use tessera_inventory::Sequence;
use tessera_writer::{AppendAnswer, Head};

use super::{Call, End, Fence, Rule, Stage, State, Takeover, Version};
use crate::appends::{Append, AppendId, Appends};
use crate::event;
use crate::owners::{Row, owner_of};

/// An attempt that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Flying {
    pub(super) append: AppendId,
    pub(super) read_version: Version,
}

/// What stands in the log before anything happens.
pub(super) fn on_sale(appends: &Appends) -> AppendId {
    let (record, next) = event::on_sale();
    appends.id(Append { expected: Head::GENESIS, next, record })
}

impl State {
    pub(super) fn version(&self) -> Version {
        #[allow(clippy::cast_possible_truncation)] // bounded by the activations and the buyers of the model
        let version = (self.commits.len() - 1) as Version;
        version
    }

    /// Whether a transaction that read at `read_version` meets a write of the head since.
    pub(super) fn conflicts(&self, read_version: Version) -> bool {
        read_version < self.version()
    }

    /// What would conflict now will conflict for ever.
    pub(super) fn forget_hopeless(&mut self) {
        let version = self.version();
        self.flying.retain(|flying| flying.read_version >= version);
        self.flying.sort_unstable();
        self.flying.dedup();
    }
}

impl Takeover {
    pub(super) fn head_at(&self, state: &State, version: Version) -> Head {
        self.appends.get(state.commits[usize::from(version)]).append.next
    }

    /// The log as it is read: what was written last under each key.
    fn log(&self, state: &State) -> BTreeMap<Sequence, AppendId> {
        let rows = state.commits.iter().filter_map(|id| Some((self.appends.get(*id).first()?, *id)));
        rows.collect()
    }

    pub(super) fn rows(&self, state: &State, after: u64) -> Vec<Row> {
        let log = self.log(state);
        let rows = log.range(Sequence(after + 1)..).map(|(first, id)| {
            let known = self.appends.get(*id);
            let Head { epoch, sequence, chain, .. } = known.append.next;
            Row { first: *first, last: sequence, epoch, chain, bytes: known.append.record.clone() }
        });
        rows.collect()
    }

    /// The transaction of an append reads `head`.
    pub(super) fn check(
        &self,
        state: &mut State,
        owner: usize,
        append: AppendId,
        read_version: Version,
    ) -> Option<AppendAnswer> {
        let found = self.head_at(state, read_version);
        let Append { expected, next, .. } = self.appends.get(append).append;
        if found == next {
            // A resubmission of what had landed.
            state.owners[owner].committed_at = Some(read_version);
            self.seen.note("resubmission finds its batch landed");
            return Some(AppendAnswer::Committed);
        }
        if found != expected {
            self.seen.note("append fenced");
            return Some(AppendAnswer::Fenced { found });
        }
        let stage = match self.fence {
            Fence::BareConflictKey => Stage::Compared,
            Fence::RealRead | Fence::StaleVerification => Stage::InFlight { read_version },
        };
        state.owners[owner].call = Call::Append { append, stage };
        None
    }

    /// Its writes become visible, at a new version.
    pub(super) fn commit(&self, state: &mut State, append: AppendId) -> Version {
        let known = self.appends.get(append);
        let Append { expected, next, .. } = known.append;
        let before = self.head_at(state, state.version());
        if before != expected {
            state.broken.note(Rule::OneOnEachHead);
        }
        if state.commits.contains(&append) {
            state.broken.note(Rule::EachBatchOnce);
        }
        let is_claim = known.append.record.is_empty();
        let follows = match is_claim {
            true => next.epoch > before.epoch,
            // Only who has claimed an epoch writes in it.
            false => next.epoch == before.epoch && owner_of(next.batch_id) == owner_of(before.batch_id),
        };
        if !follows {
            state.broken.note(Rule::OneOwnerAnEpoch);
        }
        state.commits.push(append);
        for (_, buyer) in &known.placed {
            let buyer = &state.buyers[usize::from(*buyer)];
            if buyer.waits.is_none() && buyer.is_told_not && !buyer.is_unsure {
                state.broken.note(Rule::NotExecutedIsTrue);
            }
        }
        state.forget_hopeless();
        self.audit(state);
        state.version()
    }

    /// What every buyer was told is compared with the log.
    fn audit(&self, state: &mut State) {
        let log = self.log(state);
        let placed: Vec<_> = log.values().flat_map(|id| self.appends.get(*id).placed.clone()).collect();
        if placed.len() > 1 {
            state.broken.note(Rule::SoldOnce);
        }
        for (number, buyer) in state.buyers.iter().enumerate() {
            let of_buyer = || placed.iter().filter(|(_, of)| usize::from(*of) == number);
            match buyer.end {
                End::Placed(at) if of_buyer().filter(|(sequence, _)| sequence.0 == at).count() != 1 => {
                    state.broken.note(Rule::AcknowledgedStays);
                }
                End::Refused if of_buyer().count() > 0 => state.broken.note(Rule::RefusedIsTrue),
                End::Open | End::Placed(_) | End::Refused => {}
            }
        }
    }

    /// A buyer has been told the end.
    pub(super) fn told(&self, state: &mut State, buyer: usize, end: End) {
        state.buyers[buyer].end = end;
        self.audit(state);
    }
}
