//! From names to indices: the venue file becomes the engine's configuration, or a list of errors with their paths.

use std::collections::BTreeMap;

use tessera_inventory::{
    AccessCode, BLOCK_SEATS_MAX, CategoryId, ChannelId, Config, HoldPolicy, PoolId, SEAT_LABEL_BYTES_MAX,
    SEATS_MAX, SaleWindow, SeatingPolicy, SectionId, TicketKind,
};

use super::schema::{self, Block, Run, Venue};
use super::{entry, tariff, waitlist};
use crate::auth::Keys;
use crate::instant::Rfc3339;
use crate::limits::{ACCESS_CODE_BYTES_MAX, FIELD_ERRORS_MAX};
use crate::problem::FieldError;

const MS_PER_S: u64 = 1_000;

/// The engine's configuration of a venue file. What the engine itself checks (limits, contradictions) is left to it.
///
/// # Errors
/// Every name that is unknown or there twice, every label that does not fit, by path; at most [`FIELD_ERRORS_MAX`].
pub fn resolve(keys: &Keys, venue: &Venue) -> Result<Config, Vec<FieldError>> {
    let mut errors = Errors::default();
    let names = Names::of(venue, &mut errors);
    let currency = currency(&venue.currency, &mut errors);
    let rows = rows(venue, &names, &mut errors);
    let config = Config {
        currency,
        pools: venue
            .pools
            .iter()
            .map(|pool| tessera_inventory::Pool { name: pool.name.as_str().into(), capacity: pool.capacity })
            .collect(),
        categories: venue
            .categories
            .iter()
            .map(|category| tessera_inventory::Category {
                name: category.name.as_str().into(),
                focal_point: point(category.focal_point.x_mm, category.focal_point.y_mm),
            })
            .collect(),
        sections: venue.sections.iter().map(|name| name.as_str().into()).collect(),
        rows: rows.into(),
        channels: channels(keys, venue, &names, &mut errors),
        ticket_types: ticket_types(keys, venue, &names, &mut errors),
        units_per_subject_max: venue.units_per_subject_max,
        hold: hold(&venue.hold),
        seating: SeatingPolicy {
            stranding_allowed: venue.seating.stranding_allowed,
            companions_max: venue.seating.companions_max,
            accessible_released: venue.seating.accessible_released,
        },
        schedule: tessera_inventory::Schedule {
            presale_at: venue.schedule.presale_at.map(|at| at.0),
            on_sale_at: venue.schedule.on_sale_at.map(|at| at.0),
            closes_at: venue.schedule.closes_at.map(|at| at.0),
        },
        tariff: tariff::resolve(keys, venue, &mut errors),
        entry: entry::resolve(venue, &mut errors),
        waitlist: waitlist::resolve(venue, &mut errors),
    };
    if errors.0.is_empty() { Ok(config) } else { Err(errors.0) }
}

#[derive(Default)]
pub(super) struct Errors(pub(super) Vec<FieldError>);

impl Errors {
    pub(super) fn add(&mut self, path: impl FnOnce() -> String, message: impl Into<String>) {
        if self.0.len() < FIELD_ERRORS_MAX {
            self.0.push(FieldError { path: format!("configuration.{}", path()), message: message.into() });
        }
    }
}

/// Positions of names in their lists.
struct Names<'a> {
    pools: BTreeMap<&'a str, usize>,
    categories: BTreeMap<&'a str, usize>,
    sections: BTreeMap<&'a str, usize>,
    channels: BTreeMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn of(venue: &'a Venue, errors: &mut Errors) -> Names<'a> {
        let names = Names {
            pools: index("pools", venue.pools.iter().map(|pool| pool.name.as_str()), errors),
            categories: index("categories", venue.categories.iter().map(|one| one.name.as_str()), errors),
            sections: index("sections", venue.sections.iter().map(String::as_str), errors),
            channels: index("channels", venue.channels.iter().map(|one| one.name.as_str()), errors),
        };
        index("ticket_types", venue.ticket_types.iter().map(|one| one.name.as_str()), errors);
        names
    }
}

