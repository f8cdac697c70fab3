//! Payments and refunds as they are stored.

use prost::Message;
use tessera_inventory::{Sequence, Timestamp};
use tessera_payments::{
    Asked, Calls, DisputeFact, DisputeStanding, Facts, Looks, Payment, PaymentId, Refund, RefundFact,
    RefundStanding, Replied, Standing, Status, Want, Why,
};
use tessera_store::StoreError;

use crate::read::{identity, narrow, provider_of, time, unreadable};

const WHAT: &str = "payments";

/// A payment and when its row says that it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// Without its refunds, which have rows of their own.
    pub(super) payment: Payment,
    pub(super) due_at: Option<Timestamp>,
    /// Whether it has refunds.
    pub(super) has_refunds: bool,
}

#[derive(Clone, PartialEq, Message)]
struct PaymentRow {
    #[prost(bytes = "vec", tag = "1")]
    organizer: Vec<u8>,
    #[prost(uint32, tag = "2")]
    provider: u32,
    #[prost(sint64, tag = "3")]
    amount_minor: i64,
    #[prost(bytes = "vec", tag = "4")]
    currency: Vec<u8>,
    #[prost(uint64, tag = "5")]
    begun_at_ms: u64,
    /// 1 authorise, 2 capture, 3 release.
    #[prost(uint32, tag = "6")]
    want: u32,
    /// To authorise only.
    #[prost(uint64, tag = "7")]
    grace_until_ms: u64,
    /// To release only.
    #[prost(uint32, tag = "8")]
    why: u32,
    #[prost(uint64, tag = "9")]
    wanted_by: u64,
    #[prost(uint64, tag = "10")]
    wanted_at_ms: u64,
    #[prost(message, optional, tag = "11")]
    facts: Option<FactsRow>,
    #[prost(message, optional, tag = "12")]
    calls: Option<CallsRow>,
    #[prost(uint32, tag = "13")]
    looks: u32,
    #[prost(uint64, tag = "14")]
    look_at_ms: u64,
    #[prost(uint64, optional, tag = "15")]
    looked_at_ms: Option<u64>,
    #[prost(uint32, tag = "16")]
    asks: u32,
    #[prost(uint64, tag = "17")]
    ask_at_ms: u64,
    #[prost(bool, tag = "18")]
    ended: bool,
    #[prost(bool, tag = "19")]
    refused: bool,
    #[prost(uint64, optional, tag = "20")]
    due_at_ms: Option<u64>,
    #[prost(bool, tag = "21")]
    has_refunds: bool,
    #[prost(bool, tag = "22")]
    called_off: bool,
    /// 0: the log was told nothing; else the standing and 1.
    #[prost(uint32, tag = "23")]
    told: u32,
}

#[derive(Clone, PartialEq, Message)]
struct FactsRow {
    #[prost(string, optional, tag = "1")]
    reference: Option<String>,
    #[prost(string, optional, tag = "2")]
    page: Option<String>,
    #[prost(string, optional, tag = "3")]
    secret: Option<String>,
    #[prost(uint32, tag = "4")]
    status: u32,
    #[prost(sint64, tag = "5")]
    authorised_minor: i64,
    #[prost(uint64, optional, tag = "6")]
    authorised_until_ms: Option<u64>,
    #[prost(sint64, tag = "7")]
    captured_minor: i64,
    #[prost(string, optional, tag = "8")]
    failure: Option<String>,
    #[prost(message, repeated, tag = "9")]
    refunds: Vec<RefundFactRow>,
    #[prost(message, repeated, tag = "10")]
    disputes: Vec<DisputeFactRow>,
    #[prost(sint64, optional, tag = "11")]
    fee_minor: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct RefundFactRow {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(uint64, optional, tag = "2")]
    ours: Option<u64>,
    #[prost(sint64, tag = "3")]
    amount_minor: i64,
    #[prost(uint32, tag = "4")]
    standing: u32,
}

#[derive(Clone, PartialEq, Message)]
struct DisputeFactRow {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(sint64, tag = "2")]
    amount_minor: i64,
    #[prost(sint64, tag = "3")]
    fee_minor: i64,
    #[prost(uint32, tag = "4")]
    standing: u32,
}

