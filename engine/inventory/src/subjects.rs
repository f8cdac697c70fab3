//! Subjects: who holds and bought how much, exactly, over live holds and orders.
//!
//! A subject is known as long as a hold or an order names it. Units per subject are always counted; units per subject
//! and ticket type only for types with such a limit, and afresh when a configuration adds one.

use hashbrown::HashTable;

use crate::Subject;
use crate::TicketTypeId;
use crate::digest::{high_half, low_half};
use crate::index::{Index, hash_of};
use crate::paged::Paged;

/// Position of a subject in the table; reused once nothing names the subject.
pub(crate) type Slot = u32;

/// No subject.
pub(crate) const NO_SLOT: Slot = Slot::MAX;

/// One subject, in 24 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    low: u64,
    high: u64,
    /// Units in live holds and orders; the next free slot, while `names` is 0.
    units: u32,
    /// Live holds, orders and transferred tickets that name the subject.
    names: u32,
}

/// Units of one limited ticket type that a subject has.
#[derive(Clone, Copy, Debug)]
struct TypeUnits {
    slot: Slot,
    ticket_type: TicketTypeId,
    units: u32,
}

/// The subjects of one event.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    entries: Paged<Entry>,
    free: Slot,
    index: Index,
    /// Whether units of a type are counted, by type.
    limited: Vec<bool>,
    by_type: HashTable<TypeUnits>,
}

impl Subjects {
    pub(crate) fn new() -> Self {
        Subjects {
            entries: Paged::new(),
            free: NO_SLOT,
            index: Index::default(),
            limited: Vec::new(),
            by_type: HashTable::new(),
        }
    }

    /// The subject's slot, if it is known.
    #[inline]
    pub(crate) fn find(&self, subject: Subject) -> Option<Slot> {
        let (low, high) = (low_half(subject.0), high_half(subject.0));
        let entries = &self.entries;
        let same = |&slot: &Slot| entries.get(slot).low == low && entries.get(slot).high == high;
        self.index.find(hash(low, high), same)
    }

    #[inline]
    pub(crate) fn subject(&self, slot: Slot) -> Subject {
        let entry = self.entries.get(slot);
        Subject(crate::digest::wide(entry.low, entry.high))
    }

    /// Names a subject once more, and tells its slot.
    #[inline]
    pub(crate) fn name(&mut self, subject: Subject) -> Slot {
        if let Some(slot) = self.find(subject) {
            self.entries.get_mut(slot).names += 1;
            return slot;
        }
        let (low, high) = (low_half(subject.0), high_half(subject.0));
        let entry = Entry { low, high, units: 0, names: 1 };
        let slot = if self.free == NO_SLOT {
            self.entries.push(entry)
        } else {
            let slot = self.free;
            self.free = self.entries.get(slot).units;
            *self.entries.get_mut(slot) = entry;
            slot
        };
        let entries = &self.entries;
        self.index.insert(hash(low, high), slot, |slot| hash(entries.get(slot).low, entries.get(slot).high));
        slot
    }

    /// Names the subject of a slot once more.
    pub(crate) fn name_again(&mut self, slot: Slot) {
        self.entries.get_mut(slot).names += 1;
    }

    /// Names a subject once less; nobody's name any more, its slot is free.
    pub(crate) fn forget(&mut self, slot: Slot) {
        let entry = self.entries.get_mut(slot);
        assert!(entry.names > 0, "a subject is forgotten more often than named");
        entry.names -= 1;
        if entry.names > 0 {
            return;
        }
        assert!(entry.units == 0, "a subject is forgotten that still has units");
        let hash = hash(entry.low, entry.high);
        entry.units = self.free;
        self.free = slot;
        self.index.remove(hash, slot);
    }

    /// Units of the subject in live holds and orders.
    #[inline]
    pub(crate) fn units(&self, slot: Slot) -> u32 {
        self.entries.get(slot).units
    }

    /// Units of a limited type of the subject.
    pub(crate) fn units_of_type(&self, slot: Slot, ticket_type: TicketTypeId) -> u32 {
        let same = |units: &TypeUnits| units.slot == slot && units.ticket_type == ticket_type;
        self.by_type.find(hash_of_type(slot, ticket_type), same).map_or(0, |units| units.units)
    }

