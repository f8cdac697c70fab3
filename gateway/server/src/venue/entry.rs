//! From the entry lists of a venue file to the engine's.

use std::collections::BTreeMap;

use tessera_inventory::{EntryList, TicketTypeId};

use super::resolve::{Errors, find};
use super::schema::{self, Venue};

/// The entry lists of a venue file.
pub(super) fn resolve(venue: &Venue, errors: &mut Errors) -> Vec<EntryList> {
    let types: BTreeMap<&str, usize> =
        venue.ticket_types.iter().map(|one| one.name.as_str()).zip(0..).collect();
    let one = |(at, list): (usize, &schema::EntryList)| {
        let named = list.ticket_types.iter().enumerate().filter_map(|(place, name)| {
            let path = || format!("entry[{at}].ticket_types[{place}]");
            find(&types, name, "ticket type", errors, path).map(TicketTypeId)
        });
        EntryList {
            types: named.collect(),
            name: list.name.as_str().into(),
            gates: list.gates.clone(),
            re_entry: list.re_entry,
            opens_at: list.opens_at.map(|at| at.0),
            closes_at: list.closes_at.map(|at| at.0),
        }
    };
    venue.entry.iter().enumerate().map(one).collect()
}
