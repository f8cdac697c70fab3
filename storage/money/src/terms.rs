//! What the platform has agreed with organizers: what it takes, and who bears what is lost. Versions are only ever added.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_ledger::Bearer;
use tessera_store::keys::TermsKey;
use tessera_store::{StoreError, Table, Transaction, transact};

use crate::read::unreadable;

/// What is agreed with an organizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// From when on: not before those of the version before.
    pub from: Timestamp,
    /// Of the price of a ticket, in millionths.
    pub commission_ppm: u32,
    /// For each ticket beside that, in minor units.
    pub commission_fixed_minor: i64,
    /// A refund gives the commission back, too.
    pub commission_returned: bool,
    /// Who bears disputes that are lost.
    pub bears: Bearer,
    /// A cancelled event is refunded only when somebody asks for it.
    pub refunds_by_hand: bool,
}

/// What became of new terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// They are this version now.
    Version(u32),
    /// Another version was added meanwhile: this is the newest.
    Outdated(u32),
}

/// Nothing is agreed: the platform takes nothing and bears what is lost.
const NOTHING: Terms = Terms {
    from: Timestamp(0),
    commission_ppm: 0,
    commission_fixed_minor: 0,
    commission_returned: true,
    bears: Bearer::Platform,
    refunds_by_hand: false,
};

/// Versions that are looked at, the newest first, for the one that counts at a time.
const VERSIONS_READ_MAX: usize = 1_000;

#[derive(Clone, PartialEq, Message)]
struct TermsRow {
    #[prost(uint64, tag = "1")]
    from_ms: u64,
    #[prost(uint32, tag = "2")]
    commission_ppm: u32,
    #[prost(sint64, tag = "3")]
    commission_fixed_minor: i64,
    #[prost(bool, tag = "4")]
    commission_returned: bool,
    /// The organizer bears disputes that are lost.
    #[prost(bool, tag = "5")]
    organizer_bears: bool,
    #[prost(bool, tag = "6")]
    refunds_by_hand: bool,
}

/// The terms of organizers, over a table.
#[derive(Clone)]
pub struct TermsOfOrganizers {
    table: Arc<dyn Table>,
}

impl TermsOfOrganizers {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> TermsOfOrganizers {
        TermsOfOrganizers { table }
    }

    /// The newest version of an organizer's terms (0: none yet), and what counts at this time.
    ///
    /// # Errors
    /// As the table says.
    pub async fn read(&self, organizer: u128, at: Timestamp) -> Result<(u32, Terms), StoreError> {
        read(self.table.begin().await?.as_mut(), organizer, at).await
    }

    /// Agree on new terms, if `expected` is the newest version so far.
    ///
    /// # Errors
    /// As the table says.
    pub async fn agree(&self, organizer: u128, expected: u32, terms: &Terms) -> Result<Agreed, StoreError> {
        let version = expected.saturating_add(1);
        let (key, row) = (TermsKey { organizer, version }.pack(), terms.encode());
        transact(self.table.as_ref(), |mut transaction| {
            let (key, row) = (key.clone(), row.clone());
            async move {
                let (newest, _) = read(transaction.as_mut(), organizer, terms.from).await?;
                // Written by an attempt of unknown outcome of this transaction, or by somebody who agreed on the same.
                let is_there = transaction.get(&key).await?.as_ref() == Some(&row);
                if newest != expected && !is_there {
                    return Ok((transaction, Agreed::Outdated(newest)));
                }
                transaction.set(&key, &row);
                Ok((transaction, Agreed::Version(version)))
            }
        })
        .await
    }
}

/// The newest version of an organizer's terms, and what counts at this time.
pub(crate) async fn read(
    transaction: &mut dyn Transaction,
    organizer: u128,
    at: Timestamp,
) -> Result<(u32, Terms), StoreError> {
    let (begin, end) = TermsKey::range(organizer);
    let rows = transaction.range(&begin, &end, VERSIONS_READ_MAX, true).await?;
    let newest = rows.first().map_or(Ok(0), |(key, _)| TermsKey::unpack(key).map(|key| key.version))?;
    for (_, row) in rows {
        let terms = Terms::decode(&row)?;
        if terms.from <= at {
            return Ok((newest, terms));
        }
    }
    Ok((newest, NOTHING))
}

impl Terms {
    fn encode(self) -> Vec<u8> {
        TermsRow {
            from_ms: self.from.0,
            commission_ppm: self.commission_ppm,
            commission_fixed_minor: self.commission_fixed_minor,
            commission_returned: self.commission_returned,
            organizer_bears: self.bears == Bearer::Organizer,
            refunds_by_hand: self.refunds_by_hand,
        }
        .encode_to_vec()
    }

    fn decode(row: &[u8]) -> Result<Terms, StoreError> {
        let row = TermsRow::decode(row).map_err(|_| unreadable("terms"))?;
        Ok(Terms {
            from: Timestamp(row.from_ms),
            commission_ppm: row.commission_ppm,
            commission_fixed_minor: row.commission_fixed_minor,
            commission_returned: row.commission_returned,
            bears: if row.organizer_bears { Bearer::Organizer } else { Bearer::Platform },
            refunds_by_hand: row.refunds_by_hand,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_the_bytes_that_they_always_had() {
        let terms = Terms {
            from: Timestamp(5),
            commission_ppm: 300,
            commission_fixed_minor: -1,
            commission_returned: true,
            bears: Bearer::Organizer,
            refunds_by_hand: true,
        };
        assert_eq!(terms.encode(), [8, 5, 16, 0xac, 2, 24, 1, 32, 1, 40, 1, 48, 1]);
        assert_eq!(Terms::decode(&terms.encode()).unwrap(), terms);
        assert_eq!(Terms::decode(&NOTHING.encode()).unwrap(), NOTHING);
    }
}
