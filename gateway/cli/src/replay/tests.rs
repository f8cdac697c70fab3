//! What a replay finds although every checksum and every link of the chain holds.

use std::sync::Arc;

use futures::executor::block_on;
use tempfile::TempDir;
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{
    ClaimNumber, Config, Event, EventBody, HoldPlaced, HoldPolicy, Line, Origin, Phase, Pool, PoolId,
    SaleWindow, Schedule, SeatingPolicy, Subject, Subjects, TermsId, TicketType, TicketTypeId, Timestamp,
};
use tessera_pricing::Tariff;
use tessera_records::encode_record;
use tessera_store::AppendOutcome;
use tessera_store::conformance::log::batch;

use super::*;

pub(crate) const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0001);
const LATER: Timestamp = Timestamp(9_000_000_000_000);

fn config() -> EventBody {
    priced(1, (0, None))
}

/// A version of the configuration with this price and tariff.
pub(crate) fn priced(version: u32, (price_minor, tariff): (i64, Option<Box<Tariff>>)) -> EventBody {
    let standing = TicketType {
        name: "Standing".into(),
        price_minor,
        window: SaleWindow::default(),
        per_order_min: 1,
        per_order_max: 10,
        per_subject_max: Some(5),
        access_code: None,
        category: None,
        draws_on: vec![PoolId(0)],
        kind: tessera_inventory::TicketKind::Admission,
    };
    let config = Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "Floor".into(), capacity: 10 }],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::from([]),
        channels: Vec::new(),
        ticket_types: vec![standing.clone(), TicketType { name: "Other".into(), ..standing }],
        units_per_subject_max: None,
        hold: HoldPolicy::default(),
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
        tariff,
        entry: Vec::new(),
        waitlist: None,
    };
    EventBody::Configured { version, config: Arc::new(config) }
}

/// A hold of a unit of the type `ticket_type` on the terms `terms`; it is sound where they are of one another.
fn held(ticket_type: u16, terms: u16) -> EventBody {
    EventBody::HoldPlaced(hold(ticket_type, terms, 0))
}

/// The same at this price.
pub(crate) fn hold(ticket_type: u16, terms: u16, price_minor: i64) -> HoldPlaced {
    let lines = vec![Line {
        ticket_type: TicketTypeId(ticket_type),
        terms: TermsId(terms),
        quantity: 1,
        price_minor,
        seats: Vec::new(),
    }];
    HoldPlaced {
        subjects: Subjects { primary: Subject(7), extra: Vec::new() },
        deadline_at: LATER,
        life_ends_at: LATER,
        channel: None,
        origin: Origin::Direct,
        lines,
        quote: None,
        entry: None,
    }
}

/// A store with these records of the event.
pub(crate) fn store(records: &[Vec<EventBody>]) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Embedded(EmbeddedStore::open(folder.path(), &Options::default()).unwrap());
    let mut head = Head::GENESIS;
    for bodies in records {
        let event = |body: &EventBody| Event { at: Timestamp(1), key: None, body: body.clone() };
        let events: Vec<Event> = bodies.iter().map(event).collect();
        let mut bytes = Vec::new();
        encode_record(head.sequence.plus(1), &events, &mut bytes);
        let next = batch(head, u128::from(head.sequence.0) + 1, events.len() as u64, &bytes);
        let expected = head;
        head = next.next;
        assert_eq!(block_on(store.append(EVENT, expected, next)), AppendOutcome::Committed);
    }
    (folder, store)
}

pub(crate) fn on_sale() -> EventBody {
    EventBody::PhaseChanged { to: Phase::OnSale }
}

/// What is said of a log; nothing where it is sound.
fn said(store: &Store, shown: Option<Shown>) -> String {
    block_on(verify(store, EVENT, shown)).err().map(|failure| failure.to_string()).unwrap_or_default()
}

#[test]
fn a_sound_log_is_sound() {
    let (_folder, store) = store(&[vec![config(), on_sale()], vec![held(0, 0)]]);
    let sound = block_on(verify(&store, EVENT, None)).unwrap();
    assert_eq!((sound.events, sound.records, sound.head.sequence), (3, 2, Sequence(3)));
}

/// I4.
#[test]
fn another_state_than_the_server_showed_is_found() {
    let (_folder, store) = store(&[vec![config(), on_sale()], vec![held(0, 0)]]);
    let digest = |sequence| {
        let mut replayed = Inventory::new(EVENT);
        [config(), on_sale(), held(0, 0)].into_iter().take(sequence).for_each(|body| {
            replayed.apply(&Event { at: Timestamp(1), key: None, body });
        });
        replayed.digest()
    };
    let shown = |sequence: u64, digest| Some(Shown { sequence: Sequence(sequence), digest });
    assert_eq!(said(&store, shown(2, digest(2))), "");
    assert_eq!(said(&store, shown(3, digest(3))), "");
    assert!(said(&store, shown(3, digest(2))).contains("I4"));
    assert!(said(&store, shown(1, digest(1))).contains("no record ends"), "within a record");
    assert!(said(&store, shown(4, digest(3))).contains("no record ends"), "after the log");
}

#[test]
fn an_invariant_is_checked_on_the_way_and_not_only_in_the_end() {
    let toggle = |number: u64| EventBody::PhaseChanged {
        to: if number.is_multiple_of(2) { Phase::Paused } else { Phase::OnSale },
    };
    let mut first = vec![config()];
    first.extend((1..CHECK_EVERY_MIN - 1).map(toggle));
    first.push(held(1, 0));
    let (_folder, store) = store(&[first, vec![on_sale()]]);
    let said = said(&store, None);
    let broken_at = format!("at sequence {CHECK_EVERY_MIN}:");
    assert!(said.contains("invariant I") && said.contains(&broken_at), "{said}");
}

#[test]
fn a_record_that_cannot_be_applied_is_a_finding_and_no_crash() {
    let (_folder, store) = store(&[vec![config()], vec![EventBody::HoldReleased { hold: ClaimNumber(9) }]]);
    let failure = block_on(verify(&store, EVENT, None)).unwrap_err();
    assert!(failure.to_string().contains("sequences 2 to 2 cannot be applied"), "{failure}");
}
