//! What an error of Stripe means for the payment.

use tessera_payments::Answer;

use crate::facts::of_intent;
use crate::objects::ErrorReply;

/// The type of an error that says: something else was asked under this key before.
const OTHER_UNDER_KEY: &str = "idempotency_error";

impl tessera_outbound::ErrorReply for ErrorReply {
    fn word(&self) -> &str {
        self.error.word()
    }

    fn message(&self) -> &str {
        self.error.message.as_deref().unwrap_or_default()
    }

    fn refused(&self) -> Answer {
        // Something was made under this key, and only the same words would tell what.
        if self.error.kind.as_deref() == Some(OTHER_UNDER_KEY) {
            return Answer::Unknown;
        }
        let facts = self.error.payment_intent.as_deref().map(of_intent).unwrap_or_default();
        Answer::Declined { code: self.word().into(), facts }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_inventory::Timestamp;
    use tessera_outbound::{Answer as Answered, Bytes, Head, accepted};
    use tessera_payments::Fact;

    use super::*;

    #[test]
    fn what_is_no_yes_is_told_apart() {
        let check = |status: u16, reply: &'static str, expect: Answer| {
            let headers = [("retry-after".parse().unwrap(), "7".parse().unwrap())].into_iter().collect();
            let head = Head { status: status.try_into().unwrap(), headers };
            let answered = Answered { head, body: Bytes::from_static(reply.as_bytes()) };
            let means = accepted::<ErrorReply>(Ok(answered), Timestamp(1_000));
            assert_eq!(means, Err(expect), "{status} {reply}");
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
