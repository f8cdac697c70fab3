//! What the platform has agreed with organizers: what it takes, and who bears what is lost. Versions are only ever added.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_ledger::Bearer;
use tessera_pricing::{Basis, Fee, Payer, TypeSet};
use tessera_store::keys::TermsKey;
use tessera_store::{StoreError, Table, Transaction, transact};

use crate::read::unreadable;

const WHAT: &str = "terms";

/// Most fees of the platform in the terms of an organizer. Each may be a line of a quote for every line of a basket, so that more would leave organizers
/// no room for their own.
pub const PLATFORM_FEES_MAX: usize = 4;

/// What is agreed with an organizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// From when on: not before those of the version before.
    pub from: Timestamp,
    /// Of the price of a ticket, in millionths.
    pub commission_ppm: u32,
    /// For each ticket beside that, in minor units.
    pub commission_fixed_minor: i64,
    /// A refund gives the commission back, too.
    pub commission_returned: bool,
    /// What buyers pay the platform beside prices: at most [`PLATFORM_FEES_MAX`], told apart by their names.
    pub platform_fees: Vec<PlatformFee>,
    /// Who bears disputes that are lost.
    pub bears: Bearer,
    /// A cancelled event is refunded only when somebody asks for it.
    pub refunds_by_hand: bool,
}

/// What buyers pay the platform beside prices. No tax of an organizer is on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformFee {
    /// Shown to buyers; in the tariffs of events it is known by that.
    pub name: Box<str>,
    /// What it is taken of.
    pub basis: Basis,
    /// Fixed part of one such thing, in minor units.
    pub fixed_minor: i64,
    /// Part of the discounted price, in millionths.
    pub rate_ppm: u32,
    /// Least of one such thing, in minor units.
    pub min_minor: i64,
    /// Most of one such thing, in minor units; `None`: unlimited.
    pub max_minor: Option<i64>,
    /// A refund gives it back.
    pub refundable: bool,
}

impl PlatformFee {
    /// As a tariff has it, of these ticket types.
    #[must_use]
    pub fn of_types(&self, types: TypeSet) -> Fee {
        Fee {
            name: self.name.clone(),
            basis: self.basis,
            fixed_minor: self.fixed_minor,
            rate_ppm: self.rate_ppm,
            min_minor: self.min_minor,
            max_minor: self.max_minor,
            payer: Payer::Buyer,
            taxes: 0,
            types,
            refundable: self.refundable,
        }
    }
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
    platform_fees: Vec::new(),
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
    #[prost(message, repeated, tag = "7")]
    platform_fees: Vec<FeeRow>,
}

#[derive(Clone, PartialEq, Message)]
struct FeeRow {
    #[prost(string, tag = "1")]
    name: String,
    /// 0: tickets, 1: add-ons, 2: orders.
    #[prost(uint32, tag = "2")]
    basis: u32,
    #[prost(sint64, tag = "3")]
    fixed_minor: i64,
    #[prost(uint32, tag = "4")]
    rate_ppm: u32,
    #[prost(sint64, tag = "5")]
    min_minor: i64,
    #[prost(sint64, optional, tag = "6")]
    max_minor: Option<i64>,
    #[prost(bool, tag = "7")]
    refundable: bool,
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
    fn encode(&self) -> Vec<u8> {
        TermsRow {
            from_ms: self.from.0,
            commission_ppm: self.commission_ppm,
            commission_fixed_minor: self.commission_fixed_minor,
            commission_returned: self.commission_returned,
            organizer_bears: self.bears == Bearer::Organizer,
            refunds_by_hand: self.refunds_by_hand,
            platform_fees: self.platform_fees.iter().map(FeeRow::from).collect(),
        }
        .encode_to_vec()
    }

    fn decode(row: &[u8]) -> Result<Terms, StoreError> {
        let row = TermsRow::decode(row).map_err(|_| unreadable(WHAT))?;
        Ok(Terms {
            from: Timestamp(row.from_ms),
            commission_ppm: row.commission_ppm,
            commission_fixed_minor: row.commission_fixed_minor,
            commission_returned: row.commission_returned,
            platform_fees: row.platform_fees.into_iter().map(FeeRow::fee).collect::<Result<_, _>>()?,
            bears: if row.organizer_bears { Bearer::Organizer } else { Bearer::Platform },
            refunds_by_hand: row.refunds_by_hand,
        })
    }
}

impl From<&PlatformFee> for FeeRow {
    fn from(fee: &PlatformFee) -> FeeRow {
        FeeRow {
            name: fee.name.to_string(),
            basis: match fee.basis {
                Basis::PerTicket => 0,
                Basis::PerAddOn => 1,
                Basis::PerOrder => 2,
            },
            fixed_minor: fee.fixed_minor,
            rate_ppm: fee.rate_ppm,
            min_minor: fee.min_minor,
            max_minor: fee.max_minor,
            refundable: fee.refundable,
        }
    }
}

impl FeeRow {
    fn fee(self) -> Result<PlatformFee, StoreError> {
        let basis = match self.basis {
            0 => Basis::PerTicket,
            1 => Basis::PerAddOn,
            2 => Basis::PerOrder,
            _ => return Err(unreadable(WHAT)),
        };
        Ok(PlatformFee {
            name: self.name.into(),
            basis,
            fixed_minor: self.fixed_minor,
            rate_ppm: self.rate_ppm,
            min_minor: self.min_minor,
            max_minor: self.max_minor,
            refundable: self.refundable,
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
            platform_fees: Vec::new(),
            bears: Bearer::Organizer,
            refunds_by_hand: true,
        };
        let bytes = [8_u8, 5, 16, 0xac, 2, 24, 1, 32, 1, 40, 1, 48, 1];
        assert_eq!(terms.encode(), bytes);
        assert_eq!(Terms::decode(&terms.encode()).unwrap(), terms);
        for (basis, number) in
            [(Basis::PerTicket, None), (Basis::PerAddOn, Some(1)), (Basis::PerOrder, Some(2))]
        {
            let fee = PlatformFee {
                name: "P".into(),
                basis,
                fixed_minor: 5,
                rate_ppm: 9,
                min_minor: 1,
                max_minor: Some(6),
                refundable: true,
            };
            let with_fee = Terms { platform_fees: vec![fee], ..terms.clone() };
            let basis: Vec<u8> = number.into_iter().flat_map(|number| [16, number]).collect();
            let row = [&[10, 1, b'P'][..], &basis, &[24, 10, 32, 9, 40, 2, 48, 12, 56, 1]].concat();
            let length = u8::try_from(row.len()).unwrap();
            assert_eq!(with_fee.encode(), [&bytes[..], &[58, length], &row].concat());
            assert_eq!(Terms::decode(&with_fee.encode()).unwrap(), with_fee);
        }
        assert!(Terms::decode(&[58, 2, 16, 3]).is_err(), "a basis that nobody knows");
        assert_eq!(Terms::decode(&NOTHING.encode()).unwrap(), NOTHING);
    }
}
