//! What is sold: a venue file, the shipped arena, a small hall described in place, or an event that is there already.

use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::{Value, json};
use tessera_demo::arena::ARENA;

use super::Place;
use crate::error::ScenarioError;

/// The name of the shipped venue.
const SHIPPED: &str = "arena";
/// Times of a hold that the API takes, in seconds.
const HOLD_S: RangeInclusive<u32> = 60..=7_200;
/// Longest grace of a payment that it takes, in seconds.
const GRACE_S_MAX: u32 = 900;
/// Renewals of one hold, where the scenario sets its time.
const RENEWALS_MAX: u32 = 2;
/// Whole life of a hold, in times of a hold.
const LIVES: u32 = 3;
/// Most units of one order, where a hall does not say.
const PER_ORDER_MAX: u16 = 6;
/// Most seats of a hall: what the API takes of one event.
const HALL_SEATS_MAX: u64 = 1_000_000;
/// Distance of seats and rows of a hall, in millimetres.
const PITCH_MM: i64 = 500;
const ROW_PITCH_MM: i64 = 900;
/// When channels without a time of their own are released, in seconds after the set-up.
const CHANNEL_RELEASE_S: u32 = 60;

/// What is sold.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The rehearsal creates it.
    Created {
        /// Its configuration, as a venue file.
        configuration: Value,
        /// How long its presale lasts, in seconds of the run; none: it is on sale from the beginning.
        presale_s: Option<f64>,
        /// When its channels are released, in seconds after the set-up.
        channel_release_s: u32,
    },
    /// It is there, and on sale.
    Existing {
        /// Its identifier.
        id: String,
    },
}

