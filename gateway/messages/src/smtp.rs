//! E-mail, by SMTP to one relay.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use lettre::{Address, Message};

use crate::delivery::Delivery;
use crate::relay::{NotTaken, Relay, Secured};

/// Longest a message may take, from the connection to the last answer: relays look through some of them before they answer.
const MESSAGE_WAIT: Duration = Duration::from_secs(60);
/// Codes by which a relay says that it, not the message, is the matter: it closes, or does not know us.
const OF_THE_ACCOUNT: [u16; 7] = [421, 432, 454, 530, 534, 535, 538];
/// Codes by which it says that there is no such mailbox.
const NO_MAILBOX: [u16; 3] = [550, 551, 553];
/// Begins enhanced codes (RFC 3463) that are about policy, not about a mailbox.
const OF_POLICY: &str = "5.7.";

/// How connections to the relay are secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: for a relay on this machine or in a private network.
    None,
    /// By STARTTLS, which must be offered.
    Starttls,
    /// From the first byte.
    Implicit,
}

/// Where mail goes.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpOptions {
    /// Name or address of the relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How connections are secured.
    pub tls: Tls,
    /// Who we are to the relay, and our password.
    pub credentials: Option<(String, String)>,
    /// From whom mail comes, such as `Tickets <tickets@example.com>`.
    pub from: String,
}

impl fmt::Debug for SmtpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpOptions")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Why there is no way to send mail.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The sender is none.
    #[error("mail cannot come from {from:?}: it must be an address such as Tickets <tickets@example.com>")]
    From {
        /// What it is.
        from: String,
    },
    /// The name of the relay is none that a certificate could be for.
    #[error("the connection to the relay {host:?} cannot be secured")]
    Tls {
        /// Which.
        host: String,
        /// Why.
        #[source]
        source: lettre::transport::smtp::Error,
    },
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The part of its `Message-ID` before the `@`.
    pub name: String,
    /// When it began to be said.
    pub date: SystemTime,
    /// To whom.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Where who reads it says that it wants to hear no more of it (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A relay.
