//! One event of each kind, and each of its variants that has bytes of its own.

use std::num::NonZeroU16;
use std::sync::Arc;

use tessera_inventory::*;

use crate::tariffs;

const AT: u64 = 1_790_000_000_000;
const CLAIM: ClaimNumber = ClaimNumber(4_711);
const ENTRY: EntryNumber = EntryNumber(4_000);
const TICKET: TicketRef = TicketRef { order: CLAIM, index: 3 };
const SUBJECT: Subject = Subject(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);

pub(crate) fn event(body: EventBody) -> Event {
    let key =
        KeyMark { digest: 0xfedc_ba98_7654_3210_0123_4567_89ab_cdef, fingerprint: 0x0102_0304_0506_0708 };
    Event { at: Timestamp(AT), key: Some(key), body }
}

fn of_time(body: EventBody) -> Event {
    Event { at: Timestamp(AT), key: None, body }
}

pub(crate) fn hold(lines: Vec<Line>) -> HoldPlaced {
    HoldPlaced {
        subjects: Subjects { primary: SUBJECT, extra: Vec::new() },
        deadline_at: Timestamp(AT + 600_000),
        life_ends_at: Timestamp(AT + 1_800_000),
        channel: None,
        origin: Origin::Direct,
        lines,
        quote: None,
        entry: None,
    }
}

pub(crate) fn standing_line() -> Line {
    Line {
        ticket_type: TicketTypeId(2),
        terms: TermsId(5),
        quantity: 1,
        price_minor: 4_950,
        seats: Vec::new(),
    }
}

fn offer() -> HoldPlaced {
    let seats = vec![SeatIndex(20_001), SeatIndex(20_002), SeatIndex(20_005)];
    let seated = Line { ticket_type: TicketTypeId(300), quantity: 3, seats, ..standing_line() };
    HoldPlaced {
        subjects: Subjects { primary: SUBJECT, extra: vec![Subject(1), Subject(u128::MAX)] },
        channel: Some(ChannelId(7)),
        origin: Origin::Offer,
        ..hold(vec![seated, standing_line()])
    }
}

pub(crate) fn config() -> Config {
    let seat = |label: &[u8], x_mm| Seat {
        label: std::array::from_fn(|at| label.get(at).copied().unwrap_or(0)),
        category: CategoryId(1),
        channel: None,
        position: Point { x_mm, y_mm: -12_000 },
        accessible: false,
        companion: false,
        restricted_view: false,
    };
    let row = |label: &str, blocks: Vec<Box<[Seat]>>| Row {
        section: SectionId(0),
        label: label.into(),
        blocks: blocks.into(),
    };
    let wheelchair = Seat { accessible: true, channel: Some(ChannelId(0)), ..seat(b"1W", -900) };
    let companion = Seat { companion: true, restricted_view: true, ..seat(b"2", -400) };
    let other = Seat { category: CategoryId(0), ..seat(b"3", 5_000) };
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "Parterre".into(), capacity: 5_000 }],
        categories: ["Nah", "Fern"]
            .map(|name| Category { name: name.into(), focal_point: Point { x_mm: 0, y_mm: -1_000 } })
            .into(),
        sections: vec!["Block Ä".into()],
        rows: Arc::new([
            row("A", vec![Box::new([wheelchair, companion]), Box::new([other])]),
            row("", Vec::new()),
        ]),
        channels: vec![Channel {
            name: "Sponsor".into(),
            code: AccessCode(17),
            allotments: vec![(PoolId(0), 250)],
            release_at: Some(Timestamp(AT + 5)),
        }],
        ticket_types: vec![standing_type(), seated_type()],
        units_per_subject_max: Some(8),
        hold: HoldPolicy::default(),
        seating: SeatingPolicy { stranding_allowed: false, companions_max: 1, accessible_released: false },
        schedule: Schedule {
            presale_at: None,
            on_sale_at: Some(Timestamp(AT + 10)),
            closes_at: Some(Timestamp(AT + 20)),
        },
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}

fn standing_type() -> TicketType {
    TicketType {
        name: "Stehplatz".into(),
        price_minor: 4_950,
        window: SaleWindow::default(),
        per_order_min: 1,
        per_order_max: 6,
        per_subject_max: None,
        access_code: None,
        category: None,
        draws_on: vec![PoolId(0)],
        kind: TicketKind::Admission,
    }
}

fn seated_type() -> TicketType {
    TicketType {
        name: "Sitzplatz".into(),
        window: SaleWindow { opens_at: Some(Timestamp(AT)), closes_at: Some(Timestamp(AT + 9)) },
        per_subject_max: Some(4),
        access_code: Some(AccessCode(u128::MAX / 3)),
        category: Some(CategoryId(1)),
        draws_on: Vec::new(),
        ..standing_type()
    }
}

