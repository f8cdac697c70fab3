//! What each fact about money moves.

use crate::entry::{Entry, FactKind, Heading, Transfer};
use crate::{Account, AccountKind, Sale, TooLarge};

/// How an order was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paid {
    /// By this provider, which has captured it or will.
    Provider(u16),
    /// At the organizer's own till.
    Cash,
    /// There was nothing to pay; what the organizer owes for it comes off its payout.
    Nothing,
}

/// Who bears the loss of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// The platform.
    Platform,
    /// The organizer.
    Organizer,
}

/// A fact about money. Amounts are in minor units of the entry's currency; `provider` is a provider's number, 0: by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// An order was sold.
    Sold {
        /// How it was paid.
        by: Paid,
        /// What it comes to.
        sale: Sale,
    },
    /// A provider has captured money, or more of it than was known.
    Captured {
        /// Who.
        provider: u16,
        /// How much more.
        amount_minor: i64,
    },
    /// What a provider takes for a payment became known, or more of it.
    FeeKnown {
        /// Who.
        provider: u16,
        /// How much more.
        amount_minor: i64,
    },
    /// Captured money belongs to no sale, and never will.
    NeverSold {
        /// Who has it.
        provider: u16,
        /// How much.
        amount_minor: i64,
    },
    /// A sale whose money can never be captured is taken back: what is left of it.
    Unpaid {
        /// Who should have captured it.
        provider: u16,
        /// What is left of the sale.
        sale: Sale,
    },
    /// A part of a sale, or all of it, is to be given back.
    RefundWanted {
        /// By whom; 0: out of the organizer's own till, into which it was paid, and nobody says when.
        provider: u16,
        /// The part: what the buyer gets, and from whom.
        sale: Sale,
    },
    /// A refund that was wanted is of money that was never captured: there is nothing to give back.
    RefundMoot {
        /// Who should have captured it.
        provider: u16,
        /// How much.
        amount_minor: i64,
    },
    /// A provider has given money back.
    RefundDone {
        /// Who.
        provider: u16,
        /// How much.
        amount_minor: i64,
    },
    /// Money that a provider had given back returned to it: the buyer's account would not take it.
    RefundCameBack {
        /// To whom.
        provider: u16,
        /// How much.
        amount_minor: i64,
    },
    /// The organizer has given back what a provider could not.
    RefundByHand {
        /// Who could not.
        provider: u16,
        /// How much.
        amount_minor: i64,
    },
    /// A buyer disputes a payment; the provider took the money back.
    DisputeOpened {
        /// Who.
        provider: u16,
        /// How much.
        amount_minor: i64,
        /// What it takes for that.
        fee_minor: i64,
    },
    /// A dispute was won: the money is back.
    DisputeWon {
        /// Who gave it back.
        provider: u16,
        /// How much.
        amount_minor: i64,
    },
    /// A dispute was lost.
    DisputeLost {
        /// Who keeps the money from us.
        provider: u16,
        /// How much.
        amount_minor: i64,
        /// Who bears it.
        bears: Bearer,
    },
    /// A payout to the organizer was begun.
    PayoutBegun {
        /// How much.
        amount_minor: i64,
    },
    /// A payout has left a provider's account.
    PayoutDone {
        /// Whose.
        provider: u16,
        /// How much.
        amount_minor: i64,
    },
    /// A payout failed before it left.
    PayoutFailed {
        /// How much.
        amount_minor: i64,
    },
}

impl Movement {
    /// What an entry of it is made for.
    #[must_use]
    pub const fn fact(&self) -> FactKind {
        match self {
            Movement::Sold { .. } => FactKind::Sold,
            Movement::Captured { .. } => FactKind::Captured,
            Movement::FeeKnown { .. } => FactKind::FeeKnown,
            Movement::NeverSold { .. } => FactKind::NeverSold,
            Movement::Unpaid { .. } => FactKind::Unpaid,
            Movement::RefundWanted { .. } => FactKind::RefundWanted,
            Movement::RefundMoot { .. } => FactKind::RefundMoot,
            Movement::RefundDone { .. } => FactKind::RefundDone,
            Movement::RefundCameBack { .. } => FactKind::RefundCameBack,
            Movement::RefundByHand { .. } => FactKind::RefundByHand,
            Movement::DisputeOpened { .. } => FactKind::DisputeOpened,
            Movement::DisputeWon { .. } => FactKind::DisputeWon,
            Movement::DisputeLost { .. } => FactKind::DisputeLost,
            Movement::PayoutBegun { .. } => FactKind::PayoutBegun,
            Movement::PayoutDone { .. } => FactKind::PayoutDone,
            Movement::PayoutFailed { .. } => FactKind::PayoutFailed,
        }
    }
}

