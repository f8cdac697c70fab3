//! Arbitrary events: also those that no engine would log.

use std::num::NonZeroU16;

use proptest::{collection::vec, option, prelude::*};
use tessera_inventory::*;

use crate::tariffs;

fn timestamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<u64>(), 1_790_000_000_000..1_790_000_100_000u64].prop_map(Timestamp)
}

fn subject() -> impl Strategy<Value = Subject> {
    any::<u128>().prop_map(Subject)
}

fn claim() -> impl Strategy<Value = ClaimNumber> {
    any::<u64>().prop_map(ClaimNumber)
}

fn ticket() -> impl Strategy<Value = TicketRef> {
    (claim(), any::<u16>()).prop_map(|(order, index)| TicketRef { order, index })
}

fn seats() -> impl Strategy<Value = Vec<SeatIndex>> {
    vec(any::<u32>().prop_map(SeatIndex), 0..5)
}

fn units() -> impl Strategy<Value = Units> {
    prop_oneof![
        (any::<u16>(), any::<u32>())
            .prop_map(|(pool, quantity)| Units::Pool { pool: PoolId(pool), quantity }),
        seats().prop_map(Units::Seats),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    (any::<u16>(), any::<u16>(), any::<u16>(), any::<i64>(), seats()).prop_map(
        |(ticket_type, terms, quantity, price_minor, seats)| Line {
            ticket_type: TicketTypeId(ticket_type),
            terms: TermsId(terms),
            quantity,
            price_minor,
            seats,
        },
    )
}

fn hold_placed() -> impl Strategy<Value = HoldPlaced> {
    let origin = prop_oneof![Just(Origin::Direct), Just(Origin::Offer)];
    let subjects = (subject(), vec(subject(), 0..4));
    let quote =
        (option::of(tariffs::quote().prop_map(Box::new)), option::of(any::<u64>().prop_map(EntryNumber)));
    (subjects, timestamp(), timestamp(), option::of(any::<u8>()), origin, vec(line(), 0..4), quote).prop_map(
        |((primary, extra), deadline_at, life_ends_at, channel, origin, lines, (quote, entry))| HoldPlaced {
            subjects: Subjects { primary, extra },
            deadline_at,
            life_ends_at,
            channel: channel.map(ChannelId),
            origin,
            lines,
            quote,
            entry,
        },
    )
}

fn seat() -> impl Strategy<Value = Seat> {
    let flags = any::<(bool, bool, bool)>();
    (any::<[u8; 8]>(), any::<u16>(), option::of(any::<u8>()), any::<(i32, i32)>(), flags).prop_map(
        |(label, category, channel, (x_mm, y_mm), (accessible, companion, restricted_view))| Seat {
            label,
            category: CategoryId(category),
            channel: channel.map(ChannelId),
            position: Point { x_mm, y_mm },
            accessible,
            companion,
            restricted_view,
        },
    )
}

fn row() -> impl Strategy<Value = Row> {
    let block = vec(seat(), 0..4).prop_map(Vec::into_boxed_slice);
    (any::<u16>(), ".{0,4}", vec(block, 0..3)).prop_map(|(section, label, blocks)| Row {
        section: SectionId(section),
        label: label.into(),
        blocks: blocks.into(),
    })
}

fn channel() -> impl Strategy<Value = Channel> {
    let allotments = vec((any::<u16>().prop_map(PoolId), any::<u32>()), 0..3);
    (".{0,9}", any::<u128>(), allotments, option::of(timestamp())).prop_map(
        |(name, code, allotments, release_at)| Channel {
            name: name.into(),
            code: AccessCode(code),
            allotments,
            release_at,
        },
    )
}

fn ticket_type() -> impl Strategy<Value = TicketType> {
    let window = (option::of(timestamp()), option::of(timestamp()));
    let limits = any::<(u16, u16, Option<u32>)>();
    let kind = prop_oneof![
        Just(TicketKind::Admission),
        any::<u16>().prop_map(|with_admission_max| TicketKind::AddOn { with_admission_max }),
    ];
    let draws = (option::of(any::<u16>()), vec(any::<u16>().prop_map(PoolId), 0..3), kind);
    (".{0,9}", any::<i64>(), window, limits, option::of(any::<u128>()), draws).prop_map(
        |(name, price_minor, window, limits, code, (category, draws_on, kind))| TicketType {
            name: name.into(),
            price_minor,
            window: SaleWindow { opens_at: window.0, closes_at: window.1 },
            per_order_min: limits.0,
            per_order_max: limits.1,
            per_subject_max: limits.2,
            access_code: code.map(AccessCode),
            category: category.map(CategoryId),
            draws_on,
            kind,
        },
    )
}

fn policies() -> impl Strategy<Value = (HoldPolicy, SeatingPolicy, Schedule)> {
    let hold = any::<(u64, u8, u64, u64)>().prop_map(|(duration_ms, renewals_max, life_ms_max, grace_ms)| {
        HoldPolicy { duration_ms, renewals_max, life_ms_max, grace_ms }
    });
    let seating =
        any::<(bool, u8, bool)>().prop_map(|(stranding_allowed, companions_max, accessible_released)| {
            SeatingPolicy { stranding_allowed, companions_max, accessible_released }
        });
    let at = || option::of(timestamp());
    let schedule = (at(), at(), at()).prop_map(|(presale_at, on_sale_at, closes_at)| Schedule {
        presale_at,
        on_sale_at,
        closes_at,
    });
    (hold, seating, schedule)
}

fn waitlist_policy() -> impl Strategy<Value = WaitlistPolicy> {
    let order = prop_oneof![Just(WaitlistOrder::Fit), Just(WaitlistOrder::Accumulate)];
    let types = vec(any::<u16>().prop_map(TicketTypeId), 0..3);
    (any::<(bool, bool, u8)>(), order, any::<(u64, u64, u32)>(), types).prop_map(
        |((enabled, price_may_rise, per_subject_max), order, (patience_ms, offer_ms, entries_max), types)| {
            WaitlistPolicy {
                enabled,
                order,
                patience_ms,
                offer_ms,
                entries_max,
                types,
                price_may_rise,
                per_subject_max,
            }
        },
    )
}

fn waitlist_body() -> impl Strategy<Value = EventBody> {
    let entry = || any::<u64>().prop_map(EntryNumber);
    let manner = (0_u16..258).prop_filter_map("a manner", Manner::of_word);
    let choice = (any::<(u16, u16)>(), manner).prop_map(|((ticket_type, quantity), manner)| Choice {
        ticket_type: TicketTypeId(ticket_type),
        quantity,
        manner,
    });
    let reason = proptest::sample::select(vec![
        LeftReason::Left,
        LeftReason::Limit,
        LeftReason::Price,
        LeftReason::Closed,
        LeftReason::TypeGone,
    ]);
    let joined = (subject(), vec(subject(), 0..3), vec(choice, 0..4), any::<(Option<i64>, u8)>()).prop_map(
        |(primary, extra, choices, (price_max_minor, priority))| {
            let subjects = Subjects { primary, extra };
            EventBody::WaitlistJoined(Box::new(WaitlistJoined {
                subjects,
                choices,
                price_max_minor,
                priority,
            }))
        },
    );
    prop_oneof![
        joined,
        (entry(), reason).prop_map(|(entry, reason)| EventBody::WaitlistLeft { entry, reason }),
        any::<u16>().prop_map(|id| EventBody::WaitlistPatienceEnded { ticket_type: TicketTypeId(id) }),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let pools = vec((".{0,9}", any::<u32>()), 0..3);
    let categories = vec((".{0,9}", any::<(i32, i32)>()), 0..3);
    let lists = (vec(channel(), 0..3), vec(ticket_type(), 0..3), vec(entry_list(), 0..3));
    let names = (any::<[u8; 3]>(), option::of(any::<u32>()), vec(".{0,9}", 0..3));
    let tariff = option::of(tariffs::tariff().prop_map(Box::new));
    let more = (tariff, option::of(waitlist_policy().prop_map(Box::new)));
    (names, pools, categories, vec(row(), 0..4), lists, policies(), more).prop_map(
        |(
            (currency, limit, sections),
            pools,
            categories,
            rows,
            (channels, ticket_types, entry),
            policies,
            (tariff, waitlist),
        )| Config {
            currency,
            pools: pools.into_iter().map(|(name, capacity)| Pool { name: name.into(), capacity }).collect(),
            categories: categories
                .into_iter()
                .map(|(name, (x_mm, y_mm))| Category { name: name.into(), focal_point: Point { x_mm, y_mm } })
                .collect(),
            sections: sections.into_iter().map(Into::into).collect(),
            rows: rows.into(),
            channels,
            ticket_types,
            units_per_subject_max: limit,
            hold: policies.0,
            seating: policies.1,
            schedule: policies.2,
            tariff,
            entry,
            waitlist,
        },
    )
}

fn payment() -> impl Strategy<Value = Payment> {
    prop_oneof![
        Just(Payment::Free),
        Just(Payment::Offline),
        any::<u128>().prop_map(|reference| Payment::Captured { reference }),
    ]
}

fn charge() -> impl Strategy<Value = Charge> {
    let amount = any::<i64>().prop_filter("not zero", |amount| *amount != 0);
    (any::<NonZeroU16>(), amount)
        .prop_map(|(provider, amount_minor)| Charge { provider: ProviderId(provider), amount_minor })
}

fn claim_body() -> impl Strategy<Value = EventBody> {
    prop_oneof![
        4 => hold_placed().prop_map(EventBody::HoldPlaced),
        1 => (claim(), timestamp()).prop_map(|(hold, deadline_at)| EventBody::HoldRenewed { hold, deadline_at }),
        1 => claim().prop_map(|hold| EventBody::HoldReleased { hold }),
        1 => (timestamp(), claim(), any::<u32>())
            .prop_map(|(at, number, count)| EventBody::Expired { through: (at, number), count }),
        1 => (claim(), timestamp(), any::<u8>(), vec(subject(), 0..3), option::of(charge())).prop_map(
            |(order, grace_until, attempt, extra_subjects, charge)| EventBody::PaymentBegun {
                order, grace_until, attempt, extra_subjects, charge
            }
        ),
        1 => (claim(), option::of(any::<u8>()))
            .prop_map(|(order, attempt)| EventBody::PaymentFailed { order, attempt }),
        1 => (claim(), payment(), option::of(any::<u8>()))
            .prop_map(|(order, payment, attempt)| EventBody::Confirmed { order, payment, attempt }),
    ]
}

fn ticket_body() -> impl Strategy<Value = EventBody> {
    let destination = prop_oneof![Just(RefundedUnits::Restock), Just(RefundedUnits::Kill)];
    let reason = (0..5_u8).prop_filter_map("known", RefundReason::of);
    let dispute = prop_oneof![Just(Dispute::Open), Just(Dispute::Won), Just(Dispute::Lost)];
    prop_oneof![
        (claim(), vec(any::<u16>(), 0..4), destination, option::of(any::<i64>()), reason).prop_map(
            |(order, tickets, units, amount_minor, reason)| EventBody::TicketsRefunded {
                order,
                tickets,
                units,
                amount_minor,
                reason,
            }
        ),
        (claim(), hold_placed(), payment(), any::<u8>()).prop_map(|(order, hold, payment, attempt)| {
            EventBody::SoldLate(Box::new(SoldLate { order, hold, payment, attempt }))
        }),
        (claim(), dispute, vec(any::<u16>(), 0..4))
            .prop_map(|(order, dispute, revoked)| EventBody::OrderDisputed { order, dispute, revoked }),
        (ticket(), subject(), any::<u8>(), option::of(subject())).prop_map(
            |(ticket, to, generation, from)| EventBody::TicketTransferred { ticket, to, generation, from }
        ),
        (ticket(), any::<u16>(), list()).prop_map(|(ticket, gate, list)| EventBody::CheckedIn {
            ticket,
            gate,
            list
        }),
        (ticket(), any::<u16>(), list(), any::<bool>())
            .prop_map(|(ticket, gate, list, stamped)| EventBody::CheckedOut { ticket, gate, list, stamped }),
        (ticket(), any::<u8>())
            .prop_map(|(ticket, generation)| EventBody::TicketReissued { ticket, generation }),
        (any::<u32>(), vec(scan(), 0..4), vec(scan_conflict(), 0..3)).prop_map(
            |(device, scans, conflicts)| {
                EventBody::ScansRecorded(ScansRecorded { device, scans, conflicts })
            }
        ),
    ]
}

fn list() -> impl Strategy<Value = Option<u8>> {
    option::of(0..=254_u8)
}

fn scan() -> impl Strategy<Value = Scan> {
    let shown = (ticket(), any::<u8>(), any::<bool>(), any::<bool>(), list());
    (any::<u64>(), timestamp(), any::<u16>(), shown).prop_map(
        |(number, at, gate, (ticket, generation, inward, admitted, list))| Scan {
            number,
            at,
            gate,
            ticket,
            generation,
            inward,
            admitted,
            list,
        },
    )
}

fn scan_conflict() -> impl Strategy<Value = ScanConflict> {
    let kinds = vec![
        ConflictKind::DoubleAdmission,
        ConflictKind::AfterRefund,
        ConflictKind::OldCode,
        ConflictKind::InDispute,
        ConflictKind::WrongGate,
        ConflictKind::UnknownTicket,
    ];
    let other = (timestamp(), any::<u16>(), any::<u32>()).prop_map(|(at, gate, device)| OtherPassage {
        at,
        gate,
        device,
    });
    (any::<u16>(), proptest::sample::select(kinds), option::of(other))
        .prop_map(|(scan, kind, other)| ScanConflict { scan, kind, other })
}

fn entry_list() -> impl Strategy<Value = EntryList> {
    let types = vec(any::<u16>().prop_map(TicketTypeId), 0..3);
    let times = (option::of(timestamp()), option::of(timestamp()));
    (".{0,8}", vec(any::<u16>(), 0..3), types, any::<bool>(), times).prop_map(
        |(name, gates, types, re_entry, (opens_at, closes_at))| EntryList {
            name: name.into(),
            gates,
            types,
            re_entry,
            opens_at,
            closes_at,
        },
    )
}

fn organizers_body() -> impl Strategy<Value = EventBody> {
    prop_oneof![
        (any::<u32>(), config())
            .prop_map(|(version, config)| EventBody::Configured { version, config: config.into() }),
        proptest::sample::select(&Phase::ALL[..]).prop_map(|to| EventBody::PhaseChanged { to }),
        units().prop_map(EventBody::UnitsKilled),
        units().prop_map(EventBody::UnitsRestored),
        any::<u8>().prop_map(|channel| EventBody::ChannelReleased { channel: ChannelId(channel) }),
        any::<(u16, bool)>().prop_map(|(ticket_type, open)| EventBody::SaleWindowChanged {
            ticket_type: TicketTypeId(ticket_type),
            open,
        }),
    ]
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let key =
        option::of(any::<(u128, u64)>().prop_map(|(digest, fingerprint)| KeyMark { digest, fingerprint }));
    let body = prop_oneof![claim_body(), ticket_body(), organizers_body(), waitlist_body()];
    (timestamp(), key, body).prop_map(|(at, key, body)| Event { at, key, body })
}
