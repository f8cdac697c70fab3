//! Entries as they are stored.

use prost::Message;
use tessera_inventory::{ClaimNumber, EventId};
use tessera_ledger::{Account, AccountKind, Entry, EntryId, FactKind, Heading, Posting};
use tessera_store::StoreError;
use tessera_store::keys::LedgerEntryKey;

use crate::read::{identity, narrow, unreadable};

const WHAT: &str = "the ledger";

#[derive(Clone, PartialEq, Message)]
struct EntryRow {
    #[prost(uint32, tag = "1")]
    fact: u32,
    /// Empty where it is about no order.
    #[prost(bytes = "vec", tag = "2")]
    event: Vec<u8>,
    #[prost(uint64, tag = "3")]
    order: u64,
    #[prost(message, repeated, tag = "4")]
    postings: Vec<PostingRow>,
}

#[derive(Clone, PartialEq, Message)]
struct PostingRow {
    #[prost(uint32, tag = "1")]
    account: u32,
    /// Empty: the platform's.
    #[prost(bytes = "vec", tag = "2")]
    of: Vec<u8>,
    #[prost(uint32, tag = "3")]
    detail: u32,
    #[prost(sint64, tag = "4")]
    amount_minor: i64,
}

pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let order = entry.heading.order;
    let posting = |posting: &Posting| {
        let Account { kind, of, detail } = posting.account;
        let of = if of == 0 { Vec::new() } else { of.to_be_bytes().to_vec() };
        let (account, detail) = (u32::from(kind.number()), u32::from(detail));
        PostingRow { account, of, detail, amount_minor: posting.amount_minor }
    };
    EntryRow {
        fact: u32::from(entry.fact.number()),
        event: order.map(|(event, _)| event.0.to_be_bytes().to_vec()).unwrap_or_default(),
        order: order.map_or(0, |(_, order)| order.0),
        postings: entry.postings().iter().map(posting).collect(),
    }
    .encode_to_vec()
}

pub(super) fn decode(key: &LedgerEntryKey, row: &[u8]) -> Result<Entry, StoreError> {
    let row = EntryRow::decode(row).map_err(|_| unreadable(WHAT))?;
    let order = if row.event.is_empty() {
        None
    } else {
        Some((EventId(identity(&row.event, WHAT)?), ClaimNumber(row.order)))
    };
    let LedgerEntryKey { organizer, currency, at, id } = *key;
    let heading = Heading { id: EntryId(id), at, organizer, currency, order };
    let fact = FactKind::of(narrow(row.fact, WHAT)?).ok_or_else(|| unreadable(WHAT))?;
    let posting = |row: PostingRow| {
        let kind = AccountKind::of(narrow(row.account, WHAT)?).ok_or_else(|| unreadable(WHAT))?;
        let of = if row.of.is_empty() { 0 } else { identity(&row.of, WHAT)? };
        let account = Account { kind, of, detail: narrow(row.detail, WHAT)? };
        Ok(Posting { account, amount_minor: row.amount_minor })
    };
    let postings: Vec<_> = row.postings.into_iter().map(posting).collect::<Result<_, StoreError>>()?;
    Entry::new(heading, fact, &postings).map_err(|_| unreadable(WHAT))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_inventory::Timestamp;

    use super::*;

    #[test]
    fn an_entry_has_the_bytes_that_it_always_had() {
        let posting = |account, amount_minor| Posting { account, amount_minor };
        let postings = [
            posting(Account::with_provider(AccountKind::InFlight, 2), 300),
            posting(Account::of_organizer(AccountKind::Payable, 7), -300),
        ];
        let order = Some((EventId(9), ClaimNumber(3)));
        let heading = Heading { id: EntryId(5), at: Timestamp(8), organizer: 7, currency: *b"EUR", order };
        let entry = Entry::new(heading, FactKind::Sold, &postings).unwrap();
        let key = LedgerEntryKey { organizer: 7, currency: *b"EUR", at: Timestamp(8), id: 5 };
        let bytes = encode(&entry);
        let expected = [
            &[0x08, 1, 0x12, 16][..],
            &9_u128.to_be_bytes(),
            &[0x18, 3, 0x22, 7, 0x08, 2, 0x18, 2, 0x20, 0xd8, 4, 0x22, 23, 0x08, 4, 0x12, 16],
            &7_u128.to_be_bytes(),
            &[0x20, 0xd7, 4],
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(decode(&key, &bytes).unwrap(), entry);
        let payout = Entry { heading: Heading { order: None, ..heading }, ..entry };
        assert_eq!(decode(&key, &encode(&payout)).unwrap(), payout);
        assert!(decode(&key, &bytes[..bytes.len() - 27]).is_err(), "what is not balanced is damaged");
    }
}
