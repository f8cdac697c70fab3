//! One POST, over a connection of its own or one that is kept. No redirect is followed, and no proxy is asked.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use actix_web::http::header::HttpDate;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tessera_inventory::Timestamp;
use tokio_rustls::TlsConnector;

use super::connections::{Connection, Connections};
use super::signature::Signed;
use super::target::Target;
use crate::limits::WEBHOOK_DEADLINE;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("tessera/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Sends messages.
pub(super) struct Sender {
    private_targets: bool,
    /// Made for the first target that speaks TLS: reading the system's certificates takes a while.
    tls: OnceLock<TlsConnector>,
    connections: Connections,
}

/// What was answered; what it says besides is not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Retry-After`, of one that says to come later.
    retry_after: Option<HeaderValue>,
}

impl Answer {
    fn new(status: StatusCode, headers: &HeaderMap) -> Answer {
        let is_later = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
        let retry_after = headers.get(header::RETRY_AFTER).filter(|_| is_later).cloned();
        Answer { status: status.as_u16(), retry_after }
    }

    /// Until when the receiver asks to be left alone: after so many seconds, or at a time.
    pub(super) fn not_before(&self, now: Timestamp) -> Option<Timestamp> {
        let text = self.retry_after.as_ref()?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(now.plus_ms(seconds.saturating_mul(1_000)));
        }
        let at = SystemTime::from(text.parse::<HttpDate>().ok()?);
        let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Timestamp(u64::try_from(since.as_millis()).ok()?))
    }
}

impl Sender {
    pub(super) fn new(private_targets: bool) -> Sender {
        Sender { private_targets, tls: OnceLock::new(), connections: Connections::default() }
    }

    /// Posts a message.
    pub(super) async fn post(&self, url: &str, signed: &Signed, payload: Vec<u8>) -> io::Result<Answer> {
        let target = Target::parse(url).map_err(io::Error::other)?;
        // What is dropped here is a connection of our own, never an append.
        #[allow(clippy::disallowed_methods)]
        let posted = tokio::time::timeout(WEBHOOK_DEADLINE, self.exchange(&target, signed, payload)).await;
        let (connection, answered) =
            posted.unwrap_or_else(|_| Err(io::Error::other("it did not answer in time")))?;
        let answer = Answer::new(answered.status(), answered.headers());
        // It has answered, in time: how long its body takes is no part of that.
        self.connections.keep(target.origin(), connection, answered.into_body()).await;
        Ok(answer)
    }

    async fn exchange(&self, target: &Target, signed: &Signed, payload: Vec<u8>) -> io::Result<Answered> {
        let request = request(target, signed, payload)?;
        if let Some(kept) = self.connections.take(&target.origin()) {
            // It may have ended at the same moment. Then the message goes over another, which may be the second time that it comes.
            if let Ok(answered) = ask(kept, request.clone()).await {
                return Ok(answered);
            }
        }
        let made = self.connect(target).await?;
        ask(made, request).await
    }

    async fn connect(&self, target: &Target) -> io::Result<Connection> {
        let stream = target.connect(self.private_targets).await?;
        stream.set_nodelay(true)?;
        let begun = if target.secure {
            let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
            let secure = self.tls()?.connect(name, stream).await?;
            Connection::begin(TokioIo::new(secure)).await
        } else {
            Connection::begin(TokioIo::new(stream)).await
        };
        begun.map_err(io::Error::other)
    }

    fn tls(&self) -> io::Result<&TlsConnector> {
        match self.tls.get() {
            Some(connector) => Ok(connector),
            None => {
                let connector = connector(system_roots()?)?;
                Ok(self.tls.get_or_init(|| connector))
            }
        }
    }
}

/// A connection, and the answer that came over it, whose body is still to come.
type Answered = (Connection, Response<Incoming>);

