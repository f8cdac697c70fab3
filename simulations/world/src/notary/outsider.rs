//! Somebody outside who keeps every checkpoint that there ever was, and judges what is proven by what was decided and told.

use std::collections::{BTreeMap, BTreeSet};

use futures::executor::block_on;
use tessera_inventory::Sequence;
use tessera_projections::receipts::{Page, Receipts};
use tessera_proof::{Checkpoint, Frontier, Leaf, Outcome, Place, PublicKey};
use tessera_store::{Log, LogRecord, StoreError};
use tessera_writer::{RefusalPlace, Refused};

use super::words::{accepted, without_detail};
use crate::catalogue::EVENT;
use crate::oracle::{Oracle, Violation, broken};
use crate::prng::Prng;

/// Pages read at once.
const PAGES_AT_ONCE: usize = 8;
const GROWS: &str = "the tree of receipts only grows";

/// Epoch and number of a refusal.
type Name = (u64, u64);

#[derive(Default)]
pub(super) struct Outsider {
    /// The edge of the tree of everything that was proven so far.
    edge: Frontier,
    through: Sequence,
    newest: Option<Checkpoint>,
    /// The signed note of every page, from the first.
    notes: Vec<String>,
    /// What receipts of refusals are to say.
    told: BTreeMap<Name, Leaf>,
    proven: BTreeSet<Name>,
    /// What waited in the memory of a process that ended, or had no room there.
    lost: BTreeSet<Name>,
}

fn name(place: RefusalPlace) -> Name {
    (place.epoch.0, place.number)
}

fn unread(error: &StoreError) -> Violation {
    broken("receipts can be read", error.to_string())
}

impl Outsider {
    pub(super) fn told(&mut self, place: RefusalPlace, leaf: impl FnOnce() -> Leaf) {
        self.told.entry(name(place)).or_insert_with(leaf);
    }

    pub(super) fn lost(&mut self, refused: &[Refused]) {
        self.lost.extend(refused.iter().map(|one| name(one.place)));
    }

    pub(super) fn through(&self) -> Sequence {
        self.through
    }

    /// Judge the pages that are new; how many leaves they have comes back, of events and of refusals.
    pub(super) fn look(
        &mut self,
        receipts: &Receipts,
        (oracle, log): (&Oracle, &dyn Log),
        keys: &[PublicKey],
        prng: &mut Prng,
    ) -> Result<(u64, u64), Violation> {
        let (mut events, mut refusals) = (0, 0);
        loop {
            let tree = block_on(receipts.tree(EVENT)).map_err(|error| unread(&error))?;
            let seen = self.notes.len() as u64;
            if tree.pages == seen && (&tree.edge, tree.sequence) == (&self.edge, self.through) {
                return Ok((events, refusals));
            }
            if tree.pages <= seen {
                let detail = format!("page {seen} at {}, then page {} of {tree:?}", self.through, tree.pages);
                return Err(broken(GROWS, detail));
            }
            let pages =
                block_on(receipts.pages(EVENT, seen, PAGES_AT_ONCE)).map_err(|error| unread(&error))?;
            for (_, page) in pages.0 {
                let records = block_on(page.records(log, EVENT)).map_err(|error| unread(&error))?;
                let leaves = page.leaves(EVENT, &records).map_err(|error| unread(&error))?;
                self.page(&page, &leaves, &records, oracle)?;
                if let Some((leaf, _)) = leaves.get(prng.index(leaves.len().max(1))) {
                    is_proven(receipts, leaf, &records, keys)?;
                }
                events += page.through.0 - page.after.0;
                refusals += page.refusals.len() as u64;
            }
        }
    }

    fn page(
        &mut self,
        page: &Page,
        leaves: &[(Leaf, String)],
        records: &[LogRecord],
        oracle: &Oracle,
    ) -> Result<(), Violation> {
        let (from, to) = (page.after, page.through);
        if (&page.before, from) != (&self.edge, self.through) || to < from || leaves.is_empty() {
            return Err(broken(GROWS, format!("{page:?} after {} at {}", self.edge.size(), self.through)));
        }
        let events = oracle.events().iter().zip((1..).map(Sequence));
        let of_page = events.skip(usize::try_from(from.0).unwrap_or(usize::MAX));
        let mut wanted = of_page.take_while(|(_, sequence)| *sequence <= to).map(|(event, sequence)| {
            let command = event.key.as_ref().and_then(|key| oracle.behind(key));
            accepted(command, sequence, event)
        });
        for (leaf, _) in leaves {
            match leaf.id().place {
                Place::Accepted { .. } => says(leaf, wanted.next().as_ref())?,
                Place::Refused { epoch, number } => {
                    says(leaf, self.told.get(&(epoch, number)))?;
                    if !self.proven.insert((epoch, number)) {
                        return Err(broken("a refusal is proven once", format!("{leaf:?}")));
                    }
                }
            }
            self.edge.push(leaf.hash());
        }
        if let Some(missing) = wanted.next() {
            return Err(broken("what a page covers has a receipt", format!("{missing:?}")));
        }
        self.checkpoint(page, records)
    }

