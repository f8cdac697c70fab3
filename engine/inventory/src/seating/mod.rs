//! Seats: the state of each, and the best ones together.
//!
//! A **block** (at most 128 seats) is one `u128` of free seats. A seat's **audience** is its channel until that is
//! released, then everyone; the seats of one category for one audience are a **zone**, and a zone's seats in one block
//! a **stretch**. Wheelchair spaces and companion seats are **reserved**: only the wish for a wheelchair space gets
//! them, until the organizer releases them; from then on they are seats like any other.
//!
//! A seat is **stranded** by a group when it is free and unreserved, had a free unreserved seat of its audience (of any
//! category) beside it in its block, and has none afterwards.
//!
//! Best available keeps the stretches of each zone in the order of a lower bound of their distance to the focal point,
//! and for each size of group the set of stretches that have room for one ([`fit`]). A search visits the set in that
//! order and stops at the first bound beyond the best group found ([`search`]). Changing a seat recomputes the sets of
//! the stretches of its block and audience only.

mod check;
mod fit;
mod layout;
mod run;
mod search;
mod split;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{CategoryId, ChannelId, Config, Counters, SeatIndex, SeatState, SectionId};
use fit::FitIndex;
use layout::Layout;

/// Seats of two bits in a byte.
const SEATS_PER_BYTE: usize = 4;

/// The seats of one event.
#[derive(Clone, Debug)]
pub(crate) struct Seating {
    layout: Arc<Layout>,
    released: ReleasedChannels,
    /// Two bits a seat, as in [`crate::SeatMap`].
    states: Vec<u8>,
    /// Per block, its free seats.
    free: Vec<u128>,
    /// Per category.
    counters: Vec<Counters>,
    /// Per zone, its free seats that are not reserved.
    available: Vec<u32>,
    /// Per stretch, the sets of the index that it is in.
    fits: Vec<u32>,
    index: FitIndex,
}

/// A set of channels that were released: their seats are everyone's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReleasedChannels(pub(crate) u64);

impl ReleasedChannels {
    /// No channel was released.
    pub(crate) const NONE: ReleasedChannels = ReleasedChannels(0);

    /// Whether `channel` was released.
    pub(crate) fn contains(self, channel: ChannelId) -> bool {
        self.0 >> channel.0 & 1 == 1
    }

    /// These and `channel`.
    #[must_use]
    pub(crate) fn with(self, channel: ChannelId) -> ReleasedChannels {
        ReleasedChannels(self.0 | 1 << channel.0)
    }
}

const _: () = assert!(crate::CHANNELS_MAX <= 64, "a set of channels is one word");

/// A wish for seats together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// The price area.
    pub(crate) category: CategoryId,
    /// The channel that is drawn on; `None`, or a released one: everyone's seats.
    pub(crate) channel: Option<ChannelId>,
    /// Only in this section.
    pub(crate) section: Option<SectionId>,
    /// Exactly this many wheelchair spaces; the other seats may be companion seats. With 0, reserved seats are left out.
    pub(crate) accessible: u8,
    /// How many seats.
    pub(crate) quantity: u16,
}

/// Seats side by side; those of a split party stand in several such groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Ascending.
    pub(crate) seats: Vec<SeatIndex>,
    /// Squared distance in square millimetres of the group's centre to the focal point, times the square of its size: an
    /// exact integer, comparable between groups of one size.
    pub(crate) score: u64,
}

/// To whom a seat is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Audience(Option<ChannelId>);

impl Audience {
    fn of(channel: Option<ChannelId>, released: ReleasedChannels) -> Audience {
        Audience(channel.filter(|&channel| !released.contains(channel)))
    }

    fn index(self) -> usize {
        self.0.map_or(0, |channel| channel.index() + 1)
    }
}

impl Seating {
    /// The seats of `config`, all free, no channel released.
    pub(crate) fn new(config: &Config) -> Self {
        let layout = Layout::new(config, ReleasedChannels::NONE);
        let states = vec![0; (layout.seats() as usize).div_ceil(SEATS_PER_BYTE)];
        Seating::with_states(Arc::new(layout), ReleasedChannels::NONE, states)
    }

    /// The same seats in the same states under another configuration or with other channels released; seats that
    /// `config` appends are free.
    pub(crate) fn reconfigured(&self, config: &Config, released: ReleasedChannels) -> Self {
        let layout = Layout::new(config, released);
        assert!(layout.seats() >= self.seats(), "validated: seats are only ever appended");
        let mut states = self.states.clone();
        states.resize((layout.seats() as usize).div_ceil(SEATS_PER_BYTE), 0);
        Seating::with_states(Arc::new(layout), released, states)
    }

    /// Follows the release of channels. Only channels with seats cost a new layout.
    pub(crate) fn release(&mut self, config: &Config, released: ReleasedChannels) {
        let is_concerned = |zone: &layout::Zone| zone.audience != Audience::of(zone.audience.0, released);
        if self.layout.zones.iter().any(is_concerned) {
            *self = self.reconfigured(config, released);
        } else {
            self.released = released;
        }
    }

    /// The seats of `config` in the states of [`Self::map`]; `None` if those are of another number of seats.
    pub(crate) fn restored(config: &Config, released: ReleasedChannels, states: Vec<u8>) -> Option<Self> {
        let layout = Layout::new(config, released);
        let fits = states.len() == (layout.seats() as usize).div_ceil(SEATS_PER_BYTE);
        fits.then(|| Seating::with_states(Arc::new(layout), released, states))
    }