    /// Counts units for the subject.
    #[inline]
    pub(crate) fn charge(&mut self, slot: Slot, ticket_type: TicketTypeId, quantity: u32) {
        self.entries.get_mut(slot).units += quantity;
        self.charge_type(slot, ticket_type, quantity);
    }

    fn charge_type(&mut self, slot: Slot, ticket_type: TicketTypeId, quantity: u32) {
        if !self.limited[ticket_type.index()] || quantity == 0 {
            return;
        }
        let same = |units: &TypeUnits| units.slot == slot && units.ticket_type == ticket_type;
        let entry = self.by_type.entry(hash_of_type(slot, ticket_type), same, |units| {
            hash_of_type(units.slot, units.ticket_type)
        });
        entry.and_modify(|units| units.units += quantity).or_insert(TypeUnits {
            slot,
            ticket_type,
            units: quantity,
        });
    }

    /// Gives units of the subject's allowance back.
    pub(crate) fn discharge(&mut self, slot: Slot, ticket_type: TicketTypeId, quantity: u32) {
        let entry = self.entries.get_mut(slot);
        assert!(entry.units >= quantity, "a subject gives back more units than it has");
        entry.units -= quantity;
        if !self.limited[ticket_type.index()] || quantity == 0 {
            return;
        }
        let same = |units: &TypeUnits| units.slot == slot && units.ticket_type == ticket_type;
        let Ok(mut found) = self.by_type.find_entry(hash_of_type(slot, ticket_type), same) else {
            panic!("a subject gives back units of a type that were never counted");
        };
        assert!(found.get().units >= quantity, "a subject gives back more units of a type than it has");
        found.get_mut().units -= quantity;
        if found.get().units == 0 {
            found.remove();
        }
    }

    /// Which types are limited now. The answer says whether the units by type must be counted afresh.
    pub(crate) fn limit_types(&mut self, limited: Vec<bool>) -> bool {
        // A type that was not there before was not counted: after an import, that is every type.
        let before = self.limited.iter().copied().chain(std::iter::repeat(false));
        let unchanged = limited.iter().zip(before).all(|(&after, before)| before == after);
        self.limited = limited;
        if !unchanged {
            self.by_type.clear();
        }
        !unchanged
    }

    /// Counts units by type only: for [`Self::limit_types`], and for an image.
    pub(crate) fn recount_type(&mut self, slot: Slot, ticket_type: TicketTypeId, quantity: u32) {
        self.charge_type(slot, ticket_type, quantity);
    }

    /// Enters the subjects of an image, (low, high, units) each; nothing names them yet.
    pub(crate) fn import(&mut self, subjects: impl Iterator<Item = (u64, u64, u32)>) {
        let enter =
            |(low, high, units)| (hash(low, high), self.entries.push(Entry { low, high, units, names: 0 }));
        let entries: Vec<(u64, Slot)> = subjects.map(enter).collect();
        self.index.fill(&entries);
    }

    /// Slots of all known subjects, ascending.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        (0..).zip(self.entries.iter()).filter(|(_, entry)| entry.names > 0).map(|(slot, _)| slot)
    }

    /// How often the subject of a slot is named.
    pub(crate) fn names(&self, slot: Slot) -> u32 {
        self.entries.get(slot).names
    }

    /// Whether units of this type are counted by subject.
    pub(crate) fn counts_type(&self, ticket_type: TicketTypeId) -> bool {
        self.limited[ticket_type.index()]
    }

    /// Number of counters by type.
    pub(crate) fn type_counters(&self) -> usize {
        self.by_type.len()
    }

    /// Slots in use and free.
    pub(crate) fn capacity(&self) -> usize {
        self.entries.len()
    }
}

#[inline]
fn hash(low: u64, high: u64) -> u64 {
    // Subjects are keyed hashes already; one multiplication spreads whatever pattern is left.
    hash_of(low ^ high.rotate_left(32))
}

fn hash_of_type(slot: Slot, ticket_type: TicketTypeId) -> u64 {
    hash_of(u64::from(slot) << 16 | u64::from(ticket_type.0))
}
