//! Identities inside one event, and of events.

use std::fmt;
use std::num::NonZeroU16;

/// An event's identity: the 128 bits of its UUIDv7, minted by the gateway.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

/// The dense, per-event number of every accepted decision. The first logged event has sequence 1;
/// [`Sequence::ZERO`] stands before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

/// The fencing number of an ownership: it grows by one whenever a writer is activated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// A person as the engine knows one: a 128-bit keyed hash made at the gateway. Never a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(pub u128);

/// Logged time: milliseconds since the Unix epoch, never going back within one event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

/// A payment provider by its number: 1 the sandbox, 2 Stripe, 3 PayPal, 4 Razorpay; others from 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub NonZeroU16);

impl Sequence {
    /// The position before the first event.
    pub const ZERO: Sequence = Sequence(0);

    /// The sequence `count` events later.
    #[must_use]
    pub const fn plus(self, count: u64) -> Sequence {
        Sequence(self.0 + count)
    }
}

impl Timestamp {
    /// The instant `ms` milliseconds later, saturating at the end of time.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event:{:032x}", self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subject:{:032x}", self.0)
    }
}

macro_rules! plain_display {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
    )*};
}
plain_display!(Sequence, Epoch, Timestamp);
