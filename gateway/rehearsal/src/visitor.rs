//! One buyer at work: it thinks, reads, and asks for decisions until each is decided. A retry keeps its key, and is the same operation.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use tessera_demo::client::{Call, Cut, Reply};
use tessera_demo::keys::Keys;
use tessera_demo::random::Random;
use tessera_demo::tally::Operation as Command;
use tessera_demo::wire::Hold;
use tessera_verdict::recording::{Asked, Operation, Outcome};

use crate::notes::{Ended, Reception, Request};
use crate::scenario::behaviour::Behaviour;
use crate::shard::{Network, Shard, Tried};

/// How often a request is sent again that was not answered, or not executed.
const RETRIES_MAX: u32 = 3;
/// The same where the network is unlucky.
const UNLUCKY_RETRIES_MAX: u32 = 6;
/// Tries that an unlucky network may drop; the later ones are waited for.
const UNLUCKY_TRIES: u32 = 3;
/// Of a hundred tries that it drops, those that it cuts off while they are sent; the others wait for their reply in vain.
const HALF_WAY_PERCENT: usize = 40;
/// Of a hundred buyers whose request was cut off before it was ever sent as a whole, those who do not take it up again.
const LEAVES_PERCENT: usize = 10;
/// Pause before a broken connection is tried again, in microseconds.
const BROKEN_PAUSE_US: u64 = 100_000;
/// One second, in microseconds.
const SECOND_US: u64 = 1_000_000;
/// Longest pause that a `Retry-After` may ask of a buyer, in seconds.
const RETRY_AFTER_S_MAX: u64 = 5;
/// Tells what a buyer draws from what else is drawn under the seed.
const VISITOR_ROLE: u64 = 0x7669_7369;
/// Tabs of one buyer have keys of their own.
const TAB_SHIFT: u32 = 40;
/// Members of a problem that are prose, which its code stands for: they are not recorded.
const PROSE: [&str; 4] = ["type", "title", "detail", "status"];
/// What is recorded as the code of a request that was never sent.
const NOT_SENT: &str = "not_sent";
/// The code that says that nobody knows.
const OUTCOME_UNKNOWN: &str = "outcome_unknown";

/// One buyer, or one tab of it.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) shard: Arc<Shard>,
    behaviour: usize,
    /// Whose token it shows.
    pub(crate) number: u32,
    pub(crate) random: Random,
    keys: Keys,
    due_us: u64,
}

/// What was decided, as the session goes on from it.
pub(crate) enum Decided {
    /// Accepted, with the body.
    Accepted(Vec<u8>),
    /// Refused, with the seats that are proposed instead, if any are.
    Refused(Option<Vec<u32>>),
    /// Not executed, or nobody knows, after every retry.
    Unanswered,
    /// Its buyer has left before a whole request was sent.
    Left,
}

impl Decided {
    /// The body of what was accepted, or how a session ends that needs it.
    pub(crate) fn accepted(self) -> Result<Vec<u8>, Ended> {
        match self {
            Decided::Accepted(body) => Ok(body),
            Decided::Refused(_) => Err(Ended::Refused),
            Decided::Unanswered => Err(Ended::Unanswered),
            Decided::Left => Err(Ended::Left),
        }
    }
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(alias = "ticket")]
    id: String,
    sequence: u64,
}

impl Visitor {
    /// A buyer who is due then.
    pub(crate) fn new(shard: &Arc<Shard>, behaviour: usize, number: u32, due_us: u64) -> Self {
        Visitor::tab(shard, behaviour, number, 0, due_us)
    }

    /// A tab of a buyer.
    pub(crate) fn tab(shard: &Arc<Shard>, behaviour: usize, number: u32, tab: u64, due_us: u64) -> Self {
        let (seed, role) = (shard.stage.seed, u64::from(number) | tab << TAB_SHIFT);
        Visitor {
            shard: Arc::clone(shard),
            behaviour,
            number,
            random: Random::new(seed.wrapping_add(VISITOR_ROLE), role),
            keys: Keys::new(seed, role),
            due_us,
        }
    }

    /// Another tab beside this one.
    pub(crate) fn beside(&self, tab: u16) -> Self {
        Visitor::tab(&self.shard, self.behaviour, self.number, u64::from(tab) + 1, self.due_us)
    }

    pub(crate) fn facts(&self) -> &Behaviour {
        &self.shard.stage.behaviours[self.behaviour]
    }

    pub(crate) fn behaviour(&self) -> usize {
        self.behaviour
    }

    fn token(&self) -> &HeaderValue {
        &self.shard.stage.tokens[self.number as usize]
    }

