//! Commands, refusals and claims of every kind.

use std::num::NonZeroU16;
use std::sync::Arc;

use tessera_inventory::*;

use super::examples::every;
use crate::wire::words::Word;

const CLAIM: ClaimNumber = ClaimNumber(4_711);
const TICKET: TicketRef = TicketRef { order: CLAIM, index: 3 };
const TYPE: TicketTypeId = TicketTypeId(u16::MAX);
const AT: Timestamp = Timestamp(1_790_000_000_123);

fn subject() -> Subject {
    Subject(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)
}

fn seats() -> Vec<SeatIndex> {
    vec![SeatIndex(20_001), SeatIndex(20_000), SeatIndex(u32::MAX)]
}

fn elsewhere() -> Rejection {
    Rejection::NotAdmittedHere { gates: vec![1, u16::MAX], opens_at: Some(AT) }
}

fn scans() -> Vec<Scan> {
    let inside = Scan {
        number: 41,
        at: AT,
        gate: u16::MAX,
        ticket: TICKET,
        generation: 255,
        inward: true,
        admitted: true,
        list: None,
    };
    vec![inside, Scan { number: u64::MAX, inward: false, admitted: false, ..inside }]
}

fn config() -> Config {
    Config {
        pools: vec![Pool { name: "Parterre".into(), capacity: 5_000 }],
        ticket_types: vec![TicketType {
            name: "Stehplatz Ä".into(),
            price_minor: 4_950,
            window: SaleWindow { opens_at: Some(AT), closes_at: None },
            per_order_min: 1,
            per_order_max: 8,
            per_subject_max: Some(8),
            access_code: Some(AccessCode(u128::MAX)),
            category: None,
            draws_on: vec![PoolId(0)],
            kind: TicketKind::Admission,
        }],
        units_per_subject_max: Some(10),
        ..Config::empty()
    }
}

fn place(lines: Vec<LineRequest>) -> PlaceHold {
    PlaceHold {
        subjects: Subjects { primary: subject(), extra: Vec::new() },
        lines,
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    }
}

fn line(want: Want) -> LineRequest {
    LineRequest { ticket_type: Some(TYPE), expected_price_minor: None, want }
}

fn wishful() -> PlaceHold {
    let wishes = Wishes {
        section: Some(SectionId(300)),
        price_minor_max: Some(-1),
        accessible: 255,
        accept_split: true,
    };
    let together = Want::Together { quantity: 20, wishes };
    let anywhere = Want::Together { quantity: 2, wishes: Wishes::default() };
    let best = LineRequest { ticket_type: None, expected_price_minor: Some(i64::MIN), want: together };
    PlaceHold {
        subjects: Subjects { primary: Subject(0), extra: vec![Subject(1), subject()] },
        access_code: Some(AccessCode(77)),
        channel: Some(ChannelId(0)),
        duration_ms: Some(0),
        ..place(vec![best, line(anywhere), line(Want::Quantity(0))])
    }
}

fn promoted() -> PlaceHold {
    let promotion = Some(PromotionClaim { code: AccessCode(1 << 100), serial: Some(0) });
    PlaceHold { promotion, expected_total_minor: Some(-4_950), ..place(vec![line(Want::Quantity(2))]) }
}

fn waiting() -> JoinWaitlist {
    let standing = Choice { ticket_type: TYPE, quantity: 2, manner: Manner::Standing };
    let seated = Choice { ticket_type: TicketTypeId(0), quantity: 3, manner: Manner::Accessible(1) };
    JoinWaitlist {
        subjects: Subjects { primary: subject(), extra: vec![Subject(1)] },
        choices: vec![seated, standing],
        price_max_minor: Some(4_950),
        priority: Some(0),
    }
}

