//! Asking the log about a payment, as the system itself, under keys that are derived from the attempt: an ask that is repeated is decided once.
//! How the command reaches the writer, and how its answer comes back, is for whoever drives the desk.

use tessera_inventory::{
    Authority, ClaimState, Command, CommandBody, Dispute, IdempotencyKey, Payment as PaidBy, Phase,
    ProviderId, RefundAmount, RefundReason, RefundedUnits, Rejection, SellLate, Sequence,
};
use tessera_payments::{Ask, AskAnswer, DisputeStanding, Payment, PaymentId, Refusal, Want};
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_projections::orders::placed_holds;
use tessera_store::{Log, StoreError};

use crate::following::FOLLOWER;
use crate::hash::first_half;
use crate::payments::Payments;

/// The body under a key is always the same in what it means.
const FINGERPRINT: u64 = 1;

/// What a refusal of the log means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Refused(Refusal),
    /// The order is sold: for this attempt, or for something else.
    Sold,
}

/// What the log is asked about a payment. `secret` is the installation's.
///
/// # Errors
/// What late money is to buy is read from the log: as it says.
pub async fn command(
    log: &dyn Log,
    payment: &Payment,
    ask: Ask,
    secret: &[u8; 32],
) -> Result<Command, StoreError> {
    let PaymentId { order, attempt, .. } = payment.id;
    let body = match ask {
        Ask::Confirm => {
            CommandBody::Confirm { order, payment: paid_by(payment, secret), attempt: Some(attempt) }
        }
        Ask::PaymentFailed => CommandBody::PaymentFailed { order, attempt: Some(attempt) },
        Ask::SellLate => CommandBody::SellLate(Box::new(late(log, payment, secret).await?)),
        Ask::RefundUnpaid => CommandBody::RefundTickets {
            order,
            tickets: Vec::new(),
            amount: RefundAmount::Minor(0),
            reason: RefundReason::Unpaid,
            units: RefundedUnits::Restock,
        },
        Ask::Dispute { standing, .. } => CommandBody::SetDispute { order, dispute: dispute(standing) },
    };
    Ok(Command { authority: Authority::System, key: Some(key(payment.id, ask)), body })
}

/// How the log names a provider's payment: a hash under the installation's secret, since the log is for ever.
fn named_in_log(secret: &[u8; 32], provider: ProviderId, reference: &str) -> u128 {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(b"payment reference");
    hasher.update(&provider.0.get().to_be_bytes());
    hasher.update(reference.as_bytes());
    first_half(&hasher.finalize())
}

/// How the log calls the money.
fn paid_by(payment: &Payment, secret: &[u8; 32]) -> PaidBy {
    let reference = payment.facts.reference.as_deref().unwrap_or_default();
    PaidBy::Captured { reference: named_in_log(secret, payment.provider, reference) }
}

/// What the order had, to be sold anew.
async fn late(log: &dyn Log, payment: &Payment, secret: &[u8; 32]) -> Result<SellLate, StoreError> {
    let PaymentId { event, order, attempt } = payment.id;
    let hold = placed_holds(log, event, vec![order]).await?.remove(&order);
    let hold =
        hold.ok_or_else(|| StoreError::Damaged { reason: format!("{} comes from no hold", payment.id) })?;
    Ok(SellLate { order, hold, payment: paid_by(payment, secret), attempt })
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

/// What it means for a payment that the log refused to do what it was asked, as it stood at a place. `followed_through` says how far whoever asks
/// knows it to be followed, looked at after the answer.
pub async fn refused(
    (payments, cursors): (&Payments, &FollowerCursors),
    payment: PaymentId,
    (ask, at): (Ask, Sequence),
    rejection: &Rejection,
    followed_through: impl FnOnce() -> Option<Sequence>,
) -> AskAnswer {
    match meaning(ask, rejection) {
        Meaning::Refused(refusal) => AskAnswer::Refused(refusal),
        Meaning::Sold => {
            // Looked at before the row.
            let is_followed =
                followed_through() >= Some(at) || stored_through(cursors, payment).await >= Some(at);
            sold(payments, payment, is_followed).await
        }
    }
}

fn meaning(ask: Ask, rejection: &Rejection) -> Meaning {
    Meaning::Refused(match rejection {
        // Nothing of the sale is left, or it never was.
        _ if matches!(ask, Ask::RefundUnpaid | Ask::Dispute { .. }) => Refusal::Never,
        // The hold lives after all; or the sale may go on soon.
        Rejection::WrongState { state: ClaimState::Held | ClaimState::PaymentInFlight }
        | Rejection::WrongPhase { phase: Phase::Paused, .. }
            if ask == Ask::SellLate =>
        {
            Refusal::NotNow
        }
        // What was released, called off, or ended long ago is not found.
        Rejection::HoldExpired { .. } | Rejection::OrderNotFound => Refusal::Ended,
        Rejection::WrongState { state: ClaimState::Paid | ClaimState::Refunded | ClaimState::RefundDue } => {
            return Meaning::Sold;
        }
        Rejection::WrongState { state: ClaimState::Ended } => Refusal::Ended,
        _ => Refusal::Never,
    })
}

/// The order is sold: for this attempt, as its row says, or for something else. Whoever follows the log may not have written that yet; then it is
/// asked again.
async fn sold(payments: &Payments, payment: PaymentId, is_followed: bool) -> AskAnswer {
    match payments.load(payment).await {
        Ok(Some(row)) if row.want == Want::Capture => AskAnswer::Accepted(row.wanted_by),
        Ok(Some(_)) if is_followed => AskAnswer::Refused(Refusal::SoldByOther),
        Ok(_) | Err(_) => AskAnswer::Unknown,
    }
}

async fn stored_through(cursors: &FollowerCursors, payment: PaymentId) -> Option<Sequence> {
    let cursor = cursors.read(payment.event, FOLLOWER).await.ok()?;
    Some(cursor.sequence)
}
