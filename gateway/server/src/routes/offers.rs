//! What is sold: ticket types, pools and channels as lists, and what is withdrawn. Each list is as long as the configuration lets it be.

use serde::{Deserialize, Serialize};
use tessera_actors::Published;
use tessera_inventory::{
    Channel, ChannelId, ChannelShare, Config, PoolId, SeatMap, SeatState, TicketType, TypeAvailability,
};
use utoipa::ToSchema;

use crate::call::Call;
use crate::caller::{EventsRead, Organizer, Reader};
use crate::instant::Rfc3339;
use crate::problem::{self, Problem};
use crate::render::{self, Money};
use crate::router::Answer;

/// Seats of one byte of a seat map.
const SEATS_PER_BYTE: u32 = 4;

/// A ticket type.
#[derive(Serialize, ToSchema)]
#[schema(as = TicketType)]
pub(crate) struct TypeItem<'a> {
    name: &'a str,
    price: Money<'a>,
    /// Whether its sale window is open.
    open: bool,
    /// Units that everyone could hold now.
    available: u32,
    per_order_min: u16,
    per_order_max: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    per_subject_max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    opens_at: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    closes_at: Option<Rfc3339>,
    /// The category whose seats it sells.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    category: Option<&'a str>,
    /// The pools that it draws on.
    draws_on: Vec<&'a str>,
    /// Whether it is sold by a code only; such are listed for the organizer only.
    by_code: bool,
}

/// Ticket types, and the sequence that they are true at.
#[derive(Serialize, ToSchema)]
pub(crate) struct TicketTypeList<'a> {
    items: Vec<TypeItem<'a>>,
    sequence: u64,
}

/// `GET /v1/events/{event}/ticket-types`
pub(crate) async fn ticket_types(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let owns = reader.owns(&call, event).await?;
    let published = call.published(event, owns).await?;
    let config = configuration(&published)?;
    let types = config.ticket_types.iter().zip(&published.availability.ticket_types);
    let items = types
        .filter(|(ticket_type, _)| owns || ticket_type.access_code.is_none())
        .map(|(ticket_type, state)| type_item(config, ticket_type, *state));
    let sequence = published.availability.sequence.0;
    render::read(call.headers(), &TicketTypeList { items: items.collect(), sequence })
}

fn type_item<'a>(config: &'a Config, one: &'a TicketType, state: TypeAvailability) -> TypeItem<'a> {
    let pools = one.draws_on.iter().filter_map(|pool| config.pools.get(pool.index()));
    let category = one.category.and_then(|category| config.categories.get(category.index()));
    TypeItem {
        name: &one.name,
        price: Money::new(one.price_minor, config),
        open: state.open,
        available: state.available,
        per_order_min: one.per_order_min,
        per_order_max: one.per_order_max,
        per_subject_max: one.per_subject_max,
        opens_at: one.window.opens_at.map(Rfc3339),
        closes_at: one.window.closes_at.map(Rfc3339),
        category: category.map(|category| &*category.name),
        draws_on: pools.map(|pool| &*pool.name).collect(),
        by_code: one.access_code.is_some(),
    }
}

/// A pool and its counters.
#[derive(Serialize, ToSchema)]
#[schema(as = Pool)]
pub(crate) struct PoolItem<'a> {
    name: &'a str,
    /// Units in all, allotments included.
    capacity: u32,
    free: u32,
    held: u32,
    sold: u32,
    killed: u32,
}

/// Pools, and the sequence that they are true at.
#[derive(Serialize, ToSchema)]
pub(crate) struct PoolList<'a> {
    items: Vec<PoolItem<'a>>,
    sequence: u64,
}

/// `GET /v1/events/{event}/pools`
pub(crate) async fn pools(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let owns = reader.owns(&call, event).await?;
    let published = call.published(event, owns).await?;
    let pools = configuration(&published)?.pools.iter().zip(&published.availability.pools);
    let items = pools.map(|(pool, counters)| PoolItem {
        name: &pool.name,
        capacity: pool.capacity,
        free: counters.free,
        held: counters.held,
        sold: counters.sold,
        killed: counters.killed,
    });
    let sequence = published.availability.sequence.0;
    render::read(call.headers(), &PoolList { items: items.collect(), sequence })
}

/// A channel; its code is not shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Channel)]
pub(crate) struct ChannelItem<'a> {
    name: &'a str,
    allotments: Vec<AllotmentItem<'a>>,
    /// When what is left goes to everyone by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    release_at: Option<Rfc3339>,
}

