//! A snapshot: the image of an event's state, as bytes.
//!
//! It is one protobuf message, as `proto/snapshot.proto` documents it: field 1 is the header, field 2 the image. Reading
//! copies each column once.

use std::sync::Arc;

use prost::{Message, bytes::Bytes};
use tessera_inventory::{Digest, EventId, Image, Sequence, Timestamp};
use tessera_writer::Chain;

use crate::{
    RecordError, config,
    error::malformed,
    framing::{BODY_TAG, HEADER_TAG, check_format, put_field, split_field},
    from_wire, to_wire,
    wide::{halves, whole},
    wire,
};

/// A decoded snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotImage {
    /// The log's chain at the image's sequence.
    pub chain: Chain,
    /// The state; [`tessera_inventory::Inventory::import`] checks its digest.
    pub image: Image,
}

/// The bytes of `image`, whose sequence has this chain in the log.
#[must_use]
pub fn encode_snapshot(image: &Image, chain: Chain) -> Vec<u8> {
    let mut out = Vec::new();
    let header = wire::SnapshotHeader {
        format_version: image.format().into(),
        minimum_reader: image.format().into(),
        chain: chain.0.to_vec(),
    };
    put_field(HEADER_TAG, &header, &mut out);
    put_field(BODY_TAG, &message(image), &mut out);
    out
}

/// The snapshot that `bytes` are.
///
/// # Errors
/// [`RecordError`]: nothing of it is to be used.
pub fn decode_snapshot(bytes: Arc<[u8]>) -> Result<SnapshotImage, RecordError> {
    let (header, rest) = split_field(HEADER_TAG, &bytes)?;
    let header = wire::SnapshotHeader::decode(header)?;
    check_format(header.format_version, header.minimum_reader)?;
    let chain = Chain(header.chain.try_into().map_err(|_| malformed("a chain has 32 bytes"))?);
    let (body, rest) = split_field(BODY_TAG, rest)?;
    if !rest.is_empty() {
        return Err(malformed("a snapshot ends after its image"));
    }
    let end = bytes.len();
    let body = end - body.len()..end;
    // Columns are slices of the whole until they are copied to words of their own.
    let message = wire::Image::decode(Bytes::from_owner(bytes).slice(body))?;
    Ok(SnapshotImage { chain, image: image(message)? })
}

fn message(image: &Image) -> wire::Image {
    let (event_high, event_low) = halves(image.event.0);
    let (digest_high, digest_low) = halves(image.digest.0);
    wire::Image {
        event_high,
        event_low,
        sequence: image.sequence.0,
        logged_at_ms: image.logged_at.0,
        digest_high,
        digest_low,
        phase: to_wire::phase(image.phase).into(),
        config_version: image.config_version,
        config: image.config.as_deref().map(config::to_wire),
        released_channels: image.released_channels,
        windows_open: Bytes::copy_from_slice(&image.windows_open),
        terms: bytes_of_u64(&image.terms),
        pools: bytes_of_u32(&image.pools),
        shares: bytes_of_u32(&image.shares),
        seat_states: Bytes::copy_from_slice(&image.seat_states),
        seats_to_kill: bytes_of_u32(&image.seats_to_kill),
        subjects: bytes_of_u64(&image.subjects),
        subject_units: bytes_of_u32(&image.subject_units),
        claims: bytes_of_u64(&image.claims),
        orders: bytes_of_u32(&image.orders),
        tickets: bytes_of_u64(&image.tickets),
        order_extras: bytes_of_u32(&image.order_extras),
        transferred: bytes_of_u32(&image.transferred),
        checked_in: bytes_of_u64(&image.checked_in),
        keys_settled: bytes_of_u64(&image.keys_settled),
        keys_recent: bytes_of_u64(&image.keys_recent),
        keys_recent_first: image.keys_recent_first,
        keys_page_times: bytes_of_u64(&image.keys_page_times),
        keys_horizon_ms: image.keys_horizon.0,
        expired: bytes_of_u64(&image.expired),
        quoted: bytes_of_u64(&image.quoted),
        shares_quoted: bytes_of_u64(&image.shares_quoted),
        refunded_beyond: bytes_of_u64(&image.refunded_beyond),
        disputes: bytes_of_u32(&image.disputes),
        passages: bytes_of_u64(&image.passages),
        devices: bytes_of_u64(&image.devices),
        waitlist: bytes_of_u64(&image.waitlist),
        accumulating: bytes_of_u64(&image.accumulating),
    }
}

fn image(message: wire::Image) -> Result<Image, RecordError> {
    Ok(Image {
        event: EventId(whole(message.event_high, message.event_low)),
        sequence: Sequence(message.sequence),
        logged_at: Timestamp(message.logged_at_ms),
        digest: Digest(whole(message.digest_high, message.digest_low)),
        phase: from_wire::phase(message.phase)?,
        config_version: message.config_version,
        config: message.config.map(|config| config::from_wire(config).map(Arc::new)).transpose()?,
        released_channels: message.released_channels,
        windows_open: message.windows_open.to_vec(),
        terms: u64_of_bytes(&message.terms)?,
        pools: u32_of_bytes(&message.pools)?,
        shares: u32_of_bytes(&message.shares)?,
        seat_states: message.seat_states.to_vec(),
        seats_to_kill: u32_of_bytes(&message.seats_to_kill)?,
        subjects: u64_of_bytes(&message.subjects)?,
        subject_units: u32_of_bytes(&message.subject_units)?,
        claims: u64_of_bytes(&message.claims)?,
        orders: u32_of_bytes(&message.orders)?,
        tickets: u64_of_bytes(&message.tickets)?,
        order_extras: u32_of_bytes(&message.order_extras)?,
        transferred: u32_of_bytes(&message.transferred)?,
        checked_in: u64_of_bytes(&message.checked_in)?,
        keys_settled: u64_of_bytes(&message.keys_settled)?,
        keys_recent: u64_of_bytes(&message.keys_recent)?,
        keys_recent_first: message.keys_recent_first,
        keys_page_times: u64_of_bytes(&message.keys_page_times)?,
        keys_horizon: Timestamp(message.keys_horizon_ms),
        expired: u64_of_bytes(&message.expired)?,
        quoted: u64_of_bytes(&message.quoted)?,
        shares_quoted: u64_of_bytes(&message.shares_quoted)?,
        refunded_beyond: u64_of_bytes(&message.refunded_beyond)?,
        disputes: u32_of_bytes(&message.disputes)?,
        passages: u64_of_bytes(&message.passages)?,
        devices: u64_of_bytes(&message.devices)?,
        waitlist: u64_of_bytes(&message.waitlist)?,
        accumulating: u64_of_bytes(&message.accumulating)?,
    })
}

fn bytes_of_u64(words: &[u64]) -> Bytes {
    words.iter().map(|word| word.to_le_bytes()).collect::<Vec<_>>().into_flattened().into()
}

fn bytes_of_u32(words: &[u32]) -> Bytes {
    words.iter().map(|word| word.to_le_bytes()).collect::<Vec<_>>().into_flattened().into()
}

fn u64_of_bytes(bytes: &[u8]) -> Result<Vec<u64>, RecordError> {
    let (words, rest) = bytes.as_chunks();
    whole_words(rest)?;
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

fn u32_of_bytes(bytes: &[u8]) -> Result<Vec<u32>, RecordError> {
    let (words, rest) = bytes.as_chunks();
    whole_words(rest)?;
    Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

fn whole_words(rest: &[u8]) -> Result<(), RecordError> {
    if rest.is_empty() { Ok(()) } else { Err(malformed("a column is a list of whole words")) }
}
