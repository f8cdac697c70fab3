//! The texts, each as it was first signed. An entry of these tables never changes: with another text every receipt that was given for such a
//! decision proves nothing any more. New kinds get new entries.

use std::sync::Arc;

use tessera_inventory::*;
use tessera_proof::{Kind, hash_of, to_hex};
use tessera_writer::{RefusalPlace, Refused};

use super::*;

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0005);
/// Computed with another implementation of SHA-256, by the layout in `docs/receipts.md`.
const GOLDEN_HASH: &str = "582bba950aa5fe5b1726a608ad0f5b4bebeae137fa12f3587383f39df5ce4383";
const TYPE: TicketTypeId = TicketTypeId(2);
const TICKET: TicketRef = TicketRef { order: ClaimNumber(7), index: 1 };

fn at(ms: u64) -> Timestamp {
    Timestamp(1_790_000_000_000 + ms)
}

fn config() -> Arc<Config> {
    Arc::new(Config {
        currency: *b"EUR",
        pools: vec![],
        categories: vec![],
        sections: vec![],
        rows: [].into(),
        channels: vec![],
        ticket_types: vec![],
        units_per_subject_max: None,
        hold: HoldPolicy { duration_ms: 1, renewals_max: 0, life_ms_max: 1, grace_ms: 1 },
        seating: SeatingPolicy { stranding_allowed: false, companions_max: 0, accessible_released: false },
        schedule: Schedule { presale_at: None, on_sale_at: None, closes_at: None },
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    })
}

fn line(quantity: u16, seats: &[u32]) -> Line {
    let seats = seats.iter().copied().map(SeatIndex).collect();
    Line { ticket_type: TYPE, terms: TermsId(3), quantity, price_minor: 4_950, seats }
}

fn placed(channel: Option<ChannelId>, lines: Vec<Line>) -> EventBody {
    EventBody::HoldPlaced(HoldPlaced {
        subjects: Subjects { primary: Subject(9), extra: vec![Subject(10)] },
        deadline_at: at(600_000),
        life_ends_at: at(1_800_000),
        channel,
        origin: Origin::Direct,
        lines,
        quote: None,
        entry: None,
    })
}

/// Of money that went back, or came late.
fn money_events() -> Vec<(EventBody, &'static str, &'static str)> {
    let order = ClaimNumber(7);
    let refunded = |units| EventBody::TicketsRefunded {
        order,
        tickets: vec![0, 2],
        units,
        amount_minor: Some(700),
        reason: RefundReason::Goodwill,
    };
    let EventBody::HoldPlaced(hold) = placed(None, vec![line(2, &[40, 41])]) else { panic!("it is a hold") };
    let late = SoldLate { order, hold, payment: Payment::Captured { reference: 8 }, attempt: 1 };
    let disputed = |dispute, revoked| EventBody::OrderDisputed { order, dispute, revoked };
    vec![
        (refunded(RefundedUnits::Restock), "refund_tickets", "order=7 tickets=0,2 units=restock"),
        (refunded(RefundedUnits::Kill), "refund_tickets", "order=7 tickets=0,2 units=kill"),
        (
            EventBody::SoldLate(Box::new(late)),
            "sell_late",
            "order=7 payment=captured deadline_at=1790000600000 life_ends_at=1790001800000 units=2 seats=40,41",
        ),
        (disputed(Dispute::Open, vec![]), "dispute", "order=7 dispute=open revoked="),
        (disputed(Dispute::Won, vec![]), "dispute", "order=7 dispute=won revoked="),
        (disputed(Dispute::Lost, vec![0, 2]), "dispute", "order=7 dispute=lost revoked=0,2"),
    ]
}

