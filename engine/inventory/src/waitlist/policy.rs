//! What an organizer configures of the waitlist, and what people ask of it.

use crate::{
    Config, HOLD_MS_DEFAULT, Rejection, RequestError, Subjects, TOGETHER_MAX, TicketKind, TicketTypeId,
};

/// Most entries of one event.
pub const WAITLIST_ENTRIES_MAX: u32 = 1_000_000;
/// Entries of one event unless configured otherwise.
pub const WAITLIST_ENTRIES_DEFAULT: u32 = 100_000;
/// Most entries that a configuration may allow one subject.
pub const WAITLIST_PER_SUBJECT_MAX: u8 = 16;
/// Most ticket types that one entry names.
pub const CHOICES_MAX: usize = 4;
/// Longest time for which units are kept for the head of a line, in milliseconds (24 hours).
pub const PATIENCE_MS_MAX: u64 = 24 * 60 * 60_000;
/// How long an offer is good, in milliseconds, unless configured otherwise.
pub const OFFER_MS_DEFAULT: u64 = HOLD_MS_DEFAULT;
/// The priority of who has none; lower ones are served first.
pub const PRIORITY_DEFAULT: u8 = 128;

/// The number of an entry: the sequence of its `WaitlistJoined`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryNumber(pub u64);

/// Whether and how people may wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitlistPolicy {
    /// Whether people may wait. Entries that are there when it ends, end.
    pub enabled: bool,
    /// Who is served when the head of a line does not fit.
    pub order: WaitlistOrder,
    /// For how long units are kept for the head of a line that [`WaitlistOrder::Accumulate`]s, in milliseconds; at most
    /// [`PATIENCE_MS_MAX`].
    pub patience_ms: u64,
    /// How long an offer is good, in milliseconds, within the bounds of a hold.
    pub offer_ms: u64,
    /// Most entries; at most [`WAITLIST_ENTRIES_MAX`].
    pub entries_max: u32,
    /// The types that people may wait for, ascending; empty: all. Types that need a code, and add-ons, have no line.
    pub types: Vec<TicketTypeId>,
    /// Whether who names no highest price is offered a type at a higher price than when joining.
    pub price_may_rise: bool,
    /// Most entries of one subject; at most [`WAITLIST_PER_SUBJECT_MAX`].
    pub per_subject_max: u8,
}

/// Who is served when the head of a line does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WaitlistOrder {
    /// The oldest that fits: a pair may pass a group of six.
    #[default]
    Fit,
    /// Nobody: units are kept for the head, for a bounded time.
    Accumulate,
}

impl Default for WaitlistPolicy {
    fn default() -> Self {
        WaitlistPolicy {
            enabled: true,
            order: WaitlistOrder::Fit,
            patience_ms: 0,
            offer_ms: OFFER_MS_DEFAULT,
            entries_max: WAITLIST_ENTRIES_DEFAULT,
            types: Vec::new(),
            price_may_rise: false,
            per_subject_max: 1,
        }
    }
}

/// A ticket type that an entry would take, and how many of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// Which type.
    pub ticket_type: TicketTypeId,
    /// How many units, all or none.
    pub quantity: u16,
    /// How they are to stand.
    pub manner: Manner,
}

/// How the units of an entry are to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manner {
    /// Units of a standing type.
    Standing,
    /// Seats together.
    Together,
    /// Seats together, or else split.
    TogetherOrSplit,
    /// Seats together with this many wheelchair spaces; the others are companions.
    Accessible(u8),
}

impl Manner {
    /// How many wheelchair spaces.
    #[must_use]
    pub const fn accessible(self) -> u8 {
        match self {
            Manner::Accessible(spaces) => spaces,
            Manner::Standing | Manner::Together | Manner::TogetherOrSplit => 0,
        }
    }

    /// Its word in columns and messages: 0 standing, 1 together, 2 together or split, 3 and more: so many wheelchair spaces and 2.
    #[must_use]
    pub const fn word(self) -> u16 {
        match self {
            Manner::Standing => 0,
            Manner::Together => 1,
            Manner::TogetherOrSplit => 2,
            Manner::Accessible(spaces) => 2 + spaces as u16,
        }
    }

