//! One decision, as it is hashed into the tree. Nothing in it tells who asked: a leaf can be published.

use crate::tree::LEAF_PREFIX;
use crate::{Hash, Place, ReceiptId, hash_of};

/// The first byte of a leaf. Another layout gets another version; this one never changes.
pub const LEAF_VERSION: u8 = 1;
/// Room for a leaf and its prefix, in bytes: those of acceptances fit, and of refusals with a usual code.
const LEAF_BYTES: usize = 144;
/// Longest code of a refusal, in bytes.
pub const CODE_BYTES_MAX: usize = u8::MAX as usize;

macro_rules! kinds {
    ($($name:ident = $number:literal $text:literal),* $(,)?) => {
        /// What was asked, or what time did. The numbers are hashed: never changed, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)] // their texts say it
        pub enum Kind { $($name = $number),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];

            /// Its name.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Kind::$name => $text),* }
            }
        }
    };
}

kinds! {
    Configure = 1 "configure",
    ChangePhase = 2 "change_phase",
    PlaceHold = 3 "place_hold",
    RenewHold = 4 "renew_hold",
    ReleaseHold = 5 "release_hold",
    BeginPayment = 6 "begin_payment",
    FailPayment = 7 "fail_payment",
    Confirm = 8 "confirm",
    RefundTickets = 9 "refund_tickets",
    Kill = 10 "kill",
    Restore = 11 "restore",
    ReleaseChannel = 12 "release_channel",
    TransferTicket = 13 "transfer_ticket",
    CheckIn = 14 "check_in",
    CheckOut = 15 "check_out",
    Expire = 16 "expire",
    MoveSaleWindow = 17 "move_sale_window",
    Dispute = 22 "dispute",
    SellLate = 23 "sell_late",
    RecordScans = 20 "record_scans",
    ReissueTicket = 21 "reissue_ticket",
    JoinWaitlist = 24 "join_waitlist",
    LeaveWaitlist = 25 "leave_waitlist",
    EndPatience = 26 "end_patience",
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn find(text: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.text() == text)
    }
}

/// The idempotency key of the request, as keyed hashes that only the installation can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDigest {
    /// Of principal, event and key.
    pub digest: u128,
    /// Of the request's path and body.
    pub fingerprint: u64,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is the event of the leaf's sequence in the log.
    Accepted,
    /// It had no effect.
    Refused {
        /// The epoch of the writer that refused.
        epoch: u64,
        /// Its number among the refusals of that writer, from 1.
        number: u64,
        /// The stable code of the problem, at most [`CODE_BYTES_MAX`].
        code: String,
    },
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The event's id.
    pub event: u128,
    /// What was asked.
    pub kind: Kind,
    /// The sequence of what was accepted, or the one that a refusal was decided on.
    pub sequence: u64,
    /// Logged time, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The request; `None` for what time does.
    pub key: Option<KeyDigest>,
    /// What was decided.
    pub outcome: Outcome,
    /// SHA-256 of the public detail, a text.
    pub detail: Hash,
}

impl Leaf {
    /// The name of its receipt.
    #[must_use]
    pub const fn id(&self) -> ReceiptId {
        let place = match self.outcome {
            Outcome::Accepted => Place::Accepted { sequence: self.sequence },
            Outcome::Refused { epoch, number, .. } => Place::Refused { epoch, number },
        };
        ReceiptId { event: self.event, place }
    }

