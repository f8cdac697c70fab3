//! Connections to a mail relay, which are kept. `lettre` has a pool of them, but not of sockets without delay: it writes a message and the line
//! that ends it one after the other, and the kernel holds the second back until the first is acknowledged, for the forty milliseconds by which
//! the other side delays that. It waits for answers without end, and after a refusal for one to its farewell.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

/// Connections that are kept without use.
const CONNECTIONS_KEPT_MAX: usize = 8;
/// Longest a connection is kept without use: relays end those that say nothing for minutes.
const CONNECTION_IDLE: Duration = Duration::from_secs(30);
/// How long each address of a relay may take to be connected to. The kernel would try one that is dead for two minutes, longer than a message
/// has for all of them.
const ADDRESS_WAIT: Duration = Duration::from_secs(10);
/// How long a relay that has refused a message may take until it is ready for the next.
const RESET_WAIT: Duration = Duration::from_secs(2);

/// How connections to a relay are secured.
pub(crate) enum Secured {
    /// Not at all.
    Not,
    /// By STARTTLS.
    Starttls(TlsParameters),
    /// From the first byte. `lettre` opens these sockets, with the delay.
    Implicit(TlsParameters),
}

/// Why a message was not taken, or may not have been.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// The relay said so, or what it said was not understood, or it ended.
    Said(smtp::Error),
    /// The relay is not reached.
    Unreached(io::Error),
    /// An address with characters beyond ASCII takes what the relay does not offer.
    Lacks {
        /// What.
        extension: Extension,
        /// Whether the address is the recipient's, and not the sender's.
        is_recipients: bool,
    },
    /// It took longer than a message may.
    Late,
}

/// A relay, with the connections to it.
pub(crate) struct Relay {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) secured: Secured,
    pub(crate) credentials: Option<Credentials>,
    /// Longest a message may take.
    pub(crate) wait: Duration,
    pub(crate) kept: Mutex<Vec<Kept>>,
}

/// A connection without use, and since when.
pub(crate) struct Kept {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Relay {
    /// Sends a message.
    pub(crate) async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), NotTaken> {
        let until = Instant::now() + self.wait;
        let exchange = timeout_at(until, Box::pin(self.exchange(envelope, mail)));
        let (mut connection, sent) = exchange.await.unwrap_or(Err(NotTaken::Late))?;
        let is_ready = match &sent {
            Ok(()) | Err(NotTaken::Lacks { .. }) => true,
            // A relay that refuses may hang then: what it has said counts all the same.
            Err(NotTaken::Said(error)) if error.status().is_some() => {
                let reset = timeout_at(Instant::now() + RESET_WAIT, connection.command(Rset)).await;
                reset.is_ok_and(|answer| answer.is_ok())
            }
            Err(_) => false,
        };
        if is_ready {
            self.keep(connection);
        }
        sent
    }

    /// What came of a message, and the connection that it went over.
    async fn exchange(
        &self,
        envelope: &Envelope,
        mail: &[u8],
    ) -> Result<(AsyncSmtpConnection, Result<(), NotTaken>), NotTaken> {
        let mut connection = self.connection().await?;
        let sent = match lacking(&connection, envelope) {
            Some(lacks) => Err(lacks),
            None => say(&mut connection, envelope, mail).await.map_err(NotTaken::Said),
        };
        Ok((connection, sent))
    }