    /// The manner of a word.
    #[must_use]
    pub fn of_word(word: u16) -> Option<Manner> {
        Some(match word {
            0 => Manner::Standing,
            1 => Manner::Together,
            2 => Manner::TogetherOrSplit,
            _ => Manner::Accessible(u8::try_from(word - 2).ok()?),
        })
    }
}

impl Choice {
    /// As a word of a column: `type | quantity << 16 | manner << 32`.
    pub(crate) fn word(&self) -> u64 {
        u64::from(self.ticket_type.0) | u64::from(self.quantity) << 16 | u64::from(self.manner.word()) << 32
    }
}

/// A request to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinWaitlist {
    /// Who waits, and who the offer will count against.
    pub subjects: Subjects,
    /// 1 to [`CHOICES_MAX`] types, each once, in the order of preference; one of them will be offered.
    pub choices: Vec<Choice>,
    /// Highest unit price, in minor units; `None`: as the policy says.
    pub price_max_minor: Option<i64>,
    /// Only the organizer's to give; `None`: [`PRIORITY_DEFAULT`].
    pub priority: Option<u8>,
}

/// Somebody waits from now on; the number is the event's sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitlistJoined {
    /// Who waits.
    pub subjects: Subjects,
    /// For what.
    pub choices: Vec<Choice>,
    /// At most at this unit price, in minor units.
    pub price_max_minor: Option<i64>,
    /// Lower ones are served first.
    pub priority: u8,
}

/// Why somebody does not wait any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeftReason {
    /// Whoever waited left, or was taken out by the organizer.
    Left,
    /// When it was served, a limit per subject had been reached.
    Limit,
    /// Every type that it named costs more than its highest price.
    Price,
    /// The waitlist was closed.
    Closed,
    /// None of the types that it named has a line any more, or sells that many.
    TypeGone,
}

/// Why a configuration has no line for a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoLine {
    /// There is no waitlist.
    Closed,
    /// Not for this type, or not so.
    Refused(Rejection),
    /// The type costs more than the highest price.
    Price(Rejection),
}

/// Whether a configuration has a line for a choice.
pub(crate) fn line_for(config: &Config, choice: &Choice, price_max_minor: Option<i64>) -> Result<(), NoLine> {
    let Some(policy) = config.waitlist.as_deref().filter(|policy| policy.enabled) else {
        return Err(NoLine::Closed);
    };
    let wrong = |error| Err(NoLine::Refused(Rejection::InvalidRequest(error)));
    let (id, quantity) = (choice.ticket_type, choice.quantity);
    let Some(known) = config.ticket_type(id) else { return wrong(RequestError::UnknownTicketType) };
    let is_listed = policy.types.is_empty() || policy.types.contains(&id);
    if !is_listed || known.access_code.is_some() || known.kind != TicketKind::Admission {
        return Err(NoLine::Refused(Rejection::WaitlistClosed));
    }
    if known.category.is_none() != (choice.manner == Manner::Standing) {
        return wrong(RequestError::WrongKindOfLine);
    }
    if known.category.is_some() && quantity > TOGETHER_MAX {
        return wrong(RequestError::TooManyUnits);
    }
    if let Manner::Accessible(spaces) = choice.manner {
        let spaces = u16::from(spaces);
        let companions_max = spaces * u16::from(config.seating.companions_max);
        if spaces == 0 || spaces > quantity || quantity - spaces > companions_max {
            return wrong(RequestError::TooManyCompanions);
        }
    }
    let (min, max) = (known.per_order_min, known.per_order_max);
    if !(min..=max).contains(&quantity) {
        return Err(NoLine::Refused(Rejection::OrderSize { ticket_type: id, min, max }));
    }
    let price_minor = known.price_minor;
    if price_max_minor.is_some_and(|max| price_minor > max) {
        return Err(NoLine::Price(Rejection::PriceChanged { ticket_type: id, price_minor }));
    }
    Ok(())
}
