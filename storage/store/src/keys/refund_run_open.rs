//! A refund run that goes on.
//!
//! - key: (kind, lane, event, id of the run)
//! - value: empty
//! - mutability: written with the run, removed when it is paused or has ended, written again when it is resumed

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, RefundRunKey, foreign, parts, range_of};
use crate::StoreError;

/// Key of a refund run that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundRunOpenKey {
    /// In which lane.
    pub lane: u8,
    /// Which.
    pub run: RefundRunKey,
}

impl RefundRunOpenKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let RefundRunKey { event, run } = self.run;
        let kind = KeyKind::RefundRunOpen.number();
        pack(&(kind, u16::from(self.lane), Uuid::from_u128(event.0), Uuid::from_u128(run)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<RefundRunOpenKey, StoreError> {
        let (kind, lane, event, run): (u16, u16, Uuid, Uuid) = parts(key, KeyKind::RefundRunOpen)?;
        let lane = u8::try_from(lane).map_err(|_| foreign(key, KeyKind::RefundRunOpen))?;
        if kind == KeyKind::RefundRunOpen.number() {
            let run = RefundRunKey { event: EventId(event.as_u128()), run: run.as_u128() };
            Ok(RefundRunOpenKey { lane, run })
        } else {
            Err(foreign(key, KeyKind::RefundRunOpen))
        }
    }

    /// All of a lane: `begin <= key < end`.
    #[must_use]
    pub fn range(lane: u8) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::RefundRunOpen.number(), u16::from(lane)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_those_of_its_lane() {
        let key = RefundRunOpenKey { lane: 3, run: RefundRunKey { event: EventId(42), run: 300 } };
        assert_eq!(RefundRunOpenKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = RefundRunOpenKey::range(3);
        assert!(begin <= key.pack() && key.pack() < end);
        assert!(RefundRunOpenKey { lane: 4, ..key }.pack() >= end);
    }
}
