//! What passed the gates, as it is projected: rows, conflicts, counts, and what devices are told.

use std::sync::Arc;

use futures::executor::block_on;
use proptest::prelude::*;
use tessera_inventory::*;
use tessera_projections::api_keys::ApiKeyId;
use tessera_projections::entry::{ConflictSide, EntryRows, Standing, Step};
use tessera_projections::entry_devices::EntryDevices;
use tessera_records::encode_record;
use tessera_store::keys::ProjectionCursor;
use tessera_store::memory::MemoryStore;
use tessera_store::{AppendOutcome, Batch, Log};
use tessera_tickets::entry::Exception;
use tessera_writer::{BatchId, Head};

const EVENT: EventId = EventId(5);

struct World {
    store: MemoryStore,
    rows: EntryRows,
    head: Head,
}

impl World {
    fn new() -> World {
        let store = MemoryStore::new();
        World { rows: EntryRows::new(Arc::new(store.clone())), store, head: Head::GENESIS }
    }

    /// Appends events, each a record of its own.
    async fn log(&mut self, bodies: Vec<EventBody>) {
        for body in bodies {
            let first = self.head.sequence.plus(1);
            let event = Event { at: Timestamp(1_000_000 * first.0), key: None, body };
            let mut bytes = Vec::new();
            encode_record(first, &[event], &mut bytes);
            let chain = self.head.chain.extend(&bytes);
            let next = Head { sequence: first, batch_id: BatchId(first.0.into()), chain, ..self.head };
            let outcome = self.store.append(EVENT, self.head, Batch { next, record: bytes.into() }).await;
            assert_eq!(outcome, AppendOutcome::Committed);
            self.head = next;
        }
    }

    /// Follows the log to its end.
    async fn project(&self) {
        loop {
            let stored = self.rows.cursor(EVENT).await.unwrap();
            match self.rows.project(&self.store, EVENT, (stored, stored), |_| true).await.unwrap() {
                Step::Advanced(_) => {}
                Step::UpToDate => return,
                step @ (Step::Seen(_) | Step::Overtaken) => panic!("nobody else follows it: {step:?}"),
            }
        }
    }

    async fn live(&mut self, bodies: Vec<EventBody>) {
        for body in bodies {
            self.log(vec![body]).await;
            self.project().await;
        }
    }

    /// Every conflict: ticket, kind, the two sides' devices and times, standing.
    async fn conflicts(&self) -> Vec<(u16, ConflictKind, (u64, u32), Option<(u64, u32)>, Standing)> {
        let page = self.rows.conflicts(EVENT, None, 1_000).await.unwrap();
        let shown = page.conflicts.into_iter().map(|conflict| {
            let side = |side: ConflictSide| match side {
                ConflictSide::Passage { at, device, .. } => Some((at.0, device.unwrap_or(0))),
                ConflictSide::Event(sequence) => Some((sequence.0, u32::MAX)),
                ConflictSide::None => None,
            };
            let admission = side(conflict.admission).unwrap();
            (conflict.key.ticket.index, conflict.kind, admission, side(conflict.other), conflict.standing)
        });
        shown.collect()
    }

    async fn open(&self) -> Vec<(u16, ConflictKind, (u64, u32), Option<(u64, u32)>)> {
        let all = self.conflicts().await.into_iter().filter(|conflict| conflict.4 == Standing::Open);
        all.map(|(ticket, kind, admission, other, _)| (ticket, kind, admission, other)).collect()
    }

    async fn exceptions(&self) -> Vec<Exception> {
        self.rows.exceptions(EVENT).await.unwrap().0
    }
}

fn ticket(index: u16) -> TicketRef {
    TicketRef { order: ClaimNumber(3), index }
}

fn scan(number: u64, at: u64, gate: u16, index: u16, inward: bool) -> Scan {
    let (at, ticket) = (Timestamp(at), ticket(index));
    Scan { number, at, gate, ticket, generation: 0, inward, admitted: true, list: Some(1) }
}

fn told(device: u32, scans: Vec<Scan>, conflicts: &[(u16, ConflictKind)]) -> EventBody {
    let conflict = |&(scan, kind)| ScanConflict { scan, kind, other: None };
    let conflicts = conflicts.iter().map(conflict).collect();
    EventBody::ScansRecorded(ScansRecorded { device, scans, conflicts })
}

fn paused() -> EventBody {
    EventBody::PhaseChanged { to: Phase::Paused }
}