/// What format 2 says beyond format 1, by the names of the golden files.
pub(crate) fn of_format_2() -> Vec<(&'static str, Event)> {
    let provider = ProviderId(NonZeroU16::new(300).unwrap());
    let begun = EventBody::PaymentBegun {
        order: CLAIM,
        grace_until: Timestamp(AT + 900_000),
        attempt: 2,
        extra_subjects: vec![Subject(2)],
        charge: Some(Charge { provider, amount_minor: 123_456_789 }),
    };
    let payment = Payment::Captured { reference: 7 };
    vec![
        ("payment_begun_by_a_provider", event(begun)),
        ("payment_failed_of_an_attempt", event(EventBody::PaymentFailed { order: CLAIM, attempt: Some(1) })),
        ("confirmed_by_an_attempt", event(EventBody::Confirmed { order: CLAIM, payment, attempt: Some(3) })),
        ("hold_placed_with_a_quote", event(EventBody::HoldPlaced(quoted_hold()))),
        ("configured_with_a_tariff", event(EventBody::Configured { version: 1, config: Arc::new(priced()) })),
        ("tickets_refunded_by_amount", event(refunded(vec![1], Some(-1), RefundReason::Organizer))),
        ("tickets_refunded_for_goodwill", event(refunded(Vec::new(), Some(500), RefundReason::Goodwill))),
        ("tickets_refunded_unpaid", event(refunded(vec![0, 300], Some(0), RefundReason::Unpaid))),
        ("tickets_refunded_cancelled", event(refunded(vec![0], None, RefundReason::Cancelled))),
        ("sold_late", event(EventBody::SoldLate(Box::new(late(payment))))),
        ("order_disputed", event(disputed(Dispute::Open, Vec::new()))),
        ("order_disputed_won", event(disputed(Dispute::Won, Vec::new()))),
        ("order_disputed_lost", event(disputed(Dispute::Lost, vec![0, 300]))),
        ("configured_with_a_waitlist", configured_with_a_waitlist()),
        (
            "hold_placed_for_an_entry",
            of_time(EventBody::HoldPlaced(HoldPlaced { entry: Some(ENTRY), ..offer() })),
        ),
        ("waitlist_joined", event(EventBody::WaitlistJoined(Box::new(joined())))),
        ("waitlist_left", event(EventBody::WaitlistLeft { entry: ENTRY, reason: LeftReason::Left })),
        (
            "waitlist_left_for_its_price",
            of_time(EventBody::WaitlistLeft { entry: ENTRY, reason: LeftReason::Price }),
        ),
        (
            "waitlist_patience_ended",
            of_time(EventBody::WaitlistPatienceEnded { ticket_type: TicketTypeId(1) }),
        ),
    ]
    .into_iter()
    .chain(crate::entry::of_format_2())
    .collect()
}

fn refunded(tickets: Vec<u16>, amount_minor: Option<i64>, reason: RefundReason) -> EventBody {
    EventBody::TicketsRefunded { order: CLAIM, tickets, units: RefundedUnits::Restock, amount_minor, reason }
}

fn late(payment: Payment) -> SoldLate {
    SoldLate { order: CLAIM, hold: quoted_hold(), payment, attempt: 3 }
}

pub(crate) fn transferred(from: Option<Subject>) -> EventBody {
    EventBody::TicketTransferred { ticket: TICKET, to: SUBJECT, generation: 2, from }
}

fn disputed(dispute: Dispute, revoked: Vec<u16>) -> EventBody {
    EventBody::OrderDisputed { order: CLAIM, dispute, revoked }
}

fn configured_with_a_waitlist() -> Event {
    event(EventBody::Configured { version: 1, config: Arc::new(with_waitlist()) })
}

/// A configuration with a waitlist of its own making.
pub(crate) fn with_waitlist() -> Config {
    let policy = WaitlistPolicy {
        order: WaitlistOrder::Accumulate,
        patience_ms: 3_600_000,
        offer_ms: 900_000,
        types: vec![TicketTypeId(0), TicketTypeId(1)],
        price_may_rise: true,
        per_subject_max: 2,
        ..WaitlistPolicy::default()
    };
    Config { waitlist: Some(Box::new(policy)), ..config() }
}

fn joined() -> WaitlistJoined {
    let standing = Choice { ticket_type: TicketTypeId(0), quantity: 2, manner: Manner::Standing };
    let seated = Choice { ticket_type: TicketTypeId(300), quantity: 3, manner: Manner::Accessible(1) };
    WaitlistJoined {
        subjects: Subjects { primary: SUBJECT, extra: vec![Subject(1)] },
        choices: vec![seated, standing],
        price_max_minor: Some(4_950),
        priority: 128,
    }
}

fn quoted_hold() -> HoldPlaced {
    HoldPlaced { quote: Some(Box::new(tariffs::quoted())), ..hold(vec![standing_line()]) }
}

/// A configuration with a tariff and an add-on.
pub(crate) fn priced() -> Config {
    let mut priced = Config { tariff: Some(Box::new(tariffs::example())), ..config() };
    priced.ticket_types[0].kind = TicketKind::AddOn { with_admission_max: 2 };
    priced
}

