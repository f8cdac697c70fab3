//! An ask as a message, and back. The time that is left is the envelope's: it runs while the ask waits for its frame.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tessera_actors::ForwardedAsk;
use tessera_inventory::{ClaimNumber, EventId};
use tessera_records::RecordError;
use tessera_records::wide::{halves, narrow, whole};

use super::{command, malformed, strictly};

#[derive(Clone, PartialEq, Message)]
struct Ask {
    #[prost(fixed64, tag = "1")]
    event_high: u64,
    #[prost(fixed64, tag = "2")]
    event_low: u64,
    #[prost(uint32, tag = "3")]
    hops: u32,
    #[prost(uint64, tag = "4")]
    term: u64,
    #[prost(oneof = "Asked", tags = "5, 6")]
    asked: Option<Asked>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
#[allow(clippy::large_enum_variant)] // Nearly all are commands.
enum Asked {
    #[prost(message, tag = "5")]
    Command(command::Command),
    #[prost(uint64, tag = "6")]
    Read(u64),
}

/// The bytes of an ask, all but the time that is left.
pub(crate) fn encode_ask(ask: &ForwardedAsk) -> Vec<u8> {
    let (event_high, event_low) = halves(ask.event.0);
    let asked = match &ask.ask {
        tessera_writer::Ask::Command(command) => Asked::Command(command::to_wire(command)),
        tessera_writer::Ask::Read(claim) => Asked::Read(claim.0),
    };
    let message = Ask { event_high, event_low, hops: ask.hops.into(), term: ask.term, asked: Some(asked) };
    message.encode_to_vec()
}

/// The ask that `bytes` are.
pub(crate) fn decode_ask(bytes: Bytes, give_up: Duration) -> Result<ForwardedAsk, RecordError> {
    let message: Ask = strictly(bytes)?;
    let asked = message.asked.ok_or(malformed("an ask asks something known"))?;
    Ok(ForwardedAsk {
        event: EventId(whole(message.event_high, message.event_low)),
        ask: match asked {
            Asked::Command(command) => tessera_writer::Ask::Command(Box::new(command::from_wire(command)?)),
            Asked::Read(claim) => tessera_writer::Ask::Read(ClaimNumber(claim)),
        },
        give_up,
        hops: narrow(message.hops, "hops are at most 255")?,
        term: message.term,
    })
}