/// A command of every kind.
pub(super) fn commands() -> Vec<(&'static str, CommandBody)> {
    let gate = 7;
    let mut commands = every!(CommandBody {
        CommandBody::Configure { .. } => "configure":
            CommandBody::Configure { expected_version: 1, config: Arc::new(config()) },
        CommandBody::ChangePhase { .. } => "change_phase": CommandBody::ChangePhase { to: Phase::Draft },
        CommandBody::PlaceHold(_) => "place_hold": CommandBody::PlaceHold(place(vec![line(Want::Quantity(2))])),
        CommandBody::RenewHold { .. } => "renew_hold": CommandBody::RenewHold { hold: CLAIM },
        CommandBody::ReleaseHold { .. } => "release_hold": CommandBody::ReleaseHold { hold: ClaimNumber(0) },
        CommandBody::BeginPayment { .. } => "begin_payment":
            CommandBody::BeginPayment { hold: CLAIM, provider: None, extra_subjects: vec![Subject(u128::MAX), subject()] },
        CommandBody::PaymentFailed { .. } => "payment_failed": CommandBody::PaymentFailed { order: CLAIM, attempt: None },
        CommandBody::Confirm { .. } => "confirm": CommandBody::Confirm { order: CLAIM, payment: Payment::Free, attempt: None },
        CommandBody::RefundTickets { .. } => "refund_tickets": CommandBody::RefundTickets {
            order: CLAIM, tickets: vec![0, 2, u16::MAX], units: RefundedUnits::Kill, amount: RefundAmount::Full,
            reason: RefundReason::Organizer,
        },
        CommandBody::Kill(_) => "kill": CommandBody::Kill(Units::Pool { pool: PoolId(0), quantity: 0 }),
        CommandBody::Restore(_) => "restore": CommandBody::Restore(Units::Seats(seats())),
        CommandBody::ReleaseChannel { .. } => "release_channel":
            CommandBody::ReleaseChannel { channel: ChannelId(255) },
        CommandBody::TransferTicket { .. } => "transfer_ticket":
            CommandBody::TransferTicket { ticket: TICKET, to: subject() },
        CommandBody::CheckIn { .. } => "check_in": CommandBody::CheckIn { ticket: TICKET, generation: 2, gate },
        CommandBody::CheckOut { .. } => "check_out": CommandBody::CheckOut { ticket: TICKET, generation: 0, gate },
        CommandBody::SellLate(_) => "sell_late": CommandBody::SellLate(Box::new(late())),
        CommandBody::SetDispute { .. } => "set_dispute":
            CommandBody::SetDispute { order: CLAIM, dispute: Dispute::Lost },
        CommandBody::ReissueTicket { .. } => "reissue_ticket": CommandBody::ReissueTicket { ticket: TICKET },
        CommandBody::RecordScans { .. } => "record_scans": CommandBody::RecordScans { device: 7, scans: scans() },
        CommandBody::JoinWaitlist(_) => "join_waitlist": CommandBody::JoinWaitlist(waiting()),
        CommandBody::LeaveWaitlist { .. } => "leave_waitlist": CommandBody::LeaveWaitlist { entry: EntryNumber(70) },
    });
    commands.extend(of_payments());
    let (order, units) = (CLAIM, RefundedUnits::Restock);
    let reasons = [RefundReason::Cancelled, RefundReason::Unpaid, RefundReason::Goodwill];
    commands.extend(reasons.map(|reason| {
        let amount = RefundAmount::Minor(-5);
        ("refund_amount", CommandBody::RefundTickets { order, tickets: Vec::new(), amount, reason, units })
    }));
    commands.extend(
        Dispute::ALL.iter().map(|&dispute| ("dispute", CommandBody::SetDispute { order: CLAIM, dispute })),
    );
    commands.push(("place_by_wish", CommandBody::PlaceHold(wishful())));
    commands.push(("place_seats", CommandBody::PlaceHold(place(vec![line(Want::Seats(seats()))]))));
    commands.push(("place_with_promotion", CommandBody::PlaceHold(promoted())));
    commands.push(("place_nothing", CommandBody::PlaceHold(place(Vec::new()))));
    commands.push(("kill_no_seats", CommandBody::Kill(Units::Seats(Vec::new()))));
    commands.extend(Phase::ALL.iter().map(|&to| ("change_phase_to", CommandBody::ChangePhase { to })));
    commands
}

fn of_payments() -> Vec<(&'static str, CommandBody)> {
    let payments = every!(Payment {
        Payment::Free => "confirm_free": Payment::Free,
        Payment::Offline => "confirm_offline": Payment::Offline,
        Payment::Captured { .. } => "confirm_captured": Payment::Captured { reference: u128::MAX - 2 },
    });
    let confirm = |(name, payment)| (name, CommandBody::Confirm { order: CLAIM, payment, attempt: None });
    let mut commands: Vec<(&str, CommandBody)> = payments.into_iter().map(confirm).collect();
    let provider = NonZeroU16::new(300).map(ProviderId);
    let attempt = Some(3);
    commands.extend([
        (
            "begin_payment_by_provider",
            CommandBody::BeginPayment { hold: CLAIM, provider, extra_subjects: Vec::new() },
        ),
        ("payment_failed_of_attempt", CommandBody::PaymentFailed { order: CLAIM, attempt }),
        (
            "confirm_attempt",
            CommandBody::Confirm { order: CLAIM, payment: Payment::Captured { reference: 1 }, attempt },
        ),
    ]);
    commands
}

fn wrong_phase() -> Rejection {
    Rejection::WrongPhase { phase: Phase::Scheduled, command: PhaseCommand::PlaceHold, opens_at: Some(AT) }
}

