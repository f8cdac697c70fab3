//! The problem document: its schema, the replies that carry one, and an example of each code, taken from its page.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::schema::{schemas, words};
use crate::code::Code;
use crate::instant::Rfc3339;
use crate::problem::FieldError;
use crate::render::Money;
use crate::render::claim::ClaimStateName;
use crate::vocabulary::PhaseName;

/// A code of a problem.
pub(crate) struct CodeName;

schemas! {
    CodeName, "Code" => words(Code::ALL.iter().map(|code| code.text()), "Stable; each has a page at /docs/errors/{code}.");
}

/// An error (RFC 9457). Which members stand beside the standard ones depends on the code.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code)] // it is rendered member by member in `problem.rs` and `refusal.rs`
pub(crate) struct ProblemDocument {
    /// Where its page is.
    #[schema(rename = "type")]
    problem_type: String,
    title: String,
    status: u16,
    #[schema(value_type = CodeName)]
    code: CodeName,
    /// What to do, for people.
    detail: String,
    /// Seconds to wait before the next try.
    #[schema(nullable = false)]
    retry_after: Option<u32>,
    /// What is wrong, field by field.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
    /// What is in the way.
    #[schema(nullable = false)]
    conflicts: Option<Vec<Conflict>>,
    /// The name of the receipt that proves the refusal.
    #[schema(nullable = false, pattern = "^rct_")]
    receipt: Option<String>,
    /// The sequence at which it was decided.
    #[schema(nullable = false)]
    sequence: Option<u64>,
    /// Why, in one word.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The name that is not known.
    #[schema(nullable = false)]
    name: Option<String>,
    /// The right that is missing.
    #[schema(nullable = false)]
    needed: Option<String>,
    #[schema(nullable = false)]
    bytes_max: Option<u64>,
    /// How many messages wait for the webhook endpoint.
    #[schema(nullable = false)]
    pending: Option<u64>,
    /// Position of the line that cannot be had.
    #[schema(nullable = false)]
    line: Option<u64>,
    /// How many units can still be had.
    #[schema(nullable = false)]
    remaining: Option<u32>,
    /// Whether live holds may give units back.
    #[schema(nullable = false)]
    may_return: Option<bool>,
    #[schema(nullable = false)]
    pool: Option<String>,
    ticket_type: Option<String>,
    /// The seats that are taken.
    #[schema(nullable = false)]
    seats: Option<Vec<u32>>,
    /// The seat that would be left alone.
    #[schema(nullable = false)]
    stranded: Option<u32>,
    /// Seats to take instead.
    #[schema(nullable = false)]
    alternatives: Option<Vec<Vec<u32>>>,
    #[schema(nullable = false)]
    limit: Option<u32>,
    #[schema(nullable = false)]
    used: Option<u32>,
    #[schema(nullable = false)]
    min: Option<u32>,
    #[schema(nullable = false)]
    max: Option<u32>,
    opens_at: Option<Rfc3339>,
    #[schema(nullable = false)]
    price: Option<Money<'static>>,
    #[schema(nullable = false)]
    total: Option<Money<'static>>,
    /// How often a promotion can still be used; null: that is not bounded.
    uses_left: Option<u32>,
    /// What is left of a promotion; null: that is not bounded.
    amount_left: Option<Money<'static>>,
    /// What may still be given back of an order.
    #[schema(nullable = false)]
    refundable: Option<Money<'static>>,
    /// What the organizer is owed.
    #[schema(nullable = false)]
    owed: Option<Money<'static>>,
    #[schema(value_type = Option<PhaseName>, nullable = false)]
    phase: Option<PhaseName>,
    /// The command that the phase does not admit.
    #[schema(nullable = false)]
    command: Option<String>,
    #[schema(value_type = Option<ClaimStateName>, nullable = false)]
    state: Option<ClaimStateName>,
    /// The version of the configuration that there is.
    #[schema(nullable = false)]
    current: Option<u32>,
    /// How many units are killed.
    #[schema(nullable = false)]
    killed: Option<u32>,
    /// When the ticket was let in.
    #[schema(nullable = false)]
    at: Option<Rfc3339>,
    #[schema(nullable = false)]
    gate: Option<u16>,
    /// The number of the device that let it in; null: it was online.
    device: Option<u32>,
    /// The gates that admit the ticket.
    #[schema(nullable = false)]
    gates: Option<Vec<u16>>,
    /// The number of the scan that is to come first.
    #[schema(nullable = false)]
    next: Option<u64>,
    /// The entry of the waitlist.
    #[schema(nullable = false)]
    entry: Option<String>,
    /// How many may wait.
    #[schema(nullable = false)]
    entries_max: Option<u32>,
    #[schema(nullable = false)]
    generation: Option<u8>,
}

/// One thing that is in the way.
#[derive(ToSchema)]
#[allow(dead_code)] // it is rendered in `refusal.rs`
pub(crate) struct Conflict {
    reason: String,
    #[schema(nullable = false)]
    seat: Option<u32>,
    #[schema(nullable = false)]
    line: Option<u64>,
    pool: Option<String>,
    ticket_type: Option<String>,
}

/// The example of a code, as its page has it.
pub(super) fn example(code: Code) -> Value {
    let line = code.page().lines().find(|line| line.starts_with('{')).unwrap_or_default();
    serde_json::from_str(line).unwrap_or_default()
}

/// The examples of all codes, by name.
pub(super) fn examples() -> Map<String, Value> {
    let named =
        |code: &Code| (code.text().to_owned(), json!({"summary": code.title(), "value": example(*code)}));
    Code::ALL.iter().map(named).collect()
}

/// The replies that carry these codes, by status.
pub(super) fn replies(codes: &[Code]) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in Code::ALL.iter().filter(|code| codes.contains(code)) {
        by_status.entry(code.status_number()).or_default().push(*code);
    }
    by_status.into_iter().map(|(status, codes)| (status.to_string(), reply(status, &codes))).collect()
}

fn reply(status: u16, codes: &[Code]) -> Value {
    let described: Vec<_> = codes.iter().map(|code| format!("`{}`: {}", code.text(), code.title())).collect();
    let names: Vec<_> = codes.iter().map(|code| code.text()).collect();
    let examples: Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), super::reference("examples", name))).collect();
    let mut headers = super::parameters::named(&["X-Request-Id", "RateLimit-Policy", "RateLimit"]);
    for name in headers_of(status) {
        headers.insert((*name).to_owned(), super::reference("headers", name));
    }
    json!({
        "description": described.join("; "),
        "headers": headers,
        "content": {"application/problem+json": {
            "schema": {"allOf": [
                super::reference("schemas", "Problem"),
                {"type": "object", "properties": {"status": {"const": status}, "code": {"enum": names}}}]},
            "examples": examples,
        }},
    })
}

/// The headers of a problem of this status.
fn headers_of(status: u16) -> &'static [&'static str] {
    match status {
        401 => &["WWW-Authenticate"],
        405 => &["Allow"],
        429 => &["Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"],
        503 => &["Retry-After"],
        _ => &[],
    }
}

/// Replies of no documented operation: of paths that there are not, and of methods that a path does not know.
pub(super) fn shared() -> Value {
    let of = |code: Code| reply(code.status_number(), &[code]);
    json!({"RouteNotFound": of(Code::RouteNotFound), "MethodNotAllowed": of(Code::MethodNotAllowed)})
}
