//! Random edits of a configuration in mid-sale, sound ones and broken ones.

use tessera_inventory::{Config, Pool, PoolId, Row};

use super::draw;
use crate::prng::Prng;

/// The configuration with one to three edits.
pub(crate) fn edited(prng: &mut Prng, config: &Config) -> Config {
    let mut config = config.clone();
    for _ in 0..prng.between(1, 3) {
        edit(prng, &mut config);
    }
    config
}

fn edit(prng: &mut Prng, config: &mut Config) {
    let pool = prng.index(config.pools.len());
    let of = prng.index(config.ticket_types.len());
    let number = |prng: &mut Prng, low, high| u32::try_from(prng.between(low, high)).unwrap_or(0);
    match prng.between(0, 19) {
        0..4 => config.pools[pool].capacity = number(prng, 0, 40),
        4..6 => config.ticket_types[of].price_minor = prng.between(0, 50).cast_signed(),
        6 => config.ticket_types[of].per_subject_max = prng.chance(600).then(|| number(prng, 0, 5)),
        7 => config.units_per_subject_max = prng.chance(600).then(|| number(prng, 0, 8)),
        8 => config.ticket_types[of].per_order_min = 1 + u16::from(prng.chance(300)),
        9 => config.ticket_types[of].draws_on = vec![PoolId(u16::try_from(pool).unwrap_or(0))],
        10 => allot(prng, config, pool),
        11 => config.ticket_types[of].window.opens_at = prng.chance(700).then(|| draw::instant(prng)),
        12 => config.ticket_types[of].window.closes_at = prng.chance(700).then(|| draw::instant(prng)),
        13 => config.schedule = draw::schedule(prng),
        14 => config.seating = draw::seating_policy(prng),
        15 => config.hold = draw::hold_policy(prng),
        16 => config.pools.push(Pool { name: format!("pool {}", config.pools.len()).into(), capacity: 5 }),
        17 => {
            let at = config.ticket_types.len() as u64;
            let more = draw::ticket_type(prng, at, config.pools.len() as u64, !config.rows.is_empty());
            config.ticket_types.push(more);
        }
        18 => append_row(prng, config),
        _ => spoil(prng, config),
    }
}

fn allot(prng: &mut Prng, config: &mut Config, pool: usize) {
    if config.channels.is_empty() {
        return;
    }
    let at = prng.index(config.channels.len());
    let channel = &mut config.channels[at];
    let pool = PoolId(u16::try_from(pool).unwrap_or(0));
    channel.allotments.retain(|(of, _)| *of != pool);
    if prng.chance(700) {
        channel.allotments.push((pool, u32::try_from(prng.between(0, 5)).unwrap_or(0)));
    }
    if prng.chance(400) {
        channel.release_at = Some(draw::instant(prng));
    }
}

fn append_row(prng: &mut Prng, config: &mut Config) {
    let blocks = config.rows.iter().flat_map(|row| &row.blocks);
    let mut room = draw::SEATS_MAX.saturating_sub(blocks.map(|block| block.len()).sum());
    if room > 0 {
        let channels = u8::try_from(config.channels.len()).unwrap_or(0);
        let row = draw::row(prng, config.rows.len(), &mut room, channels);
        config.rows = config.rows.iter().cloned().chain(row).collect();
    }
}

/// What is never sound once the event is past its draft.
fn spoil(prng: &mut Prng, config: &mut Config) {
    match prng.between(0, 2) {
        0 if config.ticket_types.len() > 1 => drop(config.ticket_types.pop()),
        1 => config.rows = config.rows.iter().skip(1).cloned().collect::<Vec<Row>>().into(),
        _ => config.pools[0].name = "renamed".into(),
    }
}
