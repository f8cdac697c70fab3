//! The waitlist of a venue file, and how it becomes the engine's.

use std::collections::BTreeMap;

use serde::Deserialize;
use tessera_inventory::{WaitlistOrder, WaitlistPolicy};
use utoipa::ToSchema;

use super::resolve::{Errors, find};
use super::schema::Venue;
use crate::object::objects;

const MS_PER_S: u64 = 1_000;

/// Whether and how people may wait for what is sold out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueWaitlist)]
pub struct Waitlist {
    /// Whether people may wait. Entries that are there when it ends, end.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Who is served when the first in line does not fit.
    #[serde(default)]
    pub policy: Policy,
    /// For how long units are kept for the first in line, at most 86,400 seconds; `accumulate` needs it.
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    pub patience_s: u32,
    /// How long an offer is good; 600 seconds unless given.
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    pub offer_s: Option<u32>,
    /// Most entries; 100,000 unless given.
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    pub entries_max: Option<u32>,
    /// Most entries of one buyer; 1 unless given.
    #[serde(default)]
    #[schema(maximum = 255)]
    pub per_buyer_max: Option<u8>,
    /// Names of the types that people may wait for; none: all that are sold without a code.
    #[serde(default)]
    pub ticket_types: Vec<String>,
    /// Whether who names no highest price is offered a type that costs more by then.
    #[serde(default)]
    pub price_may_rise: bool,
}

/// Who is served when the first in line does not fit.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VenueWaitlistPolicy)]
pub enum Policy {
    /// The oldest that fits.
    #[default]
    Fit,
    /// Nobody: units are kept for the first in line.
    Accumulate,
}

objects!(Waitlist);

const fn yes() -> bool {
    true
}

/// The waitlist of a venue file, if it has one.
pub(super) fn resolve(venue: &Venue, errors: &mut Errors) -> Option<Box<WaitlistPolicy>> {
    let waitlist = venue.waitlist.as_ref()?;
    let names: BTreeMap<&str, usize> =
        venue.ticket_types.iter().map(|one| one.name.as_str()).zip(0..).collect();
    let mut types = Vec::new();
    for (at, name) in waitlist.ticket_types.iter().enumerate() {
        let path = || format!("waitlist.ticket_types[{at}]");
        match find(&names, name, "ticket type", errors, path).map(tessera_inventory::TicketTypeId) {
            Some(id) if types.contains(&id) => errors.add(path, "is named twice"),
            found => types.extend(found),
        }
    }
    types.sort_unstable();
    let default = WaitlistPolicy::default();
    Some(Box::new(WaitlistPolicy {
        enabled: waitlist.enabled,
        order: match waitlist.policy {
            Policy::Fit => WaitlistOrder::Fit,
            Policy::Accumulate => WaitlistOrder::Accumulate,
        },
        patience_ms: u64::from(waitlist.patience_s) * MS_PER_S,
        offer_ms: waitlist.offer_s.map_or(default.offer_ms, |seconds| u64::from(seconds) * MS_PER_S),
        entries_max: waitlist.entries_max.unwrap_or(default.entries_max),
        types,
        price_may_rise: waitlist.price_may_rise,
        per_subject_max: waitlist.per_buyer_max.unwrap_or(default.per_subject_max),
    }))
}
