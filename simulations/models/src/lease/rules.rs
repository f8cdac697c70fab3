//! What may never happen.

/// A rule, which holds in every state of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum LeaseRule {
    /// Of the processes that believe to own the event at most one has a registration that is there and not evicted.
    OneLiveOwner,
    /// Nobody is evicted who has renewed since its beat was seen.
    WhoRenewsStays,
    /// No renewal lands for a registration that is evicted or gone.
    EvictedIsTold,
    /// No claim lands for a registration that is evicted or gone.
    EvictedClaimsNothing,
    /// What a live node owns is given by nobody but itself.
    OwnedStays,
    /// An event is given only to a node that serves.
    GivenToWhoServes,
    /// The term of an owner follows the one before.
    TermsFollow,
    /// Whoever owns an event has a row, by which what it owns is found when it is gone.
    OwnersAreFound,
}

impl LeaseRule {
    /// All of them.
    pub const ALL: [LeaseRule; 8] = [
        LeaseRule::OneLiveOwner,
        LeaseRule::WhoRenewsStays,
        LeaseRule::EvictedIsTold,
        LeaseRule::EvictedClaimsNothing,
        LeaseRule::OwnedStays,
        LeaseRule::GivenToWhoServes,
        LeaseRule::TermsFollow,
        LeaseRule::OwnersAreFound,
    ];

    /// Its name in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            LeaseRule::OneLiveOwner => "one live node believes that it owns the event",
            LeaseRule::WhoRenewsStays => "nobody is evicted who has renewed since",
            LeaseRule::EvictedIsTold => "the renewal of who is evicted fails",
            LeaseRule::EvictedClaimsNothing => "the claim of who is evicted fails",
            LeaseRule::OwnedStays => "what a live node owns stays its own",
            LeaseRule::GivenToWhoServes => "an event is given to who serves",
            LeaseRule::TermsFollow => "the terms of the owners follow each other",
            LeaseRule::OwnersAreFound => "whoever owns an event has a row",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The rules that were broken on the way to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Broken(u8);

impl Broken {
    pub(super) fn note_unless(&mut self, holds: bool, rule: LeaseRule) {
        if !holds {
            self.0 |= rule.bit();
        }
    }

    pub(super) fn holds(self, rule: LeaseRule) -> bool {
        self.0 & rule.bit() == 0
    }
}
