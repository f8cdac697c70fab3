//! The table of live claims.
//!
//! Numbers only grow, so a claim is always appended: to the last of a list of pages, each found by its first number. A
//! page shrinks when most of its claims have ended and disappears with the last one.

use std::collections::BTreeMap;

use super::Claim;
use crate::ClaimNumber;
use crate::subjects::Subjects;

/// Claims of one page.
const PAGE: usize = 128;
/// A page is packed once it has this many times as many places as claims.
const SPARSE: usize = 4;

/// Claims in the order of their numbers, with places of ended ones between them.
#[derive(Clone, Debug)]
struct Page {
    numbers: Vec<ClaimNumber>,
    claims: Vec<Option<Claim>>,
    live: usize,
    /// It was full once: nothing is appended any more.
    is_closed: bool,
}

/// The claims of one event, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    /// Pages that are not empty, by a number that is not above any of theirs and above all of the page before.
    pages: BTreeMap<ClaimNumber, Page>,
    live: usize,
    sum: u128,
}

impl Page {
    fn new() -> Self {
        Page {
            numbers: Vec::with_capacity(PAGE),
            claims: Vec::with_capacity(PAGE),
            live: 0,
            is_closed: false,
        }
    }

    fn find(&self, number: ClaimNumber) -> Option<usize> {
        self.numbers.binary_search(&number).ok()
    }

    fn pack(&mut self) {
        let (numbers, claims): (Vec<_>, Vec<_>) = std::mem::take(&mut self.numbers)
            .into_iter()
            .zip(std::mem::take(&mut self.claims))
            .filter(|(_, claim)| claim.is_some())
            .unzip();
        self.numbers = numbers;
        self.claims = claims;
        self.numbers.shrink_to_fit();
        self.claims.shrink_to_fit();
    }
}

impl Claims {
    fn page(&self, number: ClaimNumber) -> Option<&Page> {
        self.pages.range(..=number).next_back().map(|(_, page)| page)
    }

    pub(crate) fn get(&self, number: ClaimNumber) -> Option<&Claim> {
        let page = self.page(number)?;
        page.claims[page.find(number)?].as_ref()
    }

    fn get_mut(&mut self, number: ClaimNumber) -> Option<&mut Claim> {
        let (_, page) = self.pages.range_mut(..=number).next_back()?;
        let at = page.find(number)?;
        page.claims[at].as_mut()
    }

    /// Enters a claim; its number is above all others.
    #[inline]
    pub(crate) fn insert(&mut self, number: ClaimNumber, claim: Claim, subjects: &Subjects) {
        self.sum = self.sum.wrapping_add(claim.mix(number, subjects));
        self.live += 1;
        let last = self.pages.last_entry().map(std::collections::btree_map::OccupiedEntry::into_mut);
        let page = match last {
            Some(page) if !page.is_closed => page,
            _ => self.pages.entry(number).or_insert_with(Page::new),
        };
        let grows = page.numbers.last().is_none_or(|&last| last < number);
        assert!(grows, "a claim's number is not above the others");
        page.numbers.push(number);
        page.claims.push(Some(claim));
        page.live += 1;
        page.is_closed = page.claims.len() == PAGE;
    }

    /// Takes a claim out; its subjects must still be named.
    pub(crate) fn remove(&mut self, number: ClaimNumber, subjects: &Subjects) -> Claim {
        let Some((first, claim)) = self.take(number) else {
            panic!("claim {} is not live", number.0);
        };
        self.live -= 1;
        self.sum = self.sum.wrapping_sub(claim.mix(number, subjects));
        if let Some(first) = first {
            self.pages.remove(&first);
        }
        claim
    }

    /// Takes a claim from its page; tells the page's key if that is empty now.
    fn take(&mut self, number: ClaimNumber) -> Option<(Option<ClaimNumber>, Claim)> {
        let (&first, page) = self.pages.range_mut(..=number).next_back()?;
        let at = page.find(number)?;
        let claim = page.claims[at].take()?;
        page.live -= 1;
        if page.live == 0 {
            return Some((Some(first), claim));
        }
        if page.is_closed && page.live * SPARSE <= page.claims.len() {
            page.pack();
        }
        Some((None, claim))
    }

    /// Changes a claim; the digest follows.
    pub(crate) fn edit(&mut self, number: ClaimNumber, subjects: &Subjects, change: impl FnOnce(&mut Claim)) {
        let Some(claim) = self.get_mut(number) else {
            panic!("claim {} is not live", number.0);
        };
        let before = claim.mix(number, subjects);
        change(claim);
        let after = claim.mix(number, subjects);
        self.sum = self.sum.wrapping_sub(before).wrapping_add(after);
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// The claim with the lowest number.
    pub(crate) fn first(&self) -> Option<ClaimNumber> {
        self.iter().next().map(|(number, _)| number)
    }

    /// Every claim, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClaimNumber, &Claim)> {
        self.pages.values().flat_map(|page| {
            let places = page.numbers.iter().zip(&page.claims);
            places.filter_map(|(&number, claim)| Some((number, claim.as_ref()?)))
        })
    }

    /// The digest's share of the claims, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the claims, from scratch.
    pub(crate) fn fresh_sum(&self, subjects: &Subjects) -> u128 {
        self.iter().fold(0, |sum, (number, claim)| sum.wrapping_add(claim.mix(number, subjects)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::claims::{ClaimLine, ClaimLines, ExtraSubjects};
    use crate::{Origin, Subject, TermsId, Timestamp};

    fn claim(subjects: &mut Subjects, deadline: u64) -> Claim {
        let line = ClaimLine { terms: TermsId(0), quantity: 1, seats: Box::new([]) };
        let subject = subjects.name(Subject(1));
        let (deadline_at, life) = (Timestamp(deadline), Timestamp(9));
        Claim::new(
            subject,
            ExtraSubjects::NONE,
            None,
            Origin::Direct,
            deadline_at,
            life,
            ClaimLines::One(line),
        )
    }

    /// Pages fill, thin out, are packed and disappear; what is left is found all the while.
    #[test]
    fn claims_are_found_while_others_end() {
        let mut subjects = Subjects::new();
        let mut claims = Claims::default();
        for number in 1..=1_000 {
            let fresh = claim(&mut subjects, number);
            claims.insert(ClaimNumber(3 * number), fresh, &subjects);
        }
        for number in (1..=1_000).filter(|number| number % 100 != 0) {
            assert_eq!(claims.remove(ClaimNumber(3 * number), &subjects).deadline_at, Timestamp(number));
            assert!(claims.get(ClaimNumber(3 * number)).is_none());
        }
        let fresh = claim(&mut subjects, 7);
        claims.insert(ClaimNumber(4_000), fresh, &subjects);
        let left: Vec<u64> = claims.iter().map(|(number, _)| number.0).collect();
        assert_eq!(left, [300, 600, 900, 1_200, 1_500, 1_800, 2_100, 2_400, 2_700, 3_000, 4_000]);
        assert_eq!(claims.get(ClaimNumber(1_500)).unwrap().deadline_at, Timestamp(500));
        assert_eq!((claims.len(), claims.first()), (11, Some(ClaimNumber(300))));
        assert_eq!(claims.sum(), claims.fresh_sum(&subjects));
        for number in left {
            claims.remove(ClaimNumber(number), &subjects);
        }
        assert_eq!((claims.len(), claims.sum(), claims.pages.len()), (0, 0, 0));
    }
}
