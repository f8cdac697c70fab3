//! The socket against listeners that answer badly, late, too much, or not at all.

use http::header::HeaderValue;
use tokio::net::TcpListener;

use super::*;
use crate::client::REPLY_BODY_BYTES_MAX;

const FIRST: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst";
const SECOND: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecond";

struct Listener(TcpListener);

impl Listener {
    async fn bind() -> (Listener, Socket) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::at(listener.local_addr().unwrap(), "here").unwrap();
        (Listener(listener), Socket::new(&server))
    }

    async fn accept(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }
}

/// Read one request, which has no body.
async fn asked(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the client has gone");
    }
    String::from_utf8(request).unwrap()
}

async fn answer(stream: &mut TcpStream, text: &str) {
    asked(stream).await;
    stream.write_all(text.as_bytes()).await.unwrap();
}

fn call() -> Call {
    Call::get("/x".to_owned())
}

async fn ask(socket: &mut Socket) -> io::Result<Reply> {
    socket.exchange(&call()).await
}

/// One request on a connection of its own, with this answer to it, after which the server closes.
async fn answered_once(text: &str) -> io::Result<Reply> {
    let (listener, mut socket) = Listener::bind().await;
    let serving = async { answer(&mut listener.accept().await, text).await };
    let (reply, ()) = tokio::join!(ask(&mut socket), serving);
    assert!(reply.is_ok() || !socket.is_open(), "a try that failed leaves nothing behind");
    reply
}

#[tokio::test]
async fn a_request_says_what_it_should_in_one_piece() {
    let (listener, mut socket) = Listener::bind().await;
    let call = Call {
        known: Some(HeaderValue::from_static("\"e\"")),
        ..Call::post("/x?y=1".to_owned(), &HeaderValue::from_static("Bearer t"), "")
    };
    let serving = async {
        let mut stream = listener.accept().await;
        let request = asked(&mut stream).await;
        stream.write_all(FIRST.as_bytes()).await.unwrap();
        request
    };
    let (reply, request) = tokio::join!(socket.exchange(&call), serving);
    assert_eq!(&reply.unwrap().body[..], b"first");
    assert_eq!(
        request,
        "POST /x?y=1 HTTP/1.1\r\nhost: here\r\nauthorization: Bearer t\r\nif-none-match: \"e\"\r\n\
         content-type: application/json\r\ncontent-length: 0\r\n\r\n"
    );
}