#[derive(Clone, PartialEq, Message)]
struct CallsRow {
    #[prost(uint32, tag = "1")]
    n: u32,
    #[prost(uint64, tag = "2")]
    since_ms: u64,
    #[prost(uint32, tag = "3")]
    tries: u32,
    #[prost(uint64, tag = "4")]
    next_at_ms: u64,
    #[prost(uint32, tag = "5")]
    replied: u32,
    #[prost(string, optional, tag = "6")]
    error: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct RefundRow {
    #[prost(sint64, tag = "1")]
    amount_minor: i64,
    #[prost(uint32, tag = "2")]
    reason: u32,
    #[prost(message, optional, tag = "3")]
    calls: Option<CallsRow>,
    #[prost(uint32, tag = "4")]
    standing: u32,
    /// Older rows have none: since when their key is used says about the same.
    #[prost(uint64, optional, tag = "5")]
    wanted_at_ms: Option<u64>,
}

impl Stored {
    pub(super) fn encode(&self) -> Vec<u8> {
        let payment = &self.payment;
        let (want, grace_until_ms, why) = match payment.want {
            Want::Authorise { grace_until } => (1, grace_until.0, 0),
            Want::Capture => (2, 0, 0),
            Want::Release { why } => (3, 0, why as u32),
        };
        PaymentRow {
            organizer: payment.organizer.to_be_bytes().to_vec(),
            provider: u32::from(payment.provider.0.get()),
            amount_minor: payment.amount_minor,
            currency: payment.currency.to_vec(),
            begun_at_ms: payment.begun_at.0,
            want,
            grace_until_ms,
            why,
            wanted_by: payment.wanted_by.0,
            wanted_at_ms: payment.wanted_at.0,
            facts: Some(FactsRow::of(&payment.facts)),
            calls: Some(CallsRow::of(&payment.calls)),
            looks: payment.looks.tries,
            look_at_ms: payment.looks.next_at.0,
            looked_at_ms: payment.looks.answered_at.map(|at| at.0),
            asks: payment.asked.tries,
            ask_at_ms: payment.asked.next_at.0,
            ended: payment.asked.ended,
            refused: payment.asked.refused,
            due_at_ms: self.due_at.map(|at| at.0),
            has_refunds: self.has_refunds,
            called_off: payment.called_off,
            told: payment.told.map_or(0, |standing| standing as u32 + 1),
        }
        .encode_to_vec()
    }

    pub(super) fn decode(id: PaymentId, row: &[u8]) -> Result<Stored, StoreError> {
        let row = PaymentRow::decode(row).map_err(|_| unreadable(WHAT))?;
        let want = match row.want {
            1 => Want::Authorise { grace_until: Timestamp(row.grace_until_ms) },
            2 => Want::Capture,
            3 => Want::Release { why: one_of(&WHYS, row.why, |why| why as u32)? },
            _ => return Err(unreadable(WHAT)),
        };
        let payment = Payment {
            id,
            organizer: identity(&row.organizer, WHAT)?,
            provider: provider_of(narrow(row.provider, WHAT)?, WHAT)?,
            amount_minor: row.amount_minor,
            currency: row.currency.try_into().map_err(|_| unreadable(WHAT))?,
            begun_at: Timestamp(row.begun_at_ms),
            want,
            wanted_by: Sequence(row.wanted_by),
            wanted_at: Timestamp(row.wanted_at_ms),
            facts: row.facts.unwrap_or_default().facts()?,
            calls: row.calls.unwrap_or_default().calls()?,
            looks: Looks {
                tries: row.looks,
                next_at: Timestamp(row.look_at_ms),
                answered_at: time(row.looked_at_ms),
            },
            asked: Asked {
                tries: row.asks,
                next_at: Timestamp(row.ask_at_ms),
                ended: row.ended,
                refused: row.refused,
            },
            called_off: row.called_off,
            told: (row.told > 0)
                .then(|| one_of(&DISPUTES, row.told - 1, |standing| standing as u32))
                .transpose()?,
            refunds: std::collections::BTreeMap::new(),
        };
        Ok(Stored { payment, due_at: time(row.due_at_ms), has_refunds: row.has_refunds })
    }
}

pub(super) fn encode_refund(refund: &Refund) -> Vec<u8> {
    RefundRow {
        amount_minor: refund.amount_minor,
        reason: u32::from(refund.reason),
        calls: Some(CallsRow::of(&refund.calls)),
        standing: refund.standing as u32,
        wanted_at_ms: Some(refund.wanted_at.0),
    }
    .encode_to_vec()
}

pub(super) fn decode_refund(row: &[u8]) -> Result<Refund, StoreError> {
    let row = RefundRow::decode(row).map_err(|_| unreadable(WHAT))?;
    let calls = row.calls.unwrap_or_default().calls()?;
    Ok(Refund {
        amount_minor: row.amount_minor,
        reason: narrow(row.reason, WHAT)?,
        wanted_at: row.wanted_at_ms.map_or(calls.since, Timestamp),
        calls,
        standing: one_of(&STANDINGS, row.standing, |standing| standing as u32)?,
    })
}

const WHYS: [Why; 6] =
    [Why::Failed, Why::Expired, Why::Cancelled, Why::OtherAttempt, Why::SoldByOther, Why::Unpaid];
const STATUSES: [Status; 6] = [
    Status::Open,
    Status::Processing,
    Status::Authorised,
    Status::Failed,
    Status::Cancelled,
    Status::Captured,
];
const REPLIES: [Replied; 3] = [Replied::Nothing, Replied::Done, Replied::Declined];
const STANDINGS: [Standing; 3] = [Standing::Due, Standing::Moot, Standing::ByHand];
const REFUNDS: [RefundStanding; 3] = [RefundStanding::Pending, RefundStanding::Done, RefundStanding::Failed];
const DISPUTES: [DisputeStanding; 3] = [DisputeStanding::Open, DisputeStanding::Won, DisputeStanding::Lost];

/// The one of these that has this number.
fn one_of<T: Copy>(all: &[T], number: u32, number_of: impl Fn(T) -> u32) -> Result<T, StoreError> {
    all.iter().copied().find(|one| number_of(*one) == number).ok_or_else(|| unreadable(WHAT))
}

impl FactsRow {
    fn of(facts: &Facts) -> FactsRow {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let refund = |id: &str, refund: &RefundFact| RefundFactRow {
            id: id.to_owned(),
            ours: refund.ours,
            amount_minor: refund.amount_minor,
            standing: refund.standing as u32,
        };
        let dispute = |id: &str, dispute: &DisputeFact| DisputeFactRow {
            id: id.to_owned(),
            amount_minor: dispute.amount_minor,
            fee_minor: dispute.fee_minor,
            standing: dispute.standing as u32,
        };
        FactsRow {
            reference: text(&facts.reference),
            page: text(&facts.page),
            secret: text(&facts.secret),
            status: facts.status as u32,
            authorised_minor: facts.authorised_minor,
            authorised_until_ms: facts.authorised_until.map(|until| until.0),
            captured_minor: facts.captured_minor,
            failure: text(&facts.failure),
            refunds: facts.refunds.iter().map(|(id, fact)| refund(id, fact)).collect(),
            disputes: facts.disputes.iter().map(|(id, fact)| dispute(id, fact)).collect(),
            fee_minor: facts.fee_minor,
        }
    }

