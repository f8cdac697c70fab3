//! `tessera inspect … quotes`: what every hold was quoted, computed again from the tariff that the log has for it.

use std::collections::BTreeMap;

use tessera_inventory::{
    ClaimNumber, Config, Event, EventBody, EventId, HoldPlaced, Inventory, Line, TicketKind,
};
use tessera_pricing::{Applied, Basket, BasketLine, Quote, Tariff, quote};
use tessera_server::ids::EventTag;

use crate::failure::Failure;
use crate::output::line;
use crate::printer;
use crate::replay::{Companion, replay};
use crate::store::Store;

/// Quotes every hold and every late sale of an event again, says which differ, and how many there are.
pub(crate) async fn check(store: &Store, event: EventId) -> Result<(), Failure> {
    let tag = EventTag::new(&printer::keys(store).await?, event);
    let mut quotes = Quotes::default();
    replay(store, event, &mut quotes).await?;
    for Difference { number, sequence, what } in &quotes.differ {
        let (hold, order) = (tag.hold(*number), tag.order(*number));
        line(format_args!("NOT SOUND: {hold} or {order}, at sequence {sequence}: {what}"));
    }
    let Quotes { quoted, plain, differ, .. } = &quotes;
    if !differ.is_empty() {
        let (wrong, all) = (differ.len(), quoted + plain);
        return Err(Failure::NotSound(format!("of {all} holds, {wrong} were quoted what no tariff gives")));
    }
    line(format_args!(
        "sound: {quoted} holds and late sales have the quotes that their tariffs give, line by line; {plain} cost quantities times prices"
    ));
    Ok(())
}

/// A quote that differs from what its tariff gives.
struct Difference {
    number: ClaimNumber,
    /// Where in the log it stands.
    sequence: u64,
    what: String,
}

/// What a version of the configuration says of prices.
struct Prices {
    tariff: Option<Box<Tariff>>,
    /// By ticket type.
    is_add_on: Vec<bool>,
}

/// What was computed again so far.
#[derive(Default)]
struct Quotes {
    by_version: BTreeMap<u32, Prices>,
    quoted: u64,
    plain: u64,
    differ: Vec<Difference>,
}

impl Companion for Quotes {
    fn each(&mut self, state: &Inventory, event: &Event) {
        let sequence = state.sequence().0 + 1;
        match &event.body {
            EventBody::Configured { version, config } => {
                self.by_version.insert(*version, Prices::of(config));
            }
            EventBody::HoldPlaced(hold) => {
                let version = state.config().map_or(0, |(version, _)| version);
                let given = |promotion| state.promotion_given_minor(promotion);
                self.compare((ClaimNumber(sequence), sequence), hold, (version, &given));
            }
            // It was quoted when it was held: by the version of then, with what was left of the promotion then. Now as much is left at least.
            EventBody::SoldLate(sale) => {
                let Some(stored) = &sale.hold.quote else {
                    self.plain += 1;
                    return;
                };
                let max = self.amount_max(stored).unwrap_or(0);
                let given = |_: u16| max - stored.promotion_minor();
                self.compare((sale.order, sequence), &sale.hold, (stored.version, &given));
            }
            _ => {}
        }
    }
}

impl Quotes {
    /// Computes a hold's quote again from a version of the configuration and what its promotion had given until then.
    fn compare(
        &mut self,
        (number, sequence): (ClaimNumber, u64),
        hold: &HoldPlaced,
        (version, given): (u32, &dyn Fn(u16) -> i64),
    ) {
        let stored = hold.quote.as_deref();
        match stored {
            Some(_) => self.quoted += 1,
            None => self.plain += 1,
        }
        let what = match self.by_version.get(&version) {
            Some(prices) => difference(stored, prices.quote(version, hold, given).as_ref()),
            None => Some(format!("there is no version {version} of the configuration")),
        };
        if let Some(what) = what {
            self.differ.push(Difference { number, sequence, what });
        }
    }

    /// Most that the promotion of a quote takes off in all, where that is bounded.
    fn amount_max(&self, quote: &Quote) -> Option<i64> {
        let tariff = self.by_version.get(&quote.version)?.tariff.as_ref()?;
        tariff.promotions.get(usize::from(quote.promotion?))?.amount_max_minor
    }
}

impl Prices {
    fn of(config: &Config) -> Prices {
        let is_add_on = config.ticket_types.iter().map(|known| known.kind != TicketKind::Admission).collect();
        Prices { tariff: config.tariff.clone(), is_add_on }
    }

    /// What a hold comes to; `None`: quantities times prices.
    fn quote(&self, version: u32, hold: &HoldPlaced, given: &dyn Fn(u16) -> i64) -> Option<Quote> {
        let tariff = self.tariff.as_deref()?;
        let stored = hold.quote.as_deref();
        let applied = |promotion: u16| {
            let max = tariff.promotions.get(usize::from(promotion))?.amount_max_minor;
            let amount_left_minor = max.map(|max| (max - given(promotion)).max(0));
            Some(Applied { promotion, amount_left_minor })
        };
        let promotion = stored.and_then(|stored| stored.promotion).and_then(applied);
        let lines: Vec<BasketLine> = hold.lines.iter().map(|line| self.basket_line(line)).collect();
        let again = quote(tariff, version, &Basket { lines: &lines, promotion })?;
        // Which of the single-use codes was shown is nothing that a tariff gives.
        Some(Quote { serial: stored.and_then(|stored| stored.serial), ..again })
    }

    fn basket_line(&self, line: &Line) -> BasketLine {
        let ticket_type = line.ticket_type.0;
        BasketLine {
            ticket_type,
            add_on: self.is_add_on.get(usize::from(ticket_type)).copied().unwrap_or(false),
            quantity: line.quantity,
            price_minor: line.price_minor,
        }
    }
}

/// In what a stored quote differs from what its tariff gives; `None`: in nothing.
fn difference(stored: Option<&Quote>, again: Option<&Quote>) -> Option<String> {
    let (stored, again) = match (stored, again) {
        (None, None) => return None,
        (Some(stored), None) => {
            return Some(format!("it was quoted {}, and its tariff says nothing", stored.total_minor));
        }
        (None, Some(again)) => {
            return Some(format!("it was quoted nothing, and its tariff gives {}", again.total_minor));
        }
        (Some(stored), Some(again)) => (stored, again),
    };
    if stored == again {
        return None;
    }
    let (total, given) = (stored.total_minor, again.total_minor);
    let lines = stored.lines.len().max(again.lines.len());
    let at = (0..lines).find(|&at| stored.lines.get(at) != again.lines.get(at));
    let first = at.map_or("all lines are the same".to_owned(), |at| {
        format!("line {at} is {:?} instead of {:?}", stored.lines.get(at), again.lines.get(at))
    });
    Some(format!("its total is {total}, and its tariff gives {given}; {first}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
