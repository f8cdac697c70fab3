//! What never changes between two configurations: where seats stand, which block they are in, to whom and as what
//! they are sold, and in which order best available visits them.

use super::{Audience, ReleasedChannels, run};
use crate::{
    BLOCK_SEATS_MAX, CHANNELS_MAX, CategoryId, Config, Point, SeatIndex, SeatingPolicy, SectionId,
    TOGETHER_MAX,
};

/// Everyone, and each channel.
const AUDIENCES_MAX: usize = CHANNELS_MAX + 1;
/// Where no zone is.
const NO_ZONE: u32 = u32::MAX;

/// The hall under one configuration.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) policy: SeatingPolicy,
    pub(super) positions: Box<[Point]>,
    pub(super) categories: Box<[Point]>,
    pub(super) rows: Box<[RowSpan]>,
    pub(super) blocks: Box<[Block]>,
    pub(super) stretches: Box<[Stretch]>,
    pub(super) zones: Box<[Zone]>,
    /// Stretches of all zones, zone by zone, in the order of a search: a stretch's place in its zone is its rank.
    pub(super) ranked: Box<[Ranked]>,
    /// Ranks of all zones, zone by zone, by (section, rank).
    by_section: Box<[u32]>,
    zone_of: Box<[u32]>,
    block_starts: BlockStarts,
}

/// A row's blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowSpan {
    pub(super) section: SectionId,
    pub(super) first_block: u32,
    pub(super) blocks: u32,
}

/// A run of adjacent seats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) first_seat: u32,
    pub(super) seats: u32,
    pub(super) row: u32,
    pub(super) first_stretch: u32,
    pub(super) stretches: u32,
}

/// The seats of one zone in one block; bit `i` is the block's seat `i`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) block: u32,
    pub(super) first_seat: u32,
    pub(super) zone: u32,
    /// Its place in the order of its zone.
    pub(super) rank: u32,
    /// Its seats, reserved ones included.
    pub(super) all: u128,
    /// Its seats that are sold to anyone of the audience.
    pub(super) general: u128,
    /// Its wheelchair spaces.
    pub(super) wheelchair: u128,
    /// The block's seats that count as neighbours of its own: of the same audience, of any category, not reserved.
    pub(super) neighbours: u128,
}

/// The seats of one category for one audience.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zone {
    pub(super) category: CategoryId,
    pub(super) audience: Audience,
    /// Its slice of [`Layout::ranked`].
    pub(super) first_ranked: u32,
    pub(super) stretches: u32,
}

/// A stretch in the order of a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    /// No group of `n` in it scores below `n² · bound`: the least squared distance of any window's centre.
    pub(super) bound: u64,
    pub(super) stretch: u32,
}

impl Layout {
    pub(super) fn new(config: &Config, released: ReleasedChannels) -> Layout {
        let mut builder = Builder {
            policy: config.seating,
            released,
            positions: Vec::new(),
            rows: Vec::with_capacity(config.rows.len()),
            blocks: Vec::new(),
            stretches: Vec::new(),
            zones: Vec::new(),
            zone_of: vec![NO_ZONE; config.categories.len() * AUDIENCES_MAX].into(),
        };
        for row in config.rows.iter() {
            let first_block = index(builder.blocks.len());
            for seats in row.blocks.iter().filter(|seats| !seats.is_empty()) {
                builder.block(seats);
            }
            let blocks = index(builder.blocks.len()) - first_block;
            builder.rows.push(RowSpan { section: row.section, first_block, blocks });
        }
        builder.finish(config.categories.iter().map(|category| category.focal_point).collect())
    }

    pub(super) fn seats(&self) -> u32 {
        index(self.positions.len())
    }

    /// The block of `seat`, and the seat's bit in it.
    pub(super) fn locate(&self, seat: SeatIndex) -> (u32, u128) {
        assert!(seat.0 < self.seats(), "the seat exists: commands that name others are refused");
        let block = self.block_starts.block_of(seat.0);
        (block, 1 << (seat.0 - self.blocks[block as usize].first_seat))
    }

