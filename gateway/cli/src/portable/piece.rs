//! The pieces of a file, each a kind, a length and its bytes.

use tessera_inventory::{Digest, Epoch, EventId, Sequence};
use tessera_store::keys::{HEAD_VALUE_BYTES, decode_head, encode_head};
use tessera_store::{LogRecord, Row};
use tessera_writer::{Chain, Head};

use super::error::PortableError;
use crate::failure::Failure;

/// One piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// An event with a log; its records follow.
    Event(EventPiece),
    /// One record of the event before.
    Record(LogRecord),
    /// A row that comes from nowhere else.
    Row(Row),
    /// Nothing but the checksum comes after it.
    End(Totals),
}

/// An event, and what its log amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventPiece {
    pub(super) event: EventId,
    pub(super) head: Head,
    pub(super) records: u64,
    pub(super) digest: Digest,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) events: u64,
    pub(super) records: u64,
    pub(super) rows: u64,
}

impl Piece {
    /// The number that stands for its kind in a file: never changed and never reused.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Piece::Event(_) => 1,
            Piece::Record(_) => 2,
            Piece::Row(_) => 3,
            Piece::End(_) => 4,
        }
    }

    /// Its bytes, big-endian.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Piece::Event(piece) => {
                out.extend_from_slice(&piece.event.0.to_be_bytes());
                out.extend_from_slice(&encode_head(&piece.head));
                out.extend_from_slice(&piece.records.to_be_bytes());
                out.extend_from_slice(&piece.digest.0.to_be_bytes());
            }
            Piece::Record(record) => {
                out.extend_from_slice(&record.first_sequence.0.to_be_bytes());
                out.extend_from_slice(&record.last_sequence.0.to_be_bytes());
                out.extend_from_slice(&record.epoch.0.to_be_bytes());
                out.extend_from_slice(&record.chain.0);
                out.extend_from_slice(&record.bytes);
            }
            Piece::Row((key, value)) => {
                // Keys are bounded far below.
                out.extend_from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes());
                out.extend_from_slice(key);
                out.extend_from_slice(value);
            }
            Piece::End(totals) => {
                for count in [totals.events, totals.records, totals.rows] {
                    out.extend_from_slice(&count.to_be_bytes());
                }
            }
        }
    }

    /// The piece of this kind with these bytes.
    pub(super) fn decode(kind: u8, bytes: &[u8]) -> Result<Piece, Failure> {
        let mut fields = Fields(bytes);
        let piece = match kind {
            1 => {
                let event = EventId(u128::from_be_bytes(fields.take()?));
                let head = decode_head(&fields.take::<HEAD_VALUE_BYTES>()?)?;
                let records = u64::from_be_bytes(fields.take()?);
                Piece::Event(EventPiece {
                    event,
                    head,
                    records,
                    digest: Digest(u128::from_be_bytes(fields.take()?)),
                })
            }
            2 => Piece::Record(LogRecord {
                first_sequence: Sequence(u64::from_be_bytes(fields.take()?)),
                last_sequence: Sequence(u64::from_be_bytes(fields.take()?)),
                epoch: Epoch(u64::from_be_bytes(fields.take()?)),
                chain: Chain(fields.take()?),
                bytes: fields.rest().into(),
            }),
            3 => {
                let length = u32::from_be_bytes(fields.take()?) as usize;
                let key = fields.some(length)?.to_vec();
                Piece::Row((key, fields.rest().to_vec()))
            }
            4 => Piece::End(Totals {
                events: u64::from_be_bytes(fields.take()?),
                records: u64::from_be_bytes(fields.take()?),
                rows: u64::from_be_bytes(fields.take()?),
            }),
            _ => return Err(malformed("a piece of an unknown kind")),
        };
        if fields.0.is_empty() { Ok(piece) } else { Err(malformed("a piece that goes on after its end")) }
    }
}

fn malformed(what: &'static str) -> Failure {
    Failure::NotImported(PortableError::Malformed { what })
}

/// What is left of a piece.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let (field, rest) =
            self.0.split_first_chunk::<N>().ok_or_else(|| malformed("a piece that is cut short"))?;
        self.0 = rest;
        Ok(*field)
    }

    fn some(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let (some, rest) =
            self.0.split_at_checked(length).ok_or_else(|| malformed("a key that is cut short"))?;
        self.0 = rest;
        Ok(some)
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_read_as_it_was_written_and_no_other() {
        let chain = Chain([7; 32]);
        let head = Head { epoch: Epoch(3), sequence: Sequence(9), chain, ..Head::GENESIS };
        let record = LogRecord {
            first_sequence: Sequence(1),
            last_sequence: Sequence(9),
            epoch: Epoch(2),
            chain,
            bytes: (*b"a record").into(),
        };
        let pieces = [
            Piece::Event(EventPiece { event: EventId(5), head, records: 1, digest: Digest(6) }),
            Piece::Record(record),
            Piece::Row((b"key".to_vec(), b"value".to_vec())),
            Piece::End(Totals { events: 1, records: 1, rows: 1 }),
        ];
        for piece in pieces {
            let mut bytes = Vec::new();
            piece.encode(&mut bytes);
            assert_eq!(Piece::decode(piece.kind(), &bytes).unwrap(), piece);
            assert!(Piece::decode(piece.kind(), &bytes[..2]).is_err(), "{piece:?} cut short");
            assert!(Piece::decode(99, &bytes).is_err());
            if matches!(piece, Piece::Event(_) | Piece::End(_)) {
                bytes.push(0);
                assert!(Piece::decode(piece.kind(), &bytes).is_err(), "{piece:?} and more");
            }
        }
    }
}
