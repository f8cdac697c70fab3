//! The invariants, checked from the outside: what clients were told, against the change feed and the public documents.

use std::collections::HashMap;

use self::matching::{agrees, by_organizer, by_time, item_in_words, told_in_words, wanted_in_words, who};
use crate::feed::Item;
use crate::fold::{Fold, SeatState};
use crate::refusal::{self, Verdict};
use crate::report::number;
use crate::tally::{Accepted, Acknowledgement, Refusal, Tally};
use crate::unacknowledged::{Explanations, Told, Unacknowledged};
use crate::venue::Venue;
use crate::wire::{Availability, SeatMap};

mod matching;

/// Most examples that one broken invariant shows.
const EXAMPLES_MAX: usize = 3;

/// One invariant, and whether it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What must hold, in words.
    pub name: String,
    /// The numbers behind it.
    pub numbers: String,
    /// How often it was broken.
    pub count: u64,
    /// What breaks it, a few cases; empty when it held.
    pub broken: Vec<String>,
}

impl Finding {
    /// Whether it held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.broken.is_empty()
    }
}

/// What an outsider knows when the sale is over.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The venue.
    pub venue: &'a Venue,
    /// The whole change feed.
    pub items: &'a [Item],
    /// What clients were told to be accepted.
    pub acknowledgements: &'a [Acknowledgement],
    /// Refused holds.
    pub refusals: &'a [Refusal],
    /// Commands that nobody was told to be accepted, as far as they were noted: those that were never answered may stand in the feed.
    pub unacknowledged: &'a [Unacknowledged],
    /// Whether the organizer's own commands are among the acknowledgements.
    pub organizer_is_known: bool,
    /// Whether all was quiet when the last documents were read: then they stand at the end of the feed. Otherwise what time does
    /// may follow them.
    pub is_quiet: bool,
    /// Availability documents read during the sale; the last one was read when it was over.
    pub availabilities: &'a [Availability],
    /// The seat map, read when it was over; `None` for an event without seats.
    pub seat_map: Option<&'a SeatMap>,
}

/// What the check found.
#[derive(Debug)]
pub struct Checked {
    /// Every invariant.
    pub findings: Vec<Finding>,
    /// Units sold, by position of the type.
    pub sold_by_type: Vec<u32>,
    /// Holds that ended by themselves.
    pub expired: u64,
    /// Holds that are live at the end of the feed.
    pub live_holds: u32,
    /// Refusals that were right, could not be checked, and were wrong, by reason.
    pub refusals: HashMap<String, [u64; 3]>,
    /// Each refusal's verdict, in the order of the evidence.
    pub verdicts: Vec<Verdict>,
}

/// Check everything.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Checked {
    let owners = owners(evidence.acknowledgements);
    let mut fold = Fold::new(evidence.venue, &owners);
    let mut walk = Walk::new(evidence);
    walk.judge_refusals(&fold, 0);
    walk.compare_documents(&fold);
    walk.compare_seat_map(&fold);
    for item in evidence.items {
        fold.apply(item);
        walk.acknowledged(item);
        walk.judge_refusals(&fold, item.sequence);
        walk.compare_documents(&fold);
        walk.compare_seat_map(&fold);
    }
    walk.finish(&fold)
}

/// Which buyer was told of the hold of a sequence.
#[must_use]
pub fn owners(acknowledgements: &[Acknowledgement]) -> HashMap<u64, u32> {
    let placed = acknowledgements.iter().filter(|ack| matches!(ack.what, Accepted::HoldPlaced { .. }));
    placed.filter_map(|ack| Some((ack.sequence, ack.buyer?))).collect()
}

/// The walk along the feed, with everything else sorted beside it.
struct Walk<'a> {
    evidence: &'a Evidence<'a>,
    told: HashMap<u64, &'a Acknowledgement>,
    explanations: Explanations<'a>,
    /// With their positions in the evidence.
    refusals: Vec<(usize, &'a Refusal)>,
    next_refusal: usize,
    documents: Vec<&'a Availability>,
    next_document: usize,
    /// The last item that somebody's command made.
    last_command: u64,
    /// Items that a client was told of.
    matched: u64,
    acknowledged_wrongly: Vec<String>,
    fold_differs: Vec<String>,
    /// What differs on the seat map; none while the walk has not come to its sequence.
    map_differs: Option<Vec<String>>,
    sums_differ: Vec<String>,
    refused_wrongly: Vec<String>,
    counts: HashMap<String, [u64; 3]>,
    verdicts: Vec<Verdict>,
}

