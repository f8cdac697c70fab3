//! What crosses between nodes, as protobuf: the messages, and both ways between them and the domain.
//!
//! Tags are never reused. 128-bit values are pairs of `fixed64`; words of an enumeration count from 1, so that a missing one is
//! noticed. An event crosses as the record that a log would have, a configuration as the records' codec writes it.
//!
//! A message is read strictly: one that says more than this binary knows is not read at all, for what it does not know may
//! change what the rest means. A node speaks the lower of both protocol versions, so that this is met only by mistake.

mod answer;
mod ask;
mod claim;
mod command;
mod frame;
mod hold;
mod rejection;
mod scans;
mod waitlist;
mod words;

pub(crate) use answer::{decode_answer, encode_answer};
pub(crate) use ask::{decode_ask, encode_ask};
pub(crate) use frame::{AnswerFrame, AskFrame, Hello, Tiding, put_answer, put_ask};
use words::Word;

use prost::{Message, bytes::Buf};
use tessera_records::RecordError;

/// `message` is known by what it was expected to be.
const fn malformed(what: &'static str) -> RecordError {
    RecordError::Malformed { what }
}

/// The message that `bytes` are, if it accounts for every one of them.
fn strictly<M: Message + Default>(bytes: impl Buf) -> Result<M, RecordError> {
    let length = bytes.remaining();
    let message = M::decode(bytes)?;
    if message.encoded_len() == length {
        Ok(message)
    } else {
        Err(malformed("a message says nothing that this binary does not know"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