async fn ask(mut connection: Connection, request: Request<Full<Bytes>>) -> io::Result<Answered> {
    let answered = connection.sender.send_request(request).await.map_err(io::Error::other)?;
    Ok((connection, answered))
}

/// The certificates that the system trusts.
fn system_roots() -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "certificates of the system cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(io::Error::other(
            "this server trusts no certificate: its system has no root certificates",
        ));
    }
    Ok(roots)
}

fn connector(roots: RootCertStore) -> io::Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn request(target: &Target, signed: &Signed, payload: Vec<u8>) -> io::Result<Request<Full<Bytes>>> {
    Request::builder()
        .method(Method::POST)
        .uri(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONTENT_TYPE, JSON)
        .header(ID, &signed.id)
        .header(TIMESTAMP, signed.timestamp)
        .header(SIGNATURE, &signed.signature)
        .body(Full::new(Bytes::from(payload)))
        .map_err(io::Error::other)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
    use tessera_inventory::Timestamp;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const AUTHORITY: &[u8] = include_bytes!("test-certificates/authority.der");
    const CERTIFICATE: &[u8] = include_bytes!("test-certificates/localhost.der");
    const KEY: &[u8] = include_bytes!("test-certificates/localhost.key.der");

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

    fn sender(authority: Option<&'static [u8]>) -> Sender {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authority.map(CertificateDer::from));
        let tls = OnceLock::from(connector(roots).unwrap());
        Sender { private_targets: true, tls, connections: Connections::default() }
    }

    #[tokio::test]
    async fn a_receiver_is_spoken_to_over_tls_if_its_certificate_is_trusted_and_its_own() {
        let port = receiver().await;
        let signed = Signed::new("msg_1".to_owned(), Timestamp(1_000), b"{}", [].into_iter());
        let post = async |sender: &Sender, host: &str| {
            sender.post(&format!("https://{host}:{port}/hook"), &signed, b"{}".to_vec()).await
        };
        let trusting = sender(Some(AUTHORITY));
        assert_eq!(post(&trusting, "localhost").await.unwrap().status, 204);
        let distrusted = post(&sender(None), "localhost").await.unwrap_err();
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
        let sender = sender(None);
        let signed = Signed::new("msg_1".to_owned(), Timestamp(1_000), b"{}", [].into_iter());
        assert_eq!(sender.post(&url, &signed, b"{}".to_vec()).await.unwrap().status, 200);
        assert!(sender.connections.is_empty());
        receiver.await.unwrap();
    }

    #[tokio::test]
    async fn messages_share_a_connection_and_go_over_another_where_it_has_ended() {
        let (port, connections) = receiver_of_two().await;
        let (sender, url) = (sender(None), format!("http://127.0.0.1:{port}/hook"));
        let signed = Signed::new("msg_1".to_owned(), Timestamp(1_000), b"{}", [].into_iter());
        for (message, expected) in (1..).zip([1, 1, 2, 2, 3]) {
            assert_eq!(sender.post(&url, &signed, b"{}".to_vec()).await.unwrap().status, 200);
            assert_eq!(connections.load(Ordering::Acquire), expected, "for message {message}");
            while sender.connections.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    }

    #[test]
    fn a_receiver_asks_to_be_left_alone_in_seconds_or_until_a_time() {
        let now = Timestamp(1_000_000);
        let asked = |status: StatusCode, text: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
            Answer::new(status, &headers).not_before(now).map(|at| at.0)
        };
        let busy = StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(asked(busy, "120"), Some(1_120_000));
        assert_eq!(asked(StatusCode::SERVICE_UNAVAILABLE, "0"), Some(1_000_000));
        assert_eq!(asked(busy, "Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(asked(busy, "99999999999999999999"), None);
        assert_eq!(asked(busy, "soon"), None);
        assert_eq!(
            asked(StatusCode::INTERNAL_SERVER_ERROR, "120"),
            None,
            "it has failed, and asks for nothing"
        );
    }
}
