//! What a device goes by besides the exceptions: keys, ticket types, lists.

use super::bytes::{Reader, Unreadable, put_text};
use crate::short_hash;

/// A key of tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryKey {
    /// Ed25519.
    pub public: [u8; 32],
    /// Nothing that it signed is good any more.
    pub revoked: bool,
}

/// A ticket type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryType {
    /// Shown to people.
    pub name: String,
    /// Whether it admits its holder; otherwise it is a voucher.
    pub admits: bool,
}

/// An entry list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gates {
    /// Shown to people.
    pub name: String,
    /// At which gates; none: at every one.
    pub gates: Vec<u16>,
    /// Which ticket types, by position; none: every admission.
    pub types: Vec<u16>,
    /// Whether who went out may come in again.
    pub re_entry: bool,
    /// From when on, in milliseconds since the Unix epoch; `None`: since ever.
    pub opens_at_ms: Option<u64>,
    /// Until when, exclusively; `None`: for ever.
    pub closes_at_ms: Option<u64>,
}

/// What seldom changes. A device whose settings have another mark than changes say takes a snapshot anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether anybody is let in at all: not where the event is cancelled.
    pub open: bool,
    /// The keys of tickets.
    pub keys: Vec<EntryKey>,
    /// Ticket types, in the order of the configuration.
    pub types: Vec<EntryType>,
    /// Entry lists; none: every gate admits every admission, as often as it comes.
    pub lists: Vec<Gates>,
}

impl Gates {
    pub(super) fn is_for(&self, ticket_type: u16) -> bool {
        self.types.is_empty() || self.types.contains(&ticket_type)
    }

    pub(super) fn is_at(&self, gate: u16) -> bool {
        self.gates.is_empty() || self.gates.contains(&gate)
    }

    pub(super) fn is_open(&self, at_ms: u64) -> bool {
        self.opens_at_ms.is_none_or(|opens| opens <= at_ms)
            && self.closes_at_ms.is_none_or(|closes| at_ms < closes)
    }
}

impl Settings {
    /// The first bytes of SHA-256 over the settings' own bytes.
    #[must_use]
    pub fn mark(&self) -> [u8; 8] {
        let mut bytes = Vec::new();
        self.put(&mut bytes);
        short_hash(&[&bytes])
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.open.into());
        put_list(bytes, &self.keys, |bytes, key| {
            bytes.extend(key.public);
            bytes.push(key.revoked.into());
        });
        put_list(bytes, &self.types, |bytes, known| {
            put_text(bytes, &known.name);
            bytes.push(known.admits.into());
        });
        put_list(bytes, &self.lists, |bytes, list| {
            put_text(bytes, &list.name);
            put_list(bytes, &list.gates, |bytes, gate| bytes.extend(gate.to_be_bytes()));
            put_list(bytes, &list.types, |bytes, known| bytes.extend(known.to_be_bytes()));
            bytes.push(list.re_entry.into());
            put_instant(bytes, list.opens_at_ms);
            put_instant(bytes, list.closes_at_ms);
        });
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Settings, Unreadable> {
        let open = reader.flag()?;
        let keys =
            read_list(reader, |reader| Ok(EntryKey { public: reader.take()?, revoked: reader.flag()? }))?;
        let types =
            read_list(reader, |reader| Ok(EntryType { name: reader.text()?, admits: reader.flag()? }))?;
        let lists = read_list(reader, |reader| {
            Ok(Gates {
                name: reader.text()?,
                gates: read_list(reader, |reader| reader.u16())?,
                types: read_list(reader, |reader| reader.u16())?,
                re_entry: reader.flag()?,
                opens_at_ms: read_instant(reader)?,
                closes_at_ms: read_instant(reader)?,
            })
        })?;
        Ok(Settings { open, keys, types, lists })
    }
}

/// At most 65,535, their number first.
fn put_list<T>(bytes: &mut Vec<u8>, items: &[T], each: impl Fn(&mut Vec<u8>, &T)) {
    let count = u16::try_from(items.len()).unwrap_or(u16::MAX);
    bytes.extend(count.to_be_bytes());
    items.iter().take(count.into()).for_each(|item| each(bytes, item));
}

fn read_list<T>(
    reader: &mut Reader<'_>,
    each: impl Fn(&mut Reader<'_>) -> Result<T, Unreadable>,
) -> Result<Vec<T>, Unreadable> {
    let count = reader.u16()?;
    (0..count).map(|_| each(reader)).collect()
}

/// A byte that says whether there is one, then 8.
fn put_instant(bytes: &mut Vec<u8>, at_ms: Option<u64>) {
    bytes.push(at_ms.is_some().into());
    bytes.extend(at_ms.unwrap_or_default().to_be_bytes());
}

fn read_instant(reader: &mut Reader<'_>) -> Result<Option<u64>, Unreadable> {
    let (is_there, at_ms) = (reader.flag()?, reader.u64()?);
    if is_there || at_ms == 0 { Ok(is_there.then_some(at_ms)) } else { Err(Unreadable) }
}
