//! The endpoints of organizers.

use std::sync::Arc;

use tessera_store::{
    Row, StoreError, Table, Transaction,
    keys::{WebhookDueKey, WebhookEndpointKey, WebhookFinishedKey, WebhookPendingKey, WebhookStandingKey},
    transact,
};

use super::{ENDPOINTS_MAX, Endpoint, EndpointId, Standing, deliveries};
use crate::page::after;

/// Endpoints that are looked through at once.
const LOOKED_THROUGH_AT_ONCE: usize = 200;

/// Webhook endpoints, over a table.
#[derive(Clone)]
pub struct WebhookEndpoints {
    table: Arc<dyn Table>,
}

/// What became of an endpoint to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is there.
    Created,
    /// The organizer has [`ENDPOINTS_MAX`] already.
    TooMany,
}

impl WebhookEndpoints {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> WebhookEndpoints {
        WebhookEndpoints { table }
    }

    /// Keep a new endpoint.
    ///
    /// # Errors
    /// As the table says.
    pub async fn create(&self, endpoint: &Endpoint) -> Result<Creation, StoreError> {
        let key = &key_of(endpoint.id).pack();
        transact(self.table.as_ref(), |mut transaction| async move {
            let (begin, end) = WebhookEndpointKey::range_of(endpoint.id.organizer);
            let rows = transaction.range(&begin, &end, ENDPOINTS_MAX, false).await?;
            // Found again where an attempt of unknown outcome had landed.
            if rows.iter().any(|(stored, _)| stored == key) {
                return Ok((transaction, Creation::Created));
            }
            if rows.len() >= ENDPOINTS_MAX {
                return Ok((transaction, Creation::TooMany));
            }
            write(transaction.as_mut(), endpoint);
            Ok((transaction, Creation::Created))
        })
        .await
    }

    /// One endpoint.
    ///
    /// # Errors
    /// As the table says.
    pub async fn get(&self, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        read(self.table.begin().await?.as_mut(), id).await
    }

    /// The endpoint of this number, whoever's it is. It looks through all there are: for people who ask, not for what happens.
    ///
    /// # Errors
    /// As the table says.
    pub async fn find(&self, endpoint: u128) -> Result<Option<Endpoint>, StoreError> {
        let mut after_endpoint = None;
        loop {
            let page = self.list(None, after_endpoint, LOOKED_THROUGH_AT_ONCE).await?;
            after_endpoint = page.last().filter(|_| page.len() == LOOKED_THROUGH_AT_ONCE).map(|last| last.id);
            let found = page.into_iter().find(|found| found.id.endpoint == endpoint);
            if found.is_some() || after_endpoint.is_none() {
                return Ok(found);
            }
        }
    }

    /// Up to `limit` endpoints of an organizer, who has at most [`ENDPOINTS_MAX`], or of everyone: those after `after_endpoint`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        organizer: Option<u128>,
        after_endpoint: Option<EndpointId>,
        limit: usize,
    ) -> Result<Vec<Endpoint>, StoreError> {
        let (first, end) = organizer.map_or_else(WebhookEndpointKey::range, WebhookEndpointKey::range_of);
        // What another organizer's list gave leads to nothing foreign.
        let begin =
            after_endpoint.map_or(first.clone(), |id| after(key_of(id).pack()).clamp(first, end.clone()));
        let mut transaction = self.table.begin().await?;
        let rows = transaction.range(&begin, &end, limit, false).await?;
        rows.iter().map(decode).collect()
    }

    /// Change an endpoint and how it stands; `change` may run several times. `None` where there is none.
    ///
    /// # Errors
    /// As the table says.
    pub async fn update(
        &self,
        id: EndpointId,
        change: impl Fn(&mut Endpoint, &mut Standing),
    ) -> Result<Option<(Endpoint, Standing)>, StoreError> {
        let change = &change;
        transact(self.table.as_ref(), |mut transaction| async move {
            let Some(mut endpoint) = read(transaction.as_mut(), id).await? else {
                return Ok((transaction, None));
            };
            let mut standing = deliveries::standing(transaction.as_mut(), id.endpoint).await?;
            change(&mut endpoint, &mut standing);
            write(transaction.as_mut(), &endpoint);
            deliveries::write_standing(transaction.as_mut(), id.endpoint, standing);
            Ok((transaction, Some((endpoint, standing))))
        })
        .await
    }

    /// Remove an endpoint and its deliveries. Whether there was one.
    ///
    /// # Errors
    /// As the table says.
    pub async fn remove(&self, id: EndpointId) -> Result<bool, StoreError> {
        let EndpointId { endpoint, .. } = id;
        transact(self.table.as_ref(), |mut transaction| async move {
            let key = key_of(id).pack();
            if transaction.get(&key).await?.is_none() {
                return Ok((transaction, false));
            }
            transaction.clear(&key);
            transaction.clear(&WebhookStandingKey { endpoint }.pack());
            for (begin, end) in [
                WebhookPendingKey::range(endpoint),
                WebhookDueKey::range(endpoint),
                WebhookFinishedKey::range(endpoint),
            ] {
                transaction.clear_range(&begin, &end);
            }
            Ok((transaction, true))
        })
        .await
    }
}

fn key_of(id: EndpointId) -> WebhookEndpointKey {
    WebhookEndpointKey { organizer: id.organizer, endpoint: id.endpoint }
}

fn decode((key, row): &Row) -> Result<Endpoint, StoreError> {
    let WebhookEndpointKey { organizer, endpoint } = WebhookEndpointKey::unpack(key)?;
    Endpoint::decode(EndpointId { organizer, endpoint }, row)
}

pub(super) async fn read(
    transaction: &mut dyn Transaction,
    id: EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    let row = transaction.get(&key_of(id).pack()).await?;
    row.map(|row| Endpoint::decode(id, &row)).transpose()
}

pub(super) fn write(transaction: &mut dyn Transaction, endpoint: &Endpoint) {
    transaction.set(&key_of(endpoint.id).pack(), &endpoint.encode());
}
