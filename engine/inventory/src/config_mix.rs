//! The digest's share of a configuration: everything in it, in the order of its fields.

mod tariff_mix;

use crate::digest::{Kind, Mix};
use crate::{
    Category, Channel, Config, EntryList, HoldPolicy, Pool, Row, Schedule, Seat, SeatingPolicy, TicketKind,
    TicketType, Timestamp, WaitlistPolicy,
};

/// The mix of a whole configuration. It takes time in proportion to the hall: a component keeps it.
pub(crate) fn mix(config: &Config) -> u128 {
    let Config {
        currency,
        pools,
        categories,
        sections,
        rows,
        channels,
        ticket_types,
        units_per_subject_max,
        hold,
        seating,
        schedule,
        tariff,
        entry,
        waitlist,
    } = config;
    let mix = Mix::new(Kind::Config).text(currency);
    let mix = list(mix, pools, pool);
    let mix = list(mix, categories, category);
    let mix = list(mix, sections, |mix, section| mix.text(section.as_bytes()));
    let mix = list(mix, rows, row);
    let mix = list(mix, channels, channel);
    let mix = list(mix, ticket_types, ticket_type);
    let mix = mix.word(units_per_subject_max.map_or(u64::MAX, u64::from));
    let mix = policies(mix, hold, seating, schedule);
    let mix = match tariff {
        Some(tariff) => tariff_mix::mix(mix, tariff),
        None => mix,
    };
    let mix = match entry.as_slice() {
        [] => mix,
        lists => list(mix.text(b"entry"), lists, entry_list),
    };
    match waitlist {
        Some(policy) => waitlist_policy(mix, policy).finish(),
        None => mix.finish(),
    }
}

fn entry_list(mix: Mix, entry: &EntryList) -> Mix {
    let EntryList { name, gates, types, re_entry, opens_at, closes_at } = entry;
    let mix = list(mix.text(name.as_bytes()), gates, |mix, gate| mix.word(u64::from(*gate)));
    let mix = list(mix, types, |mix, ticket_type| mix.word(u64::from(ticket_type.0)));
    instant(instant(mix.word(u64::from(*re_entry)), *opens_at), *closes_at)
}

fn waitlist_policy(mix: Mix, policy: &WaitlistPolicy) -> Mix {
    let WaitlistPolicy {
        enabled,
        order,
        patience_ms,
        offer_ms,
        entries_max,
        types,
        price_may_rise,
        per_subject_max,
    } = policy;
    let flags = u32::from(*enabled) | u32::from(*price_may_rise) << 1 | (*order as u32) << 2;
    let mix = mix.pair(flags, u32::from(*per_subject_max)).word(*patience_ms).word(*offer_ms);
    list(mix.word(u64::from(*entries_max)), types, |mix, id| mix.word(u64::from(id.0)))
}

/// A list, its length first, so that two lists do not run into each other.
fn list<T>(mix: Mix, items: &[T], each: impl Fn(Mix, &T) -> Mix) -> Mix {
    items.iter().fold(mix.word(items.len() as u64), each)
}

fn pool(mix: Mix, pool: &Pool) -> Mix {
    let Pool { name, capacity } = pool;
    mix.text(name.as_bytes()).word(u64::from(*capacity))
}

fn category(mix: Mix, category: &Category) -> Mix {
    let Category { name, focal_point } = category;
    mix.text(name.as_bytes()).pair(focal_point.x_mm.cast_unsigned(), focal_point.y_mm.cast_unsigned())
}

fn row(mix: Mix, row: &Row) -> Mix {
    let Row { section, label, blocks } = row;
    let mix = mix.word(u64::from(section.0)).text(label.as_bytes());
    list(mix, blocks, |mix, block| list(mix, block, seat))
}