/// Units of a pool that a channel has.
#[derive(Serialize, ToSchema)]
#[schema(as = ChannelAllotment)]
pub(crate) struct AllotmentItem<'a> {
    pool: &'a str,
    /// Units that are set aside.
    quantity: u32,
    /// Units of them that can still be held by the channel's code; 0 once they went to everyone.
    left: u32,
    /// Units in holds and payments by the channel's code; absent once what was left went to everyone. What neither is left nor held nor sold
    /// was killed when it came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    held: Option<u32>,
    /// Units sold by the channel's code; absent once what was left went to everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sold: Option<u32>,
}

/// Channels, and the sequence that they are true at.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelList<'a> {
    items: Vec<ChannelItem<'a>>,
    sequence: u64,
}

/// `GET /v1/events/{event}/channels`
pub(crate) async fn channels(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let event = organizer.own_event(&call).await?.event();
    let published = call.published(event, true).await?;
    let config = configuration(&published)?;
    let shares = &published.availability.shares;
    let channels = (0_u8..).map(ChannelId).zip(&config.channels);
    let items = channels.map(|(id, channel)| channel_item(config, shares, id, channel));
    let sequence = published.availability.sequence.0;
    render::read(call.headers(), &ChannelList { items: items.collect(), sequence })
}

fn channel_item<'a>(
    config: &'a Config,
    shares: &[ChannelShare],
    id: ChannelId,
    channel: &'a Channel,
) -> ChannelItem<'a> {
    let allotment = |&(pool, quantity): &(PoolId, u32)| {
        let share = shares.iter().find(|share| share.channel == id && share.pool == pool);
        Some(AllotmentItem {
            pool: &config.pools.get(pool.index())?.name,
            quantity,
            left: share.map_or(0, |share| share.free),
            held: share.map(|share| share.held),
            sold: share.map(|share| share.sold),
        })
    };
    ChannelItem {
        name: &channel.name,
        allotments: channel.allotments.iter().filter_map(allotment).collect(),
        release_at: channel.release_at.map(Rfc3339),
    }
}

/// What is withdrawn from sale.
#[derive(Serialize, ToSchema)]
pub(crate) struct KillList<'a> {
    /// The pools with killed units, all of them on every page.
    pools: Vec<KilledUnits<'a>>,
    /// Killed seats, by index.
    seats: Vec<u32>,
    /// Where the next page of seats begins; null at the end.
    #[schema(required)]
    next: Option<String>,
    /// The sequence that the seats are true at.
    sequence: u64,
}

/// Killed units of a pool.
#[derive(Serialize, ToSchema)]
pub(crate) struct KilledUnits<'a> {
    pool: &'a str,
    quantity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KillsQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/events/{event}/kills`
pub(crate) async fn kills(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let event = organizer.own_event(&call).await?.event();
    let query: KillsQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let from: Option<u32> = super::cursor(query.cursor.as_deref(), |text| text.parse().ok())?;
    let published = call.published(event, true).await?;
    let pools = configuration(&published)?.pools.iter().zip(&published.availability.pools);
    let pools = pools.filter(|(_, counters)| counters.killed > 0);
    let map = &published.seat_map;
    let mut seats: Vec<u32> = killed_seats(map, from.unwrap_or_default()).take(limit + 1).collect();
    let next = if seats.len() > limit { seats.pop() } else { None };
    let reply = KillList {
        pools: pools
            .map(|(pool, counters)| KilledUnits { pool: &pool.name, quantity: counters.killed })
            .collect(),
        seats,
        next: next.map(|seat| seat.to_string()),
        sequence: map.sequence.0,
    };
    render::read(call.headers(), &reply)
}

fn killed_seats(map: &SeatMap, from: u32) -> impl Iterator<Item = u32> {
    let killed = move |seat: &u32| {
        let byte = usize::try_from(seat / SEATS_PER_BYTE).ok().and_then(|at| map.states.get(at));
        let state = byte.map(|byte| (byte >> (2 * (seat % SEATS_PER_BYTE))) & 0b11);
        state == Some(SeatState::Killed as u8)
    };
    (from..map.seats).filter(killed)
}

fn configuration(published: &Published) -> Result<&Config, Problem> {
    published.config.as_ref().map(|(_, config)| &**config).ok_or_else(problem::not_configured)
}
