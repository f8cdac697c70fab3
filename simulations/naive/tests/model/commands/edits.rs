//! Random edits of a configuration, sound ones and broken ones.

use std::sync::Arc;

use proptest::prelude::*;
use tessera_inventory::{
    CommandBody, Config, HoldPolicy, Pool, PoolId, Row, Schedule, SeatingPolicy, TicketType, Timestamp,
    WaitlistPolicy,
};
use tessera_naive::Model;
use tessera_pricing::Promotion;

use crate::{tariffs, waitlists, world};

/// One change of a configuration.
#[derive(Clone, Debug)]
enum Edit {
    Capacity {
        pool: usize,
        units: u32,
    },
    Price {
        of: usize,
        price_minor: i64,
    },
    TypeLimit {
        of: usize,
        limit: Option<u32>,
    },
    EventLimit(Option<u32>),
    OrderSize {
        of: usize,
        min: u16,
        max: u16,
    },
    Draws {
        of: usize,
        pools: Vec<PoolId>,
    },
    Allotment {
        channel: usize,
        pool: u16,
        units: Option<u32>,
    },
    ReleaseAt {
        channel: usize,
        at: Timestamp,
    },
    Window {
        of: usize,
        opens_at: Option<Timestamp>,
        closes_at: Option<Timestamp>,
    },
    Schedule(Schedule),
    Seating(SeatingPolicy),
    Hold(HoldPolicy),
    AppendPool,
    AppendType(TicketType),
    AppendRows(Vec<Row>),
    AppendPromotion(Promotion),
    PromotionLimits {
        of: usize,
        uses_max: Option<u32>,
        amount_max_minor: Option<i64>,
        per_subject_max: Option<u32>,
    },
    FeeAmount(i64),
    RemoveTariff,
    Waitlist(Option<WaitlistPolicy>),
    /// Never sound once the event is past its draft.
    RemoveType,
    RemoveRow,
    ChangeSeat,
    Rename,
    ShareCode,
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = || prop::option::of(world::instant());
    let kinds = prop::sample::subsequence(vec![PoolId(0), PoolId(1), PoolId(2)], 0..=3);
    prop_oneof![
        (0_usize..3, 0_u32..20).prop_map(|(pool, units)| Edit::Capacity { pool, units }),
        (0_usize..3, 0_i64..50).prop_map(|(of, price_minor)| Edit::Price { of, price_minor }),
        (0_usize..3, prop::option::of(0_u32..5)).prop_map(|(of, limit)| Edit::TypeLimit { of, limit }),
        prop::option::of(0_u32..8).prop_map(Edit::EventLimit),
        (0_usize..3, 0_u16..3, 1_u16..9).prop_map(|(of, min, max)| Edit::OrderSize { of, min, max }),
        (0_usize..3, kinds).prop_map(|(of, pools)| Edit::Draws { of, pools }),
        (0_usize..2, 0_u16..3, prop::option::of(0_u32..6))
            .prop_map(|(channel, pool, units)| Edit::Allotment { channel, pool, units }),
        (0_usize..2, world::instant()).prop_map(|(channel, at)| Edit::ReleaseAt { channel, at }),
        (0_usize..3, at(), at()).prop_map(|(of, opens_at, closes_at)| Edit::Window {
            of,
            opens_at,
            closes_at
        }),
        world::schedule().prop_map(Edit::Schedule),
        world::seating_policy().prop_map(Edit::Seating),
        world::hold_policy().prop_map(Edit::Hold),
        Just(Edit::AppendPool),
        world::ticket_type().prop_map(Edit::AppendType),
        world::rows(8, 1..2).prop_map(Edit::AppendRows),
        promotion_edit(),
        prop::option::weighted(0.9, waitlists::policy()).prop_map(Edit::Waitlist),
        prop_oneof![
            Just(Edit::RemoveType),
            Just(Edit::RemoveRow),
            Just(Edit::ChangeSeat),
            Just(Edit::Rename),
            Just(Edit::ShareCode),
            Just(Edit::RemoveTariff)
        ],
    ]
}

fn promotion_edit() -> impl Strategy<Value = Edit> {
    let limits = (prop::option::of(0_u32..5), prop::option::of(0_i64..120), prop::option::of(0_u32..3));
    prop_oneof![
        tariffs::promotion().prop_map(Edit::AppendPromotion),
        (0_usize..3, limits).prop_map(|(of, (uses_max, amount_max_minor, per_subject_max))| {
            Edit::PromotionLimits { of, uses_max, amount_max_minor, per_subject_max }
        }),
        (0_i64..9).prop_map(Edit::FeeAmount),
    ]
}

