//! `entry-1`: all that a device needs to know to go offline.

use super::bytes::{Reader, Unreadable};
use super::{Exception, SNAPSHOT_MS, Sealed, Settings, exceptions, put_exceptions};
use crate::key::SigningKey;

/// First byte of a snapshot.
const FORMAT: u8 = 1;

/// What a device goes offline with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The event's id.
    pub event: u128,
    /// The sequence that it is true at.
    pub sequence: u64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at_ms: u64,
    /// What seldom changes.
    pub settings: Settings,
    /// Tickets that are not as printed, ascending.
    pub exceptions: Vec<Exception>,
}

impl Snapshot {
    /// Until when it is fresh, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn valid_until_ms(&self) -> u64 {
        self.made_at_ms.saturating_add(SNAPSHOT_MS)
    }

    /// Big-endian: format 1, event 16, sequence 8, made at 8, valid until 8, settings, number of exceptions 4, their columns. The same
    /// snapshot has the same bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.event.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.made_at_ms.to_be_bytes());
        bytes.extend(self.valid_until_ms().to_be_bytes());
        self.settings.put(&mut bytes);
        put_exceptions(&mut bytes, &self.exceptions);
        bytes
    }

    /// The snapshot of these bytes.
    ///
    /// # Errors
    /// [`Unreadable`] where they are none.
    pub fn decode(bytes: &[u8]) -> Result<Snapshot, Unreadable> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != FORMAT {
            return Err(Unreadable);
        }
        let event = u128::from_be_bytes(reader.take()?);
        let (sequence, made_at_ms, valid_until_ms) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let settings = Settings::read(&mut reader)?;
        let exceptions = exceptions(&mut reader)?;
        reader.end()?;
        let snapshot = Snapshot { event, sequence, made_at_ms, settings, exceptions };
        if snapshot.valid_until_ms() == valid_until_ms { Ok(snapshot) } else { Err(Unreadable) }
    }

    /// Its bytes, signed.
    #[must_use]
    pub fn seal(&self, key: &SigningKey) -> Sealed {
        Sealed::by(key, self.encode())
    }
}