#[tokio::test]
async fn a_double_admission_is_withdrawn_when_the_way_out_between_turns_up() {
    let mut world = World::new();
    let first = told(1, vec![scan(1, 1_000, 1, 0, true)], &[]);
    let second = told(2, vec![scan(1, 3_000, 2, 0, true)], &[(0, ConflictKind::DoubleAdmission)]);
    world.live(vec![first, second]).await;
    let double = (0, ConflictKind::DoubleAdmission, (3_000, 2), Some((1_000, 1)));
    assert_eq!(world.open().await, [double]);
    // A third admission between makes two of it.
    world.live(vec![told(3, vec![scan(1, 2_000, 3, 0, true)], &[])]).await;
    let pairs = [
        (0, ConflictKind::DoubleAdmission, (2_000, 3), Some((1_000, 1))),
        (0, ConflictKind::DoubleAdmission, (3_000, 2), Some((2_000, 3))),
    ];
    assert_eq!(world.open().await, pairs);
    world.live(vec![told(3, vec![scan(2, 2_500, 3, 0, false)], &[])]).await;
    assert_eq!(world.open().await, pairs[..1]);
    assert_eq!(world.conflicts().await.len(), 3, "what was withdrawn is still said");
    let out = EventBody::CheckedOut { ticket: ticket(0), gate: 1, list: None, stamped: true };
    world.live(vec![out]).await;
    let [exception] = world.exceptions().await[..] else { panic!("one ticket passed") };
    assert_eq!((exception.bits, exception.gate), (Exception::OUT, 1));
}

#[tokio::test]
async fn what_was_refused_at_the_gate_hides_no_double_admission_and_withdraws_none() {
    let mut world = World::new();
    // More than are read at once, and than passages are judged.
    let refused = |from: u64, at: u64| {
        let one = |n: u64| Scan { admitted: false, ..scan(from + n, at + n, 3, 0, true) };
        told(3, (0..500).map(one).collect(), &[])
    };
    world.live(vec![told(1, vec![scan(1, 1_000, 1, 0, true)], &[]), refused(1, 2_000)]).await;
    world.live(vec![told(2, vec![scan(1, 3_000, 2, 0, true)], &[(0, ConflictKind::DoubleAdmission)])]).await;
    let double = (0, ConflictKind::DoubleAdmission, (3_000, 2), Some((1_000, 1)));
    assert_eq!(world.open().await, [double]);
    // It is judged anew, with no passage among the scans that are read first.
    world.live(vec![refused(501, 4_000), told(1, vec![scan(2, 900, 1, 0, false)], &[])]).await;
    assert_eq!(world.open().await, [double]);
    world.live(vec![told(1, vec![scan(3, 2_250, 1, 0, false)], &[])]).await;
    assert!(world.open().await.is_empty());
}

#[tokio::test]
async fn what_contradicts_the_log_names_the_event_that_it_contradicts() {
    let mut world = World::new();
    let from = Some(Subject(8));
    let to = EventBody::TicketTransferred { ticket: ticket(1), to: Subject(9), generation: 1, from };
    let units = RefundedUnits::Kill;
    let refunded = EventBody::TicketsRefunded {
        order: ClaimNumber(3),
        tickets: vec![0],
        units,
        amount_minor: None,
        reason: RefundReason::Organizer,
    };
    let upload = told(
        7,
        vec![scan(1, 10, 1, 0, true), scan(2, 20, 1, 1, true), scan(3, 30, 1, 9, true)],
        &[(0, ConflictKind::AfterRefund), (1, ConflictKind::OldCode), (2, ConflictKind::UnknownTicket)],
    );
    world.live(vec![paused(), refunded, to, upload]).await;
    let event = |sequence: u64| Some((sequence, u32::MAX));
    let expected = [
        (0, ConflictKind::AfterRefund, (10, 7), event(2)),
        (1, ConflictKind::OldCode, (20, 7), event(3)),
        (9, ConflictKind::UnknownTicket, (30, 7), None),
    ];
    assert_eq!(world.open().await, expected);
    let of_first = world.rows.conflicts_of(EVENT, ticket(0)).await.unwrap();
    assert_eq!(of_first.len(), 1);
    let bits: Vec<(u8, u8, u8)> =
        world.exceptions().await.iter().map(|one| (one.index, one.generation, one.bits)).collect();
    let expected = [(0, 0, Exception::REFUNDED | Exception::IN), (1, 1, Exception::NEW_CODE | Exception::IN)];
    assert_eq!(bits, expected, "no device is told of a ticket that is none");
}

