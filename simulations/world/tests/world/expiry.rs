//! Scenarios 24 and 27: a flood of commands, and a hundred thousand holds that expire at one instant.

use std::sync::Arc;

use tessera_inventory::{
    Authority, Command, CommandBody, Config, EventBody, EventId, HoldPolicy, LineRequest, Phase, PlaceHold,
    Pool, PoolId, SaleWindow, Schedule, SeatingPolicy, Subject, Subjects, TicketType, TicketTypeId,
    Timestamp, Want,
};
use tessera_records::{RecordEncoder, for_each};
use tessera_store::memory::MemoryCore;
use tessera_store::{AppendOutcome, Batch};
use tessera_writer::{
    Activation, ActivationInput, ActivationOutput, AppendAnswer, Ask, ClockReading, EXPIRIES_PER_TURN_MAX,
    Input, Monotonic, NEW_QUEUE_MAX, Output, Reply, Request, Writer, WriterOptions,
};

const EVENT: EventId = EventId(27);
const HOLDS: u32 = 100_000;
/// The ticket, and the subject, of who waits for the balcony.
const BALCONY: u32 = 1_000_000;
const HOLD_MS: u64 = 60_000;
const WALL: Timestamp = Timestamp(1_900_000_000_000);

fn config() -> Config {
    let standing = |pool| TicketType {
        name: "standing".into(),
        price_minor: 0,
        window: SaleWindow::default(),
        per_order_min: 1,
        per_order_max: 10,
        per_subject_max: None,
        access_code: None,
        category: None,
        draws_on: vec![PoolId(pool)],
        kind: tessera_inventory::TicketKind::Admission,
    };
    let pool = |name: &str, capacity| Pool { name: name.into(), capacity };
    Config {
        currency: *b"EUR",
        pools: vec![pool("floor", HOLDS), pool("balcony", 1)],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::from([]),
        channels: Vec::new(),
        ticket_types: vec![standing(0), standing(1)],
        units_per_subject_max: None,
        hold: HoldPolicy { duration_ms: HOLD_MS, renewals_max: 0, life_ms_max: HOLD_MS, grace_ms: HOLD_MS },
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a test counts far less")
}

fn organizer(body: CommandBody) -> Command {
    Command { authority: Authority::Organizer, key: None, body }
}

/// The floor is type 0, the one place on the balcony type 1.
fn hold(subject: u32, ticket_type: u16) -> Command {
    let primary = Subject(u128::from(subject));
    let want = Want::Quantity(1);
    let line = LineRequest { ticket_type: Some(TicketTypeId(ticket_type)), expected_price_minor: None, want };
    let body = CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary, extra: Vec::new() },
        lines: vec![line],
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    });
    Command { authority: Authority::Subject(primary), key: None, body }
}

/// A writer over the memory log, without delays or faults.
struct Owner {
    writer: Writer<u32, RecordEncoder>,
    log: MemoryCore,
    replies: Vec<(u32, Reply)>,
}

impl Owner {
    fn new() -> Owner {
        let mut log = MemoryCore::new();
        let now = Monotonic(0);
        let mut activation = Activation::new(EVENT, WriterOptions::new(27_000));
        let mut out = Vec::new();
        activation.handle(ActivationInput::Start, now, &mut out);
        activation.handle(ActivationInput::HeadRead(Ok(log.head_now(EVENT))), now, &mut out);
        let Some(ActivationOutput::Append { expected, next, .. }) = out.pop() else { panic!("a claim") };
        log.append_now(EVENT, expected, Batch { next, record: [].into() });
        activation.handle(ActivationInput::AppendDone(AppendAnswer::Committed), now, &mut out);
        let reading = ClockReading { wall: WALL, witness: None };
        let writer = activation.into_writer(RecordEncoder::default(), reading, now, &mut Vec::new());
        let mut owner = Owner { writer: writer.unwrap(), log, replies: Vec::new() };
        for body in [
            CommandBody::Configure { expected_version: 0, config: Arc::new(config()) },
            CommandBody::ChangePhase { to: Phase::OnSale },
        ] {
            owner.submit(0, organizer(body));
            owner.turn(now);
        }
        owner
    }

    fn submit(&mut self, ticket: u32, command: Command) {
        let ask = Ask::Command(Box::new(command));
        assert_eq!(self.offer(ticket, ask), Ok(()));
    }