    pub(super) fn stretches_of(&self, block: u32) -> &[Stretch] {
        let block = &self.blocks[block as usize];
        &self.stretches[block.first_stretch as usize..][..block.stretches as usize]
    }

    /// The stretch that `seat` is in, and the seat's bit in it.
    pub(super) fn stretch_of(&self, seat: SeatIndex) -> (&Stretch, u128) {
        let (block, bit) = self.locate(seat);
        let found = self.stretches_of(block).iter().find(|stretch| stretch.all & bit != 0);
        // Every seat has a category and an audience, so `Builder::block` put it into a stretch.
        (found.unwrap_or_else(|| unreachable!("every seat is in a stretch")), bit)
    }

    pub(super) fn zone(&self, category: CategoryId, audience: Audience) -> Option<u32> {
        let slot = category.index() * AUDIENCES_MAX + audience.index();
        self.zone_of.get(slot).copied().filter(|&zone| zone != NO_ZONE)
    }

    pub(super) fn section_of(&self, block: u32) -> SectionId {
        self.rows[self.blocks[block as usize].row as usize].section
    }

    /// The stretches of a zone in the order of a search.
    pub(super) fn ranked(&self, zone: &Zone) -> &[Ranked] {
        &self.ranked[zone.first_ranked as usize..][..zone.stretches as usize]
    }

    /// The ranks of a zone that lie in `section`, ascending.
    pub(super) fn ranks_in(&self, zone: &Zone, section: SectionId) -> &[u32] {
        let ranks = &self.by_section[zone.first_ranked as usize..][..zone.stretches as usize];
        let ranked = self.ranked(zone);
        let section_of =
            |rank: &u32| self.section_of(self.stretches[ranked[*rank as usize].stretch as usize].block);
        let first = ranks.partition_point(|rank| section_of(rank) < section);
        let count = ranks[first..].partition_point(|rank| section_of(rank) == section);
        &ranks[first..first + count]
    }
}

struct Builder {
    policy: SeatingPolicy,
    released: ReleasedChannels,
    positions: Vec<Point>,
    rows: Vec<RowSpan>,
    blocks: Vec<Block>,
    stretches: Vec<Stretch>,
    zones: Vec<Zone>,
    zone_of: Box<[u32]>,
}

impl Builder {
    fn block(&mut self, seats: &[crate::Seat]) {
        assert!(seats.len() <= BLOCK_SEATS_MAX, "validated: a longer block is refused");
        let block = index(self.blocks.len());
        let first_seat = index(self.positions.len());
        let first_stretch = index(self.stretches.len());
        self.positions.extend(seats.iter().map(|seat| seat.position));
        for (place, seat) in seats.iter().enumerate() {
            let bit = 1_u128 << place;
            let zone = self.zone(seat.category, Audience::of(seat.channel, self.released));
            let known = self.stretches[first_stretch as usize..].iter().position(|known| known.zone == zone);
            let at = known.map_or(self.stretches.len(), |place| first_stretch as usize + place);
            if known.is_none() {
                let empty = Stretch {
                    block,
                    first_seat,
                    zone,
                    rank: 0,
                    all: 0,
                    general: 0,
                    wheelchair: 0,
                    neighbours: 0,
                };
                self.stretches.push(empty);
                self.zones[zone as usize].stretches += 1;
            }
            let stretch = &mut self.stretches[at];
            stretch.all |= bit;
            stretch.wheelchair |= if seat.accessible { bit } else { 0 };
            let reserved = (seat.accessible || seat.companion) && !self.policy.accessible_released;
            stretch.general |= if reserved { 0 } else { bit };
        }
        self.neighbours(first_stretch as usize);
        let stretches = index(self.stretches.len()) - first_stretch;
        let row = index(self.rows.len());
        self.blocks.push(Block { first_seat, seats: index(seats.len()), row, first_stretch, stretches });
    }

    fn neighbours(&mut self, first_stretch: usize) {
        for at in first_stretch..self.stretches.len() {
            let audience = self.zones[self.stretches[at].zone as usize].audience;
            self.stretches[at].neighbours = self.stretches[first_stretch..]
                .iter()
                .filter(|other| self.zones[other.zone as usize].audience == audience)
                .fold(0, |seats, other| seats | other.general);
        }
    }

