//! Whether a configuration may replace the one before, given what is held and sold.

use std::sync::Arc;

use tessera_pricing::Tariff;

use super::{Checked, of_tariff, problem};
use crate::terms::TERMS_MAX;
use crate::{Config, Inventory, TicketKind, TicketType};

/// Whether `new` may replace the inventory's configuration: lists only grow, names and seats stay what they are, and no
/// pool shrinks below what is held, sold and allotted.
pub(crate) fn check_change(inventory: &Inventory, new: &Config) -> Checked {
    let old = &inventory.config;
    if old.currency != new.currency {
        return Err(problem(
            "currency",
            "cannot change after the first hold or phase; cancel the event instead",
        ));
    }
    check_names("pools", &old.pools, &new.pools, |pool| &pool.name)?;
    check_names("categories", &old.categories, &new.categories, |category| &category.name)?;
    check_names("sections", &old.sections, &new.sections, |section| section)?;
    check_names("channels", &old.channels, &new.channels, |channel| &channel.name)?;
    check_names("ticket_types", &old.ticket_types, &new.ticket_types, |known| &known.name)?;
    check_names("entry", &old.entry, &new.entry, |list| &list.name)?;
    check_kinds(old, new)?;
    check_rows(old, new)?;
    check_pools(inventory, new)?;
    check_tariff(inventory, new)?;
    if inventory.terms.len() + inventory.terms.missing(new) > TERMS_MAX {
        return Err(problem("ticket_types", format!("prices and draws changed more than {TERMS_MAX} times")));
    }
    Ok(())
}

fn check_grows(path: &str, before: usize, after: usize) -> Checked {
    if after < before {
        let text =
            format!("has {after} entries, {before} before; entries cannot be taken away, only appended");
        return Err(problem(path, text));
    }
    Ok(())
}

/// Names are identities: what was called something keeps its name and its place.
fn check_names<T>(path: &str, before: &[T], after: &[T], name: fn(&T) -> &str) -> Checked {
    check_grows(path, before.len(), after.len())?;
    for (at, (before, after)) in before.iter().zip(after).enumerate() {
        let (before, after) = (name(before), name(after));
        if before != after {
            return Err(problem(
                format!("{path}[{at}]"),
                format!("was named {before:?}, and keeps that name"),
            ));
        }
    }
    Ok(())
}

/// What was sold as an admission is not to become a voucher, nor the other way round.
fn check_kinds(old: &Config, new: &Config) -> Checked {
    let is_add_on = |ticket_type: &TicketType| ticket_type.kind != TicketKind::Admission;
    let mut pairs = old.ticket_types.iter().zip(&new.ticket_types);
    match pairs.position(|(before, after)| is_add_on(before) != is_add_on(after)) {
        Some(at) => {
            Err(problem(format!("ticket_types[{at}].kind"), "is another than before; append another type"))
        }
        None => Ok(()),
    }
}

/// The tariff only grows, and no promotion shrinks below what it has given out.
fn check_tariff(inventory: &Inventory, new: &Config) -> Checked {
    let nothing = Tariff::default();
    let [before, after] =
        [&*inventory.config, new].map(|config| config.tariff.as_deref().unwrap_or(&nothing));
    before.check_change(after).map_err(of_tariff)?;
    for (at, promotion) in (0_u16..).zip(&after.promotions) {
        let Some(given) = inventory.quoted.given(at) else { continue };
        let path = |field: &str| format!("tariff.promotions[{at}].{field}");
        if promotion.uses_max.is_some_and(|max| max < given.uses) {
            return Err(problem(
                path("uses_max"),
                format!("is less than the {} uses that are taken", given.uses),
            ));
        }
        if promotion.amount_max_minor.is_some_and(|max| max < given.amount_minor) {
            let text = format!("is less than the {} that were taken off", given.amount_minor);
            return Err(problem(path("amount_max_minor"), text));
        }
    }
    Ok(())
}

fn check_rows(old: &Config, new: &Config) -> Checked {
    if Arc::ptr_eq(&old.rows, &new.rows) {
        return Ok(());
    }
    check_grows("rows", old.rows.len(), new.rows.len())?;
    let changed = old.rows.iter().zip(new.rows.iter()).position(|(before, after)| before != after);
    match changed {
        Some(at) => {
            let text = "differs from before; seats cannot change, kill them and append others";
            Err(problem(format!("rows[{at}]"), text))
        }
        None => Ok(()),
    }
}

fn check_pools(inventory: &Inventory, new: &Config) -> Checked {
    let nothing = crate::pools::Pool::default();
    let drawn = inventory.drawn_under(new);
    for at in 0..new.pools.len() {
        let pool = inventory.pools.iter().nth(at).unwrap_or(&nothing);
        let plan = pool.plan(at, Some(&inventory.config), new, inventory.released, &drawn);
        if plan.general < 0 {
            let text =
                format!("is {} too small for what is held, sold and allotted", plan.general.unsigned_abs());
            return Err(problem(format!("pools[{at}].capacity"), text));
        }
        for (channel, free) in plan.shares {
            if free < 0 {
                let text = format!("is {} too small for what was drawn from pool {at}", free.unsigned_abs());
                return Err(problem(format!("channels[{}].allotments", channel.0), text));
            }
        }
    }
    Ok(())
}
