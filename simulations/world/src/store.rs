//! The store of the world behind delays, outages and faults: the product's memory log, or its journal on a disk that fails.

mod disk;
mod journal;

use std::sync::Arc;

use futures::executor::block_on;
use tessera_embedded::Mutation;
use tessera_inventory::Sequence;
use tessera_store::memory::{AppendFault, MemoryStore};
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError};
use tessera_writer::{AppendAnswer, Head, StoreFailure};

use crate::catalogue::EVENT;
use crate::disturbance::DiskFault;
use crate::mutant::Mutant;
use crate::node::Call;
use crate::oracle::{Violation, broken};
use crate::plan::{Media, Plan};
use journal::Journal;

/// Bytes of one page of the log: small, so that replay needs several.
const PAGE_BYTES: usize = 2_000;

/// What the store answers.
#[derive(Debug)]
pub(crate) enum StoreAnswer {
    Append(AppendAnswer),
    Head(Result<Head, StoreFailure>),
    Log(Result<Vec<LogRecord>, StoreFailure>),
}

pub(crate) struct Store {
    log: Medium,
    pub(crate) is_away: bool,
    /// Something may have changed since the last look.
    pub(crate) is_touched: bool,
}

enum Medium {
    Service(MemoryStore),
    Journal(Box<Journal>),
}

impl Store {
    pub(crate) fn new(plan: &Plan, seed: u64) -> Result<Store, Violation> {
        let mutation = match plan.mutant {
            Some(Mutant::Journal(mutant)) => Mutation::of(mutant),
            _ => Mutation::default(),
        };
        let log = match plan.media {
            Media::Service => Medium::Service(MemoryStore::new()),
            Media::Journal => Medium::Journal(Box::new(Journal::new(seed, mutation)?)),
        };
        Ok(Store { log, is_away: false, is_touched: false })
    }

    fn log(&self) -> Result<&dyn Log, StoreError> {
        match &self.log {
            Medium::Service(log) => Ok(log),
            Medium::Journal(journal) => match journal.log() {
                Some(log) => Ok(log),
                None => Err(StoreError::Fatal { reason: "closed".to_owned() }),
            },
        }
    }

    /// The log for those who keep it; none while it is not there.
    pub(crate) fn shared_log(&self) -> Option<Arc<dyn Log>> {
        match &self.log {
            Medium::Service(log) => Some(Arc::new(log.clone())),
            Medium::Journal(journal) => Some(Arc::new(journal.log()?.clone())),
        }
    }

    fn head(&self) -> Result<Head, StoreError> {
        block_on(self.log()?.head(EVENT))
    }

    fn read(&self, after: Sequence, limit_bytes: usize) -> Result<Vec<LogRecord>, StoreError> {
        block_on(self.log()?.read(EVENT, after, limit_bytes))
    }

    pub(crate) fn answer(&mut self, call: Call, fault: AppendFault) -> StoreAnswer {
        match call {
            Call::Append { expected, next, record } => {
                let batch = Batch { next, record };
                StoreAnswer::Append(append_answer(self.append(expected, batch, fault)))
            }
            Call::Head if self.is_away => StoreAnswer::Head(Err(away())),
            Call::Head => StoreAnswer::Head(self.head().map_err(|error| failure(&error))),
            Call::Log { .. } if self.is_away => StoreAnswer::Log(Err(away())),
            Call::Log { after } => {
                StoreAnswer::Log(self.read(after, PAGE_BYTES).map_err(|error| failure(&error)))
            }
        }
    }

    fn append(&mut self, expected: Head, batch: Batch, fault: AppendFault) -> AppendOutcome {
        if self.is_away {
            return AppendOutcome::Unknown { reason: "away".to_owned() };
        }
        self.is_touched = true;
        match &mut self.log {
            Medium::Service(log) => {
                if fault != AppendFault::None {
                    log.inject_append(fault);
                }
                block_on(log.append(EVENT, expected, batch))
            }
            Medium::Journal(journal) => journal.append(expected, batch),
        }
    }

