//! A device at a gate: what it knows, and what it decides.

use std::collections::BTreeMap;

use super::{Changes, Exception, Snapshot};
use crate::judge::Passage;
use crate::key::TicketKey;
use crate::printed::Printed;
use crate::verify::{Refused, verify};

/// Which way somebody wants to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// In.
    In,
    /// Out.
    Out,
}

/// Somebody may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// What the ticket says.
    pub printed: Printed,
    /// What the device goes by is older than it should be.
    pub is_stale: bool,
}

/// Why somebody is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turned {
    /// The text is not to be believed.
    NotBelieved(Refused),
    /// The event was cancelled.
    Cancelled,
    /// It admits nobody.
    Voucher,
    /// Another gate or time admits it.
    NotHere {
        /// Gates of its lists.
        gates: Vec<u16>,
    },
    /// Another code replaced this one.
    OldCode,
    /// Its money went back.
    Refunded,
    /// The payment of its order is in dispute.
    InDispute,
    /// It is in.
    In {
        /// Since when, in milliseconds since the Unix epoch.
        since_ms: u64,
        /// Where.
        gate: u16,
    },
    /// It was in, and its list lets nobody in again.
    NoReEntry,
    /// It is not in.
    NotIn,
}

/// What a device knows.
#[derive(Clone, Debug)]
pub struct Door {
    snapshot: Snapshot,
    keys: Vec<TicketKey>,
    heard_at_ms: u64,
    exceptions: BTreeMap<(u64, u8), Exception>,
    /// What passed here since: it may not have been told yet.
    own: BTreeMap<(u64, u8), Passage>,
}

impl Door {
    /// A device that has read a genuine snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Door {
        let key = |known: &super::EntryKey| {
            let mut key = TicketKey::new(&known.public, 0)?;
            key.revoked_at_ms = known.revoked.then_some(0);
            Some(key)
        };
        Door {
            keys: snapshot.settings.keys.iter().filter_map(key).collect(),
            heard_at_ms: snapshot.made_at_ms,
            exceptions: snapshot.exceptions.iter().map(|one| (one.ticket(), *one)).collect(),
            own: BTreeMap::new(),
            snapshot,
        }
    }

    /// The sequence that it has heard of.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.snapshot.sequence
    }

    /// Takes genuine changes. `false`: they are of another event, leave something out, or the settings are others: it needs a snapshot.
    pub fn take(&mut self, changes: &Changes) -> bool {
        let follows = changes.after <= self.snapshot.sequence;
        if changes.event != self.snapshot.event
            || !follows
            || changes.settings != self.snapshot.settings.mark()
        {
            return false;
        }
        // Older ones than it has heard of say nothing new.
        if changes.sequence >= self.snapshot.sequence {
            self.exceptions.extend(changes.exceptions.iter().map(|one| (one.ticket(), *one)));
            self.snapshot.sequence = changes.sequence;
            self.heard_at_ms = self.heard_at_ms.max(changes.made_at_ms);
        }
        true
    }

    /// Whether the ticket of this text may pass, by what the device knows.
    ///
    /// # Errors
    /// [`Turned`] away: staff may let the holder pass all the same, and the scan says so.
    pub fn decide(
        &self,
        text: &str,
        gate: u16,
        direction: Direction,
        now_ms: u64,
    ) -> Result<Admitted, Turned> {
        let printed = verify(text, self.snapshot.event, &self.keys, now_ms).map_err(Turned::NotBelieved)?;
        let settings = &self.snapshot.settings;
        if !settings.open {
            return Err(Turned::Cancelled);
        }
        let known = self.exceptions.get(&(printed.order, printed.index));
        // A higher one than it knows is good: a transfer that it has not heard of.
        if known.is_some_and(|known| printed.generation < known.generation) {
            return Err(Turned::OldCode);
        }
        let last = self.last(&printed);
        match direction {
            Direction::In => self.check_in(&printed, known, last, (gate, now_ms))?,
            Direction::Out if last.is_some_and(|passage| passage.inward) => {}
            Direction::Out => return Err(Turned::NotIn),
        }
        let is_stale = now_ms >= self.heard_at_ms.saturating_add(super::SNAPSHOT_MS);
        Ok(Admitted { printed, is_stale })
    }

    fn check_in(
        &self,
        printed: &Printed,
        known: Option<&Exception>,
        last: Option<Passage>,
        (gate, now_ms): (u16, u64),
    ) -> Result<(), Turned> {
        let settings = &self.snapshot.settings;
        if settings.types.get(usize::from(printed.ticket_type)).is_some_and(|known| !known.admits) {
            return Err(Turned::Voucher);
        }
        if known.is_some_and(|known| known.has(Exception::REFUNDED)) {
            return Err(Turned::Refunded);
        }
        if let Some(Passage { at_ms, gate, inward: true, .. }) = last {
            return Err(Turned::In { since_ms: at_ms, gate });
        }
        let order = self.exceptions.get(&(printed.order, Exception::WHOLE_ORDER));
        if order.is_some_and(|order| order.has(Exception::IN_DISPUTE)) {
            return Err(Turned::InDispute);
        }
        if settings.lists.is_empty() {
            return Ok(());
        }
        let of = printed.ticket_type;
        let of_type = || settings.lists.iter().filter(move |list| list.is_for(of));
        let mut here = of_type().filter(|list| list.is_at(gate) && list.is_open(now_ms)).peekable();
        if here.peek().is_none() {
            let mut gates: Vec<u16> = of_type().flat_map(|list| &list.gates).copied().collect();
            gates.sort_unstable();
            gates.dedup();
            return Err(Turned::NotHere { gates });
        }
        if last.is_some() && !here.any(|list| list.re_entry) {
            return Err(Turned::NoReEntry);
        }
        Ok(())
    }

    /// What the device writes down of a ticket that passed.
    pub fn passed(&mut self, printed: &Printed, passage: Passage) {
        let own = self.own.entry((printed.order, printed.index)).or_insert(passage);
        if own.rank() < passage.rank() {
            *own = passage;
        }
    }

    /// The later one of what it saw and what it heard of.
    fn last(&self, printed: &Printed) -> Option<Passage> {
        let ticket = (printed.order, printed.index);
        let heard = self.exceptions.get(&ticket).filter(|one| one.has(Exception::IN | Exception::OUT));
        let heard = heard.map(|one| Passage {
            at_ms: one.since_ms,
            device: 0,
            number: 0,
            gate: one.gate,
            inward: one.has(Exception::IN),
        });
        let own = self.own.get(&ticket).copied();
        own.into_iter().chain(heard).max_by_key(Passage::rank)
    }
}
