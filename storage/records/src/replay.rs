//! Replay: a log's records in order, each verified before anything of it is applied.

use tessera_inventory::{Epoch, Event, EventId, ImageError, Inventory, Sequence};
use tessera_writer::{Chain, ReplayRecord};

use crate::{RecordError, SnapshotImage, for_each};

/// Follows a log from its beginning or from a snapshot. After an error it stands where it stood before that record.
#[derive(Clone, Debug)]
pub struct Replay {
    inventory: Inventory,
    sequence: Sequence,
    chain: Chain,
    epoch: Epoch,
    events: Vec<Event>,
}

/// Why a record was not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The record does not begin where the one before ended.
    #[error("sequence {found} follows {after}")]
    Gap {
        /// Last sequence applied.
        after: Sequence,
        /// First sequence of the record.
        found: Sequence,
    },
    /// Its epoch is older than that of the record before.
    #[error("epoch {found} follows {after} at sequence {first}")]
    EpochWentBack {
        /// First sequence of the record.
        first: Sequence,
        /// Epoch of the record before.
        after: Epoch,
        /// Its own epoch.
        found: Epoch,
    },
    /// Its bytes are not those that the chain was made over.
    #[error("the chain is broken in the record of sequences {first} to {last}")]
    ChainBroken {
        /// First sequence of the record.
        first: Sequence,
        /// Last sequence of the record.
        last: Sequence,
    },
    /// It cannot be read.
    #[error("the record of sequences {first} to {last} cannot be read")]
    Record {
        /// First sequence of the record.
        first: Sequence,
        /// Last sequence of the record.
        last: Sequence,
        /// Why.
        source: RecordError,
    },
    /// It holds other sequences than the store says.
    #[error(
        "the record of sequences {first} to {last} says that it begins at {found} and holds {count} events"
    )]
    OtherSequences {
        /// First sequence, says the store.
        first: Sequence,
        /// Last sequence, says the store.
        last: Sequence,
        /// First sequence, say its bytes.
        found: Sequence,
        /// Events in its bytes.
        count: u64,
    },
}

impl Replay {
    /// From before the first record.
    #[must_use]
    pub fn from_genesis(event: EventId) -> Replay {
        Replay {
            inventory: Inventory::new(event),
            sequence: Sequence::ZERO,
            chain: Chain::default(),
            epoch: Epoch::default(),
            events: Vec::new(),
        }
    }

    /// From a snapshot: the first record is the one after it.
    ///
    /// # Errors
    /// [`ImageError`] when the image contradicts itself or its digest.
    pub fn from_snapshot(snapshot: SnapshotImage) -> Result<Replay, ImageError> {
        let SnapshotImage { chain, image } = snapshot;
        let sequence = image.sequence;
        let inventory = Inventory::import(image)?;
        Ok(Replay { inventory, sequence, chain, epoch: Epoch::default(), events: Vec::new() })
    }

    /// Verify and apply the next record.
    ///
    /// # Errors
    /// [`ReplayError`]: nothing of the record was applied.
    pub fn apply(&mut self, record: &ReplayRecord<'_>) -> Result<(), ReplayError> {
        self.apply_seen(record, |_, _| {})
    }

    /// The same, and show every event beside the state that it is applied to.
    ///
    /// # Errors
    /// As [`Self::apply`]: no event of the record was shown.
    pub fn apply_seen(
        &mut self,
        record: &ReplayRecord<'_>,
        mut see: impl FnMut(&Inventory, &Event),
    ) -> Result<(), ReplayError> {
        self.verify(record)?;
        self.decode(record)?;
        for event in &self.events {
            see(&self.inventory, event);
            self.inventory.apply(event);
        }
        self.events.clear();
        self.sequence = record.last_sequence;
        self.chain = record.chain;
        self.epoch = record.epoch;
        Ok(())
    }

    fn verify(&self, record: &ReplayRecord<'_>) -> Result<(), ReplayError> {
        let (first, last) = (record.first_sequence, record.last_sequence);
        if first != self.sequence.plus(1) {
            return Err(ReplayError::Gap { after: self.sequence, found: first });
        }
        if record.epoch < self.epoch {
            return Err(ReplayError::EpochWentBack { first, after: self.epoch, found: record.epoch });
        }
        if self.chain.extend(record.bytes) != record.chain {
            return Err(ReplayError::ChainBroken { first, last });
        }
        Ok(())
    }

    fn decode(&mut self, record: &ReplayRecord<'_>) -> Result<(), ReplayError> {
        let (first, last) = (record.first_sequence, record.last_sequence);
        self.events.clear();
        let header = for_each(record.bytes, |_, event| self.events.push(event))
            .map_err(|source| ReplayError::Record { first, last, source })?;
        let count = u64::from(header.count);
        let found = header.first_sequence;
        if found != first || count == 0 || found.plus(count - 1) != last {
            return Err(ReplayError::OtherSequences { first, last, found, count });
        }
        Ok(())
    }

    /// Sequence of the last event applied.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The chain there.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// The state there.
    #[must_use]
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The state there, to go on with.
    #[must_use]
    pub fn into_inventory(self) -> Inventory {
        self.inventory
    }
}
