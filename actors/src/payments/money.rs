//! What the follower, the desks and the way in of payments share.

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_money::Lane;
use tessera_money::contacts::Contacts;
use tessera_money::payments::{Judge, Payments};
use tessera_money::provider_events::ProviderEvents;
use tessera_money::refund_runs::RefundRuns;
use tessera_payments::{Abilities, DeskOptions, Payment, ProviderId};
use tessera_projections::installation::Installation;
use tessera_store::Table;

use super::Provider;
use super::clerk::ClerkMessage;
use super::desks::DeskMessage;
use super::meters::PaymentMeters;
use super::watchers::Watchers;
use crate::shared::Port;

pub(crate) struct Money {
    pub(super) providers: BTreeMap<ProviderId, Arc<dyn Provider>>,
    /// `None`: nobody is or was paid through a provider.
    installation: Option<Installation>,
    pub(super) payments: Payments,
    pub(super) events: ProviderEvents,
    pub(super) contacts: Contacts,
    pub(super) watchers: Arc<Watchers>,
    pub(super) meters: PaymentMeters,
    pub(crate) runs: RefundRuns,
    pub(crate) desks: Port<DeskMessage>,
    pub(crate) clerk: Port<ClerkMessage>,
}

impl Money {
    /// `installation` is there where there are providers, or were.
    pub(crate) fn new(
        table: &Arc<dyn Table>,
        providers: Vec<Arc<dyn Provider>>,
        installation: Option<Installation>,
    ) -> Money {
        let providers: BTreeMap<_, _> =
            providers.into_iter().map(|provider| (provider.id(), provider)).collect();
        let judge = Judge { providers: abilities(&providers) };
        Money {
            payments: Payments::new(Arc::clone(table), judge),
            events: ProviderEvents::new(Arc::clone(table)),
            contacts: Contacts::new(Arc::clone(table)),
            watchers: Arc::default(),
            meters: PaymentMeters::new(&providers),
            runs: RefundRuns::new(Arc::clone(table)),
            desks: Port::default(),
            clerk: Port::default(),
            providers,
            installation,
        }
    }

    /// Whether anybody is or was paid through a provider: somebody must look after those payments.
    pub(crate) fn has_payments(&self) -> bool {
        self.installation.is_some()
    }

    pub(super) fn abilities_of(&self, provider: ProviderId) -> Abilities {
        self.providers.get(&provider).map(|provider| provider.abilities()).unwrap_or_default()
    }

    pub(super) fn desk_options(&self) -> DeskOptions {
        let installation = self.installation.as_ref().map_or(0, |installation| installation.id);
        DeskOptions { installation, providers: abilities(&self.providers) }
    }

    /// The installation's secret, under which the log names payments.
    pub(super) fn secret(&self) -> [u8; 32] {
        self.installation.as_ref().map(|installation| installation.secret).unwrap_or_default()
    }

    /// The follower has written these rows, all of one event.
    pub(super) fn written(&self, rows: Vec<Payment>) {
        rows.iter().for_each(|row| self.watchers.tell(row));
        if let Some(first) = rows.first() {
            // Rows are due, too: where no desk listens they are found later.
            self.desks.cast(DeskMessage::Written(Lane::of(first.id.event), rows));
        }
    }
}

fn abilities(providers: &BTreeMap<ProviderId, Arc<dyn Provider>>) -> BTreeMap<ProviderId, Abilities> {
    providers.iter().map(|(id, provider)| (*id, provider.abilities())).collect()
}