pub struct Smtp {
    relay: Relay,
    from: Mailbox,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Smtp {
    /// The relay of these options. Nothing is connected yet.
    ///
    /// # Errors
    /// [`SmtpError`].
    pub fn new(options: &SmtpOptions) -> Result<Smtp, SmtpError> {
        let no_sender = || SmtpError::From { from: options.from.clone() };
        let from: Mailbox = options.from.parse().map_err(|_| no_sender())?;
        let from = Mailbox { email: plain(from.email).map_err(|_| no_sender())?, ..from };
        let secured = || {
            TlsParameters::new(options.host.clone())
                .map_err(|source| SmtpError::Tls { host: options.host.clone(), source })
        };
        let secured = match options.tls {
            Tls::None => Secured::Not,
            Tls::Starttls => Secured::Starttls(secured()?),
            Tls::Implicit => Secured::Implicit(secured()?),
        };
        let credentials = options.credentials.clone();
        let relay = Relay {
            host: options.host.clone(),
            port: options.port,
            secured,
            credentials: credentials.map(|(user, password)| Credentials::new(user, password)),
            wait: MESSAGE_WAIT,
            kept: Mutex::default(),
        };
        Ok(Smtp { relay, from })
    }

    /// One attempt.
    pub async fn send(&self, mail: Mail) -> Delivery {
        let to = mail.to.clone();
        let message = match message(&self.from, mail) {
            Ok(message) => message,
            Err(delivery) => return delivery,
        };
        match self.relay.send(message.envelope(), &message.formatted()).await {
            Ok(()) => Delivery::Taken,
            Err(not_taken) => {
                // The relay was told it in the letters that it knows.
                let told = message.envelope().to().iter().map(ToString::to_string);
                follows(&not_taken, &[vec![to], told.collect()].concat())
            }
        }
    }
}

/// What follows for a message to these addresses that was not taken.
fn follows(not_taken: &NotTaken, addresses: &[String]) -> Delivery {
    match not_taken {
        NotTaken::Unreached(error) => Delivery::account(format!("the relay is not reached: {error}")),
        NotTaken::Late => {
            Delivery::account(format!("the relay did not answer within {} s", MESSAGE_WAIT.as_secs()))
        }
        NotTaken::Lacks { extension, is_recipients: true } => {
            let reason = format!("the address takes {extension}, which the relay does not offer");
            Delivery::Untried { reason, is_address_dead: true }
        }
        NotTaken::Lacks { extension, is_recipients: false } => {
            Delivery::account(format!("the sender takes {extension}, which the relay does not offer"))
        }
        NotTaken::Said(error) => {
            let code = error.status().map(u16::from);
            // What went wrong is kept; whom it was about can be erased, and stands nowhere else.
            let reason = addresses.iter().fold(described(error), |reason, address| without(&reason, address));
            judged(code, error.is_permanent(), &reason)
        }
    }
}

/// The address with its domain in ASCII, as every relay takes it. What stands before the `@` has no such form.
fn plain(address: Address) -> Result<Address, AddressError> {
    if address.domain().is_ascii() {
        return Ok(address);
    }
    let domain = idna::domain_to_ascii(address.domain()).map_err(|_| AddressError::InvalidDomain)?;
    Address::new(address.user(), domain)
}

/// The error with what is behind it, on one line.
fn described(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

/// A text without an address in it, which relays write as they like, in small letters or in capitals.
fn without(text: &str, address: &str) -> String {
    if address.is_empty() {
        return text.to_owned();
    }
    // Letters of ASCII alone change, each into one: places in one text are places in the other.
    let (small, address) = (text.to_ascii_lowercase(), address.to_ascii_lowercase());
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for (at, _) in small.match_indices(&address) {
        out.push_str(&text[from..at]);
        out.push_str("(the address)");
        from = at + address.len();
    }
    out.push_str(&text[from..]);
    out
}

/// What follows from the answer of a relay; without a code it has not answered, or we did not understand.
fn judged(code: Option<u16>, is_permanent: bool, reason: &str) -> Delivery {
    let reason = reason.to_owned();
    match code {
        None => Delivery::Failed { reason, is_account: true },
        Some(code) if OF_THE_ACCOUNT.contains(&code) => Delivery::Failed { reason, is_account: true },
        Some(code) if is_permanent => {
            let is_address_dead = NO_MAILBOX.contains(&code) && !reason.contains(OF_POLICY);
            Delivery::Refused { reason, is_address_dead }
        }
        Some(_) => Delivery::Failed { reason, is_account: false },
    }
}

/// The message as it travels.
fn message(from: &Mailbox, mail: Mail) -> Result<Message, Delivery> {
    let untried = |reason: String, is_address_dead| Delivery::Untried { reason, is_address_dead };
    let to = mail.to.parse::<Address>().and_then(plain);
    let to = to.map_err(|error| untried(format!("the address cannot be used: {error}"), true))?;
    let body = MultiPart::alternative()
        .singlepart(SinglePart::plain(mail.text))
        .singlepart(SinglePart::html(mail.html));
    let mut whole = MultiPart::mixed().multipart(body);
    for file in mail.attachments {
        let media_type = ContentType::parse(file.media_type)
            .map_err(|error| untried(format!("a file has no media type: {error}"), false))?;
        whole = whole.singlepart(Part::new(file.name.to_owned()).body(file.bytes, media_type));
    }
    let mut builder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(mail.subject)
        .date(mail.date)
        .message_id(Some(format!("<{}@{}>", mail.name, from.email.domain())))
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()));
    if let Some(url) = mail.unsubscribe {
        builder = builder
            .raw_header(raw("List-Unsubscribe", format!("<{url}>")))
            .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    builder.multipart(whole).map_err(|error| untried(format!("it cannot be written: {error}"), false))
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use lettre::transport::smtp::extension::Extension;

    use super::*;
    use crate::examples::name;

    fn mail(to: &str) -> Mail {
        Mail {
            name: "0123".to_owned(),
            date: SystemTime::UNIX_EPOCH,
            to: to.to_owned(),
            subject: "Tickets für dich".to_owned(),
            text: "Hallo".to_owned(),
            html: "<p>Hallo</p>".to_owned(),
            attachments: vec![Attachment {
                name: "tickets.pdf",
                media_type: "application/pdf",
                bytes: vec![7; 10],
            }],
            unsubscribe: Some("https://tickets.example/v1/opt-outs/x".to_owned()),
        }
    }

    #[test]
    fn a_message_is_named_and_says_that_no_person_wrote_it() {
        let from: Mailbox = "Tickets <tickets@example.com>".parse().unwrap();
        let text = String::from_utf8(message(&from, mail("ada@example.com")).unwrap().formatted()).unwrap();
        for line in [
            "Message-ID: <0123@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "List-Unsubscribe: <https://tickets.example/v1/opt-outs/x>\r\n",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            "To: ada@example.com\r\n",
        ] {
            assert!(text.contains(line), "{line} {text}");
        }
    }

    #[test]
    fn domains_travel_in_ascii_and_other_letters_are_the_matter_of_their_address() {
        let from: Mailbox = "tickets@example.com".parse().unwrap();
        let told = |to| message(&from, mail(to)).unwrap().envelope().to()[0].to_string();
        assert_eq!(told("ada@müller.example"), "ada@xn--mller-kva.example");
        assert_eq!(told("Ada@Example.com"), "Ada@Example.com");
        assert_eq!(told("ü@müller.example"), "ü@xn--mller-kva.example");
        let check = |is_recipients, expected: &str| {
            let lacks = NotTaken::Lacks { extension: Extension::SmtpUtfEight, is_recipients };
            assert_eq!(name(&follows(&lacks, &[])), expected);
        };
        check(true, "untried dead");
        check(false, "account");
    }

    #[test]
    fn what_is_no_address_is_refused_before_anybody_is_asked() {
        let from: Mailbox = "tickets@example.com".parse().unwrap();
        for to in ["", "ada", "a@b\r\nBcc: eve@example.com"] {
            let untried = message(&from, mail(to));
            assert!(matches!(untried, Err(Delivery::Untried { is_address_dead: true, .. })), "{to}");
        }
    }

    #[test]
    fn reasons_have_no_address_however_it_is_written() {
        let check = |text: &str, expected: &str| assert_eq!(without(text, "Ada@Example.com"), expected);
        check("<ADA@example.COM>: no, Ada@Example.com", "<(the address)>: no, (the address)");
        check("für ada@example.org", "für ada@example.org");
        assert_eq!(without("x", ""), "x");
    }

    #[test]
    fn answers_are_about_the_message_or_about_the_relay() {
        let check = |code: Option<u16>, reason: &str, expected: (&str, bool)| {
            let is_permanent = code.is_some_and(|code| code >= 500);
            let found = match judged(code, is_permanent, reason) {
                Delivery::Taken => ("taken", false),
                Delivery::Refused { is_address_dead, .. } => ("refused", is_address_dead),
                Delivery::Failed { is_account, .. } => ("failed", is_account),
                Delivery::Untried { .. } => ("untried", false),
                Delivery::Busy { .. } => ("busy", false),
            };
            assert_eq!(found, expected, "{code:?} {reason}");
        };
        check(None, "connection refused", ("failed", true));
        check(Some(421), "closing", ("failed", true));
        check(Some(535), "5.7.8 authentication failed", ("failed", true));
        check(Some(451), "greylisted", ("failed", false));
        check(Some(452), "full", ("failed", false));
        check(Some(550), "5.1.1 no such user", ("refused", true));
        check(Some(550), "5.7.1 spam", ("refused", false));
        check(Some(552), "too large", ("refused", false));
        check(Some(554), "no", ("refused", false));
    }
}
