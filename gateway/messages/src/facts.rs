//! What templates may say: a fixed set of variables for each kind of message.

use std::collections::BTreeMap;

use minijinja::Value;
use tessera_correspondence::Kind;

/// What a variable stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A text; empty: there is none.
    Text(String),
    /// A count.
    Number(u64),
    /// Several things, each with its parts.
    List(Vec<BTreeMap<&'static str, String>>),
}

/// What a message says, by the names of its variables. A dot stands between a thing and its part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<&'static str, Fact>);

/// Variables that every kind has.
const OF_ALL: &[&str] = &[
    "recipient.name",
    "event.name",
    "event.starts_at",
    "event.ends_at",
    "event.place",
    "event.zone",
    "links.opt_out",
];

/// Parts of a ticket in `tickets`.
const OF_TICKETS: &[&str] = &["type", "place", "price"];

/// The variables that a template of a kind may use.
#[must_use]
pub fn variables(kind: Kind) -> Vec<&'static str> {
    let own: &[&str] = match kind {
        Kind::Confirmation | Kind::Reminder => &["order.id", "order.total", "tickets"],
        Kind::Offer | Kind::HoldEnding => &["order.id", "order.total", "tickets", "offer.deadline"],
        Kind::Refund => &["order.id", "refund.count"],
        Kind::Dispute => &["order.id", "dispute.what", "dispute.count", "dispute.is_team"],
        Kind::Transfer => &["order.id", "tickets", "transfer.is_receiver"],
        Kind::PaymentFailed => &["order.id"],
        Kind::Change => &["order.id", "change.what"],
        Kind::Emergency | Kind::Announcement => &["message.title", "message.text"],
    };
    OF_ALL.iter().chain(own).copied().collect()
}

/// Whether a template of a kind may use a name: a variable, the beginning of one, or anything of a ticket within a list.
pub(crate) fn is_known(kind: Kind, name: &str) -> bool {
    let begins =
        |known: &str| known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    variables(kind).into_iter().any(begins)
}

impl Facts {
    /// The same and a text.
    #[must_use]
    pub fn text(self, name: &'static str, text: impl Into<String>) -> Facts {
        self.with(name, Fact::Text(text.into()))
    }

    /// The same and another fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, fact: Fact) -> Facts {
        self.0.insert(name, fact);
        self
    }

    /// As templates see them. What a kind has and was not said is an empty text.
    pub(crate) fn context(&self, kind: Kind) -> Value {
        let mut top: BTreeMap<&str, Value> = BTreeMap::new();
        let mut nested: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
        for name in variables(kind) {
            let value = match self.0.get(name) {
                Some(Fact::Text(text)) => Value::from(text.as_str()),
                Some(Fact::Number(number)) => Value::from(*number),
                Some(Fact::List(items)) => items.iter().map(item).collect(),
                None if name == "tickets" => Value::from(Vec::<Value>::new()),
                None => Value::from(""),
            };
            match name.split_once('.') {
                Some((thing, part)) => {
                    nested.entry(thing).or_default().insert(part, value);
                }
                None => {
                    top.insert(name, value);
                }
            }
        }
        top.extend(nested.into_iter().map(|(thing, parts)| (thing, parts.into_iter().collect())));
        top.into_iter().collect()
    }
}

fn item(parts: &BTreeMap<&'static str, String>) -> Value {
    let part = |name: &&'static str| (*name, Value::from(parts.get(name).map_or("", String::as_str)));
    OF_TICKETS.iter().map(part).collect()
}

/// Facts to try a template with.
#[must_use]
pub fn example(kind: Kind) -> Facts {
    let ticket = |kind: &str, place: &str| {
        BTreeMap::from([
            ("type", kind.to_owned()),
            ("place", place.to_owned()),
            ("price", "EUR 90.00".to_owned()),
        ])
    };
    let facts = Facts::default()
        .text("recipient.name", "Ada Lovelace")
        .text("event.name", "An evening of engines")
        .text("event.starts_at", "1 January 2030, 20:00")
        .text("event.ends_at", "1 January 2030, 23:00")
        .text("event.place", "Riverside Hall")
        .text("event.zone", "Europe/Berlin")
        .text("links.opt_out", "https://tickets.example/v1/opt-outs/example")
        .text("order.id", "ord_01h455vb4pex5vsknk084sn02q")
        .text("order.total", "EUR 180.00")
        .with("tickets", Fact::List(vec![ticket("Seat", "A · 1 · 4"), ticket("Seat", "A · 1 · 5")]));
    match kind {
        Kind::Offer | Kind::HoldEnding => facts.text("offer.deadline", "1 December 2029, 18:30"),
        Kind::Refund => facts.with("refund.count", Fact::Number(2)),
        Kind::Dispute => facts
            .text("dispute.what", "open")
            .with("dispute.count", Fact::Number(0))
            .text("dispute.is_team", ""),
        Kind::Transfer => facts.text("transfer.is_receiver", "yes"),
        Kind::Change => facts.text("change.what", "cancelled"),
        Kind::Emergency | Kind::Announcement => facts
            .text("message.title", "Doors open later")
            .text("message.text", "Doors open at seven, one hour later than announced."),
        Kind::Confirmation | Kind::Reminder | Kind::PaymentFailed => facts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_kind() {
        let check = |kind, name, expected| assert_eq!(is_known(kind, name), expected, "{name}");
        check(Kind::Confirmation, "event.name", true);
        check(Kind::Confirmation, "event", true);
        check(Kind::Confirmation, "tickets", true);
        check(Kind::Confirmation, "even", false);
        check(Kind::Confirmation, "event.names", false);
        check(Kind::Confirmation, "message.text", false);
        check(Kind::Announcement, "message.text", true);
        check(Kind::Announcement, "order.id", false);
    }
}