pub(super) fn index<'a>(
    list: &str,
    names: impl Iterator<Item = &'a str>,
    errors: &mut Errors,
) -> BTreeMap<&'a str, usize> {
    let mut index = BTreeMap::new();
    for (position, name) in names.enumerate() {
        if index.insert(name, position).is_some() {
            errors.add(
                || format!("{list}[{position}]"),
                "another one has this name; the API names things by name",
            );
        }
    }
    index
}

/// The position of a name, as the number type of its identifier. A list too long for that is refused by the engine.
pub(super) fn find<N: TryFrom<usize>>(
    index: &BTreeMap<&str, usize>,
    name: &str,
    what: &str,
    errors: &mut Errors,
    path: impl FnOnce() -> String,
) -> Option<N> {
    let found = index.get(name).and_then(|position| N::try_from(*position).ok());
    if found.is_none() {
        errors.add(path, format!("there is no {what} named {name:?}"));
    }
    found
}

fn currency(code: &str, errors: &mut Errors) -> [u8; 3] {
    let known = iso_currency::Currency::from_code(code).is_some();
    match <[u8; 3]>::try_from(code.as_bytes()) {
        Ok(bytes) if known => bytes,
        _ => {
            errors.add(|| "currency".to_owned(), "not an ISO 4217 code such as EUR");
            [0; 3]
        }
    }
}

fn point(x_mm: i32, y_mm: i32) -> tessera_inventory::Point {
    tessera_inventory::Point { x_mm, y_mm }
}

fn hold(policy: &schema::Hold) -> HoldPolicy {
    let default = HoldPolicy::default();
    let ms = |seconds: Option<u32>, default: u64| seconds.map_or(default, |s| u64::from(s) * MS_PER_S);
    let duration_ms = ms(policy.duration_s, default.duration_ms);
    HoldPolicy {
        duration_ms,
        renewals_max: policy.renewals_max.unwrap_or(default.renewals_max),
        life_ms_max: ms(policy.life_s_max, default.life_ms_max.max(duration_ms)),
        grace_ms: ms(policy.grace_s, default.grace_ms),
    }
}

pub(super) fn code(
    keys: &Keys,
    text: &str,
    errors: &mut Errors,
    path: impl FnOnce() -> String,
) -> AccessCode {
    if text.is_empty() || text.len() > ACCESS_CODE_BYTES_MAX {
        errors.add(path, "an access code has 1 to 64 bytes");
    }
    keys.access_code(text)
}

fn channels(
    keys: &Keys,
    venue: &Venue,
    names: &Names<'_>,
    errors: &mut Errors,
) -> Vec<tessera_inventory::Channel> {
    let one = |(at, channel): (usize, &schema::Channel)| {
        let allotments = channel.allotments.iter().enumerate().filter_map(|(slice, allotment)| {
            let path = || format!("channels[{at}].allotments[{slice}].pool");
            let pool = find(&names.pools, &allotment.pool, "pool", errors, path)?;
            Some((PoolId(pool), allotment.quantity))
        });
        let allotments = allotments.collect();
        tessera_inventory::Channel {
            name: channel.name.as_str().into(),
            code: code(keys, &channel.code, errors, || format!("channels[{at}].code")),
            allotments,
            release_at: channel.release_at.map(|at: Rfc3339| at.0),
        }
    };
    venue.channels.iter().enumerate().map(one).collect()
}

