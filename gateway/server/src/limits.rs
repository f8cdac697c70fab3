//! A named limit on every size that a request or a list may have. `docs/operations/limits.md` lists them.

use std::time::Duration;

/// Largest body of a command, in bytes.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024;
/// Largest body that carries a configuration, in bytes.
pub const CONFIGURATION_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of such bodies that the process takes in at once; each counts with the length it announced.
pub const CONFIGURATIONS_BYTES_MAX: usize = 8 * CONFIGURATION_BYTES_MAX;
/// Most of them that are read at once: one takes many times its length while it is.
pub const CONFIGURATIONS_READ_MAX: usize = 2;
/// Deepest nesting of a JSON body that is told apart from a mere wrong type.
pub const JSON_DEPTH_MAX: usize = 32;
/// Longest request target (path and query), in bytes.
pub const TARGET_BYTES_MAX: usize = 2_048;
/// Largest sum of all header names and values, in bytes.
pub const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// Longest `Authorization` header, in bytes.
pub const CREDENTIAL_BYTES_MAX: usize = 256;
/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
/// Longest `X-Request-Id` that is taken over from a request, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;
/// Longest access code, in bytes.
pub const ACCESS_CODE_BYTES_MAX: usize = 64;
/// Longest code of a promotion that has single-use codes, in bytes: with a number of six digits and sixteen digits of a code they are as long as an
/// access code may be.
pub const SINGLE_USE_CODE_BYTES_MAX: usize = ACCESS_CODE_BYTES_MAX - 24;
/// Longest buyer reference, in bytes.
pub const BUYER_REFERENCE_BYTES_MAX: usize = 128;
/// Longest name of an event or a key, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 200;
/// Largest body of a design of tickets, in bytes: a logo in base64, and a note.
pub const DESIGN_BYTES_MAX: usize = 96 * 1024;
/// Longest note of a design of tickets, in bytes of UTF-8.
pub const DESIGN_NOTE_BYTES_MAX: usize = 500;
/// Largest body with a template of messages, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 96 * 1024;
/// How long a link is good by which a buyer begins a chat with the bot in Telegram, in milliseconds.
pub const TELEGRAM_LINK_MS: u64 = 900_000;
/// Largest update of Telegram's that is read, in bytes.
pub const TELEGRAM_UPDATE_BYTES_MAX: usize = 64 * 1024;
/// Longest text of a broadcast, in bytes of UTF-8.
pub const BROADCAST_TEXT_BYTES_MAX: usize = 4_000;
/// Most PDFs of tickets that are made, and logos that are looked at, at once: each takes a core for some milliseconds.
pub const PAPERS_MADE_MAX: usize = 2;
/// Most of them that one caller has on their way: they are made in the order in which they were asked for.
pub const PAPERS_PER_CALLER_MAX: usize = 8;
/// How long after the end of its event a ticket says that it is good, in milliseconds: events end late.
pub const TICKET_GRACE_MS: u64 = 86_400_000;
/// Largest body of an upload of offline scans, in bytes.
pub const SCANS_BYTES_MAX: usize = 256 * 1024;
/// Changes of tickets that a device is told of at once, about.
pub const ENTRY_CHANGES_MAX: usize = 1_000;
/// Largest body that names buyers, in bytes: as many references as one call may name.
pub const BUYERS_BYTES_MAX: usize = 256 * 1024;
/// Most buyer tokens made by one call.
pub const BUYER_TOKENS_MAX: usize = 1_000;
/// Most seats named by one kill or restore.
pub const UNITS_SEATS_MAX: usize = 5_000;
/// Items of a list unless asked otherwise.
pub const LIST_LIMIT_DEFAULT: usize = 50;
/// Most items of a list.
pub const LIST_LIMIT_MAX: usize = 200;
/// When a receipt that is not signed yet should be asked for again, in seconds.
pub const RECEIPT_RETRY_AFTER_S: u16 = 1;
/// Longest text of a request that a problem repeats, in bytes.
pub const ECHO_BYTES_MAX: usize = 256;
/// Most fields that one problem names.
pub const FIELD_ERRORS_MAX: usize = 20;