impl<'a> Walk<'a> {
    fn new(evidence: &'a Evidence<'a>) -> Self {
        let mut told = HashMap::new();
        let mut acknowledged_wrongly = Vec::new();
        for acknowledgement in evidence.acknowledgements {
            if let Some(other) = told.insert(acknowledgement.sequence, acknowledgement) {
                let (one, two) = (told_in_words(other), told_in_words(acknowledgement));
                acknowledged_wrongly.push(format!("{one}, but {two}"));
            }
        }
        let mut refusals: Vec<(usize, &Refusal)> = evidence.refusals.iter().enumerate().collect();
        refusals.sort_by_key(|(_, refusal)| refusal.sequence);
        let mut documents: Vec<&Availability> = evidence.availabilities.iter().collect();
        documents.sort_by_key(|document| document.sequence);
        Walk {
            evidence,
            told,
            explanations: Explanations::new(evidence.unacknowledged),
            refusals,
            next_refusal: 0,
            documents,
            next_document: 0,
            last_command: 0,
            matched: 0,
            acknowledged_wrongly,
            fold_differs: Vec::new(),
            map_differs: None,
            sums_differ: Vec::new(),
            refused_wrongly: Vec::new(),
            counts: HashMap::new(),
            verdicts: vec![Verdict::Unchecked; evidence.refusals.len()],
        }
    }

    /// G2: what a client was told of stands in the feed, and what stands there as a client's, a client was told of.
    fn acknowledged(&mut self, item: &Item) {
        let by_time = by_time(&item.change);
        if !by_time {
            self.last_command = item.sequence;
        }
        match self.told.remove(&item.sequence) {
            Some(acknowledgement) if agrees(&acknowledgement.what, &item.change) => self.matched += 1,
            Some(acknowledgement) => {
                let told = told_in_words(acknowledgement);
                self.acknowledged_wrongly.push(format!("{told}, but in the feed {}", item_in_words(item)));
            }
            None if by_time || (!self.evidence.organizer_is_known && by_organizer(&item.change)) => {}
            None => self.unexplained(item),
        }
    }

    /// An item that nobody was told of: one of a command that was never answered, or one that must not be.
    fn unexplained(&mut self, item: &Item) {
        let said = format!("in the feed {}, and nobody was told so", item_in_words(item));
        let said = match self.explanations.take(&item.change) {
            Some(Unacknowledged { told: Told::Nothing, .. }) => return,
            Some(Unacknowledged { told, buyer, wanted }) => {
                let came = match told {
                    Told::No(code) => format!("was told {code}"),
                    Told::Nothing | Told::HalfSent => "sent no more than half of the request".to_owned(),
                };
                format!("{said}; {} asked for {} and {came}", who(*buyer), wanted_in_words(wanted))
            }
            None => said,
        };
        self.acknowledged_wrongly.push(said);
    }

    /// Judge the refusals that were decided on this state.
    fn judge_refusals(&mut self, fold: &Fold<'_>, sequence: u64) {
        while let Some((position, refusal)) = self.refusals.get(self.next_refusal) {
            if refusal.sequence.is_some_and(|decided_on| decided_on > sequence) {
                return;
            }
            self.next_refusal += 1;
            let verdict = match refusal.sequence {
                Some(decided_on) if decided_on == sequence => {
                    refusal::judge(fold, self.evidence.venue, refusal)
                }
                Some(_) => Verdict::Wrong("decided on a sequence that the feed does not have".into()),
                None => Verdict::Unchecked,
            };
            let counts = self.counts.entry(refusal.code.clone()).or_default();
            match &verdict {
                Verdict::Right => counts[0] += 1,
                Verdict::Unchecked => counts[1] += 1,
                Verdict::Wrong(why) => {
                    counts[2] += 1;
                    self.refused_wrongly.push(format!("{} at sequence {sequence}: {why}", refusal.code));
                }
            }
            self.verdicts[*position] = verdict;
        }
    }

    /// Compare the availability documents of this sequence.
    fn compare_documents(&mut self, fold: &Fold<'_>) {
        while let Some(document) = self.documents.get(self.next_document) {
            if document.sequence != fold.sequence {
                return;
            }
            self.next_document += 1;
            let sizes = fold.venue().category_sizes();
            let capacities = fold.venue().pools.iter().map(|pool| pool.capacity).chain(sizes);
            for (counters, capacity) in document.pools.iter().chain(&document.categories).zip(capacities) {
                if counters.total() != u64::from(capacity) {
                    self.sums_differ
                        .push(format!("sequence {}: {counters}, capacity {capacity}", document.sequence));
                }
            }
            let configured =
                document.sequence > 0 && !(document.pools.is_empty() && document.categories.is_empty());
            let same = document.pools == fold.pools
                && document.categories == fold.categories
                && document.live_holds == fold.live_holds
                && document.orders == fold.orders
                && document.phase == fold.phase;
            if configured && !same {
                self.fold_differs.push(difference(document, fold));
            }
        }
    }

