//! The bounded queue in front of a writer: shared memory with two lanes. The actor's mailbox, which has no bound, carries
//! nothing but wake-ups and control.

mod gate;
mod wake;

use std::sync::Arc;

use crossbeam_queue::SegQueue;
use tessera_writer::{Ask, Lane, Monotonic, Reply, Request};
use tokio::sync::oneshot;

pub(crate) use self::gate::{Gate, Permits};
pub(crate) use self::wake::WakeFlag;
use crate::Limits;
use crate::reply_desk::DeskSender;
use crate::timeline::Timeline;

/// Where the answer to a request goes. Dropped unanswered, it tells its caller that the outcome is unknown.
#[derive(Debug)]
pub(crate) struct Ticket {
    caller: oneshot::Sender<Reply>,
    /// Where the replies to the caller's thread arrive, if it has a desk.
    desk: Option<DeskSender>,
    /// Of a request that is traced.
    pub(crate) timeline: Option<Arc<Timeline>>,
}

impl Ticket {
    pub(crate) fn answer(self, reply: Reply) {
        match self.desk {
            Some(desk) => desk.deliver(self.caller, reply),
            None => {
                // The caller may have gone; the decision stands all the same.
                let _ = self.caller.send(reply);
            }
        }
    }
}

/// Why a request was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its lane is full.
    Full,
    /// The writer behind it has ended or is ending: find the new one.
    Closed,
}

#[derive(Debug)]
struct Entry {
    request: Request<Ticket>,
    weight_bytes: u64,
}

#[derive(Debug)]
struct LaneQueue {
    permits: Permits,
    queue: SegQueue<Entry>,
}

impl LaneQueue {
    fn new(requests_max: u32, bytes_max: u64) -> LaneQueue {
        LaneQueue { permits: Permits::new(requests_max, bytes_max), queue: SegQueue::new() }
    }

    fn pop(&self) -> Option<Request<Ticket>> {
        let Entry { request, weight_bytes } = self.queue.pop()?;
        self.permits.give_back(weight_bytes);
        Some(request)
    }
}

/// The two lanes and their gate.
#[derive(Debug)]
pub(crate) struct Ingress {
    gate: Gate,
    existing: LaneQueue,
    new: LaneQueue,
}

impl Ingress {
    pub(crate) fn new(limits: &Limits) -> Ingress {
        Ingress {
            gate: Gate::new(),
            existing: LaneQueue::new(limits.existing_lane_requests_max, limits.existing_lane_bytes_max),
            new: LaneQueue::new(limits.new_lane_requests_max, limits.new_lane_bytes_max),
        }
    }

    /// Take a request in; the receiver gets its answer. A refused one comes back.
    pub(crate) fn push(
        &self,
        ask: Ask,
        give_up_at: Monotonic,
        desk: Option<DeskSender>,
        timeline: Option<Arc<Timeline>>,
    ) -> Result<oneshot::Receiver<Reply>, (Refused, Ask)> {
        let lane = self.lane(Lane::of(&ask));
        if lane.permits.is_full() {
            return Err((Refused::Full, ask));
        }
        if !self.gate.enter() {
            return Err((Refused::Closed, ask));
        }
        let weight_bytes = ask.weight_bytes() as u64;
        if !lane.permits.take(weight_bytes) {
            self.gate.leave(1);
            return Err((Refused::Full, ask));
        }
        let (caller, receiver) = oneshot::channel();
        let ticket = Ticket { caller, desk, timeline };
        lane.queue.push(Entry { request: Request { ticket, ask, give_up_at }, weight_bytes });
        if !self.gate.is_open_still() {
            // The writer may have looked for the last time before this request was visible.
            self.turn_away();
        }
        Ok(receiver)
    }

    /// Move up to `room` requests out of a lane. Returns how many.
    pub(crate) fn drain(&self, lane: Lane, room: usize, mut each: impl FnMut(Request<Ticket>)) -> usize {
        let lane = self.lane(lane);
        let mut count = 0;
        while count < room {
            let Some(request) = lane.pop() else { break };
            each(request);
            count += 1;
        }
        if count > 0 {
            self.gate.leave(count as u64);
        }
        count
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.gate.is_closed()
    }

    /// Close if nothing waits (passivation): then no request was lost, and later ones find the gate closed.
    pub(crate) fn close_if_empty(&self) -> bool {
        self.gate.close_if_empty()
    }

    /// Close for good; what waits undecided is answered as not executed.
    pub(crate) fn close(&self) {
        self.gate.close();
        self.turn_away();
    }

    /// Requests waiting in a lane.
    pub(crate) fn depth(&self, lane: Lane) -> u64 {
        self.lane(lane).permits.taken()
    }

    fn lane(&self, lane: Lane) -> &LaneQueue {
        match lane {
            Lane::Existing => &self.existing,
            Lane::New => &self.new,
        }
    }

    fn turn_away(&self) {
        for lane in [Lane::Existing, Lane::New] {
            self.drain(lane, usize::MAX, |request| request.ticket.answer(Reply::NotExecuted));
        }
    }
}
