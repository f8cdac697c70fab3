//! Which keys an installation has in a cluster that it may share with others.
//!
//! Every key begins with the installation's prefix and a section, as FoundationDB's tuple layer writes them: `(prefix, section)`. Then come the
//! bytes of the key itself, in the sections `Log` and `Table` those of [`tessera_store::keys`].

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use tessera_store::KEY_PREFIX_BYTES_MAX;
use tessera_store::keys::event_hash;

/// Longest name of an installation's prefix, in bytes.
pub const PREFIX_BYTES_MAX: usize = KEY_PREFIX_BYTES_MAX - PACKING_BYTES;
/// What the tuple layer adds to a prefix: a code before it, an end after it, and a section of two bytes.
const PACKING_BYTES: usize = 4;
/// How many shards the feed across events has. Stored: another number is another feed, and needs a new era.
pub const FEED_SHARDS: u8 = 16;
/// Length of a versionstamp, in bytes: version of the commit 8, place in its batch 2.
pub const STAMP_BYTES: usize = 10;

/// What is wrong with the name of a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a prefix has 1 to {PREFIX_BYTES_MAX} letters, digits, `-`, `_`, `.` or `/`; {0:?} has not")]
pub struct NotAPrefix(String);

/// What a key is about. The number is stored: it is never changed and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Section {
    /// One key: format, era and standing of the installation.
    Format = 1,
    /// Heads and records of the log.
    Log = 2,
    /// Rows of the tables.
    Table = 3,
    /// `(shard 1, versionstamp 10)` to event 16, last sequence 8: what was appended, in the order of the commits.
    Feed = 4,
    /// `(event 16)` to nothing: the events that have a head.
    Events = 5,
    /// `(event 16)` to sequence 8: how far a log is trimmed.
    Trimmed = 6,
}

/// The keys of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyspace {
    prefix: Vec<u8>,
}

impl Keyspace {
    /// The installation under this prefix.
    ///
    /// # Errors
    /// [`NotAPrefix`] where it is empty, too long, or has other letters than plain ones.
    pub fn new(prefix: &str) -> Result<Keyspace, NotAPrefix> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        if prefix.is_empty() || prefix.len() > PREFIX_BYTES_MAX || !prefix.bytes().all(is_plain) {
            return Err(NotAPrefix(prefix.to_owned()));
        }
        Ok(Keyspace { prefix: pack(&(prefix,)) })
    }

    /// What every key of the installation begins with.
    #[must_use]
    pub fn whole(&self) -> &[u8] {
        &self.prefix
    }

    /// What every key of a section begins with.
    #[must_use]
    pub fn section(&self, section: Section) -> Vec<u8> {
        [&self.prefix[..], &pack(&(section as u16,))].concat()
    }

    /// A key in a section.
    #[must_use]
    pub fn key(&self, section: Section, key: &[u8]) -> Vec<u8> {
        [&self.section(section)[..], key].concat()
    }
}

/// The shard of the feed that an event is in.
#[must_use]
pub fn feed_shard(event: EventId) -> u8 {
    let [.., last] = event_hash(event).to_be_bytes();
    last % FEED_SHARDS
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_store::KEY_BYTES_MAX;

    use super::*;

    #[test]
    fn golden_bytes() {
        let keys = Keyspace::new("tessera").unwrap();
        assert_eq!(keys.whole(), b"\x02tessera\0");
        assert_eq!(keys.key(Section::Log, b"key"), b"\x02tessera\0\x15\x02key");
    }

    #[test]
    fn the_longest_key_fits_behind_the_longest_prefix() {
        let keys = Keyspace::new(&"p".repeat(PREFIX_BYTES_MAX)).unwrap();
        assert_eq!(keys.key(Section::Table, &[0; KEY_BYTES_MAX]).len(), 10_000);
    }

    #[test]
    fn no_installation_has_keys_of_another() {
        let (one, longer) = (Keyspace::new("one").unwrap(), Keyspace::new("one1").unwrap());
        assert!(!longer.whole().starts_with(one.whole()));
        for refused in ["", "with space", "ümlaut", "nul\0", &"p".repeat(PREFIX_BYTES_MAX + 1)] {
            assert_eq!(Keyspace::new(refused), Err(NotAPrefix(refused.to_owned())));
        }
    }

    #[test]
    fn events_spread_over_the_shards_of_the_feed() {
        let mut shards = [0_u32; FEED_SHARDS as usize];
        (0..1_600).for_each(|event| shards[usize::from(feed_shard(EventId(event)))] += 1);
        assert!(shards.iter().all(|events| (50..=150).contains(events)), "{shards:?}");
    }
}
