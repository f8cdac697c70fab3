//! `head`: the one value per event that fences its writers.

use std::fmt;

use tessera_inventory::{Epoch, Sequence};

/// The newest record format that this binary knows. Each record is written in the oldest format that can say it.
pub const FORMAT_VERSION: u16 = tessera_inventory::FORMAT_MAX;
/// The oldest record format.
pub const OLDEST_FORMAT_VERSION: u16 = tessera_inventory::FORMAT_MIN;

/// Which record format the log holds, and who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// The format of the newest record.
    pub version: u16,
    /// The oldest reader that may open this log; an older binary refuses it and applies nothing.
    pub minimum_reader: u16,
}

impl Format {
    /// What every reader knows.
    pub const OLDEST: Format =
        Format { version: OLDEST_FORMAT_VERSION, minimum_reader: OLDEST_FORMAT_VERSION };

    /// After a record of format `version`: whoever does not know that one opens the log no more.
    #[must_use]
    pub fn then(self, version: u16) -> Format {
        Format { version, minimum_reader: self.minimum_reader.max(version) }
    }
}

/// Names one append attempt, so that a writer recognises its own batch after an unknown outcome.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BatchId(pub u128);

/// The hash over the chain of records so far (BLAKE3, 32 bytes); all zero before the first record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The chain after `record` is appended to it: `BLAKE3(previous chain ‖ record)`.
    #[must_use]
    pub fn extend(self, record: &[u8]) -> Chain {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(record);
        Chain(*hasher.finalize().as_bytes())
    }
}

/// The value under an event's head key. An append compares the whole of it and swaps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// Record format of the log.
    pub format: Format,
    /// Fencing number of the owner that wrote it.
    pub epoch: Epoch,
    /// Sequence of the last event in the log.
    pub sequence: Sequence,
    /// The batch that wrote this head.
    pub batch_id: BatchId,
    /// Chain over every record up to here.
    pub chain: Chain,
}

impl Head {
    /// The head of an event that was never written: what `Log::head` answers where there is none.
    pub const GENESIS: Head = Head {
        format: Format::OLDEST,
        epoch: Epoch(0),
        sequence: Sequence(0),
        batch_id: BatchId(0),
        chain: Chain([0; 32]),
    };
}

impl fmt::Debug for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch:{:032x}", self.0)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
