//! The client against a scripted listener: *later* is obeyed, a broken connection is opened again, a dead server is told.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// What the listener does with one request.
enum Act {
    Answer(&'static str),
    /// Answer, then close.
    AnswerAndClose(&'static str),
    /// Close without an answer.
    Close,
}

const LATER: &str = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
const CREATED: &str = "HTTP/1.1 201 Created\r\nidempotency-replayed: true\r\ncontent-length: 2\r\n\r\n{}";

/// A server that plays a script, and tells the requests it got.
async fn scripted(script: Vec<Act>) -> (Server, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::locate(&format!("http://{}/", listener.local_addr().unwrap())).await.unwrap();
    let playing = tokio::spawn(async move {
        let mut requests = Vec::new();
        let mut open = None;
        for act in script {
            let mut stream = match open.take() {
                Some(stream) => stream,
                None => listener.accept().await.unwrap().0,
            };
            let mut request = Vec::new();
            // The only body that these tests send ends so.
            while !request.ends_with(b"{}") {
                let mut buffer = [0; 1_024];
                let read = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            requests.push(String::from_utf8(request).unwrap());
            match act {
                Act::Answer(text) => {
                    stream.write_all(text.as_bytes()).await.unwrap();
                    open = Some(stream);
                }
                Act::AnswerAndClose(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                Act::Close => {}
            }
        }
        requests
    });
    (server, playing)
}

fn call() -> Call {
    Call::post("/v1/x".into(), &HeaderValue::from_static("Bearer t"), "{}")
        .keyed(HeaderValue::from_static("key-1"))
}

#[tokio::test]
async fn later_is_obeyed_with_the_same_bytes() {
    let (server, playing) = scripted(vec![Act::Answer(LATER), Act::Answer(CREATED)]).await;
    let (reply, effort) = Connection::new(&server).call(&call()).await.unwrap();
    assert_eq!((reply.status, reply.replayed, &reply.body[..]), (201, true, &b"{}"[..]));
    assert_eq!((effort.postponed, effort.broken), (1, 0));
    let requests = playing.await.unwrap();
    assert_eq!(requests[0], requests[1]);
    assert!(requests[0].contains("idempotency-key: key-1\r\n"), "{}", requests[0]);
}

#[tokio::test]
async fn a_broken_connection_is_opened_again_under_the_same_key() {
    let (server, playing) =
        scripted(vec![Act::Close, Act::AnswerAndClose(CREATED), Act::Answer(CREATED)]).await;
    let mut connection = Connection::new(&server);
    let (reply, effort) = connection.call(&call()).await.unwrap();
    assert_eq!((reply.status, effort.broken), (201, 1));
    assert_eq!(connection.call(&call()).await.unwrap().0.status, 201);
    assert!(playing.await.unwrap().iter().all(|request| request.contains("key-1")));
}

#[tokio::test]
async fn a_server_that_is_gone_is_told() {
    let (server, playing) = scripted(Vec::new()).await;
    playing.await.unwrap();
    let mut connection = Connection::new(&server);
    connection.patience = Duration::from_millis(50);
    let error = connection.call(&call()).await.unwrap_err();
    assert!(error.to_string().contains("does not answer any more"), "{error}");
}

#[tokio::test]
async fn only_http_addresses_are_taken() {
    for base_url in ["https://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1"] {
        assert!(matches!(Server::locate(base_url).await, Err(DemoError::Address(_))), "{base_url}");
    }
}

#[test]
fn a_lack_of_sockets_is_told_apart_from_a_server_that_is_gone() {
    assert!(no_sockets(&io::Error::from_raw_os_error(EMFILE)));
    assert!(no_sockets(&io::ErrorKind::AddrNotAvailable.into()));
    assert!(!no_sockets(&io::ErrorKind::ConnectionRefused.into()));
    let told = DemoError::NoSockets { source: io::Error::from_raw_os_error(EMFILE) }.to_string();
    assert!(told.contains("ulimit -n") && told.contains("--connections"), "{told}");
}

/// As a server that has no socket left to accept with: the connection is made, and nobody reads from it.
#[tokio::test]
async fn a_server_that_never_answers_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::locate(&format!("http://{}", listener.local_addr().unwrap())).await.unwrap();
    let mut connection = Connection::new(&server);
    connection.patience = Duration::from_millis(50);
    let error = connection.call(&call()).await.unwrap_err();
    assert!(matches!(error, DemoError::Silent { .. }), "{error}");
}