    /// Everything that follows from the layout and the states, from scratch.
    fn with_states(layout: Arc<Layout>, released: ReleasedChannels, states: Vec<u8>) -> Self {
        let mut seating = Seating {
            free: vec![0; layout.blocks.len()],
            counters: vec![Counters::default(); layout.categories.len()],
            available: vec![0; layout.zones.len()],
            fits: vec![0; layout.stretches.len()],
            index: FitIndex::new(&layout.zones),
            layout,
            released,
            states,
        };
        for seat in (0..seating.seats()).map(SeatIndex) {
            let state = seating.state(seat);
            let (stretch, bit) = seating.layout.stretch_of(seat);
            let category = seating.layout.zones[stretch.zone as usize].category;
            *counter(&mut seating.counters[category.index()], state) += 1;
            if state == SeatState::Free {
                seating.free[stretch.block as usize] |= bit;
                seating.available[stretch.zone as usize] += u32::from(stretch.general & bit != 0);
            }
        }
        let layout = Arc::clone(&seating.layout);
        for block in 0..layout::index(layout.blocks.len()) {
            seating.refit(&layout, block, |_| true);
        }
        seating
    }

    /// How many seats there are.
    pub(crate) fn seats(&self) -> u32 {
        self.layout.seats()
    }

    /// The state of `seat`, which exists.
    pub(crate) fn state(&self, seat: SeatIndex) -> SeatState {
        let byte = self.states[seat.index() / SEATS_PER_BYTE];
        match byte >> (2 * (seat.index() % SEATS_PER_BYTE)) & 0b11 {
            0 => SeatState::Free,
            1 => SeatState::Held,
            2 => SeatState::Sold,
            _ => SeatState::Killed,
        }
    }

    /// The category of `seat`, which exists.
    pub(crate) fn category(&self, seat: SeatIndex) -> CategoryId {
        let (stretch, _) = self.layout.stretch_of(seat);
        self.layout.zones[stretch.zone as usize].category
    }

    /// The categories of the block of `seat`, which exists: what happens to it may change which groups they have.
    pub(crate) fn categories_beside(&self, seat: SeatIndex) -> impl Iterator<Item = CategoryId> {
        let (stretch, _) = self.layout.stretch_of(seat);
        let stretches = self.layout.stretches_of(stretch.block).iter();
        stretches.map(|stretch| self.layout.zones[stretch.zone as usize].category)
    }

    /// Moves `seat`, which exists, to `state`; counters and index follow.
    pub(crate) fn set(&mut self, seat: SeatIndex, state: SeatState) {
        let before = self.state(seat);
        if before == state {
            return;
        }
        let shift = 2 * (seat.index() % SEATS_PER_BYTE);
        let byte = &mut self.states[seat.index() / SEATS_PER_BYTE];
        *byte = *byte & !(0b11 << shift) | (state as u8) << shift;
        let layout = Arc::clone(&self.layout);
        let (stretch, bit) = layout.stretch_of(seat);
        let zone = &layout.zones[stretch.zone as usize];
        let counters = &mut self.counters[zone.category.index()];
        *counter(counters, before) -= 1;
        *counter(counters, state) += 1;
        if before != SeatState::Free && state != SeatState::Free {
            return;
        }
        self.free[stretch.block as usize] ^= bit;
        if stretch.general & bit != 0 {
            let available = &mut self.available[stretch.zone as usize];
            *available = if state == SeatState::Free { *available + 1 } else { *available - 1 };
        }
        self.refit(&layout, stretch.block, |other| (other.all | other.neighbours) & bit != 0);
    }

    /// Moves those stretches of `block` that `concerned` picks to the sets of the index that they belong to now.
    fn refit(&mut self, layout: &Layout, block: u32, concerned: impl Fn(&layout::Stretch) -> bool) {
        let first = layout.blocks[block as usize].first_stretch as usize;
        let free = self.free[block as usize];
        for (place, stretch) in layout.stretches_of(block).iter().enumerate() {
            if concerned(stretch) {
                let after = fit::of(layout, stretch, free);
                let before = std::mem::replace(&mut self.fits[first + place], after);
                self.index.change(stretch.zone, stretch.rank, before, after);
            }
        }
    }

    /// The four counters over all seats of `category`, whoever they are sold to.
    pub(crate) fn counters(&self, category: CategoryId) -> Counters {
        self.counters[category.index()]
    }

    /// Free seats of `category` for that audience, reserved ones left out.
    pub(crate) fn available(&self, category: CategoryId, channel: Option<ChannelId>) -> u32 {
        let zone = self.layout.zone(category, self.audience(channel));
        zone.map_or(0, |zone| self.available[zone as usize])
    }

    /// Whether `seat`, which exists, is sold to that audience, and to that wish if it is reserved; free or not.
    pub(crate) fn is_open_to(
        &self,
        seat: SeatIndex,
        channel: Option<ChannelId>,
        accessible_wish: bool,
    ) -> bool {
        let (stretch, bit) = self.layout.stretch_of(seat);
        let allowed = if accessible_wish { stretch.all } else { stretch.general };
        self.layout.zones[stretch.zone as usize].audience == self.audience(channel) && allowed & bit != 0
    }

    /// Two bits a seat, as in [`crate::SeatMap`].
    pub(crate) fn map(&self) -> Vec<u8> {
        self.states.clone()
    }

    fn audience(&self, channel: Option<ChannelId>) -> Audience {
        Audience::of(channel, self.released)
    }
}

/// The counter that counts `state`.
fn counter(counters: &mut Counters, state: SeatState) -> &mut u32 {
    match state {
        SeatState::Free => &mut counters.free,
        SeatState::Held => &mut counters.held,
        SeatState::Sold => &mut counters.sold,
        SeatState::Killed => &mut counters.killed,
    }
}
