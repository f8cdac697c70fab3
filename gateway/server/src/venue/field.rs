//! From the engine's names of configuration fields to those of the venue file, in the units of the file.

use tessera_inventory::{
    ConfigError, GRACE_MS_MAX, HOLD_LIFE_MS_MAX, HOLD_MS_MAX, HOLD_MS_MIN, PATIENCE_MS_MAX,
};
use tessera_pricing::{AMOUNT_MINOR_MAX, RATE_PPM_MAX};

use crate::problem::FieldError;

const MS_PER_S: u64 = 1_000;
const PPM_PER_CENT: u32 = 10_000;

/// How a path of the engine ends, how it ends in the file, and what to say; `None`: what the engine says.
type Field = (&'static str, &'static str, Option<fn() -> String>);

/// Every field that has another name or another unit in the file.
const FIELDS: [Field; 18] = [
    ("hold.duration_ms", "hold.duration_s", Some(duration)),
    ("hold.life_ms_max", "hold.life_s_max", Some(life)),
    ("hold.grace_ms", "hold.grace_s", Some(grace)),
    (".price_minor", ".price", None),
    (".rate_ppm", ".rate", Some(rate)),
    (".fixed_minor", ".fixed", None),
    (".min_minor", ".min", None),
    (".max_minor", ".max", None),
    (".amount_max_minor", ".amount_max", None),
    (".serials", ".single_use_codes", None),
    (".types", ".ticket_types", None),
    ("waitlist.patience_ms", "waitlist.patience_s", Some(patience)),
    ("waitlist.offer_ms", "waitlist.offer_s", Some(duration)),
    ("waitlist.per_subject_max", "waitlist.per_buyer_max", None),
    (".effect", "", Some(effect)),
    ("tariff.rounding_unit_minor", "tariff.rounding_unit", None),
    (".window", ".closes_at", Some(window)),
    ("schedule", "schedule", Some(schedule)),
];
/// What the engine says of a seat; the file may have written its block as a run.
const POSITION: &str = ".position";

fn duration() -> String {
    format!("use {} to {} seconds", HOLD_MS_MIN / MS_PER_S, HOLD_MS_MAX / MS_PER_S)
}

fn patience() -> String {
    format!("use at most {} seconds, and with accumulate at least 1", PATIENCE_MS_MAX / MS_PER_S)
}

fn life() -> String {
    format!("use at least hold.duration_s, and at most {} seconds", HOLD_LIFE_MS_MAX / MS_PER_S)
}

fn grace() -> String {
    format!("use 1 to {} seconds", GRACE_MS_MAX / MS_PER_S)
}

fn rate() -> String {
    format!("use at most {} %", RATE_PPM_MAX / PPM_PER_CENT)
}

fn effect() -> String {
    format!("take off at most 100 %, or 0 to {AMOUNT_MINOR_MAX} minor units")
}

fn window() -> String {
    "does not come after opens_at; swap or move them".to_owned()
}

fn schedule() -> String {
    "presale_at, on_sale_at and closes_at must come in this order; swap or move them".to_owned()
}

/// The error as the author of the file reads it.
#[must_use]
pub(crate) fn in_file(error: &ConfigError) -> FieldError {
    let (path, message) = renamed(error).unwrap_or_else(|| (error.path.clone(), error.problem.clone()));
    FieldError { path: format!("configuration.{path}"), message }
}

fn renamed(error: &ConfigError) -> Option<(String, String)> {
    if let Some((list, place)) = error.path.split_once(".types[") {
        return Some((format!("{list}.ticket_types[{place}"), error.problem.clone()));
    }
    if let Some(seat) = error.path.strip_suffix(POSITION) {
        let (block, position) = seat.trim_end_matches(']').rsplit_once('[')?;
        return Some((block.to_owned(), format!("seat {position} of the block {}", error.problem)));
    }
    let (field, before) = FIELDS.iter().find_map(|field| Some((field, error.path.strip_suffix(field.0)?)))?;
    let message = field.2.map_or_else(|| error.problem.clone(), |message| message());
    Some((format!("{before}{}", field.1), message))
}