    /// A connection over which nothing is said.
    async fn connection(&self) -> Result<AsyncSmtpConnection, NotTaken> {
        while let Some(mut kept) = self.take() {
            if kept.test_connected().await {
                return Ok(kept);
            }
        }
        Box::pin(self.connect()).await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, NotTaken> {
        let hello = ClientId::default();
        let connection = match &self.secured {
            Secured::Implicit(parameters) => {
                let (address, parameters) = ((self.host.as_str(), self.port), Some(parameters.clone()));
                AsyncSmtpConnection::connect_tokio1(address, Some(ADDRESS_WAIT), &hello, parameters, None)
                    .await
            }
            Secured::Not | Secured::Starttls(_) => {
                let stream = self.dial().await.map_err(NotTaken::Unreached)?;
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await
            }
        };
        let mut connection = connection.map_err(NotTaken::Said)?;
        if let Secured::Starttls(parameters) = &self.secured {
            connection.starttls(parameters.clone(), &hello).await.map_err(NotTaken::Said)?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(NotTaken::Said)?;
        }
        Ok(connection)
    }

    async fn dial(&self) -> io::Result<TcpStream> {
        let addresses = lookup_host((self.host.as_str(), self.port)).await?;
        let stream = first_reached(addresses, ADDRESS_WAIT).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The connection that was used last.
    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| one.since.elapsed() < CONNECTION_IDLE);
        kept.pop().map(|one| one.connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < CONNECTIONS_KEPT_MAX {
            kept.push(Kept { connection, since: Instant::now() });
        }
    }
}

/// A connection to the first of these addresses that has one in time.
async fn first_reached(
    addresses: impl Iterator<Item = SocketAddr>,
    address_wait: Duration,
) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in addresses {
        last = match timeout_at(Instant::now() + address_wait, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, format!("{address} does not answer")),
        };
    }
    Err(last)
}

/// Says a message. What it takes is offered.
async fn say(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    mail: &[u8],
) -> Result<(), smtp::Error> {
    let parameters = match is_plain(envelope) {
        true => Vec::new(),
        false => vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)],
    };
    connection.command(Mail::new(envelope.from().cloned(), parameters)).await?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
    }
    connection.command(Data).await?;
    connection.message(mail).await?;
    Ok(())
}

/// Whether all addresses are of ASCII; then the whole message is.
fn is_plain(envelope: &Envelope) -> bool {
    envelope.from().into_iter().chain(envelope.to()).all(is_ascii)
}

fn is_ascii(address: &Address) -> bool {
    address.user().is_ascii() && address.domain().is_ascii()
}

