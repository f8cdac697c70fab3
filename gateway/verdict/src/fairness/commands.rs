//! Refusals of commands on existing holds and orders, each judged on what the feed says of its hold at the sequence that the refusal names.

use std::collections::HashMap;

use tessera_demo::feed::Change;
use tessera_demo::fold::{Claim, ClaimState, Fold};
use tessera_demo::refusal::Verdict as OfRefusal;

use super::count;
use crate::judge::name;
use crate::record::who;
use crate::recording::{Asked, Operation, Outcome};
use crate::verdict::Fairness;

/// Payment attempts of one hold (`docs/operations/limits.md`).
const ATTEMPTS_MAX: u32 = 3;

/// The refusals, in the order of the sequences that they name.
pub(super) struct Commands<'a> {
    told: std::iter::Peekable<std::vec::IntoIter<(u64, &'a Operation, &'a str)>>,
    /// The hold of each order.
    orders: HashMap<String, String>,
}

impl<'a> Commands<'a> {
    /// Those of a history. What names no sequence cannot be judged.
    pub(super) fn new(history: &'a [Operation], fairness: &mut Fairness) -> Self {
        let mut told = Vec::new();
        for operation in history.iter().filter(|operation| hold_or_order(&operation.asked).is_some()) {
            match &operation.outcome {
                Outcome::Refused { code, sequence: Some(sequence), .. } => {
                    told.push((*sequence, operation, code.as_str()));
                }
                Outcome::Refused { code, sequence: None, .. } => unjudged(fairness, code),
                _ => {}
            }
        }
        told.sort_by_key(|(sequence, _, _)| *sequence);
        Commands { told: told.into_iter().peekable(), orders: HashMap::new() }
    }

    /// Learn which hold an order is of.
    pub(super) fn follow(&mut self, change: &Change) {
        if let Change::PaymentBegun { order, hold, .. } = change {
            self.orders.insert(order.clone(), hold.clone());
        }
    }

    /// Judge those that were decided on this state.
    pub(super) fn judge(&mut self, fold: &Fold<'_>, fairness: &mut Fairness) {
        while let Some((sequence, operation, code)) =
            self.told.next_if(|(sequence, _, _)| *sequence <= fold.sequence)
        {
            let hold = match hold_or_order(&operation.asked) {
                Some(Named::Order(order)) => self.orders.get(order).map(String::as_str),
                Some(Named::Hold(hold)) => Some(hold),
                None => None,
            };
            let claim = hold.and_then(|hold| fold.claim(hold));
            count(fairness, code, &verdict(fold, claim, &operation.asked, code), |why| {
                let (who, command, hold) = (who(operation), name(&operation.asked), hold.unwrap_or_default());
                format!("{who} was told {code} to “{command}” at sequence {sequence}, but {hold} {why}")
            });
        }
    }

    /// What was decided on a sequence beyond the feed cannot be judged.
    pub(super) fn finish(self, fairness: &mut Fairness) {
        self.told.for_each(|(_, _, code)| unjudged(fairness, code));
    }
}

fn unjudged(fairness: &mut Fairness, code: &str) {
    count(fairness, code, &OfRefusal::Unchecked, str::to_owned);
}

/// What a command is about.
enum Named<'a> {
    Hold(&'a str),
    Order(&'a str),
}

/// What a command is about; none where it asks for something new, or for the door.
fn hold_or_order(asked: &Asked) -> Option<Named<'_>> {
    match asked {
        Asked::PlaceHold { .. } | Asked::CheckIn { .. } => None,
        Asked::RenewHold { hold } | Asked::ReleaseHold { hold } | Asked::BeginPayment { hold } => {
            Some(Named::Hold(hold))
        }
        Asked::FailPayment { order } | Asked::Confirm { order } => Some(Named::Order(order)),
    }
}

/// The state in which a hold admits a command.
fn needed(asked: &Asked) -> ClaimState {
    match asked {
        Asked::FailPayment { .. } | Asked::Confirm { .. } => ClaimState::InFlight,
        _ => ClaimState::Held,
    }
}

/// Whether a phase admits a command (`docs/api.md`, *What an event admits in which phase*).
fn admits(phase: &str, asked: &Asked) -> bool {
    match phase {
        "presale" | "on_sale" | "paused" => true,
        "closed" => !matches!(asked, Asked::RenewHold { .. }),
        _ => false,
    }
}

/// Whether a refusal had to be. Only what is certainly wrong is called so: a command that its hold does not admit is refused rightly, whatever
/// reason is given.
fn verdict(fold: &Fold<'_>, claim: Option<&Claim>, asked: &Asked, code: &str) -> OfRefusal {
    let wrong = |why: &str| OfRefusal::Wrong(why.to_owned());
    let state = claim.map(|claim| claim.state);
    let was = state.map_or("was never placed", |state| match state {
        ClaimState::Held => "was held",
        ClaimState::InFlight => "was being paid",
        ClaimState::Paid => "was paid",
        ClaimState::Ended => "was over",
    });
    match (code, claim) {
        ("wrong_phase", _) if admits(&fold.phase, asked) => {
            wrong(&format!("{was}, and the phase was {}", fold.phase))
        }
        ("wrong_phase", _) => OfRefusal::Right,
        ("hold_expired" | "hold_not_found" | "order_not_found", _) => match state {
            Some(ClaimState::Held | ClaimState::InFlight) => wrong(was),
            _ => OfRefusal::Right,
        },
        (_, claim) if claim.is_none() || state != Some(needed(asked)) => OfRefusal::Right,
        ("wrong_state", _) => wrong(was),
        ("payment_required", _) => wrong("was being paid, and a rehearsal pays whatever is not free"),
        ("payment_attempts_exhausted", Some(claim)) if claim.attempts < ATTEMPTS_MAX => {
            wrong(&format!("had had {} of {ATTEMPTS_MAX} attempts", claim.attempts))
        }
        ("payment_attempts_exhausted", _) => OfRefusal::Right,
        ("limit_exceeded", _) if !fold.is_reconfigured => {
            wrong("had its units already: a payment takes no more")
        }
        ("renewals_exhausted", Some(claim)) => renewals(fold, claim),
        _ => OfRefusal::Unchecked,
    }
}

/// A hold is renewed no more when it was renewed as often as the venue says, or when its time would not be longer: at the end of its life, or at
/// the very moment at which it was placed or renewed.
fn renewals(fold: &Fold<'_>, claim: &Claim) -> OfRefusal {
    let Some(renewals_max) = fold.venue().renewals_max else { return OfRefusal::Unchecked };
    let is_at_the_end = claim.life_ends_at.is_some_and(|end| end <= claim.deadline_at);
    if claim.renewals >= renewals_max || is_at_the_end {
        return OfRefusal::Right;
    }
    if fold.is_reconfigured || fold.at <= claim.extended_at {
        return OfRefusal::Unchecked;
    }
    OfRefusal::Wrong(format!("had had {} of {renewals_max} renewals, and time to live", claim.renewals))
}
