//! Items of the change feed, as `docs/api.md` promises them, and the reading of the whole feed.

use std::time::Duration;

use http::header::HeaderValue;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::{Call, Connection};
use crate::error::DemoError;

/// Items asked for at once.
pub const PAGE_ITEMS: u32 = 200;

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Item {
    /// Its place in the log.
    pub sequence: u64,
    /// Logged time.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub change: Change,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields are documented in docs/api.md, "Items of the change feed"
pub enum Change {
    Configured {
        version: u32,
    },
    PhaseChanged {
        to: String,
    },
    HoldPlaced {
        hold: String,
        deadline_at: Timestamp,
        life_ends_at: Option<Timestamp>,
        channel: Option<String>,
        lines: Vec<Line>,
    },
    HoldRenewed {
        hold: String,
        deadline_at: Timestamp,
    },
    HoldReleased {
        hold: String,
    },
    Expired {
        through: Through,
        count: u32,
    },
    PaymentBegun {
        order: String,
        hold: String,
        grace_until: Timestamp,
    },
    PaymentFailed {
        order: String,
        hold: String,
    },
    Confirmed {
        order: String,
        hold: String,
    },
    TicketsRefunded {
        order: String,
        hold: String,
        tickets: Vec<u16>,
        units: String,
    },
    SoldLate {
        order: String,
        hold: String,
        channel: Option<String>,
        lines: Vec<Line>,
    },
    OrderDisputed {
        order: String,
        hold: String,
        revoked: Vec<u16>,
    },
    UnitsKilled(Units),
    UnitsRestored(Units),
    ChannelReleased {
        channel: String,
    },
    SaleWindowChanged {
        ticket_type: String,
        open: bool,
    },
    TicketTransferred {
        ticket: String,
    },
    CheckedIn {
        ticket: String,
    },
    CheckedOut {
        ticket: String,
    },
    TicketReissued {
        ticket: String,
    },
    ScansRecorded {},
    WaitlistJoined {},
    WaitlistLeft {},
    WaitlistPatienceEnded {},
}

/// Units of one type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Line {
    /// Name of the type.
    pub ticket_type: String,
    /// How many.
    pub quantity: u16,
    /// The seats, for seated types.
    #[serde(default)]
    pub seats: Vec<u32>,
}

/// How far an expiry reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Through {
    /// Deadline of the last hold that ended.
    pub deadline_at: Timestamp,
    /// That hold.
    pub hold: String,
}

/// Units withdrawn or given back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Units {
    /// Name of the pool.
    pub pool: Option<String>,
    /// Units of the pool.
    #[serde(default)]
    pub quantity: u32,
    /// Seats.
    #[serde(default)]
    pub seats: Vec<u32>,
}

/// One page of the feed.
#[derive(Debug, Deserialize)]
pub struct Page<T = Item> {
    /// Items after the one asked for, in order.
    pub items: Vec<T>,
    /// What to ask for next time.
    pub next: u64,
    /// The last durable sequence.
    pub head: u64,
}

/// A reader of one event's feed from its beginning. It keeps items as they are understood, or as another type that they are read as.
#[derive(Debug)]
pub struct Reader<T = Item> {
    connection: Connection,
    credential: HeaderValue,
    event: String,
    /// Every item so far, in the order in which they came.
    pub items: Vec<T>,
    next: u64,
}

impl<T: DeserializeOwned> Reader<T> {
    /// A reader that stands before the first item. It reads as the organizer: the public is not told what is sold by a code.
    #[must_use]
    pub fn new(connection: Connection, credential: HeaderValue, event: &str) -> Self {
        Reader { connection, credential, event: event.to_owned(), items: Vec::new(), next: 0 }
    }

    /// Read everything up to the head; if there is nothing new, wait that long for something. True when there is nothing more.
    ///
    /// # Errors
    /// [`DemoError`] when the server is gone, or the page is not what the API promises.
    pub async fn read(&mut self, wait: Duration) -> Result<bool, DemoError> {
        loop {
            let path = format!(
                "/v1/events/{}/changes?after={}&limit={PAGE_ITEMS}&wait_ms={}",
                self.event,
                self.next,
                wait.as_millis()
            );
            let call = Call { credential: Some(self.credential.clone()), ..Call::get(path) };
            let (reply, _) = self.connection.call(&call).await?;
            let page: Page<T> = serde_json::from_slice(&reply.body)
                .map_err(|error| DemoError::unreadable("the change feed", &reply.body, error))?;
            let nothing_new = page.items.is_empty();
            self.items.extend(page.items);
            self.next = page.next;
            if nothing_new || page.next >= page.head {
                return Ok(nothing_new);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn items_read_as_documented() {
        let text = r#"{"items":[
            {"sequence":7,"at":"2026-11-20T10:00:00.000Z","type":"hold_placed","hold":"hld_a","deadline_at":"2026-11-20T10:01:00.000Z",
             "life_ends_at":"2026-11-20T10:05:00Z","channel":null,"lines":[{"ticket_type":"Club","quantity":2,"price":{"amount":1,"currency":"EUR"},"seats":[4,5]}]},
            {"sequence":8,"at":"2026-11-20T10:01:00.001Z","type":"expired","through":{"deadline_at":"2026-11-20T10:01:00Z","hold":"hld_a"},"count":1},
            {"sequence":9,"at":"2026-11-20T10:01:00.001Z","type":"units_killed","pool":"Floor","quantity":5}],
            "next":9,"head":12}"#;
        let page: Page = serde_json::from_str(text).unwrap();
        assert_eq!((page.items.len(), page.next, page.head), (3, 9, 12));
        assert!(
            matches!(&page.items[0].change, Change::HoldPlaced { lines, .. } if lines[0].seats == [4, 5])
        );
        assert!(matches!(&page.items[2].change, Change::UnitsKilled(units) if units.quantity == 5));
    }
}
