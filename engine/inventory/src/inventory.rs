//! The state of one event, with its two functions: `decide` may refuse, `apply` cannot fail.

use std::sync::Arc;

use crate::claims::Claims;
use crate::deadlines::Deadlines;
use crate::decide::Scratch;
use crate::expired::Expired;
use crate::keys::Keys;
use crate::killed_seats::SeatsToKill;
use crate::mutant::Mutation;
use crate::orders::Orders;
use crate::passages::Devices;
use crate::pools::Pools;
use crate::quoted::Quoted;
use crate::seating::{ReleasedChannels, Seating};
use crate::subjects::Subjects;
use crate::terms::Terms;
use crate::waitlist::Waitlist;
use crate::windows::Windows;
use crate::{
    Availability, ClaimNumber, ClaimView, Command, Config, Event, EventBody, EventId, Image, ImageError,
    Phase, Rejection, SeatMap, Sequence, Timestamp,
};

/// The inventory of one event.
#[derive(Clone, Debug)]
pub struct Inventory {
    pub(crate) event: EventId,
    pub(crate) sequence: Sequence,
    pub(crate) logged_at: Timestamp,
    pub(crate) phase: Phase,
    /// 0: no configuration yet; `config` is the empty one.
    pub(crate) version: u32,
    pub(crate) config: Arc<Config>,
    /// The digest's share of the configuration.
    pub(crate) config_mix: u128,
    pub(crate) released: ReleasedChannels,
    pub(crate) terms: Terms,
    pub(crate) windows: Windows,
    pub(crate) pools: Pools,
    pub(crate) seating: Seating,
    /// The digest's share of the seats' states.
    pub(crate) seats_sum: u128,
    pub(crate) seats_to_kill: SeatsToKill,
    pub(crate) subjects: Subjects,
    pub(crate) claims: Claims,
    pub(crate) orders: Orders,
    pub(crate) quoted: Quoted,
    /// Those that recorded scans.
    pub(crate) devices: Devices,
    pub(crate) keys: Keys,
    pub(crate) deadlines: Deadlines,
    pub(crate) expired: Expired,
    pub(crate) waitlist: Waitlist,
    /// Boxed, so that taking it for a decision moves one word.
    pub(crate) scratch: Option<Box<Scratch>>,
    pub(crate) mutation: Mutation,
}

/// What `decide` answers when it does not refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Apply and log this; its sequence is the next one.
    Accepted(EventBody),
    /// The same key and body were accepted before, as the event of this sequence: render that reply again.
    Repeated(Sequence),
}

/// A 128-bit digest of the whole state, kept incrementally.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Digest(pub u128);

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A named invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name, such as `I1`.
    pub invariant: &'static str,
    /// What was found.
    pub detail: String,
}

impl Inventory {
    /// An event before its first configuration: draft, nothing in it.
    #[must_use]
    pub fn new(event: EventId) -> Self {
        let config = Config::empty();
        Inventory {
            event,
            sequence: Sequence::ZERO,
            logged_at: Timestamp(0),
            phase: Phase::Draft,
            version: 0,
            released: ReleasedChannels::NONE,
            terms: Terms::default(),
            windows: Windows::default(),
            pools: Pools::default(),
            seating: Seating::new(&config),
            config_mix: crate::config_mix::mix(&config),
            config: Arc::new(config),
            seats_sum: 0,
            seats_to_kill: SeatsToKill::default(),
            subjects: Subjects::new(),
            claims: Claims::default(),
            orders: Orders::new(),
            quoted: Quoted::default(),
            devices: Devices::default(),
            keys: Keys::new(),
            deadlines: Deadlines::default(),
            expired: Expired::default(),
            waitlist: Waitlist::default(),
            scratch: None,
            mutation: Mutation::default(),
        }
    }

