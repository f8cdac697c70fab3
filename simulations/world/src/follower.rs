//! Followers of the log: two of the product's projection of orders, and two that pass every event on, each pair racing for one cursor.
//!
//! A follower halts at every read of the log, so that the other may overtake it there. Its table meets faults; it dies between an
//! effect and its cursor.

mod check;
mod halting;
mod orders;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::task::noop_waker_ref;
use tessera_inventory::Sequence;
use tessera_projections::follower_cursors::{Advance, FollowerCursors};
use tessera_projections::orders::{OrdersBySubject, Step};
use tessera_records::for_each;
use tessera_store::keys::FollowerCursor;
use tessera_store::memory::{CommitFault, MemoryStore};
use tessera_store::{Log, StoreError, Table};

use crate::catalogue::EVENT;
use crate::mutant::Mutant;
use crate::oracle::{Violation, broken};
pub(crate) use halting::{Halting, HaltingTable, Task, go_on, halt};

/// The cursor of those who pass events on.
const RELAY: &str = "relay";
/// Bytes of the log that a relay reads at once: few, so that it has many steps.
const PAGE_BYTES: usize = 400;
/// Followers of a world: two projections, two relays.
pub(crate) const FOLLOWERS: usize = 4;

/// How often each event was passed on.
type Effects = Arc<Mutex<BTreeMap<u64, u32>>>;

/// What became of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// It waits for the log.
    Halted,
    /// It has got further, or there was nothing to do.
    Went,
    /// Another one has got further.
    Overtaken,
    /// The table or the log did not answer.
    Failed,
    /// It ended after its effects, before its cursor.
    Died,
}

/// Where a relay stands, if it knows, and what it did.
type Relayed = (Option<FollowerCursor>, Followed);

enum Running {
    Projection(BoxFuture<'static, Result<Step, StoreError>>),
    Relay(BoxFuture<'static, Result<Relayed, StoreError>>),
}

/// Every follower of the world, with its table.
pub(crate) struct Followers {
    table: MemoryStore,
    orders: OrdersBySubject,
    cursors: FollowerCursors,
    effects: Effects,
    running: [Option<Running>; FOLLOWERS],
    places: [Option<FollowerCursor>; FOLLOWERS],
    /// How far the projection and the relays had got.
    seen: [Sequence; 2],
}

impl Followers {
    pub(crate) fn new(mutant: Option<Mutant>) -> Followers {
        let table = MemoryStore::new();
        let shared: Arc<dyn Table> = Arc::new(table.clone());
        let (orders, cursors) = match mutant {
            Some(Mutant::Follower(mutant)) => (
                OrdersBySubject::mutated(Arc::clone(&shared), mutant),
                FollowerCursors::mutated(shared, mutant),
            ),
            _ => (OrdersBySubject::new(Arc::clone(&shared)), FollowerCursors::new(shared)),
        };
        Followers {
            table,
            orders,
            cursors,
            effects: Effects::default(),
            running: [const { None }; FOLLOWERS],
            places: [None; FOLLOWERS],
            seen: [Sequence::ZERO; 2],
        }
    }

    /// The table, which others use, too.
    pub(crate) fn table(&self) -> MemoryStore {
        self.table.clone()
    }

    /// The next commit of the table meets this.
    pub(crate) fn inject(&self, fault: CommitFault) {
        self.table.inject_commit(fault);
    }

    /// A follower dies where it stands.
    pub(crate) fn forget(&mut self, follower: usize) {
        (self.running[follower], self.places[follower]) = (None, None);
    }

    /// A follower goes on, or begins its next step. `dies`: between its effects and its cursor.
    pub(crate) fn follow(
        &mut self,
        follower: usize,
        log: Arc<dyn Log>,
        dies: bool,
    ) -> Result<Followed, Violation> {
        let running = match self.running[follower].take() {
            Some(running) => running,
            None => self.begin(follower, log, dies),
        };
        let context = &mut Context::from_waker(noop_waker_ref());
        let followed = match running {
            Running::Projection(mut step) => match step.poll_unpin(context) {
                Poll::Pending => {
                    self.running[follower] = Some(Running::Projection(step));
                    Followed::Halted
                }
                Poll::Ready(Ok(Step::Overtaken)) => Followed::Overtaken,
                Poll::Ready(Ok(_)) => Followed::Went,
                Poll::Ready(Err(error)) => failed(&error)?,
            },
            Running::Relay(mut step) => match step.poll_unpin(context) {
                Poll::Pending => {
                    self.running[follower] = Some(Running::Relay(step));
                    Followed::Halted
                }
                Poll::Ready(Ok((place, followed))) => {
                    self.places[follower] = place;
                    followed
                }
                Poll::Ready(Err(error)) => {
                    self.places[follower] = None;
                    failed(&error)?
                }
            },
        };
        self.nothing_goes_back()?;
        Ok(followed)
    }

    fn begin(&self, follower: usize, log: Arc<dyn Log>, dies: bool) -> Running {
        let log = Halting::over(log);
        if is_projection(follower) {
            let orders = self.orders.clone();
            Running::Projection(async move { orders.project(&log, EVENT).await }.boxed())
        } else {
            let (cursors, effects) = (self.cursors.clone(), Arc::clone(&self.effects));
            Running::Relay(relay(cursors, log, effects, self.places[follower], dies).boxed())
        }
    }
}

pub(crate) fn is_projection(follower: usize) -> bool {
    follower < FOLLOWERS / 2
}

/// One page of the log is passed on, and then the cursor moves.
async fn relay(
    cursors: FollowerCursors,
    log: Halting,
    effects: Effects,
    place: Option<FollowerCursor>,
    dies: bool,
) -> Result<Relayed, StoreError> {
    let from = match place {
        Some(place) => place,
        None => cursors.take_over(EVENT, RELAY).await?,
    };
    let records = log.read(EVENT, from.sequence, PAGE_BYTES).await?;
    let Some(last) = records.last() else { return Ok((Some(from), Followed::Went)) };
    for record in &records {
        // What cannot be read the oracle has found before.
        let passed_on = for_each(&record.bytes, |sequence, _| {
            let mut effects = effects.lock().unwrap_or_else(PoisonError::into_inner);
            *effects.entry(sequence.0).or_default() += 1;
        });
        passed_on.map_err(|error| StoreError::Damaged { reason: error.to_string() })?;
    }
    halt().await;
    if dies {
        return Ok((None, Followed::Died));
    }
    Ok(match cursors.advance(EVENT, RELAY, from, last.last_sequence).await? {
        Advance::Advanced(next) => (Some(next), Followed::Went),
        Advance::Fenced { .. } => (None, Followed::Overtaken),
    })
}

/// What may be over the next time; anything else is a defect.
pub(crate) fn failed(error: &StoreError) -> Result<Followed, Violation> {
    match error {
        StoreError::Unavailable { .. } | StoreError::OutcomeUnknown { .. } | StoreError::Fatal { .. } => {
            Ok(Followed::Failed)
        }
        _ => Err(broken("followers can read the log", error.to_string())),
    }
}
