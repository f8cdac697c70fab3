//! A request to wait as a message, and back.

use prost::Message;
use tessera_inventory::{JoinWaitlist as Join, Manner, Subject, Subjects, TicketTypeId};
use tessera_records::RecordError;
use tessera_records::wide::{halves, narrow, narrow_option, put_subjects, subjects, whole};

use super::malformed;

#[derive(Clone, PartialEq, Message)]
pub(super) struct JoinWaitlist {
    #[prost(fixed64, tag = "1")]
    subject_high: u64,
    #[prost(fixed64, tag = "2")]
    subject_low: u64,
    /// High, low, high, low …
    #[prost(fixed64, repeated, packed = "true", tag = "3")]
    extra_subjects: Vec<u64>,
    #[prost(message, repeated, tag = "4")]
    choices: Vec<Choice>,
    #[prost(sint64, optional, tag = "5")]
    price_max_minor: Option<i64>,
    #[prost(uint32, optional, tag = "6")]
    priority: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Choice {
    #[prost(uint32, tag = "1")]
    ticket_type: u32,
    #[prost(uint32, tag = "2")]
    quantity: u32,
    /// As in a record.
    #[prost(uint32, tag = "3")]
    manner: u32,
}

pub(super) fn to_wire(join: &Join) -> JoinWaitlist {
    let (subject_high, subject_low) = halves(join.subjects.primary.0);
    let mut extra_subjects = Vec::new();
    put_subjects(&mut extra_subjects, &join.subjects.extra);
    let choice = |choice: &tessera_inventory::Choice| Choice {
        ticket_type: choice.ticket_type.0.into(),
        quantity: choice.quantity.into(),
        manner: choice.manner.word().into(),
    };
    JoinWaitlist {
        subject_high,
        subject_low,
        extra_subjects,
        choices: join.choices.iter().map(choice).collect(),
        price_max_minor: join.price_max_minor,
        priority: join.priority.map(Into::into),
    }
}

pub(super) fn from_wire(message: &JoinWaitlist) -> Result<Join, RecordError> {
    let choice = |choice: &Choice| {
        let manner = narrow(choice.manner, "a manner is at most 65535")?;
        Ok(tessera_inventory::Choice {
            ticket_type: TicketTypeId(narrow(choice.ticket_type, "a ticket type is at most 65535")?),
            quantity: narrow(choice.quantity, "a quantity is at most 65535")?,
            manner: Manner::of_word(manner).ok_or(malformed("wheelchair spaces are at most 255"))?,
        })
    };
    Ok(Join {
        subjects: Subjects {
            primary: Subject(whole(message.subject_high, message.subject_low)),
            extra: subjects(&message.extra_subjects)?,
        },
        choices: message.choices.iter().map(choice).collect::<Result<_, RecordError>>()?,
        price_max_minor: message.price_max_minor,
        priority: narrow_option(message.priority, "a priority is at most 255")?,
    })
}
