//! The nodes of a cluster and what each owns: the rows of `docs/adr/0011-a-cluster-of-nodes.md`, each changed by one serializable
//! transaction that really reads what it depends on.

mod row;

use std::sync::Arc;

use tessera_cluster::{
    Beat, Claim, Evicted, Listed, NODES_MAX, NodeId, NodeRow, OwnerRow, Renewed, Standing, Transfer, claim,
    transfer,
};
use tessera_inventory::{EventId, Timestamp};
use tessera_store::keys::{NodeBeatKey, NodeKey, OwnedKey, OwnerKey, WakeUpKey};
use tessera_store::{StoreError, Table, Transaction, transact};

use self::row::{decode_beat, decode_node, decode_owner, encode_beat, encode_node, encode_owner};
use crate::page::after;
use crate::quarantine::{Quarantined, QuarantinedEvents};

/// Who owns an event, and where it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its row.
    pub owner: OwnerRow,
    /// The row of the node, if it is there and not evicted.
    pub node: Option<NodeRow>,
}

/// The nodes, over a table.
#[derive(Clone)]
pub struct Nodes {
    table: Arc<dyn Table>,
}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nodes").finish_non_exhaustive()
    }
}

impl Nodes {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Nodes {
        Nodes { table }
    }

    /// Renew the lease of a node with this beat, or register it with the first. Its row is written only where it changes: every claim
    /// reads it. An evicted node is told so, and nothing is written.
    ///
    /// # Errors
    /// As the table says; [`StoreError::Unavailable`] where there are [`NODES_MAX`] nodes.
    pub async fn renew(&self, node: NodeId, row: &NodeRow, beat: &Beat) -> Result<Renewed, StoreError> {
        let key = &NodeKey { node: node.0 }.pack();
        let beat_key = &NodeBeatKey { node: node.0 }.pack();
        transact(self.table.as_ref(), |mut transaction| async move {
            let stored = node_row(transaction.as_mut(), node).await?;
            match &stored {
                None if beat.number > 1 => return Ok((transaction, Renewed::Evicted)),
                None => refuse_too_many(transaction.as_mut()).await?,
                Some(stored) if stored.standing == Standing::Evicted => {
                    return Ok((transaction, Renewed::Evicted));
                }
                Some(_) => {}
            }
            // Really read: a renewal of unknown outcome conflicts with every later one. Landing behind one it would bring back a number
            // that somebody may have seen for long.
            let before = transaction.get(beat_key).await?.map(|before| decode_beat(&before)).transpose()?;
            if before.is_some_and(|before| before.number >= beat.number) {
                return Ok((transaction, Renewed::Written));
            }
            if stored.as_ref() != Some(row) {
                transaction.set(key, &encode_node(row));
            }
            transaction.set(beat_key, &encode_beat(beat));
            Ok((transaction, Renewed::Written))
        })
        .await
    }

