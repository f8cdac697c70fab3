//! The stage of a script: one writer, its clock, and a store that answers what the script says.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tessera_inventory::{
    Authority, Choice, ClaimNumber, Command, CommandBody, Config, Decision, Event, EventId, HoldPolicy,
    IdempotencyKey, Inventory, JoinWaitlist, LineRequest, Manner, Phase, PlaceHold, Pool, PoolId, ProviderId,
    Rejection, SaleWindow, Schedule, SeatIndex, SeatingPolicy, Sequence, Subject, Subjects, TicketType,
    TicketTypeId, Timestamp, Units, Want,
};
use tessera_writer::{
    Activation, ActivationInput, ActivationOutput, Alert, AppendAnswer, Ask, BatchId, Chain, ClockReading,
    ClockWitness, Encode, Format, Head, Input, Monotonic, Output, Refused, ReplayRecord, Reply, Request,
    StopReason, StoreFailure, Writer, WriterOptions,
};

pub(crate) const EVENT: EventId = EventId(77);
/// Wall time at the beginning of every script.
pub(crate) const START_MS: u64 = 10_000_000;
const HOLD_MS: u64 = 60_000;

/// An event of so many bytes cannot be encoded: the encoder panics.
pub(crate) const POISON_BYTES: usize = 666;

/// Gives each event this many bytes.
#[derive(Debug)]
pub(crate) struct Weigh(pub(crate) usize);

impl Encode for Weigh {
    fn encode(&mut self, first: Sequence, events: &[Arc<Event>], out: &mut Vec<u8>) {
        assert_ne!(self.0, POISON_BYTES, "poisoned");
        out.extend_from_slice(format!("{first}+{}", events.len()).as_bytes());
        out.resize(out.len() + events.len() * self.0, b'.');
    }
}

/// What a script begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) capacity: u32,
    pub(crate) event_bytes: usize,
    /// So many types begin to sell at once.
    pub(crate) openings: usize,
    /// When, after the start.
    pub(crate) openings_ms: u64,
    pub(crate) wall_ms: u64,
    pub(crate) witness_ms: Option<u64>,
    pub(crate) watched_since_ms: u64,
    /// Refusals are put out to be proven.
    pub(crate) receipts: bool,
    /// People may wait.
    pub(crate) waitlist: bool,
    /// So many wait already, and everything is withdrawn.
    pub(crate) waiting: u128,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            capacity: 4,
            event_bytes: 1,
            openings: 0,
            openings_ms: 1_000,
            wall_ms: START_MS,
            witness_ms: None,
            watched_since_ms: START_MS,
            receipts: false,
            waitlist: false,
            waiting: 0,
        }
    }
}

/// Play `script` and compare the transcript with it, line by line.
pub(crate) fn check(setup: Setup, script: &str) {
    let wanted: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut stage = Stage::open(setup);
    for line in wanted.iter().filter_map(|line| line.strip_prefix('>')) {
        writeln!(stage.transcript, ">{line}").unwrap();
        stage.play(line.trim());
    }
    let found: Vec<&str> = stage.transcript.lines().collect();
    assert_eq!(found, wanted, "\ntranscript:\n{}", stage.transcript);
}

struct Stage {
    writer: Option<Writer<String, Weigh>>,
    now: Monotonic,
    appended: Option<(Head, Head, Arc<[u8]>)>,
    transcript: String,
}

fn ticket_type(name: &str, opens_at: Option<Timestamp>) -> TicketType {
    TicketType {
        name: name.into(),
        price_minor: 1_000,
        window: SaleWindow { opens_at, closes_at: None },
        per_order_min: 1,
        per_order_max: 10,
        per_subject_max: None,
        access_code: None,
        category: None,
        draws_on: vec![PoolId(0)],
        kind: tessera_inventory::TicketKind::Admission,
    }
}

fn config(setup: Setup) -> Config {
    let late = Some(Timestamp(START_MS + setup.openings_ms));
    let mut ticket_types = vec![ticket_type("standing", None)];
    ticket_types.extend((0..setup.openings).map(|number| ticket_type(&format!("late {number}"), late)));
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "floor".into(), capacity: setup.capacity }],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::from([]),
        channels: Vec::new(),
        ticket_types,
        units_per_subject_max: None,
        hold: HoldPolicy {
            duration_ms: HOLD_MS,
            renewals_max: 2,
            life_ms_max: 3 * HOLD_MS,
            grace_ms: HOLD_MS,
        },
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
        tariff: None,
        entry: Vec::new(),
        waitlist: setup.waitlist.then(Box::default),
    }
}

