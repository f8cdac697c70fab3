//! What devices at gates are told, what they decide offline, and what their passages amount to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use proptest::prelude::*;
use tessera_tickets::entry::{
    Changes, Direction, Door, EntryKey, EntryType, Exception, Gates, SNAPSHOT_MS, Settings, Snapshot, Turned,
};
use tessera_tickets::{
    EventMark, Passage, Printed, Refused, SigningKey, TicketKey, double_admissions, last_passage,
};

const EVENT: u128 = 0x0198_0000_0000_7000_8000_0000_0000_0001;
const NOW: u64 = 1_800_000_000_000;

fn key() -> SigningKey {
    SigningKey::of_seed(&[1; 32])
}

fn exception(order: u64, bits: u8) -> Exception {
    Exception { order, index: 0, generation: 0, bits, since_ms: 0, gate: 0 }
}

fn settings() -> Settings {
    let known = |name: &str, admits| EntryType { name: name.into(), admits };
    Settings {
        open: true,
        keys: vec![EntryKey { public: key().public(), revoked: false }],
        types: vec![known("Floor", true), known("VIP", true), known("Parking", false)],
        lists: Vec::new(),
    }
}

fn snapshot(exceptions: Vec<Exception>) -> Snapshot {
    Snapshot { event: EVENT, sequence: 40, made_at_ms: NOW, settings: settings(), exceptions }
}

fn printed(order: u64, generation: u8, ticket_type: u16) -> Printed {
    Printed { event: EventMark::of(EVENT), order, index: 0, generation, ticket_type, valid_until_h: 0 }
}

fn text(printed: Printed) -> String {
    printed.sign(&key()).unwrap().text()
}

fn changes(after: u64, sequence: u64, exceptions: Vec<Exception>) -> Changes {
    let settings = settings().mark();
    Changes { event: EVENT, after, sequence, made_at_ms: NOW, settings, more: false, exceptions }
}

#[test]
fn a_snapshot_and_changes_are_read_as_they_were_written_and_by_nothing_else() {
    let list = Gates {
        name: "Nordtor".into(),
        gates: vec![1, 65_535],
        types: vec![1],
        re_entry: true,
        opens_at_ms: Some(NOW),
        closes_at_ms: None,
    };
    let tickets = vec![
        Exception { generation: 3, since_ms: NOW, gate: 9, index: 49, ..exception(7, Exception::IN) },
        exception((1 << 40) - 1, Exception::REFUNDED),
    ];
    let mut snapshot = snapshot(tickets.clone());
    snapshot.settings.lists = vec![list];
    let bytes = snapshot.encode();
    assert_eq!(Snapshot::decode(&bytes), Ok(snapshot.clone()));
    let changes = changes(40, 41, tickets);
    assert_eq!(Changes::decode(&changes.encode()), Ok(changes.clone()));
    for end in 0..bytes.len() {
        assert!(Snapshot::decode(&bytes[..end]).is_err());
    }
    assert!(Snapshot::decode(&changes.encode()).is_err() && Changes::decode(&bytes).is_err());
    let longer = [&bytes[..], &[0]].concat();
    assert!(Snapshot::decode(&longer).is_err());

    let known = TicketKey::new(&key().public(), 0).unwrap();
    let mut sealed = snapshot.seal(&key());
    assert!(sealed.is_genuine(&[known]));
    let mut revoked = known;
    revoked.revoked_at_ms = Some(1);
    assert!(!sealed.is_genuine(&[revoked]));
    assert!(!sealed.is_genuine(&[TicketKey::new(&SigningKey::of_seed(&[2; 32]).public(), 0).unwrap()]));
    sealed.bytes[20] ^= 1;
    assert!(!sealed.is_genuine(&[known]));
}

/// Golden: what devices of others have to read.
#[test]
fn a_snapshot_has_the_bytes_that_it_always_had() {
    let snapshot = Snapshot {
        event: 1,
        sequence: 2,
        made_at_ms: 3,
        settings: Settings {
            open: true,
            keys: vec![EntryKey { public: [7; 32], revoked: true }],
            types: vec![EntryType { name: "é".into(), admits: true }],
            lists: vec![Gates {
                name: "N".into(),
                gates: vec![4],
                types: vec![5],
                re_entry: false,
                opens_at_ms: None,
                closes_at_ms: Some(6),
            }],
        },
        exceptions: vec![Exception { order: 8, index: 9, generation: 10, bits: 11, since_ms: 12, gate: 13 }],
    };
    let hex: String = snapshot.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = [
        "01",
        "00000000000000000000000000000001",
        "0000000000000002",
        "0000000000000003",
        "0000000001499703",
        "01",
        "0001",
        &"07".repeat(32),
        "01",
        "0001",
        "02c3a901",
        "0001",
        "014e",
        "00010004",
        "00010005",
        "00",
        "000000000000000000",
        "010000000000000006",
        "00000001",
        "0000000008",
        "09",
        "0a",
        "0b",
        "00000000000c",
        "000d",
    ];
    assert_eq!(hex, expected.concat());
}

