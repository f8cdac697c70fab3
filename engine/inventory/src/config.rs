//! What an organizer configures: pools, seats, channels, ticket types, limits and policies.
//!
//! A configuration is a value: `configure` replaces the whole of it, and the checks in `validate` decide whether the
//! old one may become the new one. Lists only ever grow, so an index stays an identity for ever.

use std::sync::Arc;

use tessera_pricing::Tariff;

use crate::{EntryList, FORMAT_MIN, Subject, Timestamp, WaitlistOrder, WaitlistPolicy};

/// Most pools of one event.
pub const POOLS_MAX: usize = 256;
/// Most ticket types of one event.
pub const TICKET_TYPES_MAX: usize = 256;
/// Most channels of one event.
pub const CHANNELS_MAX: usize = 62;
/// Most categories of one event.
pub const CATEGORIES_MAX: usize = 64;
/// Most sections of one event.
pub const SECTIONS_MAX: usize = 4_096;
/// Most seats of one event.
pub const SEATS_MAX: usize = 1_000_000;
/// Most seats in one block (a run without aisle or gap); a longer one needs an aisle in the venue file.
pub const BLOCK_SEATS_MAX: usize = 128;
/// Largest capacity of one pool.
pub const POOL_CAPACITY_MAX: u32 = 10_000_000;
/// Most pools that one ticket type draws on.
pub const DRAWS_MAX: usize = 8;
/// Longest name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 120;
/// Longest seat label, in bytes.
pub const SEAT_LABEL_BYTES_MAX: usize = 8;
/// Most units in one hold.
pub const HOLD_UNITS_MAX: u16 = 50;
/// Most lines in one hold.
pub const HOLD_LINES_MAX: usize = 16;
/// Most seats that best available puts together.
pub const TOGETHER_MAX: u16 = 20;
/// Farthest coordinate from the origin of the venue, in millimetres (1 km).
pub const COORDINATE_MM_MAX: i32 = 1_000_000;
/// Highest unit price in minor units.
pub const PRICE_MINOR_MAX: i64 = 1_000_000_000_000;
/// Shortest and longest time a hold lasts, and the default, in milliseconds.
pub const HOLD_MS_MIN: u64 = 60_000;
/// See [`HOLD_MS_MIN`].
pub const HOLD_MS_MAX: u64 = 120 * 60_000;
/// See [`HOLD_MS_MIN`].
pub const HOLD_MS_DEFAULT: u64 = 10 * 60_000;
/// Longest cap on the whole life of a hold, in milliseconds (24 hours).
pub const HOLD_LIFE_MS_MAX: u64 = 24 * 60 * 60_000;
/// Renewals of one hold unless configured otherwise.
pub const RENEWALS_DEFAULT: u8 = 2;
/// Payment attempts of one hold.
pub const PAYMENT_ATTEMPTS_MAX: u8 = 3;
/// Longest grace for a payment in flight, in milliseconds.
pub const GRACE_MS_MAX: u64 = 15 * 60_000;
/// How long an idempotency record of a settled command is kept, in milliseconds (24 hours).
pub const KEY_RETENTION_MS: u64 = 24 * 60 * 60_000;

macro_rules! index {
    ($(#[$doc:meta] $name:ident($inner:ty)),* $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The position in its list.
            #[must_use]
            pub const fn index(self) -> usize { self.0 as usize }
        }
    )*};
}
index! {
    /// Position of a pool in [`Config::pools`].
    PoolId(u16),
    /// Position of a category in [`Config::categories`].
    CategoryId(u16),
    /// Position of a section in [`Config::sections`].
    SectionId(u16),
    /// Position of a ticket type in [`Config::ticket_types`].
    TicketTypeId(u16),
    /// Position of a channel in [`Config::channels`].
    ChannelId(u8),
    /// Dense index of a seat, in the order of [`Config::rows`]; only ever appended.
    SeatIndex(u32),
}

/// A keyed hash of an access code, made at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessCode(pub u128);

