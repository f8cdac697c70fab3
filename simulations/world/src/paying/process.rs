//! A process that looks after payments: its follower of the log and its desk. What is in its memory goes with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::task::noop_waker_ref;
use tessera_inventory::{Sequence, Timestamp};
use tessera_money::following::{PaymentFollower, Place, Stepped, Told, View};
use tessera_payments::{Desk, DeskOptions};
use tessera_projections::catalogue::Catalogue;
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_store::{Log, StoreError, Table};

use crate::catalogue::EVENT;
use crate::follower::{Followed, Halting, HaltingTable, failed};
use crate::mutant::Mutant;
use crate::oracle::Violation;

/// What a step of the follower leaves.
type Followings = BoxFuture<'static, (Option<Place>, Result<Stepped, StoreError>, Vec<Told>)>;

/// One process.
pub(crate) struct Process {
    pub(crate) desk: Desk,
    /// Grows whenever its memory is dropped: what was meant for an earlier life is lost.
    pub(crate) life: u64,
    /// Counts the timers of its desk: a new one replaces the one before.
    pub(crate) timer: u64,
    /// How far the log was followed, as far as it knows.
    pub(crate) followed: Sequence,
    follower: PaymentFollower,
    place: Option<Place>,
    step: Option<Followings>,
}

impl Process {
    /// Its follower halts before every transaction and at every read of the log.
    pub(super) fn new(table: Arc<dyn Table>, options: &DeskOptions, mutant: Option<Mutant>) -> Process {
        let table: Arc<dyn Table> = Arc::new(HaltingTable::over(table));
        let payments = super::payments(Arc::clone(&table), options, mutant);
        let cursors = FollowerCursors::new(Arc::clone(&table));
        Process {
            desk: Desk::new(options.clone(), Timestamp::default()),
            life: 0,
            timer: 0,
            followed: Sequence::ZERO,
            follower: PaymentFollower::new(cursors, Catalogue::new(table), payments),
            place: None,
            step: None,
        }
    }

    /// See [`super::Money::forget`].
    pub(super) fn forget(&mut self, options: &DeskOptions, now: Timestamp) {
        self.desk = Desk::new(options.clone(), now);
        (self.place, self.step, self.followed) = (None, None, Sequence::ZERO);
        self.life += 1;
        self.timer += 1;
    }

    /// A step of its follower is under way.
    pub(crate) fn is_following(&self) -> bool {
        self.step.is_some()
    }

    /// Its follower goes on, or begins its next step; with what was written, if that is over.
    pub(crate) fn follow(
        &mut self,
        log: Arc<dyn Log>,
        view: View,
    ) -> Result<(Followed, Vec<Told>), Violation> {
        let mut step = match self.step.take() {
            Some(step) => step,
            None => self.begin(log, view),
        };
        let Poll::Ready((place, stepped, told)) = step.poll_unpin(&mut Context::from_waker(noop_waker_ref()))
        else {
            self.step = Some(step);
            return Ok((Followed::Halted, Vec::new()));
        };
        self.place = place;
        let followed = match stepped {
            Ok(Stepped::UpToDate(through) | Stepped::Seen { through, .. } | Stepped::Advanced(through)) => {
                self.followed = through;
                Followed::Went
            }
            Ok(Stepped::Fenced) => Followed::Overtaken,
            Err(error) => failed(&error)?,
        };
        Ok((followed, told))
    }

    fn begin(&mut self, log: Arc<dyn Log>, view: View) -> Followings {
        let (follower, mut place, log) = (self.follower.clone(), self.place.take(), Halting::over(log));
        async move {
            let written = Mutex::new(Vec::new());
            let tell = |told: Told| written.lock().unwrap_or_else(PoisonError::into_inner).push(told);
            let stepped = follower.step(&log, (EVENT, view), &mut place, &tell).await;
            (place, stepped, written.into_inner().unwrap_or_else(PoisonError::into_inner))
        }
        .boxed()
    }
}