    /// Its bytes, big-endian: version 1, event 16, kind 1, sequence 8, time 8, key (0 or 1) 1, its digest 16 and fingerprint 8, outcome (1
    /// accepted, 2 refused) 1, epoch 8 and number 8 of a refusal, length of its code 1, code, detail 32.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEAF_BYTES);
        self.encode_into(&mut bytes);
        bytes
    }

    fn encode_into(&self, bytes: &mut Vec<u8>) {
        let (epoch, number, code, outcome) = match &self.outcome {
            Outcome::Accepted => (0, 0, "", 1),
            Outcome::Refused { epoch, number, code } => (*epoch, *number, code.as_str(), 2),
        };
        let code = &code.as_bytes()[..code.len().min(CODE_BYTES_MAX)];
        let key = self.key.unwrap_or(KeyDigest { digest: 0, fingerprint: 0 });
        bytes.push(LEAF_VERSION);
        bytes.extend(self.event.to_be_bytes());
        bytes.push(self.kind as u8);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.at_ms.to_be_bytes());
        bytes.push(self.key.is_some().into());
        bytes.extend(key.digest.to_be_bytes());
        bytes.extend(key.fingerprint.to_be_bytes());
        bytes.push(outcome);
        bytes.extend(epoch.to_be_bytes());
        bytes.extend(number.to_be_bytes());
        // Cut above to what a byte says.
        bytes.push(u8::try_from(code.len()).unwrap_or(u8::MAX));
        bytes.extend(code);
        bytes.extend(self.detail);
    }

    /// The leaf of these bytes; `None` where [`Self::encode`] gives no such bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Leaf> {
        let mut rest = Rest(bytes);
        let [version] = rest.take()?;
        let event = u128::from_be_bytes(rest.take()?);
        let [kind] = rest.take()?;
        let kind = Kind::ALL.iter().copied().find(|one| *one as u8 == kind)?;
        let (sequence, at_ms) = (u64::from_be_bytes(rest.take()?), u64::from_be_bytes(rest.take()?));
        let [has_key] = rest.take()?;
        let key = KeyDigest {
            digest: u128::from_be_bytes(rest.take()?),
            fingerprint: u64::from_be_bytes(rest.take()?),
        };
        let [outcome] = rest.take()?;
        let (epoch, number) = (u64::from_be_bytes(rest.take()?), u64::from_be_bytes(rest.take()?));
        let [length] = rest.take()?;
        let code = rest.0.get(..length.into())?;
        rest.0 = &rest.0[length.into()..];
        let code = String::from_utf8(code.to_vec()).ok()?;
        let outcome = if outcome == 1 { Outcome::Accepted } else { Outcome::Refused { epoch, number, code } };
        let detail = rest.take()?;
        let key = (has_key == 1).then_some(key);
        let leaf = Leaf { event, kind, sequence, at_ms, key, outcome, detail };
        (version == LEAF_VERSION && leaf.encode() == bytes).then_some(leaf)
    }

    /// Its hash in the tree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash_in(&mut Vec::with_capacity(LEAF_BYTES))
    }

    /// The same, for who hashes many: `bytes` is room, and what was in it is written over.
    #[must_use]
    pub fn hash_in(&self, bytes: &mut Vec<u8>) -> Hash {
        bytes.clear();
        bytes.push(LEAF_PREFIX);
        self.encode_into(bytes);
        hash_of(bytes)
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::to_hex;

    fn accepted() -> Leaf {
        Leaf {
            event: 0x0198_0000_0000_7000_8000_0000_0000_0001,
            kind: Kind::PlaceHold,
            sequence: 7,
            at_ms: 1_800_000_000_000,
            key: Some(KeyDigest { digest: 0xd1, fingerprint: 0xf1 }),
            outcome: Outcome::Accepted,
            detail: hash_of(b"units=2"),
        }
    }

    fn refused() -> Leaf {
        let outcome = Outcome::Refused { epoch: 3, number: 4, code: "sold_out".to_owned() };
        Leaf { key: None, outcome, ..accepted() }
    }

    #[test]
    fn golden_bytes_of_version_1() {
        let detail = to_hex(&hash_of(b"units=2"));
        let same = "0101980000000070008000000000000001030000000000000007000001a3185c5000";
        let key = "01000000000000000000000000000000d100000000000000f1";
        let none = "0".repeat(2 * 16);
        assert_eq!(to_hex(&accepted().encode()), format!("{same}{key}01{none}00{detail}"));
        let nobody = "0".repeat(2 * 25);
        assert_eq!(
            to_hex(&refused().encode()),
            format!("{same}{nobody}020000000000000003000000000000000408736f6c645f6f7574{detail}")
        );
    }

    #[test]
    fn leaves_read_back_and_nothing_else_does() {
        for leaf in [accepted(), refused()] {
            let bytes = leaf.encode();
            assert_eq!(Leaf::decode(&bytes), Some(leaf.clone()));
            assert_eq!(Leaf::decode(&bytes[..bytes.len() - 1]), None);
            assert_eq!(Leaf::decode(&[&bytes[..], &[0]].concat()), None);
            for position in 0..bytes.len() {
                let mut other = bytes.clone();
                other[position] ^= 0x80;
                assert_ne!(Leaf::decode(&other), Some(leaf.clone()), "byte {position}");
            }
        }
    }

    #[test]
    fn kinds_have_distinct_numbers_and_names() {
        let numbers: Vec<usize> = Kind::ALL.iter().map(|kind| *kind as usize).collect();
        let distinct: std::collections::BTreeSet<usize> = numbers.iter().copied().collect();
        assert_eq!(numbers.len(), distinct.len(), "{numbers:?}");
        for &kind in Kind::ALL.iter() {
            assert_eq!(Kind::find(kind.text()), Some(kind));
        }
    }
}