    fn offer(&mut self, ticket: u32, ask: Ask) -> Result<(), u32> {
        self.writer.submit(Request { ticket, ask, give_up_at: Monotonic(u64::MAX) })
    }

    /// One turn, to its end; how many holds expired in it.
    fn turn(&mut self, now: Monotonic) -> u32 {
        let mut expired = 0;
        let mut input = Input::BeginTurn;
        loop {
            let mut out = Vec::new();
            self.writer.handle(input, now, &mut out);
            let mut next_input = None;
            for output in out {
                match output {
                    Output::Append { expected, next, record, .. } => {
                        for_each(&record, |_, event| {
                            if let EventBody::Expired { count, .. } = event.body {
                                expired += count;
                            }
                        })
                        .unwrap();
                        let outcome = self.log.append_now(EVENT, expected, Batch { next, record });
                        assert_eq!(outcome, AppendOutcome::Committed);
                        next_input = Some(Input::AppendDone(AppendAnswer::Committed));
                    }
                    Output::ReadHead => next_input = Some(Input::HeadRead(Ok(self.log.head_now(EVENT)))),
                    Output::Reply { ticket, reply } => self.replies.push((ticket, reply)),
                    _ => {}
                }
            }
            match next_input {
                Some(next_input) => input = next_input,
                None => return expired,
            }
        }
    }
}

#[test]
fn scenario_24_in_a_flood_memory_is_bounded_and_time_goes_on() {
    let mut owner = Owner::new();
    let placed_at = Monotonic(1_000);
    owner.submit(1, hold(1, 1));
    owner.turn(placed_at);
    let turned_away: Vec<u32> = (0..2 * count(NEW_QUEUE_MAX))
        .filter_map(|ticket| owner.offer(ticket, Ask::Command(Box::new(hold(2 + ticket, 0)))).err())
        .collect();
    assert_eq!(turned_away.len(), NEW_QUEUE_MAX, "what does not fit is turned away");
    assert_eq!(owner.writer.queued(), NEW_QUEUE_MAX);
    owner.submit(0, organizer(CommandBody::ChangePhase { to: Phase::Paused }));
    owner.replies.clear();
    assert_eq!(owner.turn(placed_at.plus_ms(HOLD_MS)), 1, "what is due comes first");
    assert!(
        matches!(owner.replies[0], (0, Reply::Accepted { .. })),
        "then existing claims and the organizer"
    );
}

#[test]
fn scenario_27_a_hundred_thousand_holds_expire_at_one_instant() {
    let mut owner = Owner::new();
    let placed_at = Monotonic(1_000);
    for subject in 1..=HOLDS {
        owner.submit(subject, hold(subject, 0));
        if owner.writer.queued() == 1_000 {
            owner.turn(placed_at);
        }
    }
    owner.turn(placed_at);
    owner.submit(0, hold(HOLDS + 1, 1));
    owner.turn(placed_at);
    let state = owner.writer.durable_state().unwrap();
    assert_eq!(state.availability().live_holds, HOLDS + 1);

    // The balcony comes back last: whoever wants it waits until then and is not refused.
    let due_at = placed_at.plus_ms(HOLD_MS);
    owner.replies.clear();
    owner.submit(BALCONY, hold(BALCONY, 1));
    let mut released = 0;
    let mut turns = 0;
    while released <= HOLDS {
        assert!(owner.writer.wants_turn(due_at), "{released} of {HOLDS} and the balcony are released");
        turns += 1;
        owner.submit(turns, hold(HOLDS + 1 + turns, 0));
        let expired = owner.turn(due_at);
        assert!(expired < 2 * EXPIRIES_PER_TURN_MAX, "{expired} in one turn");
        released += expired;
        let balcony = u32::from(released > HOLDS);
        assert_eq!(
            count(owner.replies.len()),
            turns + balcony,
            "who asks meanwhile is answered in the same turn"
        );
    }
    assert_eq!(released, HOLDS + 1, "each is released once");
    assert!(turns > HOLDS / (2 * EXPIRIES_PER_TURN_MAX), "in bounded turns, not in {turns}");
    assert!(owner.replies.iter().all(|(_, reply)| matches!(reply, Reply::Accepted { .. })));
    let state = owner.writer.durable_state().unwrap();
    let free: Vec<u32> = state.availability().pools.iter().map(|pool| pool.free).collect();
    assert_eq!(free, [HOLDS - turns, 0]);
    state.check().unwrap();
}
