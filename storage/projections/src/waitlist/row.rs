//! An entry of the waitlist as the projection knows it, and the rows.

use prost::Message;
use tessera_inventory::{
    Choice, ClaimNumber, EntryNumber, EventId, LeftReason, Manner, Subject, TicketTypeId, Timestamp,
};
use tessera_records::wide::{halves, put_subjects, subjects, whole};
use tessera_store::{StoreError, Transaction, keys::WaitlistEntryKey};

use crate::damage::damaged;

/// The number under which the row over all entries stands; no event has it.
const OVER_ALL: EntryNumber = EntryNumber(0);

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits.
    Waiting,
    /// It was offered this hold, and waits no more; what becomes of the offer, the hold says.
    Offered {
        /// The hold.
        hold: ClaimNumber,
        /// When the offer ends.
        deadline_at: Timestamp,
    },
    /// It waits no more, and got no offer.
    Left(LeftReason),
}

/// A choice of an entry, with its place among those who ever waited for the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// What is wanted.
    pub choice: Choice,
    /// How many had joined for the type by then, this one included.
    pub(crate) ordinal: u64,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitlistEntry {
    /// Its number.
    pub number: EntryNumber,
    /// Who waits.
    pub subject: Subject,
    /// Further subjects that it counts against.
    pub extra: Vec<Subject>,
    /// For what, in the order of preference.
    pub waited: Vec<Waited>,
    /// At most at this unit price, in minor units.
    pub price_max_minor: Option<i64>,
    /// Lower ones are served first.
    pub priority: u8,
    /// Since when.
    pub since: Timestamp,
    /// Where it stands.
    pub standing: Standing,
    /// When that changed last.
    pub changed_at: Timestamp,
}

#[derive(Clone, PartialEq, Message)]
struct EntryRow {
    #[prost(fixed64, tag = "1")]
    subject_high: u64,
    #[prost(fixed64, tag = "2")]
    subject_low: u64,
    #[prost(fixed64, repeated, packed = "true", tag = "3")]
    extra: Vec<u64>,
    /// Four numbers a choice: type, quantity, manner, ordinal.
    #[prost(uint64, repeated, packed = "true", tag = "4")]
    choices: Vec<u64>,
    #[prost(sint64, optional, tag = "5")]
    price_max_minor: Option<i64>,
    #[prost(uint32, tag = "6")]
    priority: u32,
    #[prost(uint64, tag = "7")]
    since_ms: u64,
    #[prost(uint64, tag = "8")]
    changed_at_ms: u64,
    /// 0: none.
    #[prost(uint64, tag = "9")]
    hold: u64,
    #[prost(uint64, tag = "10")]
    deadline_at_ms: u64,
    /// 0: none; 1 left, 2 limit, 3 price, 4 closed, 5 type gone.
    #[prost(uint32, tag = "11")]
    left: u32,
}

/// What is counted of the line of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    /// Entries that joined.
    pub(crate) joined: u64,
    /// Entries that wait no more.
    pub(crate) gone: u64,
}

/// What is known over all entries of an event.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct OverAll {
    /// By ticket type.
    pub(crate) lines: Vec<Counted>,
    /// Entries up to this number ended when the sale did, and when that was.
    pub(crate) ended: Option<(EntryNumber, Timestamp)>,
}

#[derive(Clone, PartialEq, Message)]
struct OverAllRow {
    /// Two numbers a type: joined, gone.
    #[prost(uint64, repeated, packed = "true", tag = "1")]
    lines: Vec<u64>,
    #[prost(uint64, tag = "2")]
    ended_through: u64,
    #[prost(uint64, tag = "3")]
    ended_at_ms: u64,
}

impl OverAll {
    /// The row, if anybody ever waited.
    pub(crate) async fn read(
        transaction: &mut dyn Transaction,
        event: EventId,
    ) -> Result<Option<OverAll>, StoreError> {
        let Some(row) = transaction.get(&WaitlistEntryKey { event, entry: OVER_ALL }.pack()).await? else {
            return Ok(None);
        };
        let row = OverAllRow::decode(row.as_slice())
            .map_err(|_| damaged(format!("the row over the waitlist of {event:?} cannot be read")))?;
        let lines = row.lines.as_chunks::<2>().0.iter();
        let lines = lines.map(|&[joined, gone]| Counted { joined, gone }).collect();
        let ended =
            (row.ended_through > 0).then_some((EntryNumber(row.ended_through), Timestamp(row.ended_at_ms)));
        Ok(Some(OverAll { lines, ended }))
    }

