//! The way in to payments, for whoever serves buyers and hears providers.

use std::sync::Arc;

use tessera_inventory::{ClaimNumber, EventId};
use tessera_money::Lane;
use tessera_money::contacts::Contacts;
use tessera_money::provider_events::ProviderEvents;
use tessera_payments::{Payment, PaymentId, ProviderId};
use tessera_store::StoreError;

use super::Provider;
use super::desks::DeskMessage;
use super::watchers::RowWritten;
use crate::shared::Shared;

/// The way in to payments. Cheap to clone; usable from any thread and runtime.
#[derive(Clone, Debug)]
pub struct Till {
    shared: Arc<Shared>,
}

impl Till {
    pub(crate) fn new(shared: Arc<Shared>) -> Till {
        Till { shared }
    }

    /// The provider of this name; `None`: nobody is paid through it here.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<Arc<dyn Provider>> {
        self.shared.money.providers.values().find(|provider| provider.name() == name).cloned()
    }

    /// What providers tell by webhooks: kept there before [`Till::was_told`].
    #[must_use]
    pub fn provider_events(&self) -> ProviderEvents {
        self.shared.money.events.clone()
    }

    /// How buyers are reached: kept there before their payment is begun.
    #[must_use]
    pub fn contacts(&self) -> Contacts {
        self.shared.money.contacts.clone()
    }

    /// A provider's event was kept for this lane: whoever looks after the lane reads it, here or at another node.
    pub fn was_told(&self, lane: Lane) {
        self.shared.money.desks.cast(DeskMessage::Heard(lane));
    }

    /// The attempts to pay an order, the first first; none where nobody tried by a provider.
    ///
    /// # Errors
    /// As the table says.
    pub async fn attempts(&self, event: EventId, order: ClaimNumber) -> Result<Vec<Payment>, StoreError> {
        self.shared.money.payments.attempts(event, order).await
    }

    /// The payment that a provider calls so, as far as that is known.
    ///
    /// # Errors
    /// As the table says.
    pub async fn referred(
        &self,
        provider: ProviderId,
        reference: &str,
    ) -> Result<Option<PaymentId>, StoreError> {
        self.shared.money.payments.referred(provider, reference).await
    }

    /// Resolves once this process has written a row of the order after this call. Another node may write it, too: look at the attempts now and
    /// then all the same.
    #[must_use]
    pub fn row_written(&self, event: EventId, order: ClaimNumber) -> RowWritten {
        self.shared.money.watchers.watch(event, order)
    }
}
