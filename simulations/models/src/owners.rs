//! The real machines of the product as values: [`Activation`] and [`Writer`], driven step by step.
//!
//! A state of a model must be cloned, compared and hashed; a machine can do none of that, and need not. It is deterministic, so what it
//! was told *is* its state: a machine is a number here, behind which stands what it was told, and the same machine is told the same
//! word only once. Two ways to machines that look alike in every field lead to the same number.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tessera_inventory::{Epoch, Sequence};
use tessera_records::{RecordEncoder, decode_record};
use tessera_writer::{
    Activation, ActivationInput, ActivationOutput, ActivationStop, AppendAnswer, Ask, BatchId, Chain,
    ClockReading, ClockWitness, Head, Input, Monotonic, Output, RESUBMIT_MS_MAX, ReplayRecord, Reply,
    Request, StoreFailure, Writer, WriterOptions,
};

use crate::event::{Buyer, EVENT, WALL, command};

/// Where the monotonic clock of every owner begins, in microseconds.
const BEGINNING: Monotonic = Monotonic(1_000_000);
/// Owners draw their numbers so far from each other: nobody names so many batches.
const OWNER_STRIDE: u128 = 1 << 32;

/// The owner that has named a batch.
pub(crate) fn owner_of(batch: BatchId) -> u128 {
    batch.0 / OWNER_STRIDE
}

/// A machine, in the state that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MachineId(u32);

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) first: Sequence,
    pub(crate) last: Sequence,
    pub(crate) epoch: Epoch,
    pub(crate) chain: Chain,
    pub(crate) bytes: Arc<[u8]>,
}

/// What a machine is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Word {
    /// What stands in `head`; `None`: the store did not answer.
    Head(Option<Head>),
    /// The rows that were asked for.
    Rows(Vec<Row>),
    /// What became of its append.
    Appended(AppendAnswer),
    /// The time that it waited for has come.
    Tick,
    /// A buyer asks.
    Ask(Buyer),
    /// Begin the next turn.
    Turn,
    /// Hand over in good order.
    HandOver,
    /// The lease is gone.
    OwnershipLost,
}

/// What it does then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    ReadHead,
    ReadLog {
        after: Sequence,
    },
    Append {
        expected: Head,
        next: Head,
        record: Arc<[u8]>,
    },
    Answer {
        buyer: Buyer,
        answer: Answer,
    },
    /// The log does not open: its chain is broken.
    FindDamage,
    /// An invariant does not hold: a shell would tell everybody and end the writer.
    Panic,
}

/// What a buyer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Now, or before under the same key.
    Placed(Sequence),
    /// On the state at this sequence, by the owner of this epoch.
    Refused {
        at: Sequence,
        by: Epoch,
    },
    NotExecuted,
    Unknown,
}

/// What a machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Rest {
    /// For an answer, or for a buyer.
    Quiet,
    /// For its turn to begin: buyers wait.
    Turn,
    /// For its timer.
    Timer,
    /// For nothing any more.
    Stopped,
}

/// What a word leads to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) machine: MachineId,
    pub(crate) deeds: Arc<[Deed]>,
    pub(crate) rest: Rest,
    pub(crate) is_writer: bool,
}

/// Every machine that was ever seen.
#[derive(Debug)]
pub(crate) struct Machines {
    options: fn(u128) -> WriterOptions,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// The number of its owner, the machine before, and what that was told.
    ways: Vec<(u8, Option<(MachineId, Word)>)>,
    /// By everything that can be seen of it.
    looks: HashMap<String, MachineId>,
    outcomes: HashMap<(MachineId, Word), Outcome>,
    begun: HashMap<u8, Outcome>,
}

impl Machines {
    pub(crate) fn new(options: fn(u128) -> WriterOptions) -> Machines {
        Machines { options, memory: Mutex::default() }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).ways.len()
    }

    /// An owner of this number, new in the world, begins to activate the event.
    pub(crate) fn begin(&self, owner: u8) -> Outcome {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = memory.begun.get(&owner) {
            return known.clone();
        }
        let mut driver = Driver::new((self.options)(OWNER_STRIDE * u128::from(owner)));
        let deeds = driver.start();
        let outcome = memory.keep(owner, None, &driver, deeds);
        memory.begun.insert(owner, outcome.clone());
        outcome
    }

    /// Tell a machine something.
    pub(crate) fn tell(&self, machine: MachineId, word: Word) -> Outcome {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = (machine, word);
        if let Some(known) = memory.outcomes.get(&asked) {
            return known.clone();
        }
        let (owner, words) = memory.way_to(machine);
        let mut driver = Driver::new((self.options)(OWNER_STRIDE * u128::from(owner)));
        driver.start();
        for word in &words {
            driver.tell(word);
        }
        let deeds = driver.tell_or_panic(&asked.1);
        let outcome = memory.keep(owner, Some(asked.clone()), &driver, deeds);
        memory.outcomes.insert(asked, outcome.clone());
        outcome
    }
}

