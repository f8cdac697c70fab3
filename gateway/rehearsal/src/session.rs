//! A buyer's way through the sale, by its behaviour.

use std::sync::Arc;

use futures::future::join_all;
use serde::Deserialize;
use serde_json::from_slice;
use tessera_demo::tally::Operation as Command;
use tessera_demo::wire::{self, AskedUnits, Hold, SeatMap};
use tessera_verdict::recording::Asked;

use crate::notes::{Ended, Request};
use crate::plan::Arrival;
use crate::scenario::behaviour::Kind;
use crate::shard::Shard;
use crate::visitor::{Decided, Visitor};
use crate::wishes;

/// Status of a document that could be read.
const OK: u16 = 200;

#[derive(Deserialize)]
struct Order {
    id: String,
}

/// What came of asking for a hold, again and again.
enum Placed {
    Hold(Hold),
    Refused,
    Unanswered,
}

/// Go through the sale.
pub(crate) async fn attend(shard: &Arc<Shard>, arrival: Arrival) -> Ended {
    let visitor =
        |number| Visitor::new(shard, arrival.behaviour, arrival.buyer + u32::from(number), arrival.due_us);
    let facts = &shard.stage.behaviours[arrival.behaviour];
    match facts.kind {
        Kind::MultiTab => many_tabs(visitor(0), facts.tabs()).await,
        Kind::Bot => {
            let identities = (0..facts.identities()).map(|number| buy(visitor(number)));
            join_all(identities).await.into_iter().max().unwrap_or(Ended::Left)
        }
        _ => buy(visitor(0)).await,
    }
}

/// Look, ask, pay.
async fn buy(mut visitor: Visitor) -> Ended {
    let looks = visitor.between(visitor.facts().looks().map(u64::from));
    for _ in 0..looks {
        // A page that does not load is loaded again.
        visitor.read(Request::Availability, "/availability").await;
        visitor.think().await;
    }
    match place(&mut visitor).await {
        Placed::Hold(hold) => end(&mut visitor, &hold).await,
        Placed::Refused => Ended::Refused,
        Placed::Unanswered => Ended::Unanswered,
    }
}

/// Several holds at once; the first is kept, the others are given back or left to expire.
async fn many_tabs(visitor: Visitor, tabs: u16) -> Ended {
    let mut others: Vec<Visitor> = (1..tabs).map(|tab| visitor.beside(tab)).collect();
    others.insert(0, visitor);
    let mut placed = join_all(others.iter_mut().map(place)).await;
    let Some(kept) = placed.iter().position(|placed| matches!(placed, Placed::Hold(_))) else {
        let refused = placed.iter().any(|placed| matches!(placed, Placed::Refused));
        return if refused { Ended::Refused } else { Ended::Unanswered };
    };
    let Placed::Hold(hold) = placed.remove(kept) else { return Ended::Unanswered };
    let mut keeper = others.remove(kept);
    for (visitor, placed) in others.iter_mut().zip(placed) {
        let gives_back = visitor.random.percent(usize::from(visitor.facts().release_percent));
        if let Placed::Hold(hold) = placed
            && gives_back
        {
            // It was answered earlier than the slowest tab: what it does next is due from here on.
            visitor.think().await;
            release(visitor, &hold).await;
        }
    }
    end(&mut keeper, &hold).await
}

/// Ask for a hold as often as the behaviour tries.
async fn place(visitor: &mut Visitor) -> Placed {
    let mut proposed = None;
    for attempt in 0..visitor.facts().tries() {
        if attempt > 0 {
            visitor.think().await;
        }
        let asked = match proposed.take() {
            Some(asked) => asked,
            None => wish(visitor).await,
        };
        let venue = &visitor.shard.stage.venue;
        let (body, recorded) = (wire::hold_body(venue, &asked), wishes::recorded(venue, &asked));
        match visitor.ask(Command::PlaceHold, recorded, "/holds", body).await {
            Decided::Accepted(body) => {
                return from_slice(&body).map_or(Placed::Unanswered, Placed::Hold);
            }
            Decided::Refused(instead) => proposed = alternative(asked, instead),
            Decided::Unanswered => return Placed::Unanswered,
        }
    }
    Placed::Refused
}

