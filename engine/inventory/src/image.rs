//! The plain columns of a snapshot: what [`crate::Inventory::export`] writes and [`crate::Inventory::import`] reads.
//!
//! An image is a value without behaviour. Tables are flat lists of words with a fixed stride, so that a codec copies them
//! as packed fixed-width fields. What can be derived (indices, deadlines, limits per type) is not in it.

use std::fmt;
use std::sync::Arc;

use crate::{Config, Digest, EventId, FORMAT_MIN, Phase, Sequence, Timestamp};

/// Stands in a column for "none": no seat, no category.
pub const IMAGE_NONE: u32 = u32::MAX;

/// The whole state of one event at a sequence, as plain columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The event.
    pub event: EventId,
    /// The sequence the image is true at.
    pub sequence: Sequence,
    /// Logged time of that sequence.
    pub logged_at: Timestamp,
    /// The incremental digest of the state; import computes it afresh and compares.
    pub digest: Digest,
    /// The phase.
    pub phase: Phase,
    /// Version of the configuration; 0: none yet.
    pub config_version: u32,
    /// The configuration; present exactly if the version is not 0.
    pub config: Option<Arc<Config>>,
    /// Bit *c* is set when channel *c* was released.
    pub released_channels: u64,
    /// One byte a ticket type: 0 when its sale window opens later, 1 when it is open, 2 when it has closed.
    pub windows_open: Vec<u8>,
    /// Frozen terms, one after another: `[type | category << 32, price as two's complement, number of draws, draws…]`.
    pub terms: Vec<u64>,
    /// Five words a pool: general free, held, sold, killed, kill debt.
    pub pools: Vec<u32>,
    /// Three words a channel's share of a pool: pool, channel, free.
    pub shares: Vec<u32>,
    /// Two bits a seat, as in [`crate::SeatMap::states`].
    pub seat_states: Vec<u8>,
    /// Held or sold seats that are killed when they return, ascending.
    pub seats_to_kill: Vec<u32>,
    /// Two words a subject: low and high half. A subject's position is its number in the other columns.
    pub subjects: Vec<u64>,
    /// One word a subject: units in live holds and orders.
    pub subject_units: Vec<u32>,
    /// Live holds and payments in flight, by number, one after another: `[number, deadline, end of life, end of grace
    /// (0: none), subject | extras << 32 | lines << 40, flags, extras…, lines…]`; the flags are `channel | renewals << 8 |
    /// attempts << 16 | origin << 24 | extras of the payment in flight << 32`, a line is `[terms | quantity << 16 | seats << 32, seats…]`.
    pub claims: Vec<u64>,
    /// Five words an order: number low, number high, subject, first ticket, `tickets | channel << 8 | payment << 16 |
    /// refunded << 24`.
    pub orders: Vec<u32>,
    /// One word a ticket: `seat | terms << 32 | flags << 48 | generation << 56`.
    pub tickets: Vec<u64>,
    /// Further subjects of orders, one after another: `[order, count, subjects…]`.
    pub order_extras: Vec<u32>,
    /// Two words a transferred ticket: ticket, holder.
    pub transferred: Vec<u32>,
    /// Two words a ticket that was let in online: `ticket | gate << 32`, since when.
    pub checked_in: Vec<u64>,
    /// Idempotency records kept for ever, two words each: key, `sequence | fingerprint << 40`.
    pub keys_settled: Vec<u64>,
    /// Idempotency records kept for a day, oldest first, two words each.
    pub keys_recent: Vec<u64>,
    /// Position of the first recent record since the beginning of the log.
    pub keys_recent_first: u64,
    /// Per page of recent records: logged time of its last record.
    pub keys_page_times: Vec<u64>,
    /// Recent records of this logged time and before are gone.
    pub keys_horizon: Timestamp,
    /// Holds that expired lately, ascending, a word each: `number << 24 | low bits of the subject`.
    pub expired: Vec<u64>,
    /// Claims and orders with a quote, ascending, four words each: number, total as two's complement, what the promotion took off,
    /// `promotion + 1 (0: none) | (serial + 1 (0: none)) << 32`. What promotions have given out follows from it.
    pub quoted: Vec<u64>,
    /// What a refund of each ticket of those gives back, one after another, ascending: `[number, count, amounts as two's complement…]`.
    pub shares_quoted: Vec<u64>,
    /// What was given back beside what refunded tickets come to, two words an order: order, amount as two's complement.
    pub refunded_beyond: Vec<u64>,
    /// Orders whose payment is disputed, ascending.
    pub disputes: Vec<u32>,
    /// Four words a ticket whose last passage is a way out, or was told by a device: `ticket | gate << 32 | inward << 48`, when, device
    /// (0: online), number among its scans (0 online).
    pub passages: Vec<u64>,
    /// Three words a device that recorded scans, ascending: device, number of its next scan, when its last one was made.
    pub devices: Vec<u64>,
    /// Entries of the waitlist, by number, one after another: `[number, subject | extras << 32 | choices << 40 | priority << 48,
    /// highest price (-1 as two's complement: none), extras…, choices…]`; a choice is `type | quantity << 16 | manner << 32`.
    pub waitlist: Vec<u64>,
    /// Lines that keep units for their head, three words each: type, head, since when (0: in vain).
    pub accumulating: Vec<u64>,
}

impl Image {
    /// The oldest format that can say it: a reader that knows none so new would make another state of it.
    #[must_use]
    pub fn format(&self) -> u16 {
        let of_config = self.config.as_ref().map_or(FORMAT_MIN, |config| config.format());
        let is_old = self.quoted.is_empty()
            && self.refunded_beyond.is_empty()
            && self.disputes.is_empty()
            && self.passages.is_empty()
            && self.devices.is_empty()
            && self.waitlist.is_empty();
        if is_old { of_config } else { of_config.max(2) }
    }
}

/// Why an image cannot become an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// A column is cut short, or points outside of another one.
    Malformed {
        /// The column.
        column: &'static str,
    },
    /// The state's digest, computed afresh, differs from the image's.
    DigestMismatch {
        /// What the image says.
        expected: Digest,
        /// What its columns amount to.
        found: Digest,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageError::Malformed { column } => write!(f, "column `{column}` of the snapshot is malformed"),
            ImageError::DigestMismatch { expected, found } => {
                write!(
                    f,
                    "the snapshot's digest is {:032x}, its columns amount to {:032x}",
                    expected.0, found.0
                )
            }
        }
    }
}

impl std::error::Error for ImageError {}
