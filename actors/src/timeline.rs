//! Where a request that is traced has spent its time. Only such a request has one: the others pay for an empty field.

use std::sync::{Arc, OnceLock};

use tessera_writer::Monotonic;

/// When one request was asked, and the turn that served it once it was answered.
#[derive(Debug)]
pub struct Timeline {
    /// When it was put into the queue of its writer.
    pub asked_at: Monotonic,
    turn: OnceLock<Arc<TracedTurn>>,
}

/// One turn of a writer, which serves many requests.
#[derive(Debug)]
pub struct TracedTurn {
    /// When the writer began it.
    pub began_at: Monotonic,
    /// When the writer had decided everything in it and turned to the store.
    pub stored_at: Monotonic,
    /// When the store had answered, and replies could leave.
    pub answered_at: Monotonic,
    /// How many requests it served.
    pub requests: usize,
    /// Whether it appended to the log; otherwise it has read the head.
    pub appended: bool,
    /// What the tracer of the first of them keeps for the others.
    pub mark: OnceLock<(u128, u64)>,
}

impl Timeline {
    /// Of a request that is asked now.
    #[must_use]
    pub fn begin(asked_at: Monotonic) -> Arc<Timeline> {
        Arc::new(Timeline { asked_at, turn: OnceLock::new() })
    }

    /// The turn that served it; `None` where none did.
    #[must_use]
    pub fn turn(&self) -> Option<&Arc<TracedTurn>> {
        self.turn.get()
    }

    pub(crate) fn served_by(&self, turn: Arc<TracedTurn>) {
        // A request is served once.
        let _ = self.turn.set(turn);
    }
}

/// The turn under way, as its performer sees it.
#[derive(Debug, Default)]
pub(crate) struct TurnTimes {
    began_at: Monotonic,
    stored_at: Monotonic,
    requests: usize,
    appended: bool,
    /// Made for the first of its requests that is traced.
    traced: Option<Arc<TracedTurn>>,
}

impl TurnTimes {
    pub(crate) fn began(requests: usize, began_at: Monotonic) -> TurnTimes {
        TurnTimes { began_at, stored_at: began_at, requests, ..TurnTimes::default() }
    }

    pub(crate) fn began_at(&self) -> Monotonic {
        self.began_at
    }

    /// The writer turns to the store; again, where it did not answer.
    pub(crate) fn stores(&mut self, appends: bool, now: Monotonic) {
        if self.stored_at == self.began_at {
            self.stored_at = now;
        }
        self.appended |= appends;
    }

    /// The turn, for a request of it that is traced.
    pub(crate) fn traced(&mut self, now: Monotonic) -> Arc<TracedTurn> {
        let TurnTimes { began_at, stored_at, requests, appended, .. } = *self;
        let turn = || TracedTurn {
            began_at,
            stored_at,
            answered_at: now,
            requests,
            appended,
            mark: OnceLock::new(),
        };
        Arc::clone(self.traced.get_or_insert_with(|| Arc::new(turn())))
    }
}
