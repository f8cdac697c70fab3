//! Payouts: what organizers are owed leaves the platform. A person makes them; here they are counted.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_ledger::{Account, AccountKind, Currency, Entry, EntryId, Heading, Movement, entry};
use tessera_payments::ProviderId;
use tessera_store::keys::PayoutKey;
use tessera_store::{Row, StoreError, Table, Transaction, transact};

use crate::ledger::{Truth, balance_in, post_in};
use crate::read::{identity, narrow, provider_of, unreadable};

const WHAT: &str = "payouts";

/// How a payout stands. The number is stored: it is never changed and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// It is on its way.
    Begun = 0,
    /// It has left.
    Done = 1,
    /// It did not leave: the organizer is owed it as before.
    Failed = 2,
}

const STATES: [State; 3] = [State::Begun, State::Done, State::Failed];

/// A payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payout {
    /// To whom.
    pub organizer: u128,
    /// Its id: the bits of a UUIDv7.
    pub id: u128,
    /// How much, in minor units; more than 0.
    pub amount_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// From whose account.
    pub provider: ProviderId,
    /// Until when the entries are counted that it pays.
    pub through: Timestamp,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// How it stands.
    pub state: State,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Of the request that began it.
    pub fingerprint: u64,
}

/// What became of a payout that was to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// It is on its way.
    Now,
    /// The request had begun one before: so it stands.
    Before(Payout),
    /// The organizer is owed less, in minor units.
    Exceeds {
        /// How much.
        owed_minor: i64,
    },
}

/// What became of a payout that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// So it stands; the first end counts.
    So(Payout),
    /// There is none of this id.
    Unknown,
}

#[derive(Clone, PartialEq, Message)]
struct PayoutRow {
    #[prost(sint64, tag = "1")]
    amount_minor: i64,
    #[prost(bytes = "vec", tag = "2")]
    currency: Vec<u8>,
    #[prost(uint32, tag = "3")]
    provider: u32,
    #[prost(uint64, tag = "4")]
    through_ms: u64,
    #[prost(uint64, tag = "5")]
    begun_at_ms: u64,
    #[prost(uint32, tag = "6")]
    state: u32,
    #[prost(uint64, optional, tag = "7")]
    ended_at_ms: Option<u64>,
    #[prost(fixed64, tag = "8")]
    fingerprint: u64,
}

/// Payouts, over a table.
#[derive(Clone)]
pub struct Payouts {
    table: Arc<dyn Table>,
}

impl Payouts {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Payouts {
        Payouts { table }
    }

    /// Begin a payout, of no more than the organizer is owed in its currency, by a request with this digest of its idempotency key.
    ///
    /// # Errors
    /// As the table says.
    pub async fn begin(&self, payout: &Payout, request: u128) -> Result<Began, StoreError> {
        let request = PayoutKey::of_request(payout.organizer, request).pack();
        let request = request.as_slice();
        transact(self.table.as_ref(), |mut transaction| async move {
            if let Some(known) = begun_by(transaction.as_mut(), payout.organizer, request).await? {
                let is_same = known == *payout;
                // By an attempt of unknown outcome of this transaction, or as somebody asked before.
                return Ok((transaction, if is_same { Began::Now } else { Began::Before(known) }));
            }
            let owed_minor = owed(transaction.as_mut(), payout.organizer, payout.currency).await?;
            if payout.amount_minor > owed_minor {
                return Ok((transaction, Began::Exceeds { owed_minor }));
            }
            transaction.set(&payout.key().pack(), &payout.encode());
            transaction.set(request, &payout.id.to_be_bytes());
            let amount_minor = payout.amount_minor;
            payout.post(transaction.as_mut(), 1, &Movement::PayoutBegun { amount_minor }).await?;
            Ok((transaction, Began::Now))
        })
        .await
    }

    /// The payout that a request with this digest of its idempotency key has begun; `None`: it has begun none.
    ///
    /// # Errors
    /// As the table says.
    pub async fn begun_by(&self, organizer: u128, request: u128) -> Result<Option<Payout>, StoreError> {
        let request = PayoutKey::of_request(organizer, request).pack();
        begun_by(self.table.begin().await?.as_mut(), organizer, &request).await
    }

    /// A payout has left or failed.
    ///
    /// # Errors
    /// As the table says.
    pub async fn end(
        &self,
        (organizer, id): (u128, u128),
        has_left: bool,
        at: Timestamp,
    ) -> Result<Ended, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let key = PayoutKey { organizer, payout: id };
            let row = if key.is_payout() { transaction.get(&key.pack()).await? } else { None };
            let Some(row) = row else { return Ok((transaction, Ended::Unknown)) };
            let mut payout = Payout::decode(key, &row)?;
            if payout.state != State::Begun {
                return Ok((transaction, Ended::So(payout)));
            }
            let (amount_minor, provider) = (payout.amount_minor, payout.provider.0.get());
            let (state, step, movement) = if has_left {
                (State::Done, 2, Movement::PayoutDone { provider, amount_minor })
            } else {
                (State::Failed, 3, Movement::PayoutFailed { amount_minor })
            };
            (payout.state, payout.ended_at) = (state, Some(at));
            transaction.set(&key.pack(), &payout.encode());
            payout.post(transaction.as_mut(), step, &movement).await?;
            Ok((transaction, Ended::So(payout)))
        })
        .await
    }

    /// A payout to an organizer; `None`: there is none of this id.
    ///
    /// # Errors
    /// As the table says.
    pub async fn load(&self, organizer: u128, id: u128) -> Result<Option<Payout>, StoreError> {
        let key = PayoutKey { organizer, payout: id };
        if !key.is_payout() {
            return Ok(None);
        }
        let row = self.table.begin().await?.get(&key.pack()).await?;
        row.map(|row| Payout::decode(key, &row)).transpose()
    }

    /// Up to `limit` payouts of an organizer, the youngest first, before `before`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        organizer: u128,
        before: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Payout>, StoreError> {
        let (begin, last) = PayoutKey::range(organizer);
        let end = before.map(|payout| PayoutKey { organizer, payout }.pack());
        let end = end.filter(|end| *end < last).unwrap_or(last);
        let rows = self.table.begin().await?.range(&begin, &end, limit, true).await?;
        let payout = |(key, row): &Row| Payout::decode(PayoutKey::unpack(key)?, row);
        rows.iter().map(payout).collect()
    }
}

