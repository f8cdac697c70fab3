//! What PayPal answers and tells, as far as it is read. Everything may be missing or null.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::money::Money;

/// The token under which calls are made.
#[derive(Debug, Deserialize)]
pub(crate) struct Token {
    pub(crate) access_token: String,
    /// In seconds.
    pub(crate) expires_in: Option<u64>,
}

/// An order.
#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: Option<String>,
    pub(crate) purchase_units: Option<Vec<Unit>>,
    pub(crate) links: Option<Vec<Link>>,
}

/// What an order is for; ours have one.
#[derive(Debug, Deserialize)]
pub(crate) struct Unit {
    pub(crate) custom_id: Option<String>,
    pub(crate) payments: Option<Payments>,
}

/// What was done about it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Payments {
    pub(crate) authorizations: Option<Vec<Payment>>,
    pub(crate) captures: Option<Vec<Payment>>,
    pub(crate) refunds: Option<Vec<Payment>>,
}

/// An authorisation, a capture, or a refund.
#[derive(Debug, Deserialize)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) status: Option<String>,
    pub(crate) status_details: Option<StatusDetails>,
    pub(crate) amount: Option<Money>,
    pub(crate) custom_id: Option<String>,
    /// RFC 3339.
    pub(crate) expiration_time: Option<String>,
    pub(crate) seller_receivable_breakdown: Option<Breakdown>,
    pub(crate) supplementary_data: Option<Supplementary>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StatusDetails {
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Breakdown {
    pub(crate) paypal_fee: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Supplementary {
    pub(crate) related_ids: Option<RelatedIds>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RelatedIds {
    pub(crate) order_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) rel: Option<String>,
}

/// A dispute.
#[derive(Debug, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) dispute_id: String,
    pub(crate) status: Option<String>,
    pub(crate) dispute_amount: Option<Money>,
    pub(crate) dispute_outcome: Option<Outcome>,
    pub(crate) disputed_transactions: Option<Vec<Disputed>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) outcome_code: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Disputed {
    /// The capture.
    pub(crate) seller_transaction_id: Option<String>,
    /// What the order was named by us.
    pub(crate) custom: Option<String>,
}

/// A page of disputes.
#[derive(Debug, Deserialize)]
pub(crate) struct Disputes {
    pub(crate) items: Option<Vec<Dispute>>,
}

/// An answer that is an error.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorReply {
    pub(crate) name: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) details: Option<Vec<Detail>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Detail {
    pub(crate) issue: Option<String>,
}

impl tessera_outbound::ErrorReply for ErrorReply {
    fn word(&self) -> &str {
        let issue = self.details.iter().flatten().find_map(|detail| detail.issue.as_deref());
        issue.or(self.name.as_deref()).unwrap_or("refused")
    }

    fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }
}

/// A webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct Event<'a> {
    pub(crate) id: Option<String>,
    pub(crate) event_type: Option<String>,
    #[serde(borrow)]
    pub(crate) resource: Option<&'a RawValue>,
}

/// What PayPal says of a webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct Verification {
    pub(crate) verification_status: Option<String>,
}
