//! Replies of the API as far as the demo reads them, and the one request body that is built often.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde::Deserialize;

use crate::venue::Venue;

/// An amount of money.
#[derive(Clone, Debug, Deserialize)]
pub struct Money {
    /// Minor units.
    pub amount: i64,
}

/// Reply of *place hold* and *renew*.
#[derive(Clone, Debug, Deserialize)]
pub struct Hold {
    /// Its identifier.
    pub id: String,
    /// The decision.
    pub sequence: u64,
    /// What it holds.
    pub lines: Vec<HoldLine>,
    /// What is due.
    pub total: Money,
    /// Until when it lasts.
    pub deadline_at: Timestamp,
}

/// One line of a hold.
#[derive(Clone, Debug, Deserialize)]
pub struct HoldLine {
    /// Name of the type.
    pub ticket_type: String,
    /// Units.
    pub quantity: u16,
    /// Frozen unit price.
    pub price: Money,
    /// Seats, for seated types.
    #[serde(default)]
    pub seats: Vec<u32>,
}

/// How the payment of an order stands.
#[derive(Clone, Debug, Deserialize)]
pub struct Payment {
    /// In a word.
    pub state: String,
    /// The decision that it was begun by, or is sold or over by.
    pub sequence: u64,
    /// Where its buyer pays.
    pub page: Option<String>,
}

impl Payment {
    /// Whether nothing is decided yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "creating" | "awaiting_buyer")
    }
}

/// Reply about an order.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// Its identifier.
    pub id: String,
    /// The decision.
    pub sequence: u64,
    /// How it stands.
    #[serde(default)]
    pub state: String,
    /// Its tickets, once paid.
    #[serde(default)]
    pub tickets: Vec<Ticket>,
}

/// One ticket.
#[derive(Clone, Debug, Deserialize)]
pub struct Ticket {
    /// Its identifier.
    pub id: String,
    /// Its code, for its holder.
    #[serde(default)]
    pub code: String,
}

/// A buyer's list of orders.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderList {
    /// Its orders, and of others' those with tickets that it holds.
    pub items: Vec<Order>,
    /// How far the list had followed the sale.
    pub sequence: u64,
}

/// A ticket as its holder reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct ShownTicket {
    /// The text of its QR, unless it was refunded.
    pub qr: Option<String>,
}

/// Any reply that carries a decision.
#[derive(Clone, Debug, Deserialize)]
pub struct Decision {
    /// The decision.
    pub sequence: u64,
}

/// A refusal: the fields of the problem document that the demo checks.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Problem {
    /// The reason.
    #[serde(default)]
    pub code: String,
    /// The sequence it was decided on.
    pub sequence: Option<u64>,
    /// Seats that are not free.
    #[serde(default)]
    pub seats: Vec<u32>,
    /// The seat that would be left alone.
    pub stranded: Option<u32>,
    /// Groups that would strand nothing.
    #[serde(default)]
    pub alternatives: Vec<Vec<u32>>,
    /// The limit that would be exceeded.
    pub limit: Option<u32>,
    /// How much of it is used.
    pub used: Option<u32>,
    /// Units that remain.
    pub remaining: Option<u32>,
}

/// The availability document.
#[derive(Clone, Debug, Deserialize)]
pub struct Availability {
    /// The sequence it is true at.
    pub sequence: u64,
    /// The phase.
    pub phase: String,
    /// Pools by name.
    pub pools: Vec<Counters>,
    /// Categories by name.
    pub categories: Vec<Counters>,
    /// Live holds.
    pub live_holds: u32,
    /// Orders with a ticket that is not refunded.
    pub orders: u32,
}

/// The four counters of a pool or category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Counters {
    /// Of what.
    pub name: String,
    /// For sale.
    pub free: u32,
    /// In live holds.
    pub held: u32,
    /// Sold.
    pub sold: u32,
    /// Withdrawn.
    pub killed: u32,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { name, free, held, sold, killed } = self;
        write!(f, "{name}: {free} free, {held} held, {sold} sold, {killed} killed")
    }
}

impl Counters {
    /// Everything together.
    #[must_use]
    pub fn total(&self) -> u64 {
        [self.free, self.held, self.sold, self.killed].iter().map(|count| u64::from(*count)).sum()
    }
}

/// The compact seat map.
#[derive(Clone, Debug, Deserialize)]
pub struct SeatMap {
    /// The sequence it is true at.
    pub sequence: u64,
    /// Number of seats.
    pub seats: u32,
    /// Two bits a seat, base64.
    pub states: String,
}

impl SeatMap {
    /// The states, one byte a seat: 0 free, 1 held, 2 sold, 3 killed. `None` when the text is not base64, or too short.
    #[must_use]
    pub fn decode(&self) -> Option<Vec<u8>> {
        use base64::Engine as _;
        let packed = base64::engine::general_purpose::STANDARD.decode(&self.states).ok()?;
        (0..self.seats as usize).map(|seat| Some(packed.get(seat / 4)? >> (seat % 4 * 2) & 3)).collect()
    }
}

