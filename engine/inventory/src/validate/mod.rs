//! Whether a configuration is sound in itself, and whether it may replace the one before.

mod change;
mod entry;
mod hall;
mod waitlist;

pub(crate) use change::check_change;

use std::collections::BTreeSet;

use crate::{
    CATEGORIES_MAX, CHANNELS_MAX, Config, ConfigError, DRAWS_MAX, GRACE_MS_MAX, HOLD_LIFE_MS_MAX,
    HOLD_MS_MAX, HOLD_MS_MIN, HOLD_UNITS_MAX, NAME_BYTES_MAX, POOL_CAPACITY_MAX, POOLS_MAX, PRICE_MINOR_MAX,
    SECTIONS_MAX, TICKET_TYPES_MAX, TicketKind, TicketType, Timestamp,
};

/// The answer of a check.
type Checked = Result<(), ConfigError>;

/// An error at a path.
fn problem(path: impl Into<String>, problem: impl Into<String>) -> ConfigError {
    ConfigError { path: path.into(), problem: problem.into() }
}

/// Whether a configuration is sound in itself.
pub(crate) fn check(config: &Config) -> Checked {
    if !config.currency.iter().all(u8::is_ascii_uppercase) {
        return Err(problem("currency", "use the three capital letters of ISO 4217, such as EUR"));
    }
    check_length("pools", config.pools.len(), POOLS_MAX)?;
    check_length("categories", config.categories.len(), CATEGORIES_MAX)?;
    check_length("sections", config.sections.len(), SECTIONS_MAX)?;
    check_length("channels", config.channels.len(), CHANNELS_MAX)?;
    check_length("ticket_types", config.ticket_types.len(), TICKET_TYPES_MAX)?;
    check_pools(config)?;
    hall::check(config)?;
    check_channels(config)?;
    for (at, ticket_type) in config.ticket_types.iter().enumerate() {
        check_type(config, &format!("ticket_types[{at}]"), ticket_type)?;
    }
    if config.units_per_subject_max == Some(0) {
        return Err(problem("units_per_subject_max", "allow at least 1, or leave it out for no limit"));
    }
    check_hold(config)?;
    check_schedule(config)?;
    entry::check(config)?;
    if let Some(tariff) = &config.tariff {
        tariff.check(config.ticket_types.len()).map_err(of_tariff)?;
    }
    waitlist::check(config)
}

/// What is wrong with a tariff, as it stands in a configuration.
fn of_tariff(found: tessera_pricing::Problem) -> ConfigError {
    let point = if found.path.is_empty() { "" } else { "." };
    problem(format!("tariff{point}{}", found.path), found.problem)
}

fn check_length(path: &str, length: usize, max: usize) -> Checked {
    if length > max {
        return Err(problem(path, format!("has {length} entries; at most {max} are possible")));
    }
    Ok(())
}

