//! For operators, and the documentation itself.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::code::Code;
use crate::routes::{Nothing, operations, probes};

const TAG: &str = "operation";

pub(super) fn repair() -> Operation {
    Operation::new(TAG, "Serve a quarantined event again")
        .about("It is replayed from its log.")
        .by(&[Who::Administrator])
        .answers::<operations::Repaired>(
            200,
            "It serves.",
            json!({"event": example::EVENT, "state": "serving", "sequence": 1234}),
        )
}

pub(super) fn reconcile() -> Operation {
    let example = json!({
        "event": example::EVENT, "state": "serving", "sequence": 1234, "witnessed_sequence": 1240,
        "lost": {"first": 1235, "last": 1240},
    });
    Operation::new(TAG, "Accept what the store has of an event that went back")
        .about("What it lacks of what was acknowledged is given up, and the event is sold again.")
        .by(&[Who::Administrator])
        .answers::<operations::ReconciledReply>(200, "It serves; what is lost.", example)
        .may(&[Code::InvalidRequest])
}

pub(super) fn acknowledge_clock() -> Operation {
    Operation::new(TAG, "Vouch for the wall clock")
        .about("After a jump that blocked openings and expiries: what it was doubted for happens now.")
        .by(&[Who::Administrator])
        .takes::<Nothing>(json!({}))
        .answers::<operations::Acknowledged>(200, "What the clock says.", json!({"at": example::at()}))
}

fn text(media_type: &str, example: &str) -> Value {
    json!({media_type: {"schema": {"type": "string"}, "example": example}})
}

const KEPT: [&str; 2] = ["X-Request-Id", "Cache-Control"];

pub(super) fn problem_page() -> Operation {
    Operation::new(TAG, "Read the page of a code")
        .by(&[Who::Anyone])
        .reply(200, "The page, in Markdown.", &KEPT, Some(text("text/markdown", "# sold_out")))
        .may(&[Code::RouteNotFound])
}

pub(super) fn document() -> Operation {
    let content =
        json!({"application/json": {"schema": {"type": "object"}, "example": {"openapi": "3.1.0"}}});
    Operation::new(TAG, "Read this document")
        .by(&[Who::Anyone])
        .tagged("This document.", content)
        .may(&[Code::TooManyStreams])
}

pub(super) fn docs() -> Operation {
    Operation::new(TAG, "Read this document as a page")
        .by(&[Who::Anyone])
        .tagged("The page.", text("text/html", "<!doctype html>"))
}

pub(super) fn docs_file() -> Operation {
    let content = json!({
        "text/css": {"schema": {"type": "string"}},
        "text/javascript": {"schema": {"type": "string"}},
        "image/png": {"schema": {"type": "string"}},
    });
    Operation::new(TAG, "Read a file of the page")
        .by(&[Who::Anyone])
        .tagged("The file.", content)
        .may(&[Code::RouteNotFound, Code::TooManyStreams])
}

pub(super) fn health() -> Operation {
    Operation::new(TAG, "Whether the process answers").by(&[Who::Anyone]).answers::<probes::Healthy>(
        200,
        "It does.",
        json!({"status": "ok"}),
    )
}

pub(super) fn readiness() -> Operation {
    let example = |status: &str| {
        json!({
            "status": status, "draining": false, "lacks_lease": false, "fatal": null, "active_events": 3,
            "supervisors": [{"name": "inventory", "running": true, "restarts": 0}],
            "quarantined": {"count": 0}, "store_went_back": {"count": 0}, "doubted_clocks": {"count": 0}, "stuck_followers": {"count": 0},
        })
    };
    Operation::new(TAG, "Whether requests should be sent here")
        .about("Which events need an operator is said on this machine and to the administrator.")
        .by(&[Who::Anyone, Who::Administrator])
        .answers::<probes::ReadinessReply>(200, "They should.", example("ready"))
        .answers::<probes::ReadinessReply>(503, "They should not, and why.", example("not_ready"))
}

pub(super) fn metrics() -> Operation {
    Operation::new(TAG, "Read the metrics")
        .about("For the administrator, and for whoever is on this machine.")
        .by(&[Who::Anyone, Who::Administrator])
        .reply(200, "In the text format of Prometheus.", &KEPT, Some(text("text/plain", "tessera_ready 1")))
        .may(&[Code::Forbidden])
}
