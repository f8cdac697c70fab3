//! Payments without I/O: what the log wants of an attempt to pay, what its provider has said, and what to do next.
//!
//! The log gives a [`Want`], the provider gives [`Facts`] that only grow, and [`next`] says what follows. A [`Desk`] drives the payments of a
//! lane: it takes [`Input`]s and puts out [`Output`]s, which the shell around it performs. It never waits, never reads a clock, and keeps
//! nothing that the rows do not say but what is under way. The reasons are in `docs/adr/0016-payments.md`.

mod abilities;
mod alarm;
mod apply;
mod backoff;
mod booking;
mod call;
mod change;
mod desk;
mod fact;
mod id;
mod key;
mod limits;
mod mutant;
mod next;
mod payment;

pub use abilities::Abilities;
pub use alarm::{Alarm, alarms};
pub use booking::{Booked, bookings};
pub use call::{Answer, Ask, AskAnswer, Operation, Refusal};
pub use change::{Change, Decided, News, Outcome, ProviderEventId};
pub use desk::{Desk, DeskAlert, DeskOptions, Input, Output};
pub use fact::{DisputeFact, DisputeStanding, Fact, Facts, RefundFact, RefundStanding, Status};
pub use id::PaymentId;
pub use key::{ProviderKey, provider_key};
pub use limits::*;
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
#[doc(hidden)]
pub use mutant::Mutation;
pub use next::{Next, due_at, next};
pub use payment::{Asked, Begun, Calls, Looks, Payment, Refund, Replied, Standing, Want, Why};
pub use tessera_inventory::ProviderId;
