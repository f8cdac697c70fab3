//! The eye on the server while the crowd is there: availability and the server's metrics, once a second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::HeaderValue;
use serde::Deserialize as _;
use serde_json::{Value, from_slice};
use tessera_demo::client::{Call, Connection};
use tessera_demo::error::DemoError;
use tessera_demo::venue::Venue;
use tessera_demo::wire::{Availability, Counters};
use tessera_verdict::recording::Second;

use crate::metrics::{Change, Reading, processor_s};
use crate::stage::{Clock, Stage};

/// Time between two looks.
const LOOK_EVERY_US: u64 = 1_000_000;
const OK: u16 = 200;

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Availability documents, in the order in which they came.
    pub availabilities: Vec<Value>,
    /// Units at each second: free, held, sold, killed.
    units: BTreeMap<usize, [u64; 4]>,
    /// By second, where the server lets its metrics be read.
    changes: BTreeMap<usize, Change>,
}

impl Seen {
    /// The newest units.
    #[must_use]
    pub fn units(&self) -> [u64; 4] {
        self.units.last_key_value().map(|(_, units)| *units).unwrap_or_default()
    }

    /// What waited in the lanes, new and existing, at the newest look.
    #[must_use]
    pub fn queued(&self) -> Option<[f64; 2]> {
        self.changes.last_key_value()?.1.queued
    }

    /// Processors that the server used in the newest second.
    #[must_use]
    pub fn processors(&self) -> Option<f64> {
        self.changes.last_key_value()?.1.processors
    }

    /// The largest share of a second in which the writer had a turn under way.
    #[must_use]
    pub fn writer_busy_max(&self) -> Option<f64> {
        self.changes.values().filter_map(|change| change.writer_busy).max_by(f64::total_cmp)
    }

    /// The slowest second of the store, as the mean of its appends in milliseconds.
    #[must_use]
    pub fn append_ms_max(&self) -> Option<f64> {
        self.changes.values().filter_map(|change| change.append_ms).max_by(f64::total_cmp)
    }

    /// Write what was seen to the seconds in which it was.
    pub(crate) fn write_to(&self, seconds: &mut [Second]) {
        let mut units = [0; 4];
        for (index, second) in seconds.iter_mut().enumerate() {
            units = self.units.get(&index).copied().unwrap_or(units);
            second.units = units;
            if let Some(change) = self.changes.get(&index) {
                (second.queued, second.server_cpu) = (change.queued, change.processors);
            }
        }
    }
}

/// Who looks.
pub(crate) struct Watcher {
    connection: Connection,
    stage: Arc<Stage>,
    clock: Clock,
    administrator: HeaderValue,
    /// The server's process, where it is our own.
    process: Option<u32>,
    known: Option<HeaderValue>,
    /// The newest reading, and when it was.
    reading: Option<(u64, Reading)>,
    seen: Arc<Mutex<Seen>>,
}

impl Watcher {
    pub(crate) fn new(
        stage: &Arc<Stage>,
        clock: Clock,
        administrator: HeaderValue,
        process: Option<u32>,
        seen: &Arc<Mutex<Seen>>,
    ) -> Self {
        Watcher {
            connection: Connection::new(&stage.server),
            stage: Arc::clone(stage),
            clock,
            administrator,
            process,
            known: None,
            reading: None,
            seen: Arc::clone(seen),
        }
    }

    /// Look until the server is gone; whoever has seen enough drops this. An answer that takes too long leaves a gap, and is no failure: the
    /// requests of the crowd tell.
    pub(crate) async fn watch(mut self) -> DemoError {
        let mut due_us = 0;
        loop {
            self.clock.sleep_until(due_us).await;
            for looked in [self.availability().await, self.metrics().await] {
                match looked {
                    Ok(()) | Err(DemoError::Silent { .. } | DemoError::StillUnavailable { .. }) => {}
                    Err(error) => return error,
                }
            }
            due_us = (due_us + LOOK_EVERY_US).max(self.clock.now_us());
        }
    }

    fn second(&self) -> usize {
        usize::try_from(self.clock.now_us() / LOOK_EVERY_US).unwrap_or(usize::MAX)
    }

    async fn availability(&mut self) -> Result<(), DemoError> {
        let mut call = Call::get(self.stage.path("/availability"));
        call.known.clone_from(&self.known);
        let (reply, _) = self.connection.call(&call).await?;
        if reply.status == OK {
            let document: Value = from_slice(&reply.body)
                .map_err(|error| DemoError::unreadable("availability", &reply.body, error))?;
            self.known = reply.etag;
            let second = self.second();
            let mut seen = locked(&self.seen);
            if let Some(units) = units_of(&self.stage.venue, &document) {
                seen.units.insert(second, units);
            }
            seen.availabilities.push(document);
        }
        Ok(())
    }

    async fn metrics(&mut self) -> Result<(), DemoError> {
        let call = Call { credential: Some(self.administrator.clone()), ..Call::get("/metrics".into()) };
        let (reply, _) = self.connection.call(&call).await?;
        if reply.status != OK {
            return Ok(());
        }
        let mut reading = Reading::read(&String::from_utf8_lossy(&reply.body));
        // Of a process of our own the operating system tells more finely.
        reading.processor_s = self.process.and_then(processor_s).or(reading.processor_s);
        let (now_us, second) = (self.clock.now_us(), self.second());
        if let Some((before_us, earlier)) = self.reading.replace((now_us, reading.clone())) {
            let elapsed_s = Duration::from_micros(now_us.saturating_sub(before_us)).as_secs_f64();
            locked(&self.seen).changes.insert(second, reading.since(&earlier, elapsed_s));
        }
        Ok(())
    }
}

/// What was seen, to look at.
pub(crate) fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // Only complete documents are put into it.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Units that an availability document tells; none where it is not what the API promises.
pub(crate) fn units_of(venue: &Venue, document: &Value) -> Option<[u64; 4]> {
    Availability::deserialize(document).ok().map(|availability| units(venue, &availability))
}

/// Units of an event, each counted once: its seats, and the pools that are not only a part of another.
fn units(venue: &Venue, availability: &Availability) -> [u64; 4] {
    let standing = venue.ticket_types.iter().filter(|facts| facts.category.is_none());
    let widest = standing
        .filter_map(|facts| facts.draws_on.iter().max_by_key(|pool| venue.pools[**pool].capacity).copied());
    let mut pools: Vec<&str> = widest.map(|pool| venue.pools[pool].name.as_str()).collect();
    pools.sort_unstable();
    pools.dedup();
    let pools = availability.pools.iter().filter(|counters| pools.contains(&counters.name.as_str()));
    let mut units = [0; 4];
    for Counters { free, held, sold, killed, .. } in pools.chain(&availability.categories) {
        let counted = [free, held, sold, killed].map(|count| u64::from(*count));
        units.iter_mut().zip(counted).for_each(|(sum, count)| *sum += count);
    }
    units
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use tessera_demo::arena::ARENA;

    use super::*;

    #[test]
    fn a_quota_is_no_second_floor() {
        let venue = Venue::read(ARENA).unwrap();
        let counters = |name: &str, free| Counters { name: name.into(), free, held: 1, sold: 2, killed: 3 };
        let availability = Availability {
            sequence: 1,
            phase: "on_sale".into(),
            pools: vec![counters("Floor", 5_000), counters("Student quota", 600)],
            categories: vec![counters("Club", 100)],
            live_holds: 0,
            orders: 0,
        };
        assert_eq!(units(&venue, &availability), [5_100, 2, 4, 6]);
    }
}
