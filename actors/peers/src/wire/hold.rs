//! A request for units as a message, and back.

use prost::Message;
use tessera_inventory::{
    AccessCode, ChannelId, LineRequest, PromotionClaim, SectionId, Subject, Subjects, TicketTypeId, Want,
    Wishes,
};
use tessera_records::RecordError;
use tessera_records::wide::{halves, narrow, narrow_option, put_seats, put_subjects, seats, subjects, whole};

use super::malformed;

#[derive(Clone, PartialEq, Message)]
pub(super) struct PlaceHold {
    #[prost(fixed64, tag = "1")]
    subject_high: u64,
    #[prost(fixed64, tag = "2")]
    subject_low: u64,
    /// High, low, high, low …
    #[prost(fixed64, repeated, packed = "true", tag = "3")]
    extra_subjects: Vec<u64>,
    #[prost(message, repeated, tag = "4")]
    lines: Vec<Line>,
    #[prost(message, optional, tag = "5")]
    access_code: Option<Code>,
    #[prost(uint32, optional, tag = "6")]
    channel: Option<u32>,
    #[prost(uint64, optional, tag = "7")]
    duration_ms: Option<u64>,
    #[prost(message, optional, tag = "8")]
    promotion: Option<Promotion>,
    #[prost(sint64, optional, tag = "9")]
    expected_total_minor: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Promotion {
    #[prost(message, required, tag = "1")]
    code: Code,
    #[prost(uint32, optional, tag = "2")]
    serial: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Code {
    #[prost(fixed64, tag = "1")]
    high: u64,
    #[prost(fixed64, tag = "2")]
    low: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint32, optional, tag = "1")]
    ticket_type: Option<u32>,
    #[prost(sint64, optional, tag = "2")]
    expected_price_minor: Option<i64>,
    #[prost(oneof = "Wanted", tags = "3, 4, 5")]
    want: Option<Wanted>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Wanted {
    #[prost(uint32, tag = "3")]
    Quantity(u32),
    #[prost(message, tag = "4")]
    Seats(Seats),
    #[prost(message, tag = "5")]
    Together(Together),
}

#[derive(Clone, PartialEq, Message)]
struct Seats {
    /// The first index, then distances to the one before.
    #[prost(uint32, repeated, packed = "true", tag = "1")]
    seats: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Together {
    #[prost(uint32, tag = "1")]
    quantity: u32,
    #[prost(uint32, optional, tag = "2")]
    section: Option<u32>,
    #[prost(sint64, optional, tag = "3")]
    price_minor_max: Option<i64>,
    #[prost(uint32, tag = "4")]
    accessible: u32,
    #[prost(bool, tag = "5")]
    accept_split: bool,
}

/// The message that says `place`.
pub(super) fn to_wire(place: &tessera_inventory::PlaceHold) -> PlaceHold {
    let (subject_high, subject_low) = halves(place.subjects.primary.0);
    let mut extra_subjects = Vec::new();
    put_subjects(&mut extra_subjects, &place.subjects.extra);
    PlaceHold {
        subject_high,
        subject_low,
        extra_subjects,
        lines: place.lines.iter().map(line_to_wire).collect(),
        access_code: place.access_code.map(code_to_wire),
        channel: place.channel.map(|channel| channel.0.into()),
        duration_ms: place.duration_ms,
        promotion: place
            .promotion
            .map(|claimed| Promotion { code: code_to_wire(claimed.code), serial: claimed.serial }),
        expected_total_minor: place.expected_total_minor,
    }
}

fn code_to_wire(code: AccessCode) -> Code {
    let (high, low) = halves(code.0);
    Code { high, low }
}

fn code_from_wire(code: Code) -> AccessCode {
    AccessCode(whole(code.high, code.low))
}

/// The request that `message` says.
pub(super) fn from_wire(message: PlaceHold) -> Result<tessera_inventory::PlaceHold, RecordError> {
    Ok(tessera_inventory::PlaceHold {
        subjects: Subjects {
            primary: Subject(whole(message.subject_high, message.subject_low)),
            extra: subjects(&message.extra_subjects)?,
        },
        lines: message.lines.into_iter().map(line_from_wire).collect::<Result<_, _>>()?,
        access_code: message.access_code.map(code_from_wire),
        channel: narrow_option(message.channel, "a channel is at most 255")?.map(ChannelId),
        duration_ms: message.duration_ms,
        promotion: message
            .promotion
            .map(|claimed| PromotionClaim { code: code_from_wire(claimed.code), serial: claimed.serial }),
        expected_total_minor: message.expected_total_minor,
    })
}

fn line_to_wire(line: &LineRequest) -> Line {
    let want = match &line.want {
        Want::Quantity(quantity) => Wanted::Quantity((*quantity).into()),
        Want::Seats(wanted) => {
            let mut seats = Vec::new();
            put_seats(&mut seats, wanted);
            Wanted::Seats(Seats { seats })
        }
        Want::Together { quantity, wishes } => Wanted::Together(together(*quantity, *wishes)),
    };
    Line {
        ticket_type: line.ticket_type.map(|of| of.0.into()),
        expected_price_minor: line.expected_price_minor,
        want: Some(want),
    }
}

fn together(quantity: u16, wishes: Wishes) -> Together {
    let Wishes { section, price_minor_max, accessible, accept_split } = wishes;
    Together {
        quantity: quantity.into(),
        section: section.map(|section| section.0.into()),
        price_minor_max,
        accessible: accessible.into(),
        accept_split,
    }
}

fn line_from_wire(line: Line) -> Result<LineRequest, RecordError> {
    let want = match line.want.ok_or(malformed("a line wants something known"))? {
        Wanted::Quantity(quantity) => Want::Quantity(narrow(quantity, "a quantity is at most 65535")?),
        Wanted::Seats(wanted) => Want::Seats(seats(wanted.seats)),
        Wanted::Together(together) => Want::Together {
            quantity: narrow(together.quantity, "a quantity is at most 65535")?,
            wishes: Wishes {
                section: narrow_option(together.section, "a section is at most 65535")?.map(SectionId),
                price_minor_max: together.price_minor_max,
                accessible: narrow(together.accessible, "accessible spaces are at most 255")?,
                accept_split: together.accept_split,
            },
        },
    };
    Ok(LineRequest {
        ticket_type: narrow_option(line.ticket_type, "a ticket type is at most 65535")?.map(TicketTypeId),
        expected_price_minor: line.expected_price_minor,
        want,
    })
}