    fn facts(self) -> Result<Facts, StoreError> {
        let refund = |row: RefundFactRow| {
            let standing = one_of(&REFUNDS, row.standing, |standing| standing as u32)?;
            let fact = RefundFact { ours: row.ours, amount_minor: row.amount_minor, standing };
            Ok((row.id.into_boxed_str(), fact))
        };
        let dispute = |row: DisputeFactRow| {
            let standing = one_of(&DISPUTES, row.standing, |standing| standing as u32)?;
            let (amount_minor, fee_minor) = (row.amount_minor, row.fee_minor);
            Ok((row.id.into_boxed_str(), DisputeFact { amount_minor, fee_minor, standing }))
        };
        Ok(Facts {
            reference: self.reference.map(String::into_boxed_str),
            page: self.page.map(String::into_boxed_str),
            secret: self.secret.map(String::into_boxed_str),
            status: one_of(&STATUSES, self.status, |status| status as u32)?,
            authorised_minor: self.authorised_minor,
            authorised_until: time(self.authorised_until_ms),
            captured_minor: self.captured_minor,
            failure: self.failure.map(String::into_boxed_str),
            refunds: self.refunds.into_iter().map(refund).collect::<Result<_, StoreError>>()?,
            disputes: self.disputes.into_iter().map(dispute).collect::<Result<_, StoreError>>()?,
            fee_minor: self.fee_minor,
        })
    }
}

impl CallsRow {
    fn of(calls: &Calls) -> CallsRow {
        CallsRow {
            n: u32::from(calls.n),
            since_ms: calls.since.0,
            tries: calls.tries,
            next_at_ms: calls.next_at.0,
            replied: calls.replied as u32,
            error: calls.error.as_deref().map(str::to_owned),
        }
    }

    fn calls(self) -> Result<Calls, StoreError> {
        Ok(Calls {
            n: narrow(self.n, WHAT)?,
            since: Timestamp(self.since_ms),
            tries: self.tries,
            next_at: Timestamp(self.next_at_ms),
            replied: one_of(&REPLIES, self.replied, |replied| replied as u32)?,
            error: self.error.map(String::into_boxed_str),
        })
    }
}

#[cfg(test)]
mod tests;
