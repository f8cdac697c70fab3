//! Facts: what a provider has said of a payment. They only grow, so that no order of messages is special.

use std::collections::BTreeMap;

use tessera_inventory::Timestamp;

use crate::limits::{DISPUTE_FACTS_MAX, REFUND_FACTS_MAX};
use crate::mutant::{Mutant, Mutation};

/// One thing that a provider says of a payment. Amounts are in minor units. Texts are the provider's: names of refunds and disputes have at most
/// 255 bytes, the others 2,048.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It is there.
    Created {
        /// The provider's name for it.
        reference: Box<str>,
        /// Where the buyer pays.
        page: Option<Box<str>>,
        /// What a front-end of one's own pays with.
        secret: Option<Box<str>>,
    },
    /// The buyer has paid, and the provider does not know yet whether it works.
    Processing,
    /// The money is set aside for us.
    Authorised {
        /// How much.
        amount_minor: i64,
        /// Until when, if the provider says so.
        until: Option<Timestamp>,
    },
    /// The money is ours.
    Captured {
        /// How much in all.
        amount_minor: i64,
    },
    /// It failed for good: no other try of the buyer can succeed under this reference.
    Failed {
        /// In the provider's words.
        code: Box<str>,
    },
    /// It was called off, or has lapsed, before anything was captured.
    Cancelled,
    /// There is a refund of it.
    Refund {
        /// The provider's name for it.
        id: Box<str>,
        /// Which of our refunds it is; `None`: somebody made it at the provider.
        ours: Option<u64>,
        /// How much.
        amount_minor: i64,
        /// How it stands.
        standing: RefundStanding,
    },
    /// The buyer disputes it.
    Dispute {
        /// The provider's name for the dispute.
        id: Box<str>,
        /// How much was taken back.
        amount_minor: i64,
        /// What the provider takes for that.
        fee_minor: i64,
        /// How it stands.
        standing: DisputeStanding,
    },
    /// What the provider takes for the payment.
    Fee {
        /// How much.
        amount_minor: i64,
    },
}

/// How a payment stands, in the order in which it can go on: the greatest that was heard of counts. So a payment that failed or was called
/// off is over, unless something was captured all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Status {
    /// Nobody has paid.
    #[default]
    Open = 0,
    /// See [`Fact::Processing`].
    Processing = 1,
    /// See [`Fact::Authorised`].
    Authorised = 2,
    /// See [`Fact::Failed`].
    Failed = 3,
    /// See [`Fact::Cancelled`].
    Cancelled = 4,
    /// See [`Fact::Captured`].
    Captured = 5,
}

/// How a refund stands at the provider; the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RefundStanding {
    /// It is under way.
    Pending = 0,
    /// It has left the provider.
    Done = 1,
    /// It failed, or came back after it had left.
    Failed = 2,
}

/// How a dispute stands; the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DisputeStanding {
    /// Undecided: the money is away.
    Open = 0,
    /// The money is back.
    Won = 1,
    /// The money is gone.
    Lost = 2,
}

/// A refund as the provider knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundFact {
    /// Which of our refunds it is.
    pub ours: Option<u64>,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// How it stands.
    pub standing: RefundStanding,
}

/// A dispute as the provider knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputeFact {
    /// How much was taken back, in minor units.
    pub amount_minor: i64,
    /// What the provider takes for that, in minor units.
    pub fee_minor: i64,
    /// How it stands.
    pub standing: DisputeStanding,
}

/// All that is known of a payment from its provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The provider's name for it.
    pub reference: Option<Box<str>>,
    /// Where the buyer pays.
    pub page: Option<Box<str>>,
    /// What a front-end of one's own pays with.
    pub secret: Option<Box<str>>,
    /// How it stands.
    pub status: Status,
    /// What was set aside, in minor units.
    pub authorised_minor: i64,
    /// Until when.
    pub authorised_until: Option<Timestamp>,
    /// What was captured in all, in minor units.
    pub captured_minor: i64,
    /// Why it failed, in the provider's words.
    pub failure: Option<Box<str>>,
    /// Refunds, by the provider's names for them.
    pub refunds: BTreeMap<Box<str>, RefundFact>,
    /// Disputes, by the provider's names for them.
    pub disputes: BTreeMap<Box<str>, DisputeFact>,
    /// What the provider takes for it, in minor units; `None`: not known.
    pub fee_minor: Option<i64>,
}

impl Facts {
    /// Learn a fact. Facts may come in any order and again and again: what is known in the end is the same.
    pub fn merge(&mut self, fact: &Fact) {
        self.merge_with(fact, Mutation::default());
    }