/// Everything an organizer decides about the inventory of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// ISO 4217 code of the one currency of all prices, such as `*b"EUR"`.
    pub currency: [u8; 3],
    /// Named capacity counters.
    pub pools: Vec<Pool>,
    /// Price areas of seats.
    pub categories: Vec<Category>,
    /// Names of the sections of the hall.
    pub sections: Vec<Box<str>>,
    /// Rows of seats; their order gives each seat its [`SeatIndex`].
    pub rows: Arc<[Row]>,
    /// Allotments for promoter, sponsors, fan club, box office.
    pub channels: Vec<Channel>,
    /// What a buyer picks.
    pub ticket_types: Vec<TicketType>,
    /// Most units of the event per subject, over live holds and orders; `None`: unlimited.
    pub units_per_subject_max: Option<u32>,
    /// How long holds last.
    pub hold: HoldPolicy,
    /// How seats are given out.
    pub seating: SeatingPolicy,
    /// When the phases begin by themselves.
    pub schedule: Schedule,
    /// What is added to prices and taken off them; `None`: nothing.
    pub tariff: Option<Box<Tariff>>,
    /// Which gate admits what, and when; none: every gate admits every admission.
    pub entry: Vec<EntryList>,
    /// Whether people may wait for what is sold out; `None`: nobody.
    pub waitlist: Option<Box<WaitlistPolicy>>,
}

/// A named capacity counter: a standing area, "VIP", a shared quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Shown to people.
    pub name: Box<str>,
    /// Units in all, allotments of channels included.
    pub capacity: u32,
}

/// A price area of seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Shown to people.
    pub name: Box<str>,
    /// Best available is nearest to this point.
    pub focal_point: Point,
}

/// A position in the hall, in millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Point {
    /// Millimetres to the right of the origin.
    pub x_mm: i32,
    /// Millimetres away from the stage.
    pub y_mm: i32,
}

/// A row of seats. Aisles and gaps end a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its section.
    pub section: SectionId,
    /// Its label within the section.
    pub label: Box<str>,
    /// Runs of adjacent seats, each at most [`BLOCK_SEATS_MAX`].
    pub blocks: Box<[Box<[Seat]>]>,
}

/// One named place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its label within the row, ASCII padded with zero bytes.
    pub label: [u8; SEAT_LABEL_BYTES_MAX],
    /// Its price area.
    pub category: CategoryId,
    /// The channel it is allotted to, until that channel is released.
    pub channel: Option<ChannelId>,
    /// Where it stands.
    pub position: Point,
    /// A wheelchair space: given only to the wish for one, until released.
    pub accessible: bool,
    /// Beside a wheelchair space: kept with it, until released.
    pub companion: bool,
    /// Sold with a warning.
    pub restricted_view: bool,
}

/// An allotment: slices of pools, and seats, for those who know a code, until its release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Shown to people.
    pub name: Box<str>,
    /// Who knows this code draws on the channel.
    pub code: AccessCode,
    /// Units of each pool kept for the channel; a pool at most once.
    pub allotments: Vec<(PoolId, u32)>,
    /// When what is left goes to everyone; `None`: only by the organizer's command.
    pub release_at: Option<Timestamp>,
}

/// What a buyer picks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketType {
    /// Shown to people.
    pub name: Box<str>,
    /// Price of one unit in minor units of [`Config::currency`].
    pub price_minor: i64,
    /// When it sells.
    pub window: SaleWindow,
    /// Fewest units of it in one hold (at least 1).
    pub per_order_min: u16,
    /// Most units of it in one hold.
    pub per_order_max: u16,
    /// Most units of it per subject, over live holds and orders; `None`: unlimited.
    pub per_subject_max: Option<u32>,
    /// Public, or only for who knows this code. A type with a code also sells in the presale.
    pub access_code: Option<AccessCode>,
    /// The seats it draws on: all of this category; `None`: standing.
    pub category: Option<CategoryId>,
    /// The pools it draws on, one unit each; a hold takes from all of them or from none.
    pub draws_on: Vec<PoolId>,
    /// Whether it admits its holder.
    pub kind: TicketKind,
}

/// What a ticket of a type is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TicketKind {
    /// It admits its holder.
    #[default]
    Admission,
    /// It goes with admissions in the same hold (parking, a programme) and makes a voucher, which no gate admits.
    AddOn {
        /// Most units with each admission of the hold; 0: any number.
        with_admission_max: u16,
    },
}

/// Half-open window of time in which a ticket type sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SaleWindow {
    /// First instant; `None`: since ever.
    pub opens_at: Option<Timestamp>,
    /// First instant after; `None`: for ever.
    pub closes_at: Option<Timestamp>,
}

