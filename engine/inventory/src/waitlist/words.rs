//! A set of ticket types, as the bits of a few words.

use crate::{TICKET_TYPES_MAX, TicketTypeId};

const WORDS: usize = TICKET_TYPES_MAX / 64;

const _: () = assert!(WORDS * 64 == TICKET_TYPES_MAX, "a set has a bit for each type");

/// A set of ticket types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeSet([u64; WORDS]);

impl TypeSet {
    /// The first `count` types.
    pub(crate) fn first(count: usize) -> TypeSet {
        let mut set = TypeSet::default();
        (0_u16..).map(TicketTypeId).take(count).for_each(|id| set.insert(id));
        set
    }

    pub(crate) fn insert(&mut self, id: TicketTypeId) {
        self.0[id.index() / 64] |= 1 << (id.0 % 64);
    }

    pub(crate) fn remove(&mut self, id: TicketTypeId) {
        self.0[id.index() / 64] &= !(1 << (id.0 % 64));
    }

    pub(crate) fn contains(&self, id: TicketTypeId) -> bool {
        self.0[id.index() / 64] >> (id.0 % 64) & 1 == 1
    }

    pub(crate) fn extend(&mut self, other: TypeSet) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// The types in it, ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = TicketTypeId> {
        (0_u16..).zip(self.0).flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = u16::try_from(word.trailing_zeros()).ok().filter(|&bit| bit < 64)?;
                word &= word - 1;
                Some(TicketTypeId(64 * at + bit))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let mut set = TypeSet::default();
        assert!(set.is_empty());
        for id in [0, 63, 64, 255] {
            set.insert(TicketTypeId(id));
        }
        set.remove(TicketTypeId(63));
        let ids: Vec<u16> = set.iter().map(|id| id.0).collect();
        assert_eq!(ids, [0, 64, 255]);
        assert!(set.contains(TicketTypeId(64)) && !set.contains(TicketTypeId(63)));
        assert_eq!(TypeSet::first(65).iter().count(), 65);
    }
}