    /// A number between two, both included.
    pub(crate) fn between(&mut self, [from, to]: [u64; 2]) -> u64 {
        let room = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX - 1);
        from + self.random.below(room + 1) as u64
    }

    /// Think: the next request is due after that.
    pub(crate) async fn think(&mut self) {
        let pause_us = self.between(self.facts().think_us());
        self.pause(pause_us).await;
    }

    async fn pause(&mut self, pause_us: u64) {
        self.due_us = self.shard.clock.now_us() + pause_us;
        self.shard.wait_until(self.due_us).await;
    }

    /// Read a document, once; `None`: no answer.
    pub(crate) async fn read(&mut self, request: Request, rest: &str) -> Option<Reply> {
        self.fetch(request, Call::get(self.shard.stage.path(rest))).await
    }

    /// Read what is the buyer's own, once; `None`: no answer.
    pub(crate) async fn read_own(&mut self, request: Request, rest: &str) -> Option<Reply> {
        let mut call = Call::get(self.shard.stage.path(rest));
        call.credential = Some(self.token().clone());
        self.fetch(request, call).await
    }

    async fn fetch(&mut self, request: Request, call: Call) -> Option<Reply> {
        let tried = self.shard.send(request, &call, self.due_us, Network::Sound).await;
        let is_read = |reply: &Reply| Reception::of(request, reply.status) == Reception::Read;
        let answered = matches!(&tried, Tried::Reply { reply, .. } if is_read(reply));
        self.shard.end(request, self.due_us, answered);
        // What follows is due when the answer is there.
        self.due_us = self.shard.clock.now_us();
        match tried {
            Tried::Reply { reply, .. } => Some(reply),
            Tried::Nothing | Tried::Dropped { .. } | Tried::HalfSent { .. } | Tried::NotSent => None,
        }
    }

    /// Ask as the buyer.
    pub(crate) async fn ask(&mut self, command: Command, asked: Asked, rest: &str, body: String) -> Decided {
        let call = Call::post(self.shard.stage.path(rest), self.token(), body);
        self.decide(command, asked, call).await
    }

    /// Let the organizer's till ask for this buyer.
    pub(crate) async fn have_asked(
        &mut self,
        command: Command,
        asked: Asked,
        rest: &str,
        body: String,
    ) -> Decided {
        let call = Call::post(self.shard.stage.path(rest), &self.shard.stage.organizer, body);
        self.decide(command, asked, call).await
    }

    /// Let the door scan for this buyer.
    pub(crate) async fn scan(&mut self, command: Command, asked: Asked, body: String) -> Decided {
        let call = Call::post(self.shard.stage.path("/check-ins"), &self.shard.stage.scanner, body);
        self.decide(command, asked, call).await
    }

    /// An operation that is due now, and not yet sent.
    pub(crate) fn begun(&self, asked: Asked) -> Operation {
        Operation {
            buyer: Some(self.number),
            due_us: self.due_us,
            latency_us: 0,
            invoked_us: self.shard.clock.now_us(),
            returned_us: None,
            sent: 0,
            half_sent: 0,
            asked,
            outcome: Outcome::NotExecuted { code: NOT_SENT.to_owned() },
        }
    }

    /// Send a request under a fresh key until it is decided, or its retries are used up.
    async fn decide(&mut self, command: Command, asked: Asked, call: Call) -> Decided {
        let call = call.keyed(self.keys.mint());
        let mut operation = self.begun(asked);
        let unlucky = self.facts().unlucky_ms();
        let retries_max = if unlucky.is_some() { UNLUCKY_RETRIES_MAX } else { RETRIES_MAX };
        // Once a try may have had an effect, only a decision tells.
        let mut is_open = false;
        let mut decided = Decided::Unanswered;
        for retry in 0..=retries_max {
            let network = self.network(unlucky, retry);
            if operation.sent == 0 {
                // Before a whole request is out nothing can happen.
                operation.invoked_us = self.shard.clock.now_us();
            }
            let tried = self.shard.send(Request::Command(command), &call, self.due_us, network).await;
            let dropped_since = match tried {
                Tried::Dropped { sent_us } | Tried::HalfSent { sent_us } => Some(sent_us),
                Tried::Reply { .. } | Tried::Nothing | Tried::NotSent => None,
            };
            let pause_us = match tried {
                Tried::NotSent => BROKEN_PAUSE_US,
                Tried::HalfSent { .. } => {
                    operation.half_sent += 1;
                    if operation.sent == 0 && self.random.percent(LEAVES_PERCENT) {
                        (operation.outcome, decided) = (Outcome::HalfSent, Decided::Left);
                        break;
                    }
                    BROKEN_PAUSE_US
                }
                Tried::Nothing | Tried::Dropped { .. } => {
                    (operation.sent, is_open) = (operation.sent + 1, true);
                    operation.outcome = Outcome::Unknown;
                    BROKEN_PAUSE_US
                }
                Tried::Reply { reply, at_us } => {
                    operation.sent += 1;
                    operation.returned_us = Some(at_us);
                    (operation.outcome, decided) = self.understand(command, &reply);
                    is_open |= matches!(operation.outcome, Outcome::Unknown);
                    if !matches!(decided, Decided::Unanswered) {
                        break;
                    }
                    let asked_s = reply.retry_after.unwrap_or(1).min(RETRY_AFTER_S_MAX);
                    asked_s * SECOND_US
                }
            };
            if retry < retries_max {
                self.pause(pause_us).await;
                if let Some(sent_us) = dropped_since {
                    // Its own network took the time since then. What it waited before, for a socket too, counts.
                    operation.due_us += self.due_us.saturating_sub(sent_us);
                }
            }
        }
        self.finish(Request::Command(command), operation, is_open, &decided);
        decided
    }

    /// Write an operation down.
    pub(crate) fn finish(
        &mut self,
        request: Request,
        mut operation: Operation,
        is_open: bool,
        decided: &Decided,
    ) {
        if matches!(decided, Decided::Unanswered) && is_open {
            operation.outcome = Outcome::Unknown;
        }
        if matches!(operation.outcome, Outcome::Unknown) {
            operation.returned_us = None;
        }
        // Who has left has waited for no answer.
        if !matches!(decided, Decided::Left) {
            let answered = !matches!(decided, Decided::Unanswered);
            operation.latency_us = self.shard.end(request, operation.due_us, answered);
        }
        self.shard.notes().history.push(operation);
        self.due_us = self.shard.clock.now_us();
    }

    fn network(&mut self, unlucky: Option<[u32; 2]>, retry: u32) -> Network {
        let Some(range) = unlucky.filter(|_| retry < UNLUCKY_TRIES) else { return Network::Sound };
        if retry > 0 && !self.random.percent(50) {
            return Network::Sound;
        }
        if self.random.percent(HALF_WAY_PERCENT) {
            return Network::Cuts(self.cut());
        }
        Network::Fails(Duration::from_millis(self.between(range.map(u64::from))))
    }

    /// Where a request is cut off: in its head, at the end of that, or in its body, each as often.
    fn cut(&mut self) -> Cut {
        let place = self.random.draw();
        match self.random.below(3) {
            0 => Cut::Head(place),
            1 => Cut::HeadEnd,
            _ => Cut::Body(place),
        }
    }

    /// What a reply says: for the record, and for the session.
    fn understand(&self, command: Command, reply: &Reply) -> (Outcome, Decided) {
        if reply.accepted() {
            return match self.accepted(command, reply) {
                Ok(outcome) => (outcome, Decided::Accepted(reply.body.to_vec())),
                Err(_) => {
                    let what = format!("{} with a body that cannot be read", reply.status);
                    self.shard.notes().defect(Request::Command(command), &what);
                    (Outcome::Unknown, Decided::Unanswered)
                }
            };
        }
        let mut problem: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        let code = problem["code"].as_str().map_or_else(|| format!("http_{}", reply.status), str::to_owned);
        match reply.status {
            429 | 503 if code == OUTCOME_UNKNOWN => (Outcome::Unknown, Decided::Unanswered),
            429 | 503 => (Outcome::NotExecuted { code }, Decided::Unanswered),
            500.. => (Outcome::Unknown, Decided::Unanswered),
            _ => {
                self.shard.notes().refused(&code);
                if let Some(members) = problem.as_object_mut() {
                    PROSE.iter().for_each(|prose| drop(members.remove(*prose)));
                }
                let sequence = problem["sequence"].as_u64();
                let instead = Vec::deserialize(&problem["alternatives"][0]).ok();
                (Outcome::Refused { code, sequence, problem }, Decided::Refused(instead))
            }
        }
    }

    fn accepted(&self, command: Command, reply: &Reply) -> serde_json::Result<Outcome> {
        let replayed = reply.replayed;
        if !matches!(command, Command::PlaceHold | Command::RenewHold) {
            let Accepted { id, sequence } = serde_json::from_slice(&reply.body)?;
            return Ok(Outcome::Accepted { sequence, id, lines: Vec::new(), deadline_us: None, replayed });
        }
        let hold: Hold = serde_json::from_slice(&reply.body)?;
        let deadline_us = Some(self.shard.clock.us_of(hold.deadline_at));
        let lines =
            hold.lines.into_iter().map(|line| (line.ticket_type, line.quantity, line.seats)).collect();
        Ok(Outcome::Accepted { sequence: hold.sequence, id: hold.id, lines, deadline_us, replayed })
    }
}
