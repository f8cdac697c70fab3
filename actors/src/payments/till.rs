//! The way in to payments, for whoever serves buyers and hears providers.

use std::collections::BTreeSet;
use std::sync::Arc;

use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_money::Lane;
use tessera_money::contacts::Contacts;
use tessera_money::provider_events::{ProviderEvent, ProviderEvents, Standing};
use tessera_money::refund_runs::RefundRuns;
use tessera_payments::{Alarm, Change, News, Payment, PaymentId, ProviderId};
use tessera_store::StoreError;

use super::clerk::ClerkMessage;
use super::desks::{self, DeskMessage, HeardEvent};
use super::watchers::RowsWritten;
use super::{Heard, Provider};
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

    /// The name of a provider; `None`: nobody is paid through it here.
    #[must_use]
    pub fn name_of(&self, provider: ProviderId) -> Option<&'static str> {
        self.shared.money.providers.get(&provider).map(|known| known.name())
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

    /// Refunds of many orders: kept there before [`Till::run_goes_on`].
    #[must_use]
    pub fn refund_runs(&self) -> RefundRuns {
        self.shared.money.runs.clone()
    }

    /// A refund run was begun or resumed.
    pub fn run_goes_on(&self) {
        self.shared.money.clerk.cast(ClerkMessage::Look);
    }

    /// A provider's event was kept and says this: whoever looks after its lane hears it, here or at another node.
    pub fn was_told(&self, event: ProviderEvent, heard: Option<Heard>) {
        let ProviderEvent { id, received_at, lane, standing, .. } = event;
        // What only its provider can say to be its own, and what cannot be read, is seen to where it waits.
        let heard = heard.filter(|_| standing == Standing::Waits);
        self.shared.money.desks.cast(match heard {
            Some(heard) => DeskMessage::Heard(Box::new(HeardEvent { lane, id, received_at, heard })),
            None => DeskMessage::Listen(lane),
        });
    }

    /// The attempts to pay an order, the first first; none where nobody tried by a provider.
    ///
    /// # Errors
    /// As the table says.
    pub async fn attempts(&self, event: EventId, order: ClaimNumber) -> Result<Vec<Payment>, StoreError> {
        self.shared.money.payments.attempts(event, order).await
    }

    /// An attempt to pay an order; `None`: it has no row, as one that is paid by hand, or not yet.
    ///
    /// # Errors
    /// As the table says.
    pub async fn attempt(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.shared.money.payments.load(id).await
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

    /// Up to `most` payments about which there is something to do, with when that is due, the first first.
    ///
    /// # Errors
    /// As the table says.
    pub async fn unsettled(&self, most: usize) -> Result<Vec<(Payment, Timestamp)>, StoreError> {
        let mut all = Vec::new();
        for lane in Lane::all() {
            all.extend(self.shared.money.payments.unsettled(lane, most).await?);
        }
        all.sort_by_key(|(payment, due_at)| (*due_at, payment.id));
        all.truncate(most);
        Ok(all)
    }

    /// What is wrong with a payment.
    #[must_use]
    pub fn alarms(&self, payment: &Payment) -> BTreeSet<Alarm> {
        tessera_payments::alarms(payment, &self.shared.money.abilities_of(payment.provider))
    }

    /// When there is something to do about a payment; `None`: never, unless there is news.
    #[must_use]
    pub fn due_at(&self, payment: &Payment) -> Option<Timestamp> {
        let now = self.shared.environment.clock.wall();
        tessera_payments::due_at(payment, &self.shared.money.abilities_of(payment.provider), now)
    }

    /// Ask the provider of a payment how it stands, and merge what it says. As it stands then; `None`: there is none.
    ///
    /// # Errors
    /// As the table says.
    pub async fn look_up(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let Some(row) = self.shared.money.payments.load(id).await? else { return Ok(None) };
        // Without the provider's name for it there is nothing to ask for.
        let facts =
            if row.facts.reference.is_some() { desks::look_up(&self.shared, &row).await } else { Vec::new() };
        self.learn(id, facts.into_iter().map(News::Fact).collect()).await
    }

    /// Somebody has given the money of a refund back by hand: it is not tried any more. As the payment stands then; `None`: there is none.
    ///
    /// # Errors
    /// As the table says.
    pub async fn settle_by_hand(&self, id: PaymentId, refund: u64) -> Result<Option<Payment>, StoreError> {
        self.learn(id, vec![News::RefundedByHand { number: refund }]).await
    }

    async fn learn(&self, payment: PaymentId, news: Vec<News>) -> Result<Option<Payment>, StoreError> {
        let at = self.shared.environment.clock.wall();
        let change = Change { payment, at, news, handled: Vec::new() };
        let rows = self.shared.money.payments.record(&[change]).await?;
        let row = rows.first().cloned();
        self.shared.money.written(rows);
        Ok(row)
    }

    /// The rows of the order that this process writes after this call. Another node may write them, too: look at the attempts now and then all the
    /// same.
    #[must_use]
    pub fn rows_written(&self, event: EventId, order: ClaimNumber) -> RowsWritten {
        self.shared.money.watchers.watch(event, order)
    }
}