/// What addresses with characters beyond ASCII take and the relay does not offer (RFC 6531, section 3.2): such an address also stands in the
/// message, as it is.
fn lacking(connection: &AsyncSmtpConnection, envelope: &Envelope) -> Option<NotTaken> {
    if is_plain(envelope) {
        return None;
    }
    let is_senders = !envelope.from().is_none_or(is_ascii);
    let offered = connection.server_info();
    let needed = [Extension::SmtpUtfEight, Extension::EightBitMime];
    let extension = needed.into_iter().find(|one| !offered.supports_feature(*one))?;
    Some(NotTaken::Lacks { extension, is_recipients: !is_senders })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// Takes up to so many messages over each connection, and ends it then; with none it never says anything. Its port, and its connections
    /// so far.
    async fn peer(messages: usize) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, connections) = (listener.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::AcqRel);
                tokio::spawn(serve(stream, messages));
            }
        });
        (port, connections)
    }

    async fn serve(stream: TcpStream, messages: usize) -> io::Result<()> {
        if messages == 0 {
            std::future::pending::<()>().await;
        }
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 relay ESMTP\r\n").await?;
        let (mut line, mut is_data, mut taken) = (String::new(), false, 0);
        while taken < messages {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                break;
            }
            let (answer, is_data_next): (&[u8], bool) = match line.trim_end() {
                "." if is_data => (b"250 taken\r\n", false),
                _ if is_data => continue,
                "DATA" => (b"354 go on\r\n", true),
                "RCPT TO:<nobody@example.com>" => (b"550 5.1.1 no such user\r\n", false),
                "RCPT TO:<last@example.com>" => {
                    stream.write_all(b"550 5.1.1 no such user\r\n").await?;
                    std::future::pending().await
                }
                _ => (b"250 ok\r\n", false),
            };
            taken += usize::from(is_data && !is_data_next);
            is_data = is_data_next;
            stream.write_all(answer).await?;
        }
        Ok(())
    }

    fn relay(port: u16, wait: Duration) -> Relay {
        let (host, kept) = ("127.0.0.1".to_owned(), Mutex::default());
        Relay { host, port, secured: Secured::Not, credentials: None, wait, kept }
    }

    async fn sends(relay: &Relay) -> Result<(), NotTaken> {
        sends_between(relay, "a@example.com", "b@example.com").await
    }

    async fn sends_between(relay: &Relay, from: &str, to: &str) -> Result<(), NotTaken> {
        let (from, to): (Address, Address) = (from.parse().unwrap(), to.parse().unwrap());
        let envelope = Envelope::new(Some(from), vec![to]).unwrap();
        relay.send(&envelope, b"Subject: x\r\n\r\nx").await
    }

    #[tokio::test]
    async fn messages_go_over_one_connection_without_delay() {
        let (port, connections) = peer(usize::MAX).await;
        let relay = relay(port, Duration::from_secs(60));
        let mut quickest = Duration::MAX;
        for _ in 0..20 {
            let begun = Instant::now();
            sends(&relay).await.unwrap();
            quickest = quickest.min(begun.elapsed());
        }
        assert_eq!(connections.load(Ordering::Acquire), 1);
        // With the delay every message takes the forty milliseconds for which the kernel keeps its acknowledgement back.
        assert!(quickest < Duration::from_millis(30), "{quickest:?}");
    }

    #[tokio::test]
    async fn a_connection_that_the_relay_has_ended_is_made_anew() {
        let (port, connections) = peer(1).await;
        let relay = relay(port, Duration::from_secs(60));
        for _ in 0..3 {
            sends(&relay).await.unwrap();
        }
        assert_eq!(connections.load(Ordering::Acquire), 3);
    }

    #[tokio::test]
    async fn an_address_that_a_relay_has_no_letters_for_is_its_own_matter() {
        let (port, connections) = peer(usize::MAX).await;
        let relay = relay(port, Duration::from_secs(60));
        let check = async |from: &str, to: &str, expected: bool| match sends_between(&relay, from, to).await {
            Err(NotTaken::Lacks { is_recipients, .. }) => assert_eq!(is_recipients, expected, "{from} {to}"),
            other => panic!("{from} {to}: {other:?}"),
        };
        check("a@example.com", "ü@example.com", true).await;
        check("ü@example.com", "b@example.com", false).await;
        check("ü@example.com", "ü@example.com", false).await;
        sends(&relay).await.unwrap();
        assert_eq!(connections.load(Ordering::Acquire), 1);
    }

    #[tokio::test]
    async fn a_refusal_counts_whatever_the_relay_does_then() {
        let (port, connections) = peer(usize::MAX).await;
        let relay = relay(port, RESET_WAIT);
        for to in ["nobody@example.com", "b@example.com", "last@example.com"] {
            let status = match sends_between(&relay, "a@example.com", to).await {
                Ok(()) => None,
                Err(NotTaken::Said(error)) => error.status().map(u16::from),
                Err(other) => panic!("{to}: {other:?}"),
            };
            assert_eq!(status, (to != "b@example.com").then_some(550), "{to}");
        }
        assert_eq!(connections.load(Ordering::Acquire), 1, "one that goes on is kept");
        sends(&relay).await.unwrap();
        assert_eq!(connections.load(Ordering::Acquire), 2, "one that hangs is not kept");
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_is_left_for_the_next() {
        let wait = Duration::from_millis(200);
        // Whoever comes when its queue is full hears nothing.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let dead = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(waiting) = timeout_at(Instant::now() + wait, TcpStream::connect(dead)).await {
            queue.push(waiting.unwrap());
            assert!(queue.len() < 100, "the queue has an end");
        }
        let (port, _) = peer(usize::MAX).await;
        let alive = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = first_reached([dead, alive].into_iter(), wait).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        let error = first_reached([dead].into_iter(), wait).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let error = first_reached([].into_iter(), wait).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_relay_that_says_nothing_is_not_waited_for_for_ever() {
        let (port, _) = peer(0).await;
        assert!(matches!(sends(&relay(port, Duration::from_millis(50))).await, Err(NotTaken::Late)));
    }
}
