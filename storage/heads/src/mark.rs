//! How far an event was seen, and its bytes.

use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_writer::{Chain, Head};

/// Size of everything in the file, in bytes: of its header and of each record.
pub(crate) const SLOT_BYTES: usize = 68;
const CHECKSUM_AT: usize = SLOT_BYTES - 4;
const MAGIC: [u8; 8] = *b"TsHeads1";

/// How far an event was seen. What a release writes into `head` beside this is no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadMark {
    /// Fencing number of the owner.
    pub epoch: Epoch,
    /// The last durable sequence.
    pub sequence: Sequence,
    /// The chain over every record up to it.
    pub chain: Chain,
}

impl From<Head> for HeadMark {
    fn from(head: Head) -> HeadMark {
        HeadMark { epoch: head.epoch, sequence: head.sequence, chain: head.chain }
    }
}

/// One slot of the file.
pub(crate) type Slot = [u8; SLOT_BYTES];

/// A record: how far an event was seen.
pub(crate) fn encode(event: EventId, mark: &HeadMark) -> Slot {
    let mut slot = [0; SLOT_BYTES];
    slot[0..16].copy_from_slice(&event.0.to_be_bytes());
    slot[16..24].copy_from_slice(&mark.epoch.0.to_be_bytes());
    slot[24..32].copy_from_slice(&mark.sequence.0.to_be_bytes());
    slot[32..64].copy_from_slice(&mark.chain.0);
    sealed(slot)
}

/// `None` where the bytes are no record.
pub(crate) fn decode(slot: &Slot) -> Option<(EventId, HeadMark)> {
    let number = |at: usize| slot[at..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    let event = EventId(u128::from_be_bytes(*slot.first_chunk()?));
    let (epoch, sequence) = (Epoch(number(16)?), Sequence(number(24)?));
    let mark = HeadMark { epoch, sequence, chain: Chain(*slot[32..].first_chunk()?) };
    (encode(event, &mark) == *slot).then_some((event, mark))
}

/// The header: whose events these are.
pub(crate) fn encode_header(installation: u128) -> Slot {
    let mut slot = [0; SLOT_BYTES];
    slot[0..8].copy_from_slice(&MAGIC);
    slot[8..24].copy_from_slice(&installation.to_be_bytes());
    sealed(slot)
}

/// `None` where the bytes are no header.
pub(crate) fn decode_header(slot: &Slot) -> Option<u128> {
    let installation = u128::from_be_bytes(*slot[8..].first_chunk()?);
    (encode_header(installation) == *slot).then_some(installation)
}

fn sealed(mut slot: Slot) -> Slot {
    let checksum = crc32c::crc32c(&slot[..CHECKSUM_AT]);
    slot[CHECKSUM_AT..].copy_from_slice(&checksum.to_be_bytes());
    slot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_golden_bytes() {
        let mark = HeadMark { epoch: Epoch(3), sequence: Sequence(7), chain: Chain([0xab; 32]) };
        let slot = encode(EventId(0xfeed), &mark);
        assert_eq!(decode(&slot), Some((EventId(0xfeed), mark)));
        let hex: String = slot.iter().map(|byte| format!("{byte:02x}")).collect();
        let golden = format!("{:032x}{:016x}{:016x}{}", 0xfeed, 3, 7, "ab".repeat(32));
        assert!(hex.starts_with(&golden), "{hex}");
        assert_eq!(decode_header(&encode_header(9)), Some(9));
    }

    #[test]
    fn no_changed_byte_is_taken_for_a_record() {
        let mark = HeadMark { epoch: Epoch(3), sequence: Sequence(7), chain: Chain([0xab; 32]) };
        for at in 0..SLOT_BYTES {
            let (mut record, mut header) = (encode(EventId(1), &mark), encode_header(9));
            record[at] ^= 0x10;
            header[at] ^= 0x10;
            assert_eq!((decode(&record), decode_header(&header)), (None, None), "byte {at}");
        }
        assert_eq!(decode(&[0; SLOT_BYTES]), None, "what was never written");
    }
}
