//! The page: everything as text, put into its template, which escapes whatever came from a file or a server.

use std::io;

use askama::Template;
use tessera_demo::report::number;

use super::figures::{self, Figure};
use super::tables::{self, Bar, BehaviourRow, FairnessRow, ObjectiveRow, OperationRow, RequestRow, Tile};
use crate::recording::Recording;
use crate::verdict::{Finding, Verdict};

/// What a guarantee means, for people.
struct GuaranteeRow<'a> {
    guarantee: &'a str,
    meaning: &'static str,
    finding: &'a Finding,
}

/// What the check of the clients' histories came to.
struct LinearRow {
    mark: &'static str,
    word: &'static str,
    checked: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    recording: &'a Recording,
    verdict: &'a Verdict,
    length: String,
    started: String,
    slowest: String,
    tiles: Vec<Tile>,
    objectives: Vec<ObjectiveRow>,
    /// The buyers that the scenario asks for, where fewer came.
    fewer_than: Option<String>,
    guarantees: Vec<GuaranteeRow<'a>>,
    fairness: Vec<FairnessRow>,
    linear: LinearRow,
    figures: Vec<Figure>,
    requests: Vec<RequestRow>,
    /// What was told to whoever was turned away or met a failure, and how often.
    told: Vec<(String, String)>,
    silence: Option<String>,
    operations: Vec<OperationRow>,
    refusals: Vec<Bar>,
    behaviours: Vec<BehaviourRow>,
    environment: Vec<(&'static str, String)>,
}

/// Render the page.
pub(super) fn render(recording: &Recording, verdict: &Verdict) -> io::Result<String> {
    let page = Page {
        recording,
        verdict,
        length: tables::length(recording),
        started: tables::started(recording),
        slowest: tables::slowest(recording),
        tiles: tables::tiles(recording, verdict),
        objectives: tables::objectives(verdict),
        fewer_than: recording.scenario.fewer_than.map(|buyers| number(u64::from(buyers))),
        guarantees: verdict.findings.iter().map(guarantee).collect(),
        fairness: tables::fairness(verdict),
        linear: linear(verdict),
        figures: figures::all(recording),
        requests: tables::requests(recording),
        told: tables::told(recording),
        silence: tables::silence(recording),
        operations: tables::operations(recording),
        refusals: tables::refusals(recording),
        behaviours: tables::behaviours(recording),
        environment: tables::environment(recording),
    };
    page.render().map_err(io::Error::other)
}

fn guarantee(finding: &Finding) -> GuaranteeRow<'_> {
    let meaning = match finding.guarantee.as_str() {
        "G1" => "nothing is sold twice",
        "G2" => "what was promised is written down",
        "G3" => "the books are complete",
        "G4" => "each payment has its order",
        "I3" => "limits hold",
        "I5" => "holds end on time",
        _ => "",
    };
    GuaranteeRow { guarantee: &finding.guarantee, meaning, finding }
}

fn linear(verdict: &Verdict) -> LinearRow {
    let found = &verdict.linearizability;
    let (mark, word) = match (found.violations, found.undecided.len()) {
        (0, 0) => ("good", "linearizable"),
        (0, _) => ("open", "not decided"),
        _ => ("bad", "not linearizable"),
    };
    let many =
        |count: u64, what: &str| format!("{} {what}{}", number(count), if count == 1 { "" } else { "s" });
    let checked = format!(
        "{} on {}, {} and {}, in {}. {} say nothing that can be checked in this way",
        many(found.operations, "operation"),
        many(found.seats, "seat"),
        many(found.pools, "pool"),
        many(found.holds, "hold"),
        many(found.steps, "step"),
        number(found.left_out)
    );
    LinearRow { mark, word, checked }
}