impl Memory {
    /// The owner of a machine, and what it was told, in order.
    fn way_to(&self, machine: MachineId) -> (u8, Vec<Word>) {
        let mut words = Vec::new();
        let mut at = machine;
        loop {
            let (owner, before) = &self.ways[at.0 as usize];
            match before {
                Some((machine, word)) => {
                    words.push(word.clone());
                    at = *machine;
                }
                None => {
                    words.reverse();
                    return (*owner, words);
                }
            }
        }
    }

    fn keep(
        &mut self,
        owner: u8,
        way: Option<(MachineId, Word)>,
        driver: &Driver,
        deeds: Vec<Deed>,
    ) -> Outcome {
        let looks = format!("{owner} {:?} {:?}", driver.now, driver.machine);
        let Memory { ways, looks: known, .. } = self;
        let machine = *known.entry(looks).or_insert_with(|| {
            ways.push((owner, way));
            #[allow(clippy::cast_possible_truncation)] // memory ends long before
            MachineId(ways.len() as u32 - 1)
        });
        let is_writer = matches!(driver.machine, Machine::Serving(_));
        Outcome { machine, deeds: deeds.into(), rest: driver.rest(), is_writer }
    }
}

#[derive(Debug)]
enum Machine {
    Activating(Box<Activation>),
    Serving(Box<Writer<Buyer, RecordEncoder>>),
    Stopped,
}

/// The shell of one machine, as `actors/src/inventory` is in the product.
struct Driver {
    machine: Machine,
    now: Monotonic,
    /// It waits for its timer: what it called was not answered.
    waits: bool,
}

impl Driver {
    fn new(options: WriterOptions) -> Driver {
        let machine = Machine::Activating(Box::new(Activation::new(EVENT, options)));
        Driver { machine, now: BEGINNING, waits: false }
    }

    fn start(&mut self) -> Vec<Deed> {
        self.activation(ActivationInput::Start, &[])
    }

    fn rest(&self) -> Rest {
        match &self.machine {
            Machine::Stopped => Rest::Stopped,
            _ if self.waits => Rest::Timer,
            Machine::Serving(writer) if writer.wants_turn(self.now) => Rest::Turn,
            Machine::Serving(_) | Machine::Activating(_) => Rest::Quiet,
        }
    }

    fn tell_or_panic(&mut self, word: &Word) -> Vec<Deed> {
        // Nothing of the machine is used after a panic.
        catch_unwind(AssertUnwindSafe(|| self.tell(word))).unwrap_or_else(|_| {
            self.machine = Machine::Stopped;
            vec![Deed::Panic]
        })
    }

    fn tell(&mut self, word: &Word) -> Vec<Deed> {
        let is_unanswered = matches!(word, Word::Head(None) | Word::Appended(AppendAnswer::Unknown));
        if *word == Word::Tick {
            self.now = self.now.plus_ms(RESUBMIT_MS_MAX);
        }
        let is_closing = matches!(word, Word::HandOver | Word::OwnershipLost);
        self.waits = is_unanswered || (self.waits && is_closing);
        let away = || StoreFailure::Unavailable { reason: String::new() };
        if let Machine::Activating(_) = self.machine {
            return match word {
                Word::Head(head) => self.activation(ActivationInput::HeadRead(head.ok_or_else(away)), &[]),
                Word::Rows(rows) => self.activation(ActivationInput::LogRead(Ok(())), rows),
                Word::Appended(answer) => self.activation(ActivationInput::AppendDone(answer.clone()), &[]),
                Word::Tick => self.activation(ActivationInput::Tick, &[]),
                // The shell of an activation just ends; so does one whose buyers cannot be served.
                Word::Ask(_) | Word::Turn | Word::HandOver | Word::OwnershipLost => Vec::new(),
            };
        }
        match word {
            Word::Ask(buyer) => self.submit(*buyer),
            Word::Head(head) => self.writer(Input::HeadRead(head.ok_or_else(away))),
            Word::Appended(answer) => self.writer(Input::AppendDone(answer.clone())),
            Word::Tick => self.writer(Input::Tick),
            Word::Turn => self.writer(Input::BeginTurn),
            Word::HandOver => self.writer(Input::HandOver),
            Word::OwnershipLost => self.writer(Input::OwnershipLost),
            Word::Rows(_) => Vec::new(),
        }
    }