pub(crate) fn organizer(body: CommandBody) -> Command {
    Command { authority: Authority::Organizer, key: None, body }
}

/// An event that is on sale: its log of two records, and the head behind it.
pub(crate) fn on_sale(setup: Setup) -> (Vec<(Event, Head)>, Head) {
    let mut state = Inventory::new(EVENT);
    let configure = CommandBody::Configure { expected_version: 0, config: Arc::new(config(setup)) };
    let mut log = Vec::new();
    let mut head = Head { epoch: tessera_inventory::Epoch(1), ..Head::GENESIS };
    let mut bodies = vec![configure, CommandBody::ChangePhase { to: Phase::OnSale }];
    if setup.waiting > 0 {
        bodies.push(CommandBody::Kill(Units::Pool { pool: PoolId(0), quantity: setup.capacity }));
    }
    bodies.extend((0..setup.waiting).map(|person| join(Subject(100 + person), 1).body));
    for body in bodies {
        let at = Timestamp(START_MS);
        let Decision::Accepted(body) = state.decide(at, &organizer(body)).unwrap() else {
            panic!("repeated")
        };
        let event = Event { at, key: None, body };
        state.apply(&event);
        head.sequence = state.sequence();
        head.batch_id = BatchId(u128::from(head.sequence.0));
        head.chain = head.chain.extend(&record_bytes(head.sequence));
        log.push((event, head));
    }
    (log, head)
}

pub(crate) fn record_bytes(sequence: Sequence) -> Vec<u8> {
    sequence.0.to_be_bytes().to_vec()
}

/// Give the records after `after` to an activation.
pub(crate) fn replay(
    activation: &mut Activation,
    log: &[(Event, Head)],
    after: Sequence,
    out: &mut Vec<ActivationOutput>,
) {
    for (event, head) in log.iter().filter(|(_, head)| head.sequence > after) {
        let bytes = record_bytes(head.sequence);
        let record = ReplayRecord {
            first_sequence: head.sequence,
            last_sequence: head.sequence,
            epoch: head.epoch,
            chain: head.chain,
            bytes: &bytes,
        };
        activation.replay(&record, [event.clone()], out);
    }
}

impl Stage {
    fn open(setup: Setup) -> Stage {
        let (log, head) = on_sale(setup);
        let now = Monotonic(0);
        let mut activation = Activation::new(EVENT, WriterOptions::new(1_000).with_receipts(setup.receipts));
        let mut out = Vec::new();
        activation.handle(ActivationInput::Start, now, &mut out);
        activation.handle(ActivationInput::HeadRead(Ok(head)), now, &mut out);
        replay(&mut activation, &log, Sequence::ZERO, &mut out);
        activation.handle(ActivationInput::LogRead(Ok(())), now, &mut out);
        activation.handle(ActivationInput::AppendDone(AppendAnswer::Committed), now, &mut out);
        let witness = setup.witness_ms.map(|ms| witness(ms, setup.watched_since_ms));
        let reading = ClockReading { wall: Timestamp(setup.wall_ms), witness };
        let mut out = Vec::new();
        let writer = activation.into_writer(Weigh(setup.event_bytes), reading, now, &mut out);
        let mut stage = Stage { writer, now, appended: None, transcript: String::new() };
        assert!(stage.writer.is_some(), "the activation succeeded");
        stage.show(out);
        stage
    }

