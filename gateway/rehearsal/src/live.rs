//! What can be seen of a run while it goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::notes::{SecondNotes, Totals};
use crate::shard::Shard;
use crate::stage::Clock;
use crate::watch::{Seen, locked};

/// Seconds that a glance shows.
pub const SHOWN_S: usize = 120;

/// A run in the making.
#[derive(Debug)]
pub struct Live {
    /// Name of the scenario.
    pub name: String,
    /// Sessions that are to come.
    pub buyers: u64,
    state: Mutex<State>,
    interrupt: Arc<Interrupt>,
}

/// Somebody wants it all to end: how often that was said.
#[derive(Debug)]
pub struct Interrupt(watch::Sender<u32>);

impl Interrupt {
    /// Nobody does yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Interrupt(watch::channel(0).0))
    }

    /// Ask for the end.
    pub fn raise(&self) {
        self.0.send_modify(|times| *times = times.saturating_add(1));
    }

    /// Whether somebody has asked again: what the end still waits for is given up.
    #[must_use]
    pub fn insists(&self) -> bool {
        *self.0.borrow() > 1
    }

    /// Wait until somebody asks for the end.
    pub async fn raised(&self) {
        let mut raised = self.0.subscribe();
        // The sender lives as long as this.
        drop(raised.wait_for(|times| *times > 0).await);
    }
}

#[derive(Debug)]
struct State {
    phase: String,
    crowd: Option<(Clock, Vec<Arc<Shard>>)>,
    seen: Arc<Mutex<Seen>>,
}

/// One look at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Glance {
    /// What happens now.
    pub phase: String,
    /// Seconds since the first arrival was due.
    pub elapsed_s: u64,
    /// Counters since then.
    pub totals: Totals,
    /// Requests due in each of the last seconds, and replies; the running one is left out.
    pub due: Vec<u64>,
    /// See `due`.
    pub answered: Vec<u64>,
    /// Latency of the replies of the last whole second in microseconds: p50, p99, largest.
    pub latency_us: [u64; 3],
    /// How late the generator was at worst in that second, in microseconds.
    pub lag_us: u64,
    /// Sockets that are open.
    pub sockets: u32,
    /// Sessions on their way.
    pub buyers: u32,
    /// Refusals by code.
    pub refusals: BTreeMap<String, u64>,
    /// Units: free, held, sold, killed.
    pub units: [u64; 4],
    /// Requests that waited in the lanes, the mean of a second.
    pub queued: Option<[f64; 2]>,
    /// Processors that the server used.
    pub processors: Option<f64>,
}

impl Live {
    /// A run that has not begun.
    #[must_use]
    pub fn new(name: &str, buyers: u64, interrupt: &Arc<Interrupt>) -> Arc<Self> {
        let state = State { phase: String::new(), crowd: None, seen: Arc::default() };
        let (state, interrupt) = (Mutex::new(state), Arc::clone(interrupt));
        Arc::new(Live { name: name.to_owned(), buyers, state, interrupt })
    }

    /// Say what happens now.
    pub(crate) fn stage(&self, phase: impl Into<String>) {
        self.state().phase = phase.into();
    }

    /// Show a crowd, and what the watcher sees.
    pub(crate) fn show(&self, clock: Clock, shards: &[Arc<Shard>], seen: &Arc<Mutex<Seen>>) {
        let mut state = self.state();
        state.crowd = Some((clock, shards.to_vec()));
        state.seen = Arc::clone(seen);
    }

    /// How its end is asked for.
    #[must_use]
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Look.
    #[must_use]
    pub fn glance(&self) -> Glance {
        let (phase, crowd, seen) = {
            let state = self.state();
            (state.phase.clone(), state.crowd.clone(), Arc::clone(&state.seen))
        };
        let mut glance = Glance { phase, ..Glance::default() };
        if let Some((clock, shards)) = crowd {
            glance.look(&shards, clock.now_us() / 1_000_000);
        }
        let seen = locked(&seen);
        glance.units = seen.units();
        (glance.queued, glance.processors) = (seen.queued(), seen.processors());
        glance
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Only whole values are put into it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Glance {
    fn look(&mut self, shards: &[Arc<Shard>], now_s: u64) {
        self.elapsed_s = now_s;
        let end = usize::try_from(now_s).unwrap_or(usize::MAX);
        let begin = end.saturating_sub(SHOWN_S);
        (self.due, self.answered) = (vec![0; end - begin], vec![0; end - begin]);
        let mut last: Option<SecondNotes> = None;
        for shard in shards {
            let [sockets, buyers] = shard.open();
            self.sockets += sockets;
            self.buyers += buyers;
            let notes = shard.notes();
            self.totals.add(&notes.totals);
            for (code, count) in &notes.refusals {
                *self.refusals.entry(code.clone()).or_default() += count;
            }
            let shown = notes.seconds.iter().take(end).skip(begin);
            for (index, second) in shown.enumerate() {
                self.due[index] += u64::from(second.counts.due);
                self.answered[index] += u64::from(second.counts.answered);
            }
            if let Some(second) = end.checked_sub(1).and_then(|index| notes.seconds.get(index)) {
                match &mut last {
                    Some(all) => all.merge(second),
                    None => last = Some(second.clone()),
                }
            }
        }
        if let Some(last) = last.map(|last| last.finished()) {
            (self.latency_us, self.lag_us) = (last.latency_us, last.lag_us);
        }
    }
}
