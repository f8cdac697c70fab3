//! Which frames of each event continue its chain from the beginning, and how far it is known to have gone.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::{EventId, Sequence};
use tessera_writer::{Chain, Head};

use super::segment::Hole;
use super::{Cut, Salvaged, Standing};
use crate::frame::{Claim, Frame, Position};
use crate::index::Indexed;

/// What was found of one event.
struct Found {
    /// The head after the frames that are kept.
    kept: Head,
    records: u64,
    /// The head after the last frame that is known to have stood here, intact or not.
    claimed: Head,
    /// Something of it is missing, or it is cut here: nothing later is kept.
    ended: bool,
    /// Sequence up to which it was appended to, at least.
    appended_through: Sequence,
    last_seen: Position,
}

const NOWHERE: Position = Position { segment: 0, offset: 0 };

impl Default for Found {
    fn default() -> Found {
        Found {
            kept: Head::GENESIS,
            records: 0,
            claimed: Head::GENESIS,
            ended: false,
            appended_through: Sequence::ZERO,
            last_seen: NOWHERE,
        }
    }
}

/// The events of a damaged journal, while it is read from its beginning.
#[derive(Default)]
pub(super) struct Events {
    found: BTreeMap<EventId, Found>,
    cut: Option<Cut>,
    /// Holes of which nobody knows whose frames stood there.
    unclaimed: Vec<Position>,
    /// The frames that are kept, in the order of the journal.
    pub(super) kept: Vec<Indexed>,
}

impl Events {
    pub(super) fn new(cut: Option<Cut>) -> Events {
        Events { cut, ..Events::default() }
    }

    /// An intact frame stands here.
    pub(super) fn frame(&mut self, frame: &Frame<'_>) {
        let cut = self.cut.is_some_and(|cut| frame.event == cut.event && frame.next.sequence > cut.through);
        let found = self.found.entry(frame.event).or_default();
        found.last_seen = frame.position;
        found.claimed = frame.next;
        found.appended_through = found.appended_through.max(frame.next.sequence);
        if found.ended || cut || frame.expected != found.kept || !continues_chain(frame) {
            found.ended = true;
            return;
        }
        found.kept = frame.next;
        found.records += u64::from(!frame.payload.is_empty());
        self.kept.push(Indexed::of(frame));
    }

    /// Frames stood here. Their headers say whose, and are believed where every one of them continues what is known of its
    /// event: a damaged header does not do so by chance. Otherwise they may have been anybody's.
    pub(super) fn hole(&mut self, hole: &Hole<'_>) {
        let claims = hole.claims().filter(|claims| self.believed(claims));
        match claims {
            Some(claims) => claims.iter().for_each(|claim| self.lost(claim)),
            None => self.unclaimed(hole.position),
        }
    }

    /// Something is missing after this position, and nobody knows of which event.
    pub(super) fn unclaimed(&mut self, position: Position) {
        self.unclaimed.push(position);
    }

    fn believed(&self, claims: &[Claim]) -> bool {
        let mut heads: BTreeMap<EventId, Head> = BTreeMap::new();
        claims.iter().all(|claim| {
            let known = heads.get(&claim.event).or(self.found.get(&claim.event).map(|found| &found.claimed));
            let continues = known == Some(&claim.expected);
            heads.insert(claim.event, claim.next);
            continues
        })
    }

    fn lost(&mut self, claim: &Claim) {
        let found = self.found.entry(claim.event).or_default();
        found.ended = true;
        found.claimed = claim.next;
        // What it says about its own end cannot be checked.
        let at_least = claim.expected.sequence.plus(u64::from(claim.payload_bytes > 0));
        found.appended_through = found.appended_through.max(at_least);
    }

    /// The index of full segments knows this head: it was acknowledged.
    pub(super) fn indexed_head(&mut self, event: EventId, head: Head) {
        let found = self.found.entry(event).or_default();
        found.appended_through = found.appended_through.max(head.sequence);
        found.ended |= found.kept.sequence < head.sequence;
    }

    /// What became of each event, given which full segments the index covers.
    pub(super) fn salvaged(&self, indexed_segments: &BTreeSet<u64>) -> Vec<Salvaged> {
        let may_miss = |found: &Found| {
            let concerns =
                |hole: &&Position| **hole > found.last_seen && !indexed_segments.contains(&hole.segment);
            self.unclaimed.iter().find(concerns).is_some()
        };
        let salvaged = |(event, found): (&EventId, &Found)| Salvaged {
            event: *event,
            kept: found.kept,
            records: found.records,
            appended_through: found.appended_through,
            standing: match found {
                found if found.ended => Standing::Cut,
                found if may_miss(found) => Standing::InDoubt,
                _ => Standing::Sound,
            },
        };
        self.found.iter().map(salvaged).collect()
    }
}

fn continues_chain(frame: &Frame<'_>) -> bool {
    let chain = |chain: Chain| if frame.payload.is_empty() { chain } else { chain.extend(frame.payload) };
    frame.next.chain == chain(frame.expected.chain)
}