/// The `[event]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventFile {
    venue: Option<String>,
    hall: Option<Hall>,
    id: Option<String>,
    hold_s: Option<u32>,
    grace_s: Option<u32>,
    presale_s: Option<f64>,
    channel_release_s: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hall {
    #[serde(default = "euro")]
    currency: String,
    #[serde(default)]
    standing: Vec<Standing>,
    #[serde(default)]
    seated: Vec<Seated>,
    #[serde(default)]
    channels: Vec<Channel>,
    units_per_buyer_max: Option<u32>,
    #[serde(default)]
    stranding_allowed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    name: String,
    units: u32,
    price: i64,
    #[serde(default = "per_order_max")]
    per_order_max: u16,
    per_buyer_max: Option<u32>,
    access_code: Option<String>,
    /// Another area whose units it draws on, too.
    within: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seated {
    name: String,
    rows: u32,
    seats: u32,
    price: i64,
    #[serde(default = "per_order_max")]
    per_order_max: u16,
    per_buyer_max: Option<u32>,
    access_code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
    name: String,
    code: String,
    area: String,
    units: u32,
}

fn euro() -> String {
    "EUR".to_owned()
}

fn per_order_max() -> u16 {
    PER_ORDER_MAX
}

/// Read the table and the venue file that it names.
pub(crate) fn read(file: &EventFile, place: &Place<'_>) -> Result<Event, ScenarioError> {
    let mut configuration = match (&file.venue, &file.hall, &file.id) {
        (None, None, Some(id)) => return existing(file, id, place),
        (Some(venue), None, None) => {
            let text = if venue == SHIPPED { ARENA.to_owned() } else { place.beside("venue", venue)? };
            serde_json::from_str(&text).map_err(|error| {
                place.wrong("venue", format!("{venue} is no venue file ({error}); see docs/api.md"))
            })?
        }
        (None, Some(hall), None) => {
            if hall.seats() > HALL_SEATS_MAX {
                return Err(place.wrong("seated", format!("give at most {HALL_SEATS_MAX} seats in all")));
            }
            hall.configuration()
        }
        _ => {
            let detail = "say what is sold: either venue = \"arena\" (or a venue file), or an [event.hall] table, or id = \"evt_…\"";
            return Err(place.wrong("venue", detail));
        }
    };
    if let Some(hold_s) = file.hold_s {
        if !HOLD_S.contains(&hold_s) {
            let [least, most] = [HOLD_S.start(), HOLD_S.end()];
            return Err(place.wrong("hold_s", format!("give {least} to {most} seconds")));
        }
        let grace_s = file.grace_s.unwrap_or(hold_s).clamp(1, GRACE_S_MAX);
        configuration["hold"] = json!({
            "duration_s": hold_s, "renewals_max": RENEWALS_MAX, "life_s_max": hold_s.saturating_mul(LIVES), "grace_s": grace_s});
    } else if file.grace_s.is_some() {
        return Err(place.wrong("grace_s", "it goes with hold_s; give both"));
    }
    let channel_release_s = file.channel_release_s.unwrap_or(CHANNEL_RELEASE_S);
    Ok(Event::Created { configuration, presale_s: file.presale_s, channel_release_s })
}

impl Event {
    /// Whether it fits a crowd that comes for so many seconds.
    pub(crate) fn check(&self, duration_s: f64, place: &Place<'_>) -> Result<(), ScenarioError> {
        let Event::Created { presale_s: Some(presale_s), .. } = self else { return Ok(()) };
        if *presale_s > 0.0 && *presale_s <= duration_s {
            return Ok(());
        }
        let detail =
            format!("give more than 0 and at most crowd.duration_s ({duration_s}) seconds, or leave it away");
        Err(place.wrong("presale_s", detail))
    }
}

fn existing(file: &EventFile, id: &str, place: &Place<'_>) -> Result<Event, ScenarioError> {
    let is_id = |id: &str| {
        let rest = id.strip_prefix("evt_")?;
        (!rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
            .then_some(())
    };
    if is_id(id).is_none() {
        return Err(place.wrong(
            "id",
            format!("{id:?} is not the identifier of an event, such as evt_01m7xr7tgxfr59g2y38sxnz8tg"),
        ));
    }
    let given = [
        ("hold_s", file.hold_s.is_some()),
        ("grace_s", file.grace_s.is_some()),
        ("presale_s", file.presale_s.is_some()),
        ("channel_release_s", file.channel_release_s.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => {
            Err(place.wrong(field, "an event that is there has its own; leave it away, or id"))
        }
        None => Ok(Event::Existing { id: id.to_owned() }),
    }
}

impl Hall {
    /// Seats in all; a row without seats counts as one.
    fn seats(&self) -> u64 {
        let of = |block: &Seated| u64::from(block.rows) * u64::from(block.seats.max(1));
        self.seated.iter().map(of).fold(0, u64::saturating_add)
    }

    /// The venue file.
    fn configuration(&self) -> Value {
        let standing = self.standing.iter().map(|area| {
            let pools: Vec<&String> = std::iter::once(&area.name).chain(&area.within).collect();
            json!({"name": area.name, "price": area.price, "per_order_min": 1, "per_order_max": area.per_order_max,
                "per_subject_max": area.per_buyer_max, "access_code": area.access_code, "draws_on": pools})
        });
        let seated = self.seated.iter().map(|block| {
            json!({"name": block.name, "price": block.price, "per_order_min": 1, "per_order_max": block.per_order_max,
                "per_subject_max": block.per_buyer_max, "access_code": block.access_code, "category": block.name, "draws_on": []})
        });
        let ticket_types: Vec<Value> = standing.chain(seated).collect();
        let pools: Vec<Value> =
            self.standing.iter().map(|area| json!({"name": area.name, "capacity": area.units})).collect();
        let channels: Vec<Value> = self.channels.iter().map(|channel| {
            json!({"name": channel.name, "code": channel.code, "allotments": [{"pool": channel.area, "quantity": channel.units}]})
        }).collect();
        let names: Vec<&String> = self.seated.iter().map(|block| &block.name).collect();
        let categories: Vec<Value> =
            names.iter().map(|name| json!({"name": name, "focal_point": {"x_mm": 0, "y_mm": 0}})).collect();
        json!({"currency": self.currency, "pools": pools, "categories": categories, "sections": names, "rows": self.rows(),
            "channels": channels, "ticket_types": ticket_types, "units_per_subject_max": self.units_per_buyer_max,
            "seating": {"stranding_allowed": self.stranding_allowed, "companions_max": 1, "accessible_released": false}})
    }

    /// Every row of the hall, one block each, behind one another.
    fn rows(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut y_mm = 0;
        for block in &self.seated {
            for row in 1..=block.rows {
                y_mm += ROW_PITCH_MM;
                let x_mm = -i64::from(block.seats) * PITCH_MM / 2;
                let run = json!({"from": 1, "to": block.seats, "x_mm": x_mm, "y_mm": y_mm, "step_x_mm": PITCH_MM, "step_y_mm": 0,
                    "category": block.name});
                rows.push(json!({"section": block.name, "label": row.to_string(), "blocks": [run]}));
            }
        }
        rows
    }
}