    /// Every node, evicted ones too.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let (begin, end) = NodeKey::range();
        let rows = transaction.range(&begin, &end, NODES_MAX, false).await?;
        let (begin, end) = NodeBeatKey::range();
        let beats = transaction.range(&begin, &end, NODES_MAX, false).await?;
        let mut newest = std::collections::BTreeMap::new();
        for (key, value) in &beats {
            newest.insert(NodeBeatKey::unpack(key)?.node, decode_beat(value)?);
        }
        let listed = |(key, value): &(Vec<u8>, Vec<u8>)| {
            let node = NodeKey::unpack(key)?.node;
            let beat = newest.get(&node).copied().unwrap_or_default();
            Ok(Listed { node: NodeId(node), row: decode_node(value)?, beat })
        };
        rows.iter().map(listed).collect()
    }

    /// Evict a node whose newest beat has this number still.
    ///
    /// # Errors
    /// As the table says.
    pub async fn evict(&self, node: NodeId, number: u64) -> Result<Evicted, StoreError> {
        self.mark_evicted(node, Some(number)).await
    }

    /// A node leaves by itself.
    ///
    /// # Errors
    /// As the table says.
    pub async fn leave(&self, node: NodeId) -> Result<(), StoreError> {
        self.mark_evicted(node, None).await.map(drop)
    }

    async fn mark_evicted(&self, node: NodeId, number: Option<u64>) -> Result<Evicted, StoreError> {
        let key = &NodeKey { node: node.0 }.pack();
        let beat_key = &NodeBeatKey { node: node.0 }.pack();
        transact(self.table.as_ref(), |mut transaction| async move {
            let Some(row) = node_row(transaction.as_mut(), node).await? else {
                return Ok((transaction, Evicted::GoneBefore));
            };
            // Really read: a renewal that commits meanwhile makes this conflict.
            let beat = transaction.get(beat_key).await?.map(|beat| decode_beat(&beat)).transpose()?;
            let stored = beat.unwrap_or_default().number;
            if row.standing == Standing::Evicted {
                return Ok((transaction, Evicted::GoneBefore));
            }
            if number.is_some_and(|number| number != stored) {
                return Ok((transaction, Evicted::Alive));
            }
            transaction.set(key, &encode_node(&NodeRow { standing: Standing::Evicted, ..row }));
            Ok((transaction, Evicted::Gone))
        })
        .await
    }

    /// Who owns an event; `None`: nobody.
    ///
    /// # Errors
    /// As the table says.
    pub async fn owner(&self, event: EventId) -> Result<Option<Owner>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let Some(owner) = owner_row(transaction.as_mut(), event).await? else { return Ok(None) };
        let node = node_row(transaction.as_mut(), owner.node).await?;
        Ok(Some(Owner { owner, node: node.filter(|row| row.standing != Standing::Evicted) }))
    }

    /// Claim an event for `me`, by the rule of [`claim`]. In the same transaction, so that nobody else does it meanwhile, its wake-up says "at
    /// once" from now on, unless it is set aside: then why, and nothing wakes it.
    ///
    /// # Errors
    /// As the table says.
    pub async fn claim(
        &self,
        me: NodeId,
        event: EventId,
    ) -> Result<(Claim, Option<Quarantined>), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let owner = owner_row(transaction.as_mut(), event).await?;
            let owner_node = match owner.filter(|owner| owner.node != me) {
                Some(owner) => node_row(transaction.as_mut(), owner.node).await?,
                None => None,
            };
            let mine = node_row(transaction.as_mut(), me).await?;
            let found = claim(me, mine.as_ref(), owner, owner_node.as_ref());
            match &found {
                Claim::Take(taken) => change_owner(transaction.as_mut(), event, owner, *taken),
                // Written once more: a transfer or release of unknown outcome conflicts with it, and cannot take the event away later.
                Claim::Ours(ours) => transaction.set(&OwnerKey { event }.pack(), &encode_owner(*ours)),
                Claim::Elsewhere(_) | Claim::NotServing => return Ok((transaction, (found, None))),
            }
            let aside = QuarantinedEvents::get_in(transaction.as_mut(), event).await?;
            if aside.is_none() {
                wake_at_once(transaction.as_mut(), event).await?;
            }
            Ok((transaction, (found, aside)))
        })
        .await
    }

    /// Give an event of `me` to `other`, by the rule of [`transfer`].
    ///
    /// # Errors
    /// As the table says.
    pub async fn transfer(&self, me: NodeId, event: EventId, other: NodeId) -> Result<Transfer, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let owner = owner_row(transaction.as_mut(), event).await?;
            // An attempt of unknown outcome may have landed: then it is given.
            if let Some(given) = owner.filter(|owner| owner.node == other && other != me) {
                return Ok((transaction, Transfer::Give(given)));
            }
            let other_row = node_row(transaction.as_mut(), other).await?;
            let found = transfer(me, owner, other, other_row.as_ref());
            if let Transfer::Give(given) = found {
                change_owner(transaction.as_mut(), event, owner, given);
            }
            Ok((transaction, found))
        })
        .await
    }

    /// The event of `me` falls asleep: nobody owns it, and it must be woken at `due_at`, if ever. Nothing happens where `me` does not own it:
    /// another may have woken it meanwhile.
    ///
    /// # Errors
    /// As the table says.
    pub async fn release(
        &self,
        me: NodeId,
        event: EventId,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let owner = owner_row(transaction.as_mut(), event).await?;
            if owner.is_none_or(|owner| owner.node != me) {
                return Ok((transaction, ()));
            }
            transaction.clear(&OwnerKey { event }.pack());
            transaction.clear(&OwnedKey { node: me.0, event }.pack());
            let wake_up = WakeUpKey { event }.pack();
            match due_at {
                Some(due_at) => transaction.set(&wake_up, &WakeUpKey::encode(due_at)),
                None => transaction.clear(&wake_up),
            }
            Ok((transaction, ()))
        })
        .await
    }

    /// Up to `limit` events that a node owns, those after `after_event`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn owned(
        &self,
        node: NodeId,
        after_event: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError> {
        let (first, end) = OwnedKey::range(node.0);
        let begin = after_event.map_or(first, |event| after(OwnedKey { node: node.0, event }.pack()));
        let mut transaction = self.table.begin().await?;
        let rows = transaction.range(&begin, &end, limit, false).await?;
        rows.iter().map(|(key, _)| OwnedKey::unpack(key).map(|key| key.event)).collect()
    }

    /// Remove the rows of an evicted node that owns nothing any more. Answers whether they are gone.
    ///
    /// # Errors
    /// As the table says.
    pub async fn forget(&self, node: NodeId) -> Result<bool, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let row = node_row(transaction.as_mut(), node).await?;
            let (begin, end) = OwnedKey::range(node.0);
            let is_gone = row.is_none_or(|row| row.standing == Standing::Evicted)
                && transaction.range(&begin, &end, 1, false).await?.is_empty();
            if is_gone {
                transaction.clear(&NodeKey { node: node.0 }.pack());
                transaction.clear(&NodeBeatKey { node: node.0 }.pack());
            }
            Ok((transaction, is_gone))
        })
        .await
    }
}

