//! How buyers are reached, of what was never paid: forgotten a week after it was said, once the log says that nothing came of it.

use std::sync::Arc;
use std::time::Duration;

use tessera_inventory::{ClaimState, Timestamp};
use tessera_money::Lane;
use tessera_money::contacts::Contacts;
use tessera_store::StoreError;
use tessera_store::keys::PaymentContactKey;
use tessera_writer::Ask;

use crate::shared::Shared;
use crate::{Answer, InventoryRouter};

/// Contacts of a lane that are read at once.
const LOOKED_AT_MAX: usize = 64;
/// Contacts of a lane that nobody can read of which one look says which they are.
const LOGGED_MAX: usize = 16;
/// How long the log may take to answer.
const ASK_LASTS: Duration = Duration::from_secs(10);
/// What may still be paid, or of which the log says nothing now, is looked at again after so long, in milliseconds.
const AGAIN_MS: u64 = 3_600_000;

/// What becomes of a contact.
enum Fate {
    /// It belongs to a sale.
    Stays,
    /// It belongs to nothing.
    Forgotten,
    /// That is not known yet.
    Waits,
}

/// Look at the contacts of these lanes that are due, all of them. What fails is looked at again by the next look, and holds up nothing else.
pub(super) async fn forget(shared: &Arc<Shared>, lanes: &[Lane]) {
    for lane in lanes {
        let mut damaged = 0;
        if let Err(error) = forget_in(shared, *lane, &mut damaged).await {
            tracing::warn!(%error, lane = lane.number(), "contacts of what was never paid are forgotten later");
        }
        if damaged > 0 {
            tracing::warn!(damaged, lane = lane.number(), "contacts that nobody can read are not forgotten");
        }
    }
}

/// Look at the contacts of a lane, page by page. `damaged` counts those that nobody can read.
async fn forget_in(shared: &Arc<Shared>, lane: Lane, damaged: &mut usize) -> Result<(), StoreError> {
    let (router, contacts) = (InventoryRouter::new(Arc::clone(shared)), &shared.money.contacts);
    let (now, mut seen) = (shared.environment.clock.wall(), None);
    loop {
        let page = contacts.due(lane, seen, now, LOOKED_AT_MAX).await?;
        for due in &page {
            match look_at(&router, contacts, due.contact, now).await {
                Ok(()) => {}
                Err(StoreError::Damaged { reason }) => {
                    *damaged += 1;
                    if *damaged <= LOGGED_MAX {
                        let PaymentContactKey { event, order } = due.contact;
                        tracing::warn!(?event, order = order.0, reason, "a contact cannot be read");
                    }
                }
                // The store is away, for the others as well.
                Err(error) => return Err(error),
            }
        }
        seen = page.last().copied();
        if page.len() < LOOKED_AT_MAX {
            return Ok(());
        }
    }
}

async fn look_at(
    router: &InventoryRouter,
    contacts: &Contacts,
    contact: PaymentContactKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    match fate(router, contact).await {
        Fate::Stays => contacts.look_again(contact, None).await,
        Fate::Forgotten => contacts.erase(contact).await,
        Fate::Waits => contacts.look_again(contact, Some(now.plus_ms(AGAIN_MS))).await,
    }
}

async fn fate(router: &InventoryRouter, contact: PaymentContactKey) -> Fate {
    let PaymentContactKey { event, order } = contact;
    match router.ask(event, Ask::Read(order), ASK_LASTS).await {
        Answer::Read { claim, .. } => match claim.map(|claim| claim.state) {
            Some(ClaimState::Paid | ClaimState::Refunded | ClaimState::RefundDue) => Fate::Stays,
            Some(ClaimState::Held | ClaimState::PaymentInFlight) => Fate::Waits,
            Some(ClaimState::Ended) | None => Fate::Forgotten,
        },
        Answer::Accepted { .. }
        | Answer::Repeated { .. }
        | Answer::Rejected { .. }
        | Answer::NotExecuted { .. }
        | Answer::OutcomeUnknown { .. } => Fate::Waits,
    }
}
