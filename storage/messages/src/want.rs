//! What is to be said to one person through one channel; and what became of it.

use tessera_inventory::{ClaimNumber, Dispute, Subject, Timestamp};
use tessera_store::StoreError;
use tessera_store::keys::MessagePlace;

use crate::kind::Kind;
use crate::read::unreadable;

/// Whom a message goes to. It never has an address: that is looked up when the message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The buyer.
    pub subject: Subject,
    /// The order that it is about: how its buyer is reached about it comes before how the subject is. It must be the subject's.
    pub order: Option<ClaimNumber>,
}

/// What is to be said to one person through one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Its place, and what it is about. Together with the lane it is the message's name.
    pub place: MessagePlace,
    /// What it is about.
    pub kind: Kind,
    /// To whom.
    pub recipient: Recipient,
    /// The order that it shows, the recipient's or another's.
    pub order: Option<ClaimNumber>,
    /// The tickets of that order that it is about; empty: all that the recipient holds, of a refund none: an amount is given back, and they
    /// stay valid.
    pub tickets: Vec<u16>,
    /// How the dispute stands that it is about.
    pub dispute: Option<Dispute>,
    /// Whether its recipient gave the tickets away that it is about.
    pub is_giver: bool,
    /// After that nobody needs to hear it.
    pub expires_at: Option<Timestamp>,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// What went wrong the last time.
    pub last_error: Option<String>,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was taken.
    Delivered = 0,
    /// It was tried in vain: a dead letter.
    Dead = 1,
    /// It was too late.
    Overtaken = 2,
    /// Nobody knows where to send it, or its recipient does not want it.
    NoAddress = 3,
}

/// A message that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The message; the time of its place is when it ended.
    pub want: Want,
    /// When it began to wait.
    pub since: Timestamp,
    /// How it ended.
    pub ended: Ended,
}

/// Under whom it stands how an organizer is reached, whose identity is no buyer's.
#[must_use]
pub fn organizer_subject(organizer: u128) -> Subject {
    let hash = blake3::derive_key("tessera 2026-11 organizer contact v1", &organizer.to_be_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    Subject(u128::from_be_bytes(first))
}

/// How a dispute stands, as it is stored; 0: it is about none.
pub(crate) const fn dispute_number(dispute: Option<Dispute>) -> u32 {
    match dispute {
        None => 0,
        Some(Dispute::Open) => 1,
        Some(Dispute::Won) => 2,
        Some(Dispute::Lost) => 3,
    }
}

/// How the dispute of this number stands.
pub(crate) fn dispute_numbered(number: u32, what: &'static str) -> Result<Option<Dispute>, StoreError> {
    Ok(match number {
        0 => None,
        1 => Some(Dispute::Open),
        2 => Some(Dispute::Won),
        3 => Some(Dispute::Lost),
        _ => return Err(unreadable(what)),
    })
}

/// The eight bytes by which the places of messages tell recipients apart.
#[must_use]
pub fn recipient_mark(subject: Subject) -> u64 {
    first_bytes(&blake3::hash(&subject.0.to_be_bytes()))
}

/// The eight bytes by which the places of messages tell the recipients of each order apart, where one hears of every order by itself.
#[must_use]
pub fn order_mark(subject: Subject, order: ClaimNumber) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&subject.0.to_be_bytes()).update(&order.0.to_be_bytes());
    first_bytes(&hasher.finalize())
}

fn first_bytes(hash: &blake3::Hash) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_be_bytes(first)
}
