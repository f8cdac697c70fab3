//! Whether a group fitted somewhere, as far as the feed can tell: within a block, leaving no single seat behind.

use crate::fold::{Fold, SeatState};
use crate::venue::{Block, Venue};

/// Whether a group fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Nowhere.
    Never,
    /// In seats that may not have been for this buyer, or in parts.
    Perhaps,
    /// In seats that everyone may buy.
    Certainly,
}

/// Where a group may sit.
#[derive(Clone, Debug)]
pub struct Places {
    /// Positions of the types that it may buy.
    pub types: Vec<usize>,
    /// Only in this section.
    pub section: Option<usize>,
    /// The channel whose code was shown.
    pub channel: Option<usize>,
    /// Whether parts will do.
    pub accept_split: bool,
    /// Whether no limit of any of the types stands in its way.
    pub unlimited: bool,
}

impl Places {
    /// Whether so many fit on the present state.
    #[must_use]
    pub fn fit(&self, fold: &Fold<'_>, venue: &Venue, wanted: u32) -> Fit {
        let free = |(category, _): &(usize, bool)| fold.categories[*category].free;
        if self.categories(venue).iter().map(free).sum::<u32>() < wanted {
            return Fit::Never;
        }
        self.fit_among(fold, venue, wanted, &mut venue.blocks.iter())
    }

    /// Whether so many fit in some of these blocks.
    #[must_use]
    pub fn fit_among(
        &self,
        fold: &Fold<'_>,
        venue: &Venue,
        wanted: u32,
        blocks: &mut dyn Iterator<Item = &Block>,
    ) -> Fit {
        let categories = self.categories(venue);
        let mut best = Fit::Never;
        let mut free_in_all = 0;
        let here = |block: &&Block| self.section.is_none_or(|section| block.section == section);
        for block in blocks.filter(here) {
            let Some((_, certain)) = categories.iter().find(|(category, _)| *category == block.category)
            else {
                continue;
            };
            let is_released = block.channel.is_some_and(|channel| fold.released.contains(&channel));
            // What a channel keeps is not there for those without its code.
            if block.channel.is_some() && !is_released && block.channel != self.channel {
                continue;
            }
            let (free, fits) = runs(fold, venue, block, wanted);
            free_in_all += free;
            if fits {
                let certainly = *certain && (block.public || is_released) && self.unlimited;
                best = best.max(if certainly { Fit::Certainly } else { Fit::Perhaps });
            }
            if best == Fit::Certainly {
                return best;
            }
        }
        if self.accept_split && free_in_all >= wanted { best.max(Fit::Perhaps) } else { best }
    }

    /// The categories of the types, and whether nothing but seats is drawn on there.
    fn categories(&self, venue: &Venue) -> Vec<(usize, bool)> {
        let facts = self.types.iter().map(|ticket_type| &venue.ticket_types[*ticket_type]);
        let only_one = self.types.len() == 1;
        let mut categories: Vec<(usize, bool)> = facts
            .filter_map(|facts| Some((facts.category?, only_one || facts.draws_on.is_empty())))
            .collect();
        // Of two types in one category, the one that draws on no pool speaks.
        categories.sort_by_key(|(category, certain)| (*category, !certain));
        categories.dedup_by_key(|(category, _)| *category);
        categories
    }
}

/// Free seats of a block without wheelchair platforms, and whether a run of them takes the group: all of it, or all but two.
fn runs(fold: &Fold<'_>, venue: &Venue, block: &Block, wanted: u32) -> (u32, bool) {
    let (mut free, mut run, mut fits) = (0, 0, false);
    let seats = block.first as usize..(block.first + block.seats) as usize;
    let takes = |run: u32| run == wanted || run > wanted + 1 || (venue.stranding_allowed && run >= wanted);
    for seat in seats {
        if fold.seats[seat] == SeatState::Free && !venue.seats[seat].special {
            free += 1;
            run += 1;
        } else {
            fits |= run > 0 && takes(run);
            run = 0;
        }
    }
    (free, fits || (run > 0 && takes(run)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::feed::Item;

    #[test]
    fn seats_of_a_channel_are_for_its_code_until_it_is_released() {
        let venue = json!({
            "currency": "EUR", "categories": [{"name": "Club"}], "sections": ["A"],
            "rows": [{"section": "A", "label": "1", "blocks": [{"from": 1, "to": 6, "category": "Club", "channel": "Sponsor"}]}],
            "channels": [{"name": "Sponsor", "code": "S"}],
            "ticket_types": [{"name": "Club", "price": 1, "per_order_max": 6, "category": "Club"}],
        });
        let venue = Venue::read(&venue.to_string()).unwrap();
        let owners = HashMap::new();
        let mut fold = Fold::new(&venue, &owners);
        let fit = |fold: &Fold<'_>, channel| {
            let places =
                Places { types: vec![0], section: None, channel, accept_split: false, unlimited: true };
            places.fit(fold, &venue, 2)
        };
        assert_eq!([fit(&fold, None), fit(&fold, Some(0))], [Fit::Never, Fit::Perhaps]);
        let released = json!({"sequence": 1, "at": "2026-11-28T10:00:00Z", "type": "channel_released", "channel": "Sponsor"});
        let released: Item = serde_json::from_value(released).unwrap();
        fold.apply(&released);
        assert_eq!(fit(&fold, None), Fit::Certainly);
    }
}
