//! What every refusal must have, whether or not it can be judged: a code that the API documents for its command, and the sequence
//! that it was decided on, which the feed reaches, and which is no older than what was known when it was asked for.

use serde_json::Value;
use tessera_demo::report::number;

use crate::evidence::Understood;
use crate::judge::name;
use crate::record::who;
use crate::recording::{Asked, Operation, Outcome};
use crate::verdict::Finding;

/// Why the event's writer refuses to place a hold.
const PLACE_HOLD: [&str; 15] = [
    "sold_out",
    "seats_taken",
    "waitlist_ahead",
    "limit_exceeded",
    "not_on_sale",
    "price_changed",
    "total_changed",
    "promotion_unknown",
    "promotion_closed",
    "promotion_exhausted",
    "add_on_alone",
    "strands_seat",
    "wrong_phase",
    "order_size",
    "access_code_required",
];
/// Why it refuses to renew one.
const RENEW_HOLD: [&str; 5] =
    ["hold_not_found", "hold_expired", "renewals_exhausted", "wrong_state", "wrong_phase"];
/// Why it refuses to give one back.
const RELEASE_HOLD: [&str; 4] = ["hold_not_found", "hold_expired", "wrong_state", "wrong_phase"];
/// Why it refuses to begin a payment.
const BEGIN_PAYMENT: [&str; 6] = [
    "hold_not_found",
    "hold_expired",
    "payment_attempts_exhausted",
    "wrong_state",
    "wrong_phase",
    "limit_exceeded",
];
/// Why it refuses to hear that one failed.
const FAIL_PAYMENT: [&str; 4] = ["order_not_found", "wrong_state", "wrong_phase", "hold_expired"];
/// Why it refuses to confirm an order.
const CONFIRM: [&str; 5] =
    ["order_not_found", "payment_required", "wrong_state", "wrong_phase", "hold_expired"];
/// Why it refuses to let a ticket in: nobody shows one twice, or one that was refunded.
const CHECK_IN: [&str; 1] = ["wrong_phase"];
/// What a right server may say to a rehearsal without deciding anything: a scenario may ask for more than an order may have, buyer tokens run out,
/// a generator that stalls sends its body too slowly.
const UNDECIDED: [&str; 4] = ["invalid_request", "credential_expired", "key_expired", "body_too_slow"];

/// The finding over all refusals.
pub(crate) fn finding(understood: &Understood<'_>) -> Finding {
    let end = understood.items.iter().map(|item| item.sequence).max().unwrap_or(0);
    let mut count = 0;
    let mut broken = Vec::new();
    for operation in &understood.recording.history {
        if let Outcome::Refused { code, sequence, problem } = &operation.outcome {
            count += 1;
            broken.extend(
                lacks(operation, code, *sequence, end).or_else(|| without_numbers(operation, code, problem)),
            );
        }
    }
    Finding::new(
        "G3",
        "every refusal has a documented reason with its numbers, and a sequence of the feed",
        format!("{} refusals", number(count)),
        broken,
    )
}

