//! Objectives: a table from what is measured to its bound, and the same as `NAME=BOUND` on the command line.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{Error as PlainError, StrDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use tessera_verdict::recording::{Measure, Objective};

/// Read the `[objectives]` table.
pub(crate) fn read<'de, D: Deserializer<'de>>(table: D) -> Result<Vec<Objective>, D::Error> {
    struct Table;
    impl<'de> Visitor<'de> for Table {
        type Value = Vec<Objective>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table of objectives, such as hold_p99_ms = 250")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut objectives = Vec::new();
            while let Some((measure, bound)) = map.next_entry::<Measure, f64>()? {
                if !(bound.is_finite() && bound >= 0.0) {
                    return Err(A::Error::custom("the bound of an objective is a number from 0 on"));
                }
                objectives.push(Objective { measure, bound });
            }
            Ok(objectives)
        }
    }
    table.deserialize_map(Table)
}

/// Read `NAME=BOUND`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(text: &str) -> Result<Objective, String> {
    let (name, bound) = text.split_once('=').ok_or("write it as hold_p99_ms=100")?;
    let name: StrDeserializer<'_, PlainError> = name.trim().into_deserializer();
    let measure = Measure::deserialize(name).map_err(|error| error.to_string())?;
    match bound.trim().parse::<f64>() {
        Ok(bound) if bound.is_finite() && bound >= 0.0 => Ok(Objective { measure, bound }),
        _ => Err(format!("{bound:?} is no bound; give a number from 0 on")),
    }
}

/// Its name, as it is written in scenarios.
#[must_use]
pub fn name(measure: Measure) -> String {
    serde_json::to_value(measure).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}