fn check_name(path: &str, name: &str) -> Checked {
    if name.trim().is_empty() {
        return Err(problem(path, "is empty; give it a name"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(problem(
            path,
            format!("is {} bytes long; at most {NAME_BYTES_MAX} are possible", name.len()),
        ));
    }
    Ok(())
}

fn check_pools(config: &Config) -> Checked {
    for (at, pool) in config.pools.iter().enumerate() {
        check_name(&format!("pools[{at}].name"), &pool.name)?;
        if pool.capacity > POOL_CAPACITY_MAX {
            let text = format!("is {}; at most {POOL_CAPACITY_MAX} are possible", pool.capacity);
            return Err(problem(format!("pools[{at}].capacity"), text));
        }
        let allotments = config.channels.iter().filter_map(|channel| channel.allotment(at));
        let allotted: u64 = allotments.map(u64::from).sum();
        if allotted > u64::from(pool.capacity) {
            let text = format!("is {}, less than the {allotted} that channels are allotted", pool.capacity);
            return Err(problem(format!("pools[{at}].capacity"), text));
        }
    }
    Ok(())
}

fn check_channels(config: &Config) -> Checked {
    let mut codes = BTreeSet::new();
    for (at, channel) in config.channels.iter().enumerate() {
        check_name(&format!("channels[{at}].name"), &channel.name)?;
        if !codes.insert(channel.code) {
            return Err(problem(
                format!("channels[{at}].code"),
                "belongs to another channel; choose another",
            ));
        }
        let mut pools = BTreeSet::new();
        for (place, (pool, _)) in channel.allotments.iter().enumerate() {
            let path = || format!("channels[{at}].allotments[{place}]");
            if pool.index() >= config.pools.len() {
                return Err(problem(path(), "names a pool that does not exist"));
            }
            if !pools.insert(*pool) {
                return Err(problem(path(), "names a pool a second time; make it one allotment"));
            }
        }
    }
    Ok(())
}

fn check_type(config: &Config, path: &str, ticket_type: &TicketType) -> Checked {
    check_name(&format!("{path}.name"), &ticket_type.name)?;
    if !(0..=PRICE_MINOR_MAX).contains(&ticket_type.price_minor) {
        let text = format!("is {}; use 0 to {PRICE_MINOR_MAX}", ticket_type.price_minor);
        return Err(problem(format!("{path}.price_minor"), text));
    }
    check_order(&format!("{path}.window"), ticket_type.window.opens_at, ticket_type.window.closes_at)?;
    let (min, max) = (ticket_type.per_order_min, ticket_type.per_order_max);
    if min == 0 {
        return Err(problem(format!("{path}.per_order_min"), "is 0; use at least 1"));
    }
    if max < min || max > HOLD_UNITS_MAX {
        let text = format!("is {max}; use {min} (the minimum) to {HOLD_UNITS_MAX}");
        return Err(problem(format!("{path}.per_order_max"), text));
    }
    if ticket_type.per_subject_max == Some(0) {
        let text = "allow at least 1, or leave it out for no limit";
        return Err(problem(format!("{path}.per_subject_max"), text));
    }
    if ticket_type.category.is_some_and(|category| category.index() >= config.categories.len()) {
        return Err(problem(format!("{path}.category"), "names a category that does not exist"));
    }
    if ticket_type.category.is_some() && ticket_type.kind != TicketKind::Admission {
        return Err(problem(
            format!("{path}.category"),
            "gives an add-on a seat; an add-on draws on pools only",
        ));
    }
    check_draws(config, path, ticket_type)
}

fn check_draws(config: &Config, path: &str, ticket_type: &TicketType) -> Checked {
    let draws_on = &ticket_type.draws_on;
    check_length(&format!("{path}.draws_on"), draws_on.len(), DRAWS_MAX)?;
    if draws_on.is_empty() && ticket_type.category.is_none() {
        return Err(problem(
            format!("{path}.draws_on"),
            "is empty; a standing type draws on at least one pool",
        ));
    }
    for (place, pool) in draws_on.iter().enumerate() {
        if pool.index() >= config.pools.len() {
            return Err(problem(format!("{path}.draws_on[{place}]"), "names a pool that does not exist"));
        }
        if draws_on[..place].contains(pool) {
            return Err(problem(format!("{path}.draws_on[{place}]"), "names a pool a second time"));
        }
    }
    Ok(())
}

fn check_hold(config: &Config) -> Checked {
    let hold = &config.hold;
    if !(HOLD_MS_MIN..=HOLD_MS_MAX).contains(&hold.duration_ms) {
        let text = format!("is {}; use {HOLD_MS_MIN} to {HOLD_MS_MAX}", hold.duration_ms);
        return Err(problem("hold.duration_ms", text));
    }
    if !(hold.duration_ms..=HOLD_LIFE_MS_MAX).contains(&hold.life_ms_max) {
        let text = format!(
            "is {}; make it at least as long as hold.duration_ms, and at most {HOLD_LIFE_MS_MAX}",
            hold.life_ms_max
        );
        return Err(problem("hold.life_ms_max", text));
    }
    if !(1..=GRACE_MS_MAX).contains(&hold.grace_ms) {
        return Err(problem("hold.grace_ms", format!("is {}; use 1 to {GRACE_MS_MAX}", hold.grace_ms)));
    }
    Ok(())
}

fn check_schedule(config: &Config) -> Checked {
    let schedule = &config.schedule;
    check_order("schedule", schedule.presale_at, schedule.on_sale_at)?;
    check_order("schedule", schedule.on_sale_at, schedule.closes_at)?;
    check_order("schedule", schedule.presale_at, schedule.closes_at)
}

/// Two instants of which the first must come first.
fn check_order(path: &str, first: Option<Timestamp>, second: Option<Timestamp>) -> Checked {
    match (first, second) {
        (Some(first), Some(second)) if first >= second => {
            Err(problem(path, format!("{first} does not come before {second}; swap or move them")))
        }
        _ => Ok(()),
    }
}
