//! Everything that all sessions of a run share: the event, its venue, credentials, behaviours; and the clock of the run.

use std::time::{Duration, Instant};

use http::header::HeaderValue;
use jiff::Timestamp;
use tessera_demo::client::Server;
use tessera_demo::venue::Venue;

use crate::scenario::behaviour::Behaviour;
use crate::wishes::Menu;

/// What sessions share.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Where the requests go.
    pub server: Server,
    /// The event.
    pub event: String,
    /// What it sells.
    pub venue: Venue,
    /// The organizer's key, which confirms and fails payments.
    pub organizer: HeaderValue,
    /// The door's key, which lets tickets in.
    pub scanner: HeaderValue,
    /// Whether orders are paid through the sandbox of the server; by the organizer's hand otherwise.
    pub has_sandbox: bool,
    /// Tokens of buyers, by number.
    pub tokens: Vec<HeaderValue>,
    /// The kinds of buyers.
    pub behaviours: Vec<Behaviour>,
    /// What each kind may buy.
    pub menus: Vec<Menu>,
    /// How long a client waits for an answer.
    pub patience: Duration,
    /// Decides everything that is drawn.
    pub seed: u64,
}

impl Stage {
    /// A path below the event.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/events/{}{rest}", self.event)
    }
}

/// The clock of a run: its beginning on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    began_at: Timestamp,
}

impl Clock {
    /// A run that begins so long from now.
    #[must_use]
    pub fn beginning_in(lead: Duration) -> Self {
        let began_at = Timestamp::now();
        let ahead = i64::try_from(lead.as_nanos()).unwrap_or(0);
        let began_at = began_at.saturating_add(jiff::SignedDuration::from_nanos(ahead)).unwrap_or(began_at);
        Clock { began: Instant::now() + lead, began_at }
    }

    /// When it began.
    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        self.began_at
    }

    /// Microseconds since the run began; 0 before that.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// A time of the wall clock in microseconds since the run began.
    #[must_use]
    pub fn us_of(&self, at: Timestamp) -> i64 {
        at.as_microsecond() - self.began_at.as_microsecond()
    }

    /// Sleep until then.
    pub async fn sleep_until(&self, due_us: u64) {
        tokio::time::sleep_until((self.began + Duration::from_micros(due_us)).into()).await;
    }
}