/// Longest a long poll waits.
pub const LONG_POLL_MS_MAX: u64 = 30_000;
/// Longest a body may take to arrive after its headers.
pub const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// A Server-Sent Events stream says something at least this often.
pub const STREAM_HEARTBEAT: Duration = Duration::from_secs(15);
/// Events that a stream reads from the log at once; nothing more is buffered per connection.
pub const STREAM_PAGE_EVENTS: usize = 256;
/// Longest frame that a WebSocket client may send, in bytes: nothing but control frames is listened to.
pub const SOCKET_FRAME_BYTES_MAX: usize = 1_024;
/// A page of a pushed change feed ends with the item that exceeds this many bytes.
pub const STREAM_PAGE_BYTES: usize = 64 * 1024;
/// Shortest time between two availability documents to one WebSocket: as long as a cache may keep one.
pub const SOCKET_INTERVAL: Duration = Duration::from_secs(1);
/// How long a pushed feed waits for an event that is between two owners.
pub const STREAM_RETRY: Duration = Duration::from_secs(1);
/// A WebSocket whose client was not heard for more than so many heartbeats is closed.
pub const SOCKET_SILENT_BEATS_MAX: u32 = 4;
/// Longest an organizer's reply waits for readers to see its decision.
pub const SETTLE_DEADLINE: Duration = Duration::from_millis(500);
/// One in so many streams is left for organizers on their own events.
pub const STREAMS_RESERVED_SHARE: usize = 10;
/// `Retry-After` when all streams are taken, in seconds.
pub const STREAMS_RETRY_AFTER_S: u32 = 5;
/// Longest a read waits for a projection to reach `min_sequence`.
pub const MIN_SEQUENCE_WAIT: Duration = Duration::from_secs(2);
/// How often such a read looks again.
pub const MIN_SEQUENCE_POLL: Duration = Duration::from_millis(20);

/// Most organizer keys kept in memory; the least recently made ones are read from the table again.
pub const API_KEY_CACHE_MAX: usize = 4_096;
/// Most hashes of secrets remembered to be of no key; beyond it they are forgotten together.
pub const UNKNOWN_KEY_CACHE_MAX: usize = 65_536;
/// Most events of the catalogue kept in memory.
pub const EVENT_CARD_CACHE_MAX: usize = 4_096;
/// Most rendered documents that one HTTP worker keeps.
pub const DOCUMENT_CACHE_MAX: usize = 256;
/// Most rendered halls that the process keeps.
pub const HALL_CACHE_MAX: usize = 64;
/// Most bytes of rendered halls that the process keeps, plain and compressed together; a single one may exceed it.
pub const HALL_CACHE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Documents longer than this go out in slices of this many bytes, which connections share.
pub const DOCUMENT_SLICE_BYTES: usize = 32 * 1024;
/// Most subjects, and most addresses, that a rate limit counts one by one; beyond it, they share buckets.
pub const RATE_LIMIT_KEYS_MAX: usize = 1_000_000;
/// Buckets that are shared then; a power of two.
pub const RATE_LIMIT_SHARED_BUCKETS: u128 = 1 << 16;
/// In a cluster: for so long, in seconds, a key that another node revoked goes on being taken.
pub const KEYS_KEPT_S: u64 = 5;
/// How often idle subjects and addresses are forgotten, and the seconds of [`KEYS_KEPT_S`] are counted.
pub const RATE_LIMIT_SWEEP: Duration = Duration::from_secs(1);