/// How long holds last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldPolicy {
    /// From placing (or renewing) to the deadline, in milliseconds.
    pub duration_ms: u64,
    /// How often a hold may be renewed.
    pub renewals_max: u8,
    /// Cap on the whole life of a hold, in milliseconds from its placing.
    pub life_ms_max: u64,
    /// How long a payment may be in flight, in milliseconds.
    pub grace_ms: u64,
}

/// How seats are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatingPolicy {
    /// Whether a hold may leave a single seat alone.
    pub stranding_allowed: bool,
    /// Companions per wheelchair space.
    pub companions_max: u8,
    /// Whether wheelchair spaces and companion seats are sold like any other.
    pub accessible_released: bool,
}

/// When the phases begin by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Schedule {
    /// Scheduled becomes presale.
    pub presale_at: Option<Timestamp>,
    /// Scheduled or presale becomes on sale.
    pub on_sale_at: Option<Timestamp>,
    /// Scheduled, presale, on sale or paused becomes closed.
    pub closes_at: Option<Timestamp>,
}

/// The subjects that one hold counts against: the buyer, and more where the event demands it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subjects {
    /// Who holds.
    pub primary: Subject,
    /// Payment fingerprint, verified e-mail and the like; at most [`EXTRA_SUBJECTS_MAX`].
    pub extra: Vec<Subject>,
}

/// Most subjects of one hold besides the primary.
pub const EXTRA_SUBJECTS_MAX: usize = 3;

impl Default for HoldPolicy {
    fn default() -> Self {
        HoldPolicy {
            duration_ms: HOLD_MS_DEFAULT,
            renewals_max: RENEWALS_DEFAULT,
            life_ms_max: 3 * HOLD_MS_DEFAULT,
            grace_ms: GRACE_MS_MAX,
        }
    }
}

impl Config {
    /// The configuration of an event that has none: nothing to sell.
    #[must_use]
    pub fn empty() -> Self {
        Config {
            currency: *b"XXX",
            pools: Vec::new(),
            categories: Vec::new(),
            sections: Vec::new(),
            rows: Arc::new([]),
            channels: Vec::new(),
            ticket_types: Vec::new(),
            units_per_subject_max: None,
            hold: HoldPolicy::default(),
            seating: SeatingPolicy {
                stranding_allowed: false,
                companions_max: 0,
                accessible_released: false,
            },
            schedule: Schedule::default(),
            tariff: None,
            entry: Vec::new(),
            waitlist: None,
        }
    }

    /// The oldest format that can say it.
    pub(crate) fn format(&self) -> u16 {
        let has_add_ons = self.ticket_types.iter().any(|known| known.kind != TicketKind::Admission);
        let is_new =
            self.tariff.is_some() || has_add_ons || !self.entry.is_empty() || self.waitlist.is_some();
        if is_new { 2 } else { FORMAT_MIN }
    }

    /// Whether units are kept for the head of a line that does not fit.
    pub(crate) fn accumulates(&self) -> bool {
        self.waitlist.as_deref().is_some_and(|policy| policy.order == WaitlistOrder::Accumulate)
    }

    /// Whether a ticket type is an add-on.
    pub(crate) fn is_add_on(&self, id: TicketTypeId) -> bool {
        self.ticket_type(id).is_some_and(|known| known.kind != TicketKind::Admission)
    }

    /// A ticket type, if there is one at this position.
    pub(crate) fn ticket_type(&self, id: TicketTypeId) -> Option<&TicketType> {
        self.ticket_types.get(id.index())
    }

    /// The identities of the ticket types.
    pub(crate) fn ticket_type_ids(&self) -> impl Iterator<Item = TicketTypeId> + use<> {
        (0_u16..).map(TicketTypeId).take(self.ticket_types.len())
    }
}

impl Channel {
    /// Units of the pool at this position that are kept for the channel.
    pub(crate) fn allotment(&self, pool: usize) -> Option<u32> {
        self.allotments.iter().find(|(of, _)| of.index() == pool).map(|&(_, units)| units)
    }
}

// A quote is of a hold.
const _: () = assert!(
    HOLD_LINES_MAX == tessera_pricing::BASKET_LINES_MAX
        && HOLD_UNITS_MAX == tessera_pricing::BASKET_UNITS_MAX
        && PRICE_MINOR_MAX == tessera_pricing::AMOUNT_MINOR_MAX
);
