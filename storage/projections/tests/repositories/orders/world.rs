//! A log that tests write event by event, and the projection that follows it.

use std::sync::Arc;

use tessera_inventory::*;
use tessera_projections::orders::{Order, OrdersBySubject, OrdersPage, Step};
use tessera_records::encode_record;
use tessera_store::{AppendOutcome, Batch, Log, memory::MemoryStore};
use tessera_writer::{BatchId, Head};

pub(super) const EVENT: EventId = EventId(5);
pub(super) const ANNA: Subject = Subject(1);
pub(super) const BEN: Subject = Subject(2);
pub(super) const GRACE: Timestamp = Timestamp(901_000);

pub(super) struct World {
    pub(super) store: MemoryStore,
    pub(super) orders: OrdersBySubject,
    head: Head,
}

impl World {
    pub(super) fn new() -> World {
        let store = MemoryStore::new();
        let orders = OrdersBySubject::new(Arc::new(store.clone()));
        World { store, orders, head: Head::GENESIS }
    }

    /// Append one record with these events; the sequence of the first.
    pub(super) async fn log(&mut self, bodies: Vec<EventBody>) -> Sequence {
        let first = self.head.sequence.plus(1);
        let events: Vec<Event> = bodies
            .into_iter()
            .zip(first.0..)
            .map(|(body, sequence)| Event { at: Timestamp(1_000 * sequence), key: None, body })
            .collect();
        let mut bytes = Vec::new();
        encode_record(first, &events, &mut bytes);
        let next = Head {
            sequence: self.head.sequence.plus(events.len() as u64),
            batch_id: BatchId(first.0.into()),
            chain: self.head.chain.extend(&bytes),
            ..self.head
        };
        let outcome = self.store.append(EVENT, self.head, Batch { next, record: bytes.into() }).await;
        assert_eq!(outcome, AppendOutcome::Committed);
        self.head = next;
        first
    }

    /// Append one event per record and project after each.
    pub(super) async fn live(&mut self, bodies: Vec<EventBody>) {
        for body in bodies {
            self.log(vec![body]).await;
            self.project().await;
        }
    }

    pub(super) async fn project(&self) {
        while let Step::Advanced { .. } = self.orders.project(&self.store, EVENT).await.unwrap() {}
        assert_eq!(self.orders.sequence(EVENT).await.unwrap(), self.head.sequence);
    }

    pub(super) async fn list(&self, subject: Subject) -> Vec<Order> {
        self.page(subject, None, 50).await.orders
    }

    pub(super) async fn page(
        &self,
        subject: Subject,
        after: Option<ClaimNumber>,
        limit: usize,
    ) -> OrdersPage {
        self.orders.list(EVENT, subject, after, limit).await.unwrap()
    }

    pub(super) async fn get(&self, number: u64) -> Order {
        self.orders.get(EVENT, ClaimNumber(number)).await.unwrap().unwrap()
    }
}

pub(super) fn hold(subject: Subject) -> EventBody {
    let line = |quantity, price_minor, seats: &[u32]| Line {
        ticket_type: TicketTypeId(1),
        terms: TermsId(2),
        quantity,
        price_minor,
        seats: seats.iter().map(|&seat| SeatIndex(seat)).collect(),
    };
    EventBody::HoldPlaced(HoldPlaced {
        subjects: Subjects { primary: subject, extra: vec![Subject(99)] },
        deadline_at: Timestamp(600_000),
        life_ends_at: Timestamp(1_800_000),
        channel: None,
        origin: Origin::Direct,
        lines: vec![line(2, 9_000, &[40, 41]), line(1, 4_500, &[])],
        quote: None,
        entry: None,
    })
}

pub(super) fn begun(order: u64, attempt: u8) -> EventBody {
    let order = ClaimNumber(order);
    EventBody::PaymentBegun { order, grace_until: GRACE, attempt, extra_subjects: Vec::new(), charge: None }
}

pub(super) fn failed(order: u64) -> EventBody {
    EventBody::PaymentFailed { order: ClaimNumber(order), attempt: None }
}

pub(super) fn confirmed(order: u64) -> EventBody {
    EventBody::Confirmed {
        order: ClaimNumber(order),
        payment: Payment::Captured { reference: 4 },
        attempt: None,
    }
}

pub(super) fn refunded(order: u64, tickets: &[u16]) -> EventBody {
    let (order, tickets) = (ClaimNumber(order), tickets.to_vec());
    let (units, reason) = (RefundedUnits::Restock, RefundReason::Organizer);
    EventBody::TicketsRefunded { order, tickets, units, amount_minor: None, reason }
}

pub(super) fn transferred(order: u64, index: u16, to: Subject, generation: u8) -> EventBody {
    EventBody::TicketTransferred { ticket: ticket(order, index), to, generation, from: None }
}

pub(super) fn ticket(order: u64, index: u16) -> TicketRef {
    TicketRef { order: ClaimNumber(order), index }
}

pub(super) fn cancelled() -> EventBody {
    EventBody::PhaseChanged { to: Phase::Cancelled }
}
