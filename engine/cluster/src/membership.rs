//! The membership of one node: it renews its lease, lists the others, and evicts who has not renewed for the length of a lease.
//!
//! No two clocks are ever compared: a node counts the age of a beat from when it first saw it, on its own monotonic clock.

use std::collections::BTreeMap;

use tessera_writer::Monotonic;

use crate::limits::{RENEWALS_PER_LEASE, RETRIES_PER_LEASE};
use crate::{Beat, LEASE_MS_MAX, LEASE_MS_MIN, Member, Members, NodeId, NodeRow, Standing};

/// What a node begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembershipOptions {
    /// The length of its lease, in milliseconds; kept within [`LEASE_MS_MIN`] and [`LEASE_MS_MAX`].
    pub lease_ms: u64,
}

/// The answer to [`MembershipOutput::Renew`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The beat is written.
    Written,
    /// The row was there no more, or evicted: nothing was written.
    Evicted,
    /// It may be written or not.
    Unknown,
}

/// The answer to [`MembershipOutput::Evict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evicted {
    /// The row says so now.
    Gone,
    /// Another has done it, or the row is gone.
    GoneBefore,
    /// It has renewed meanwhile: nothing was written.
    Alive,
    /// It may be written or not.
    Unknown,
}

/// A node as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub node: NodeId,
    /// Its row.
    pub row: NodeRow,
    /// Its newest beat.
    pub beat: Beat,
}

/// What happens to a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipInput {
    /// Register under this id, which nobody had before: at the start, and after [`MembershipOutput::Lost`].
    Join(NodeId),
    /// Hand events over and take no more.
    Drain,
    /// Leave for good: what is still owned is for others to adopt.
    Leave,
    /// The answer to [`MembershipOutput::Renew`].
    Renewed(Renewed),
    /// The answer to [`MembershipOutput::List`]; `None`: the store did not answer.
    Listed(Option<Vec<Listed>>),
    /// The answer to [`MembershipOutput::Evict`].
    EvictionDone {
        /// Of whom.
        node: NodeId,
        /// How.
        evicted: Evicted,
    },
    /// The answer to [`MembershipOutput::Leave`]: whether the row says so.
    Left(bool),
    /// The timer of [`MembershipOutput::ArmTimer`], or any time earlier or later.
    Tick,
}

/// What the shell must do for a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipOutput {
    /// Write the beat of this number, and the standing, in a transaction that really reads the row of the node: it must be there and not
    /// evicted; for the first beat it must not be there, and is written.
    Renew {
        /// Whose.
        node: NodeId,
        /// From 1.
        number: u64,
        /// What it does.
        standing: Standing,
    },
    /// Read the rows and beats of all nodes.
    List,
    /// Mark the row of this node evicted, in a transaction that really reads its beat and finds this number.
    Evict {
        /// Whom.
        node: NodeId,
        /// The beat that was seen for too long.
        number: u64,
    },
    /// The registration is gone, and every ownership with it: end them, then join under a new id.
    Lost(NodeId),
    /// Who is there has been looked at again.
    Members(Members),
    /// The lease could not be renewed for its whole length (or can again): others may have taken the events.
    Doubtful(bool),
    /// Mark our own row evicted; answer with [`MembershipInput::Left`].
    Leave(NodeId),
    /// Give [`MembershipInput::Tick`] at this time.
    ArmTimer(Monotonic),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Registration {
    node: NodeId,
    /// The number of the newest beat that was put out. Each has its own, also one whose outcome was unknown: whoever has seen a number must
    /// see another once it was renewed.
    number: u64,
    is_written: bool,
    /// When the newest beat was put out that is known to be written.
    renewed_at: Monotonic,
    is_doubtful: bool,
}

/// A call to the store that is made at a time, unless it is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    At(Monotonic),
    UnderWay { since: Monotonic },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    number: u64,
    since: Monotonic,
    /// How old the beat was then at most, if that is known.
    age_ms_max: Option<u64>,
    is_being_evicted: bool,
}