/// The payout that a request has begun, by the packed key of that.
async fn begun_by(
    transaction: &mut dyn Transaction,
    organizer: u128,
    request: &[u8],
) -> Result<Option<Payout>, StoreError> {
    let Some(id) = transaction.get(request).await? else { return Ok(None) };
    let key = PayoutKey { organizer, payout: identity(&id, WHAT)? };
    let row = transaction.get(&key.pack()).await?.ok_or_else(|| unreadable(WHAT))?;
    Payout::decode(key, &row).map(Some)
}

/// What an organizer is owed: its part of what was sold, less what it took at its own till and what was paid out.
async fn owed(
    transaction: &mut dyn Transaction,
    organizer: u128,
    currency: Currency,
) -> Result<i64, StoreError> {
    let mut owes = 0;
    for kind in [AccountKind::Payable, AccountKind::Cash] {
        let account = Account::of_organizer(kind, organizer);
        owes += balance_in(transaction, (organizer, currency), account).await?;
    }
    Ok(i64::try_from(-owes).unwrap_or(if owes > 0 { i64::MIN } else { i64::MAX }))
}

impl Payout {
    fn key(&self) -> PayoutKey {
        PayoutKey { organizer: self.organizer, payout: self.id }
    }

    /// The entry of a step of it.
    async fn post(
        &self,
        transaction: &mut dyn Transaction,
        step: u8,
        movement: &Movement,
    ) -> Result<(), StoreError> {
        let heading = Heading {
            id: EntryId::of_payout(self.id, step),
            at: self.ended_at.unwrap_or(self.begun_at),
            organizer: self.organizer,
            currency: self.currency,
            order: None,
        };
        let beyond = |error: tessera_ledger::TooLarge| StoreError::Damaged { reason: error.to_string() };
        let entries: Vec<Entry> = entry(heading, movement).map_err(beyond)?.into_iter().collect();
        post_in(transaction, Truth::Provider, &entries).await
    }

    fn encode(&self) -> Vec<u8> {
        PayoutRow {
            amount_minor: self.amount_minor,
            currency: self.currency.to_vec(),
            provider: u32::from(self.provider.0.get()),
            through_ms: self.through.0,
            begun_at_ms: self.begun_at.0,
            state: self.state as u32,
            ended_at_ms: self.ended_at.map(|at| at.0),
            fingerprint: self.fingerprint,
        }
        .encode_to_vec()
    }

    fn decode(key: PayoutKey, row: &[u8]) -> Result<Payout, StoreError> {
        let row = PayoutRow::decode(row).map_err(|_| unreadable(WHAT))?;
        let state = STATES.into_iter().find(|state| *state as u32 == row.state);
        Ok(Payout {
            organizer: key.organizer,
            id: key.payout,
            amount_minor: row.amount_minor,
            currency: row.currency.try_into().map_err(|_| unreadable(WHAT))?,
            provider: provider_of(narrow(row.provider, WHAT)?, WHAT)?,
            through: Timestamp(row.through_ms),
            begun_at: Timestamp(row.begun_at_ms),
            state: state.ok_or_else(|| unreadable(WHAT))?,
            ended_at: row.ended_at_ms.map(Timestamp),
            fingerprint: row.fingerprint,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    #[test]
    fn a_payout_has_the_bytes_that_it_always_had() {
        let key = PayoutKey { organizer: 7, payout: 8 };
        for state in STATES {
            let payout = Payout {
                organizer: 7,
                id: 8,
                amount_minor: 3,
                currency: *b"EUR",
                provider: ProviderId(NonZeroU16::new(2).unwrap()),
                through: Timestamp(4),
                begun_at: Timestamp(5),
                state,
                ended_at: Some(Timestamp(6)),
                fingerprint: 0,
            };
            let stands = if state == State::Begun { vec![] } else { vec![48, state as u8] };
            let expected = [&[8, 6, 18, 3, b'E', b'U', b'R', 24, 2, 32, 4, 40, 5][..], &stands, &[56, 6]];
            assert_eq!(payout.encode(), expected.concat());
            assert_eq!(Payout::decode(key, &payout.encode()).unwrap(), payout);
            let asked = Payout { fingerprint: 1, ..payout };
            assert_eq!(asked.encode(), [&expected.concat()[..], &[65, 1, 0, 0, 0, 0, 0, 0, 0]].concat());
            assert_eq!(Payout::decode(key, &asked.encode()).unwrap(), asked);
        }
        assert!(Payout::decode(key, &[18, 3, 1, 2, 3, 48, 9]).is_err(), "a state that nobody knows");
    }
}
