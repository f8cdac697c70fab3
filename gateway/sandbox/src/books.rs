//! The rows of payments.

use std::sync::Arc;

use prost::Message;
use tessera_store::keys::SandboxPaymentKey;
use tessera_store::{StoreError, Table, transact};

use crate::reference::Reference;
use crate::state::{Act, Dispute, DisputeStanding, Refund, Refused, State, Status};

/// The payments of a sandbox, over a table.
#[derive(Clone)]
pub(crate) struct Books {
    table: Arc<dyn Table>,
}

#[derive(Clone, PartialEq, Message)]
struct PaymentRow {
    #[prost(uint32, tag = "1")]
    status: u32,
    #[prost(uint32, tag = "2")]
    revision: u32,
    #[prost(message, repeated, tag = "3")]
    refunds: Vec<RefundRow>,
    #[prost(message, repeated, tag = "4")]
    disputes: Vec<DisputeRow>,
}

#[derive(Clone, PartialEq, Message)]
struct RefundRow {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(uint64, tag = "2")]
    number: u64,
    #[prost(sint64, tag = "3")]
    amount_minor: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct DisputeRow {
    #[prost(sint64, tag = "1")]
    amount_minor: i64,
    #[prost(uint32, tag = "2")]
    standing: u32,
}

const STATUSES: [Status; 5] =
    [Status::Open, Status::Authorised, Status::Captured, Status::Cancelled, Status::Declined];
const STANDINGS: [DisputeStanding; 3] = [DisputeStanding::Open, DisputeStanding::Won, DisputeStanding::Lost];

impl Books {
    pub(crate) fn new(table: Arc<dyn Table>) -> Books {
        Books { table }
    }

    /// How a payment stands. Of one that nobody has touched there is no row.
    pub(crate) async fn read(&self, reference: &Reference) -> Result<State, StoreError> {
        let row = self.table.begin().await?.get(&key(reference)).await?;
        row.map_or(Ok(State::default()), |row| decode(&row))
    }

    /// Take a step: how the payment stands then, and whether that changed anything.
    pub(crate) async fn act(
        &self,
        reference: &Reference,
        act: &Act,
    ) -> Result<Result<(State, bool), Refused>, StoreError> {
        let key = key(reference);
        transact(self.table.as_ref(), |mut transaction| {
            let key = key.clone();
            async move {
                let row = transaction.get(&key).await?;
                let mut state = row.map_or(Ok(State::default()), |row| decode(&row))?;
                let taken = state.take(act, reference.amount_minor);
                if taken == Ok(true) {
                    transaction.set(&key, &encode(&state));
                }
                Ok((transaction, taken.map(|changed| (state, changed))))
            }
        })
        .await
    }
}

fn key(reference: &Reference) -> Vec<u8> {
    let id = reference.payment;
    SandboxPaymentKey { event: id.event, order: id.order, attempt: id.attempt }.pack()
}

fn encode(state: &State) -> Vec<u8> {
    let refund = |refund: &Refund| RefundRow {
        id: refund.id.clone(),
        number: refund.number,
        amount_minor: refund.amount_minor,
    };
    let dispute = |dispute: &Dispute| DisputeRow {
        amount_minor: dispute.amount_minor,
        standing: dispute.standing as u32,
    };
    PaymentRow {
        status: state.status as u32,
        revision: state.revision,
        refunds: state.refunds.iter().map(refund).collect(),
        disputes: state.disputes.iter().map(dispute).collect(),
    }
    .encode_to_vec()
}

fn decode(row: &[u8]) -> Result<State, StoreError> {
    let damaged = || StoreError::Damaged { reason: "a row of the sandbox cannot be read".to_owned() };
    let row = PaymentRow::decode(row).map_err(|_| damaged())?;
    let status = STATUSES.into_iter().find(|status| *status as u32 == row.status);
    let dispute = |dispute: &DisputeRow| {
        let standing = STANDINGS.into_iter().find(|standing| *standing as u32 == dispute.standing);
        Some(Dispute { amount_minor: dispute.amount_minor, standing: standing? })
    };
    let refund = |refund: RefundRow| Refund {
        id: refund.id,
        number: refund.number,
        amount_minor: refund.amount_minor,
    };
    Ok(State {
        status: status.ok_or_else(damaged)?,
        revision: row.revision,
        disputes: row.disputes.iter().map(dispute).collect::<Option<_>>().ok_or_else(damaged)?,
        refunds: row.refunds.into_iter().map(refund).collect(),
    })
}