fn ticket_types(
    keys: &Keys,
    venue: &Venue,
    names: &Names<'_>,
    errors: &mut Errors,
) -> Vec<tessera_inventory::TicketType> {
    let one = |(at, ticket_type): (usize, &schema::TicketType)| {
        let draws_on = ticket_type.draws_on.iter().enumerate().filter_map(|(draw, name)| {
            find(&names.pools, name, "pool", errors, || format!("ticket_types[{at}].draws_on[{draw}]"))
                .map(PoolId)
        });
        let draws_on = draws_on.collect();
        let category = ticket_type.category.as_deref().and_then(|name| {
            find(&names.categories, name, "category", errors, || format!("ticket_types[{at}].category"))
        });
        tessera_inventory::TicketType {
            name: ticket_type.name.as_str().into(),
            price_minor: ticket_type.price,
            window: SaleWindow {
                opens_at: ticket_type.opens_at.map(|at| at.0),
                closes_at: ticket_type.closes_at.map(|at| at.0),
            },
            per_order_min: ticket_type.per_order_min,
            per_order_max: ticket_type.per_order_max,
            per_subject_max: ticket_type.per_subject_max,
            access_code: ticket_type
                .access_code
                .as_deref()
                .map(|text| code(keys, text, errors, || format!("ticket_types[{at}].access_code"))),
            category: category.map(CategoryId),
            draws_on,
            kind: kind(ticket_type, errors, || format!("ticket_types[{at}].with_admission_max")),
        }
    };
    venue.ticket_types.iter().enumerate().map(one).collect()
}

fn kind(ticket_type: &schema::TicketType, errors: &mut Errors, path: impl FnOnce() -> String) -> TicketKind {
    let with_admission_max = ticket_type.with_admission_max;
    match ticket_type.kind {
        schema::TicketKind::AddOn => TicketKind::AddOn { with_admission_max },
        schema::TicketKind::Admission => {
            if with_admission_max > 0 {
                errors.add(path, "is for add-ons only");
            }
            TicketKind::Admission
        }
    }
}

fn rows(venue: &Venue, names: &Names<'_>, errors: &mut Errors) -> Vec<tessera_inventory::Row> {
    let mut seats = 0_u64;
    let mut rows = Vec::with_capacity(venue.rows.len());
    for (at, row) in venue.rows.iter().enumerate() {
        let section =
            find(&names.sections, &row.section, "section", errors, || format!("rows[{at}].section"));
        let mut blocks = Vec::with_capacity(row.blocks.len());
        for (position, block) in row.blocks.iter().enumerate() {
            let path = format!("rows[{at}].blocks[{position}]");
            // Before the block is built: a run of a few bytes stands for many seats, and a row may have any number of them.
            seats += match block {
                Block::Seats(list) => list.len() as u64,
                // A run that is too long is reported below, and builds nothing.
                Block::Run(run) => run_length(run).min(BLOCK_SEATS_MAX as u64),
            };
            if seats > SEATS_MAX as u64 {
                errors.add(|| path, format!("an event has at most {SEATS_MAX} seats"));
                return rows;
            }
            let block = match block {
                Block::Seats(list) => listed(list, &path, names, errors),
                Block::Run(run) => numbered(run, &path, names, errors),
            };
            blocks.push(block.into_boxed_slice());
        }
        rows.push(tessera_inventory::Row {
            section: SectionId(section.unwrap_or_default()),
            label: row.label.as_str().into(),
            blocks: blocks.into_boxed_slice(),
        });
    }
    rows
}

fn listed(
    seats: &[schema::Seat],
    path: &str,
    names: &Names<'_>,
    errors: &mut Errors,
) -> Vec<tessera_inventory::Seat> {
    let one = |(at, seat): (usize, &schema::Seat)| {
        let here = |field: &str| format!("{path}[{at}].{field}");
        let category = find(&names.categories, &seat.category, "category", errors, || here("category"));
        let channel = seat
            .channel
            .as_deref()
            .and_then(|name| find(&names.channels, name, "channel", errors, || here("channel")));
        tessera_inventory::Seat {
            label: label(&seat.label, errors, || here("label")),
            category: CategoryId(category.unwrap_or_default()),
            channel: channel.map(ChannelId),
            position: point(seat.x_mm, seat.y_mm),
            accessible: seat.accessible,
            companion: seat.companion,
            restricted_view: seat.restricted_view,
        }
    };
    seats.iter().enumerate().map(one).collect()
}

