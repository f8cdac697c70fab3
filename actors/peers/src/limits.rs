//! Every limit of the way between nodes.

use tessera_writer::{EVENT_BYTES_MAX, LANE_BYTES_MAX, NEW_QUEUE_MAX};

/// The newest version of the protocol between nodes that this binary speaks.
pub const PROTOCOL_VERSION: u32 = 1;
/// The oldest that it still speaks. Two nodes speak the lower of both newest ones.
pub const PROTOCOL_VERSION_MIN: u32 = 1;

/// Largest ask or answer, in bytes. A larger ask is not sent; a larger answer is lost, and its outcome unknown to who asked.
pub const MESSAGE_BYTES_MAX: usize = 9_000_000;
/// A frame takes no more once it has about so many bytes. What is larger by itself goes alone.
pub const FRAME_BYTES: usize = 65_536;
/// Most asks in one frame.
pub const FRAME_ASKS_MAX: usize = 1_024;
/// Largest frame that is read, in bytes.
pub const FRAME_BYTES_MAX: usize = FRAME_BYTES + MESSAGE_BYTES_MAX + FRAME_ASKS_MAX * 32;

/// Most asks to one node that wait for their answer, sent or not. One more is not sent.
pub const ASKS_IN_FLIGHT_MAX: usize = 8_192;
/// Most bytes of asks to one node that wait for their frame. One more ask is not sent.
pub const ASKS_WAITING_BYTES_MAX: usize = LANE_BYTES_MAX;
/// Most that is told to one node and waits for its frame. One more is not told.
pub const TOLD_WAITING_MAX: usize = 1_024;
/// Most asks of one stream that a node serves at once. Until one is answered, it reads no further.
pub const SERVED_AT_ONCE_MAX: usize = ASKS_IN_FLIGHT_MAX;
/// Most streams that a node serves at once.
pub const STREAMS_SERVED_MAX: usize = 512;

/// Longest wait for a connection, its TLS included, in milliseconds.
pub const CONNECT_MS_MAX: u64 = 1_000;
/// Longest wait for the other node's hello, in milliseconds.
pub const HELLO_MS_MAX: u64 = 1_000;
/// A connection is asked for a sign of life after so many milliseconds without one.
pub const PING_AFTER_MS: u64 = 1_000;
/// A connection that gives no sign of life for so many milliseconds after it was asked is broken: a partition, be it one-way.
pub const PING_ANSWER_MS_MAX: u64 = 1_000;
/// Shortest rest after a failed connection or a broken stream, in milliseconds. It doubles with every failure in a row. Meanwhile
/// nothing is sent.
pub const REST_MS_MIN: u64 = 50;
/// Longest rest, in milliseconds.
pub const REST_MS_MAX: u64 = 2_000;
/// A stream that nothing was asked on for so long is closed, in milliseconds.
pub const STREAM_IDLE_MS_MAX: u64 = 60_000;
/// A served ask is dropped so many milliseconds after its client has given up.
pub const SERVED_LATE_MS_MAX: u64 = 1_000;

/// What a stream may have under way unread, in bytes: at 5 ms between nodes, 200 MB a second.
pub const STREAM_WINDOW_BYTES: u32 = 1_048_576;
/// As [`STREAM_WINDOW_BYTES`], for a connection.
pub const CONNECTION_WINDOW_BYTES: u32 = 2 * STREAM_WINDOW_BYTES;

const _: () = {
    assert!(PROTOCOL_VERSION_MIN <= PROTOCOL_VERSION);
    assert!(EVENT_BYTES_MAX < MESSAGE_BYTES_MAX && MESSAGE_BYTES_MAX < ASKS_WAITING_BYTES_MAX);
    assert!(ASKS_IN_FLIGHT_MAX >= NEW_QUEUE_MAX, "forwarding narrows no queue");
    assert!(REST_MS_MIN < REST_MS_MAX && STREAM_WINDOW_BYTES <= CONNECTION_WINDOW_BYTES);
};