    pub(crate) fn write(&self, transaction: &mut dyn Transaction, event: EventId) {
        let row = OverAllRow {
            lines: self.lines.iter().flat_map(|line| [line.joined, line.gone]).collect(),
            ended_through: self.ended.map_or(0, |(through, _)| through.0),
            ended_at_ms: self.ended.map_or(0, |(_, at)| at.0),
        };
        transaction.set(&WaitlistEntryKey { event, entry: OVER_ALL }.pack(), &row.encode_to_vec());
    }

    pub(crate) fn line(&mut self, id: TicketTypeId) -> &mut Counted {
        if self.lines.len() <= id.index() {
            self.lines.resize(id.index() + 1, Counted::default());
        }
        &mut self.lines[id.index()]
    }

    /// About how many wait before a choice of an entry that waits: exact while those who left stood before it.
    pub(crate) fn before(&self, waited: &Waited) -> u64 {
        let gone = self.lines.get(waited.choice.ticket_type.index()).map_or(0, |line| line.gone);
        waited.ordinal.saturating_sub(gone + 1)
    }
}

impl WaitlistEntry {
    /// What follows for the entry from what ended all.
    pub(crate) fn derive_standing(&mut self, over_all: &OverAll) {
        if let Some((through, at)) = over_all.ended
            && self.number <= through
            && self.standing == Standing::Waiting
        {
            self.standing = Standing::Left(LeftReason::Closed);
            self.changed_at = at;
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let (subject_high, subject_low) = halves(self.subject.0);
        let mut extra = Vec::new();
        put_subjects(&mut extra, &self.extra);
        let choice = |one: &Waited| {
            let Choice { ticket_type, quantity, manner } = one.choice;
            [ticket_type.0.into(), quantity.into(), manner.word().into(), one.ordinal]
        };
        let (hold, deadline_at_ms, left) = match self.standing {
            Standing::Waiting => (0, 0, 0),
            Standing::Offered { hold, deadline_at } => (hold.0, deadline_at.0, 0),
            Standing::Left(reason) => (0, 0, word_of(reason)),
        };
        let row = EntryRow {
            subject_high,
            subject_low,
            extra,
            choices: self.waited.iter().flat_map(choice).collect(),
            price_max_minor: self.price_max_minor,
            priority: self.priority.into(),
            since_ms: self.since.0,
            changed_at_ms: self.changed_at.0,
            hold,
            deadline_at_ms,
            left,
        };
        row.encode_to_vec()
    }

    pub(crate) fn decode(number: EntryNumber, row: &[u8]) -> Result<WaitlistEntry, StoreError> {
        let unreadable = || damaged(format!("the row of entry {} of a waitlist cannot be read", number.0));
        let row = EntryRow::decode(row).map_err(|_| unreadable())?;
        let standing = match (row.hold, row.left) {
            (0, 0) => Standing::Waiting,
            (0, left) => Standing::Left(reason_of(left).ok_or_else(unreadable)?),
            (hold, _) => {
                Standing::Offered { hold: ClaimNumber(hold), deadline_at: Timestamp(row.deadline_at_ms) }
            }
        };
        let waited = |&[ticket_type, quantity, manner, ordinal]: &[u64; 4]| {
            let choice = Choice {
                ticket_type: TicketTypeId(u16::try_from(ticket_type).ok()?),
                quantity: u16::try_from(quantity).ok()?,
                manner: Manner::of_word(u16::try_from(manner).ok()?)?,
            };
            Some(Waited { choice, ordinal })
        };
        let waited: Option<Vec<Waited>> = row.choices.as_chunks::<4>().0.iter().map(waited).collect();
        Ok(WaitlistEntry {
            number,
            subject: Subject(whole(row.subject_high, row.subject_low)),
            extra: subjects(&row.extra).map_err(|_| unreadable())?,
            waited: waited.ok_or_else(unreadable)?,
            price_max_minor: row.price_max_minor,
            priority: u8::try_from(row.priority).map_err(|_| unreadable())?,
            since: Timestamp(row.since_ms),
            standing,
            changed_at: Timestamp(row.changed_at_ms),
        })
    }
}

const fn word_of(reason: LeftReason) -> u32 {
    match reason {
        LeftReason::Left => 1,
        LeftReason::Limit => 2,
        LeftReason::Price => 3,
        LeftReason::Closed => 4,
        LeftReason::TypeGone => 5,
    }
}

const fn reason_of(word: u32) -> Option<LeftReason> {
    Some(match word {
        1 => LeftReason::Left,
        2 => LeftReason::Limit,
        3 => LeftReason::Price,
        4 => LeftReason::Closed,
        5 => LeftReason::TypeGone,
        _ => return None,
    })
}
