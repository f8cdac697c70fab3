//! A payment as the API and webhooks show it.

use serde::{Deserialize, Serialize};

use crate::reference::Reference;
use crate::state::{DisputeStanding, State, Status};

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// Its reference.
    pub(crate) id: String,
    /// As whoever created it calls it.
    pub(crate) payment: String,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) status: ShownStatus,
    pub(crate) captured_minor: i64,
    pub(crate) refunds: Vec<ShownRefund>,
    pub(crate) disputes: Vec<ShownDispute>,
    /// Where the buyer pays; only when it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShownStatus {
    Open,
    Authorised,
    Captured,
    Cancelled,
    Declined,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownRefund {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) amount_minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownDispute {
    pub(crate) id: String,
    pub(crate) amount_minor: i64,
    pub(crate) status: ShownDisputeStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShownDisputeStatus {
    Open,
    Won,
    Lost,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownEvent {
    /// The same whenever it comes.
    pub(crate) id: String,
    /// `payment.changed`, always: what changed is in the payment.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) payment: Shown,
}

/// The type of every webhook.
pub(crate) const CHANGED: &str = "payment.changed";

impl Shown {
    /// A payment as it stands.
    pub(crate) fn of(id: &str, reference: &Reference, state: &State) -> Shown {
        let refunds = state.refunds.iter().map(|refund| ShownRefund {
            id: refund.id.clone(),
            number: refund.number,
            amount_minor: refund.amount_minor,
        });
        let disputes = (1..).zip(&state.disputes).map(|(number, dispute)| ShownDispute {
            id: format!("sbd_{number}_{id}"),
            amount_minor: dispute.amount_minor,
            status: match dispute.standing {
                DisputeStanding::Open => ShownDisputeStatus::Open,
                DisputeStanding::Won => ShownDisputeStatus::Won,
                DisputeStanding::Lost => ShownDisputeStatus::Lost,
            },
        });
        Shown {
            id: id.to_owned(),
            payment: reference.payment.to_string(),
            amount_minor: reference.amount_minor,
            currency: String::from_utf8_lossy(&reference.currency).into_owned(),
            status: match state.status {
                Status::Open => ShownStatus::Open,
                Status::Authorised => ShownStatus::Authorised,
                Status::Captured => ShownStatus::Captured,
                Status::Cancelled => ShownStatus::Cancelled,
                Status::Declined => ShownStatus::Declined,
            },
            captured_minor: if state.status == Status::Captured { reference.amount_minor } else { 0 },
            refunds: refunds.collect(),
            disputes: disputes.collect(),
            page: None,
        }
    }
}