fn run_length(run: &Run) -> u64 {
    u64::from(run.from.abs_diff(run.to)) + 1
}

fn numbered(run: &Run, path: &str, names: &Names<'_>, errors: &mut Errors) -> Vec<tessera_inventory::Seat> {
    let here = |field: &str| format!("{path}.{field}");
    let length = run_length(run);
    if length > BLOCK_SEATS_MAX as u64 {
        errors
            .add(|| here("to"), format!("a block has at most {BLOCK_SEATS_MAX} seats; end it with an aisle"));
        return Vec::new();
    }
    let contains = |number: &u32| (run.from.min(run.to)..=run.from.max(run.to)).contains(number);
    for (field, list) in [
        ("accessible", &run.accessible),
        ("companion", &run.companion),
        ("restricted_view", &run.restricted_view),
    ] {
        if let Some(at) = list.iter().position(|number| !contains(number)) {
            errors.add(|| format!("{path}.{field}[{at}]"), "no seat of the run has this label");
        }
    }
    let category = find(&names.categories, &run.category, "category", errors, || here("category"));
    let channel = run
        .channel
        .as_deref()
        .and_then(|name| find(&names.channels, name, "channel", errors, || here("channel")));
    let seat = |step: i32| {
        let number = if run.from <= run.to {
            run.from.saturating_add(step.unsigned_abs())
        } else {
            run.from.saturating_sub(step.unsigned_abs())
        };
        tessera_inventory::Seat {
            label: label(&number.to_string(), errors, || here("to")),
            category: CategoryId(category.unwrap_or_default()),
            channel: channel.map(ChannelId),
            position: point(
                run.x_mm.saturating_add(run.step_x_mm.saturating_mul(step)),
                run.y_mm.saturating_add(run.step_y_mm.saturating_mul(step)),
            ),
            accessible: run.accessible.contains(&number),
            companion: run.companion.contains(&number),
            restricted_view: run.restricted_view.contains(&number),
        }
    };
    // `length` is at most BLOCK_SEATS_MAX.
    (0..i32::try_from(length).unwrap_or_default()).map(seat).collect()
}

