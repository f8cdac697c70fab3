//! The inventory of one event: a pure, synchronous, deterministic state machine.

mod apply;
mod claims;
mod command;
mod config;
mod config_mix;
mod deadlines;
mod decide;
mod digest;
mod entry;
mod event;
mod expired;
mod id;
mod image;
mod index;
mod invariants;
mod inventory;
mod keys;
mod killed_seats;
mod mutant;
mod orders;
mod paged;
mod passages;
mod phase;
mod pools;
mod quoted;
mod rejection;
mod returned;
mod seating;
mod snapshot;
mod subjects;
mod terms;
mod validate;
mod view;
mod views;
mod waitlist;
mod windows;

pub use command::{
    Authority, ClaimNumber, Command, CommandBody, Dispute, IdempotencyKey, LineRequest, Payment, PaymentKind,
    PlaceHold, PromotionClaim, RefundAmount, RefundReason, RefundedUnits, SellLate, TicketRef, Units, Want,
    Wishes,
};
pub use config::*;
pub use entry::{
    ConflictKind, DEVICES_MAX, ENTRY_GATES_MAX, ENTRY_LISTS_MAX, EntryList, GATES_NAMED_MAX, OtherPassage,
    SCANS_MAX, Scan, ScanConflict, ScansRecorded,
};
pub use event::{
    Charge, Event, EventBody, FORMAT_MAX, FORMAT_MIN, HoldPlaced, KeyMark, Line, Origin, SoldLate, TermsId,
};
pub use id::{Epoch, EventId, ProviderId, Sequence, Subject, Timestamp};
pub use image::{IMAGE_NONE, Image, ImageError};
pub use inventory::{Decision, Digest, Inventory, Violation};
#[doc(hidden)]
#[cfg(feature = "mutants")]
pub use mutant::Mutant;
pub use phase::{PHASE_TABLE, Phase, PhaseCommand, admits};
pub use rejection::{ALTERNATIVES_MAX, ClaimState, ConfigError, Rejection, RequestError};
pub use view::{
    Availability, ChannelShare, ClaimView, Counters, SeatMap, SeatState, TicketView, TypeAvailability,
};
pub use waitlist::{
    CHOICES_MAX, Choice, EntryNumber, JoinWaitlist, LeftReason, Manner, OFFER_MS_DEFAULT, PATIENCE_MS_MAX,
    PRIORITY_DEFAULT, WAITLIST_ENTRIES_DEFAULT, WAITLIST_ENTRIES_MAX, WAITLIST_PER_SUBJECT_MAX,
    WaitlistJoined, WaitlistOrder, WaitlistPolicy,
};