fn invalid_config() -> Rejection {
    let path = "ticket_types[2].draws_on[0]".into();
    Rejection::InvalidConfig(ConfigError { path, problem: "names no pool: ä".into() })
}

fn in_other_words() -> Vec<(&'static str, Rejection)> {
    let mut rejections = Vec::new();
    let seats_gone = Rejection::SoldOut { line: 0, pool: None, remaining: 0, may_return: false };
    rejections.push(("sold_out_seats", seats_gone));
    rejections.push(("limit_of_event", Rejection::LimitExceeded { ticket_type: None, limit: 0, used: 0 }));
    rejections.push(("never_on_sale", Rejection::NotOnSale { ticket_type: TicketTypeId(0), opens_at: None }));
    let states = ClaimState::ALL.iter().map(|&state| ("state", Rejection::WrongState { state }));
    rejections.extend(states);
    let requests = RequestError::ALL.iter().map(|&error| ("request", Rejection::InvalidRequest(error)));
    rejections.extend(requests);
    rejections.extend(
        PhaseCommand::ALL.iter().map(|&command| {
            ("phase", Rejection::WrongPhase { phase: Phase::Draft, command, opens_at: None })
        }),
    );
    rejections
}

/// A refusal of every kind.
pub(super) fn rejections() -> Vec<(&'static str, Rejection)> {
    let mut rejections = every!(Rejection {
        Rejection::SoldOut { .. } => "sold_out":
            Rejection::SoldOut { line: 1, pool: Some(PoolId(0)), remaining: 3, may_return: true },
        Rejection::SeatsTaken { .. } => "seats_taken": Rejection::SeatsTaken { seats: seats() },
        Rejection::WaitlistAhead { .. } => "waitlist_ahead": Rejection::WaitlistAhead { ticket_type: TYPE },
        Rejection::LimitExceeded { .. } => "limit_exceeded":
            Rejection::LimitExceeded { ticket_type: Some(TicketTypeId(0)), limit: 8, used: 7 },
        Rejection::OrderSize { .. } => "order_size": Rejection::OrderSize { ticket_type: TYPE, min: 1, max: 8 },
        Rejection::NotOnSale { .. } => "not_on_sale":
            Rejection::NotOnSale { ticket_type: TYPE, opens_at: Some(AT) },
        Rejection::AccessCodeRequired => "access_code_required": Rejection::AccessCodeRequired,
        Rejection::PriceChanged { .. } => "price_changed":
            Rejection::PriceChanged { ticket_type: TYPE, price_minor: i64::MIN },
        Rejection::HoldExpired { .. } => "hold_expired": Rejection::HoldExpired { hold: CLAIM },
        Rejection::HoldNotFound => "hold_not_found": Rejection::HoldNotFound,
        Rejection::OrderNotFound => "order_not_found": Rejection::OrderNotFound,
        Rejection::TicketNotFound => "ticket_not_found": Rejection::TicketNotFound,
        Rejection::WrongState { .. } => "wrong_state": Rejection::WrongState { state: ClaimState::Ended },
        Rejection::RenewalsExhausted => "renewals_exhausted": Rejection::RenewalsExhausted,
        Rejection::PaymentAttemptsExhausted => "attempts_exhausted": Rejection::PaymentAttemptsExhausted,
        Rejection::PaymentRequired { .. } => "payment_required": Rejection::PaymentRequired { total_minor: 9_900 },
        Rejection::StrandsSeat { .. } => "strands_seat": Rejection::StrandsSeat {
            stranded: SeatIndex(9), alternatives: vec![seats(), Vec::new()],
        },
        Rejection::WrongPhase { .. } => "wrong_phase": wrong_phase(),
        Rejection::StaleVersion { .. } => "stale_version": Rejection::StaleVersion { current: 0 },
        Rejection::InvalidConfig(_) => "invalid_config": invalid_config(),
        Rejection::InvalidRequest(_) => "invalid_request": Rejection::InvalidRequest(RequestError::NoLines),
        Rejection::NothingToRestore { .. } => "nothing_to_restore": Rejection::NothingToRestore { killed: 5 },
        Rejection::AlreadyCheckedIn { .. } => "already_checked_in":
            Rejection::AlreadyCheckedIn { at: AT, gate: u16::MAX, device: 0 },
        Rejection::NotCheckedIn => "not_checked_in": Rejection::NotCheckedIn,
        Rejection::CodeRevoked { .. } => "code_revoked": Rejection::CodeRevoked { generation: 255 },
        Rejection::TicketRefunded => "ticket_refunded": Rejection::TicketRefunded,
        Rejection::TransfersExhausted => "transfers_exhausted": Rejection::TransfersExhausted,
        Rejection::KeyReused => "key_reused": Rejection::KeyReused,
        Rejection::KeyExpired => "key_expired": Rejection::KeyExpired,
        Rejection::Forbidden => "forbidden": Rejection::Forbidden,
        Rejection::TotalChanged { .. } => "total_changed": Rejection::TotalChanged { total_minor: 4_950 },
        Rejection::PromotionUnknown => "promotion_unknown": Rejection::PromotionUnknown,
        Rejection::PromotionClosed { .. } => "promotion_closed":
            Rejection::PromotionClosed { opens_at: Some(Timestamp(0)) },
        Rejection::PromotionExhausted { .. } => "promotion_exhausted":
            Rejection::PromotionExhausted { uses_left: Some(0), amount_left_minor: Some(-1) },
        Rejection::AddOnAlone { .. } => "add_on_alone": Rejection::AddOnAlone { ticket_type: TYPE },
        Rejection::WrongKind => "wrong_kind": Rejection::WrongKind,
        Rejection::AmountExceeded { .. } => "amount_exceeded": Rejection::AmountExceeded { refundable_minor: -1 },
        Rejection::InDispute => "in_dispute": Rejection::InDispute,
        Rejection::AlreadyWaiting { .. } => "already_waiting": Rejection::AlreadyWaiting { entry: EntryNumber(70) },
        Rejection::WaitlistClosed => "waitlist_closed": Rejection::WaitlistClosed,
        Rejection::WaitlistFull { .. } => "waitlist_full": Rejection::WaitlistFull { entries_max: 100_000 },
        Rejection::EntryNotFound => "entry_not_found": Rejection::EntryNotFound,
        Rejection::AvailableNow { .. } => "available_now": Rejection::AvailableNow { ticket_type: TYPE },
        Rejection::NotAdmittedHere { .. } => "not_admitted_here": elsewhere(),
        Rejection::NoReEntry { .. } => "no_re_entry": Rejection::NoReEntry { at: AT, gate: 3 },
        Rejection::ScanNumbers { .. } => "scan_numbers": Rejection::ScanNumbers { next: 42 },
    });
    rejections.extend(in_other_words());
    rejections
}

