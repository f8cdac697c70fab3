//! Frames of the protocol, as they come and as they go.

use actix_http::ws::{CloseCode, CloseReason, OpCode, Parser};
use actix_web::dev::Payload;
use actix_web::web::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};

use crate::limits::SOCKET_FRAME_BYTES_MAX;

/// First byte of a text that is a whole message.
const WHOLE_TEXT: u8 = 0x81;
/// Longest head of a frame, in bytes: operation, length, mask.
const HEAD_BYTES_MAX: usize = 14;

/// What a client sent.
pub(super) enum Inbound {
    /// Are you there?
    Ping(Bytes),
    /// The answer to one of ours.
    Pong(Bytes),
    /// It goes.
    Close,
    /// It has something to say, which nobody listens to.
    Message,
    /// It does not speak the protocol.
    Wrong,
}

/// The frames of a connection. It ends with the connection, and after what is no frame. At most one frame is buffered, beside what
/// arrived with it.
pub(super) fn inbound(payload: Payload) -> impl Stream<Item = Inbound> {
    stream::unfold(Some((payload, BytesMut::new())), |state| async {
        let (mut payload, mut buffer) = state?;
        loop {
            match Parser::parse(&mut buffer, true, SOCKET_FRAME_BYTES_MAX) {
                Ok(Some((is_whole, code, data))) => {
                    let data = data.unwrap_or_default().freeze();
                    return Some((read(is_whole, code, data), Some((payload, buffer))));
                }
                // The library would wait for the rest of a frame of any length.
                Ok(None) if buffer.len() > HEAD_BYTES_MAX + SOCKET_FRAME_BYTES_MAX => {
                    return Some((Inbound::Wrong, None));
                }
                Ok(None) => {}
                Err(_) => return Some((Inbound::Wrong, None)),
            }
            let chunk = payload.next().await?.ok()?;
            buffer.extend_from_slice(&chunk);
        }
    })
}

/// What a frame says. One that controls is whole (RFC 6455, section 5.5), and a close gives its reason well formed or not at all (7.1.5).
fn read(is_whole: bool, code: OpCode, data: Bytes) -> Inbound {
    match code {
        OpCode::Ping | OpCode::Pong | OpCode::Close if !is_whole => Inbound::Wrong,
        OpCode::Ping => Inbound::Ping(data),
        OpCode::Pong => Inbound::Pong(data),
        OpCode::Close if Parser::try_parse_close_payload(&data).is_err() => Inbound::Wrong,
        OpCode::Close => Inbound::Close,
        OpCode::Text | OpCode::Binary | OpCode::Continue => Inbound::Message,
        OpCode::Bad => Inbound::Wrong,
    }
}

/// The head of a text message, so that connections share its bytes.
pub(super) fn text_head(bytes: usize) -> Bytes {
    let mut head = vec![WHOLE_TEXT];
    match (u8::try_from(bytes), u16::try_from(bytes)) {
        (Ok(short), _) if short < 126 => head.push(short),
        (_, Ok(middle)) => {
            head.push(126);
            head.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            head.push(127);
            head.extend_from_slice(&(bytes as u64).to_be_bytes());
        }
    }
    head.into()
}

/// Appends a text message.
pub(super) fn put_text(page: &mut BytesMut, text: &[u8]) {
    Parser::write_message(page, text, OpCode::Text, true, false);
}

/// A ping with this token.
pub(super) fn ping(token: u128) -> Bytes {
    control(OpCode::Ping, &token.to_be_bytes())
}

/// Whether a pong answers the ping with this token.
pub(super) fn answers(pong: &[u8], token: u128) -> bool {
    pong == token.to_be_bytes()
}

/// The answer to a ping.
pub(super) fn pong(data: &[u8]) -> Bytes {
    control(OpCode::Pong, data)
}

fn control(code: OpCode, data: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    Parser::write_message(&mut frame, data, code, true, false);
    frame.freeze()
}

/// The end, and why.
pub(super) fn close(code: CloseCode, reason: &'static str) -> Bytes {
    let mut frame = BytesMut::new();
    let reason = CloseReason { code, description: Some(reason.to_owned()) };
    Parser::write_close(&mut frame, Some(reason), false);
    frame.freeze()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_text_is_what_the_library_writes() {
        for bytes in [0, 1, 125, 126, 65_535, 65_536, 100_000] {
            let mut whole = BytesMut::new();
            put_text(&mut whole, &vec![b'x'; bytes]);
            let head = text_head(bytes);
            assert_eq!(whole[..head.len()], head[..], "{bytes}");
            assert_eq!(whole.len(), head.len() + bytes);
        }
    }

    #[test]
    fn a_pong_answers_its_own_ping_only() {
        assert!(answers(&7_u128.to_be_bytes(), 7) && !answers(&8_u128.to_be_bytes(), 7) && !answers(b"", 7));
    }
}
