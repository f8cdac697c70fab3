//! The desks: one for each lane, which drives its payments. What a desk puts out is performed here; whatever takes time runs beside them and
//! comes back as a message, so that no payment holds up another.

mod asks;
mod audit;
mod calls;
mod listening;

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_inventory::Timestamp;
use tessera_money::payments::{Backlog, Due};
use tessera_money::{LANES, Lane};
use tessera_payments::{
    Alarm, Ask, AskAnswer, Change, Desk, DeskAlert, Input, Operation, Output, Payment, ProviderKey,
};

use crate::blocking::caught;
use crate::cluster::{Peer, Told};
use crate::meters::{number, seconds};
use crate::shared::Shared;
use audit::Look;
pub(super) use calls::look_up;
pub(crate) use listening::HeardEvent;
use listening::{Listening, Looked, Since};

/// Longest sleep of a desk, in milliseconds: what is due stands in wall time, which may be set.
const SLEEP_MS_MAX: u64 = 60_000;
/// How often everything that providers told is looked at again, and what is unsettled is counted, in milliseconds.
const SWEEP_MS: u64 = 60_000;
/// Payments of a lane that are counted.
const COUNTED_MAX: usize = 10_000;

/// What the desks are told.
#[derive(Debug)]
pub(crate) enum DeskMessage {
    /// The follower has written rows of a lane.
    Written(Lane, Vec<Payment>),
    /// A provider's event was kept, and says this.
    Heard(Box<HeardEvent>),
    /// Something that providers told waits for a lane.
    Listen(Lane),
    /// Another node says that something is due in a lane which this one looks after.
    Take(Lane),
    /// Who looks after which lane may have changed.
    Look,
    /// What the desk of a lane waits for.
    Input(Lane, Input),
    /// A provider has told something about a payment of a lane.
    Told {
        /// Of the payment.
        lane: Lane,
        /// What.
        input: Input,
        /// When it came.
        received_at: Timestamp,
    },
    /// A look at what providers told is over.
    Looked(Lane, Looked),
    /// The sleep of a desk is over; the number says which.
    Woken(Lane, u64),
    /// It is time to look at everything.
    Sweep,
    /// It is time to look at every payment, whether it is due or not, or to go on with that.
    Audit(Look),
}

/// The actor.
#[derive(Debug)]
pub(crate) struct Desks {
    pub(crate) shared: Arc<Shared>,
}

/// The desk of one lane.
#[derive(Debug)]
pub(crate) struct LaneDesk {
    desk: Desk,
    /// When it wakes.
    wakes_at: Option<Timestamp>,
    /// The number of its sleep: earlier ones wake nobody.
    sleep: u64,
    listening: Listening,
}

/// Who looks after a lane.
enum Keeper {
    Me,
    Other(Peer),
    /// This node is not registered, so nobody as far as it knows.
    Nobody,
}

type Lanes = Vec<LaneDesk>;

impl Actor for Desks {
    type Msg = DeskMessage;
    type State = Lanes;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<DeskMessage>, (): ()) -> Result<Lanes, ActorProcessingErr> {
        self.shared.money.desks.attach(myself.clone());
        let now = self.shared.environment.clock.wall();
        let lane = |_| LaneDesk {
            desk: Desk::new(self.shared.money.desk_options(), now),
            wakes_at: None,
            sleep: 0,
            listening: Listening::default(),
        };
        myself.cast(DeskMessage::Look)?;
        myself.cast(DeskMessage::Sweep)?;
        self.after_ms(&myself, audit::FIRST_MS, DeskMessage::Audit(Look::default()));
        Ok((0..LANES).map(lane).collect())
    }

    async fn handle(
        &self,
        myself: ActorRef<DeskMessage>,
        message: DeskMessage,
        lanes: &mut Lanes,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            DeskMessage::Written(lane, rows) => match self.keeper(lane) {
                Keeper::Me => self.input(&myself, lane, Input::Written(rows), None, lanes),
                keeper => self.tell(lane, &keeper),
            },
            DeskMessage::Heard(event) => match self.keeper(event.lane) {
                Keeper::Me => self.hear(&myself, *event),
                keeper => self.tell(event.lane, &keeper),
            },
            DeskMessage::Listen(lane) => match self.keeper(lane) {
                Keeper::Me => self.listen(&myself, lane, Since::Seen, lanes),
                keeper => self.tell(lane, &keeper),
            },
            DeskMessage::Take(lane) => {
                self.input(&myself, lane, Input::Wake, None, lanes);
                self.listen(&myself, lane, Since::Seen, lanes);
            }
            DeskMessage::Look => {
                for lane in Lane::all() {
                    self.input(&myself, lane, Input::Wake, None, lanes);
                }
            }
            DeskMessage::Input(lane, input) => {
                if let Input::Recorded { rows, .. } = &input
                    && desk_of(lanes, lane).listening.waits_for(rows)
                {
                    self.listen(&myself, lane, Since::Oldest, lanes);
                }
                self.input(&myself, lane, input, None, lanes);
            }
            DeskMessage::Told { lane, input, received_at } => {
                if let Input::Told { handled: Some(event), .. } = &input {
                    desk_of(lanes, lane).listening.heard(received_at, event);
                }
                self.input(&myself, lane, input, Some(received_at), lanes);
            }
            DeskMessage::Looked(lane, looked) => {
                if let Some(since) = desk_of(lanes, lane).listening.looked(looked) {
                    self.listen(&myself, lane, since, lanes);
                }
            }
            DeskMessage::Woken(lane, sleep) => {
                let desk = desk_of(lanes, lane);
                if desk.sleep == sleep {
                    desk.wakes_at = None;
                    self.input(&myself, lane, Input::Tick, None, lanes);
                }
            }
            DeskMessage::Sweep => self.sweep(&myself, lanes),
            DeskMessage::Audit(look) => self.audit(&myself, look),
        }
        Ok(())
    }
}

