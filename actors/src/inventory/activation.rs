//! Performs an activation: reads the snapshot and the log, replays off the serving threads, claims the head.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tessera_cluster::NodeId;
use tessera_inventory::{EventId, Sequence};
use tessera_projections::quarantine::{Quarantined, WentBack};
use tessera_records::RecordEncoder;
use tessera_store::{AppendOutcome, Batch, LogRecord, StoreError};
use tessera_writer::{
    Activation, ActivationInput, ActivationOutput, ActivationStop, AppendAnswer, Head, Monotonic, Output,
    StoreFailure, Writer, WriterOptions,
};

use super::publisher::Publisher;
use super::recovery::{decode, newest_state, replay_record};
use crate::blocking::{Panicked, blocking};
use crate::ingress::Ticket;
use crate::shared::Shared;
use crate::{ACTIVATION_ATTEMPTS_MAX, LOG_READ_BYTES_MAX, Published};

/// The writer of an event that is ours, with what it wants done first.
#[derive(Debug)]
pub(crate) struct Activated {
    pub(crate) writer: Writer<Ticket, RecordEncoder>,
    pub(crate) outputs: Vec<Output<Ticket>>,
    pub(crate) publisher: Publisher,
    /// The registration under which the event was claimed; `None`: this process is alone.
    pub(crate) owner: Option<NodeId>,
    /// The first view, made where a panic ends no supervisor.
    pub(crate) published: Published,
    /// Sequence of the snapshot that replay began with.
    pub(crate) snapshot_at: Sequence,
}

/// Why an activation gave no writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Another owner has it.
    Fenced,
    /// Another node owns it.
    Elsewhere,
    /// This node has no registration, or hands its events over.
    NotServing,
    /// The store is away.
    Unavailable {
        /// For the operator.
        reason: String,
    },
    /// What is stored cannot be served: damaged, or of a newer release.
    Unreadable {
        /// For the operator.
        error: StoreError,
    },
    /// The store failed for good.
    StoreFailed {
        /// For the operator.
        reason: String,
    },
    /// It is set aside, by another node or before this one started.
    SetAside {
        /// Its row.
        row: Box<Quarantined>,
    },
    /// The store lacks what was acknowledged of it.
    WentBack {
        /// What it lacks.
        lacks: WentBack,
    },
    /// An invariant of the state does not hold.
    Violated {
        /// For the operator.
        reason: String,
    },
    /// Replay, or the making of the first view, panicked.
    Panicked {
        /// For the operator.
        reason: String,
    },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { reason }
            | StoreError::Outdated { reason }
            | StoreError::OutcomeUnknown { reason } => Failure::Unavailable { reason },
            StoreError::Fatal { reason } => Failure::StoreFailed { reason },
            StoreError::Locked { .. } => Failure::StoreFailed { reason: error.to_string() },
            StoreError::Damaged { .. } | StoreError::FormatTooNew { .. } | StoreError::TooLarge { .. } => {
                Failure::Unreadable { error }
            }
        }
    }
}

impl From<Panicked> for Failure {
    fn from(Panicked { reason }: Panicked) -> Self {
        Failure::Panicked { reason }
    }
}

/// Become the writer of `event`. What the store does not answer is tried again, [`ACTIVATION_ATTEMPTS_MAX`] times in a row; a claim
/// that then is of unknown outcome is harmless: nobody acts on it, and the next claim is fenced by it or fences it. Ends when the
/// supervisor of this `generation` has a successor.
pub(crate) async fn activate(
    shared: Arc<Shared>,
    event: EventId,
    generation: u64,
) -> Result<Activated, Failure> {
    let owner = match &shared.cluster {
        Some(cluster) => {
            cluster.clocks_known(&*shared.environment.clock).await;
            Some(cluster.claim(&shared, event).await?)
        }
        None => {
            if let Some(row) = super::wake_up_rows::mark_active(&*shared.table, event).await? {
                return Err(Failure::SetAside { row: Box::new(row) });
            }
            None
        }
    };
    let receipts = shared.signer.is_some();
    let options = WriterOptions::new(shared.environment.random.bits())
        .with_receipts(receipts)
        .with_mutation(shared.environment.mutation);
    let (activation, snapshot_at) = match newest_state(&shared, event).await? {
        Some((state, chain)) => {
            let sequence = state.sequence();
            (Activation::from_snapshot(state, chain, options), sequence)
        }
        None => (Activation::new(event, options), Sequence::ZERO),
    };
    let mut driver = Driver { shared, event, generation, activation, outputs: Vec::new(), unanswered: 0 };
    driver.run().await?;
    driver.finish(snapshot_at, owner).await
}

