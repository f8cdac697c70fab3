//! Kinds of buyers, and what is drawn for each of them.

use serde::Deserialize;

use super::Place;
use crate::error::ScenarioError;

/// Longest think time, in seconds.
const THINK_S_MAX: f64 = 3_600.0;
/// Most units that one hold asks for: what the API takes.
const UNITS_MAX: u16 = 50;
/// Most seats together that one hold asks for: what the API takes.
pub(crate) const TOGETHER_MAX: u16 = 20;
/// Most times that one buyer asks for a hold.
const TRIES_MAX: u32 = 1_000;
/// Most holds at once of one buyer with many tabs.
const TABS_MAX: u16 = 20;
/// Most tokens of one bot.
const IDENTITIES_MAX: u16 = 100;
/// Most looks at the availability of one refresher.
const LOOKS_MAX: u32 = 10_000;
/// Longest patience of a client with an unlucky network, in milliseconds.
const UNLUCKY_MS_MAX: u32 = 60_000;

/// How a buyer goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Takes what it came for and pays.
    Decisive,
    /// Wants exact seats from the seat map, and tries others when refused.
    Picky,
    /// Wants seats together.
    Group,
    /// Takes a hold and walks away.
    Abandoner,
    /// Reads availability again and again before it takes a hold.
    Refresher,
    /// Several holds at once under one buyer; keeps one.
    MultiTab,
    /// Many tokens, fast retries, as much as one order may have.
    Bot,
    /// Its network fails, before the reply has come or while the request is being sent, and it retries with the same key.
    Unlucky,
}

/// One `[[behaviours]]` table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// How.
    pub kind: Kind,
    /// What the report calls it; its kind unless given.
    pub name: Option<String>,
    /// Its weight among all.
    pub share: u32,
    /// Seconds of thought between two steps, from and to.
    think_s: Option<[f64; 2]>,
    /// Units wanted, from and to.
    units: Option<[u16; 2]>,
    /// Names of ticket types; none: whatever it may buy.
    #[serde(default)]
    pub wants: Vec<String>,
    /// The code that it shows.
    pub access_code: Option<String>,
    /// How often it asks for a hold before it gives up.
    tries: Option<u32>,
    /// Of a hundred with a hold, who pay.
    pay_percent: Option<u8>,
    /// Of a hundred who do not pay, who give the hold back; the others walk away.
    #[serde(default)]
    pub release_percent: u8,
    /// Of a hundred with a hold, who renew it first.
    #[serde(default)]
    pub renew_percent: u8,
    /// Of a hundred who pay, whose first payment fails.
    #[serde(default)]
    pub fail_percent: u8,
    /// Seconds of the run between which they come, instead of its whole length.
    pub arrives_s: Option<[f64; 2]>,
    /// Whether a picky one looks at the first rows only.
    #[serde(default)]
    pub front_row: bool,
    /// Looks of a refresher, from and to.
    looks: Option<[u32; 2]>,
    /// Holds at once of a buyer with many tabs.
    tabs: Option<u16>,
    /// Tokens of a bot.
    identities: Option<u16>,
    /// Milliseconds after which an unlucky network gives up a request at first, from and to.
    patience_ms: Option<[u32; 2]>,
}

impl Kind {
    /// Its name in scenarios.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Decisive => "decisive",
            Kind::Picky => "picky",
            Kind::Group => "group",
            Kind::Abandoner => "abandoner",
            Kind::Refresher => "refresher",
            Kind::MultiTab => "multi_tab",
            Kind::Bot => "bot",
            Kind::Unlucky => "unlucky",
        }
    }
}

