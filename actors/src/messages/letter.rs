//! Everything that a message may say, looked up when it is sent: the want has neither addresses nor texts.

use std::sync::Arc;
use std::time::Duration;

use tessera_correspondence::{Broadcasts, Contacts, Kind, Medium, PushSubscriptions, Suppressed, Want};
use tessera_inventory::{ClaimNumber, EventId};
use tessera_money::contacts::Contacts as OrderContacts;
use tessera_projections::catalogue::Catalogue;
use tessera_store::{StoreError, Table};
use tessera_writer::Ask;

use super::decide::stands;
use super::{Channel, Letter, Reached, ShownOrder};
use crate::answer::Answer;
use crate::router::InventoryRouter;
use crate::shared::Shared;

/// Longest wait for an order.
const ORDER_WAIT: Duration = Duration::from_secs(10);

/// What becomes of a want that is to be sent.
pub(super) enum Looked {
    /// It goes.
    Letter(Box<Letter>),
    /// Nobody knows where to, or the recipient does not want it.
    NoAddress,
    /// There is nothing left to be said.
    Pointless,
    /// What it says cannot be read now.
    NotNow(String),
}

/// Where letters are looked up.
pub(super) struct Desk {
    contacts: Contacts,
    browsers: PushSubscriptions,
    order_contacts: OrderContacts,
    suppressed: Suppressed,
    broadcasts: Broadcasts,
    catalogue: Catalogue,
    router: InventoryRouter,
}

/// Whether a kind of message shows the order that it is about, if any.
fn shows_order(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Confirmation | Kind::Offer | Kind::HoldEnding | Kind::Transfer | Kind::Reminder | Kind::Change
    )
}

/// Whether what a kind of message says stands in its broadcast.
fn is_broadcast(kind: Kind) -> bool {
    matches!(kind, Kind::Emergency | Kind::Announcement | Kind::Change | Kind::Reminder)
}

impl Desk {
    pub(super) fn new(shared: &Arc<Shared>) -> Desk {
        let table: &Arc<dyn Table> = &shared.table;
        Desk {
            contacts: Contacts::new(Arc::clone(table)),
            browsers: PushSubscriptions::new(Arc::clone(table)),
            order_contacts: OrderContacts::new(Arc::clone(table)),
            suppressed: Suppressed::new(Arc::clone(table)),
            broadcasts: Broadcasts::new(Arc::clone(table)),
            catalogue: Catalogue::new(Arc::clone(table)),
            router: InventoryRouter::new(Arc::clone(shared)),
        }
    }

    /// The letter of a want.
    pub(super) async fn look(&self, channel: &dyn Channel, want: Want) -> Result<Looked, StoreError> {
        let Some(reached) = self.reached(channel.medium(), &want).await? else {
            return Ok(Looked::NoAddress);
        };
        let Some(address) = channel.address(&reached) else { return Ok(Looked::NoAddress) };
        if self.suppressed.has(channel.medium(), &address).await? {
            return Ok(Looked::NoAddress);
        }
        let event = want.place.event;
        let Some(card) = self.catalogue.get(event).await? else { return Ok(Looked::Pointless) };
        let order = match want.order.filter(|_| shows_order(want.kind)) {
            None => None,
            Some(number) => match self.order(event, number).await {
                Ok(Some(order)) if stands(&want, &order.view) => Some(order),
                Ok(_) => return Ok(Looked::Pointless),
                Err(reason) => return Ok(Looked::NotNow(reason)),
            },
        };
        let said = if is_broadcast(want.kind) {
            let broadcast = self.broadcasts.get(event, want.place.sequence.0).await?;
            broadcast.map(|broadcast| broadcast.variables).unwrap_or_default()
        } else {
            Vec::new()
        };
        Ok(Looked::Letter(Box::new(Letter { want, address, reached, card, order, said })))
    }

    /// An address does not exist.
    pub(super) async fn suppress(
        &self,
        channel: &dyn Channel,
        address: &str,
        why: &str,
        now: tessera_inventory::Timestamp,
    ) -> Result<(), StoreError> {
        self.suppressed.add(channel.medium(), address, why, now).await
    }

    /// How the recipient is reached now, unless it asked to be forgotten or not to hear this: as it said at the order, else as it said of
    /// itself.
    async fn reached(&self, medium: Medium, want: &Want) -> Result<Option<Reached>, StoreError> {
        let own = self.contacts.load(want.recipient.subject).await?.unwrap_or_default();
        let is_refused = want.kind.may_be_refused() && own.refused.contains(&want.kind);
        if own.erased_at.is_some() || is_refused {
            return Ok(None);
        }
        let at_order = match want.recipient.order {
            Some(order) => self.order_contacts.load(want.place.event, order).await?.unwrap_or_default(),
            None => tessera_money::contacts::Contact::default(),
        };
        let browsers = match medium {
            Medium::Push => self.browsers.list(want.recipient.subject).await?,
            _ => Vec::new(),
        };
        Ok(Some(Reached {
            email: at_order.email.or(own.email),
            phone: at_order.phone.or(own.phone),
            name: at_order.name.or(own.name),
            locale: at_order.locale.or(own.locale),
            browsers,
            telegram: own.telegram,
            discord: own.discord,
        }))
    }

    async fn order(&self, event: EventId, number: ClaimNumber) -> Result<Option<ShownOrder>, String> {
        let view = match self.router.ask(event, Ask::Read(number), ORDER_WAIT).await {
            Answer::Read { claim, .. } => claim,
            Answer::NotExecuted { reason, .. } => {
                return Err(format!("the order could not be read: {reason:?}"));
            }
            _ => return Err("the order could not be read".to_owned()),
        };
        let Some(view) = view else { return Ok(None) };
        let published = self.router.activate(event, ORDER_WAIT).await.map_err(|error| error.to_string())?;
        let Some((version, config)) = published.config.clone() else { return Ok(None) };
        Ok(Some(ShownOrder { view, config, version }))
    }
}
