//! A scenario: the event, the crowd and the objectives, as a TOML file that `docs/simulate.md` describes.

use std::path::Path;

use serde::Deserialize;
use tessera_demo::venue::Venue;
use tessera_verdict::recording::Objective;
use toml::Spanned;

use crate::arrivals::{ArrivalsFile, Profile};
use crate::error::{RehearsalError, ScenarioError};
use crate::wishes::Menu;

pub mod behaviour;
pub mod event;
pub mod objectives;

use behaviour::Behaviour;
use event::{Event, EventFile};

/// Most buyer sessions of one run.
pub const BUYERS_MAX: u32 = 2_000_000;
/// Most sockets that a run holds open: as many ports of its own as an address has, with some left for others.
pub const SOCKETS_MAX: u32 = 25_000;
/// Sockets unless the scenario says otherwise.
const SOCKETS_DEFAULT: u32 = 1_000;
/// Longest time that arrivals are spread over, in seconds.
const DURATION_S_MAX: f64 = 86_400.0;
/// Longest a client waits for an answer, in seconds.
const PATIENCE_S_MAX: f64 = 600.0;
/// How long it waits unless the scenario says otherwise, in seconds.
const PATIENCE_S_DEFAULT: f64 = 10.0;

/// A scenario that was read and can be run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is about, in a sentence.
    pub description: String,
    /// The file as it was written.
    pub text: String,
    /// What is sold.
    pub event: Event,
    /// Who comes, and when.
    pub crowd: Crowd,
    /// The kinds of buyers.
    pub behaviours: Vec<Behaviour>,
    /// What must hold.
    pub objectives: Vec<Objective>,
    /// The buyers that the file asks for, where fewer are to come.
    pub fewer_than: Option<u32>,
}

/// Who comes, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Crowd {
    /// Buyer sessions.
    pub buyers: u32,
    /// Arrivals are spread over so many seconds.
    pub duration_s: f64,
    /// Most sockets open at once.
    pub sockets: u32,
    /// How long a client waits for an answer, in seconds.
    pub patience_s: f64,
    /// How arrivals are spread.
    pub profile: Profile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    name: String,
    description: String,
    event: Spanned<EventFile>,
    crowd: Spanned<CrowdFile>,
    #[serde(default)]
    behaviours: Vec<Spanned<Behaviour>>,
    #[serde(default, deserialize_with = "objectives::read")]
    objectives: Vec<Objective>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CrowdFile {
    buyers: u32,
    duration_s: f64,
    #[serde(default = "sockets_default")]
    sockets: u32,
    #[serde(default = "patience_s_default")]
    patience_s: f64,
    arrivals: ArrivalsFile,
}

fn sockets_default() -> u32 {
    SOCKETS_DEFAULT
}

fn patience_s_default() -> f64 {
    PATIENCE_S_DEFAULT
}

/// Where in a file something stands, to say what is wrong with it.
pub(crate) struct Place<'a> {
    file: &'a Path,
    text: &'a str,
    /// Where its table begins.
    offset: usize,
    table: &'a str,
}

impl Place<'_> {
    /// An error about a field of this table.
    pub(crate) fn wrong(&self, field: &str, detail: impl Into<String>) -> ScenarioError {
        let begun = self.text[..self.offset].matches('\n').count();
        let names = |line: &str| {
            let rest = line.trim_start().trim_start_matches('[').strip_prefix(field);
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
        };
        let below = self.text.lines().skip(begun).position(names).unwrap_or(0);
        ScenarioError {
            file: self.file.display().to_string(),
            line: Some(begun + below + 1),
            field: Some(format!("{}.{field}", self.table)),
            detail: detail.into(),
        }
    }

    /// A file that this one names, beside it.
    pub(crate) fn beside(&self, field: &str, name: &str) -> Result<String, ScenarioError> {
        let path = self.file.parent().unwrap_or(Path::new("")).join(name);
        std::fs::read_to_string(&path).map_err(|error| {
            self.wrong(
                field,
                format!("{} cannot be read ({error}); name a file beside the scenario", path.display()),
            )
        })
    }
}

