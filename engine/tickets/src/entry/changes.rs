//! What has changed since a device heard last.

use super::bytes::{Reader, Unreadable};
use super::{Exception, Sealed, exceptions, put_exceptions};
use crate::key::SigningKey;

/// First byte of changes.
const FORMAT: u8 = 2;

/// Exceptions as they are now, of the tickets that changed. To take them twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The event's id.
    pub event: u128,
    /// The sequence that they follow.
    pub after: u64,
    /// The sequence that they lead to.
    pub sequence: u64,
    /// When they were put together, in milliseconds since the Unix epoch.
    pub made_at_ms: u64,
    /// [`super::Settings::mark`]: with other settings a device takes a snapshot anew.
    pub settings: [u8; 8],
    /// Whether more follow.
    pub more: bool,
    /// The tickets, ascending; those that are as printed again among them.
    pub exceptions: Vec<Exception>,
}

impl Changes {
    /// Big-endian: format 1, event 16, after 8, sequence 8, made at 8, mark of the settings 8, whether more follow 1, number of exceptions
    /// 4, their columns.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.event.to_be_bytes());
        bytes.extend(self.after.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.made_at_ms.to_be_bytes());
        bytes.extend(self.settings);
        bytes.push(self.more.into());
        put_exceptions(&mut bytes, &self.exceptions);
        bytes
    }

    /// The changes of these bytes.
    ///
    /// # Errors
    /// [`Unreadable`] where they are none.
    pub fn decode(bytes: &[u8]) -> Result<Changes, Unreadable> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != FORMAT {
            return Err(Unreadable);
        }
        let changes = Changes {
            event: u128::from_be_bytes(reader.take()?),
            after: reader.u64()?,
            sequence: reader.u64()?,
            made_at_ms: reader.u64()?,
            settings: reader.take()?,
            more: reader.flag()?,
            exceptions: exceptions(&mut reader)?,
        };
        reader.end()?;
        Ok(changes)
    }

    /// Its bytes, signed.
    #[must_use]
    pub fn seal(&self, key: &SigningKey) -> Sealed {
        Sealed::by(key, self.encode())
    }
}
