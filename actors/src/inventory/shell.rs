//! The actor around one writer: it takes requests in, gives the writer its inputs, and has its outputs performed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_inventory::Timestamp;
use tessera_store::{AppendOutcome, StoreError};
use tessera_writer::{AppendAnswer, Head, Input, Lane, Output, TURN_COMMANDS_MAX};

use super::activation::append_answer;
use super::hanging;
use super::performer::{Performer, ShellArguments, head_answer};
use crate::blocking::describe;

/// What a shell is told. Requests do not come this way.
#[derive(Debug)]
pub(crate) enum ShellMessage {
    /// Requests wait in the slot.
    Wake,
    /// An append was answered.
    AppendDone(AppendOutcome),
    /// A read of the head was answered.
    HeadRead(Result<Head, StoreError>),
    /// The writer's timer.
    TimerFired,
    /// A call to the store may hang.
    WatchStore,
    /// The seat map trails the state.
    RefreshSeatMap,
    /// Look whether the event is idle, and at the clocks.
    LookAround,
    /// Others need the place of this event: sleep if it is idle.
    MakeRoom,
    /// Take nothing more: [`Input::HandOver`], or [`Input::OwnershipLost`] where the registration of this node is gone.
    Close(Input),
    /// The shadow has found that an invariant does not hold.
    Violated(String),
    /// An operator vouches for the wall clock, which says this.
    AcknowledgeClock(Timestamp),
}

/// The actor of one active event.
#[derive(Debug)]
pub(crate) struct Shell;

impl Actor for Shell {
    type Msg = ShellMessage;
    type State = Performer;
    type Arguments = ShellArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<ShellMessage>,
        arguments: ShellArguments,
    ) -> Result<Performer, ActorProcessingErr> {
        Ok(Performer::new(myself, arguments))
    }

    async fn post_start(
        &self,
        myself: ActorRef<ShellMessage>,
        state: &mut Performer,
    ) -> Result<(), ActorProcessingErr> {
        guarded(&myself, state, |state| {
            state.perform();
            state.look_again_later();
            take_turns(state);
        });
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<ShellMessage>,
        message: ShellMessage,
        state: &mut Performer,
    ) -> Result<(), ActorProcessingErr> {
        guarded(&myself, state, |state| receive(message, state));
        Ok(())
    }
}

/// A panic ends this event's writer, not the process: its callers are told, and the supervisor rebuilds it from the log.
fn guarded(myself: &ActorRef<ShellMessage>, state: &mut Performer, step: impl FnOnce(&mut Performer)) {
    // After a panic the writer is only asked whom it owes an answer.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| step(state))) {
        state.panicked(describe(&*panic));
    }
    if state.has_ended() {
        myself.stop(None);
    }
}

fn receive(message: ShellMessage, state: &mut Performer) {
    match message {
        ShellMessage::Wake => {}
        ShellMessage::AppendDone(outcome) => {
            state.append_answered(&outcome);
            let damaged = |error: StoreError| AppendAnswer::Fatal { reason: state.damaged(&error) };
            let answer = append_answer(outcome).unwrap_or_else(damaged);
            feed(state, Input::AppendDone(answer));
        }
        ShellMessage::HeadRead(found) => {
            state.head_answered();
            let found = head_answer(state, found);
            feed(state, Input::HeadRead(found));
        }
        ShellMessage::TimerFired => {
            if state.timer_fired() {
                take_in(state);
                feed(state, Input::Tick);
            }
        }
        ShellMessage::WatchStore => hanging::look(state),
        ShellMessage::RefreshSeatMap => state.refresh_seat_map(),
        ShellMessage::LookAround => {
            if let Some(reading) = state.doubted_clock() {
                feed(state, Input::WallClock(reading));
            }
            state.note_clock();
            if state.may_passivate() {
                feed(state, Input::HandOver);
            } else {
                state.look_again_later();
            }
        }
        ShellMessage::MakeRoom if state.may_make_room() => feed(state, Input::HandOver),
        ShellMessage::MakeRoom => state.stay(),
        ShellMessage::Close(why) => {
            state.close();
            feed(state, why);
        }
        ShellMessage::Violated(reason) => state.violated(reason),
        ShellMessage::AcknowledgeClock(wall) => {
            feed(state, Input::AcknowledgeClock(wall));
            state.note_clock();
        }
    }
    take_turns(state);
}

pub(super) fn feed(state: &mut Performer, input: Input) {
    let now = state.now();
    let (writer, outputs) = state.writer();
    let Some(writer) = writer else { return };
    let begins_turn = matches!(input, Input::BeginTurn | Input::Tick) && writer.wants_turn(now);
    let waiting = writer.queued();
    writer.handle(input, now, outputs);
    let taken = waiting.saturating_sub(writer.queued());
    if begins_turn {
        state.turn_began(taken, now);
    }
    state.perform();
}

/// Begin turns until one is under way or nothing waits. The wake flag is lowered before the last look at the queue, and held up while
/// an answer of the store is awaited: it brings the shell back here by itself.
fn take_turns(state: &mut Performer) {
    state.slot().wake.lower();
    loop {
        take_in(state);
        let now = state.now();
        let (Some(writer), _) = state.writer() else { return };
        if !writer.wants_turn(now) {
            break;
        }
        feed(state, Input::BeginTurn);
    }
    let (writer, _) = state.writer();
    let (is_idle, is_stalled) =
        writer.map_or((true, false), |writer| (writer.is_idle(), writer.is_stalled()));
    state.slot().set_stalled(is_stalled || state.store_hangs());
    if !is_idle {
        state.slot().wake.hold();
    }
}

/// Move requests from the slot to the writer: of each lane as many as one turn takes, so that neither keeps the other out and the
/// writer alone says who goes first.
pub(super) fn take_in(state: &mut Performer) {
    let slot = state.slot();
    let (writer, outputs) = state.writer();
    let Some(writer) = writer else { return };
    let mut count = 0;
    for lane in [Lane::Existing, Lane::New] {
        let room = TURN_COMMANDS_MAX.saturating_sub(writer.queued_in(lane));
        count += slot.ingress.drain(lane, room, |request| {
            if let Err(ticket) = writer.submit(request) {
                outputs.push(Output::Reply { ticket, reply: tessera_writer::Reply::NotExecuted });
            }
        });
    }
    if count > 0 {
        state.busy();
    }
    state.perform();
}
