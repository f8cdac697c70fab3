//! What an answer of Razorpay over HTTP means for the payment.

use tessera_inventory::Timestamp;
use tessera_outbound::{Answer as Answered, NoAnswer};
use tessera_payments::Answer;

use crate::objects::ErrorReply;

/// Longest text of Razorpay that operators are shown, in characters.
const DETAIL_CHARS_MAX: usize = 200;

/// The body of an answer that says yes; otherwise what the answer means.
pub(crate) fn body(answered: Result<Answered, NoAnswer>, now: Timestamp) -> Result<Vec<u8>, Answer> {
    let answered = match answered {
        Ok(answered) => answered,
        Err(NoAnswer::NotSent(_)) => return Err(Answer::Later { not_before: None }),
        Err(NoAnswer::NotAnswered(_)) => return Err(Answer::Unknown),
    };
    let status = answered.head.status.as_u16();
    let error = || {
        let reply: ErrorReply = serde_json::from_slice(&answered.body).unwrap_or_default();
        reply.error.unwrap_or_default()
    };
    Err(match status {
        200..=299 => return Ok(answered.body.to_vec()),
        400 | 422 => Answer::Declined { code: error().word().into(), facts: Vec::new() },
        // Another account, or one that may not do this.
        401 | 403 | 404 => {
            let error = error();
            let description = error.description.as_deref().unwrap_or_default();
            let description: String = description.chars().take(DETAIL_CHARS_MAX).collect();
            Answer::NotOurs { detail: format!("{status} {}: {description}", error.word()).into() }
        }
        429 => Answer::Later { not_before: answered.head.not_before(now) },
        // 409: the same call is under way. Everything else is no word about whether it was done.
        _ => Answer::Unknown,
    })
}