/// Most events that a webhook endpoint names.
pub const WEBHOOK_EVENTS_MAX: usize = 100;
/// Longest an attempt to deliver a webhook takes, from the look-up of its name to the status of its answer.
pub const WEBHOOK_DEADLINE: Duration = Duration::from_secs(15);
/// Bytes of a webhook secret.
pub const WEBHOOK_SECRET_BYTES: usize = 32;
/// How long an old webhook secret signs beside a new one unless told, in seconds.
pub const WEBHOOK_OVERLAP_S: u64 = 86_400;
/// Longest it does, in seconds.
pub const WEBHOOK_OVERLAP_S_MAX: u64 = 7 * 86_400;
/// Most events of a log that one request has sent again.
pub const WEBHOOK_REPLAY_MAX: usize = 1_000;
/// It ends with the message that exceeds so many bytes: they are one transaction.
pub const WEBHOOK_REPLAY_BYTES: usize = 1_000_000;

/// Longest a shutdown takes after a fatal failure.
pub const FATAL_SHUTDOWN: Duration = Duration::from_secs(2);
/// How often the shutdown looks whether the last replies have left.
pub const IN_FLIGHT_POLL: Duration = Duration::from_millis(5);
/// Longest the shutdown waits for the collector of traces.
pub const TRACES_FLUSH: Duration = Duration::from_secs(5);
/// How long the shutdown leaves connections to their clients after the last reply, in seconds.
pub const CONNECTION_LINGER_S: u64 = 1;
/// `Retry-After` where nothing better is known, in seconds.
pub const RETRY_AFTER_S: u32 = 1;
/// The `Retry-After` where an operator must first accept what the store lacks, in seconds.
pub const RECONCILED_AFTER_S: u32 = 60;

// A logo in base64, as long a note in escapes, and what is around them.
const _: () =
    assert!(tessera_paper::LOGO_BYTES_MAX * 4 / 3 + 6 * DESIGN_NOTE_BYTES_MAX + 200 < DESIGN_BYTES_MAX);
// A page of a stream never exceeds what the log gives at once.
const _: () = assert!(STREAM_PAGE_EVENTS <= tessera_actors::CHANGES_MAX);
const _: () = assert!(LIST_LIMIT_MAX <= tessera_actors::CHANGES_MAX);
const _: () = assert!(WEBHOOK_DEADLINE.as_secs() <= tessera_outbound::DEADLINE_MAX.as_secs());
const _: () = assert!(WEBHOOK_REPLAY_MAX <= tessera_actors::CHANGES_MAX);
const _: () = assert!(COMMAND_BYTES_MAX <= CONFIGURATION_BYTES_MAX);
// As many buyers as may be named fit into the body that names them, quotes and comma included.
const _: () = assert!(BUYER_TOKENS_MAX * (BUYER_REFERENCE_BYTES_MAX + 3) < BUYERS_BYTES_MAX);

/// Most bodies of what providers tell that are taken in at once.
pub const PROVIDER_EVENTS_MAX: usize = 1_024;
/// Most of them from one address.
pub const PROVIDER_EVENTS_PER_ADDRESS_MAX: usize = 512;
/// Longest such a body may take to arrive after its headers: it keeps its room meanwhile.
pub const PROVIDER_EVENT_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for the page of a payment, in milliseconds.
pub const PAYMENT_WAIT_MS_MAX: u64 = 30_000;
/// Longest wait for the first row of a payment: an order that is paid by hand never has one.
pub(crate) const PAYMENT_ROW_WAIT_MS: u64 = 5_000;
/// Between looks at the rows of a payment that is waited for: another node may have written them.
pub(crate) const PAYMENT_POLL: Duration = Duration::from_millis(250);
/// Longest address of e-mail, in bytes (RFC 5321).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Most digits of a telephone number (E.164).
pub const CONTACT_PHONE_DIGITS_MAX: usize = 15;
/// Longest name of a buyer, in bytes.
pub const CONTACT_NAME_BYTES_MAX: usize = 200;
/// Longest language tag of a buyer, in bytes (RFC 5646).
pub const CONTACT_LOCALE_BYTES_MAX: usize = 35;
/// Longest address that a buyer returns to, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
