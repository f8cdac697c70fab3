//! A buyer's way through the sale, by its behaviour.

use std::sync::Arc;

use futures::future::join_all;
use serde::Deserialize;
use serde_json::{from_slice, json};
use tessera_demo::tally::Operation as Command;
use tessera_demo::wire::{self, AskedUnits, Hold, SeatMap};
use tessera_verdict::recording::Asked;

use crate::door;
use crate::notes::{Ended, Request};
use crate::payment::Manner;
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
        Ok(hold) => end(&mut visitor, &hold).await,
        Err(ended) => ended,
    }
}

/// Several holds at once; the first is kept, the others are given back or left to expire.
async fn many_tabs(visitor: Visitor, tabs: u16) -> Ended {
    let mut others: Vec<Visitor> = (1..tabs).map(|tab| visitor.beside(tab)).collect();
    others.insert(0, visitor);
    let mut placed = join_all(others.iter_mut().map(place)).await;
    let kept = placed.iter().position(Result::is_ok).unwrap_or(0);
    let hold = match placed.remove(kept) {
        Ok(hold) => hold,
        Err(ended) => return placed.into_iter().filter_map(Result::err).fold(ended, Ended::max),
    };
    let mut keeper = others.remove(kept);
    for (visitor, placed) in others.iter_mut().zip(placed) {
        let gives_back = visitor.random.percent(usize::from(visitor.facts().release_percent));
        if let Ok(hold) = placed
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
async fn place(visitor: &mut Visitor) -> Result<Hold, Ended> {
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
            Decided::Refused(instead) => proposed = alternative(asked, instead),
            other => return from_slice(&other.accepted()?).map_err(|_| Ended::Unanswered),
        }
    }
    Err(Ended::Refused)
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
    pay(visitor, hold, fails).await.map_or_else(|ended| ended, |()| Ended::Bought)
}

async fn release(visitor: &mut Visitor, hold: &Hold) {
    let asked = Asked::ReleaseHold { hold: hold.id.clone() };
    visitor.ask(Command::ReleaseHold, asked, &format!("/holds/{}/release", hold.id), "{}".into()).await;
}

async fn pay(visitor: &mut Visitor, hold: &Hold, fails: bool) -> Result<(), Ended> {
    let manner = match hold.total.amount {
        0 => Manner::Free,
        _ if visitor.shard.stage.has_sandbox => Manner::AtPage,
        _ => Manner::ByHand,
    };
    let order = begin_payment(visitor, hold, manner).await?.id;
    visitor.think().await;
    if fails && manner != Manner::Free {
        visitor.fail(&order, manner).await.accepted()?;
        visitor.think().await;
        begin_payment(visitor, hold, manner).await?;
    }
    visitor.confirm(&order, manner).await.accepted()?;
    door::enter(visitor, &order).await;
    Ok(())
}

async fn begin_payment(visitor: &mut Visitor, hold: &Hold, manner: Manner) -> Result<Order, Ended> {
    let asked = Asked::BeginPayment { hold: hold.id.clone() };
    let body = match manner {
        Manner::AtPage => json!({ "hold": hold.id, "payment": { "provider": "sandbox" } }),
        Manner::Free | Manner::ByHand => json!({ "hold": hold.id }),
    };
    let body = visitor.ask(Command::BeginPayment, asked, "/orders", body.to_string()).await.accepted()?;
    from_slice(&body).map_err(|_| Ended::Unanswered)
}