/// What a buyer wants now, looking at the seat map where it picks seats.
async fn wish(visitor: &mut Visitor) -> wire::Asked {
    let stage = Arc::clone(&visitor.shard.stage);
    let menu = &stage.menus[visitor.behaviour()];
    let map = if menu.needs_map() { look(visitor).await } else { Vec::new() };
    menu.ask(&map, &mut visitor.random)
}

/// The same with the seats that a refusal proposes instead.
fn alternative(mut asked: wire::Asked, instead: Option<Vec<u32>>) -> Option<wire::Asked> {
    let AskedUnits::Seats(seats) = &mut asked.lines.first_mut()?.units else { return None };
    *seats = instead?;
    Some(asked)
}

/// The seat map; empty where it could not be read.
async fn look(visitor: &mut Visitor) -> Vec<u8> {
    let reply = visitor.read(Request::SeatMap, "/seat-map").await;
    let map = reply.filter(|reply| reply.status == OK).and_then(|reply| from_slice(&reply.body).ok());
    map.and_then(|map: SeatMap| map.decode()).unwrap_or_default()
}

/// What becomes of a hold: paid, given back, or left to expire.
async fn end(visitor: &mut Visitor, hold: &Hold) -> Ended {
    visitor.think().await;
    let facts = visitor.facts();
    let chances = [facts.renew_percent, facts.release_percent, facts.fail_percent].map(usize::from);
    let pays = facts.pay_percent();
    let [renews, gives_back, fails] = chances.map(|percent| visitor.random.percent(percent));
    if renews {
        let asked = Asked::RenewHold { hold: hold.id.clone() };
        let rest = format!("/holds/{}/renew", hold.id);
        visitor.ask(Command::RenewHold, asked, &rest, "{}".into()).await;
        visitor.think().await;
    }
    if !visitor.random.percent(pays) {
        if gives_back {
            release(visitor, hold).await;
        }
        return Ended::Left;
    }
    pay(visitor, hold, fails).await
}

async fn release(visitor: &mut Visitor, hold: &Hold) {
    let asked = Asked::ReleaseHold { hold: hold.id.clone() };
    visitor.ask(Command::ReleaseHold, asked, &format!("/holds/{}/release", hold.id), "{}".into()).await;
}

async fn pay(visitor: &mut Visitor, hold: &Hold, fails: bool) -> Ended {
    let order = match begin_payment(visitor, hold).await {
        Ok(order) => order,
        Err(ended) => return ended,
    };
    visitor.think().await;
    if fails {
        let asked = Asked::FailPayment { order: order.id.clone() };
        let rest = format!("/orders/{}/payment-failures", order.id);
        match visitor.have_asked(Command::FailPayment, asked, &rest, "{}".into()).await {
            Decided::Accepted(_) => {}
            Decided::Refused(_) => return Ended::Refused,
            Decided::Unanswered => return Ended::Unanswered,
        }
        visitor.think().await;
        if let Err(ended) = begin_payment(visitor, hold).await {
            return ended;
        }
    }
    let asked = Asked::Confirm { order: order.id.clone() };
    let rest = format!("/orders/{}/confirm", order.id);
    let decided = if hold.total.amount == 0 {
        visitor.ask(Command::Confirm, asked, &rest, r#"{"payment":"free"}"#.into()).await
    } else {
        visitor.have_asked(Command::Confirm, asked, &rest, r#"{"payment":"offline"}"#.into()).await
    };
    match decided {
        Decided::Accepted(_) => Ended::Bought,
        Decided::Refused(_) => Ended::Refused,
        Decided::Unanswered => Ended::Unanswered,
    }
}

async fn begin_payment(visitor: &mut Visitor, hold: &Hold) -> Result<Order, Ended> {
    let asked = Asked::BeginPayment { hold: hold.id.clone() };
    let body = format!("{{\"hold\":{}}}", wire::quoted(&hold.id));
    match visitor.ask(Command::BeginPayment, asked, "/orders", body).await {
        Decided::Accepted(body) => from_slice(&body).map_err(|_| Ended::Unanswered),
        Decided::Refused(_) => Err(Ended::Refused),
        Decided::Unanswered => Err(Ended::Unanswered),
    }
}
