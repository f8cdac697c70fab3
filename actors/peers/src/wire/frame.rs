//! Frames: what one message of a stream holds. Asks and answers stay bytes here, so that one that cannot be read spoils no
//! other.

use bytes::Bytes;
use prost::Message;
use tessera_actors::Told;
use tessera_cluster::NodeId;
use tessera_inventory::EventId;
use tessera_money::Lane;
use tessera_projections::webhooks::EndpointId;
use tessera_records::wide::{halves, whole};

/// Protobuf tag of field 2 of both frames, length-delimited: an envelope.
const ENVELOPE_TAG: u8 = 0x12;

/// What the node that dialled sends.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AskFrame {
    /// In the first frame only, which has nothing else.
    #[prost(message, optional, tag = "1")]
    pub(crate) hello: Option<Hello>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) asks: Vec<AskEnvelope>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) told: Vec<Tiding>,
}

/// What the node that was dialled sends.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnswerFrame {
    /// In the first frame only, which has nothing else.
    #[prost(message, optional, tag = "1")]
    pub(crate) hello: Option<Hello>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) answers: Vec<AnswerEnvelope>,
    /// It takes nothing more: end the stream; what is under way is still answered.
    #[prost(bool, tag = "3")]
    pub(crate) goodbye: bool,
}

/// Who is meant, and who answers.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Hello {
    /// The newest protocol version that the speaker knows.
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    /// The oldest that it still speaks.
    #[prost(uint32, tag = "2")]
    pub(crate) version_min: u32,
    #[prost(fixed64, tag = "3")]
    pub(crate) installation_high: u64,
    #[prost(fixed64, tag = "4")]
    pub(crate) installation_low: u64,
    #[prost(fixed64, tag = "5")]
    pub(crate) node_high: u64,
    #[prost(fixed64, tag = "6")]
    pub(crate) node_low: u64,
}

/// An ask on its way.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AskEnvelope {
    /// Its number on this stream.
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    /// The time that is left, in microseconds, as the frame was made.
    #[prost(uint64, tag = "2")]
    pub(crate) give_up_us: u64,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) ask: Bytes,
}

/// An answer on its way.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnswerEnvelope {
    /// The number of the ask.
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) answer: Bytes,
}

/// What a node tells another, with the ids of what it is about.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Tiding {
    #[prost(fixed64, tag = "1")]
    first_high: u64,
    #[prost(fixed64, tag = "2")]
    first_low: u64,
    /// 0: an event is given; 1: one is to be moved; 2: a webhook endpoint has work; 3: drain; 4: a lane of payments has work.
    #[prost(uint32, tag = "3")]
    kind: u32,
    #[prost(fixed64, tag = "4")]
    second_high: u64,
    #[prost(fixed64, tag = "5")]
    second_low: u64,
}

impl Hello {
    /// The installation that the speaker serves.
    pub(crate) fn installation(self) -> u128 {
        whole(self.installation_high, self.installation_low)
    }

    /// The node that is meant, or that answers.
    pub(crate) fn node(self) -> NodeId {
        NodeId(whole(self.node_high, self.node_low))
    }
}

impl From<Told> for Tiding {
    fn from(told: Told) -> Tiding {
        let (kind, first, second) = match told {
            Told::Given(event) => (0, event.0, 0),
            Told::Move { event, to } => (1, event.0, to.0),
            Told::Webhooks(EndpointId { organizer, endpoint }) => (2, organizer, endpoint),
            Told::Drain => (3, 0, 0),
            Told::Payments(lane) => (4, lane.number().into(), 0),
        };
        let ((first_high, first_low), (second_high, second_low)) = (halves(first), halves(second));
        Tiding { first_high, first_low, kind, second_high, second_low }
    }
}

impl Tiding {
    /// What was told; `None`: by a newer release, and passed over.
    pub(crate) fn told(self) -> Option<Told> {
        let (first, second) =
            (whole(self.first_high, self.first_low), whole(self.second_high, self.second_low));
        Some(match self.kind {
            0 => Told::Given(EventId(first)),
            1 => Told::Move { event: EventId(first), to: NodeId(second) },
            2 => Told::Webhooks(EndpointId { organizer: first, endpoint: second }),
            3 => Told::Drain,
            4 => Told::Payments(Lane::numbered(u8::try_from(first).ok()?)?),
            _ => return None,
        })
    }
}

/// Append to a frame of asks what [`super::encode_ask`] wrote.
pub(crate) fn put_ask(number: u64, give_up_us: u64, ask: Vec<u8>, frame: &mut Vec<u8>) {
    put_envelope(&AskEnvelope { number, give_up_us, ask: ask.into() }, frame);
}

/// Append to a frame of answers what [`super::encode_answer`] wrote.
pub(crate) fn put_answer(number: u64, answer: Vec<u8>, frame: &mut Vec<u8>) {
    put_envelope(&AnswerEnvelope { number, answer: answer.into() }, frame);
}

fn put_envelope(envelope: &impl Message, frame: &mut Vec<u8>) {
    let length = envelope.encoded_len();
    frame.reserve(1 + prost::length_delimiter_len(length) + length);
    frame.push(ENVELOPE_TAG);
    // Writing to a `Vec` fails only where memory ends, and that aborts: there is always room.
    let _ = prost::encode_length_delimiter(length, frame);
    envelope.encode_raw(frame);
}
