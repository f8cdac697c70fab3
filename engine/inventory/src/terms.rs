//! Frozen terms: what a hold keeps when the configuration changes under it.

use crate::digest::{Kind, Mix};
use crate::{CategoryId, Config, PoolId, TermsId, TicketTypeId};

/// Most terms of one event: what a [`TermsId`] can tell apart.
pub(crate) const TERMS_MAX: usize = 1 << 16;

/// The price of a type, and what it draws on, as they were at some version of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) ticket_type: TicketTypeId,
    pub(crate) price_minor: i64,
    pub(crate) category: Option<CategoryId>,
    pub(crate) draws_on: Box<[PoolId]>,
}

/// All terms that ever were, and which of them are sold now. Lists only grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    list: Vec<Term>,
    /// The terms of each ticket type now.
    current: Vec<TermsId>,
    sum: u128,
}

impl Terms {
    /// From the columns of an image.
    pub(crate) fn from_parts(list: Vec<Term>, config: &Config) -> Self {
        let mut terms = Terms::default();
        for term in list {
            terms.append(term);
        }
        terms.adopt(config);
        terms
    }

    #[inline]
    pub(crate) fn get(&self, id: TermsId) -> &Term {
        &self.list[usize::from(id.0)]
    }

    #[inline]
    pub(crate) fn current(&self, ticket_type: TicketTypeId) -> TermsId {
        self.current[ticket_type.index()]
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Term> {
        self.list.iter()
    }

    /// How many terms a configuration would add.
    pub(crate) fn missing(&self, config: &Config) -> usize {
        config.ticket_type_ids().filter(|&id| self.find(&term_of(config, id)).is_none()).count()
    }

    /// Makes a configuration's terms the current ones, appending those that never were.
    pub(crate) fn adopt(&mut self, config: &Config) {
        self.current.clear();
        for id in config.ticket_type_ids() {
            let term = term_of(config, id);
            let at = self.find(&term).unwrap_or_else(|| self.append(term));
            self.current.push(at);
        }
    }

    fn find(&self, term: &Term) -> Option<TermsId> {
        (0_u16..).zip(&self.list).find(|(_, known)| *known == term).map(|(at, _)| TermsId(at))
    }

    fn append(&mut self, term: Term) -> TermsId {
        assert!(self.list.len() < TERMS_MAX, "an event has too many terms");
        let at = TermsId(u16::try_from(self.list.len()).unwrap_or(u16::MAX));
        self.sum = self.sum.wrapping_add(mix(at, &term));
        self.list.push(term);
        at
    }

    /// The digest's share of the terms, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the terms, from scratch.
    pub(crate) fn fresh_sum(&self) -> u128 {
        (0_u16..).zip(&self.list).fold(0, |sum, (at, term)| sum.wrapping_add(mix(TermsId(at), term)))
    }
}

/// The terms of a ticket type in a configuration.
fn term_of(config: &Config, id: TicketTypeId) -> Term {
    let ticket_type = &config.ticket_types[id.index()];
    Term {
        ticket_type: id,
        price_minor: ticket_type.price_minor,
        category: ticket_type.category,
        draws_on: ticket_type.draws_on.clone().into_boxed_slice(),
    }
}

fn mix(at: TermsId, term: &Term) -> u128 {
    let category = term.category.map_or(u32::MAX, |category| u32::from(category.0));
    let start = Mix::new(Kind::Terms)
        .pair(u32::from(at.0), u32::from(term.ticket_type.0))
        .word(term.price_minor.cast_unsigned())
        .word(u64::from(category));
    term.draws_on.iter().fold(start, |mix, pool| mix.word(u64::from(pool.0))).finish()
}