    fn zone(&mut self, category: CategoryId, audience: Audience) -> u32 {
        let slot = category.index() * AUDIENCES_MAX + audience.index();
        if self.zone_of[slot] == NO_ZONE {
            self.zone_of[slot] = index(self.zones.len());
            self.zones.push(Zone { category, audience, first_ranked: 0, stretches: 0 });
        }
        self.zone_of[slot]
    }

    /// Puts the stretches of every zone into the order of a search.
    fn finish(mut self, categories: Box<[Point]>) -> Layout {
        let mut ranked: Vec<Ranked> = (0..index(self.stretches.len()))
            .map(|stretch| Ranked { bound: self.bound(stretch, &categories), stretch })
            .collect();
        // Stretches are numbered by seat: equal bounds are visited by lowest seat.
        let stretches = &mut self.stretches;
        ranked.sort_unstable_by_key(|r| (stretches[r.stretch as usize].zone, r.bound, r.stretch));
        let mut first_ranked = 0;
        for zone in &mut self.zones {
            zone.first_ranked = first_ranked;
            first_ranked += zone.stretches;
        }
        for (place, at) in ranked.iter().enumerate() {
            let stretch = &mut stretches[at.stretch as usize];
            stretch.rank = index(place) - self.zones[stretch.zone as usize].first_ranked;
        }
        let mut by_section: Vec<&Stretch> = stretches.iter().collect();
        let section = |stretch: &Stretch| self.rows[self.blocks[stretch.block as usize].row as usize].section;
        by_section.sort_unstable_by_key(|stretch| (stretch.zone, section(stretch), stretch.rank));
        Layout {
            policy: self.policy,
            by_section: by_section.iter().map(|stretch| stretch.rank).collect(),
            block_starts: BlockStarts::new(self.positions.len(), &self.blocks),
            positions: self.positions.into(),
            categories,
            rows: self.rows.into(),
            blocks: self.blocks.into(),
            stretches: self.stretches.into(),
            zones: self.zones.into(),
            ranked: ranked.into(),
            zone_of: self.zone_of,
        }
    }

    fn bound(&self, stretch: u32, categories: &[Point]) -> u64 {
        let stretch = &self.stretches[stretch as usize];
        let focal = categories[self.zones[stretch.zone as usize].category.index()];
        let positions = &self.positions[stretch.first_seat as usize..];
        (1..=u32::from(TOGETHER_MAX))
            .map_while(|size| {
                let (score, _) = run::nearest(positions, run::windows(stretch.all, size), size, focal)?;
                Some(score / u64::from(size * size))
            })
            .min()
            .unwrap_or_default()
    }
}

/// From a seat to its block: one bit a seat that says "a block starts here", and how many started before each word.
#[derive(Clone, Debug)]
struct BlockStarts {
    words: Box<[(u64, u32)]>,
}

impl BlockStarts {
    fn new(seats: usize, blocks: &[Block]) -> BlockStarts {
        let mut words = vec![(0_u64, 0_u32); seats.div_ceil(64)];
        for block in blocks {
            words[block.first_seat as usize / 64].0 |= 1 << (block.first_seat % 64);
        }
        let mut before = 0;
        for word in &mut words {
            word.1 = before;
            before += word.0.count_ones();
        }
        BlockStarts { words: words.into() }
    }

    fn block_of(&self, seat: u32) -> u32 {
        let (starts, before) = self.words[seat as usize / 64];
        // The first seat starts a block, so at least one start is at or before any seat.
        before + (starts & (u64::MAX >> (63 - seat % 64))).count_ones() - 1
    }
}

/// A position in a list that is no longer than the seats of the hall.
pub(super) fn index(position: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "lists of seats have at most SEATS_MAX elements")]
    let narrow = position as u32;
    narrow
}

const _: () = assert!(crate::SEATS_MAX < u32::MAX as usize, "seats are counted in 32 bits");