fn apply_to_tariff(config: &mut Config, edit: Edit) {
    match edit {
        Edit::AppendPromotion(promotion) => {
            let promotions = &mut config.tariff.get_or_insert_default().promotions;
            let code = tariffs::promotion_code(promotions.len());
            promotions.push(Promotion { code, ..promotion });
        }
        Edit::PromotionLimits { of, uses_max, amount_max_minor, per_subject_max } => {
            let mut promotions = config.tariff.iter_mut().flat_map(|tariff| &mut tariff.promotions);
            if let Some(promotion) = promotions.nth(of) {
                *promotion = Promotion { uses_max, amount_max_minor, per_subject_max, ..promotion.clone() };
            }
        }
        Edit::FeeAmount(amount) => {
            let fees = config.tariff.iter_mut().flat_map(|tariff| &mut tariff.fees);
            fees.for_each(|fee| fee.fixed_minor = amount);
        }
        Edit::RemoveTariff => config.tariff = None,
        other => unreachable!("{other:?} is no edit of the tariff"),
    }
}

fn apply(config: &mut Config, edit: Edit) {
    let types = &mut config.ticket_types;
    match edit {
        Edit::Capacity { pool, units } => config.pools[pool].capacity = units,
        Edit::Price { of, price_minor } => types[of].price_minor = price_minor,
        Edit::TypeLimit { of, limit } => types[of].per_subject_max = limit,
        Edit::EventLimit(limit) => config.units_per_subject_max = limit,
        Edit::OrderSize { of, min, max } => {
            types[of].per_order_min = min;
            types[of].per_order_max = max;
        }
        Edit::Draws { of, pools } => types[of].draws_on = pools,
        Edit::Allotment { channel, pool, units } => {
            let allotments = &mut config.channels[channel].allotments;
            allotments.retain(|(of, _)| of.0 != pool);
            allotments.extend(units.map(|units| (PoolId(pool), units)));
        }
        Edit::ReleaseAt { channel, at } => config.channels[channel].release_at = Some(at),
        Edit::Window { of, opens_at, closes_at } => {
            types[of].window.opens_at = opens_at;
            types[of].window.closes_at = closes_at;
        }
        Edit::Schedule(schedule) => config.schedule = schedule,
        Edit::Seating(policy) => config.seating = policy,
        Edit::Hold(policy) => config.hold = policy,
        Edit::Waitlist(policy) => config.waitlist = policy.map(Box::new),
        Edit::AppendPool => config.pools.push(Pool { name: "more".into(), capacity: 5 }),
        Edit::AppendType(ticket_type) => types.push(ticket_type),
        Edit::AppendRows(rows) => {
            // The hall stays small.
            if config.rows.len() < 5 {
                config.rows = config.rows.iter().cloned().chain(rows).collect();
            }
        }
        // The other edits count on three types.
        Edit::RemoveType => types.truncate((types.len() - 1).max(3)),
        Edit::RemoveRow => config.rows = config.rows[..config.rows.len().saturating_sub(1)].into(),
        Edit::ChangeSeat => {
            let mut rows: Vec<Row> = config.rows.to_vec();
            if let Some(seat) = rows.first_mut().and_then(|row| row.blocks.first_mut()?.first_mut()) {
                seat.accessible = !seat.accessible;
            }
            config.rows = rows.into();
        }
        Edit::Rename => config.pools[0].name = "renamed".into(),
        Edit::ShareCode => config.channels[1].code = config.channels[0].code,
        of_tariff => apply_to_tariff(config, of_tariff),
    }
}

/// A new configuration: the one before with a few edits.
pub(crate) fn configure(model: &Model) -> BoxedStrategy<CommandBody> {
    let (version, config) = (model.version, model.config.clone());
    let stale = prop_oneof![9 => Just(0_u32), 1 => Just(1_u32)];
    match config {
        None => (world::config(), stale)
            .prop_map(|(config, stale)| CommandBody::Configure {
                expected_version: stale,
                config: Arc::new(config),
            })
            .boxed(),
        Some(config) => (prop::collection::vec(edit(), 1..3), stale)
            .prop_map(move |(edits, stale)| {
                let mut edited = Config::clone(&config);
                edits.into_iter().for_each(|edit| apply(&mut edited, edit));
                CommandBody::Configure { expected_version: version + stale, config: Arc::new(edited) }
            })
            .boxed(),
    }
}