    /// Compare the seat map, when the walk stands at its sequence.
    fn compare_seat_map(&mut self, fold: &Fold<'_>) {
        let Some(map) = self.evidence.seat_map.filter(|map| map.sequence == fold.sequence) else { return };
        let mut differs = Vec::new();
        match map.decode() {
            Some(states) => {
                for (seat, (shown, folded)) in states.iter().zip(&fold.seats).enumerate() {
                    if *shown != code(*folded) {
                        let (folded, shown) = (folded.in_words(), state_in_words(*shown));
                        differs.push(format!("seat {seat} is {folded} in the feed and {shown} on the map"));
                    }
                }
                if states.len() != fold.seats.len() {
                    differs.push(format!("{} seats of {} on the map", states.len(), fold.seats.len()));
                }
            }
            None => differs.push("the map cannot be decoded".into()),
        }
        self.map_differs = Some(differs);
    }

    /// The oldest sequence that a document read at the end may name.
    fn end(&self, fold: &Fold<'_>) -> u64 {
        if self.evidence.is_quiet { fold.sequence } else { self.last_command }
    }

    fn finish(mut self, fold: &Fold<'_>) -> Checked {
        let mut missing: Vec<&Acknowledgement> = self.told.values().copied().collect();
        missing.sort_by_key(|acknowledgement| acknowledgement.sequence);
        for missing in missing {
            self.acknowledged_wrongly
                .push(format!("{}, but the feed does not have it", told_in_words(missing)));
        }
        let unseen = self.documents.len() - self.next_document;
        if unseen > 0 {
            let sequence = self.documents[self.next_document].sequence;
            self.fold_differs
                .push(format!("{unseen} documents name sequences, such as {sequence}, that the feed lacks"));
        }
        let last = self.documents.last().map(|document| document.sequence);
        if unseen == 0 && last.is_none_or(|last| last < self.end(fold)) {
            let last = last.map_or("there is no document".to_owned(), |last| {
                format!("the last document is of sequence {last}")
            });
            self.fold_differs.push(format!("{last}, the feed ends at {}", fold.sequence));
        }
        if self.next_refusal < self.refusals.len() {
            let left = self.refusals.len() - self.next_refusal;
            self.refused_wrongly.push(format!("{left} refusals name sequences that the feed does not reach"));
        }
        let findings = self.findings(fold);
        Checked {
            findings,
            sold_by_type: fold.sold_by_type.clone(),
            expired: fold.expired,
            live_holds: fold.live_holds,
            refusals: self.counts,
            verdicts: self.verdicts,
        }
    }

    fn findings(&mut self, fold: &Fold<'_>) -> Vec<Finding> {
        let of = |name: &str| violations(fold, name);
        let documents = self.documents.len();
        let items = self.evidence.items.len();
        let mut sums = std::mem::take(&mut self.sums_differ);
        sums.extend(of("I1"));
        let mut acknowledged = std::mem::take(&mut self.acknowledged_wrongly);
        acknowledged.extend(of("G2"));
        let verdicts = self.counts.values();
        let judged: u64 = verdicts.clone().map(|counts| counts[0] + counts[2]).sum();
        let unchecked: u64 = verdicts.map(|counts| counts[1]).sum();
        vec![
            finding(
                "I1  free + held + sold + killed = capacity",
                format!("{} documents, {} items", number(documents as u64), number(items as u64)),
                sums,
            ),
            finding(
                "I2  a seat is held or sold at most once",
                format!("{} seats", number(fold.seats.len() as u64)),
                of("I2"),
            ),
            finding(
                "I3  no buyer exceeds a limit",
                format!("{} buyers and types", number(fold.usage.len() as u64)),
                of("I3"),
            ),
            finding(
                "I5  holds end at their deadline, never before",
                format!("{} expired", number(fold.expired)),
                of("I5"),
            ),
            finding(
                "feed is dense, from the first item to the last",
                format!("1 to {}", number(fold.sequence)),
                of("feed"),
            ),
            finding(
                "feed folds to every availability document",
                format!(
                    "{documents} compared, the last at {}",
                    number(self.documents.last().map_or(0, |last| last.sequence))
                ),
                std::mem::take(&mut self.fold_differs),
            ),
            self.seat_map(fold),
            finding(
                "G2  what was acknowledged is in the feed once, and nothing else",
                format!("{} acknowledged", number(self.matched)),
                acknowledged,
            ),
            finding(
                "no hold is refused wrongly",
                format!("{} judged, {} cannot be from outside", number(judged), number(unchecked)),
                std::mem::take(&mut self.refused_wrongly),
            ),
        ]
    }

