//! How a payment stands, and what may be done about it. Steps are repeatable: one that was taken before changes nothing.

/// How a payment stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) status: Status,
    /// Counts the steps: it makes the names of webhooks.
    pub(crate) revision: u32,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
}

/// The numbers are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    #[default]
    Open = 0,
    Authorised = 1,
    Captured = 2,
    Cancelled = 3,
    Declined = 4,
}

/// Money that was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refund {
    /// Made of the key that it was asked for under.
    pub(crate) id: String,
    /// As whoever asked for it counts it.
    pub(crate) number: u64,
    pub(crate) amount_minor: i64,
}

/// Money that the buyer wants back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dispute {
    pub(crate) amount_minor: i64,
    pub(crate) standing: DisputeStanding,
}

/// The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum DisputeStanding {
    Open = 0,
    Won = 1,
    Lost = 2,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The buyer pays: the money is set aside.
    Pay,
    /// The buyer's bank declines.
    Decline,
    /// The buyer turns away, or the payment is called off.
    Cancel,
    /// The money is taken.
    Capture,
    /// Money is given back.
    Refund(Refund),
    /// The buyer disputes so much, in minor units.
    Dispute(i64),
    /// The open dispute is decided: for us, or against.
    Decide { won: bool },
}

/// Why a step is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// As the code of the API.
    #[error("wrong_state")]
    WrongState,
    /// More than is left.
    #[error("amount_too_large")]
    AmountTooLarge,
    /// No dispute, or one already.
    #[error("no_such_dispute")]
    NoSuchDispute,
}

/// Refunds of one payment; disputes likewise. A row must fit into a value.
const REFUNDS_MAX: usize = 250;

impl State {
    /// Take a step. Whether it changed anything.
    pub(crate) fn take(&mut self, act: &Act, amount_minor: i64) -> Result<bool, Refused> {
        let changed = match act {
            Act::Pay => self.moves(Status::Open, Status::Authorised)?,
            Act::Decline => self.moves(Status::Open, Status::Declined)?,
            Act::Capture => self.moves(Status::Authorised, Status::Captured)?,
            Act::Cancel if self.status == Status::Authorised => {
                self.moves(Status::Authorised, Status::Cancelled)?
            }
            // What has failed is over.
            Act::Cancel if self.status == Status::Declined => false,
            Act::Cancel => self.moves(Status::Open, Status::Cancelled)?,
            Act::Refund(refund) => self.refund(refund, amount_minor)?,
            Act::Dispute(amount) => self.dispute(*amount, amount_minor)?,
            Act::Decide { won } => self.decide(*won)?,
        };
        self.revision += u32::from(changed);
        Ok(changed)
    }

    fn moves(&mut self, from: Status, to: Status) -> Result<bool, Refused> {
        if self.status == to {
            return Ok(false);
        }
        if self.status != from {
            return Err(Refused::WrongState);
        }
        self.status = to;
        Ok(true)
    }

    fn refund(&mut self, refund: &Refund, amount_minor: i64) -> Result<bool, Refused> {
        if self.refunds.iter().any(|known| known.id == refund.id) {
            return Ok(false);
        }
        if self.status != Status::Captured || self.refunds.len() >= REFUNDS_MAX {
            return Err(Refused::WrongState);
        }
        let given: i64 = self.refunds.iter().map(|known| known.amount_minor).sum();
        if refund.amount_minor <= 0 || refund.amount_minor > amount_minor - given {
            return Err(Refused::AmountTooLarge);
        }
        self.refunds.push(refund.clone());
        Ok(true)
    }

    fn dispute(&mut self, disputed: i64, amount_minor: i64) -> Result<bool, Refused> {
        let is_open = self.disputes.iter().any(|known| known.standing == DisputeStanding::Open);
        if self.status != Status::Captured || is_open || self.disputes.len() >= REFUNDS_MAX {
            return Err(Refused::NoSuchDispute);
        }
        if disputed <= 0 || disputed > amount_minor {
            return Err(Refused::AmountTooLarge);
        }
        self.disputes.push(Dispute { amount_minor: disputed, standing: DisputeStanding::Open });
        Ok(true)
    }

    fn decide(&mut self, won: bool) -> Result<bool, Refused> {
        let last = self.disputes.last_mut().ok_or(Refused::NoSuchDispute)?;
        let standing = if won { DisputeStanding::Won } else { DisputeStanding::Lost };
        if last.standing == standing {
            return Ok(false);
        }
        if last.standing != DisputeStanding::Open {
            return Err(Refused::NoSuchDispute);
        }
        last.standing = standing;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMOUNT: i64 = 1_000;

    fn after(acts: &[Act]) -> State {
        let mut state = State::default();
        for act in acts {
            state.take(act, AMOUNT).unwrap();
        }
        state
    }

    fn refund(id: &str, amount_minor: i64) -> Act {
        Act::Refund(Refund { id: id.to_owned(), number: 1, amount_minor })
    }

    #[test]
    fn a_payment_is_authorised_and_captured_and_a_step_that_is_repeated_changes_nothing() {
        let mut state = after(&[Act::Pay, Act::Pay, Act::Capture]);
        assert_eq!((state.status, state.revision), (Status::Captured, 2));
        assert_eq!(state.take(&Act::Capture, AMOUNT), Ok(false));
        assert_eq!(state.take(&Act::Cancel, AMOUNT), Err(Refused::WrongState), "only a refund gives it back");
        assert_eq!(state.take(&Act::Pay, AMOUNT), Err(Refused::WrongState));
    }

    #[test]
    fn what_is_over_takes_no_payment() {
        for end in [Act::Cancel, Act::Decline] {
            let mut state = after(&[end]);
            assert_eq!(state.take(&Act::Pay, AMOUNT), Err(Refused::WrongState));
            assert_eq!(state.take(&Act::Capture, AMOUNT), Err(Refused::WrongState));
            assert_eq!(state.take(&Act::Cancel, AMOUNT), Ok(false));
        }
        assert_eq!(after(&[Act::Pay, Act::Cancel]).status, Status::Cancelled);
    }

    #[test]
    fn no_more_is_given_back_than_was_taken() {
        let mut state = after(&[Act::Pay, Act::Capture, refund("a", 400), refund("a", 400)]);
        assert_eq!(state.refunds.len(), 1, "under the same key it is the same refund");
        assert_eq!(state.take(&refund("b", 601), AMOUNT), Err(Refused::AmountTooLarge));
        assert_eq!(state.take(&refund("b", 0), AMOUNT), Err(Refused::AmountTooLarge));
        assert_eq!(state.take(&refund("b", 600), AMOUNT), Ok(true));
        let mut unpaid = after(&[Act::Pay]);
        assert_eq!(unpaid.take(&refund("a", 1), AMOUNT), Err(Refused::WrongState));
    }

    #[test]
    fn a_dispute_is_decided_once() {
        let mut state = after(&[Act::Pay, Act::Capture, Act::Dispute(1_000)]);
        assert_eq!(state.take(&Act::Dispute(1), AMOUNT), Err(Refused::NoSuchDispute));
        assert_eq!(state.take(&Act::Decide { won: false }, AMOUNT), Ok(true));
        assert_eq!(state.take(&Act::Decide { won: false }, AMOUNT), Ok(false));
        assert_eq!(state.take(&Act::Decide { won: true }, AMOUNT), Err(Refused::NoSuchDispute));
        assert_eq!(state.take(&Act::Dispute(1), AMOUNT), Ok(true), "another one");
    }
}