struct Driver {
    shared: Arc<Shared>,
    event: EventId,
    generation: u64,
    activation: Activation,
    outputs: Vec<ActivationOutput>,
    /// Calls in a row that the store did not answer.
    unanswered: u32,
}

impl Driver {
    async fn run(&mut self) -> Result<(), Failure> {
        self.feed(ActivationInput::Start);
        let mut queue: VecDeque<ActivationOutput> = VecDeque::new();
        loop {
            queue.extend(self.outputs.drain(..));
            let Some(output) = queue.pop_front() else {
                let reason = "the activation waits for nothing".to_owned();
                return Err(Failure::Panicked { reason });
            };
            let input = match output {
                ActivationOutput::ReadHead => {
                    let found = self.shared.log.head(self.event).await;
                    ActivationInput::HeadRead(self.whole(found).await?)
                }
                ActivationOutput::ReadLog { after } => {
                    let records = self.shared.log.read(self.event, after, LOG_READ_BYTES_MAX).await;
                    match self.retryable(records)? {
                        Ok(records) => ActivationInput::LogRead(self.replay(records).await.map(Ok)?),
                        Err(failure) => ActivationInput::LogRead(Err(failure)),
                    }
                }
                ActivationOutput::Append { expected, next, attempt } => {
                    if self.shared.generation.load(Ordering::Acquire) != self.generation {
                        // Who asked for it is gone; a claim would only fence the writer that came since.
                        return Err(Failure::Fenced);
                    }
                    if attempt > 0 {
                        self.shared.meters.append_retries.increment(1);
                    }
                    let batch = Batch { next, record: Arc::from([]) };
                    let outcome = self.shared.log.append(self.event, expected, batch).await;
                    if outcome == AppendOutcome::Committed {
                        self.shared.witness_head(self.event, next);
                    }
                    if let AppendOutcome::Unknown { reason } = &outcome {
                        self.count_unanswered(reason)?;
                    } else {
                        self.unanswered = 0;
                    }
                    ActivationInput::AppendDone(append_answer(outcome)?)
                }
                ActivationOutput::ArmTimer(at) => {
                    self.shared.environment.clock.sleep_until(at).await;
                    ActivationInput::Tick
                }
                ActivationOutput::Activated => return Ok(()),
                ActivationOutput::Stop(stop) => return Err(stopped(stop)),
            };
            self.feed(input);
        }
    }

    /// A head of which the store lacks nothing that this node has seen.
    async fn whole(
        &mut self,
        found: Result<Head, StoreError>,
    ) -> Result<Result<Head, StoreFailure>, Failure> {
        let lacks = match &found {
            Ok(head) => super::went_back::lacks(&self.shared, self.event, *head).await,
            Err(error) => Err(error.clone()),
        };
        match self.retryable(lacks)? {
            Ok(Some(lacks)) => Err(Failure::WentBack { lacks }),
            Ok(None) => self.retryable(found),
            Err(failure) => Ok(Err(failure)),
        }
    }

    fn feed(&mut self, input: ActivationInput) {
        self.activation.handle(input, self.now(), &mut self.outputs);
    }

    fn now(&self) -> Monotonic {
        self.shared.environment.clock.monotonic()
    }