/// The entry of a fact; `None`: nothing moves. It sums to zero by how it is made.
///
/// # Errors
/// An amount is more than an account takes.
pub fn entry(heading: Heading, movement: &Movement) -> Result<Option<Entry>, TooLarge> {
    let transfers = match movement {
        Movement::Sold { by, sale } => parts(heading.organizer, sale, paid_into(heading.organizer, *by), 1)?,
        Movement::Unpaid { provider, sale } => {
            parts(heading.organizer, sale, Account::with_provider(AccountKind::InFlight, *provider), -1)?
        }
        Movement::RefundWanted { provider, sale } => {
            parts(heading.organizer, sale, given_back_from(heading.organizer, *provider), -1)?
        }
        other => single(heading.organizer, other),
    };
    Entry::of_transfers(heading, movement.fact(), &transfers)
}

/// The account that a sale is paid into.
const fn paid_into(organizer: u128, by: Paid) -> Account {
    match by {
        Paid::Provider(provider) => Account::with_provider(AccountKind::InFlight, provider),
        Paid::Cash | Paid::Nothing => Account::of_organizer(AccountKind::Cash, organizer),
    }
}

/// The account out of which a refund of a sale is given.
const fn given_back_from(organizer: u128, provider: u16) -> Account {
    match provider {
        0 => Account::of_organizer(AccountKind::Cash, organizer),
        provider => Account::with_provider(AccountKind::RefundsDue, provider),
    }
}

/// The parts of a sale, from the account of the buyer's money to whom they belong (`sign` 1), or back (−1).
fn parts(organizer: u128, sale: &Sale, money: Account, sign: i64) -> Result<Vec<Transfer>, TooLarge> {
    let organizer_minor = sale.organizer_minor()?;
    let part =
        |credit, amount_minor: i64| Transfer { debit: money, credit, amount_minor: sign * amount_minor };
    let mut transfers = vec![
        part(Account::of_organizer(AccountKind::Payable, organizer), organizer_minor),
        part(Account::of_platform(AccountKind::Fees), sale.fees_minor),
        part(Account::of_platform(AccountKind::Commission), sale.commission_minor),
        part(Account::of_platform(AccountKind::Rounding), sale.rounding_minor),
    ];
    let taxes = sale.taxes.iter();
    transfers.extend(taxes.map(|tax| part(Account::tax(organizer, tax.position), tax.amount_minor)));
    Ok(transfers)
}

/// What facts move that are not about the parts of a sale.
fn single(organizer: u128, movement: &Movement) -> Vec<Transfer> {
    use AccountKind::{
        Cash, DisputeLosses, Disputes, InFlight, Payable, Payouts, Provider, ProviderFees, RefundsDue,
    };
    let of = |kind| Account::of_organizer(kind, organizer);
    let moved = |debit, credit, amount_minor| vec![Transfer { debit, credit, amount_minor }];
    let between = |provider, debit, credit, amount_minor| {
        moved(Account::with_provider(debit, provider), Account::with_provider(credit, provider), amount_minor)
    };
    match *movement {
        Movement::Sold { .. } | Movement::Unpaid { .. } | Movement::RefundWanted { .. } => Vec::new(),
        Movement::Captured { provider, amount_minor } => between(provider, Provider, InFlight, amount_minor),
        Movement::FeeKnown { provider, amount_minor } => {
            between(provider, ProviderFees, Provider, amount_minor)
        }
        Movement::NeverSold { provider, amount_minor } => {
            between(provider, InFlight, RefundsDue, amount_minor)
        }
        Movement::RefundMoot { provider, amount_minor } => {
            between(provider, RefundsDue, InFlight, amount_minor)
        }
        Movement::RefundDone { provider, amount_minor } => {
            between(provider, RefundsDue, Provider, amount_minor)
        }
        Movement::RefundCameBack { provider, amount_minor } => {
            between(provider, Provider, RefundsDue, amount_minor)
        }
        Movement::RefundByHand { provider, amount_minor } => {
            moved(Account::with_provider(RefundsDue, provider), of(Cash), amount_minor)
        }
        Movement::DisputeOpened { provider, amount_minor, fee_minor } => {
            let mut transfers = between(provider, Disputes, Provider, amount_minor);
            transfers.extend(between(provider, ProviderFees, Provider, fee_minor));
            transfers
        }
        Movement::DisputeWon { provider, amount_minor } => {
            between(provider, Provider, Disputes, amount_minor)
        }
        Movement::DisputeLost { provider, amount_minor, bears } => {
            let borne = match bears {
                Bearer::Platform => of(DisputeLosses),
                Bearer::Organizer => of(Payable),
            };
            moved(borne, Account::with_provider(Disputes, provider), amount_minor)
        }
        Movement::PayoutBegun { amount_minor } => moved(of(Payable), of(Payouts), amount_minor),
        Movement::PayoutDone { provider, amount_minor } => {
            moved(of(Payouts), Account::with_provider(Provider, provider), amount_minor)
        }
        Movement::PayoutFailed { amount_minor } => moved(of(Payouts), of(Payable), amount_minor),
    }
}
