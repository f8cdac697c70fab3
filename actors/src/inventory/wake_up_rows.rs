//! Wake-ups as rows, so that a restarted process knows which events time must be let into.
//!
//! An active event has the row 0, *at once*: whatever ends the process, the next one activates the event again and nothing that was
//! scheduled is missed. Passivation replaces it before anybody may activate the event again.

use tessera_inventory::{EventId, Timestamp};
use tessera_projections::quarantine::{Quarantined, QuarantinedEvents};
use tessera_store::keys::WakeUpKey;
use tessera_store::{StoreError, Table, transact};

/// Rows read at once.
const ROWS_PER_PAGE: usize = 1_000;

/// The event is about to be active, unless it is set aside: then why, and nothing is marked.
pub(crate) async fn mark_active(
    table: &dyn Table,
    event: EventId,
) -> Result<Option<Quarantined>, StoreError> {
    transact(table, |mut transaction| async move {
        let aside = QuarantinedEvents::get_in(transaction.as_mut(), event).await?;
        if aside.is_some() {
            return Ok((transaction, aside));
        }
        let key = WakeUpKey { event }.pack();
        let active = WakeUpKey::encode(Timestamp(0));
        if transaction.get(&key).await?.as_deref() != Some(&active[..]) {
            transaction.set(&key, &active);
        }
        Ok((transaction, None))
    })
    .await
}

/// The event sleeps until then, or until it is asked.
pub(crate) async fn mark_passive(
    table: &dyn Table,
    event: EventId,
    due_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    transact(table, |mut transaction| async move {
        let key = WakeUpKey { event }.pack();
        // A write that read nothing never conflicts: an attempt of unknown outcome could land late, over the row of an active event.
        transaction.get(&key).await?;
        match due_at {
            Some(due_at) => transaction.set(&key, &WakeUpKey::encode(due_at)),
            None => transaction.clear(&key),
        }
        Ok((transaction, ()))
    })
    .await
}

/// Every wake-up there is.
pub(crate) async fn all(table: &dyn Table) -> Result<Vec<(EventId, Timestamp)>, StoreError> {
    let (mut begin, end) = WakeUpKey::range();
    let mut wake_ups = Vec::new();
    loop {
        let mut transaction = table.begin().await?;
        let rows = transaction.range(&begin, &end, ROWS_PER_PAGE, false).await?;
        for (key, value) in &rows {
            wake_ups.push((WakeUpKey::unpack(key)?.event, WakeUpKey::decode(value)?));
        }
        let Some((last, _)) = rows.last().filter(|_| rows.len() == ROWS_PER_PAGE) else {
            return Ok(wake_ups);
        };
        begin.clone_from(last);
        begin.push(0);
    }
}