/// The event is about to be active: whatever ends its node, somebody activates it again.
async fn wake_at_once(transaction: &mut dyn Transaction, event: EventId) -> Result<(), StoreError> {
    let key = WakeUpKey { event }.pack();
    let at_once = WakeUpKey::encode(Timestamp(0));
    if transaction.get(&key).await?.as_deref() != Some(&at_once[..]) {
        transaction.set(&key, &at_once);
    }
    Ok(())
}

async fn node_row(transaction: &mut dyn Transaction, node: NodeId) -> Result<Option<NodeRow>, StoreError> {
    let stored = transaction.get(&NodeKey { node: node.0 }.pack()).await?;
    stored.map(|stored| decode_node(&stored)).transpose()
}

async fn owner_row(
    transaction: &mut dyn Transaction,
    event: EventId,
) -> Result<Option<OwnerRow>, StoreError> {
    let stored = transaction.get(&OwnerKey { event }.pack()).await?;
    stored.map(|stored| decode_owner(&stored)).transpose()
}

fn change_owner(transaction: &mut dyn Transaction, event: EventId, from: Option<OwnerRow>, to: OwnerRow) {
    if let Some(from) = from {
        transaction.clear(&OwnedKey { node: from.node.0, event }.pack());
    }
    transaction.set(&OwnerKey { event }.pack(), &encode_owner(to));
    transaction.set(&OwnedKey { node: to.node.0, event }.pack(), b"");
}

async fn refuse_too_many(transaction: &mut dyn Transaction) -> Result<(), StoreError> {
    let (begin, end) = NodeKey::range();
    let nodes = transaction.range(&begin, &end, NODES_MAX, false).await?.len();
    if nodes < NODES_MAX {
        return Ok(());
    }
    let reason = format!("there are {nodes} nodes, the most that an installation has");
    Err(StoreError::Unavailable { reason })
}

#[cfg(test)]
mod tests;
