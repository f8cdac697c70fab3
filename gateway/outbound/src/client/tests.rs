//! Over TLS and without, with receivers that end.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const AUTHORITY: &[u8] = include_bytes!("../test-certificates/authority.der");
const CERTIFICATE: &[u8] = include_bytes!("../test-certificates/localhost.der");
const KEY: &[u8] = include_bytes!("../test-certificates/localhost.key.der");

/// A receiver that speaks TLS as `localhost` and answers 204; its port.
async fn receiver() -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let key = PrivatePkcs8KeyDer::from(KEY).into();
    let chain = vec![CertificateDer::from(CERTIFICATE)];
    let config = builder.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate ends it.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                let mut buffer = [0; 1_024];
                let count = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..count]);
            }
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    port
}

fn client(authority: Option<&'static [u8]>) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authority.map(CertificateDer::from));
    let tls = OnceLock::from(tls::connector(roots).unwrap());
    Client { private_targets: true, tls, connections: Connections::default() }
}

fn posted(url: &str) -> Request<'_> {
    let body = Bytes::from_static(b"{}");
    Request { method: Method::POST, url, headers: &[], body, may_repeat: true, deadline: DEADLINE_MAX }
}

#[tokio::test]
async fn a_receiver_is_spoken_to_over_tls_if_its_certificate_is_trusted_and_its_own() {
    let port = receiver().await;
    let post = async |client: &Client, host: &str| {
        client.tell(&posted(&format!("https://{host}:{port}/hook"))).await
    };
    let trusting = client(Some(AUTHORITY));
    assert_eq!(post(&trusting, "localhost").await.unwrap().status, 204);
    let distrusted = post(&client(None), "localhost").await.unwrap_err();
    assert!(distrusted.to_string().contains("certificate"), "{distrusted}");
    let foreign = post(&trusting, "127.0.0.1").await.unwrap_err();
    assert!(foreign.to_string().contains("certificate"), "the certificate is for a name: {foreign}");
}

/// A receiver that answers two messages on each connection, and ends it when the third has come. Its port, and how many it had.
async fn receiver_of_two() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let had = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            had.fetch_add(1, Ordering::AcqRel);
            for left in [2, 1, 0] {
                let mut request = Vec::new();
                while !request.ends_with(b"{}") {
                    request.push(stream.read_u8().await.unwrap());
                }
                if left > 0 {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken").await.unwrap();
                }
            }
        }
    });
    (port, count)
}

/// The message is taken, and the connection ends: the receiver holds nothing of ours.
#[tokio::test]
async fn an_answer_whose_body_does_not_end_is_an_answer_and_costs_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
    let receiver = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
        let mut all = Vec::new();
        // Until the end of the connection.
        stream.read_to_end(&mut all).await.unwrap();
    });
    let client = client(None);
    assert_eq!(client.tell(&posted(&url)).await.unwrap().status, 200);
    assert!(client.connections.is_empty());
    receiver.await.unwrap();
}

#[tokio::test]
async fn messages_share_a_connection_and_go_over_another_where_it_has_ended() {
    let (port, connections) = receiver_of_two().await;
    let (client, url) = (client(None), format!("http://127.0.0.1:{port}/hook"));
    for (message, expected) in (1..).zip([1, 1, 2, 2, 3]) {
        assert_eq!(client.tell(&posted(&url)).await.unwrap().status, 200);
        assert_eq!(connections.load(Ordering::Acquire), expected, "for message {message}");
        while client.connections.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_message_that_may_not_come_twice_goes_over_no_other_connection() {
    let (port, connections) = receiver_of_two().await;
    let (client, url) = (client(None), format!("http://127.0.0.1:{port}/hook"));
    let once = Request { may_repeat: false, ..posted(&url) };
    for _ in 0..2 {
        assert_eq!(client.tell(&once).await.unwrap().status, 200);
        while client.connections.is_empty() {
            tokio::task::yield_now().await;
        }
    }
    let lost = client.tell(&once).await.unwrap_err();
    assert!(matches!(lost, NoAnswer::NotAnswered(_)), "{lost:?}");
    assert_eq!(connections.load(Ordering::Acquire), 1, "the receiver had it once");
    assert_eq!(client.tell(&once).await.unwrap().status, 200);
}

/// What a server that gives this answer to one request is understood as, by a client that reads ten bytes.
async fn asked(answer: &'static [u8]) -> Result<Answer, NoAnswer> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/things?a=b", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"{}") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let request = Request {
        method: Method::PUT,
        headers: &[("authorization", "Bearer x"), ("content-type", "application/json")],
        ..posted(&url)
    };
    let answered = client(None).ask(&request, 10).await;
    let came = server.await.unwrap();
    assert!(came.starts_with("PUT /v1/things?a=b HTTP/1.1\r\n"), "{came}");
    assert!(came.contains("authorization: Bearer x\r\n") && came.contains("user-agent: tessera/"), "{came}");
    answered
}

#[tokio::test]
async fn an_answer_is_read_to_its_end_if_it_is_short_enough() {
    let answer =
        asked(b"HTTP/1.1 409 Conflict\r\ncontent-length: 5\r\nrequest-id: r1\r\n\r\ntaken").await.unwrap();
    assert_eq!((answer.head.status.as_u16(), &*answer.body), (409, &b"taken"[..]));
    assert_eq!(answer.head.header("request-id"), Some("r1"));
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nabcdefghijk"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhalf",
        b"HTTP/1.1 200",
        b"",
    ] {
        let error = asked(answer).await.unwrap_err();
        assert!(matches!(error, NoAnswer::NotAnswered(_)), "it may have been done: {error:?}");
    }
}

#[tokio::test]
async fn what_nobody_listens_to_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for url in [url.as_str(), "http://", "gopher://x.example/"] {
        let error = client(None).ask(&posted(url), 10).await.unwrap_err();
        assert!(matches!(error, NoAnswer::NotSent(_)), "{error:?}");
    }
    let public = Client::new(false).ask(&posted("http://127.0.0.1:1/"), 10).await.unwrap_err();
    assert!(public.to_string().contains("not a public one"), "{public}");
}
