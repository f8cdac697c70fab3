//! Whether a configuration may replace the one before, given what is held and sold.

use std::sync::Arc;

use super::{Checked, problem};
use crate::terms::TERMS_MAX;
use crate::{Config, Inventory};

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
    check_rows(old, new)?;
    check_pools(inventory, new)?;
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