    pub(crate) fn merge_with(&mut self, fact: &Fact, mutation: Mutation) {
        match fact {
            Fact::Created { reference, page, secret } => {
                least(&mut self.reference, Some(reference));
                least(&mut self.page, page.as_deref());
                least(&mut self.secret, secret.as_deref());
            }
            Fact::Processing => self.reach(Status::Processing, mutation),
            // Nothing is no money.
            Fact::Authorised { amount_minor: ..=0, .. } | Fact::Captured { amount_minor: ..=0 } => {}
            Fact::Authorised { amount_minor, until } => {
                self.reach(Status::Authorised, mutation);
                self.authorised_minor = self.authorised_minor.max(*amount_minor);
                self.authorised_until = self.authorised_until.max(*until);
            }
            Fact::Captured { amount_minor } => {
                self.reach(Status::Captured, mutation);
                self.captured_minor = self.captured_minor.max(*amount_minor);
            }
            Fact::Failed { code } => {
                self.reach(Status::Failed, mutation);
                least(&mut self.failure, Some(code));
            }
            Fact::Cancelled => self.reach(Status::Cancelled, mutation),
            Fact::Refund { id, ours, amount_minor, standing } => {
                let found =
                    RefundFact { ours: *ours, amount_minor: (*amount_minor).max(0), standing: *standing };
                let known = self.refunds.entry(id.clone()).or_insert(found);
                known.ours = known.ours.max(found.ours);
                known.amount_minor = known.amount_minor.max(found.amount_minor);
                known.standing = known.standing.max(found.standing);
                keep_lowest(&mut self.refunds, REFUND_FACTS_MAX);
            }
            Fact::Dispute { id, amount_minor, fee_minor, standing } => {
                let (amount_minor, fee_minor) = ((*amount_minor).max(0), (*fee_minor).max(0));
                let found = DisputeFact { amount_minor, fee_minor, standing: *standing };
                let known = self.disputes.entry(id.clone()).or_insert(found);
                known.amount_minor = known.amount_minor.max(amount_minor);
                known.fee_minor = known.fee_minor.max(fee_minor);
                known.standing = known.standing.max(*standing);
                keep_lowest(&mut self.disputes, DISPUTE_FACTS_MAX);
            }
            Fact::Fee { amount_minor } => self.fee_minor = self.fee_minor.max(Some((*amount_minor).max(0))),
        }
    }

    fn reach(&mut self, status: Status, mutation: Mutation) {
        if status > self.status || mutation.is(Mutant::StatusGoesBack) {
            self.status = status;
        }
    }

    /// Whether the buyer's money is there, set aside or captured.
    #[must_use]
    pub const fn is_paid(&self) -> bool {
        matches!(self.status, Status::Authorised | Status::Captured)
    }

    /// Whether it ended without money.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.status, Status::Failed | Status::Cancelled)
    }

    /// What is given back or on the way, in minor units.
    #[must_use]
    pub fn refunded_minor(&self) -> i64 {
        let alive = self.refunds.values().filter(|refund| refund.standing != RefundStanding::Failed);
        alive.fold(0, |sum, refund| sum.saturating_add(refund.amount_minor))
    }

    /// How the disputes stand together: one that is lost counts most, then one that is open. `None`: there are none.
    #[must_use]
    pub fn disputed(&self) -> Option<DisputeStanding> {
        let rank = |standing: &DisputeStanding| match standing {
            DisputeStanding::Won => 0,
            DisputeStanding::Open => 1,
            DisputeStanding::Lost => 2,
        };
        self.disputes.values().map(|dispute| dispute.standing).max_by_key(rank)
    }

    /// How our refund of this number stands at the provider; `None`: it does not know it.
    #[must_use]
    pub fn refund(&self, number: u64) -> Option<RefundStanding> {
        let ours = self.refunds.values().filter(|refund| refund.ours == Some(number));
        // Of two under one number, the one that is further: what a caller may wait for.
        let rank = |standing: &RefundStanding| match standing {
            RefundStanding::Failed => 0,
            RefundStanding::Pending => 1,
            RefundStanding::Done => 2,
        };
        ours.map(|refund| refund.standing).max_by_key(rank)
    }
}

/// Of two texts the first in order, so that it does not matter which was heard first.
fn least(known: &mut Option<Box<str>>, heard: Option<&str>) {
    let Some(heard) = heard else { return };
    if known.as_deref().is_none_or(|known| heard < known) {
        *known = Some(heard.into());
    }
}

fn keep_lowest<T>(known: &mut BTreeMap<Box<str>, T>, most: usize) {
    while known.len() > most {
        known.pop_last();
    }
}
