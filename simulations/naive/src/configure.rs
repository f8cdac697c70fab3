//! Whether a configuration is sound, and may replace the one before.

use std::collections::BTreeSet;
use std::sync::Arc;

use tessera_inventory::{
    BLOCK_SEATS_MAX, Config, ConfigError, EventBody, GRACE_MS_MAX, HOLD_MS_MAX, HOLD_MS_MIN, HOLD_UNITS_MAX,
    PATIENCE_MS_MAX, Phase, Rejection, TicketKind, TicketType, TicketTypeId, Timestamp, WAITLIST_ENTRIES_MAX,
    WAITLIST_PER_SUBJECT_MAX, WaitlistOrder, WaitlistPolicy,
};
use tessera_pricing::{Fee, Promotion, Tariff, TypeSet};

use super::{Decided, Model};

impl Model {
    pub(crate) fn configure(&self, expected_version: u32, config: &Arc<Config>) -> Decided<EventBody> {
        let mut reasons = Vec::new();
        if expected_version != self.version {
            reasons.push(Rejection::StaleVersion { current: self.version });
        }
        if !is_sound(config) || !self.may_become(config) {
            let untold = ConfigError { path: String::new(), problem: String::new() };
            reasons.push(Rejection::InvalidConfig(untold));
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        Ok(EventBody::Configured { version: self.version + 1, config: Arc::clone(config) })
    }

    /// A draft of which nothing was withdrawn or released may become anything.
    pub(crate) fn is_untouched(&self) -> bool {
        let has_kills = self.pools.iter().any(|pool| pool.killed + pool.to_kill > 0);
        self.phase == Phase::Draft && self.released.is_empty() && self.killed_seats.is_empty() && !has_kills
    }

    /// Lists grow, names and seats stay, and what is out, withdrawn and allotted still fits.
    fn may_become(&self, after: &Config) -> bool {
        let Some(before) = self.config.as_ref().filter(|_| !self.is_untouched()) else { return true };
        names(before).iter().zip(names(after)).all(|(before, after)| after.starts_with(before))
            && after.rows.starts_with(&before.rows)
            && before.currency == after.currency
            && kinds(after).starts_with(&kinds(before))
            && self.tariff_may_become(before, after)
            && (0..after.pools.len()).all(|pool| {
                let (general, shares) = self.free_under(Some(before), after, pool);
                general >= 0 && shares.iter().all(|&(_, free)| free >= 0)
            })
    }
}

/// Which types are add-ons.
fn kinds(config: &Config) -> Vec<bool> {
    config.ticket_types.iter().map(|known| known.kind != TicketKind::Admission).collect()
}

/// The identities of what stands in a tariff: names, and codes.
fn identities(tariff: &Tariff) -> [Vec<String>; 5] {
    let fees = |fees: &[Fee]| fees.iter().map(|one| one.name.to_string()).collect();
    let promotion = |one: &Promotion| format!("{} {}", one.code, one.serials == 0);
    [
        tariff.taxes.iter().map(|one| one.name.to_string()).collect(),
        fees(&tariff.fees),
        fees(&tariff.platform_fees),
        tariff.bundles.iter().map(|one| one.name.to_string()).collect(),
        tariff.promotions.iter().map(promotion).collect(),
    ]
}

impl Model {
    /// Everything in a tariff keeps its place and its name, and no promotion has given out more than it may.
    fn tariff_may_become(&self, before: &Config, after: &Config) -> bool {
        let of = |config: &Config| config.tariff.as_deref().cloned().unwrap_or_default();
        let (before, after) = (of(before), of(after));
        let lists = identities(&before).into_iter().zip(identities(&after));
        let mut promotions = before.promotions.iter().zip(&after.promotions);
        lists.into_iter().all(|(before, after)| after.starts_with(&before))
            && promotions.all(|(before, after)| after.serials >= before.serials)
            && (0_u16..).zip(&after.promotions).all(|(at, promotion)| {
                promotion.uses_max.is_none_or(|max| max >= self.uses(at))
                    && promotion.amount_max_minor.is_none_or(|max| max >= self.taken_off(at))
            })
    }
}

/// The names of every list: identities, which only grow.
fn names(config: &Config) -> [Vec<&str>; 6] {
    [
        config.pools.iter().map(|one| &*one.name).collect(),
        config.categories.iter().map(|one| &*one.name).collect(),
        config.sections.iter().map(|one| &**one).collect(),
        config.channels.iter().map(|one| &*one.name).collect(),
        config.ticket_types.iter().map(|one| &*one.name).collect(),
        config.entry.iter().map(|one| &*one.name).collect(),
    ]
}

/// The rules that random edits can break.
fn is_sound(config: &Config) -> bool {
    let codes: BTreeSet<_> = config.channels.iter().map(|channel| channel.code).collect();
    let limits = config.ticket_types.iter().map(|known| known.per_subject_max);
    let has_no_zero_limit = limits.chain([config.units_per_subject_max]).all(|limit| limit != Some(0));
    let hold = &config.hold;
    let holds_last = (HOLD_MS_MIN..=HOLD_MS_MAX).contains(&hold.duration_ms)
        && hold.life_ms_max >= hold.duration_ms
        && (1..=GRACE_MS_MAX).contains(&hold.grace_ms);
    let schedule = &config.schedule;
    let is_in_order = in_order(schedule.presale_at, schedule.on_sale_at)
        && in_order(schedule.on_sale_at, schedule.closes_at)
        && in_order(schedule.presale_at, schedule.closes_at);
    codes.len() == config.channels.len()
        && has_no_zero_limit
        && holds_last
        && is_in_order
        && config.currency.iter().all(u8::is_ascii_uppercase)
        && (0..config.pools.len()).all(|pool| allotments_fit(config, pool))
        && config.ticket_types.iter().all(|known| is_sound_type(config, known))
        && has_sound_hall(config)
        && config.tariff.as_deref().is_none_or(|tariff| has_sound_tariff(config, tariff))
        && has_sound_entry(config)
        && config.waitlist.as_deref().is_none_or(|policy| has_sound_waitlist(config, policy))
}

fn has_sound_waitlist(config: &Config, policy: &WaitlistPolicy) -> bool {
    let least_ms = if policy.order == WaitlistOrder::Accumulate { 1 } else { 0 };
    (least_ms..=PATIENCE_MS_MAX).contains(&policy.patience_ms)
        && (HOLD_MS_MIN..=HOLD_MS_MAX).contains(&policy.offer_ms)
        && (1..=WAITLIST_ENTRIES_MAX).contains(&policy.entries_max)
        && (1..=WAITLIST_PER_SUBJECT_MAX).contains(&policy.per_subject_max)
        && policy.types.iter().all(|id| id.index() < config.ticket_types.len())
        && policy.types.windows(2).all(|pair| pair[0] < pair[1])
}

/// What random edits can break of a tariff.
fn has_sound_tariff(config: &Config, tariff: &Tariff) -> bool {
    let types = config.ticket_types.len();
    let known = |of: &TypeSet| of.0.iter().all(|&of| usize::from(of) < types);
    tariff.type_taxes.len() <= types
        && tariff.fees.iter().chain(&tariff.platform_fees).all(|fee| known(&fee.types))
        && tariff.promotions.iter().all(|one| known(&one.types) && one.per_subject_max != Some(0))
        && tariff.bundles.iter().flat_map(|one| &one.parts).all(|&(of, _)| usize::from(of) < types)
}

/// What random edits can break of entry lists.
fn has_sound_entry(config: &Config) -> bool {
    let names: BTreeSet<_> = config.entry.iter().map(|list| &list.name).collect();
    let admits = |of: &TicketTypeId| {
        config.ticket_types.get(of.index()).is_some_and(|known| known.kind == TicketKind::Admission)
    };
    names.len() == config.entry.len()
        && config.entry.iter().all(|list| {
            let types: BTreeSet<_> = list.types.iter().collect();
            let gates: BTreeSet<_> = list.gates.iter().collect();
            types.len() == list.types.len()
                && gates.len() == list.gates.len()
                && list.types.iter().all(admits)
                && in_order(list.opens_at, list.closes_at)
        })
}

fn allotments_fit(config: &Config, pool: usize) -> bool {
    let of_pool = config.channels.iter().map(|channel| {
        let units: Vec<u32> =
            channel.allotments.iter().filter(|(of, _)| of.index() == pool).map(|&(_, units)| units).collect();
        units
    });
    let all: Vec<Vec<u32>> = of_pool.collect();
    all.iter().all(|units| units.len() <= 1)
        && all.concat().iter().sum::<u32>() <= config.pools[pool].capacity
}

fn is_sound_type(config: &Config, known: &TicketType) -> bool {
    let pools: BTreeSet<_> = known.draws_on.iter().collect();
    known.per_order_min >= 1
        && known.per_order_max >= known.per_order_min
        && known.per_order_max <= HOLD_UNITS_MAX
        && known.price_minor >= 0
        && in_order(known.window.opens_at, known.window.closes_at)
        && pools.len() == known.draws_on.len()
        && pools.iter().all(|pool| pool.index() < config.pools.len())
        && known.category.is_none_or(|category| category.index() < config.categories.len())
        && (known.category.is_some() || !known.draws_on.is_empty())
        && (known.category.is_none() || known.kind == TicketKind::Admission)
}

fn has_sound_hall(config: &Config) -> bool {
    config.rows.iter().all(|row| {
        row.section.index() < config.sections.len()
            && row.blocks.iter().all(|block| (1..=BLOCK_SEATS_MAX).contains(&block.len()))
            && row.blocks.iter().flatten().all(|seat| {
                seat.category.index() < config.categories.len()
                    && seat.channel.is_none_or(|channel| channel.index() < config.channels.len())
            })
    })
}

fn in_order(first: Option<Timestamp>, second: Option<Timestamp>) -> bool {
    first.zip(second).is_none_or(|(first, second)| first < second)
}
