//! Whether the entry lists are sound.

use std::collections::BTreeSet;

use super::{Checked, check_length, check_name, check_order, problem};
use crate::{Config, ENTRY_GATES_MAX, ENTRY_LISTS_MAX, EntryList, TICKET_TYPES_MAX};

/// Whether the entry lists are sound in themselves, and name what there is.
pub(super) fn check(config: &Config) -> Checked {
    check_length("entry", config.entry.len(), ENTRY_LISTS_MAX)?;
    let mut names = BTreeSet::new();
    for (at, list) in config.entry.iter().enumerate() {
        let path = format!("entry[{at}]");
        check_name(&format!("{path}.name"), &list.name)?;
        if !names.insert(&list.name) {
            return Err(problem(format!("{path}.name"), "is that of another list; choose another"));
        }
        check_list(config, &path, list)?;
    }
    Ok(())
}

fn check_list(config: &Config, path: &str, list: &EntryList) -> Checked {
    check_length(&format!("{path}.gates"), list.gates.len(), ENTRY_GATES_MAX)?;
    check_length(&format!("{path}.types"), list.types.len(), TICKET_TYPES_MAX)?;
    for (place, ticket_type) in list.types.iter().enumerate() {
        let path = || format!("{path}.types[{place}]");
        if ticket_type.index() >= config.ticket_types.len() {
            return Err(problem(path(), "names a ticket type that does not exist"));
        }
        if !config.is_admission(*ticket_type) {
            return Err(problem(path(), "is an add-on, which no gate admits"));
        }
        if list.types[..place].contains(ticket_type) {
            return Err(problem(path(), "names a ticket type a second time"));
        }
    }
    for (place, gate) in list.gates.iter().enumerate() {
        if list.gates[..place].contains(gate) {
            return Err(problem(format!("{path}.gates[{place}]"), "names a gate a second time"));
        }
    }
    check_order(path, list.opens_at, list.closes_at)
}