#[test]
fn a_device_believes_what_is_genuine_unless_it_knows_otherwise() {
    let old = Exception { generation: 2, ..exception(2, Exception::NEW_CODE) };
    let inside = Exception { since_ms: NOW - 9, gate: 4, ..exception(4, Exception::IN) };
    let outside = Exception { since_ms: NOW - 9, gate: 4, ..exception(5, Exception::OUT) };
    let disputed =
        |order| Exception { index: Exception::WHOLE_ORDER, ..exception(order, Exception::IN_DISPUTE) };
    let refunded = exception(3, Exception::REFUNDED);
    let all = vec![old, refunded, disputed(3), inside, disputed(4), outside, disputed(6)];
    let mut door = Door::new(snapshot(all));
    let decide = |printed: Printed| {
        door.decide(&text(printed), 1, Direction::In, NOW).map(|admitted| admitted.is_stale)
    };
    assert_eq!(decide(printed(1, 0, 0)), Ok(false));
    assert_eq!(decide(printed(1, 9, 0)), Ok(false), "a transfer that it has not heard of");
    assert_eq!(decide(printed(6, 0, 0)), Err(Turned::InDispute));
    let last = Printed { index: 49, ..printed(6, 0, 0) };
    assert_eq!(decide(last), Err(Turned::InDispute), "of every ticket");
    let way_out = door.decide(&text(printed(4, 0, 0)), 1, Direction::Out, NOW);
    assert!(way_out.is_ok(), "whoever is in may leave");
    assert_eq!(decide(printed(2, 1, 0)), Err(Turned::OldCode));
    assert_eq!(decide(printed(2, 2, 0)), Ok(false));
    assert_eq!(decide(printed(3, 0, 0)), Err(Turned::Refunded));
    assert_eq!(decide(printed(4, 0, 0)), Err(Turned::In { since_ms: NOW - 9, gate: 4 }));
    assert_eq!(decide(printed(5, 0, 0)), Ok(false));
    assert_eq!(decide(printed(1, 0, 2)), Err(Turned::Voucher));
    let other = Printed { event: EventMark::of(7), ..printed(1, 0, 0) };
    assert_eq!(decide(other), Err(Turned::NotBelieved(Refused::OtherEvent)));
    let forged = printed(1, 0, 0).sign(&SigningKey::of_seed(&[9; 32])).unwrap().text();
    let answer = door.decide(&forged, 1, Direction::In, NOW);
    assert_eq!(answer, Err(Turned::NotBelieved(Refused::UnknownKey)));
    let late = door.decide(&text(printed(1, 0, 0)), 1, Direction::In, NOW + SNAPSHOT_MS);
    assert_eq!(late.map(|admitted| admitted.is_stale), Ok(true), "it goes on, and says so");
    let won = Exception { bits: 0, ..disputed(6) };
    assert!(won.is_as_printed() && door.take(&changes(40, 41, vec![won])));
    let admitted = door.decide(&text(printed(6, 0, 0)), 1, Direction::In, NOW);
    assert!(admitted.is_ok(), "the dispute is won");
}

