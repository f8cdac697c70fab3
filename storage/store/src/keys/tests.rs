//! Keys are short, apart from each other, and have the bytes that they always had.
#![allow(clippy::unwrap_used)] // tests

use tessera_inventory::{ClaimNumber, Sequence, Timestamp};

use super::*;

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0001);

#[test]
fn keys_are_short() {
    assert!(HeadKey { event: EVENT }.pack().len() < 32);
    assert!(LogRecordKey { event: EVENT, last_sequence: Sequence(1_000_000), chunk: 300 }.pack().len() <= 36);
}

#[test]
fn a_key_is_not_read_as_another_kind() {
    let pointer = SnapshotPointerKey { event: EVENT }.pack();
    assert!(HeadKey::unpack(&pointer).is_err());
    assert!(ApiKeyKey::unpack(&pointer).is_err());
}

#[test]
fn every_key_says_its_kind() {
    for kind in KINDS {
        assert_eq!(KeyKind::of(&pack(&(kind.number(), 7))), Some(kind));
        assert_eq!(KeyKind::of(&pack(&event_prefix(EVENT, kind))), Some(kind));
    }
    assert_eq!(KeyKind::of(&HeadKey { event: EVENT }.pack()), Some(KeyKind::Head));
    assert_eq!(KeyKind::of(&WakeUpKey { event: EVENT }.pack()), Some(KeyKind::WakeUp));
    assert_eq!(KeyKind::of(&InstallationKey.pack()), Some(KeyKind::Installation));
    for foreign in [&b""[..], b"\x15", b"\x15\xfe", b"row", b"\x1cshort"] {
        assert_eq!(KeyKind::of(foreign), None);
    }
}

#[test]
fn events_and_kinds_never_share_a_range() {
    let other = EventId(EVENT.0 + 1);
    let (begin, end) = LogRecordKey::range_after(EVENT, Sequence::ZERO);
    for key in [
        HeadKey { event: EVENT }.pack(),
        SnapshotPointerKey { event: EVENT }.pack(),
        LogRecordKey { event: other, last_sequence: Sequence(1), chunk: 0 }.pack(),
    ] {
        assert!(key < begin || key >= end);
    }
}

#[test]
fn golden_bytes_of_the_kinds() {
    let hex = |key: Vec<u8>| format!("{:?}", KeyBytes(&key));
    let hash = format!("{:016x}", event_hash(EVENT));
    let id = format!("30{:032x}", EVENT.0);
    assert_eq!(hex(HeadKey { event: EVENT }.pack()), format!("1c{hash}1501{id}"));
    assert_eq!(
        hex(LogRecordKey { event: EVENT, last_sequence: Sequence(7), chunk: 1 }.pack()),
        format!("1c{hash}1502{id}15071501")
    );
    assert_eq!(hex(CatalogueEventKey { event: EVENT }.pack()), format!("1507{id}"));
    assert_eq!(hex(OrderKey { event: EVENT, order: ClaimNumber(7) }.pack()), format!("1c{hash}1520{id}1507"));
    assert_eq!(
        hex(VenueChunkKey { event: EVENT, version: 2, chunk: 1 }.pack()),
        format!("1c{hash}1524{id}15021501")
    );
    assert_eq!(hex(QuarantineKey { event: EVENT }.pack()), format!("150b{id}"));
    assert_eq!(hex(NodeKey { node: EVENT.0 }.pack()), format!("150c{id}"));
    assert_eq!(hex(NodeBeatKey { node: EVENT.0 }.pack()), format!("150d{id}"));
    assert_eq!(hex(OwnerKey { event: EVENT }.pack()), format!("150e{id}"));
    assert_eq!(hex(OwnedKey { node: EVENT.0, event: EVENT }.pack()), format!("150f{id}{id}"));
    assert_eq!(hex(ReconciliationKey { event: EVENT }.pack()), format!("1510{id}"));
    assert_eq!(hex(InstallationKey.pack()), "1526");
    assert_eq!(hex(OrganizerApiKeysKey { organizer: EVENT.0 }.pack()), format!("1527{id}"));
    assert_eq!(hex(ReceiptTreeKey { event: EVENT }.pack()), format!("1c{hash}1530{id}"));
    assert_eq!(
        hex(ReceiptPageKey { event: EVENT, page: 2, chunk: 1 }.pack()),
        format!("1c{hash}1531{id}15021501")
    );
    assert_eq!(
        hex(ReceiptIndexKey { event: EVENT, epoch: 3, number: 7 }.pack()),
        format!("1c{hash}1532{id}15031507")
    );
    assert_eq!(hex(ReceiptKeysKey.pack()), "1533");
    assert_eq!(hex(TicketKeysKey.pack()), "1550");
    assert_eq!(hex(TicketDesignKey { event: EVENT }.pack()), format!("1556{id}"));
    let (organizer, endpoint) = (EVENT.0, EVENT.0);
    assert_eq!(hex(WebhookEndpointKey { organizer, endpoint }.pack()), format!("1538{id}{id}"));
    assert_eq!(hex(WebhookStandingKey { endpoint }.pack()), format!("1539{id}"));
    let place = WebhookPlace { at: Timestamp(2), event: EVENT, sequence: Sequence(7), copy: 0 };
    let tail = format!("1502{id}150714");
    assert_eq!(hex(WebhookPendingKey { endpoint, place }.pack()), format!("153a{id}{tail}"));
    let due = WebhookDueKey { endpoint, due_at: Timestamp(9), place };
    assert_eq!(hex(due.pack()), format!("153b{id}1509{tail}"));
    assert_eq!(hex(WebhookFinishedKey { endpoint, place }.pack()), format!("153c{id}{tail}"));
}

