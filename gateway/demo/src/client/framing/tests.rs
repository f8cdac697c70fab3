//! Replies whole, in pieces, damaged and too large.

use super::*;

/// The head and what is left, of bytes that come one by one: how they are cut changes nothing.
fn read(bytes: &[u8]) -> Result<Option<(Head, Vec<u8>)>, Unreadable> {
    let mut whole = BytesMut::from(bytes);
    let at_once = take_head(&mut whole)?.map(|head| (head, whole.to_vec()));
    let mut received = BytesMut::new();
    for (position, byte) in bytes.iter().enumerate() {
        received.extend_from_slice(&[*byte]);
        if let Some(head) = take_head(&mut received)? {
            let rest = &bytes[position + 1..];
            assert_eq!(at_once, Some((head.clone(), rest.to_vec())));
            return Ok(Some((head, rest.to_vec())));
        }
    }
    assert_eq!(at_once, None);
    Ok(None)
}

fn head(text: &str) -> Head {
    read(text.as_bytes()).unwrap().unwrap().0
}

/// The body, and what is left, of chunks that come one by one.
fn chunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Unreadable> {
    let (mut chunks, mut received) = (Chunks::default(), BytesMut::new());
    for (position, byte) in bytes.iter().enumerate() {
        received.extend_from_slice(&[*byte]);
        if chunks.take(&mut received)? {
            return Ok(Some((chunks.body.to_vec(), bytes.len() - position - 1)));
        }
    }
    Ok(None)
}

#[test]
fn what_the_api_says_is_read() {
    let text = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nETag: \"a\"\r\nRetry-After: 7\r\nidempotency-replayed: true\r\n\r\n{}";
    let (head, rest) = read(text.as_bytes()).unwrap().unwrap();
    let expected = Head {
        status: 201,
        replayed: true,
        etag: Some(HeaderValue::from_static("\"a\"")),
        retry_after: Some(7),
        extent: Extent::Length(2),
        is_kept_alive: true,
    };
    assert_eq!((head, &rest[..]), (expected, &b"{}"[..]));
}

#[test]
fn a_body_ends_where_its_head_says() {
    for (lines, extent, is_kept_alive) in [
        ("1.1 200 OK\r\ncontent-length: 7\r\ncontent-length: 7\r\n", Extent::Length(7), true),
        ("1.1 200 OK\r\ntransfer-encoding: Chunked\r\n", Extent::Chunked, true),
        ("1.1 204 No Content\r\n", Extent::Length(0), true),
        ("1.1 304 Not Modified\r\ncontent-length: 9\r\n", Extent::Length(0), true),
        ("1.1 200 OK\r\n", Extent::Connection, false),
        ("1.1 200 OK\r\ncontent-length: 0\r\nconnection: te, Close\r\n", Extent::Length(0), false),
        ("1.0 200 OK\r\ncontent-length: 0\r\n", Extent::Length(0), false),
        ("1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n", Extent::Length(0), true),
    ] {
        let head = head(&format!("HTTP/{lines}\r\n"));
        assert_eq!((head.extent, head.is_kept_alive), (extent, is_kept_alive), "{lines}");
    }
}

#[test]
fn interim_replies_are_passed_over_and_upgrades_are_not_taken() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n";
    assert_eq!(read(interim.as_bytes()).unwrap(), None);
    assert_eq!(head(&format!("{interim}HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n")).status, 409);
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";
    assert_eq!(read(upgrade.as_bytes()), Err(Unreadable::Upgrade));
}

#[test]
fn what_is_no_reply_is_refused() {
    for text in ["SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "\u{0}\u{0}"] {
        assert!(matches!(read(text.as_bytes()), Err(Unreadable::Head(_))), "{text:?}");
    }
    for (lines, why) in [
        ("content-length: 1\r\ncontent-length: 2", Unreadable::Length),
        ("content-length: -1", Unreadable::Length),
        ("content-length: +1", Unreadable::Length),
        ("content-length: 1, 1", Unreadable::Length),
        ("content-length:", Unreadable::Length),
        ("content-length: 99999999999999999999", Unreadable::Length),
        ("content-length: 5\r\ntransfer-encoding: chunked", Unreadable::Length),
        ("transfer-encoding: gzip, chunked", Unreadable::Coding),
        ("transfer-encoding: chunked\r\ntransfer-encoding: chunked", Unreadable::Coding),
    ] {
        assert_eq!(read(format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n").as_bytes()), Err(why), "{lines}");
    }
}

#[test]
fn nothing_grows_without_a_bound() {
    let mut endless = BytesMut::from("HTTP/1.1 200 OK\r\nx: ");
    endless.resize(REPLY_HEAD_BYTES_MAX + 1, b'a');
    assert_eq!(take_head(&mut endless), Err(Unreadable::HeadTooLarge));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(REPLY_HEADERS_MAX + 1));
    let refused = take_head(&mut BytesMut::from(many.as_bytes()));
    assert_eq!(refused, Err(Unreadable::Head(httparse::Error::TooManyHeaders)));
    let beyond = REPLY_BODY_BYTES_MAX + 1;
    let large = format!("HTTP/1.1 200 OK\r\ncontent-length: {beyond}\r\n\r\n");
    assert_eq!(take_head(&mut BytesMut::from(large.as_bytes())), Err(Unreadable::BodyTooLarge));
    assert_eq!(chunked(format!("1\r\na\r\n{beyond:x}\r\n").as_bytes()), Err(Unreadable::BodyTooLarge));
    let mut extension = format!("1;{}", "a".repeat(CODING_BYTES_MAX)).into_bytes();
    assert_eq!(chunked(&extension), Err(Unreadable::Chunks));
    extension = format!("0\r\n{}", "a".repeat(CODING_BYTES_MAX + 1)).into_bytes();
    assert_eq!(chunked(&extension), Err(Unreadable::Chunks));
}

#[test]
fn chunks_are_put_together() {
    let whole = chunked(b"3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nexpires: 0\r\n\r\nNEXT").unwrap();
    assert_eq!(whole, Some((b"abc0123456789".to_vec(), 4)));
    assert_eq!(chunked(b"0\r\n\r\n").unwrap(), Some((Vec::new(), 0)));
    assert_eq!(chunked(b"3\r\nabc\r\n0\r\n").unwrap(), None, "the last line is missing");
    for damaged in [&b"g\r\n"[..], b"-1\r\n", b"3\r\nabcd\r\n", b"ffffffffffffffffff\r\n"] {
        assert_eq!(chunked(damaged), Err(Unreadable::Chunks), "{damaged:?}");
    }
}
