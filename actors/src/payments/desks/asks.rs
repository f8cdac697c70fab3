//! Asking the log about a payment, as the system itself, under keys that are derived from the attempt: an ask that is repeated is decided once.

use std::sync::Arc;
use std::time::Duration;

use tessera_inventory::{
    Authority, ClaimState, Command, CommandBody, IdempotencyKey, Payment as PaidBy, Rejection, Sequence,
};
use tessera_payments::{Ask, AskAnswer, Payment, PaymentId, Refusal, Want};
use tessera_projections::follower_cursors::FollowerCursors;

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
            let reference = payment.facts.reference.as_deref().unwrap_or_default();
            let reference = shared.money.named_in_log(payment.provider, reference);
            CommandBody::Confirm { order, payment: PaidBy::Captured { reference }, attempt: Some(attempt) }
        }
        Ask::PaymentFailed => CommandBody::PaymentFailed { order, attempt: Some(attempt) },
        // The log has no command for a late sale: money that comes after its hold is given back, once.
        Ask::SellLate => return AskAnswer::Refused(Refusal::Never),
        // Nor one that takes a sale back without money: it stays due, and operators are told, until it has.
        Ask::RefundUnpaid => return AskAnswer::Refused(Refusal::NotNow),
    };
    let command = Command { authority: Authority::System, key: Some(key(payment.id, ask)), body };
    let router = InventoryRouter::new(Arc::clone(shared));
    match router.ask(event, tessera_writer::Ask::Command(Box::new(command)), ASK_LASTS).await {
        Answer::Accepted { sequence, .. } | Answer::Repeated { sequence, .. } => {
            AskAnswer::Accepted(sequence)
        }
        Answer::Rejected { sequence, rejection, .. } => refused(shared, payment, sequence, &rejection).await,
        // Not executed says nothing about the order, so it is no "not now" that money would be given back for in the end.
        Answer::Read { .. } | Answer::NotExecuted { .. } | Answer::OutcomeUnknown { .. } => {
            AskAnswer::Unknown
        }
    }
}

/// The key of an ask.
fn key(PaymentId { event, order, attempt }: PaymentId, ask: Ask) -> IdempotencyKey {
    let what: &[u8] = match ask {
        Ask::Confirm => b"confirm",
        Ask::PaymentFailed => b"payment failed",
        Ask::SellLate => b"sell late",
        Ask::RefundUnpaid => b"refund unpaid",
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&event.0.to_be_bytes());
    hasher.update(&order.0.to_be_bytes());
    hasher.update(&[attempt]);
    hasher.update(what);
    let digest = first_half(&hasher.finalize());
    IdempotencyKey { digest, fingerprint: FINGERPRINT, minted_at: None }
}

async fn refused(shared: &Shared, payment: &Payment, at: Sequence, rejection: &Rejection) -> AskAnswer {
    match rejection {
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
