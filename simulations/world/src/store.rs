//! The store of the world: the product's memory log behind delays, outages and faults.

use tessera_store::memory::{AppendFault, MemoryCore};
use tessera_store::{AppendOutcome, Batch, LogRecord};
use tessera_writer::{AppendAnswer, Head, StoreFailure};

use crate::catalogue::EVENT;
use crate::node::Call;

/// Bytes of one page of the log: small, so that replay needs several.
const PAGE_BYTES: usize = 2_000;

/// What the store answers.
#[derive(Debug)]
pub(crate) enum StoreAnswer {
    Append(AppendAnswer),
    Head(Result<Head, StoreFailure>),
    Log(Result<Vec<LogRecord>, StoreFailure>),
}

#[derive(Default)]
pub(crate) struct Store {
    pub(crate) core: MemoryCore,
    pub(crate) is_away: bool,
}

impl Store {
    pub(crate) fn answer(&mut self, call: Call, fault: AppendFault) -> StoreAnswer {
        let away = || StoreFailure::Unavailable { reason: "away".to_owned() };
        match call {
            Call::Append { expected, next, record } => {
                let fault = if self.is_away { AppendFault::UnknownNotApplied } else { fault };
                let outcome = self.core.append_with(EVENT, expected, Batch { next, record }, fault);
                StoreAnswer::Append(match outcome {
                    AppendOutcome::Committed => AppendAnswer::Committed,
                    AppendOutcome::Fenced { found } => AppendAnswer::Fenced { found },
                    AppendOutcome::Unknown { .. } => AppendAnswer::Unknown,
                    AppendOutcome::Damaged { reason } | AppendOutcome::Fatal { reason } => {
                        AppendAnswer::Fatal { reason }
                    }
                })
            }
            Call::Head if self.is_away => StoreAnswer::Head(Err(away())),
            Call::Head => StoreAnswer::Head(Ok(self.core.head_now(EVENT))),
            Call::Log { .. } if self.is_away => StoreAnswer::Log(Err(away())),
            Call::Log { after } => StoreAnswer::Log(Ok(self.core.read_now(EVENT, after, PAGE_BYTES))),
        }
    }
}
