//! The waitlist: who waits for what, in which order, and which lines are to be looked at again.
//!
//! An entry has a **place**, its priority and then its number, lowest first. Every type has a **line**: a bucket for each
//! quantity and manner, an ordered set of places. Whoever is the oldest that fits is the head of some bucket, so that a
//! returned unit is held against some dozens of heads, however many wait.
//!
//! **Marks** say which lines may have become servable. They are scratch memory, not state: where they are lost, everything
//! is marked.

mod line;
mod policy;
mod words;

use std::collections::{BTreeMap, BTreeSet};

pub use policy::{
    CHOICES_MAX, Choice, EntryNumber, JoinWaitlist, LeftReason, Manner, OFFER_MS_DEFAULT, PATIENCE_MS_MAX,
    PRIORITY_DEFAULT, WAITLIST_ENTRIES_DEFAULT, WAITLIST_ENTRIES_MAX, WAITLIST_PER_SUBJECT_MAX,
    WaitlistJoined, WaitlistOrder, WaitlistPolicy,
};

pub(crate) use line::{Line, NUMBER_BITS, Patience, Place, Wanted};
pub(crate) use policy::{NoLine, line_for};
pub(crate) use words::TypeSet;

use crate::claims::ExtraSubjects;
use crate::digest::{Kind, Mix};
use crate::subjects::{Slot, Subjects};
use crate::{CategoryId, Config, PoolId, TicketTypeId, Timestamp};

/// Somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) subject: Slot,
    pub(crate) extra: ExtraSubjects,
    /// In the order of preference; the first is there.
    pub(crate) choices: [Option<Choice>; CHOICES_MAX],
    pub(crate) price_max_minor: Option<i64>,
    pub(crate) priority: u8,
}

impl Entry {
    pub(crate) fn choices(&self) -> impl Iterator<Item = Choice> + use<> {
        self.choices.into_iter().flatten()
    }

    pub(crate) fn subjects(&self) -> impl Iterator<Item = Slot> {
        std::iter::once(self.subject).chain(self.extra.iter())
    }

    fn mix(&self, number: EntryNumber, subjects: &Subjects) -> u128 {
        let mut mix = Mix::new(Kind::Entry)
            .word(number.0)
            .word(u64::from(self.priority))
            .word(self.price_max_minor.unwrap_or(-1).cast_unsigned());
        for slot in self.subjects() {
            mix = mix.wide(subjects.subject(slot).0);
        }
        self.choices().fold(mix, |mix, choice| mix.word(choice.word())).finish()
    }
}

/// Everybody who waits for one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waitlist {
    entries: BTreeMap<EntryNumber, Entry>,
    by_subject: BTreeSet<(Slot, EntryNumber)>,
    /// By ticket type.
    lines: Vec<Line>,
    /// Entries for which the configuration has no line any more: they are to end.
    lost: BTreeSet<EntryNumber>,
    /// Types that draw on a pool, by pool; that have the seats of a category, by category.
    of_pool: Vec<TypeSet>,
    of_category: Vec<TypeSet>,
    marks: TypeSet,
    sum: u128,
}

impl Waitlist {
    /// Whether nobody waits: then nothing needs a mark.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, number: EntryNumber) -> Option<&Entry> {
        self.entries.get(&number)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (EntryNumber, &Entry)> {
        self.entries.iter().map(|(&number, entry)| (number, entry))
    }

    /// The entries that count against a subject, oldest first.
    pub(crate) fn of_subject(&self, slot: Slot) -> impl Iterator<Item = EntryNumber> {
        let range = (slot, EntryNumber(0))..=(slot, EntryNumber(u64::MAX));
        self.by_subject.range(range).map(|&(_, number)| number)
    }

    /// The line of a type.
    pub(crate) fn line(&self, id: TicketTypeId) -> &Line {
        &self.lines[id.index()]
    }

    pub(crate) fn line_mut(&mut self, id: TicketTypeId) -> &mut Line {
        &mut self.lines[id.index()]
    }

    /// The oldest entry that no line is left for.
    pub(crate) fn first_lost(&self) -> Option<EntryNumber> {
        self.lost.first().copied()
    }

    /// Enters somebody, in the line of every choice that the configuration has one for.
    pub(crate) fn insert(&mut self, number: EntryNumber, entry: Entry, config: &Config, subjects: &Subjects) {
        self.sum = self.sum.wrapping_add(entry.mix(number, subjects));
        self.by_subject.extend(entry.subjects().map(|slot| (slot, number)));
        self.stand(number, &entry, config);
        let before = self.entries.insert(number, entry);
        assert!(before.is_none(), "an entry is entered twice");
    }

    fn stand(&mut self, number: EntryNumber, entry: &Entry, config: &Config) {
        let place = Place::of(entry.priority, number);
        let mut stands = false;
        for choice in entry.choices() {
            if line_for(config, &choice, entry.price_max_minor).is_ok() {
                self.lines[choice.ticket_type.index()].insert(Wanted::of(&choice), place);
                self.marks.insert(choice.ticket_type);
                stands = true;
            }
        }
        if !stands {
            self.lost.insert(number);
        }
    }

