//! How buyers are reached, of what was never paid: forgotten a week after it was said, once the log says that nothing came of it.

use std::sync::Arc;
use std::time::Duration;

use tessera_inventory::ClaimState;
use tessera_money::Lane;
use tessera_store::StoreError;
use tessera_store::keys::PaymentContactKey;
use tessera_writer::Ask;

use crate::shared::Shared;
use crate::{Answer, InventoryRouter};

/// Contacts of a lane that are looked at in one go.
const LOOKED_AT_MAX: usize = 64;
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

/// Look at the contacts of these lanes that are due.
pub(super) async fn forget(shared: &Arc<Shared>, lanes: &[Lane]) -> Result<(), StoreError> {
    let (router, contacts) = (InventoryRouter::new(Arc::clone(shared)), &shared.money.contacts);
    for lane in lanes {
        let now = shared.environment.clock.wall();
        for contact in contacts.due(*lane, now, LOOKED_AT_MAX).await? {
            match fate(&router, contact).await {
                Fate::Stays => contacts.look_again(contact, None).await?,
                Fate::Forgotten => contacts.erase(contact).await?,
                Fate::Waits => contacts.look_again(contact, Some(now.plus_ms(AGAIN_MS))).await?,
            }
        }
    }
    Ok(())
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