fn desk_of(lanes: &mut Lanes, lane: Lane) -> &mut LaneDesk {
    // There are as many as lanes have numbers.
    &mut lanes[usize::from(lane.number())]
}

impl Desks {
    /// In a cluster each lane has one node that looks after it. Two that both believe so do no harm: every step is repeatable.
    fn keeper(&self, lane: Lane) -> Keeper {
        let Some(cluster) = self.shared.cluster.as_ref() else { return Keeper::Me };
        if cluster.me().is_none() {
            return Keeper::Nobody;
        }
        cluster.keeper(u128::from(lane.number())).map_or(Keeper::Me, Keeper::Other)
    }

    fn tell(&self, lane: Lane, keeper: &Keeper) {
        // Nobody is told where nobody is known: what is due is found in the rows.
        if let (Some(cluster), Keeper::Other(peer)) = (self.shared.cluster.as_ref(), keeper) {
            cluster.options.peers.tell(peer, Told::Payments(lane));
        }
    }

    fn listen(&self, myself: &ActorRef<DeskMessage>, lane: Lane, since: Since, lanes: &mut Lanes) {
        desk_of(lanes, lane).listening.look(&self.shared, myself, lane, since);
    }

    fn hear(&self, myself: &ActorRef<DeskMessage>, event: HeardEvent) {
        let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let _ = myself.cast(listening::told(&shared, event).await);
        }));
    }

    /// Give a desk something, and do what follows. `heard_at`: when the provider told it.
    fn input(
        &self,
        myself: &ActorRef<DeskMessage>,
        lane: Lane,
        input: Input,
        heard_at: Option<Timestamp>,
        lanes: &mut Lanes,
    ) {
        let mut outputs = Vec::new();
        desk_of(lanes, lane).desk.handle(self.shared.environment.clock.wall(), input, &mut outputs);
        for output in outputs {
            match output {
                Output::ReadDue { most } => self.read_due(myself, lane, most, lanes),
                Output::Record { batch, changes } => self.record(myself, lane, batch, changes),
                Output::Call { payment, operation, key } => {
                    self.call(myself, lane, *payment, (operation, key))
                }
                Output::Ask { payment, ask } => self.ask(myself, lane, *payment, ask, heard_at),
                Output::ArmTimer(at) => self.sleep(myself, lane, at, lanes),
                Output::Alert(alert) => self.alert(&alert),
            }
        }
    }

    /// Do something beside the desks; what comes of it is given to the desk. A desk that was restarted meanwhile finds everything in the rows.
    fn beside(
        &self,
        myself: &ActorRef<DeskMessage>,
        lane: Lane,
        work: impl Future<Output = Input> + Send + 'static,
    ) {
        let myself = myself.clone();
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let _ = myself.cast(DeskMessage::Input(lane, work.await));
        }));
    }

    fn read_due(&self, myself: &ActorRef<DeskMessage>, lane: Lane, most: usize, lanes: &mut Lanes) {
        if !matches!(self.keeper(lane), Keeper::Me) {
            let nothing = Input::Due { payments: Vec::new(), next_at: None };
            return self.beside(myself, lane, std::future::ready(nothing));
        }
        self.listen(myself, lane, Since::Seen, lanes);
        let shared = Arc::clone(&self.shared);
        self.beside(myself, lane, async move {
            let now = shared.environment.clock.wall();
            match shared.money.payments.due(lane, now, most).await {
                Ok(Due { payments, next_at }) => Input::Due { payments, next_at },
                Err(error) => {
                    tracing::warn!(%error, "the payments that are due could not be read; they are read later");
                    Input::DueFailed
                }
            }
        });
    }

    fn record(&self, myself: &ActorRef<DeskMessage>, lane: Lane, batch: u64, changes: Vec<Change>) {
        let shared = Arc::clone(&self.shared);
        self.beside(myself, lane, async move {
            let recorded = caught(shared.money.payments.record(&changes)).await;
            let error = match recorded {
                Ok(Ok(rows)) => {
                    rows.iter().for_each(|row| shared.money.watchers.tell(row));
                    return Input::Recorded { batch, rows };
                }
                Ok(Err(error)) => error.to_string(),
                Err(panicked) => panicked.reason,
            };
            tracing::warn!(error, "what was learnt of payments could not be recorded; it is recorded again");
            Input::RecordFailed { batch }
        });
    }

    fn call(
        &self,
        myself: &ActorRef<DeskMessage>,
        lane: Lane,
        payment: Payment,
        (operation, key): (Operation, ProviderKey),
    ) {
        let shared = Arc::clone(&self.shared);
        self.beside(myself, lane, async move {
            let answer = calls::call(&shared, &payment, operation, key).await;
            Input::Answered { payment: payment.id, operation, answer }
        });
    }

    fn ask(
        &self,
        myself: &ActorRef<DeskMessage>,
        lane: Lane,
        payment: Payment,
        ask: Ask,
        heard_at: Option<Timestamp>,
    ) {
        let shared = Arc::clone(&self.shared);
        self.beside(myself, lane, async move {
            let answer = caught(asks::ask(&shared, &payment, ask)).await.unwrap_or(AskAnswer::Unknown);
            shared.money.meters.asked(ask, answer);
            if let (Ask::Confirm, AskAnswer::Accepted(_), Some(heard_at)) = (ask, answer, heard_at) {
                let took_ms = shared.environment.clock.wall().0.saturating_sub(heard_at.0);
                shared.money.meters.confirmed_seconds.record(seconds(took_ms.saturating_mul(1_000)));
            }
            Input::Decided { payment: payment.id, ask, answer }
        });
    }

    /// Wake a desk at this time, unless it wakes before: then it says again when.
    fn sleep(&self, myself: &ActorRef<DeskMessage>, lane: Lane, at: Timestamp, lanes: &mut Lanes) {
        let desk = desk_of(lanes, lane);
        if desk.wakes_at.is_some_and(|wakes_at| wakes_at <= at) {
            return;
        }
        (desk.wakes_at, desk.sleep) = (Some(at), desk.sleep + 1);
        let wait_ms = at.0.saturating_sub(self.shared.environment.clock.wall().0);
        self.after_ms(myself, wait_ms.min(SLEEP_MS_MAX), DeskMessage::Woken(lane, desk.sleep));
    }

    fn alert(&self, alert: &DeskAlert) {
        match alert {
            DeskAlert::Payment { payment, alarm } => {
                let name = self.shared.money.meters.alarmed(Some(*alarm));
                let refund = match alarm {
                    Alarm::RefundStuck { number } | Alarm::RefundTooLarge { number } => Some(*number),
                    _ => None,
                };
                tracing::error!(%payment, alarm = name, refund, "something is wrong with a payment");
            }
            DeskAlert::ProviderRefuses { provider, detail } => {
                let name = self.shared.money.meters.alarmed(None);
                let provider = self.shared.money.providers.get(provider).map(|provider| provider.name());
                tracing::error!(
                    provider,
                    detail = &**detail,
                    alarm = name,
                    "a provider does not let us call it"
                );
            }
        }
    }

    /// Look at everything that providers told, and count what is unsettled.
    fn sweep(&self, myself: &ActorRef<DeskMessage>, lanes: &mut Lanes) {
        let mine: Vec<_> = Lane::all().filter(|lane| matches!(self.keeper(*lane), Keeper::Me)).collect();
        for lane in &mine {
            self.listen(myself, *lane, Since::Oldest, lanes);
        }
        let shared = Arc::clone(&self.shared);
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let mut all = Backlog::default();
            for lane in mine {
                match shared.money.payments.backlog(lane, COUNTED_MAX).await {
                    Ok(Backlog { unsettled, due_at }) => {
                        all.unsettled += unsettled;
                        all.due_at = [all.due_at, due_at].into_iter().flatten().min();
                    }
                    Err(error) => return tracing::warn!(%error, "unsettled payments could not be counted"),
                }
            }
            let now = shared.environment.clock.wall();
            let overdue_since = all.due_at.filter(|due_at| *due_at <= now);
            shared.money.meters.unsettled.set(number(all.unsettled as u64));
            shared.money.meters.oldest_due.set(overdue_since.map_or(0.0, |at| number(at.0 / 1_000)));
        }));
        self.after_ms(myself, SWEEP_MS, DeskMessage::Sweep);
    }

    fn after_ms(&self, myself: &ActorRef<DeskMessage>, wait_ms: u64, message: DeskMessage) {
        let (sleep, myself) = (self.shared.environment.sleep_ms(wait_ms), myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            let _ = myself.cast(message);
        }));
    }
}
