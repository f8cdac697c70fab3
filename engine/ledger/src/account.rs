//! Accounts.

/// What an account holds. The number is stored: it is never changed and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum AccountKind {
    /// What a provider holds for us.
    Provider = 1,
    /// Sold but not captured (+), captured but not sold (−): zero when nothing is under way.
    InFlight = 2,
    /// Taken at the organizer's own till.
    Cash = 3,
    /// Owed to the organizer (negative), or owed by it.
    Payable = 4,
    /// Earned from fees.
    Fees = 5,
    /// Earned from commission.
    Commission = 6,
    /// Owed to the state.
    Tax = 7,
    /// To be given back, and not yet given.
    RefundsDue = 8,
    /// Taken back by a provider, undecided.
    Disputes = 9,
    /// Lost in disputes.
    DisputeLosses = 10,
    /// Paid to a provider.
    ProviderFees = 11,
    /// On the way to the organizer.
    Payouts = 12,
    /// What rounding gave or took.
    Rounding = 13,
}

/// Every kind, in the order of their numbers.
const KINDS: [AccountKind; 13] = [
    AccountKind::Provider,
    AccountKind::InFlight,
    AccountKind::Cash,
    AccountKind::Payable,
    AccountKind::Fees,
    AccountKind::Commission,
    AccountKind::Tax,
    AccountKind::RefundsDue,
    AccountKind::Disputes,
    AccountKind::DisputeLosses,
    AccountKind::ProviderFees,
    AccountKind::Payouts,
    AccountKind::Rounding,
];

impl AccountKind {
    /// As it is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name in statements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AccountKind::Provider => "provider",
            AccountKind::InFlight => "in_flight",
            AccountKind::Cash => "cash",
            AccountKind::Payable => "payable",
            AccountKind::Fees => "fees",
            AccountKind::Commission => "commission",
            AccountKind::Tax => "tax",
            AccountKind::RefundsDue => "refunds_due",
            AccountKind::Disputes => "disputes",
            AccountKind::DisputeLosses => "dispute_losses",
            AccountKind::ProviderFees => "provider_fees",
            AccountKind::Payouts => "payouts",
            AccountKind::Rounding => "rounding",
        }
    }

    /// Whether its accounts are told apart by a detail: the number of a provider, or the position of a tax.
    #[must_use]
    pub const fn has_detail(self) -> bool {
        matches!(
            self,
            AccountKind::Provider
                | AccountKind::InFlight
                | AccountKind::RefundsDue
                | AccountKind::Disputes
                | AccountKind::ProviderFees
                | AccountKind::Tax
        )
    }

    /// The kind of this number; `None`: there is none.
    #[must_use]
    pub fn of(number: u8) -> Option<AccountKind> {
        KINDS.into_iter().find(|kind| kind.number() == number)
    }
}

/// One account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// What it holds.
    pub kind: AccountKind,
    /// The organizer it is of; 0: the platform.
    pub of: u128,
    /// The number of the provider, or the position of the tax in the organizer's tariff; 0 for the others. Refunds due of provider 0 are
    /// given back by hand.
    pub detail: u16,
}

impl Account {
    /// An account of the platform.
    #[must_use]
    pub const fn of_platform(kind: AccountKind) -> Account {
        Account { kind, of: 0, detail: 0 }
    }

    /// An account of the platform with this provider.
    #[must_use]
    pub const fn with_provider(kind: AccountKind, provider: u16) -> Account {
        Account { kind, of: 0, detail: provider }
    }

    /// An account of an organizer.
    #[must_use]
    pub const fn of_organizer(kind: AccountKind, organizer: u128) -> Account {
        Account { kind, of: organizer, detail: 0 }
    }

    /// What an organizer owes for the tax at this position of its tariff.
    #[must_use]
    pub const fn tax(organizer: u128, position: u8) -> Account {
        Account { kind: AccountKind::Tax, of: organizer, detail: position as u16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_number_and_no_other() {
        let names: std::collections::BTreeSet<_> = KINDS.into_iter().map(AccountKind::name).collect();
        assert_eq!(names.len(), KINDS.len());
        for (position, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(usize::from(kind.number()), position + 1, "numbers are stored");
            assert_eq!(AccountKind::of(kind.number()), Some(kind));
        }
        assert_eq!((AccountKind::of(0), AccountKind::of(14)), (None, None));
    }
}