    fn play(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["at", ms] => self.now = Monotonic(ms.parse::<u64>().unwrap() * 1_000),
            ["wants"] => {
                let wants = self.writer().wants_turn(self.now);
                let line = if wants { "wants a turn" } else { "rests" };
                writeln!(self.transcript, "{line}").unwrap();
            }
            ["abandon"] => {
                let mut out = Vec::new();
                self.writer.take().unwrap().abandon(&mut out);
                self.show(out);
            }
            ["hold", name, quantity, options @ ..] => {
                let quantity = quantity.parse().unwrap();
                self.submit(name, Ask::Command(Box::new(hold(quantity, options))), options);
            }
            ["join" | "restore", name, ..] => self.submit(name, of_waitlist(&words), &[]),
            ["release", name, claim] => {
                let hold = ClaimNumber(claim.parse().unwrap());
                self.submit(name, command(CommandBody::ReleaseHold { hold }), &[]);
            }
            ["renew", name, claim] => {
                let hold = ClaimNumber(claim.parse().unwrap());
                self.submit(name, buyer(CommandBody::RenewHold { hold }), &[]);
            }
            ["pay", name, claim, options @ ..] => {
                let hold = ClaimNumber(claim.parse().unwrap());
                let provider = options.first().map(|number| ProviderId(number.parse().unwrap()));
                let body = CommandBody::BeginPayment { hold, provider, extra_subjects: Vec::new() };
                self.submit(name, buyer(body), &[]);
            }
            ["fail", name, claim] => {
                let order = ClaimNumber(claim.parse().unwrap());
                self.submit(name, command(CommandBody::PaymentFailed { order, attempt: None }), &[]);
            }
            ["kill", name, seats] => {
                let seats = vec![SeatIndex(0); seats.parse().unwrap()];
                self.submit(name, command(CommandBody::Kill(Units::Seats(seats))), &[]);
            }
            ["configure", name] => {
                let config = Arc::new(config(Setup { capacity: 9, ..Setup::default() }));
                self.submit(name, command(CommandBody::Configure { expected_version: 1, config }), &[]);
            }
            ["pause", name] => {
                self.submit(name, command(CommandBody::ChangePhase { to: Phase::Paused }), &[]);
            }
            ["read", name, claim, options @ ..] => {
                let claim = ClaimNumber(claim.parse().unwrap());
                self.submit(name, Ask::Read(claim), options);
            }
            words => {
                let input = self.input(words);
                let mut out = Vec::new();
                let now = self.now;
                let handled =
                    catch_unwind(AssertUnwindSafe(|| self.writer_mut().handle(input, now, &mut out)));
                self.show(out);
                if handled.is_err() {
                    writeln!(self.transcript, "panics").unwrap();
                }
            }
        }
    }

    fn input(&self, words: &[&str]) -> Input {
        let head = *self.writer().head();
        let other = Head { epoch: tessera_inventory::Epoch(9), batch_id: BatchId(9), ..head };
        let away = || "away".to_owned();
        match words {
            ["turn"] => Input::BeginTurn,
            ["tick"] => Input::Tick,
            ["committed"] => Input::AppendDone(AppendAnswer::Committed),
            ["unknown"] => Input::AppendDone(AppendAnswer::Unknown),
            ["fenced"] => Input::AppendDone(AppendAnswer::Fenced { found: other }),
            ["fenced", "by", "itself"] => {
                let found = self.appended.as_ref().unwrap().1;
                Input::AppendDone(AppendAnswer::Fenced { found })
            }
            ["fatal"] => Input::AppendDone(AppendAnswer::Fatal { reason: away() }),
            ["head", "ours"] => Input::HeadRead(Ok(head)),
            ["head", "other"] => Input::HeadRead(Ok(other)),
            ["head", "away"] => Input::HeadRead(Err(StoreFailure::Unavailable { reason: away() })),
            ["head", "fatal"] => Input::HeadRead(Err(StoreFailure::Fatal { reason: away() })),
            ["hand", "over"] => Input::HandOver,
            ["lost"] => Input::OwnershipLost,
            ["wall", ms, "witness", now, "since", since] => Input::WallClock(ClockReading {
                wall: Timestamp(ms.parse().unwrap()),
                witness: Some(witness(now.parse().unwrap(), since.parse().unwrap())),
            }),
            ["acknowledge", ms] => Input::AcknowledgeClock(Timestamp(ms.parse().unwrap())),
            other => panic!("no such line in a script: {other:?}"),
        }
    }

    fn submit(&mut self, name: &str, ask: Ask, options: &[&str]) {
        let give_up_ms = option(options, "until").unwrap_or(1_000_000);
        let give_up_at = Monotonic(give_up_ms * 1_000);
        let request = Request { ticket: name.to_owned(), ask, give_up_at };
        if let Err(ticket) = self.writer_mut().submit(request) {
            writeln!(self.transcript, "turned away {ticket}").unwrap();
        }
    }

    fn show(&mut self, out: Vec<Output<String>>) {
        for output in out {
            if let Output::Append { expected, next, record, attempt } = &output {
                let bytes = (*expected, *next, Arc::clone(record));
                if *attempt > 0 {
                    assert_eq!(self.appended.as_ref(), Some(&bytes), "resubmission carries the same bytes");
                }
                self.appended = Some(bytes);
            }
            writeln!(self.transcript, "{}", render(output)).unwrap();
        }
    }

    fn writer(&self) -> &Writer<String, Weigh> {
        self.writer.as_ref().expect("not abandoned")
    }

    fn writer_mut(&mut self) -> &mut Writer<String, Weigh> {
        self.writer.as_mut().expect("not abandoned")
    }
}

