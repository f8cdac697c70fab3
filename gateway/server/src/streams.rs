//! Permits for what a connection keeps for long: event streams, long polls and reads that wait for a projection, and,
//! counted apart, large documents, which take as long as the client takes to read them, and papers of tickets, which wait for their
//! turn to be made before. One address or one caller holds a bounded number of them, and a part of all is left for organizers on their
//! own events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::caller::Principal;
use crate::code::Code;
use crate::limits::{PAPERS_PER_CALLER_MAX, STREAMS_RESERVED_SHARE, STREAMS_RETRY_AFTER_S};
use crate::problem::Problem;
use crate::settings::HttpSettings;

/// Who asks for a permit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watcher {
    /// Its address, as rate limits count it.
    pub(crate) address: u128,
    /// Who it is; `None` for someone without a credential.
    pub(crate) principal: Option<Principal>,
    /// Whether it is the organizer of what it watches: not counted by its address, and served from what is reserved.
    pub(crate) organizer: bool,
}

/// By what permits are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Address(u128),
    Caller(u128),
}

/// The permits that are out.
#[derive(Debug, Default)]
struct Taken {
    total: usize,
    /// Only those who hold one; at most two entries for each permit.
    by_holder: HashMap<Holder, usize>,
}

/// The permits of one process for one of the three.
#[derive(Debug)]
pub(crate) struct Streams {
    /// What they are for, in the words of a refusal.
    what: &'static str,
    max: usize,
    per_address_max: usize,
    per_caller_max: usize,
    taken: Mutex<Taken>,
}

impl Streams {
    /// For event streams and whatever else waits.
    pub(crate) fn long_lived(settings: &HttpSettings) -> Arc<Streams> {
        Arc::new(Streams {
            what: "streams",
            max: settings.streams_max,
            per_address_max: settings.streams_per_address_max,
            per_caller_max: settings.streams_per_caller_max,
            taken: Mutex::default(),
        })
    }

    /// For large documents on their way.
    pub(crate) fn downloads(settings: &HttpSettings) -> Arc<Streams> {
        Arc::new(Streams {
            what: "large documents",
            max: settings.downloads_max,
            per_address_max: settings.downloads_per_address_max,
            per_caller_max: settings.downloads_per_address_max,
            taken: Mutex::default(),
        })
    }

    /// For papers of tickets, which take a core each: nobody has many of them waiting before those of others.
    pub(crate) fn papers(settings: &HttpSettings) -> Arc<Streams> {
        Arc::new(Streams {
            what: "PDFs of tickets",
            max: settings.downloads_max,
            per_address_max: settings.downloads_per_address_max,
            per_caller_max: PAPERS_PER_CALLER_MAX,
            taken: Mutex::default(),
        })
    }

    /// A permit, which goes back when it is dropped.
    ///
    /// # Errors
    /// `too_many_streams`.
    pub(crate) fn take(self: &Arc<Streams>, watcher: Watcher) -> Result<StreamPermit, Problem> {
        let address =
            (!watcher.organizer).then_some((Holder::Address(watcher.address), self.per_address_max));
        let caller = watcher.principal.map(|one| (Holder::Caller(one.0), self.per_caller_max));
        let reserved = if watcher.organizer { 0 } else { self.max / STREAMS_RESERVED_SHARE };
        let mut taken = self.taken();
        if taken.total >= self.max - reserved {
            return Err(self.too_many("this server", "it"));
        }
        for (holder, max) in [address, caller].into_iter().flatten() {
            if taken.by_holder.get(&holder).is_some_and(|count| *count >= max) {
                return Err(match holder {
                    Holder::Address(_) => self.too_many("this address", "one address"),
                    Holder::Caller(_) => self.too_many("this caller", "one caller"),
                });
            }
        }
        let holders = [address, caller].map(|holder| holder.map(|(holder, _)| holder));
        taken.total += 1;
        for holder in holders.into_iter().flatten() {
            *taken.by_holder.entry(holder).or_default() += 1;
        }
        Ok(StreamPermit { streams: Arc::clone(self), holders })
    }

    fn too_many(&self, holder: &str, limited: &str) -> Problem {
        let detail = format!("{holder} has as many {} open as {limited} may", self.what);
        Problem::new(Code::TooManyStreams, detail).retry_after(STREAMS_RETRY_AFTER_S)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to keep one connection waiting.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    streams: Arc<Streams>,
    holders: [Option<Holder>; 2],
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut taken = self.streams.taken();
        taken.total -= 1;
        for holder in self.holders.into_iter().flatten() {
            if let Some(count) = taken.by_holder.get_mut(&holder) {
                *count -= 1;
                if *count == 0 {
                    taken.by_holder.remove(&holder);
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ORGANIZER: Watcher = Watcher { address: 1, principal: Some(Principal(7)), organizer: true };

    fn anyone(address: u128) -> Watcher {
        Watcher { address, principal: None, organizer: false }
    }

    fn streams(max: usize, per_address_max: usize, per_caller_max: usize) -> Arc<Streams> {
        let settings = HttpSettings {
            streams_max: max,
            streams_per_address_max: per_address_max,
            streams_per_caller_max: per_caller_max,
            ..HttpSettings::default()
        };
        Streams::long_lived(&settings)
    }

    #[test]
    fn one_address_and_one_caller_hold_a_bounded_number() {
        let streams = streams(100, 2, 1);
        let held = [anyone(1), anyone(1)].map(|watcher| streams.take(watcher).unwrap());
        assert_eq!(streams.take(anyone(1)).unwrap_err().code(), Code::TooManyStreams);
        let buyer = |address| Watcher { principal: Some(Principal(9)), ..anyone(address) };
        let _other = streams.take(buyer(2)).unwrap();
        assert!(streams.take(buyer(3)).is_err(), "one caller, from whichever address");
        drop(held);
        streams.take(anyone(1)).unwrap();
        assert_eq!(streams.taken().by_holder.len(), 2, "nobody is remembered who holds none");
    }

    #[test]
    fn what_is_reserved_is_left_for_organizers() {
        let streams = streams(10, 100, 100);
        let _public: Vec<_> = (0..9).map(|_| streams.take(anyone(1)).unwrap()).collect();
        assert!(streams.take(anyone(2)).is_err());
        let _own = streams.take(ORGANIZER).unwrap();
        assert!(streams.take(ORGANIZER).is_err(), "the whole is the whole");
    }
}
