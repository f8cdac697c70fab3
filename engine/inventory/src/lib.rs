//! The inventory of one event: a pure, synchronous, deterministic state machine.

mod command;
mod config;
mod event;
mod id;
mod image;
mod inventory;
mod phase;
mod rejection;
#[cfg_attr(not(test), expect(dead_code, reason = "the state of an event is built on it"))]
mod seating;
mod view;

pub use command::{
    Authority, ClaimNumber, Command, CommandBody, IdempotencyKey, LineRequest, Payment, PaymentKind,
    PlaceHold, RefundedUnits, TicketRef, Units, Want, Wishes,
};
pub use config::*;
pub use event::{Event, EventBody, HoldPlaced, KeyMark, Line, Origin, TermsId};
pub use id::{Epoch, EventId, Sequence, Subject, Timestamp};
pub use image::{IMAGE_NONE, Image, ImageError};
pub use inventory::{Decision, Digest, Inventory, Violation};
pub use phase::{PHASE_TABLE, Phase, PhaseCommand, admits};
pub use rejection::{ALTERNATIVES_MAX, ClaimState, ConfigError, Rejection, RequestError};
pub use view::{Availability, ClaimView, Counters, SeatMap, SeatState, TicketView, TypeAvailability};
