//! What an organizer (and the platform) adds to prices and takes off them.

use crate::FEES_MAX;

/// Everything that makes a bill more than quantity times price. The default does nothing. Positions in its lists are identities: entries are
/// only ever appended.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tariff {
    /// Taxes; sets of them are the bits of a byte.
    pub taxes: Vec<Tax>,
    /// The organizer's fees.
    pub fees: Vec<Fee>,
    /// The platform's fees.
    pub platform_fees: Vec<Fee>,
    /// Types that cost less together, in the order in which they are looked for.
    pub bundles: Vec<Bundle>,
    /// Discounts for who knows a code.
    pub promotions: Vec<Promotion>,
    /// What the platform takes of the price.
    pub commission: Commission,
    /// What the total is a multiple of, in minor units; 0 and 1: no rounding.
    pub rounding_unit_minor: u32,
    /// Bits of `taxes`, by ticket type; a type that is not there has none.
    pub type_taxes: Vec<u8>,
}

/// A tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tax {
    /// Shown to people.
    pub name: Box<str>,
    /// Its rate in millionths.
    pub rate_ppm: u32,
    /// Whether prices contain it; it is added to them otherwise.
    pub included: bool,
}

/// A fee: `fixed_minor` and a rate of the discounted price, within bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// Shown to people.
    pub name: Box<str>,
    /// What it is taken of. Its amounts are for one such thing.
    pub basis: Basis,
    /// Fixed part in minor units.
    pub fixed_minor: i64,
    /// Part of the discounted price, in millionths.
    pub rate_ppm: u32,
    /// Never less than this, in minor units.
    pub min_minor: i64,
    /// Never more than this, in minor units.
    pub max_minor: Option<i64>,
    /// Who pays it.
    pub payer: Payer,
    /// Taxes on it, as bits.
    pub taxes: u8,
    /// Ticket types that it is taken of.
    pub types: TypeSet,
    /// Whether a refund gives it back.
    pub refundable: bool,
}

/// What a fee is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Basis {
    /// Each admission.
    PerTicket = 0,
    /// Each add-on.
    PerAddOn = 1,
    /// Each order that has something of its types.
    PerOrder = 2,
}

/// Who pays a line of a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Payer {
    /// It is in what the buyer pays.
    Buyer = 0,
    /// It comes off what the organizer is paid.
    Organizer = 1,
}

/// Types that cost less together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Shown to people.
    pub name: Box<str>,
    /// Ticket types, each once, and how many units of each.
    pub parts: Vec<(u16, u16)>,
    /// What they cost together, in minor units.
    pub price_minor: i64,
}

/// A discount for who knows a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// Keyed hash of its code; its identity.
    pub code: u128,
    /// What it takes off.
    pub effect: Effect,
    /// Ticket types that it takes something off.
    pub types: TypeSet,
    /// First instant, in milliseconds; `None`: from the beginning.
    pub opens_at: Option<u64>,
    /// First instant after, in milliseconds; `None`: for ever.
    pub closes_at: Option<u64>,
    /// Most holds and orders that may use it; `None`: unlimited.
    pub uses_max: Option<u32>,
    /// Most that it takes off in all, in minor units; `None`: unlimited.
    pub amount_max_minor: Option<i64>,
    /// Most holds and orders of one subject that may use it; `None`: unlimited.
    pub per_subject_max: Option<u32>,
    /// Number of single-use codes; 0: one code for everyone.
    pub serials: u32,
    /// Whether a use comes back once every ticket of its order is refunded.
    pub returns_on_refund: bool,
}

/// What a promotion takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This part of the price, in millionths.
    PercentPpm(u32),
    /// This many minor units off each ticket, and at most its price.
    FixedPerTicket(i64),
    /// This many minor units off the order, and at most its price.
    FixedPerOrder(i64),
}

/// What the platform takes of the price, which the organizer pays; never more than the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Commission {
    /// Part of the discounted price without added tax, in millionths.
    pub ppm: u32,
    /// Fixed part of each admission, in minor units.
    pub fixed_minor: i64,
    /// Whether a refund gives it back to the organizer.
    pub returned: bool,
}

/// A set of ticket types by position, ascending. The empty set stands for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TypeSet(pub Vec<u16>);

impl TypeSet {
    /// Whether a ticket type is in it.
    #[must_use]
    pub fn contains(&self, ticket_type: u16) -> bool {
        self.0.is_empty() || self.0.binary_search(&ticket_type).is_ok()
    }
}

impl Tariff {
    /// Every fee with its number in quotes: the organizer's, then the platform's from [`FEES_MAX`] on.
    pub(crate) fn all_fees(&self) -> impl Iterator<Item = (u16, &Fee)> {
        let of_platform = (PLATFORM_FEES_FROM..).zip(&self.platform_fees);
        (0..).zip(&self.fees).chain(of_platform)
    }

    /// The taxes of a ticket type, as bits.
    pub(crate) fn taxes_of(&self, ticket_type: u16) -> u8 {
        self.type_taxes.get(usize::from(ticket_type)).copied().unwrap_or(0)
    }

    /// The taxes of a set of bits, with their positions.
    pub(crate) fn taxes_in(&self, bits: u8) -> impl Iterator<Item = (u16, &Tax)> {
        (0..).zip(&self.taxes).filter(move |(at, _)| bits >> at & 1 == 1)
    }
}

/// The number of the platform's first fee in quotes.
#[allow(clippy::cast_possible_truncation)] // sixteen
pub(crate) const PLATFORM_FEES_FROM: u16 = FEES_MAX as u16;
