//! How an account of a channel stands.

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_store::keys::{MessageAccountKey, MessageLane};
use tessera_store::{StoreError, Transaction};

use crate::read::unreadable;

/// How an account of a channel stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Since when it is used: what happened before is said to nobody.
    pub since: Timestamp,
    /// Rounds that failed since the last in which something was taken.
    pub failures: u32,
    /// Until when nothing is sent through it.
    pub paused_until: Option<Timestamp>,
    /// Messages that have ended otherwise than dead, and are kept.
    pub finished: u64,
    /// Dead letters that are kept.
    pub dead: u64,
}

#[derive(Clone, PartialEq, Message)]
struct AccountRow {
    #[prost(uint64, tag = "1")]
    since_ms: u64,
    #[prost(uint32, tag = "2")]
    failures: u32,
    #[prost(uint64, optional, tag = "3")]
    paused_until_ms: Option<u64>,
    #[prost(uint64, tag = "4")]
    finished: u64,
    #[prost(uint64, tag = "5")]
    dead: u64,
}

impl Account {
    fn encode(self) -> Vec<u8> {
        let Account { since, failures, paused_until, finished, dead } = self;
        let paused_until_ms = paused_until.map(|until| until.0);
        AccountRow { since_ms: since.0, failures, paused_until_ms, finished, dead }.encode_to_vec()
    }

    fn decode(row: &[u8]) -> Result<Account, StoreError> {
        let row = AccountRow::decode(row).map_err(|_| unreadable("accounts of channels"))?;
        let AccountRow { since_ms, failures, paused_until_ms, finished, dead } = row;
        let (since, paused_until) = (Timestamp(since_ms), paused_until_ms.map(Timestamp));
        Ok(Account { since, failures, paused_until, finished, dead })
    }
}

pub(crate) async fn read(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
) -> Result<Option<Account>, StoreError> {
    let row = transaction.get(&MessageAccountKey { lane: lane.clone() }.pack()).await?;
    row.map(|row| Account::decode(&row)).transpose()
}

pub(crate) fn write(transaction: &mut dyn Transaction, lane: &MessageLane, account: Account) {
    transaction.set(&MessageAccountKey { lane: lane.clone() }.pack(), &account.encode());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_as_it_was_written() {
        let paused_until = Some(Timestamp(9));
        let account = Account { since: Timestamp(7), failures: 2, paused_until, finished: 3, dead: 1 };
        assert_eq!(Account::decode(&account.encode()).unwrap(), account);
    }
}