/// One line of a hold as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedLine {
    /// Position of the type; `None`: any.
    pub ticket_type: Option<usize>,
    /// What of it.
    pub units: AskedUnits,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedUnits {
    /// Units of a standing type.
    Quantity(u16),
    /// These seats.
    Seats(Vec<u32>),
    /// The best together.
    Together {
        /// How many.
        quantity: u16,
        /// Only in this section.
        section: Option<usize>,
        /// At most this unit price.
        price_max: Option<i64>,
        /// Wheelchair spaces.
        accessible: u8,
        /// Whether parts will do.
        accept_split: bool,
    },
}

impl AskedLine {
    /// Units asked for.
    #[must_use]
    pub fn quantity(&self) -> u32 {
        match &self.units {
            AskedUnits::Quantity(quantity) | AskedUnits::Together { quantity, .. } => u32::from(*quantity),
            AskedUnits::Seats(seats) => u32::try_from(seats.len()).unwrap_or(u32::MAX),
        }
    }
}

/// A hold as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its lines.
    pub lines: Vec<AskedLine>,
    /// The code that was shown.
    pub access_code: Option<String>,
    /// Whether a wrong price was sent.
    pub stale_price: bool,
}

/// The body of *place hold*.
#[must_use]
pub fn hold_body(venue: &Venue, asked: &Asked) -> String {
    let mut body = String::with_capacity(256);
    body.push_str("{\"lines\":[");
    for (index, line) in asked.lines.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(body, "{comma}{{");
        if let Some(ticket_type) = line.ticket_type.map(|index| &venue.ticket_types[index]) {
            let price = ticket_type.price + i64::from(asked.stale_price);
            let _ = write!(body, "\"ticket_type\":{},", quoted(&ticket_type.name));
            let _ = write!(body, "\"expected_price\":{},", money(price, &venue.currency));
        }
        match &line.units {
            AskedUnits::Quantity(quantity) => {
                let _ = write!(body, "\"quantity\":{quantity}}}");
            }
            AskedUnits::Seats(seats) => {
                let _ = write!(body, "\"seats\":{seats:?}}}");
            }
            AskedUnits::Together { quantity, section, price_max, accessible, accept_split } => {
                let _ =
                    write!(body, "\"together\":{{\"quantity\":{quantity},\"accept_split\":{accept_split}");
                let _ = write!(body, ",\"accessible\":{accessible}");
                if let Some(section) = section {
                    let _ = write!(body, ",\"section\":{}", quoted(&venue.sections[*section]));
                }
                if let Some(price_max) = price_max {
                    let _ = write!(body, ",\"price_max\":{}", money(*price_max, &venue.currency));
                }
                body.push_str("}}");
            }
        }
    }
    body.push(']');
    if let Some(code) = &asked.access_code {
        let _ = write!(body, ",\"access_code\":{}", quoted(code));
    }
    body.push('}');
    body
}

/// A JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn money(amount: i64, currency: &str) -> String {
    format!("{{\"amount\":{amount},\"currency\":{}}}", quoted(currency))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::arena::ARENA;

    #[test]
    fn a_hold_is_asked_for_as_documented() {
        let venue = Venue::read(ARENA).unwrap();
        let together = AskedUnits::Together {
            quantity: 4,
            section: Some(0),
            price_max: Some(9_000),
            accessible: 1,
            accept_split: true,
        };
        let asked = Asked {
            lines: vec![
                AskedLine { ticket_type: Some(0), units: AskedUnits::Quantity(2) },
                AskedLine { ticket_type: Some(4), units: AskedUnits::Seats(vec![7, 8]) },
                AskedLine { ticket_type: None, units: together },
            ],
            access_code: Some("SPONSOR".into()),
            stale_price: false,
        };
        let expected = serde_json::json!({"lines":[
            {"ticket_type":"Floor standing","expected_price":{"amount":6500,"currency":"EUR"},"quantity":2},
            {"ticket_type":"Premium","expected_price":{"amount":14900,"currency":"EUR"},"seats":[7,8]},
            {"together":{"quantity":4,"section":"101","price_max":{"amount":9000,"currency":"EUR"},"accessible":1,"accept_split":true}}],
            "access_code":"SPONSOR"});
        let body: serde_json::Value = serde_json::from_str(&hold_body(&venue, &asked)).unwrap();
        assert_eq!(body, expected);
    }

    #[test]
    fn a_seat_map_unpacks_from_the_lowest_bits() {
        // seats 0 to 4: free, held, sold, killed, held
        let map = SeatMap { sequence: 1, seats: 5, states: "5AE=".into() };
        assert_eq!(map.decode().unwrap(), [0, 1, 2, 3, 1]);
        assert!(SeatMap { seats: 9, ..map }.decode().is_none(), "too short");
    }
}
