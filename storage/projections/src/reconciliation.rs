//! What operators have accepted that the store lacks, so that no node that has seen more closes the event again.

use std::sync::Arc;

use tessera_inventory::{Epoch, EventId};
use tessera_store::keys::ReconciliationKey;
use tessera_store::{StoreError, Table, transact};

/// The reconciliations, over a table.
#[derive(Clone)]
pub struct Reconciliations {
    table: Arc<dyn Table>,
}

impl Reconciliations {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Reconciliations {
        Reconciliations { table }
    }

    /// What was witnessed of `event` under an epoch before this one is given up. An earlier reconciliation never takes a later one back.
    ///
    /// # Errors
    /// As the table says.
    pub async fn accept(&self, event: EventId, before: Epoch) -> Result<(), StoreError> {
        let key = &ReconciliationKey { event }.pack();
        transact(self.table.as_ref(), |mut transaction| async move {
            let accepted =
                transaction.get(key).await?.map(|row| ReconciliationKey::decode(&row)).transpose()?;
            if accepted.is_none_or(|accepted| accepted < before) {
                transaction.set(key, &ReconciliationKey::encode(before));
            }
            Ok((transaction, ()))
        })
        .await
    }

    /// Before which epoch everything that was witnessed of `event` is given up; `None` where nothing ever was.
    ///
    /// # Errors
    /// As the table says.
    pub async fn accepted(&self, event: EventId) -> Result<Option<Epoch>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let row = transaction.get(&ReconciliationKey { event }.pack()).await?;
        row.map(|row| ReconciliationKey::decode(&row)).transpose()
    }
}