fn witness(now_ms: u64, since_ms: u64) -> ClockWitness {
    ClockWitness { now: Timestamp(now_ms), since: Timestamp(since_ms) }
}

fn command(body: CommandBody) -> Ask {
    Ask::Command(Box::new(organizer(body)))
}

fn buyer(body: CommandBody) -> Ask {
    Ask::Command(Box::new(Command { authority: Authority::Subject(Subject(5)), key: None, body }))
}

fn option(options: &[&str], name: &str) -> Option<u64> {
    options.iter().find_map(|option| option.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// `join NAME SUBJECT QUANTITY`, `restore NAME QUANTITY`.
fn of_waitlist(words: &[&str]) -> Ask {
    match words {
        ["join", _, subject, quantity] => {
            let subject = Subject(subject.parse().unwrap());
            Ask::Command(Box::new(join(subject, quantity.parse().unwrap())))
        }
        ["restore", _, quantity] => {
            let units = Units::Pool { pool: PoolId(0), quantity: quantity.parse().unwrap() };
            command(CommandBody::Restore(units))
        }
        other => panic!("no such line in a script: {other:?}"),
    }
}

fn join(primary: Subject, quantity: u16) -> Command {
    let choice = Choice { ticket_type: TicketTypeId(0), quantity, manner: Manner::Standing };
    organizer(CommandBody::JoinWaitlist(JoinWaitlist {
        subjects: Subjects { primary, extra: Vec::new() },
        choices: vec![choice],
        price_max_minor: None,
        priority: None,
    }))
}

fn hold(quantity: u16, options: &[&str]) -> Command {
    let subject = Subject(5);
    let key = option(options, "key").map(|key| IdempotencyKey {
        digest: u128::from(key),
        fingerprint: option(options, "body").unwrap_or(1),
        minted_at: None,
    });
    let ticket_type = Some(TicketTypeId(0));
    let line = LineRequest { ticket_type, expected_price_minor: None, want: Want::Quantity(quantity) };
    let body = CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary: subject, extra: Vec::new() },
        lines: vec![line],
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    });
    Command { authority: Authority::Subject(subject), key, body }
}

fn render(output: Output<String>) -> String {
    match output {
        Output::Append { expected, next, attempt, .. } => {
            let append = format!("append {}..{} attempt {attempt}", expected.sequence.0 + 1, next.sequence);
            let Format { version, minimum_reader } = next.format;
            let is_oldest = next.format == Format::OLDEST;
            if is_oldest {
                append
            } else {
                format!("{append} format {version} for readers of {minimum_reader}")
            }
        }
        Output::ReadHead => "read head".to_owned(),
        Output::Reply { ticket, reply } => format!("reply {ticket} {}", render_reply(&reply)),
        Output::Refused(refused) => {
            let name =
                |one: &Refused| format!(" {}:{} at {}", one.place.epoch, one.place.number, one.sequence);
            format!("refused{}", refused.iter().map(name).collect::<String>())
        }
        Output::Publish => "publish".to_owned(),
        Output::ArmTimer(at) => format!("timer {}", at.0 / 1_000),
        Output::Alert(Alert::ClockJump { difference_ms }) => format!("alert clock {difference_ms:+}"),
        Output::Alert(Alert::StoreStalled { attempts }) => format!("alert stalled {attempts}"),
        Output::Stop(StopReason::Fenced { found }) => format!("stop fenced by epoch {}", found.epoch),
        Output::Stop(StopReason::StoreFailed { reason }) => format!("stop store failed: {reason}"),
        Output::Stop(StopReason::HandedOver) => "stop handed over".to_owned(),
    }
}

fn render_reply(reply: &Reply) -> String {
    match reply {
        Reply::Accepted { sequence, .. } => format!("accepted {sequence}"),
        Reply::Repeated { sequence, .. } => format!("repeated {sequence}"),
        Reply::Rejected { sequence, rejection, .. } => {
            format!("rejected {sequence} {}", render_rejection(rejection))
        }
        Reply::Read { sequence, claim } => {
            let state = claim.as_ref().map_or("nothing".to_owned(), |claim| format!("{:?}", claim.state));
            format!("read {sequence} {state}")
        }
        Reply::NotExecuted => "not executed".to_owned(),
        Reply::GaveUp => "gave up".to_owned(),
        Reply::OutcomeUnknown => "outcome unknown".to_owned(),
    }
}

fn render_rejection(rejection: &Rejection) -> String {
    let text = format!("{rejection:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}

/// A chain that no log has.
pub(crate) const BROKEN: Chain = Chain([1; 32]);