    fn activation(&mut self, input: ActivationInput, rows: &[Row]) -> Vec<Deed> {
        let Machine::Activating(activation) = &mut self.machine else { return Vec::new() };
        let mut out = Vec::new();
        for row in rows {
            let record = ReplayRecord {
                first_sequence: row.first,
                last_sequence: row.last,
                epoch: row.epoch,
                chain: row.chain,
                bytes: &row.bytes,
            };
            let events = decode_record(&row.bytes).map(|record| record.events).unwrap_or_default();
            activation.replay(&record, events, &mut out);
        }
        activation.handle(input, self.now, &mut out);
        let mut deeds = Vec::new();
        for output in out {
            match output {
                ActivationOutput::ReadHead => deeds.push(Deed::ReadHead),
                ActivationOutput::ReadLog { after } => deeds.push(Deed::ReadLog { after }),
                ActivationOutput::Append { expected, next, .. } => {
                    deeds.push(Deed::Append { expected, next, record: Arc::from([]) });
                }
                ActivationOutput::ArmTimer(_) => {}
                ActivationOutput::Activated => return self.activated(),
                ActivationOutput::Stop(stop) => {
                    let is_damage = matches!(stop, ActivationStop::Damaged { .. });
                    deeds.extend(is_damage.then_some(Deed::FindDamage));
                    self.machine = Machine::Stopped;
                }
            }
        }
        deeds
    }

    fn activated(&mut self) -> Vec<Deed> {
        let Machine::Activating(activation) = std::mem::replace(&mut self.machine, Machine::Stopped) else {
            return Vec::new();
        };
        let witness = Some(ClockWitness { now: WALL, since: WALL });
        let reading = ClockReading { wall: WALL, witness };
        let mut out = Vec::new();
        let writer = activation.into_writer(RecordEncoder::default(), reading, self.now, &mut out);
        if let Some(writer) = writer {
            self.machine = Machine::Serving(Box::new(writer));
        }
        self.perform(out)
    }

    fn submit(&mut self, buyer: Buyer) -> Vec<Deed> {
        let Machine::Serving(writer) = &mut self.machine else { return Vec::new() };
        let ask = Ask::Command(Box::new(command(buyer)));
        let request = Request { ticket: buyer, ask, give_up_at: Monotonic(u64::MAX) };
        match writer.submit(request) {
            Ok(()) => Vec::new(),
            Err(buyer) => vec![Deed::Answer { buyer, answer: Answer::NotExecuted }],
        }
    }

    fn writer(&mut self, input: Input) -> Vec<Deed> {
        let Machine::Serving(writer) = &mut self.machine else { return Vec::new() };
        let mut out = Vec::new();
        writer.handle(input, self.now, &mut out);
        self.perform(out)
    }

    fn perform(&mut self, out: Vec<Output<Buyer>>) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for output in out {
            match output {
                Output::Append { expected, next, record, .. } => {
                    deeds.push(Deed::Append { expected, next, record });
                }
                Output::ReadHead => deeds.push(Deed::ReadHead),
                Output::Reply { ticket, reply } => {
                    deeds.extend(answer(&reply).map(|answer| Deed::Answer { buyer: ticket, answer }));
                }
                Output::Stop(_) => self.machine = Machine::Stopped,
                Output::Refused(_) | Output::Publish | Output::ArmTimer(_) | Output::Alert(_) => {}
            }
        }
        deeds
    }
}

fn answer(reply: &Reply) -> Option<Answer> {
    Some(match reply {
        Reply::Accepted { sequence, .. } | Reply::Repeated { sequence, .. } => Answer::Placed(*sequence),
        Reply::Rejected { sequence, place, .. } => Answer::Refused { at: *sequence, by: place.epoch },
        Reply::NotExecuted => Answer::NotExecuted,
        Reply::OutcomeUnknown => Answer::Unknown,
        // Nobody reads, and nobody gives up.
        Reply::Read { .. } | Reply::GaveUp => return None,
    })
}
