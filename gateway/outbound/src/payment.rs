//! What an answer of a payment provider over HTTP means for the payment.

use serde::de::DeserializeOwned;
use tessera_inventory::Timestamp;
use tessera_payments::Answer as Meaning;

use crate::{Answer, NoAnswer};

/// Longest text of a provider that operators are shown, in characters.
const DETAIL_CHARS_MAX: usize = 200;

/// The body of a provider's answer that is an error; one that cannot be read says nothing.
pub trait ErrorReply: Default + DeserializeOwned {
    /// What is told of it, the most exact word first.
    fn word(&self) -> &str;

    /// What it says to people.
    fn message(&self) -> &str;

    /// What it means that the provider refused.
    fn refused(&self) -> Meaning {
        Meaning::Declined { code: self.word().into(), facts: Vec::new() }
    }
}

/// The body of an answer that says yes.
///
/// # Errors
/// What any other answer, or none, means for the payment.
pub fn accepted<E: ErrorReply>(
    answered: Result<Answer, NoAnswer>,
    now: Timestamp,
) -> Result<Vec<u8>, Meaning> {
    let answered = match answered {
        Ok(answered) => answered,
        Err(NoAnswer::NotSent(_)) => return Err(Meaning::Later { not_before: None }),
        Err(NoAnswer::NotAnswered(_)) => return Err(Meaning::Unknown),
    };
    let status = answered.head.status.as_u16();
    let error = || serde_json::from_slice::<E>(&answered.body).unwrap_or_default();
    Err(match status {
        200..=299 => return Ok(answered.body.to_vec()),
        400 | 402 | 422 => error().refused(),
        // A key of another account, one that may not do this, or a payment of another account.
        401 | 403 | 404 => {
            let error = error();
            let message: String = error.message().chars().take(DETAIL_CHARS_MAX).collect();
            Meaning::NotOurs { detail: format!("{status} {}: {message}", error.word()).into() }
        }
        429 => Meaning::Later { not_before: answered.head.not_before(now) },
        // 409: the same call is under way. Everything else is no word about whether it was done.
        _ => Meaning::Unknown,
    })
}