#[tokio::test]
async fn an_order_in_dispute_is_one_exception_until_that_is_decided() {
    let mut world = World::new();
    let disputed = |dispute, revoked| EventBody::OrderDisputed { order: ClaimNumber(3), dispute, revoked };
    let upload = told(7, vec![scan(1, 10, 1, 0, true)], &[(0, ConflictKind::InDispute)]);
    world.live(vec![paused(), disputed(Dispute::Open, Vec::new()), upload]).await;
    let expected = (0, ConflictKind::InDispute, (10, 7), Some((2, u32::MAX)));
    assert_eq!(world.open().await, [expected], "both sides: what opened the dispute, and the scan");
    let told_of = |all: Vec<Exception>| all.iter().map(|one| (one.index, one.bits)).collect::<Vec<_>>();
    let inside = (0, Exception::IN);
    let whole = (Exception::WHOLE_ORDER, Exception::IN_DISPUTE);
    assert_eq!(told_of(world.exceptions().await), [inside, whole]);
    world.live(vec![disputed(Dispute::Won, Vec::new())]).await;
    assert_eq!(told_of(world.exceptions().await), [inside]);
    let changes = world.rows.changes(EVENT, Sequence(3), 1_000).await.unwrap();
    assert_eq!(told_of(changes.exceptions), [(Exception::WHOLE_ORDER, 0)], "as printed again");
    world.live(vec![disputed(Dispute::Open, Vec::new()), disputed(Dispute::Lost, vec![1, 2])]).await;
    let refunded = |index| (index, Exception::REFUNDED);
    assert_eq!(told_of(world.exceptions().await), [inside, refunded(1), refunded(2)]);
    assert_eq!(world.open().await, [expected], "what was let in then was");
}

#[tokio::test]
async fn minutes_are_counted_once_by_list_and_gate() {
    let mut world = World::new();
    let refused = Scan { admitted: false, ..scan(3, 61_000, 4, 0, true) };
    let scans = vec![scan(1, 59_999, 4, 0, true), scan(2, 60_000, 4, 0, false), refused];
    let entered = EventBody::CheckedIn { ticket: ticket(1), gate: 4, list: None };
    world.live(vec![told(1, scans, &[]), entered]).await;
    world.project().await;
    let page = world.rows.statistics(EVENT, None, 2).await.unwrap();
    let rest = world.rows.statistics(EVENT, page.next, 2).await.unwrap();
    assert_eq!((page.sequence, rest.next), (Sequence(2), None));
    let counts = page.minutes.iter().chain(&rest.minutes).map(|minute| {
        let counts = minute.counts;
        (minute.of.list, minute.of.gate, minute.of.minute, counts.inwards, counts.outwards, counts.refused)
    });
    assert_eq!(counts.collect::<Vec<_>>(), [(0, 4, 33, 1, 0, 0), (2, 4, 0, 1, 0, 0), (2, 4, 1, 0, 1, 1)]);
}

#[tokio::test]
async fn changes_page_by_whole_events_and_never_leave_a_ticket_out() {
    let mut world = World::new();
    let refund = |order: u64, tickets: std::ops::Range<u16>| EventBody::TicketsRefunded {
        order: ClaimNumber(order),
        tickets: tickets.collect(),
        units: RefundedUnits::Restock,
        amount_minor: None,
        reason: RefundReason::Organizer,
    };
    world.log((1..=30).map(|order| refund(order, 0..50)).collect()).await;
    world.project().await;
    let mut after = Sequence::ZERO;
    let mut seen = 0;
    loop {
        let page = world.rows.changes(EVENT, after, 1).await.unwrap();
        assert!(page.exceptions.is_sorted_by_key(Exception::ticket));
        assert_eq!(page.exceptions.len() % 50, 0, "events are whole");
        seen += page.exceptions.len();
        after = page.sequence;
        if !page.more {
            break;
        }
    }
    assert_eq!((seen, after), (1_500, Sequence(30)));
    assert_eq!(world.exceptions().await.len(), 1_500);
    // A ticket has one change, which moves.
    let reissued =
        EventBody::TicketReissued { ticket: TicketRef { order: ClaimNumber(7), index: 3 }, generation: 1 };
    world.live(vec![reissued]).await;
    let page = world.rows.changes(EVENT, after, 1_000).await.unwrap();
    assert_eq!((page.exceptions.len(), page.sequence, page.more), (1, Sequence(31), false));
    assert_eq!(world.exceptions().await.len(), 1_500);
    let nothing = world.rows.changes(EVENT, Sequence(99), 1_000).await.unwrap();
    assert_eq!((nothing.exceptions.len(), nothing.sequence), (0, Sequence(99)));
}