fn label(text: &str, errors: &mut Errors, path: impl FnOnce() -> String) -> [u8; SEAT_LABEL_BYTES_MAX] {
    let mut label = [0; SEAT_LABEL_BYTES_MAX];
    let fits =
        (1..=SEAT_LABEL_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        label[..text.len()].copy_from_slice(text.as_bytes());
    } else {
        errors.add(path, "a seat's label has 1 to 8 visible ASCII characters");
    }
    label
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"{"currency":"EUR",
        "pools":[{"name":"Floor","capacity":5000}],
        "categories":[{"name":"Lower tier","focal_point":{"x_mm":0,"y_mm":12000}}],
        "sections":["A"],
        "rows":[{"section":"A","label":"1","blocks":[
            [{"label":"1","category":"Lower tier","x_mm":-5000,"y_mm":15000,"accessible":true,"channel":"Sponsor"}],
            {"from":14,"to":12,"x_mm":0,"y_mm":15000,"step_x_mm":500,"category":"Lower tier","companion":[13]}]}],
        "channels":[{"name":"Sponsor","code":"SPONSOR","allotments":[{"pool":"Floor","quantity":200}],
                     "release_at":"2027-01-01T10:00:00Z"}],
        "ticket_types":[{"name":"Standing","price":4500,"opens_at":null,"per_order_max":6,"draws_on":["Floor"]},
                        {"name":"Lower tier","price":9000,"category":"Lower tier"}],
        "hold":{"duration_s":600}}"#;

    fn check(change: (&str, &str), path: &str) {
        let text = EXAMPLE.replace(change.0, change.1);
        assert_ne!(text, EXAMPLE, "the change must change something");
        let venue = crate::json::parse::<Venue>(text.as_bytes()).unwrap();
        let errors = resolve(&Keys::derive(&[1; 32]), &venue).unwrap_err();
        assert!(errors.iter().any(|error| error.path == path), "{path}: {errors:?}");
    }

    #[test]
    fn a_row_of_more_seats_than_an_event_may_have_is_refused_before_it_is_built() {
        let run = r#"{"from":1,"to":128,"x_mm":0,"y_mm":0,"category":"C"}"#;
        let resolved = |runs: usize| {
            let blocks = vec![run; runs].join(",");
            let text = format!(
                r#"{{"currency":"EUR","categories":[{{"name":"C","focal_point":{{"x_mm":0,"y_mm":0}}}}],"sections":["A"],
                "rows":[{{"section":"A","label":"1","blocks":[{blocks}]}}],"ticket_types":[{{"name":"T","price":1,"category":"C"}}]}}"#
            );
            let venue = crate::json::parse::<Venue>(text.as_bytes()).unwrap();
            resolve(&Keys::derive(&[1; 32]), &venue)
        };
        let fits = SEATS_MAX / BLOCK_SEATS_MAX;
        let rows = resolved(fits).unwrap().rows;
        assert_eq!(rows[0].blocks.iter().map(|block| block.len()).sum::<usize>(), fits * BLOCK_SEATS_MAX);
        // The error is at the first block that is too much: none after it was looked at.
        let errors = resolved(4 * fits).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].path, format!("configuration.rows[0].blocks[{fits}]"));
    }

    #[test]
    fn the_documented_example_resolves() {
        let venue = crate::json::parse::<Venue>(EXAMPLE.as_bytes()).unwrap();
        let config = resolve(&Keys::derive(&[1; 32]), &venue).unwrap();
        assert_eq!(config.currency, *b"EUR");
        assert_eq!(config.channels[0].allotments, [(PoolId(0), 200)]);
        let blocks = &config.rows[0].blocks;
        assert_eq!((blocks[0].len(), blocks[1].len()), (1, 3));
        assert!(blocks[0][0].accessible && blocks[0][0].channel == Some(ChannelId(0)));
        assert_eq!(&blocks[1][0].label, b"14\0\0\0\0\0\0");
        assert!(blocks[1][1].companion && blocks[1][1].position.x_mm == 500);
        assert_eq!(config.ticket_types[1].category, Some(CategoryId(0)));
        assert_eq!(config.ticket_types[0].per_order_min, 1);
    }

    #[test]
    fn every_wrong_name_is_told_by_its_path() {
        check((r#""currency":"EUR""#, r#""currency":"XYZ""#), "configuration.currency");
        check(
            (r#""draws_on":["Floor"]"#, r#""draws_on":["Roof"]"#),
            "configuration.ticket_types[0].draws_on[0]",
        );
        check((r#""pool":"Floor""#, r#""pool":"Roof""#), "configuration.channels[0].allotments[0].pool");
        check((r#""section":"A""#, r#""section":"B""#), "configuration.rows[0].section");
        check((r#""channel":"Sponsor""#, r#""channel":"X""#), "configuration.rows[0].blocks[0][0].channel");
        check((r#""from":14"#, r#""from":4000000000"#), "configuration.rows[0].blocks[1].to");
        check((r#""companion":[13]"#, r#""companion":[99]"#), "configuration.rows[0].blocks[1].companion[0]");
        check(
            (r#""label":"1","category""#, r#""label":"123456789","category""#),
            "configuration.rows[0].blocks[0][0].label",
        );
        check(
            (r#""name":"Lower tier","price""#, r#""name":"Standing","price""#),
            "configuration.ticket_types[1]",
        );
    }
}
