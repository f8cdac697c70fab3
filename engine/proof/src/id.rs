//! Names of receipts. Each says where its leaf is found, and nothing has to be looked up to make one.
//!
//! An acceptance is named by its sequence, so that a replayed reply, and a log that is read after a crash, name the same receipt. A
//! refusal leaves nothing in the log: it is named by the epoch of the writer that refused and its number among that writer's refusals.

/// Bits of a sequence or a number.
const NUMBER_BITS: u32 = 48;
/// Bits of an epoch.
const EPOCH_BITS: u32 = 32;
/// Bits of the event's id that tell receipts of another event apart.
const TAG_BITS: u32 = 30;
/// The version of a UUID whose content is its maker's own business.
const VERSION: u128 = 0x8;
/// Its variant.
const VARIANT: u128 = 0b10;

/// Which decision of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The accepted one that is the event of this sequence in the log.
    Accepted {
        /// The sequence, from 1.
        sequence: u64,
    },
    /// A refused one.
    Refused {
        /// The epoch of the writer, from 1.
        epoch: u64,
        /// Its number among the refusals of that writer, from 1.
        number: u64,
    },
}

/// The name of a receipt: the event and the place of its decision, in the 128 bits of a UUIDv8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReceiptId {
    /// The event's id.
    pub event: u128,
    /// Which decision.
    pub place: Place,
}

impl ReceiptId {
    /// The bits: number 48, version 4, zero 12, variant 2, tag of the event 30, epoch 32 (0: an acceptance).
    #[must_use]
    pub const fn bits(self) -> u128 {
        let (number, epoch) = match self.place {
            Place::Accepted { sequence } => (sequence, 0),
            Place::Refused { epoch, number } => (number, epoch),
        };
        let number = low(number as u128, NUMBER_BITS);
        let epoch = low(epoch as u128, EPOCH_BITS);
        let tag = low(self.event, TAG_BITS);
        number << 80 | VERSION << 76 | VARIANT << 62 | tag << EPOCH_BITS | epoch
    }

    /// The decision of `event` that these bits name; `None` where they name none, or one of another event.
    #[must_use]
    pub fn of_event(event: u128, bits: u128) -> Option<ReceiptId> {
        let number = u64::try_from(low(bits >> 80, NUMBER_BITS)).ok()?;
        let place = match u64::try_from(low(bits, EPOCH_BITS)).ok()? {
            0 => Place::Accepted { sequence: number },
            epoch => Place::Refused { epoch, number },
        };
        let id = ReceiptId { event, place };
        (id.bits() == bits && number > 0).then_some(id)
    }
}

const fn low(bits: u128, count: u32) -> u128 {
    bits & ((1 << count) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: u128 = 0x0198_0000_0000_7000_8000_0000_1234_5678;

    #[test]
    fn names_read_back_and_those_of_other_events_do_not() {
        for place in [
            Place::Accepted { sequence: 1 },
            Place::Accepted { sequence: (1 << NUMBER_BITS) - 1 },
            Place::Refused { epoch: 1, number: 1 },
            Place::Refused { epoch: u64::from(u32::MAX), number: (1 << NUMBER_BITS) - 1 },
        ] {
            let id = ReceiptId { event: EVENT, place };
            assert_eq!(ReceiptId::of_event(EVENT, id.bits()), Some(id));
            assert_eq!(ReceiptId::of_event(EVENT + 1, id.bits()), None);
            assert_eq!(ReceiptId::of_event(EVENT, id.bits() | 1 << 64), None, "no bit is free");
        }
        assert_eq!(ReceiptId::of_event(EVENT, 0), None);
        let none = ReceiptId { event: EVENT, place: Place::Accepted { sequence: 0 } };
        assert_eq!(ReceiptId::of_event(EVENT, none.bits()), None);
    }
}