fn events() -> Vec<(EventBody, &'static str, &'static str)> {
    let (hold, order) = (ClaimNumber(6), ClaimNumber(7));
    let life = "deadline_at=1790000600000 life_ends_at=1790001800000";
    let times = |rest: &str| -> &'static str { Box::leak(format!("{life}{rest}").into_boxed_str()) };
    let pool = Units::Pool { pool: PoolId(4), quantity: 30 };
    let seats = || Units::Seats(vec![SeatIndex(1), SeatIndex(2)]);
    let paid = |payment| EventBody::Confirmed { order, payment, attempt: None };
    let mut events = vec![
        (EventBody::Configured { version: 3, config: config() }, "configure", "version=3"),
        (placed(None, vec![line(2, &[])]), "place_hold", times(" units=2")),
        (
            placed(Some(ChannelId(1)), vec![line(2, &[40, 41]), line(1, &[])]),
            "place_hold",
            times(" channel=1 units=2 seats=40,41 units=1"),
        ),
        (
            EventBody::HoldRenewed { hold, deadline_at: at(9) },
            "renew_hold",
            "hold=6 deadline_at=1790000000009",
        ),
        (EventBody::HoldReleased { hold }, "release_hold", "hold=6"),
        (
            EventBody::Expired { through: (at(5), hold), count: 4 },
            "expire",
            "deadline_at=1790000000005 hold=6 count=4",
        ),
        (
            EventBody::PaymentBegun {
                order,
                grace_until: at(7),
                attempt: 2,
                extra_subjects: vec![Subject(1)],
                charge: None,
            },
            "begin_payment",
            "order=7 grace_until=1790000000007 attempt=2",
        ),
        (EventBody::PaymentFailed { order, attempt: None }, "fail_payment", "order=7"),
        (paid(Payment::Free), "confirm", "order=7 payment=free"),
        (paid(Payment::Offline), "confirm", "order=7 payment=offline"),
        (paid(Payment::Captured { reference: 8 }), "confirm", "order=7 payment=captured"),
        (EventBody::UnitsKilled(pool), "kill", "pool=4 units=30"),
        (EventBody::UnitsRestored(seats()), "restore", "seats=2"),
        (EventBody::ChannelReleased { channel: ChannelId(1) }, "release_channel", "channel=1"),
        (EventBody::SaleWindowChanged { ticket_type: TYPE, open: true }, "move_sale_window", "open=true"),
        (
            EventBody::TicketTransferred { ticket: TICKET, to: Subject(4), generation: 3, from: None },
            "transfer_ticket",
            "order=7 ticket=1",
        ),
    ];
    let phases = [
        (Phase::Draft, "to=draft"),
        (Phase::Scheduled, "to=scheduled"),
        (Phase::Presale, "to=presale"),
        (Phase::OnSale, "to=on_sale"),
        (Phase::Paused, "to=paused"),
        (Phase::Closed, "to=closed"),
        (Phase::Cancelled, "to=cancelled"),
    ];
    events.extend(of_entry());
    events.extend(money_events());
    events.extend(of_waitlist());
    events.extend(phases.map(|(to, text)| (EventBody::PhaseChanged { to }, "change_phase", text)));
    events
}

fn of_entry() -> Vec<(EventBody, &'static str, &'static str)> {
    vec![
        (EventBody::CheckedIn { ticket: TICKET, gate: 3, list: None }, "check_in", "order=7 ticket=1 gate=3"),
        (EventBody::TicketReissued { ticket: TICKET, generation: 2 }, "reissue_ticket", "order=7 ticket=1"),
        (
            EventBody::ScansRecorded(ScansRecorded { device: 9, scans: vec![], conflicts: vec![] }),
            "record_scans",
            "device=9 scans=0 conflicts=0",
        ),
        (
            EventBody::CheckedOut { ticket: TICKET, gate: 3, list: Some(1), stamped: true },
            "check_out",
            "order=7 ticket=1 gate=3",
        ),
    ]
}