/// Names are those of the golden files.
pub(crate) fn all() -> Vec<(&'static str, Event)> {
    let confirmed = |payment| event(EventBody::Confirmed { order: CLAIM, payment, attempt: None });
    let seats = Units::Seats(vec![SeatIndex(0), SeatIndex(99_999)]);
    vec![
        ("configured", event(EventBody::Configured { version: 1, config: Arc::new(config()) })),
        ("phase_changed", event(EventBody::PhaseChanged { to: Phase::OnSale })),
        ("phase_changed_by_time", of_time(EventBody::PhaseChanged { to: Phase::Closed })),
        ("hold_placed", event(EventBody::HoldPlaced(hold(vec![standing_line()])))),
        ("hold_placed_as_offer", event(EventBody::HoldPlaced(offer()))),
        ("hold_renewed", event(EventBody::HoldRenewed { hold: CLAIM, deadline_at: Timestamp(AT + 600_000) })),
        ("hold_released", event(EventBody::HoldReleased { hold: CLAIM })),
        ("expired", of_time(EventBody::Expired { through: (Timestamp(AT - 4), CLAIM), count: 12 })),
        (
            "payment_begun",
            event(EventBody::PaymentBegun {
                order: CLAIM,
                grace_until: Timestamp(AT + 900_000),
                attempt: 1,
                extra_subjects: vec![Subject(2)],
                charge: None,
            }),
        ),
        ("payment_failed", event(EventBody::PaymentFailed { order: CLAIM, attempt: None })),
        ("confirmed_free", confirmed(Payment::Free)),
        ("confirmed_offline", confirmed(Payment::Offline)),
        ("confirmed_captured", confirmed(Payment::Captured { reference: u128::MAX - 9 })),
        (
            "tickets_refunded",
            event(EventBody::TicketsRefunded {
                order: CLAIM,
                tickets: vec![0, 2, 300],
                units: RefundedUnits::Restock,
                amount_minor: None,
                reason: RefundReason::Organizer,
            }),
        ),
        (
            "tickets_refunded_and_killed",
            event(EventBody::TicketsRefunded {
                order: CLAIM,
                tickets: vec![0],
                units: RefundedUnits::Kill,
                amount_minor: None,
                reason: RefundReason::Organizer,
            }),
        ),
        ("units_killed", event(EventBody::UnitsKilled(Units::Pool { pool: PoolId(0), quantity: 40 }))),
        ("seats_killed", event(EventBody::UnitsKilled(seats.clone()))),
        ("units_restored", event(EventBody::UnitsRestored(Units::Pool { pool: PoolId(1), quantity: 1 }))),
        ("seats_restored", event(EventBody::UnitsRestored(seats))),
        ("channel_released", of_time(EventBody::ChannelReleased { channel: ChannelId(0) })),
        (
            "sale_window_changed",
            of_time(EventBody::SaleWindowChanged { ticket_type: TicketTypeId(1), open: true }),
        ),
        ("ticket_transferred", event(transferred(None))),
        ("checked_in", event(EventBody::CheckedIn { ticket: TICKET, gate: 12, list: None })),
        (
            "checked_out",
            event(EventBody::CheckedOut { ticket: TICKET, gate: 12, list: None, stamped: false }),
        ),
    ]
}

/// Each column with words of its own; what they would mean together does not matter to the codec.
pub(crate) fn image() -> Image {
    Image {
        event: EventId(0x0198_0000_0000_7000_8000_0000_0000_0001),
        sequence: Sequence(90_000),
        logged_at: Timestamp(AT),
        digest: Digest(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100),
        phase: Phase::Paused,
        config_version: 2,
        config: Some(Arc::new(config())),
        released_channels: 0b101,
        windows_open: vec![1, 0],
        terms: vec![1 | 7 << 32, 4_950, 1, 3],
        pools: vec![10, 20, 30, 40, 50],
        shares: vec![0, 1, 250],
        seat_states: vec![0b01_10_00_11],
        seats_to_kill: vec![3, 7],
        subjects: vec![u64::MAX, 1],
        subject_units: vec![4],
        claims: vec![88, AT, AT + 1, 0, 1 << 40, 0, 2],
        orders: vec![77, 0, 0, 0, 2],
        tickets: vec![u64::MAX / 5],
        order_extras: vec![0, 1, 0],
        transferred: vec![5, 0],
        checked_in: vec![6, AT],
        keys_settled: vec![9, 10],
        keys_recent: vec![11, 12],
        keys_recent_first: 400,
        keys_page_times: vec![AT],
        keys_horizon: Timestamp(AT - 1),
        expired: vec![60, 1, 2],
        quoted: Vec::new(),
        shares_quoted: Vec::new(),
        refunded_beyond: Vec::new(),
        disputes: Vec::new(),
        passages: Vec::new(),
        devices: Vec::new(),
        waitlist: Vec::new(),
        accumulating: Vec::new(),
    }
}