#[tokio::test]
async fn a_path_cannot_become_a_header() {
    let (_listener, mut socket) = Listener::bind().await;
    for path in ["/x HTTP/1.1\r\nauthorization: forged", "/a b", "x", ""] {
        let error = socket.exchange(&Call::get(path.to_owned())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{path:?}");
    }
}

#[tokio::test]
async fn one_connection_serves_many_requests_however_replies_are_cut() {
    let (listener, mut socket) = Listener::bind().await;
    let large = "x".repeat(3 * READ_BYTES);
    let replies = [
        FIRST.to_owned(),
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{large}", large.len()),
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
            large.len()
        ),
        format!("HTTP/1.1 100 Continue\r\n\r\n{SECOND}"),
    ];
    let serving = async {
        let mut stream = listener.accept().await;
        stream.set_nodelay(true).unwrap();
        for reply in replies {
            asked(&mut stream).await;
            for piece in reply.as_bytes().chunks(97) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    };
    let asking = async {
        for expected in ["first", &large, &large, "second"] {
            assert_eq!(socket.exchange(&call()).await.unwrap().body, expected);
            assert!(socket.is_open());
        }
    };
    tokio::join!(serving, asking);
}

#[tokio::test]
async fn what_follows_a_reply_unasked_is_never_taken_for_an_answer() {
    let (listener, mut socket) = Listener::bind().await;
    // With the reply, where it is seen at once; and later, where it is seen by the next request.
    for together in [true, false] {
        let serving = async {
            let mut stream = listener.accept().await;
            if together {
                answer(&mut stream, &format!("{FIRST}{SECOND}")).await;
            } else {
                answer(&mut stream, FIRST).await;
            }
            stream
        };
        let (reply, mut stream) = tokio::join!(ask(&mut socket), serving);
        assert_eq!(&reply.unwrap().body[..], b"first");
        if !together {
            stream.write_all(SECOND.as_bytes()).await.unwrap();
            socket.line.as_ref().unwrap().stream.readable().await.unwrap();
        }
        let third = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nthird";
        let serving = async { answer(&mut listener.accept().await, third).await };
        let (reply, ()) = tokio::join!(ask(&mut socket), serving);
        assert_eq!(&reply.unwrap().body[..], b"third");
        assert!(!socket.is_open());
    }
}

#[tokio::test]
async fn a_socket_that_the_server_closed_meanwhile_is_opened_again() {
    let (listener, mut socket) = Listener::bind().await;
    for expected in ["first", "first"] {
        let serving = async { answer(&mut listener.accept().await, FIRST).await };
        let (reply, ()) = tokio::join!(ask(&mut socket), serving);
        assert_eq!(reply.unwrap().body, expected);
        // The end of the connection has arrived.
        socket.line.as_ref().unwrap().stream.readable().await.unwrap();
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_off_is_no_reply() {
    for cut in ["", "HTTP/1.1 200 OK\r\nconte", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfir"] {
        assert_eq!(answered_once(cut).await.unwrap_err().kind(), ErrorKind::UnexpectedEof, "{cut:?}");
    }
    let cut = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    assert_eq!(answered_once(cut).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    let until_the_end = answered_once("HTTP/1.1 200 OK\r\n\r\nall of it").await.unwrap();
    assert_eq!(&until_the_end.body[..], b"all of it");
}

#[tokio::test]
async fn a_damaged_or_oversized_reply_is_told_and_closes_the_socket() {
    let beyond = REPLY_BODY_BYTES_MAX + 1;
    for (damaged, why) in [
        ("HELLO\r\n\r\n".to_owned(), "not HTTP/1.1"),
        (format!("HTTP/1.1 200 OK\r\ncontent-length: {beyond}\r\n\r\n"), "larger than"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n".to_owned(), "chunks"),
    ] {
        let error = answered_once(&damaged).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_try_that_is_dropped_in_the_middle_closes_the_socket() {
    let (listener, mut socket) = Listener::bind().await;
    let serving = async {
        let mut stream = listener.accept().await;
        asked(&mut stream).await;
        stream
    };
    let asking = call();
    let mut stream = tokio::select! {
        _ = socket.exchange(&asking) => panic!("nothing was answered"),
        stream = serving => stream,
    };
    assert!(!socket.is_open());
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the server is told");
}

/// A request with a body, and where it ends.
fn keyed() -> (Call, String) {
    let call = Call::post("/x".to_owned(), &HeaderValue::from_static("Bearer t"), "{\"a\":1}");
    let call = call.keyed(HeaderValue::from_static("key-1"));
    let head = "POST /x HTTP/1.1\r\nhost: here\r\nauthorization: Bearer t\r\nidempotency-key: key-1\r\n\
                content-type: application/json\r\ncontent-length: 7\r\n\r\n";
    (call, head.to_owned())
}

/// Everything until the end of the connection.
async fn until_the_end(stream: &mut TcpStream) -> String {
    let mut came = String::new();
    stream.read_to_string(&mut came).await.unwrap();
    came
}

#[tokio::test]
async fn a_request_that_is_cut_off_arrives_as_far_as_the_cut_and_then_the_connection_ends() {
    let (listener, mut socket) = Listener::bind().await;
    let (call, head) = keyed();
    let whole = format!("{head}{{\"a\":1}}");
    for (cut, bytes) in [
        (Cut::Head(0), 1),
        (Cut::Head(20), 21),
        (Cut::HeadEnd, head.len()),
        (Cut::Body(0), head.len() + 1),
        (Cut::Body(5), whole.len() - 1),
    ] {
        let serving = async { until_the_end(&mut listener.accept().await).await };
        let (sent, came) = tokio::join!(socket.cut_off(&call, cut), serving);
        sent.unwrap();
        assert_eq!(came, whole[..bytes], "{cut:?}");
        assert!(!socket.is_open());
    }
}

#[tokio::test]
async fn half_a_request_may_follow_a_whole_one_and_a_whole_one_follows_on_a_connection_of_its_own() {
    let (listener, mut socket) = Listener::bind().await;
    let (call, head) = keyed();
    let serving = async {
        let mut stream = listener.accept().await;
        answer(&mut stream, FIRST).await;
        assert_eq!(until_the_end(&mut stream).await, head, "on the connection that was open");
        answer(&mut listener.accept().await, SECOND).await;
    };
    let asking = async {
        assert_eq!(ask(&mut socket).await.unwrap().body, "first");
        socket.cut_off(&call, Cut::HeadEnd).await.unwrap();
        assert_eq!(ask(&mut socket).await.unwrap().body, "second");
    };
    tokio::join!(serving, asking);
}