#[tokio::test]
async fn where_nothing_concerns_gates_nothing_is_written_until_it_is_wanted() {
    let mut world = World::new();
    world.log(vec![paused(), paused()]).await;
    let none = world.rows.cursor(EVENT).await.unwrap();
    let seen = world.rows.project(&world.store, EVENT, (none, none), |_| false).await.unwrap();
    let Step::Seen(seen) = seen else { panic!("it was written: {seen:?}") };
    assert_eq!((seen.sequence, world.rows.cursor(EVENT).await.unwrap()), (Sequence(2), none));
    world.log(vec![told(1, vec![scan(1, 1, 1, 0, true)], &[])]).await;
    let stale = ProjectionCursor { sequence: Sequence(1), ..none };
    let overtaken = world.rows.project(&world.store, EVENT, (stale, seen), |_| false).await.unwrap();
    assert_eq!(overtaken, Step::Overtaken);
    let step = world.rows.project(&world.store, EVENT, (none, seen), |_| false).await.unwrap();
    assert!(matches!(step, Step::Advanced(cursor) if cursor.sequence == Sequence(3)));
    assert_eq!(world.exceptions().await.len(), 1);
}

#[tokio::test]
async fn devices_are_numbered_by_organizer() {
    let devices = EntryDevices::new(Arc::new(MemoryStore::new()));
    let register =
        |organizer: u128, key: u8| devices.register(organizer, "Gate", ApiKeyId([key; 16]), Timestamp(5));
    let first = register(1, 1).await.unwrap().unwrap();
    assert_eq!((first.number, register(1, 1).await.unwrap().unwrap()), (1, first.clone()), "asked again");
    assert_eq!(register(1, 2).await.unwrap().unwrap().number, 2);
    assert_eq!(register(2, 3).await.unwrap().unwrap().number, 1);
    devices.contacted(1, 1, Timestamp(9), -250).await.unwrap();
    let contacted = devices.get(1, 1).await.unwrap().unwrap();
    assert_eq!((contacted.contact_at, contacted.offset_ms), (Some(Timestamp(9)), -250));
    assert_eq!(devices.get(1, 3).await.unwrap(), None);
    assert_eq!(devices.get(1, 0).await.unwrap(), None);
}

/// What three devices scanned of two tickets, each in its order.
fn streams() -> impl Strategy<Value = Vec<Vec<Scan>>> {
    let one = (0_u64..30, 0_u16..3, 0_u16..2, any::<bool>());
    let stream = prop::collection::vec(one, 0..8).prop_map(|scans| {
        let mut at = 0;
        let scan = |(number, (later, gate, index, inward))| {
            at += later;
            scan(number, at, gate, index, inward)
        };
        (1..).zip(scans).map(scan).collect()
    });
    prop::collection::vec(stream, 3)
}

async fn uploaded(
    streams: &[Vec<Scan>],
    schedule: &[(usize, usize)],
) -> (Vec<impl PartialEq + std::fmt::Debug>, Vec<Exception>) {
    let mut world = World::new();
    let mut left: Vec<&[Scan]> = streams.iter().map(Vec::as_slice).collect();
    for &(device, count) in schedule.iter().chain(&[(0, 99), (1, 99), (2, 99)]) {
        let (now, later) = left[device].split_at(count.min(left[device].len()));
        left[device] = later;
        if !now.is_empty() {
            world.live(vec![told(u32::try_from(device).unwrap() + 1, now.to_vec(), &[])]).await;
        }
    }
    (world.open().await, world.exceptions().await)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_uploads_ends_in_the_same_conflicts_and_the_same_word_for_devices(
        streams in streams(),
        one in prop::collection::vec((0_usize..3, 1_usize..4), 0..12),
        other in prop::collection::vec((0_usize..3, 1_usize..4), 0..12),
    ) {
        let one = block_on(uploaded(&streams, &one));
        let other = block_on(uploaded(&streams, &other));
        prop_assert_eq!(one, other);
    }
}