/// The membership of one node. Like the writer, it neither waits nor reads clocks.
#[derive(Clone, Debug)]
pub struct Membership {
    lease_ms: u64,
    standing: Standing,
    registration: Option<Registration>,
    renewal: Call,
    listing: Call,
    seen: BTreeMap<NodeId, Seen>,
    /// When the nodes were last listed: between then and now nothing was seen of anybody.
    listed_at: Monotonic,
    /// The standing is news to the others, and to this node's own view.
    is_news: bool,
    is_leaving: bool,
}

impl Membership {
    /// Not registered yet.
    #[must_use]
    pub fn new(options: MembershipOptions, now: Monotonic) -> Membership {
        Membership {
            lease_ms: options.lease_ms.clamp(LEASE_MS_MIN, LEASE_MS_MAX),
            standing: Standing::Serving,
            registration: None,
            renewal: Call::At(now),
            listing: Call::At(now),
            seen: BTreeMap::new(),
            listed_at: now,
            is_news: false,
            is_leaving: false,
        }
    }

    /// The id it is registered under.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        self.registration.map(|registration| registration.node)
    }

    /// Handle one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, input: MembershipInput, now: Monotonic, out: &mut Vec<MembershipOutput>) {
        match input {
            MembershipInput::Join(node) => self.join(node, now),
            MembershipInput::Drain => {
                self.standing = Standing::Draining;
                self.hurry(now);
            }
            MembershipInput::Leave => self.leave(now),
            MembershipInput::Left(true) => self.registration = None,
            MembershipInput::Left(false) => self.leave(now.plus_ms(self.lease_ms / RETRIES_PER_LEASE)),
            MembershipInput::Renewed(renewed) => self.renewed(renewed, now, out),
            MembershipInput::Listed(listed) => self.listed(listed, now, out),
            MembershipInput::EvictionDone { node, evicted } => self.eviction_done(node, evicted, now),
            MembershipInput::Tick => {}
        }
        self.go_on(now, out);
    }

    fn join(&mut self, node: NodeId, now: Monotonic) {
        let registration =
            Registration { node, number: 0, is_written: false, renewed_at: now, is_doubtful: false };
        self.registration = Some(registration);
        self.renewal = Call::At(now);
    }

    /// What changed is written, and looked at, without waiting for the next time.
    fn hurry(&mut self, now: Monotonic) {
        self.is_news = true;
        if let Call::At(at) = &mut self.renewal {
            *at = now;
        }
    }

    fn leave(&mut self, at: Monotonic) {
        self.is_leaving = true;
        self.renewal = Call::At(at);
    }

    fn renewed(&mut self, renewed: Renewed, now: Monotonic, out: &mut Vec<MembershipOutput>) {
        let Call::UnderWay { since } = self.renewal else { return };
        let Some(registration) = self.registration.as_mut().filter(|_| !self.is_leaving) else { return };
        match renewed {
            Renewed::Written => {
                registration.renewed_at = since;
                let is_first = !std::mem::replace(&mut registration.is_written, true);
                if (is_first || std::mem::take(&mut self.is_news)) && matches!(self.listing, Call::At(_)) {
                    // So that it knows the others, and itself, at once.
                    self.listing = Call::At(now);
                }
                self.renewal = Call::At(since.plus_ms(self.lease_ms / RENEWALS_PER_LEASE).max(now));
            }
            Renewed::Unknown => self.renewal = Call::At(now.plus_ms(self.lease_ms / RETRIES_PER_LEASE)),
            Renewed::Evicted => {
                let Registration { node, is_doubtful, .. } = *registration;
                self.registration = None;
                if is_doubtful {
                    // The doubt ends with what was doubted.
                    out.push(MembershipOutput::Doubtful(false));
                }
                self.renewal = Call::At(now);
                out.push(MembershipOutput::Lost(node));
            }
        }
    }

    fn listed(&mut self, listed: Option<Vec<Listed>>, now: Monotonic, out: &mut Vec<MembershipOutput>) {
        let Call::UnderWay { since } = self.listing else { return };
        let Some(listed) = listed else {
            self.listing = Call::At(now.plus_ms(self.lease_ms / RETRIES_PER_LEASE));
            return;
        };
        self.listing = Call::At(since.plus_ms(self.lease_ms / RENEWALS_PER_LEASE).max(now));
        let unseen_ms = now.since_ms(std::mem::replace(&mut self.listed_at, now));
        self.seen.retain(|node, _| listed.iter().any(|listed| listed.node == *node));
        let mut nodes = BTreeMap::new();
        for Listed { node, row, beat } in listed {
            let found = Seen { number: beat.number, since: now, age_ms_max: None, is_being_evicted: false };
            let seen = self.seen.entry(node).or_insert(found);
            // Whoever could not look, because it or the store was away, has not seen a beat stand still.
            if seen.number != beat.number || unseen_ms >= row.lease_ms.max(LEASE_MS_MIN) {
                let age_ms_max = (seen.number != beat.number).then_some(unseen_ms);
                *seen = Seen { age_ms_max, is_being_evicted: seen.is_being_evicted, ..found };
            }
            let is_other = self.registration.is_none_or(|mine| mine.node != node);
            let has_expired = now.since_ms(seen.since) >= row.lease_ms.max(LEASE_MS_MIN);
            if is_other && has_expired && row.standing != Standing::Evicted && !seen.is_being_evicted {
                seen.is_being_evicted = true;
                out.push(MembershipOutput::Evict { node, number: beat.number });
            }
            nodes.insert(
                node,
                Member { row, beat, beat_seen_at: seen.since, beat_age_ms_max: seen.age_ms_max },
            );
        }
        // Until it has heard that it is registered it claims nothing: it might be evicted, forgotten, and registered once more unheard.
        let mine = self.registration.filter(|registration| registration.is_written);
        let me = mine.map(|registration| registration.node).filter(|me| nodes.contains_key(me));
        out.push(MembershipOutput::Members(Members { me, nodes }));
    }

    fn eviction_done(&mut self, node: NodeId, evicted: Evicted, now: Monotonic) {
        if let Some(seen) = self.seen.get_mut(&node) {
            seen.is_being_evicted = false;
            if evicted == Evicted::Alive {
                // It renewed: its lease begins anew with the next beat that is seen, and not before.
                (seen.since, seen.age_ms_max) = (now, None);
            }
        }
        if let Call::At(at) = &mut self.listing {
            *at = now;
        }
    }

    /// Make the calls whose time has come, and arm the timer for the next.
    fn go_on(&mut self, now: Monotonic, out: &mut Vec<MembershipOutput>) {
        if let (Call::At(at), Some(registration)) = (self.renewal, &mut self.registration)
            && at <= now
        {
            self.renewal = Call::UnderWay { since: now };
            if self.is_leaving {
                out.push(MembershipOutput::Leave(registration.node));
            } else {
                registration.number += 1;
                let Registration { node, number, .. } = *registration;
                out.push(MembershipOutput::Renew { node, number, standing: self.standing });
            }
        }
        if let Call::At(at) = self.listing
            && at <= now
        {
            self.listing = Call::UnderWay { since: now };
            out.push(MembershipOutput::List);
        }
        self.note_doubt(now, out);
        if let Some(at) = self.next_at(now) {
            out.push(MembershipOutput::ArmTimer(at));
        }
    }

    fn note_doubt(&mut self, now: Monotonic, out: &mut Vec<MembershipOutput>) {
        let lease_ms = self.lease_ms;
        let Some(registration) = &mut self.registration else { return };
        let is_doubtful = now.since_ms(registration.renewed_at) >= lease_ms;
        if std::mem::replace(&mut registration.is_doubtful, is_doubtful) != is_doubtful {
            out.push(MembershipOutput::Doubtful(is_doubtful));
        }
    }

    fn next_at(&self, now: Monotonic) -> Option<Monotonic> {
        let renewal = self.registration.and(at(self.renewal));
        let doubted = self.registration.filter(|registration| !registration.is_doubtful);
        let doubted = doubted.map(|registration| registration.renewed_at.plus_ms(self.lease_ms));
        [renewal, at(self.listing), doubted].into_iter().flatten().min().map(|next| next.max(now))
    }
}

fn at(call: Call) -> Option<Monotonic> {
    match call {
        Call::At(at) => Some(at),
        Call::UnderWay { .. } => None,
    }
}

#[cfg(test)]
mod tests;