    /// What the machine repeats stays inside; what it cannot know, or has repeated often enough, ends the activation.
    fn retryable<T>(&mut self, answer: Result<T, StoreError>) -> Result<Result<T, StoreFailure>, Failure> {
        match answer {
            Ok(value) => {
                self.unanswered = 0;
                Ok(Ok(value))
            }
            Err(StoreError::Unavailable { reason }) => {
                self.count_unanswered(&reason)?;
                Ok(Err(StoreFailure::Unavailable { reason }))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn count_unanswered(&mut self, reason: &str) -> Result<(), Failure> {
        self.unanswered += 1;
        if self.unanswered < ACTIVATION_ATTEMPTS_MAX {
            return Ok(());
        }
        Err(Failure::Unavailable { reason: reason.to_owned() })
    }

    /// Decode and apply records on a thread that may be busy for a while.
    async fn replay(&mut self, records: Vec<LogRecord>) -> Result<(), Failure> {
        let unused = Activation::new(self.event, WriterOptions::new(0));
        let mut activation = std::mem::replace(&mut self.activation, unused);
        let mut outputs = std::mem::take(&mut self.outputs);
        let work = move || {
            for record in &records {
                let events = decode(record)?;
                activation.replay(&replay_record(record), events, &mut outputs);
            }
            Ok::<_, StoreError>((activation, outputs))
        };
        let (activation, outputs) = blocking(&*self.shared.environment.spawn, work).await??;
        self.activation = activation;
        self.outputs = outputs;
        Ok(())
    }

    async fn finish(self, snapshot_at: Sequence, owner: Option<NodeId>) -> Result<Activated, Failure> {
        let clock = &*self.shared.environment.clock;
        let state = self.activation.state();
        if state.sequence() > Sequence::ZERO {
            self.shared.witness.logged(state.logged_at());
        }
        let (reading, now) = (self.shared.read_clocks(), clock.monotonic());
        let refresh_ms = self.shared.limits.seat_map_refresh_ms;
        let activation = self.activation;
        let work = move || {
            let mut outputs = Vec::new();
            let writer = activation.into_writer(RecordEncoder::default(), reading, now, &mut outputs)?;
            let state = writer.durable_state()?;
            let mut publisher = Publisher::new(state, now, refresh_ms);
            let published = publisher.view(state, now);
            Some(Activated { writer, outputs, publisher, owner, published, snapshot_at })
        };
        let activated = blocking(&*self.shared.environment.spawn, work).await?;
        let reason = || Failure::Panicked { reason: "the activation ended without a writer".to_owned() };
        activated.ok_or_else(reason)
    }
}

/// A store's outcome in the writer's words; an error where this event is damaged.
pub(crate) fn append_answer(outcome: AppendOutcome) -> Result<AppendAnswer, StoreError> {
    Ok(match outcome {
        AppendOutcome::Committed => AppendAnswer::Committed,
        AppendOutcome::Fenced { found } => AppendAnswer::Fenced { found },
        AppendOutcome::Damaged { reason } => return Err(StoreError::Damaged { reason }),
        AppendOutcome::Unknown { reason } => {
            tracing::debug!(reason, "the outcome of an append is unknown");
            AppendAnswer::Unknown
        }
        AppendOutcome::Fatal { reason } => AppendAnswer::Fatal { reason },
    })
}

fn stopped(stop: ActivationStop) -> Failure {
    match stop {
        ActivationStop::Fenced { .. } => Failure::Fenced,
        ActivationStop::FormatTooNew { needed } => {
            let supported = tessera_writer::FORMAT_VERSION;
            Failure::Unreadable { error: StoreError::FormatTooNew { needed, supported } }
        }
        ActivationStop::Damaged { reason } => Failure::Unreadable { error: StoreError::Damaged { reason } },
        ActivationStop::StoreFailed { reason } => Failure::StoreFailed { reason },
    }
}