impl Behaviour {
    /// What the report calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.name())
    }

    /// Think time, from and to, in microseconds.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked to lie between 0 and an hour
    pub fn think_us(&self) -> [u64; 2] {
        let default = if self.kind == Kind::Bot { [0.01, 0.05] } else { [0.5, 3.0] };
        self.think_s.unwrap_or(default).map(|seconds| (seconds * 1e6) as u64)
    }

    /// Units wanted, from and to.
    #[must_use]
    pub fn units(&self) -> [u16; 2] {
        let default = match self.kind {
            Kind::Group => [2, 6],
            Kind::Bot => [UNITS_MAX, UNITS_MAX],
            _ => [1, 2],
        };
        self.units.unwrap_or(default)
    }

    /// How often it asks for a hold before it gives up.
    #[must_use]
    pub fn tries(&self) -> u32 {
        let default = match self.kind {
            Kind::Picky => 4,
            Kind::Bot => 5,
            _ => 2,
        };
        self.tries.unwrap_or(default)
    }

    /// Of a hundred with a hold, who pay.
    #[must_use]
    pub fn pay_percent(&self) -> usize {
        let default = if self.kind == Kind::Abandoner { 0 } else { 95 };
        usize::from(self.pay_percent.unwrap_or(default))
    }

    /// Looks at the availability before it takes a hold, from and to.
    #[must_use]
    pub fn looks(&self) -> [u32; 2] {
        let default = if self.kind == Kind::Refresher { [5, 20] } else { [0, 0] };
        self.looks.unwrap_or(default)
    }

    /// Holds at once.
    #[must_use]
    pub fn tabs(&self) -> u16 {
        self.tabs.unwrap_or(if self.kind == Kind::MultiTab { 3 } else { 1 })
    }

    /// Tokens, each a buyer for the server.
    #[must_use]
    pub fn identities(&self) -> u16 {
        self.identities.unwrap_or(if self.kind == Kind::Bot { 3 } else { 1 })
    }

    /// Milliseconds after which a first try is given up, where the network is unlucky.
    #[must_use]
    pub fn unlucky_ms(&self) -> Option<[u32; 2]> {
        (self.kind == Kind::Unlucky).then(|| self.patience_ms.unwrap_or([1, 50]))
    }

    /// Refuse what cannot be.
    pub(crate) fn check(&self, duration_s: f64, place: &Place<'_>) -> Result<(), ScenarioError> {
        let only = [
            ("looks", self.looks.is_some(), Kind::Refresher),
            ("tabs", self.tabs.is_some(), Kind::MultiTab),
            ("identities", self.identities.is_some(), Kind::Bot),
            ("patience_ms", self.patience_ms.is_some(), Kind::Unlucky),
            ("front_row", self.front_row, Kind::Picky),
        ];
        for (field, given, kind) in only {
            if given && self.kind != kind {
                let detail =
                    format!("only kind {:?} has it, and this is {:?}", kind.name(), self.kind.name());
                return Err(place.wrong(field, detail));
            }
        }
        let percents = [
            ("pay_percent", self.pay_percent.unwrap_or(0)),
            ("release_percent", self.release_percent),
            ("renew_percent", self.renew_percent),
            ("fail_percent", self.fail_percent),
        ];
        if let Some((field, _)) = percents.into_iter().find(|(_, percent)| *percent > 100) {
            return Err(place.wrong(field, "give 0 to 100"));
        }
        if let Some([from, to]) = self.arrives_s
            && !(0.0 <= from && from < to && to <= duration_s)
        {
            let detail = format!("give [from, to] in seconds with 0 <= from < to <= {duration_s}");
            return Err(place.wrong("arrives_s", detail));
        }
        self.check_ranges(place)
    }

    fn check_ranges(&self, place: &Place<'_>) -> Result<(), ScenarioError> {
        let [least, most] = self.think_s.unwrap_or([0.0, 0.0]);
        if !(0.0 <= least && least <= most && most <= THINK_S_MAX) {
            return Err(
                place.wrong("think_s", format!("give [from, to] in seconds, from 0 to {THINK_S_MAX}"))
            );
        }
        let units_max = if self.kind == Kind::Group { TOGETHER_MAX } else { UNITS_MAX };
        let within = |[from, to]: [u32; 2], least: u32, most: u32| least <= from && from <= to && to <= most;
        let ranges = [
            ("units", Some(self.units().map(u32::from)), 1, u32::from(units_max)),
            ("tries", self.tries.map(|tries| [tries, tries]), 1, TRIES_MAX),
            ("looks", self.looks, 0, LOOKS_MAX),
            ("tabs", self.tabs.map(|tabs| [tabs, tabs].map(u32::from)), 2, u32::from(TABS_MAX)),
            ("identities", self.identities.map(|many| [many, many].map(u32::from)), 1, {
                u32::from(IDENTITIES_MAX)
            }),
            ("patience_ms", self.patience_ms, 0, UNLUCKY_MS_MAX),
        ];
        for (field, range, least, most) in ranges {
            if range.is_some_and(|range| !within(range, least, most)) {
                return Err(place.wrong(field, format!("give {least} to {most}, the smaller one first")));
            }
        }
        Ok(())
    }
}
