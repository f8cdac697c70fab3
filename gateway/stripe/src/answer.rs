//! What an answer of Stripe over HTTP means for the payment.

use tessera_inventory::Timestamp;
use tessera_outbound::{Answer as Answered, NoAnswer};
use tessera_payments::Answer;

use crate::facts::of_intent;
use crate::objects::{ErrorBody, ErrorReply};

/// The type of an error that says: something else was asked under this key before.
const OTHER_UNDER_KEY: &str = "idempotency_error";
/// Longest text of Stripe that operators are shown, in characters.
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
        let reply = serde_json::from_slice::<ErrorReply>(&answered.body);
        reply.map_or_else(|_| ErrorBody::default(), |reply| reply.error)
    };
    Err(match status {
        200..=299 => return Ok(answered.body.to_vec()),
        400 | 402 => refused(&error()),
        // A key of another account, a key that may not do this, or a payment that is in another account.
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

fn refused(error: &ErrorBody) -> Answer {
    // Something was made under this key, and only the same words would tell what.
    if error.kind.as_deref() == Some(OTHER_UNDER_KEY) {
        return Answer::Unknown;
    }
    let facts = error.payment_intent.as_deref().map(of_intent).unwrap_or_default();
    Answer::Declined { code: error.word().into(), facts }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_outbound::{Bytes, Head};
    use tessera_payments::Fact;

    use super::*;

    #[test]
    fn what_is_no_yes_is_told_apart() {
        let check = |status: u16, reply: &'static str, expect: Answer| {
            let headers = [("retry-after".parse().unwrap(), "7".parse().unwrap())].into_iter().collect();
            let head = Head { status: status.try_into().unwrap(), headers };
            let answered = Answered { head, body: Bytes::from_static(reply.as_bytes()) };
            assert_eq!(body(Ok(answered), Timestamp(1_000)), Err(expect), "{status} {reply}");
        };
        let declined = |code: &str| Answer::Declined { code: code.into(), facts: Vec::new() };
        check(
            402,
            r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card"}}"#,
            declined("lost_card"),
        );
        check(
            400,
            r#"{"error":{"type":"invalid_request_error","code":"charge_already_refunded"}}"#,
            declined("charge_already_refunded"),
        );
        check(400, "not json", declined("refused"));
        check(400, r#"{"error":{"type":"idempotency_error"}}"#, Answer::Unknown);
        let intent = r#"{"error":{"code":"payment_intent_unexpected_state","payment_intent":{"id":"pi_1","status":"canceled","currency":"chf"}}}"#;
        check(
            400,
            intent,
            Answer::Declined { code: "payment_intent_unexpected_state".into(), facts: vec![Fact::Cancelled] },
        );
        check(
            401,
            r#"{"error":{"message":"Invalid API Key"}}"#,
            Answer::NotOurs { detail: "401 refused: Invalid API Key".into() },
        );
        check(429, "{}", Answer::Later { not_before: Some(Timestamp(8_000)) });
        for status in [409, 424, 500, 502, 503, 504, 302] {
            check(status, "{}", Answer::Unknown);
        }
    }
}
