//! Whether a configuration may replace the one before, given what is held and sold.

use std::sync::Arc;

use super::{Checked, problem};
use crate::terms::TERMS_MAX;
use crate::{Config, Inventory};

/// Whether `new` may replace the inventory's configuration: lists only grow, seats stay what they are, and no pool
/// shrinks below what is held, sold, killed and allotted.
pub(crate) fn check_change(inventory: &Inventory, new: &Config) -> Checked {
    let old = &inventory.config;
    if old.currency != new.currency {
        return Err(problem(
            "currency",
            "cannot change after the first hold or phase; cancel the event instead",
        ));
    }
    check_grows("pools", old.pools.len(), new.pools.len())?;
    check_grows("categories", old.categories.len(), new.categories.len())?;
    check_grows("sections", old.sections.len(), new.sections.len())?;
    check_grows("channels", old.channels.len(), new.channels.len())?;
    check_grows("ticket_types", old.ticket_types.len(), new.ticket_types.len())?;
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
    for at in 0..new.pools.len() {
        let pool = inventory.pools.iter().nth(at).unwrap_or(&nothing);
        let plan = pool.plan(at, Some(&inventory.config), new, inventory.released);
        if plan.general < 0 {
            let text = format!(
                "is {} too small for what is held, sold, killed and allotted",
                plan.general.unsigned_abs()
            );
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