fn of_waitlist() -> Vec<(EventBody, &'static str, &'static str)> {
    let entry = EntryNumber(5);
    let choice = |quantity| Choice { ticket_type: TYPE, quantity, manner: Manner::Standing };
    let joined = WaitlistJoined {
        subjects: Subjects { primary: Subject(9), extra: vec![Subject(10)] },
        choices: vec![choice(2), choice(3)],
        price_max_minor: Some(4_950),
        priority: 7,
    };
    let EventBody::HoldPlaced(hold) = placed(None, vec![line(2, &[])]) else { unreachable!("it is a hold") };
    let offer = HoldPlaced { entry: Some(entry), origin: Origin::Offer, ..hold };
    let left = |reason| EventBody::WaitlistLeft { entry, reason };
    vec![
        (EventBody::WaitlistJoined(Box::new(joined)), "join_waitlist", "units=2,3 priority=7"),
        (
            EventBody::HoldPlaced(offer),
            "place_hold",
            "deadline_at=1790000600000 life_ends_at=1790001800000 entry=5 units=2",
        ),
        (left(LeftReason::Left), "leave_waitlist", "entry=5 reason=left"),
        (left(LeftReason::Limit), "leave_waitlist", "entry=5 reason=limit"),
        (left(LeftReason::Price), "leave_waitlist", "entry=5 reason=price"),
        (left(LeftReason::Closed), "leave_waitlist", "entry=5 reason=closed"),
        (left(LeftReason::TypeGone), "leave_waitlist", "entry=5 reason=type_gone"),
        (EventBody::WaitlistPatienceEnded { ticket_type: TYPE }, "end_patience", ""),
    ]
}

#[test]
fn what_was_accepted_is_told_in_the_words_that_were_signed() {
    let mut detail = "what was there before".to_owned();
    let mut kinds: Vec<Kind> = Vec::new();
    for (body, kind, text) in events() {
        let leaf = accepted(EVENT, Sequence(5), &Event { at: at(0), key: None, body }, &mut detail);
        assert_eq!((leaf.kind.text(), detail.as_str()), (kind, text));
        assert_eq!((leaf.detail, leaf.outcome), (hash_of(text.as_bytes()), Outcome::Accepted));
        kinds.push(leaf.kind);
    }
    assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)), "every kind has an entry");
}

/// A whole leaf, as an outsider hashes it.
#[test]
fn the_leaf_of_a_hold_is_that_which_was_signed() {
    let key = Some(KeyMark { digest: 0xd1, fingerprint: 0xf1 });
    let hold = Event { at: at(0), key, body: placed(None, vec![line(2, &[])]) };
    let leaf = accepted(EVENT, Sequence(5), &hold, &mut String::new());
    assert_eq!(to_hex(&leaf.hash()), GOLDEN_HASH);
}

const STATES: [(ClaimState, &str); 6] = [
    (ClaimState::Held, "state=held"),
    (ClaimState::PaymentInFlight, "state=payment_in_flight"),
    (ClaimState::Paid, "state=paid"),
    (ClaimState::Refunded, "state=refunded"),
    (ClaimState::RefundDue, "state=refund_due"),
    (ClaimState::Ended, "state=ended"),
];

