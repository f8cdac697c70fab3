//! What an answer of PayPal over HTTP means for the payment.

use tessera_inventory::Timestamp;
use tessera_outbound::{Answer as Answered, NoAnswer};
use tessera_payments::Answer;

use crate::objects::ErrorReply;

/// Longest text of PayPal that operators are shown, in characters.
const DETAIL_CHARS_MAX: usize = 200;

/// The body of an answer that says yes; otherwise what the answer means.
pub(crate) fn body(answered: Result<Answered, NoAnswer>, now: Timestamp) -> Result<Vec<u8>, Answer> {
    let answered = match answered {
        Ok(answered) => answered,
        Err(NoAnswer::NotSent(_)) => return Err(Answer::Later { not_before: None }),
        Err(NoAnswer::NotAnswered(_)) => return Err(Answer::Unknown),
    };
    let status = answered.head.status.as_u16();
    let error = || serde_json::from_slice::<ErrorReply>(&answered.body).unwrap_or_default();
    Err(match status {
        200..=299 => return Ok(answered.body.to_vec()),
        400 | 422 => Answer::Declined { code: error().word().into(), facts: Vec::new() },
        // Another account, one that may not do this, or a payment of another account.
        401 | 403 | 404 => {
            let error = error();
            let message = error.message.as_deref().unwrap_or_default();
            let message: String = message.chars().take(DETAIL_CHARS_MAX).collect();
            Answer::NotOurs { detail: format!("{status} {}: {message}", error.word()).into() }
        }
        429 => Answer::Later { not_before: answered.head.not_before(now) },
        // 409: the same call is under way. Everything else is no word about whether it was done.
        _ => Answer::Unknown,
    })
}