    fn seat_map(&mut self, fold: &Fold<'_>) -> Finding {
        let Some(map) = self.evidence.seat_map else {
            return finding("feed folds to the seat map", "no seats".into(), Vec::new());
        };
        let mut broken = self.map_differs.take().unwrap_or_default();
        if map.sequence < self.end(fold) || map.sequence > fold.sequence {
            broken.push(format!("the map is of {}, the feed ends at {}", map.sequence, fold.sequence));
        }
        finding("feed folds to the seat map", format!("{} seats", number(u64::from(map.seats))), broken)
    }
}

fn finding(name: &str, numbers: String, mut broken: Vec<String>) -> Finding {
    let count = broken.len() as u64;
    let more = broken.len().saturating_sub(EXAMPLES_MAX);
    broken.truncate(EXAMPLES_MAX);
    if more > 0 {
        broken.push(format!("and {more} more"));
    }
    Finding { name: name.to_owned(), numbers, count, broken }
}

fn violations(fold: &Fold<'_>, invariant: &str) -> Vec<String> {
    let found = fold.violations.iter().filter(|violation| violation.invariant == invariant);
    found.map(|violation| format!("sequence {}: {}", violation.sequence, violation.detail)).collect()
}

/// What a sale must also show that its clients saw to its end: no hold lives on, one key has one effect, and every reply is one that
/// the API documents.
#[must_use]
pub fn ended(checked: &Checked, tally: &Tally) -> Vec<Finding> {
    let live = checked.live_holds;
    let left = if live == 0 { Vec::new() } else { vec![format!("{live} holds live on")] };
    vec![
        finding("nothing is left held", format!("{live} live holds"), left),
        repeated(tally),
        surprises(tally),
    ]
}

/// I7: what came of everything that was sent twice under one key.
fn repeated(tally: &Tally) -> Finding {
    let numbers = format!(
        "{} repeated: {} identical, {} refused again, {} overtaken",
        number(tally.identical + tally.refused_twice + tally.diverged),
        number(tally.identical),
        number(tally.refused_twice),
        number(tally.diverged)
    );
    let mut broken = tally.differing.clone();
    if tally.unmarked > 0 {
        broken.push(format!("{} repeated replies do not say that they repeat", number(tally.unmarked)));
    }
    finding("I7  one key has one effect and one reply", numbers, broken)
}

fn surprises(tally: &Tally) -> Finding {
    let numbers = format!(
        "{} replies, {} asked to wait, {} connections broke",
        number(tally.replies()),
        number(tally.postponed),
        number(tally.broken)
    );
    let mut finding =
        finding("every reply is one that the API documents", numbers, tally.surprises.examples.clone());
    if tally.surprises.count > 0 {
        finding.count = tally.surprises.count;
        finding.broken.push(format!("{} in all", tally.surprises.count));
    }
    finding
}

fn difference(document: &Availability, fold: &Fold<'_>) -> String {
    let pairs =
        document.pools.iter().zip(&fold.pools).chain(document.categories.iter().zip(&fold.categories));
    let counters = pairs
        .filter(|(shown, folded)| shown != folded)
        .map(|(shown, folded)| format!("{shown} in the document, {folded} in the feed"));
    let rest = format!(
        "phase {} and {}, live holds {} and {}, orders {} and {}",
        document.phase, fold.phase, document.live_holds, fold.live_holds, document.orders, fold.orders
    );
    let parts: Vec<String> = counters.take(EXAMPLES_MAX).chain([rest]).collect();
    format!("sequence {}: {}", document.sequence, parts.join("; "))
}

/// A state of the seat map, as a word.
fn state_in_words(code: u8) -> &'static str {
    ["free", "held", "sold", "killed"].get(usize::from(code)).copied().unwrap_or("unknown")
}

/// A seat's state as the seat map codes it.
fn code(state: SeatState) -> u8 {
    match state {
        SeatState::Free => 0,
        SeatState::Held(_) => 1,
        SeatState::Sold(_) => 2,
        SeatState::Killed => 3,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
