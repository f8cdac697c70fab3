//! The state of one event, with its two functions: `decide` may refuse, `apply` cannot fail.

use crate::{
    Availability, ClaimNumber, ClaimView, Command, Config, Event, EventBody, EventId, Image, ImageError,
    Rejection, SeatMap, Sequence, Timestamp,
};

/// The inventory of one event.
#[derive(Clone, Debug)]
pub struct Inventory {
    event: EventId,
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

#[allow(clippy::unimplemented, unused_variables)]
impl Inventory {
    /// An event before its first configuration: draft, nothing in it.
    #[must_use]
    pub fn new(event: EventId) -> Self {
        Inventory { event }
    }

    /// Decide one command at logged time `now`. Nothing of the state changes (scratch memory may).
    ///
    /// # Errors
    /// A [`Rejection`]: a pure function of (state at [`Self::sequence`], command, now).
    pub fn decide(&mut self, now: Timestamp, command: &Command) -> Result<Decision, Rejection> {
        unimplemented!()
    }

    /// The next thing that time does at or before `now`, if any is due: call and apply until `None`, within the turn's budget,
    /// before commands are decided at `now`.
    pub fn decide_due(&mut self, now: Timestamp) -> Option<EventBody> {
        unimplemented!()
    }

    /// When the next thing is due that time does.
    #[must_use]
    pub fn next_due_at(&self) -> Option<Timestamp> {
        unimplemented!()
    }

    /// Apply the next event; its sequence is `self.sequence() + 1`.
    pub fn apply(&mut self, event: &Event) {
        unimplemented!()
    }

    /// The event's identity.
    #[must_use]
    pub fn event(&self) -> EventId {
        self.event
    }

    /// Sequence of the last applied event.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        unimplemented!()
    }

    /// Logged time of the last applied event.
    #[must_use]
    pub fn logged_at(&self) -> Timestamp {
        unimplemented!()
    }

    /// The configuration and its version, once there is one.
    #[must_use]
    pub fn config(&self) -> Option<(u32, &std::sync::Arc<Config>)> {
        unimplemented!()
    }

    /// Incremental digest of the state.
    #[must_use]
    pub fn digest(&self) -> Digest {
        unimplemented!()
    }

    /// The public's view of the stock: cheap (no scan of holds or seats).
    #[must_use]
    pub fn availability(&self) -> Availability {
        unimplemented!()
    }

    /// Every seat's state; copies two bits a seat.
    #[must_use]
    pub fn seat_map(&self) -> SeatMap {
        unimplemented!()
    }

    /// A live hold or an order; `None` for what never was or has ended without a sale.
    #[must_use]
    pub fn claim(&self, number: ClaimNumber) -> Option<ClaimView> {
        unimplemented!()
    }

    /// The state as plain columns, for a snapshot.
    #[must_use]
    pub fn export(&self) -> Image {
        unimplemented!()
    }

    /// The state of an image.
    ///
    /// # Errors
    /// [`ImageError`] when the columns contradict each other or the digest.
    pub fn import(image: Image) -> Result<Self, ImageError> {
        unimplemented!()
    }

    /// Check every invariant from scratch, the digest included. Expensive.
    ///
    /// # Errors
    /// The first [`Violation`] found.
    pub fn check(&self) -> Result<(), Violation> {
        unimplemented!()
    }
}