fn late() -> SellLate {
    let hold = HoldPlaced {
        subjects: Subjects { primary: subject(), extra: vec![Subject(1)] },
        deadline_at: AT,
        life_ends_at: AT,
        channel: Some(ChannelId(7)),
        origin: Origin::Direct,
        lines: claim().lines,
        quote: None,
        entry: None,
    };
    SellLate { order: CLAIM, hold, payment: Payment::Captured { reference: u128::MAX - 2 }, attempt: 3 }
}

/// An order with tickets in every state.
pub(super) fn claim() -> ClaimView {
    let line = |seats: Vec<SeatIndex>| Line {
        ticket_type: TYPE,
        terms: TermsId(5),
        quantity: 3,
        price_minor: -4_950,
        seats,
    };
    let ticket = TicketView {
        line: 0,
        seat: Some(SeatIndex(0)),
        holder: subject(),
        generation: 1,
        refunded: true,
        checked_in: Some((AT, 0)),
    };
    let standing = TicketView { line: 1, seat: None, refunded: false, checked_in: None, ..ticket };
    ClaimView {
        number: CLAIM,
        state: ClaimState::Paid,
        subject: subject(),
        deadline_at: Some(Timestamp(0)),
        origin: None,
        renewals: 2,
        attempts: 3,
        lines: vec![line(seats()), line(Vec::new())],
        payment: Some(PaymentKind::Captured),
        tickets: vec![ticket, standing],
        quoted_minor: None,
        refunded_minor: 0,
        in_dispute: false,
    }
}

pub(super) fn event() -> Event {
    let key = KeyMark { digest: 5, fingerprint: 6 };
    Event { at: AT, key: Some(key), body: EventBody::HoldReleased { hold: CLAIM } }
}

/// Events that need most: the records' own tests have all of them.
pub(super) fn events() -> Vec<(&'static str, Event)> {
    let placed = HoldPlaced {
        subjects: Subjects { primary: subject(), extra: vec![Subject(1)] },
        deadline_at: Timestamp(AT.0 + 600_000),
        life_ends_at: Timestamp(AT.0 + 1_800_000),
        channel: Some(ChannelId(7)),
        origin: Origin::Direct,
        lines: claim().lines,
        quote: None,
        entry: None,
    };
    let configured = EventBody::Configured { version: 2, config: Arc::new(config()) };
    vec![
        ("event_of_time", Event { key: None, ..event() }),
        ("event_hold_placed", Event { body: EventBody::HoldPlaced(placed), ..event() }),
        ("event_configured", Event { body: configured, ..event() }),
    ]
}