    /// Takes somebody out of every line, and marks those: their heads may be others now.
    pub(crate) fn remove(&mut self, number: EntryNumber, subjects: &Subjects) -> Entry {
        let Some(entry) = self.entries.remove(&number) else { panic!("entry {} does not wait", number.0) };
        self.sum = self.sum.wrapping_sub(entry.mix(number, subjects));
        for slot in entry.subjects() {
            self.by_subject.remove(&(slot, number));
        }
        let place = Place::of(entry.priority, number);
        for choice in entry.choices() {
            if self.lines[choice.ticket_type.index()].remove(Wanted::of(&choice), place) {
                self.marks.insert(choice.ticket_type);
            }
        }
        self.lost.remove(&number);
        entry
    }

    /// The oldest entry.
    pub(crate) fn first(&self) -> Option<EntryNumber> {
        self.entries.first_key_value().map(|(&number, _)| number)
    }

    /// Follows a configuration: lines for its types, and who stands in which.
    pub(crate) fn reconfigure(&mut self, config: &Config) {
        let accumulates = config.accumulates();
        let patience = self.lines.iter().map(|line| line.patience.filter(|_| accumulates));
        let lines = patience.chain(std::iter::repeat(None)).take(config.ticket_types.len());
        self.lines = lines.map(Line::with).collect();
        self.of_pool = vec![TypeSet::default(); config.pools.len()];
        self.of_category = vec![TypeSet::default(); config.categories.len()];
        for (id, known) in config.ticket_type_ids().zip(&config.ticket_types) {
            for pool in &known.draws_on {
                self.of_pool.get_mut(pool.index()).into_iter().for_each(|types| types.insert(id));
            }
            if let Some(category) = known.category {
                self.of_category.get_mut(category.index()).into_iter().for_each(|types| types.insert(id));
            }
        }
        self.lost.clear();
        let entries = std::mem::take(&mut self.entries);
        for (&number, entry) in &entries {
            self.stand(number, entry, config);
        }
        self.entries = entries;
        self.wake_all();
    }

    /// Units of a pool may be free that were not.
    #[inline]
    pub(crate) fn wake_pool(&mut self, pool: PoolId) {
        if !self.is_quiet() {
            self.marks.extend(self.of_pool[pool.index()]);
        }
    }

    /// Seats of a category changed.
    pub(crate) fn wake_category(&mut self, category: CategoryId) {
        self.marks.extend(self.of_category[category.index()]);
    }

    pub(crate) fn wake(&mut self, id: TicketTypeId) {
        self.marks.insert(id);
    }

    /// Everything may have changed.
    pub(crate) fn wake_all(&mut self) {
        self.marks = TypeSet::first(self.lines.len());
    }

    /// Types that are to be looked at.
    pub(crate) fn marks(&self) -> TypeSet {
        if self.is_quiet() { TypeSet::default() } else { self.marks }
    }

    /// A type was looked at, and nobody is to be served.
    pub(crate) fn is_served(&mut self, id: TicketTypeId) {
        self.marks.remove(id);
    }

    /// The types that draw on a pool, or on the seats, that this one draws on; itself among them.
    pub(crate) fn near(&self, pools: &[PoolId], category: Option<CategoryId>) -> TypeSet {
        let mut near = category.map_or(TypeSet::default(), |category| self.of_category[category.index()]);
        pools.iter().for_each(|pool| near.extend(self.of_pool[pool.index()]));
        near
    }

    /// When the patience of lines ends that keep units together.
    pub(crate) fn patience_ends(&self, config: &Config) -> Vec<(Timestamp, TicketTypeId)> {
        let Some(policy) = config.waitlist.as_deref() else { return Vec::new() };
        let ends = config.ticket_type_ids().zip(&self.lines).filter_map(|(id, line)| {
            let since = line.patience?.since?;
            Some((since.plus_ms(policy.patience_ms), id))
        });
        ends.collect()
    }

    /// The digest's share of the waitlist.
    pub(crate) fn sum(&self) -> u128 {
        self.sum.wrapping_add(self.patience_sum())
    }

    /// The digest's share of the waitlist, from scratch.
    pub(crate) fn fresh_sum(&self, subjects: &Subjects) -> u128 {
        let entries = self.iter().map(|(number, entry)| entry.mix(number, subjects));
        entries.fold(self.patience_sum(), u128::wrapping_add)
    }

    /// There are few lines.
    fn patience_sum(&self) -> u128 {
        self.patience().fold(0, |sum, (id, patience)| {
            let since = patience.since.map_or(0, |since| since.0);
            let mix = Mix::new(Kind::Patience).word(u64::from(id.0)).word(patience.head.0).word(since);
            sum.wrapping_add(mix.finish())
        })
    }

    /// The lines that keep units together, or did so in vain, by type.
    pub(crate) fn patience(&self) -> impl Iterator<Item = (TicketTypeId, Patience)> {
        let lines = (0_u16..).map(TicketTypeId).zip(&self.lines);
        lines.filter_map(|(id, line)| Some((id, line.patience?)))
    }

    /// Whether lines, and what else follows from the entries, are what follows from them.
    pub(crate) fn is_exact(&self, config: &Config) -> bool {
        let mut fresh = Waitlist { entries: self.entries.clone(), ..Waitlist::default() };
        fresh.reconfigure(config);
        let by_subject: BTreeSet<_> = self
            .iter()
            .flat_map(|(number, entry)| entry.subjects().map(move |slot| (slot, number)).collect::<Vec<_>>())
            .collect();
        let lines = self.lines.iter().zip(&fresh.lines);
        by_subject == self.by_subject
            && fresh.lost == self.lost
            && self.lines.len() == fresh.lines.len()
            && lines.into_iter().all(|(line, fresh)| line.stands_as(fresh))
    }
}