    /// The checkpoint is of the tree as it grew, of the log as it is, and not earlier than the one before.
    fn checkpoint(&mut self, page: &Page, records: &[LogRecord]) -> Result<(), Violation> {
        let text = page.checkpoint.split_once("\n\n").map(|(text, _)| format!("{text}\n"));
        let Some(signed) = text.and_then(|text| Checkpoint::parse(&text)) else {
            return Err(broken("a receipt verifies offline", page.checkpoint.clone()));
        };
        let before = self.newest.replace(signed);
        let last = records.iter().find(|record| record.last_sequence == page.through);
        let chain = last.map(|record| record.chain.0).or(before.map(|before| before.chain));
        let is_grown = (signed.size, signed.root) == (self.edge.size(), self.edge.root())
            && signed.sequence == page.through.0
            && chain.unwrap_or_default() == signed.chain
            && before.is_none_or(|before| before.origin == signed.origin && before.epoch <= signed.epoch);
        if !is_grown {
            return Err(broken(
                GROWS,
                format!("{signed:?} after {before:?}, of {} leaves", self.edge.size()),
            ));
        }
        if before.is_some_and(|before| before.at_ms > signed.at_ms) {
            return Err(broken(
                "no checkpoint is earlier than the one before",
                format!("{signed:?} after {before:?}"),
            ));
        }
        self.through = page.through;
        self.notes.push(page.checkpoint.clone());
        Ok(())
    }

    /// The world is over: all is proven that can be, and what was shown once is shown still.
    pub(super) fn finish(&self, receipts: &Receipts, through: Sequence) -> Result<(), Violation> {
        let waits = self.told.keys().find(|name| !self.proven.contains(name) && !self.lost.contains(name));
        if self.through != through || waits.is_some() {
            let detail = format!("the log up to {} of {through}; {waits:?} waits", self.through);
            return Err(broken("everything decided is proven in the end", detail));
        }
        let (pages, newest) =
            block_on(receipts.pages(EVENT, 0, usize::MAX)).map_err(|error| unread(&error))?;
        let oldest = newest + 1 - pages.len() as u64;
        for (expected, (number, page)) in (oldest..).zip(&pages) {
            let note = usize::try_from(number - 1).ok().and_then(|place| self.notes.get(place));
            if *number != expected || note != Some(&page.checkpoint) {
                return Err(broken(GROWS, format!("page {number} was {note:?} and is {page:?}")));
            }
        }
        Ok(())
    }
}

fn says(leaf: &Leaf, wanted: Option<&Leaf>) -> Result<(), Violation> {
    if Some(&without_detail(leaf)) == wanted {
        return Ok(());
    }
    let rule = match leaf.outcome {
        Outcome::Refused { .. } if wanted.is_none() => "only what was told is proven",
        _ => "a receipt says what was decided",
    };
    Err(broken(rule, format!("{leaf:?} instead of {wanted:?}")))
}

/// Its receipt is found by its name, and convinces somebody who has the public keys and nothing else.
fn is_proven(
    receipts: &Receipts,
    leaf: &Leaf,
    records: &[LogRecord],
    keys: &[PublicKey],
) -> Result<(), Violation> {
    let place = leaf.id().place;
    let unproven = |why: String| broken("a receipt verifies offline", format!("{place:?}: {why}"));
    let page = block_on(receipts.page_with(EVENT, place)).map_err(|error| unread(&error))?;
    let page = page.ok_or_else(|| unproven("no page has it".to_owned()))?;
    let receipt = page.prove(EVENT, place, records).map_err(|error| unread(&error))?;
    let receipt = receipt.ok_or_else(|| unproven("its page does not prove it".to_owned()))?;
    match receipt.verify(keys) {
        Ok(_) if receipt.leaf == *leaf => Ok(()),
        Ok(_) => Err(unproven(format!("it proves {:?}", receipt.leaf))),
        Err(forgery) => Err(unproven(format!("{forgery}"))),
    }
}
