//! What became of an ask, as a message, and back.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use tessera_actors::{Answer, Forwarded, NotExecuted};
use tessera_cluster::{NodeId, OwnerRow};
use tessera_inventory::{Epoch, Event, Sequence};
use tessera_records::wide::{halves, whole};
use tessera_records::{RecordEncoder, RecordError, decode_record};
use tessera_writer::RefusalPlace;

use super::{Word, claim, malformed, rejection, strictly};

#[derive(Clone, PartialEq, Message)]
struct Outcome {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(message, tag = "1")]
    Accepted(Decided),
    #[prost(message, tag = "2")]
    Repeated(Decided),
    #[prost(message, tag = "3")]
    Rejected(Rejected),
    #[prost(message, tag = "4")]
    Read(Read),
    #[prost(message, tag = "5")]
    NotExecuted(Retry),
    /// Milliseconds for `Retry-After`.
    #[prost(uint64, tag = "6")]
    OutcomeUnknown(u64),
    #[prost(message, tag = "7")]
    NotOwner(NotOwner),
    /// It was not taken: certainly not executed.
    #[prost(message, tag = "8")]
    NotTaken(()),
    /// The node that was asked has no answer either: it may have been executed.
    #[prost(message, tag = "9")]
    Unanswered(()),
}

#[derive(Clone, PartialEq, Message)]
struct Decided {
    /// The record of the one event, with its sequence.
    #[prost(bytes = "bytes", tag = "1")]
    record: Bytes,
    #[prost(message, optional, tag = "2")]
    claim: Option<claim::ClaimView>,
}

#[derive(Clone, PartialEq, Message)]
struct Rejected {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(uint64, tag = "2")]
    epoch: u64,
    #[prost(uint64, tag = "3")]
    number: u64,
    #[prost(message, optional, tag = "4")]
    rejection: Option<rejection::Rejection>,
}

#[derive(Clone, PartialEq, Message)]
struct Read {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(message, optional, tag = "2")]
    claim: Option<claim::ClaimView>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Retry {
    #[prost(uint32, tag = "1")]
    reason: u32,
    #[prost(uint64, tag = "2")]
    retry_after_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
struct NotOwner {
    #[prost(message, optional, tag = "1")]
    owner: Option<Owner>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Owner {
    #[prost(fixed64, tag = "1")]
    high: u64,
    #[prost(fixed64, tag = "2")]
    low: u64,
    #[prost(uint64, tag = "3")]
    term: u64,
}

/// The bytes of what became of an ask.
pub(crate) fn encode_answer(forwarded: &Forwarded, records: &mut RecordEncoder) -> Vec<u8> {
    let kind = match forwarded {
        Forwarded::Answer(answer) => answer_to_wire(answer, records),
        Forwarded::NotOwner { owner } => Kind::NotOwner(NotOwner {
            owner: owner.map(|OwnerRow { node, term }| {
                let (high, low) = halves(node.0);
                Owner { high, low, term }
            }),
        }),
        Forwarded::NotSent => Kind::NotTaken(()),
        Forwarded::Unanswered => Kind::Unanswered(()),
    };
    Outcome { kind: Some(kind) }.encode_to_vec()
}

/// What became of an ask, as `bytes` say.
pub(crate) fn decode_answer(bytes: Bytes) -> Result<Forwarded, RecordError> {
    let outcome: Outcome = strictly(bytes)?;
    Ok(match outcome.kind.ok_or(malformed("an answer is of a known kind"))? {
        Kind::NotOwner(NotOwner { owner }) => {
            let row = |Owner { high, low, term }| OwnerRow { node: NodeId(whole(high, low)), term };
            Forwarded::NotOwner { owner: owner.map(row) }
        }
        Kind::NotTaken(()) => Forwarded::NotSent,
        Kind::Unanswered(()) => Forwarded::Unanswered,
        answer => Forwarded::Answer(answer_from_wire(answer)?),
    })
}

fn answer_to_wire(answer: &Answer, records: &mut RecordEncoder) -> Kind {
    match answer {
        Answer::Accepted { sequence, event, claim } => {
            Kind::Accepted(decided(*sequence, event, claim.as_deref(), records))
        }
        Answer::Repeated { sequence, event, claim } => {
            Kind::Repeated(decided(*sequence, event, claim.as_deref(), records))
        }
        Answer::Rejected { sequence, rejection, place } => Kind::Rejected(Rejected {
            sequence: sequence.0,
            epoch: place.epoch.0,
            number: place.number,
            rejection: Some(rejection::to_wire(rejection)),
        }),
        Answer::Read { sequence, claim } => {
            Kind::Read(Read { sequence: sequence.0, claim: claim.as_deref().map(claim::to_wire) })
        }
        Answer::NotExecuted { reason, retry_after_ms } => {
            Kind::NotExecuted(Retry { reason: reason.word(), retry_after_ms: *retry_after_ms })
        }
        Answer::OutcomeUnknown { retry_after_ms } => Kind::OutcomeUnknown(*retry_after_ms),
    }
}

fn decided(
    sequence: Sequence,
    event: &Event,
    claim: Option<&tessera_inventory::ClaimView>,
    records: &mut RecordEncoder,
) -> Decided {
    let mut record = Vec::new();
    records.encode_record(sequence, &[event], &mut record);
    Decided { record: record.into(), claim: claim.map(claim::to_wire) }
}

fn answer_from_wire(kind: Kind) -> Result<Answer, RecordError> {
    Ok(match kind {
        Kind::Accepted(decided) => {
            let (sequence, event) = only_event(&decided.record)?;
            Answer::Accepted { sequence, event, claim: decided.claim.map(claim::from_wire).transpose()? }
        }
        Kind::Repeated(decided) => {
            let (sequence, event) = only_event(&decided.record)?;
            Answer::Repeated { sequence, event, claim: decided.claim.map(claim::from_wire).transpose()? }
        }
        Kind::Rejected(rejected) => Answer::Rejected {
            sequence: Sequence(rejected.sequence),
            rejection: rejection::from_wire(rejected.rejection.ok_or(malformed("a refusal says why"))?)?,
            place: RefusalPlace { epoch: Epoch(rejected.epoch), number: rejected.number },
        },
        Kind::Read(read) => Answer::Read {
            sequence: Sequence(read.sequence),
            claim: read.claim.map(claim::from_wire).transpose()?,
        },
        Kind::NotExecuted(retry) => Answer::NotExecuted {
            reason: NotExecuted::of_word(retry.reason)?,
            retry_after_ms: retry.retry_after_ms,
        },
        Kind::OutcomeUnknown(retry_after_ms) => Answer::OutcomeUnknown { retry_after_ms },
        Kind::NotOwner(_) | Kind::NotTaken(()) | Kind::Unanswered(()) => {
            return Err(malformed("an answer answers"));
        }
    })
}

/// The one event of a record, and its sequence.
fn only_event(record: &[u8]) -> Result<(Sequence, Arc<Event>), RecordError> {
    let mut record = decode_record(record)?;
    match (record.events.pop(), record.events.is_empty()) {
        (Some(event), true) => Ok((record.first_sequence, Arc::new(event))),
        _ => Err(malformed("an answer has one event")),
    }
}
