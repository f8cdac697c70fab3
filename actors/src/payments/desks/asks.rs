//! Asking the log about a payment, as the system itself, under keys that are derived from the attempt: an ask that is repeated is decided once.

use std::sync::Arc;
use std::time::Duration;

use tessera_inventory::{
    Authority, ClaimState, Command, CommandBody, Dispute, IdempotencyKey, Payment as PaidBy, Phase,
    RefundAmount, RefundReason, RefundedUnits, Rejection, SellLate, Sequence,
};
use tessera_payments::{Ask, AskAnswer, DisputeStanding, Payment, PaymentId, Refusal, Want};
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_projections::orders::placed_holds;
use tessera_store::StoreError;

use crate::followers::FollowerKind;
use crate::payments::money::first_half;
use crate::shared::Shared;
use crate::{Answer, InventoryRouter};

/// How long the log may take to answer.
const ASK_LASTS: Duration = Duration::from_secs(10);
/// The body under a key is always the same in what it means.
const FINGERPRINT: u64 = 1;

/// What the log says to this.
pub(super) async fn ask(shared: &Arc<Shared>, payment: &Payment, ask: Ask) -> AskAnswer {
    let PaymentId { event, order, attempt } = payment.id;
    let body = match ask {
        Ask::Confirm => {
            CommandBody::Confirm { order, payment: paid_by(shared, payment), attempt: Some(attempt) }
        }
        Ask::PaymentFailed => CommandBody::PaymentFailed { order, attempt: Some(attempt) },
        Ask::SellLate => match late(shared, payment).await {
            Ok(sale) => CommandBody::SellLate(Box::new(sale)),
            Err(error) => {
                tracing::warn!(%error, payment = %payment.id, "what late money is to buy could not be read; it is read again");
                return AskAnswer::Unknown;
            }
        },
        Ask::RefundUnpaid => CommandBody::RefundTickets {
            order,
            tickets: Vec::new(),
            amount: RefundAmount::Minor(0),
            reason: RefundReason::Unpaid,
            units: RefundedUnits::Restock,
        },
        Ask::Dispute { standing, .. } => CommandBody::SetDispute { order, dispute: dispute(standing) },
    };
    let command = Command { authority: Authority::System, key: Some(key(payment.id, ask)), body };
    let router = InventoryRouter::new(Arc::clone(shared));
    match router.ask(event, tessera_writer::Ask::Command(Box::new(command)), ASK_LASTS).await {
        Answer::Accepted { sequence, .. } | Answer::Repeated { sequence, .. } => {
            AskAnswer::Accepted(sequence)
        }
        Answer::Rejected { sequence, rejection, .. } => {
            refused(shared, payment, (ask, sequence), &rejection).await
        }
        // Not executed says nothing about the order, so it is no "not now" that money would be given back for in the end.
        Answer::Read { .. } | Answer::NotExecuted { .. } | Answer::OutcomeUnknown { .. } => {
            AskAnswer::Unknown
        }
    }
}

/// How the log calls the money.
fn paid_by(shared: &Shared, payment: &Payment) -> PaidBy {
    let reference = payment.facts.reference.as_deref().unwrap_or_default();
    PaidBy::Captured { reference: shared.money.named_in_log(payment.provider, reference) }
}

/// What the order had, to be sold anew.
async fn late(shared: &Shared, payment: &Payment) -> Result<SellLate, StoreError> {
    let PaymentId { event, order, attempt } = payment.id;
    let hold = placed_holds(&*shared.log, event, vec![order]).await?.remove(&order);
    let hold =
        hold.ok_or_else(|| StoreError::Damaged { reason: format!("{} comes from no hold", payment.id) })?;
    Ok(SellLate { order, hold, payment: paid_by(shared, payment), attempt })
}

const fn dispute(standing: DisputeStanding) -> Dispute {
    match standing {
        DisputeStanding::Open => Dispute::Open,
        DisputeStanding::Won => Dispute::Won,
        DisputeStanding::Lost => Dispute::Lost,
    }
}

/// The key of an ask.
fn key(PaymentId { event, order, attempt }: PaymentId, ask: Ask) -> IdempotencyKey {
    let what: &[u8] = match ask {
        Ask::Confirm => b"confirm",
        Ask::PaymentFailed => b"payment failed",
        Ask::SellLate => b"sell late",
        Ask::RefundUnpaid => b"refund unpaid",
        Ask::Dispute { .. } => b"dispute",
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&event.0.to_be_bytes());
    hasher.update(&order.0.to_be_bytes());
    hasher.update(&[attempt]);
    hasher.update(what);
    if let Ask::Dispute { standing, known } = ask {
        hasher.update(&[standing as u8]);
        hasher.update(&known.to_be_bytes());
    }
    let digest = first_half(&hasher.finalize());
    IdempotencyKey { digest, fingerprint: FINGERPRINT, minted_at: None }
}

async fn refused(
    shared: &Shared,
    payment: &Payment,
    (ask, at): (Ask, Sequence),
    rejection: &Rejection,
) -> AskAnswer {
    match rejection {
        // Nothing of the sale is left, or it never was.
        _ if matches!(ask, Ask::RefundUnpaid | Ask::Dispute { .. }) => AskAnswer::Refused(Refusal::Never),
        // The hold lives after all; or the sale may go on soon.
        Rejection::WrongState { state: ClaimState::Held | ClaimState::PaymentInFlight }
        | Rejection::WrongPhase { phase: Phase::Paused, .. }
            if ask == Ask::SellLate =>
        {
            AskAnswer::Refused(Refusal::NotNow)
        }
        // What was released, called off, or ended long ago is not found.
        Rejection::HoldExpired { .. } | Rejection::OrderNotFound => AskAnswer::Refused(Refusal::Ended),
        Rejection::WrongState { state: ClaimState::Paid | ClaimState::Refunded | ClaimState::RefundDue } => {
            sold(shared, payment, at).await
        }
        Rejection::WrongState { state: ClaimState::Ended } => AskAnswer::Refused(Refusal::Ended),
        _ => AskAnswer::Refused(Refusal::Never),
    }
}

/// The order is sold, as the log stood at `at`: for this attempt, as its row says, or for something else. Whoever follows the log may not have
/// written that yet; then it is asked again.
async fn sold(shared: &Shared, payment: &Payment, at: Sequence) -> AskAnswer {
    // Looked at before the row.
    let is_followed = followed_through(shared, payment.id) >= Some(at)
        || stored_through(shared, payment.id).await >= Some(at);
    match shared.money.payments.load(payment.id).await {
        Ok(Some(row)) if row.want == Want::Capture => AskAnswer::Accepted(row.wanted_by),
        Ok(Some(_)) if is_followed => AskAnswer::Refused(Refusal::SoldByOther),
        Ok(_) | Err(_) => AskAnswer::Unknown,
    }
}

/// How far the log was followed here; `None`: the event is not active here.
fn followed_through(shared: &Shared, id: PaymentId) -> Option<Sequence> {
    Some(shared.directory.find(id.event)?.worked_off(FollowerKind::Payment))
}

async fn stored_through(shared: &Shared, id: PaymentId) -> Option<Sequence> {
    let cursors = FollowerCursors::new(Arc::clone(&shared.table));
    let cursor = cursors.read(id.event, FollowerKind::Payment.name()).await.ok()?;
    Some(cursor.sequence)
}