    /// An append whose caller is not there any more.
    pub(crate) fn append_unheard(&mut self, expected: Head, batch: Batch) {
        self.append(expected, batch, AppendFault::None);
    }

    /// The oldest append that was to be applied later is applied now.
    pub(crate) fn land_next(&mut self) {
        self.is_touched = true;
        if let Medium::Service(log) = &self.log {
            log.land_append();
        }
    }

    /// Whether appends meet the faults of a plan: the journal's come from its disk.
    pub(crate) fn is_service(&self) -> bool {
        matches!(self.log, Medium::Service(_))
    }

    /// The disk fails so, if there is one. `true`: at once, and every process with it.
    pub(crate) fn disturb(&mut self, fault: DiskFault) -> Result<bool, Violation> {
        let Medium::Journal(journal) = &mut self.log else { return Ok(false) };
        self.is_touched = true;
        journal.disturb(fault)
    }

    /// Power is lost, if there is a disk. `true`: every process ends.
    pub(crate) fn lose_power(&mut self) -> Result<bool, Violation> {
        let Medium::Journal(journal) = &mut self.log else { return Ok(false) };
        self.is_touched = true;
        journal.lose_power()
    }

    /// The disk has lost what it had said it had, and the store does not open: an operator must bring a copy back.
    pub(crate) fn is_given_up(&self) -> bool {
        matches!(&self.log, Medium::Journal(journal) if journal.is_given_up)
    }

    /// The faults of the disk that were met since.
    pub(crate) fn met(&mut self) -> Vec<&'static str> {
        match &mut self.log {
            Medium::Service(_) => Vec::new(),
            Medium::Journal(journal) => std::mem::take(&mut journal.met),
        }
    }

    /// There is room on the disk again, if there is a disk.
    pub(crate) fn disk_emptied(&mut self) {
        if let Medium::Journal(journal) = &mut self.log {
            journal.disk_emptied();
        }
    }

    /// The disk does not fail any more.
    pub(crate) fn calm_down(&mut self) {
        self.is_away = false;
        if let Medium::Journal(journal) = &mut self.log {
            journal.calm_down();
        }
    }

    /// Whether the store has failed for good: its process ends, and it is opened again.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(&self.log, Medium::Journal(journal) if journal.has_failed())
    }

    /// The store is opened again, on what its disk has kept.
    pub(crate) fn reopen(&mut self) -> Result<(), Violation> {
        let Medium::Journal(journal) = &mut self.log else { return Ok(()) };
        self.is_touched = true;
        journal.reopen()
    }

    /// Head, and the records after `known`.
    pub(crate) fn look(&self, known: &Head) -> Result<Option<(Head, Vec<LogRecord>)>, Violation> {
        let unread = |error: StoreError| broken("what is durable can be read", error.to_string());
        let head = self.head().map_err(unread)?;
        if head == *known {
            return Ok(None);
        }
        let records = self.read(known.sequence, usize::MAX).map_err(unread)?;
        Ok(Some((head, records)))
    }
}

fn append_answer(outcome: AppendOutcome) -> AppendAnswer {
    match outcome {
        AppendOutcome::Committed => AppendAnswer::Committed,
        AppendOutcome::Fenced { found } => AppendAnswer::Fenced { found },
        AppendOutcome::Unknown { .. } => AppendAnswer::Unknown,
        AppendOutcome::Damaged { reason } | AppendOutcome::Fatal { reason } => AppendAnswer::Fatal { reason },
    }
}

fn away() -> StoreFailure {
    StoreFailure::Unavailable { reason: "away".to_owned() }
}

fn failure(error: &StoreError) -> StoreFailure {
    let reason = error.to_string();
    match error {
        StoreError::Unavailable { .. } => StoreFailure::Unavailable { reason },
        _ => StoreFailure::Fatal { reason },
    }
}