fn seat(mix: Mix, seat: &Seat) -> Mix {
    let Seat { label, category, channel, position, accessible, companion, restricted_view } = seat;
    let flags = u32::from(*accessible) | u32::from(*companion) << 1 | u32::from(*restricted_view) << 2;
    let channel = channel.map_or(u32::from(u8::MAX), |channel| u32::from(channel.0));
    mix.word(u64::from_le_bytes(*label))
        .pair(u32::from(category.0) | channel << 16, flags)
        .pair(position.x_mm.cast_unsigned(), position.y_mm.cast_unsigned())
}

fn channel(mix: Mix, channel: &Channel) -> Mix {
    let Channel { name, code, allotments, release_at } = channel;
    let mix = mix.text(name.as_bytes()).wide(code.0);
    let mix = list(mix, allotments, |mix, &(pool, units)| mix.pair(u32::from(pool.0), units));
    instant(mix, *release_at)
}

fn ticket_type(mix: Mix, ticket_type: &TicketType) -> Mix {
    let TicketType {
        name,
        price_minor,
        window,
        per_order_min,
        per_order_max,
        per_subject_max,
        access_code,
        category,
        draws_on,
        kind,
    } = ticket_type;
    let mix = mix.text(name.as_bytes()).word(price_minor.cast_unsigned());
    let mix = instant(instant(mix, window.opens_at), window.closes_at)
        .pair(u32::from(*per_order_min), u32::from(*per_order_max))
        .word(per_subject_max.map_or(u64::MAX, u64::from));
    let mix = match access_code {
        Some(code) => mix.word(1).wide(code.0),
        None => mix.word(0),
    };
    let mix = mix.word(category.map_or(u64::MAX, |category| u64::from(category.0)));
    let mix = list(mix, draws_on, |mix, pool| mix.word(u64::from(pool.0)));
    match kind {
        TicketKind::Admission => mix,
        TicketKind::AddOn { with_admission_max } => mix.word(1).word(u64::from(*with_admission_max)),
    }
}

fn policies(mix: Mix, hold: &HoldPolicy, seating: &SeatingPolicy, schedule: &Schedule) -> Mix {
    let HoldPolicy { duration_ms, renewals_max, life_ms_max, grace_ms } = hold;
    let SeatingPolicy { stranding_allowed, companions_max, accessible_released } = seating;
    let Schedule { presale_at, on_sale_at, closes_at } = schedule;
    let mix = mix.word(*duration_ms).word(u64::from(*renewals_max)).word(*life_ms_max).word(*grace_ms);
    let flags = u32::from(*stranding_allowed) | u32::from(*accessible_released) << 1;
    let mix = mix.pair(flags, u32::from(*companions_max));
    instant(instant(instant(mix, *presale_at), *on_sale_at), *closes_at)
}

fn instant(mix: Mix, at: Option<Timestamp>) -> Mix {
    match at {
        Some(at) => mix.word(1).word(at.0),
        None => mix.word(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_list_of(gates: Vec<u16>, types: Vec<u16>) -> EntryList {
        let types = types.into_iter().map(crate::TicketTypeId).collect();
        EntryList { name: "door".into(), gates, types, re_entry: true, opens_at: None, closes_at: None }
    }

    #[test]
    fn everything_that_an_organizer_decides_counts() {
        let base = Config::empty();
        let edits: [fn(&mut Config); 10] = [
            |config| config.waitlist = Some(Box::default()),
            |config| config.tariff = Some(Box::default()),
            |config| config.entry = vec![entry_list_of(vec![], vec![1])],
            |config| config.entry = vec![entry_list_of(vec![1], vec![])],
            |config| config.currency = *b"EUR",
            |config| config.units_per_subject_max = Some(4),
            |config| config.sections = vec!["ab".into()],
            |config| config.sections = vec!["a".into(), "b".into()],
            |config| config.schedule.on_sale_at = Some(Timestamp(0)),
            |config| config.schedule.closes_at = Some(Timestamp(0)),
        ];
        let mut mixes = vec![mix(&base)];
        for edit in edits {
            let mut edited = base.clone();
            edit(&mut edited);
            let edited = mix(&edited);
            assert!(!mixes.contains(&edited), "an edit leaves the mix as another one's");
            mixes.push(edited);
        }
    }
}
