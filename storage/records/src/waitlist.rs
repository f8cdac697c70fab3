//! The waitlist as messages, and back.

use tessera_inventory::{
    Choice, EntryNumber, EventBody, LeftReason, Manner, Subject, Subjects, TicketTypeId, WaitlistJoined,
    WaitlistOrder, WaitlistPolicy,
};

use crate::{
    RecordError,
    error::malformed,
    wide::{halves, narrow, put_subjects, subjects, whole},
    wire,
};

const TYPE: &str = "a ticket type is at most 65535";

/// The message of a policy.
pub(crate) fn policy_to_wire(policy: &WaitlistPolicy) -> wire::Waitlist {
    let order = match policy.order {
        WaitlistOrder::Fit => wire::WaitlistOrder::Fit,
        WaitlistOrder::Accumulate => wire::WaitlistOrder::Accumulate,
    };
    wire::Waitlist {
        enabled: policy.enabled,
        policy: order.into(),
        patience_ms: policy.patience_ms,
        offer_ms: policy.offer_ms,
        entries_max: policy.entries_max,
        types: policy.types.iter().map(|id| id.0.into()).collect(),
        price_may_rise: policy.price_may_rise,
        per_subject_max: policy.per_subject_max.into(),
    }
}

/// The policy of a message.
pub(crate) fn policy_from_wire(message: &wire::Waitlist) -> Result<WaitlistPolicy, RecordError> {
    let order = match wire::WaitlistOrder::try_from(message.policy) {
        Ok(wire::WaitlistOrder::Fit) => WaitlistOrder::Fit,
        Ok(wire::WaitlistOrder::Accumulate) => WaitlistOrder::Accumulate,
        Err(_) => return Err(malformed("a waitlist is served in a known order")),
    };
    Ok(WaitlistPolicy {
        enabled: message.enabled,
        order,
        patience_ms: message.patience_ms,
        offer_ms: message.offer_ms,
        entries_max: message.entries_max,
        types: message
            .types
            .iter()
            .map(|&id| narrow(id, TYPE).map(TicketTypeId))
            .collect::<Result<_, _>>()?,
        price_may_rise: message.price_may_rise,
        per_subject_max: narrow(message.per_subject_max, "entries of a subject are at most 255")?,
    })
}

/// The message of somebody who waits.
pub(crate) fn joined_to_wire(joined: &WaitlistJoined) -> wire::WaitlistJoined {
    let (subject_high, subject_low) = halves(joined.subjects.primary.0);
    let mut extra_subjects = Vec::new();
    put_subjects(&mut extra_subjects, &joined.subjects.extra);
    let choice = |choice: &Choice| wire::Choice {
        ticket_type: choice.ticket_type.0.into(),
        quantity: choice.quantity.into(),
        manner: choice.manner.word().into(),
    };
    wire::WaitlistJoined {
        subject_high,
        subject_low,
        extra_subjects,
        choices: joined.choices.iter().map(choice).collect(),
        price_max_minor: joined.price_max_minor,
        priority: joined.priority.into(),
    }
}

/// Somebody who waits.
pub(crate) fn joined_from_wire(message: &wire::WaitlistJoined) -> Result<EventBody, RecordError> {
    let choice = |choice: &wire::Choice| {
        Ok(Choice {
            ticket_type: TicketTypeId(narrow(choice.ticket_type, TYPE)?),
            quantity: narrow(choice.quantity, "a quantity is at most 65535")?,
            manner: narrow(choice.manner, "a manner is at most 65535").and_then(manner)?,
        })
    };
    Ok(EventBody::WaitlistJoined(Box::new(WaitlistJoined {
        subjects: Subjects {
            primary: Subject(whole(message.subject_high, message.subject_low)),
            extra: subjects(&message.extra_subjects)?,
        },
        choices: message.choices.iter().map(choice).collect::<Result<_, RecordError>>()?,
        price_max_minor: message.price_max_minor,
        priority: narrow(message.priority, "a priority is at most 255")?,
    })))
}

fn manner(word: u16) -> Result<Manner, RecordError> {
    Manner::of_word(word).ok_or(malformed("wheelchair spaces are at most 255"))
}

/// The message of an end.
pub(crate) fn left_to_wire(entry: EntryNumber, reason: LeftReason) -> wire::WaitlistLeft {
    let reason = match reason {
        LeftReason::Left => wire::LeftReason::Left,
        LeftReason::Limit => wire::LeftReason::Limit,
        LeftReason::Price => wire::LeftReason::Price,
        LeftReason::Closed => wire::LeftReason::Closed,
        LeftReason::TypeGone => wire::LeftReason::TypeGone,
    };
    wire::WaitlistLeft { entry: entry.0, reason: reason.into() }
}

/// An end.
pub(crate) fn left_from_wire(message: wire::WaitlistLeft) -> Result<EventBody, RecordError> {
    let reason = match wire::LeftReason::try_from(message.reason) {
        Ok(wire::LeftReason::Left) => LeftReason::Left,
        Ok(wire::LeftReason::Limit) => LeftReason::Limit,
        Ok(wire::LeftReason::Price) => LeftReason::Price,
        Ok(wire::LeftReason::Closed) => LeftReason::Closed,
        Ok(wire::LeftReason::TypeGone) => LeftReason::TypeGone,
        Ok(wire::LeftReason::Unspecified) | Err(_) => {
            return Err(malformed("an entry ends for a known reason"));
        }
    };
    Ok(EventBody::WaitlistLeft { entry: EntryNumber(message.entry), reason })
}