impl Scenario {
    /// Read a scenario file, and the files that it names.
    ///
    /// # Errors
    /// [`ScenarioError`] with the line and the field.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|error| ScenarioError {
            file: path.display().to_string(),
            line: None,
            field: None,
            detail: format!("the scenario cannot be read: {error}"),
        })?;
        Scenario::read(&text, path)
    }

    /// Read the text of a scenario that stands (or would stand) at `path`.
    ///
    /// # Errors
    /// [`ScenarioError`] with the line and the field.
    pub fn read(text: &str, path: &Path) -> Result<Self, ScenarioError> {
        let file: ScenarioFile = toml::from_str(text).map_err(|error| ScenarioError {
            file: path.display().to_string(),
            line: error.span().map(|span| text[..span.start].matches('\n').count() + 1),
            field: None,
            detail: error.message().to_owned(),
        })?;
        let place = |offset, table| Place { file: path, text, offset, table };
        let event = event::read(file.event.get_ref(), &place(file.event.span().start, "event"))?;
        let crowd = Crowd::read(file.crowd.get_ref(), &place(file.crowd.span().start, "crowd"))?;
        event.check(crowd.duration_s, &place(file.event.span().start, "event"))?;
        if file.behaviours.is_empty() {
            return Err(place(0, "scenario").wrong(
                "behaviours",
                "nobody would come; add a [[behaviours]] table with a kind and a share",
            ));
        }
        let venue = event.venue(&place(file.event.span().start, "event"))?;
        let mut behaviours = Vec::with_capacity(file.behaviours.len());
        for (index, behaviour) in file.behaviours.into_iter().enumerate() {
            let table = format!("behaviours[{index}]");
            let place = Place { file: path, text, offset: behaviour.span().start, table: &table };
            let behaviour = behaviour.into_inner();
            behaviour.check(crowd.duration_s, &place)?;
            if let Some(venue) = &venue {
                Menu::new(venue, &behaviour).map_err(|detail| place.wrong("wants", detail))?;
            }
            behaviours.push(behaviour);
        }
        if behaviours.iter().all(|behaviour| behaviour.share == 0) {
            return Err(place(0, "scenario")
                .wrong("behaviours", "every share is 0: nobody would come; give one of them a share"));
        }
        let (name, description, objectives) = (file.name, file.description, file.objectives);
        let text = text.to_owned();
        Ok(Scenario { name, description, text, event, crowd, behaviours, objectives, fewer_than: None })
    }

    /// Let another number of buyers come: the same crowd, smaller or larger.
    ///
    /// # Errors
    /// [`RehearsalError::Usage`] for a number that no run can have.
    pub fn set_buyers(&mut self, buyers: u32) -> Result<(), RehearsalError> {
        if !(1..=BUYERS_MAX).contains(&buyers) {
            return Err(RehearsalError::Usage(format!("--buyers takes 1 to {BUYERS_MAX}")));
        }
        self.fewer_than = Some(self.crowd.buyers).filter(|written| buyers < *written);
        self.crowd.buyers = buyers;
        // The report shows what was run, not only what was written.
        self.text = format!("# run with --buyers {buyers}\n{}", self.text);
        Ok(())
    }
}

impl Crowd {
    fn read(file: &CrowdFile, place: &Place<'_>) -> Result<Self, ScenarioError> {
        if !(1..=BUYERS_MAX).contains(&file.buyers) {
            return Err(place.wrong("buyers", format!("give 1 to {BUYERS_MAX} buyers")));
        }
        if !(file.duration_s > 0.0 && file.duration_s <= DURATION_S_MAX) {
            return Err(
                place.wrong("duration_s", format!("give more than 0 and at most {DURATION_S_MAX} seconds"))
            );
        }
        if !(1..=SOCKETS_MAX).contains(&file.sockets) {
            return Err(place.wrong("sockets", format!("give 1 to {SOCKETS_MAX} sockets")));
        }
        if !(file.patience_s > 0.0 && file.patience_s <= PATIENCE_S_MAX) {
            return Err(
                place.wrong("patience_s", format!("give more than 0 and at most {PATIENCE_S_MAX} seconds"))
            );
        }
        Ok(Crowd {
            buyers: file.buyers,
            duration_s: file.duration_s,
            sockets: file.sockets,
            patience_s: file.patience_s,
            profile: Profile::read(&file.arrivals, file.duration_s, place)?,
        })
    }
}

impl Event {
    /// What buyers know of the venue; nothing yet for an event that is there already.
    fn venue(&self, place: &Place<'_>) -> Result<Option<Venue>, ScenarioError> {
        let Event::Created { configuration, .. } = self else { return Ok(None) };
        let venue = Venue::read(&configuration.to_string());
        venue.map(Some).map_err(|error| place.wrong("venue", error.to_string()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