#[test]
fn golden_bytes_of_the_kinds_of_money() {
    let hex = |key: Vec<u8>| format!("{:?}", KeyBytes(&key));
    let hash = format!("{:016x}", event_hash(EVENT));
    let id = format!("30{:032x}", EVENT.0);
    let (event, order) = (EVENT, ClaimNumber(7));
    let payment = PaymentKey { event, order, attempt: 1 };
    assert_eq!(hex(payment.pack()), format!("1c{hash}1540{id}15071501"));
    let due = PaymentDueKey { lane: 3, due_at: Timestamp(9), payment };
    assert_eq!(hex(due.pack()), format!("154115031509{id}15071501"));
    let (provider, name) = (2, "ab".to_owned());
    let reference = PaymentReferenceKey { provider, reference: name.clone() };
    assert_eq!(hex(reference.pack()), "1542150202616200");
    let told = ProviderEventKey { provider, event: name.clone(), chunk: 1 };
    assert_eq!(hex(told.pack()), "15431502026162001501");
    let received_at = Timestamp(9);
    let waits = ProviderEventDueKey { lane: 3, received_at, provider, event: name };
    assert_eq!(hex(waits.pack()), "154415031509150202616200");
    assert_eq!(hex(RefundKey { payment, number: 0 }.pack()), format!("1c{hash}1545{id}1507150114"));
    let run = RefundRunKey { event, run: EVENT.0 };
    assert_eq!(hex(run.pack()), format!("1c{hash}1546{id}{id}"));
    assert_eq!(hex(RefundRunOpenKey { lane: 3, run }.pack()), format!("154d1503{id}{id}"));
    let contact = PaymentContactKey { event, order };
    assert_eq!(hex(contact.pack()), format!("1c{hash}1547{id}1507"));
    let subject = tessera_inventory::Subject(EVENT.0);
    let of_subject = PaymentContactBySubjectKey { subject, contact };
    assert_eq!(hex(of_subject.pack()), format!("1566{id}{id}1507"));
    let looked_at = PaymentContactDueKey { lane: 3, due_at: Timestamp(9), contact };
    assert_eq!(hex(looked_at.pack()), format!("156715031509{id}1507"));
    let (organizer, currency) = (EVENT.0, *b"EUR");
    let entry = LedgerEntryKey { organizer, currency, at: Timestamp(9), id: EVENT.0 };
    assert_eq!(hex(entry.pack()), format!("1548{id}01455552001509{id}"));
    let balance = LedgerBalanceKey { organizer, currency, account: 4, of: EVENT.0, detail: 0, part: 5 };
    assert_eq!(hex(balance.pack()), format!("1549{id}01455552001504{id}141505"));
    assert_eq!(hex(LedgerMarkKey { id: EVENT.0 }.pack()), format!("154a{id}"));
    assert_eq!(hex(PayoutKey { organizer, payout: EVENT.0 }.pack()), format!("154b{id}{id}"));
    assert_eq!(hex(TermsKey { organizer, version: 2 }.pack()), format!("154c{id}1502"));
    let in_flight = PaymentInFlightKey { event, grace_until: Timestamp(9), order };
    assert_eq!(hex(in_flight.pack()), format!("1c{hash}154e{id}15091507"));
}

#[test]
fn golden_bytes_of_the_kinds_of_messages() {
    let hex = |key: Vec<u8>| format!("{:?}", KeyBytes(&key));
    let id = format!("30{:032x}", EVENT.0);
    let lane = MessageLane { channel: 1, account: "ab".to_owned() };
    let place = MessagePlace { at: Timestamp(2), event: EVENT, sequence: Sequence(7), recipient: 5, kind: 3 };
    let (of, tail) = ("150102616200", format!("1502{id}150715051503"));
    assert_eq!(hex(MessagePendingKey { lane: lane.clone(), place }.pack()), format!("1558{of}{tail}"));
    let due = MessageDueKey { lane: lane.clone(), class: 1, due_at: Timestamp(9), place };
    assert_eq!(hex(due.pack()), format!("1559{of}15011509{tail}"));
    let finished = MessageFinishedKey { lane: lane.clone(), is_dead: true, place };
    assert_eq!(hex(finished.pack()), format!("155a{of}1501{tail}"));
    let subject = tessera_inventory::Subject(EVENT.0);
    assert_eq!(hex(InboxItemKey { subject, place }.pack()), format!("155b{id}{tail}"));
    let locale = "de".to_owned();
    let template = MessageTemplateKey { organizer: EVENT.0, kind: 3, channel: 1, locale, version: 2 };
    assert_eq!(hex(template.pack()), format!("155c{id}150315010264650015{:02x}", 2));
    assert_eq!(hex(ContactKey { subject }.pack()), format!("155d{id}"));
    let subscription = PushSubscriptionKey { subject, endpoint: 7 };
    assert_eq!(hex(subscription.pack()), format!("155e{id}30{:032x}", 7));
    assert_eq!(hex(BroadcastKey { event: EVENT, run: 2 }.pack()), format!("155f{id}1502"));
    assert_eq!(hex(MessageAccountKey { lane }.pack()), format!("1560{of}"));
    assert_eq!(hex(SuppressedKey { channel: 1, address: EVENT.0 }.pack()), format!("15611501{id}"));
    let seen = BroadcastSeenKey { event: EVENT, run: 2, recipient: 5 };
    assert_eq!(hex(seen.pack()), format!("1562{id}15021505"));
}