    /// The same state, from now on with a deliberate defect.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(self, mutant: crate::mutant::Mutant) -> Self {
        Inventory { mutation: Mutation::of(mutant), ..self }
    }

    /// Decide one command at logged time `now`. Nothing of the state changes (scratch memory may).
    ///
    /// # Errors
    /// A [`Rejection`]: a pure function of (state at [`Self::sequence`], command, now).
    pub fn decide(&mut self, now: Timestamp, command: &Command) -> Result<Decision, Rejection> {
        let mut scratch = self.scratch.take().unwrap_or_default();
        let decision = self.decide_with(&mut scratch, now, command);
        self.scratch = Some(scratch);
        decision
    }

    /// The next thing that time does at or before `now`, if any is due: call and apply until `None`, within the turn's budget,
    /// before commands are decided at `now`.
    pub fn decide_due(&mut self, now: Timestamp) -> Option<EventBody> {
        self.deadlines.next(now)
    }

    /// What follows from the state alone, at logged time `now`: an offer to who waits, or the end of an entry. Call and apply until `None`,
    /// before anything else is decided.
    pub fn decide_consequence(&mut self, now: Timestamp) -> Option<EventBody> {
        self.consequence(now)
    }

    /// Whether [`Self::decide_consequence`] may have something to say. After it said nothing, it has not.
    #[must_use]
    pub fn may_have_consequence(&self) -> bool {
        !self.waitlist.marks().is_empty() || self.waitlist.first_lost().is_some()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waitlist.len()
    }

    /// What the promotion at this position of the tariff has taken off claims and orders that count against its amount, in minor units.
    #[must_use]
    pub fn promotion_given_minor(&self, promotion: u16) -> i64 {
        self.quoted.given(promotion).map_or(0, |given| given.amount_minor)
    }

    /// When the next thing is due that time does.
    #[must_use]
    pub fn next_due_at(&self) -> Option<Timestamp> {
        self.deadlines.next_at()
    }

    /// Apply the next event; its sequence is `self.sequence() + 1`.
    ///
    /// # Panics
    /// When the event could not have been decided on this state: a defect, or another event's log.
    pub fn apply(&mut self, event: &Event) {
        self.apply_event(event);
    }

    /// The event's identity.
    #[must_use]
    pub fn event(&self) -> EventId {
        self.event
    }

    /// Sequence of the last applied event.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Logged time of the last applied event.
    #[must_use]
    pub fn logged_at(&self) -> Timestamp {
        self.logged_at
    }

    /// The configuration and its version, once there is one.
    #[must_use]
    pub fn config(&self) -> Option<(u32, &Arc<Config>)> {
        (self.version > 0).then_some((self.version, &self.config))
    }

    /// Incremental digest of the state.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest_of_state()
    }

    /// The public's view of the stock: cheap (no scan of holds or seats).
    #[must_use]
    pub fn availability(&self) -> Availability {
        self.view_availability()
    }

    /// Every seat's state; copies two bits a seat.
    #[must_use]
    pub fn seat_map(&self) -> SeatMap {
        SeatMap { sequence: self.sequence, seats: self.seating.seats(), states: self.seating.map().into() }
    }

    /// A live hold or an order; `None` for what never was or has ended without a sale.
    #[must_use]
    pub fn claim(&self, number: ClaimNumber) -> Option<ClaimView> {
        self.view_claim(number)
    }

    /// The state as plain columns, for a snapshot.
    #[must_use]
    pub fn export(&self) -> Image {
        self.to_image()
    }

    /// The state of an image.
    ///
    /// # Errors
    /// [`ImageError`] when the columns contradict each other or the digest.
    #[allow(clippy::needless_pass_by_value)] // an image is large and of no use afterwards
    pub fn import(image: Image) -> Result<Self, ImageError> {
        Self::from_image(&image)
    }

    /// Check every invariant from scratch, the digest included. Expensive.
    ///
    /// # Errors
    /// The first [`Violation`] found.
    pub fn check(&self) -> Result<(), Violation> {
        self.check_invariants()
    }
}