/// Whoever asks after a reply is decided on its sequence or a later one: otherwise a server could name whatever state suits its refusal.
pub(crate) fn recent(understood: &Understood<'_>) -> Finding {
    let history = &understood.recording.history;
    let named = |operation: &Operation| match operation.outcome {
        Outcome::Accepted { sequence, .. } => Some(sequence),
        Outcome::Refused { sequence, .. } => sequence,
        Outcome::NotExecuted { .. } | Outcome::Unknown | Outcome::HalfSent => None,
    };
    let replied = |operation: &Operation| Some((operation.returned_us?, named(operation)?));
    let mut replies: Vec<(u64, u64)> = history.iter().filter_map(replied).collect();
    replies.sort_unstable();
    let refused = |operation: &&Operation| matches!(operation.outcome, Outcome::Refused { .. });
    let mut refused: Vec<&Operation> = history.iter().filter(refused).collect();
    refused.sort_by_key(|operation| operation.invoked_us);
    let mut replies = replies.into_iter().peekable();
    let asked = asked_last(history);
    let mut known = 0;
    let mut broken = Vec::new();
    for operation in &refused {
        while let Some((_, sequence)) =
            replies.next_if(|(returned_us, _)| *returned_us < operation.invoked_us)
        {
            known = known.max(sequence);
        }
        if let Some(sequence) = named(operation).filter(|sequence| *sequence < known) {
            let (who, command) = (who(operation), name(&operation.asked));
            broken.push(format!(
                "{who} was refused “{command}” at sequence {sequence}, and asked when {known} was known"
            ));
        }
        if let Some((sequence, later)) = future(operation, &asked) {
            let (who, command) = (who(operation), name(&operation.asked));
            broken.push(format!(
                "{who} was refused “{command}” at sequence {sequence}, before anybody had asked for {later}"
            ));
        }
    }
    let numbers = format!("{} refusals", number(refused.len() as u64));
    Finding::new(
        "G3",
        "no refusal is older than what was known when it was asked for, nor newer than its reply",
        numbers,
        broken,
    )
}

/// The accepted commands by sequence; beside each the one up to it that was asked for last.
fn asked_last(history: &[Operation]) -> Vec<(u64, (u64, u64))> {
    let of = |operation: &Operation| match operation.outcome {
        // What repeats an earlier answer was asked for earlier, too.
        Outcome::Accepted { sequence, replayed: false, .. } => Some((sequence, operation.invoked_us)),
        _ => None,
    };
    let mut accepted: Vec<(u64, u64)> = history.iter().filter_map(of).collect();
    accepted.sort_unstable();
    let mut last = (0, 0);
    let up_to = |(sequence, invoked_us): (u64, u64)| {
        last = last.max((invoked_us, sequence));
        (sequence, last)
    };
    accepted.into_iter().map(up_to).collect()
}

/// The sequence that a refusal names, and one up to it that was asked for only after the refusal had been told.
fn future(refused: &Operation, asked: &[(u64, (u64, u64))]) -> Option<(u64, u64)> {
    let Outcome::Refused { sequence: Some(sequence), .. } = refused.outcome else { return None };
    let known = asked.partition_point(|(accepted, _)| *accepted <= sequence);
    let (invoked_us, later) = asked.get(known.checked_sub(1)?)?.1;
    (invoked_us > refused.returned_us?).then_some((sequence, later))
}

/// What is wrong with a refusal, in words.
fn lacks(operation: &Operation, code: &str, sequence: Option<u64>, end: u64) -> Option<String> {
    if UNDECIDED.contains(&code) {
        return None;
    }
    let told = || format!("{} was told {code} to “{}”", who(operation), name(&operation.asked));
    if !reasons(&operation.asked).contains(&code) {
        return Some(format!("{}, which is no reason that the API documents for it", told()));
    }
    match sequence {
        None => Some(format!("{}, without the sequence that it was decided on", told())),
        Some(at) if at > end => Some(format!("{} at sequence {at}, and the feed ends at {end}", told())),
        Some(_) => None,
    }
}

/// Who is told of a limit is told how much it is, and how much of it is used.
fn without_numbers(operation: &Operation, code: &str, problem: &Value) -> Option<String> {
    let lacking = ["limit", "used"].into_iter().find(|number| problem[number].as_u64().is_none());
    let lacking = lacking.filter(|_| code == "limit_exceeded")?;
    Some(format!("{} was told {code} without “{lacking}”", who(operation)))
}

const fn reasons(asked: &Asked) -> &'static [&'static str] {
    match asked {
        Asked::PlaceHold { .. } => &PLACE_HOLD,
        Asked::RenewHold { .. } => &RENEW_HOLD,
        Asked::ReleaseHold { .. } => &RELEASE_HOLD,
        Asked::BeginPayment { .. } => &BEGIN_PAYMENT,
        Asked::FailPayment { .. } => &FAIL_PAYMENT,
        Asked::Confirm { .. } => &CONFIRM,
        Asked::CheckIn { .. } => &CHECK_IN,
    }
}