fn rejections() -> Vec<(Rejection, &'static str, &'static str)> {
    let stranded = SeatIndex(12);
    let sold_out = |pool| Rejection::SoldOut { line: 0, pool, remaining: 2, may_return: true };
    let wrong_phase = Rejection::WrongPhase {
        phase: Phase::Paused,
        command: PhaseCommand::PlaceHold,
        opens_at: Some(at(1)),
    };
    let mut rejections = vec![
        (sold_out(Some(PoolId(4))), "sold_out", "line=0 pool=4 remaining=2 may_return=true"),
        (sold_out(None), "sold_out", "line=0 remaining=2 may_return=true"),
        (Rejection::SeatsTaken { seats: vec![SeatIndex(3), SeatIndex(5)] }, "seats_taken", "seats=3,5"),
        (Rejection::WaitlistAhead { ticket_type: TYPE }, "waitlist_ahead", ""),
        (
            Rejection::LimitExceeded { ticket_type: Some(TYPE), limit: 8, used: 7 },
            "limit_exceeded",
            "limit=8",
        ),
        (Rejection::OrderSize { ticket_type: TYPE, min: 1, max: 8 }, "order_size", "min=1 max=8"),
        (Rejection::NotOnSale { ticket_type: TYPE, opens_at: Some(at(1)) }, "not_on_sale", ""),
        (Rejection::AccessCodeRequired, "access_code_required", ""),
        (Rejection::PriceChanged { ticket_type: TYPE, price_minor: 5 }, "price_changed", ""),
        (Rejection::TotalChanged { total_minor: 5 }, "total_changed", ""),
        (Rejection::PromotionUnknown, "promotion_unknown", ""),
        (Rejection::PromotionClosed { opens_at: None }, "promotion_closed", ""),
        (
            Rejection::PromotionExhausted { uses_left: Some(0), amount_left_minor: None },
            "promotion_exhausted",
            "",
        ),
        (Rejection::AddOnAlone { ticket_type: TYPE }, "add_on_alone", ""),
        (Rejection::WrongKind, "wrong_kind", ""),
        (Rejection::AmountExceeded { refundable_minor: 7 }, "amount_exceeded", ""),
        (Rejection::InDispute, "in_dispute", ""),
        (Rejection::HoldExpired { hold: ClaimNumber(6) }, "hold_expired", ""),
        (Rejection::HoldNotFound, "hold_not_found", ""),
        (Rejection::OrderNotFound, "order_not_found", ""),
        (Rejection::TicketNotFound, "ticket_not_found", ""),
        (Rejection::RenewalsExhausted, "renewals_exhausted", ""),
        (Rejection::PaymentAttemptsExhausted, "payment_attempts_exhausted", ""),
        (Rejection::PaymentRequired { total_minor: 9 }, "payment_required", ""),
        (Rejection::StrandsSeat { stranded, alternatives: vec![] }, "strands_seat", "stranded=12"),
        (wrong_phase, "wrong_phase", "phase=paused"),
        (Rejection::StaleVersion { current: 4 }, "stale_version", "current=4"),
        (Rejection::NothingToRestore { killed: 1 }, "nothing_to_restore", "killed=1"),
        (Rejection::AlreadyWaiting { entry: EntryNumber(5) }, "already_waiting", ""),
        (Rejection::WaitlistClosed, "waitlist_closed", ""),
        (Rejection::WaitlistFull { entries_max: 9 }, "waitlist_full", "entries_max=9"),
        (Rejection::EntryNotFound, "entry_not_found", ""),
        (Rejection::AvailableNow { ticket_type: TYPE }, "available_now", ""),
        (Rejection::AlreadyCheckedIn { at: at(0), gate: 1, device: 2 }, "already_checked_in", ""),
        (Rejection::NotAdmittedHere { gates: vec![2], opens_at: None }, "not_admitted_here", ""),
        (Rejection::NoReEntry { at: at(0), gate: 1 }, "no_re_entry", ""),
        (Rejection::ScanNumbers { next: 4 }, "scan_numbers", ""),
        (Rejection::NotCheckedIn, "not_checked_in", ""),
        (Rejection::CodeRevoked { generation: 2 }, "code_revoked", ""),
        (Rejection::TicketRefunded, "ticket_refunded", ""),
        (Rejection::TransfersExhausted, "transfers_exhausted", ""),
        (Rejection::KeyReused, "key_reused", ""),
        (Rejection::KeyExpired, "key_expired", ""),
        (Rejection::Forbidden, "forbidden", ""),
    ];
    rejections.extend(STATES.map(|(state, text)| (Rejection::WrongState { state }, "wrong_state", text)));
    rejections
}

#[test]
fn what_was_refused_is_told_in_the_words_that_were_signed() {
    for (rejection, code, text) in rejections() {
        let each = Refused {
            place: RefusalPlace { epoch: Epoch(2), number: 4 },
            sequence: Sequence(5),
            at: at(0),
            command: Some(PhaseCommand::PlaceHold),
            key: None,
            rejection,
        };
        let (leaf, detail) = refused(EVENT, &each);
        let outcome = Outcome::Refused { epoch: 2, number: 4, code: code.to_owned() };
        assert_eq!((leaf.outcome, detail.as_str(), leaf.detail), (outcome, text, hash_of(text.as_bytes())));
    }
}