#[test]
fn a_device_knows_what_it_saw_itself_and_what_it_hears() {
    let mut door = Door::new(snapshot(vec![]));
    let ticket = printed(1, 0, 0);
    let passage = |at_ms: u64, inward| Passage { at_ms, device: 7, number: at_ms, gate: 1, inward };
    let decide = |door: &Door, direction| door.decide(&text(ticket), 1, direction, NOW).map(|_| ());
    assert_eq!(decide(&door, Direction::Out), Err(Turned::NotIn));
    door.passed(&ticket, passage(NOW, true));
    assert_eq!(decide(&door, Direction::In), Err(Turned::In { since_ms: NOW, gate: 1 }));
    assert_eq!(decide(&door, Direction::Out), Ok(()));
    door.passed(&ticket, passage(NOW + 1, false));
    assert_eq!(decide(&door, Direction::In), Ok(()));
    // Another gate let it in, later.
    let heard = Exception { since_ms: NOW + 5, gate: 3, ..exception(1, Exception::IN) };
    assert!(door.take(&changes(40, 41, vec![heard])));
    assert!(door.take(&changes(40, 41, vec![heard])), "twice changes nothing");
    assert_eq!(door.sequence(), 41);
    assert_eq!(decide(&door, Direction::In), Err(Turned::In { since_ms: NOW + 5, gate: 3 }));
    assert!(!door.take(&changes(43, 44, vec![])), "something is left out");
    assert!(!door.take(&Changes { settings: [0; 8], ..changes(41, 42, vec![]) }));
    assert!(!door.take(&Changes { event: 1, ..changes(41, 42, vec![]) }));
    assert!(door.take(&changes(30, 35, vec![exception(1, 0)])), "old news");
    assert_eq!(decide(&door, Direction::In), Err(Turned::In { since_ms: NOW + 5, gate: 3 }));
}

#[test]
fn a_device_keeps_to_the_lists() {
    let mut snapshot = snapshot(vec![]);
    let list = |gates: Vec<u16>, types: Vec<u16>, re_entry, opens_at_ms| Gates {
        name: "list".into(),
        gates,
        types,
        re_entry,
        opens_at_ms,
        closes_at_ms: None,
    };
    snapshot.settings.lists =
        vec![list(vec![1, 2], vec![0], false, None), list(vec![3], vec![1], true, Some(NOW + 10))];
    let mut door = Door::new(snapshot.clone());
    let decide = |door: &Door, of: u16, gate: u16, now: u64| {
        door.decide(&text(printed(1, 0, of)), gate, Direction::In, now).map(|_| ())
    };
    assert_eq!(decide(&door, 0, 1, NOW), Ok(()));
    assert_eq!(decide(&door, 0, 3, NOW), Err(Turned::NotHere { gates: vec![1, 2] }));
    assert_eq!(decide(&door, 1, 3, NOW), Err(Turned::NotHere { gates: vec![3] }));
    assert_eq!(decide(&door, 1, 3, NOW + 10), Ok(()));
    for (number, inward) in [(1, true), (2, false)] {
        let passage = Passage { at_ms: NOW + number, device: 7, number, gate: 1, inward };
        door.passed(&printed(1, 0, 0), passage);
    }
    assert_eq!(decide(&door, 0, 1, NOW + 3), Err(Turned::NoReEntry));
    assert_eq!(decide(&door, 1, 3, NOW + 11), Ok(()));
    snapshot.settings.open = false;
    assert_eq!(decide(&Door::new(snapshot), 0, 1, NOW), Err(Turned::Cancelled));
}

#[test]
fn two_admissions_contradict_unless_a_way_out_is_between() {
    let passage = |at_ms, device, inward| Passage { at_ms, device, number: at_ms, gate: 1, inward };
    let (first, second) = (passage(10, 1, true), passage(30, 2, true));
    assert_eq!(double_admissions(&[second, first]), [(first, second)]);
    assert_eq!(double_admissions(&[second, passage(20, 3, false), first]), []);
    assert_eq!(double_admissions(&[first, first, passage(20, 1, true)]), [], "one device, one gate");
    let between = passage(20, 3, true);
    assert_eq!(double_admissions(&[first, second, between]), [(first, between), (between, second)]);
}

fn passages() -> impl Strategy<Value = Vec<Passage>> {
    let one = (0_u64..30, 0_u32..4, 0_u16..3, any::<bool>());
    prop::collection::vec(one, 0..20).prop_map(|all| {
        let passage =
            |(number, (at_ms, device, gate, inward))| Passage { at_ms, device, number, gate, inward };
        (1..).zip(all).map(passage).collect()
    })
}

proptest! {
    #[test]
    fn what_passages_amount_to_does_not_depend_on_who_tells_first(
        (told, shuffled) in passages().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        again in 0_usize..20,
    ) {
        let mut twice = shuffled.clone();
        twice.extend(shuffled.iter().take(again));
        prop_assert_eq!(double_admissions(&told), double_admissions(&twice));
        prop_assert_eq!(last_passage(&told), last_passage(&twice));
    }

    #[test]
    fn bytes_of_anything_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(snapshot) = Snapshot::decode(&bytes) {
            prop_assert_eq!(snapshot.encode(), bytes);
        } else if let Ok(changes) = Changes::decode(&bytes) {
            prop_assert_eq!(changes.encode(), bytes);
        }
    }
}
