//! The log of one order: what it wants, and what it answers.

use std::collections::BTreeMap;

use tessera_inventory::{Sequence, Timestamp};
use tessera_payments::{Ask, AskAnswer, DisputeStanding, Refusal};

use crate::PRICE;

/// The sequence of the first event here: refunds are numbered by sequences.
const FIRST: u64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Held,
    InFlight(u8),
    Paid(u8),
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logged {
    Begun { attempt: u8, grace_until: Timestamp },
    Failed { attempt: u8 },
    Ended { cancelled: bool },
    Sold { attempt: u8 },
    Refunded { attempt: u8, amount: i64 },
    Unpaid { attempt: u8, rest: i64 },
    Disputed { standing: DisputeStanding },
}

#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) hold: Hold,
    pub(crate) attempts: u8,
    pub(crate) events: Vec<(Timestamp, Logged)>,
    /// What an ended hold had is still to be had.
    pub(crate) stock: bool,
    pub(crate) cancelled: bool,
    pub(crate) refunded: i64,
    pub(crate) unpaid: bool,
    pub(crate) sales: u32,
    /// How the buyer's disputes stand, as it was told.
    pub(crate) disputed: Option<DisputeStanding>,
    accepted: BTreeMap<(u8, Ask), Sequence>,
}

impl Log {
    pub(crate) fn new(stock: bool) -> Log {
        Log {
            hold: Hold::Held,
            attempts: 0,
            events: Vec::new(),
            stock,
            cancelled: false,
            refunded: 0,
            unpaid: false,
            sales: 0,
            disputed: None,
            accepted: BTreeMap::new(),
        }
    }

    fn append(&mut self, now: Timestamp, event: Logged) -> Sequence {
        self.events.push((now, event));
        sequence(self.events.len() - 1)
    }

    pub(crate) fn begin(&mut self, now: Timestamp, grace_ms: u64) {
        if self.hold == Hold::Held && self.attempts < 3 {
            self.attempts += 1;
            self.hold = Hold::InFlight(self.attempts);
            self.append(now, Logged::Begun { attempt: self.attempts, grace_until: now.plus_ms(grace_ms) });
        }
    }

    pub(crate) fn end(&mut self, now: Timestamp, cancelled: bool) {
        let had_ended = self.hold == Hold::Ended;
        if matches!(self.hold, Hold::Held | Hold::InFlight(_)) || (cancelled && had_ended && !self.cancelled)
        {
            self.hold = Hold::Ended;
            self.append(now, Logged::Ended { cancelled });
        }
        self.cancelled |= cancelled;
    }

    /// The organizer gives money back.
    pub(crate) fn refund(&mut self, now: Timestamp, amount: i64) {
        if let Hold::Paid(attempt) = self.hold
            && !self.unpaid
            && self.refunded + amount <= PRICE
        {
            self.refunded += amount;
            self.append(now, Logged::Refunded { attempt, amount });
        }
    }

    /// The system asks, under a key of the attempt and the ask: what was accepted once is so again.
    pub(crate) fn decide(&mut self, now: Timestamp, attempt: u8, ask: Ask) -> AskAnswer {
        if let Some(&sequence) = self.accepted.get(&(attempt, ask)) {
            return AskAnswer::Accepted(sequence);
        }
        let decided = match ask {
            Ask::Confirm => self.confirm(now, attempt),
            Ask::PaymentFailed if self.hold == Hold::InFlight(attempt) => {
                self.hold = Hold::Held;
                Ok(self.append(now, Logged::Failed { attempt }))
            }
            Ask::PaymentFailed => Err(Refusal::Never),
            Ask::SellLate => self.sell_late(now, attempt),
            Ask::RefundUnpaid if self.hold == Hold::Paid(attempt) && self.refunded < PRICE => {
                self.unpaid = true;
                Ok(self.append(now, Logged::Unpaid { attempt, rest: PRICE - self.refunded }))
            }
            Ask::RefundUnpaid => Err(Refusal::Never),
            Ask::Dispute { standing, .. } if self.hold == Hold::Paid(attempt) => {
                self.disputed = Some(standing);
                Ok(self.append(now, Logged::Disputed { standing }))
            }
            Ask::Dispute { .. } => Err(Refusal::Never),
        };
        match decided {
            Ok(sequence) => {
                self.accepted.insert((attempt, ask), sequence);
                AskAnswer::Accepted(sequence)
            }
            Err(refusal) => AskAnswer::Refused(refusal),
        }
    }

    fn sell(&mut self, now: Timestamp, attempt: u8) -> Sequence {
        self.hold = Hold::Paid(attempt);
        self.sales += 1;
        self.append(now, Logged::Sold { attempt })
    }

    /// An order that this attempt has paid is success.
    fn paid(&self, attempt: u8) -> Result<Sequence, Refusal> {
        let sold = self.events.iter().position(|(_, event)| *event == Logged::Sold { attempt });
        sold.map(sequence).ok_or(Refusal::SoldByOther)
    }

    fn confirm(&mut self, now: Timestamp, attempt: u8) -> Result<Sequence, Refusal> {
        match self.hold {
            Hold::Held | Hold::InFlight(_) => Ok(self.sell(now, attempt)),
            Hold::Paid(_) => self.paid(attempt),
            Hold::Ended => Err(Refusal::Ended),
        }
    }

    fn sell_late(&mut self, now: Timestamp, attempt: u8) -> Result<Sequence, Refusal> {
        match self.hold {
            Hold::Ended if self.stock && !self.cancelled => Ok(self.sell(now, attempt)),
            Hold::Ended => Err(Refusal::Never),
            Hold::Paid(_) => self.paid(attempt),
            Hold::Held | Hold::InFlight(_) => Err(Refusal::NotNow),
        }
    }
}

/// The sequence of the event at this position.
pub(crate) fn sequence(position: usize) -> Sequence {
    Sequence(FIRST + position as u64)
}
