//! Seats together, found by trying every group.

use tessera_inventory::{CategoryId, ChannelId, Config, Seat, SeatIndex, SectionId};

/// A wish for seats together.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Of this category.
    pub category: CategoryId,
    /// Whose seats: an unreleased channel's, or everyone's.
    pub audience: Option<ChannelId>,
    /// Only in this section.
    pub section: Option<SectionId>,
    /// Wheelchair spaces among them.
    pub accessible: u16,
    /// How many seats.
    pub quantity: u16,
}

/// A seat and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Which seat.
    pub index: SeatIndex,
    /// As it is configured.
    pub seat: Seat,
    /// Its section.
    pub section: SectionId,
    /// Its row, counted over the whole hall.
    pub row: usize,
    /// Counted over the whole hall.
    pub block: usize,
    /// Whose seat it is now.
    pub audience: Option<ChannelId>,
    /// Whether nobody has it.
    pub is_free: bool,
}

/// A group with its score.
pub type Group = (i128, Vec<SeatIndex>);

/// The hall at one moment.
pub struct Hall<'a> {
    /// The configuration it stands under.
    pub config: &'a Config,
    /// Every seat, by its index.
    pub places: Vec<Place>,
}

impl Hall<'_> {
    /// Whether a seat is kept for those who wish for a wheelchair space.
    pub fn is_reserved(&self, seat: &Seat) -> bool {
        (seat.accessible || seat.companion) && !self.config.seating.accessible_released
    }

    fn is_free(&self, place: &Place, gone: &[SeatIndex]) -> bool {
        place.is_free && !gone.contains(&place.index)
    }

    /// Whether somebody could still sit beside `place` when `gone` are gone.
    fn has_neighbour(&self, place: &Place, gone: &[SeatIndex]) -> bool {
        let at = place.index.index();
        let beside = [at.checked_sub(1), Some(at + 1)];
        beside.into_iter().flatten().filter_map(|at| self.places.get(at)).any(|other| {
            other.block == place.block
                && other.audience == place.audience
                && !self.is_reserved(&other.seat)
                && self.is_free(other, gone)
        })
    }

    /// The seats that taking `seats`, after `gone`, leaves alone; ascending.
    pub fn stranded(&self, seats: &[SeatIndex], gone: &[SeatIndex]) -> Vec<SeatIndex> {
        if self.config.seating.stranding_allowed {
            return vec![];
        }
        let after = [seats, gone].concat();
        let is_stranded = |place: &&Place| {
            self.is_free(place, &after)
                && !self.is_reserved(&place.seat)
                && self.has_neighbour(place, gone)
                && !self.has_neighbour(place, &after)
        };
        self.places.iter().filter(is_stranded).map(|place| place.index).collect()
    }

    /// Every group for the wish once `gone` are gone, best first.
    pub fn groups(&self, wish: &Wish, gone: &[SeatIndex]) -> Vec<Group> {
        let size = usize::from(wish.quantity);
        if size == 0 {
            return vec![];
        }
        let mut groups: Vec<Group> = self
            .places
            .windows(size)
            .filter(|window| self.suits(wish, window, gone))
            .map(|window| (self.score(wish, window), window.iter().map(|place| place.index).collect()))
            .filter(|(_, seats): &Group| self.stranded(seats, gone).is_empty())
            .collect();
        groups.sort();
        groups
    }

    fn suits(&self, wish: &Wish, window: &[Place], gone: &[SeatIndex]) -> bool {
        let spaces = window.iter().filter(|place| place.seat.accessible).count();
        let accessible = usize::from(wish.accessible);
        let companions_max = accessible * usize::from(self.config.seating.companions_max);
        let is_kind = if accessible == 0 {
            window.iter().all(|place| !self.is_reserved(&place.seat))
        } else {
            spaces == accessible && window.len() - accessible <= companions_max
        };
        is_kind
            && window.iter().all(|place| {
                place.block == window[0].block
                    && self.is_free(place, gone)
                    && place.seat.category == wish.category
                    && place.audience == wish.audience
                    && wish.section.is_none_or(|section| section == place.section)
            })
    }

    fn score(&self, wish: &Wish, window: &[Place]) -> i128 {
        let focal = self.config.categories[wish.category.index()].focal_point;
        let x: i128 = window.iter().map(|place| i128::from(place.seat.position.x_mm - focal.x_mm)).sum();
        let y: i128 = window.iter().map(|place| i128::from(place.seat.position.y_mm - focal.y_mm)).sum();
        x * x + y * y
    }

    fn place(&self, seat: SeatIndex) -> &Place {
        &self.places[seat.index()]
    }

    /// Seats in several groups for a party that accepts it.
    pub fn split(&self, wish: &Wish, gone: &[SeatIndex]) -> Option<Group> {
        let mut seats = if wish.accessible > 0 {
            self.split_wheelchairs(wish, gone)
        } else {
            self.split_close(wish, gone).or_else(|| self.split_anywhere(wish, gone))
        }?;
        seats.sort();
        let places: Vec<Place> = seats.iter().map(|&seat| *self.place(seat)).collect();
        Some((self.score(wish, &places), seats))
    }

    fn split_wheelchairs(&self, wish: &Wish, gone: &[SeatIndex]) -> Option<Vec<SeatIndex>> {
        let companions = wish.quantity.checked_sub(wish.accessible)?;
        let mut seats = Vec::new();
        for group in 0..wish.accessible {
            let more = u16::from(group < companions % wish.accessible);
            let share = companions / wish.accessible + more;
            let part = Wish { accessible: 1, quantity: 1 + share, ..*wish };
            let (_, group) = self.groups(&part, &[gone, &seats].concat()).into_iter().next()?;
            seats.extend(group);
        }
        Some(seats)
    }

    fn split_close(&self, wish: &Wish, gone: &[SeatIndex]) -> Option<Vec<SeatIndex>> {
        for size in (wish.quantity.div_ceil(2)..wish.quantity).rev() {
            let mut offered = Vec::new();
            for (_, larger) in self.groups(&Wish { quantity: size, ..*wish }, gone) {
                let place = self.place(larger[0]);
                // Each block offers its best group only.
                if offered.contains(&place.block) {
                    continue;
                }
                offered.push(place.block);
                let is_close = |(_, rest): &Group| {
                    let other = self.place(rest[0]);
                    other.section == place.section && other.row.abs_diff(place.row) <= 1
                };
                let rest = Wish { quantity: wish.quantity - size, ..*wish };
                let rest = self.groups(&rest, &[gone, &larger].concat()).into_iter().find(is_close);
                if let Some((_, rest)) = rest {
                    return Some([larger, rest].concat());
                }
            }
        }
        None
    }

    fn split_anywhere(&self, wish: &Wish, gone: &[SeatIndex]) -> Option<Vec<SeatIndex>> {
        (1..=wish.quantity).rev().find_map(|largest| self.greedily(wish, largest, gone))
    }

    fn greedily(&self, wish: &Wish, largest: u16, gone: &[SeatIndex]) -> Option<Vec<SeatIndex>> {
        let mut seats: Vec<SeatIndex> = Vec::new();
        for size in (1..=largest).rev() {
            loop {
                let rest = wish.quantity - u16::try_from(seats.len()).unwrap();
                let part = Wish { quantity: size, ..*wish };
                let group = self.groups(&part, &[gone, &seats].concat()).into_iter().next();
                match group.filter(|_| size <= rest) {
                    Some((_, group)) => seats.extend(group),
                    None => break,
                }
            }
        }
        (seats.len() == usize::from(wish.quantity)).then_some(seats)
    }
}
