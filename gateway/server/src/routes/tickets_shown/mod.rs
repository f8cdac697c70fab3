//! Tickets as they are shown to those who hold them: what they say, their QR, the papers of an order.

pub(crate) mod design;
pub(crate) mod papers;
pub(crate) mod ticket_keys;

use std::sync::Arc;

use serde::Serialize;
use tessera_inventory::{ClaimNumber, ClaimView, Config, EventId, Line, TicketRef, TicketView};
use tessera_projections::catalogue::CatalogueEvent;
use tessera_projections::ticket_keys::TicketKeys;
use tessera_tickets::{EventMark, HOUR_MS, Printed, Signed};
use utoipa::ToSchema;

use crate::auth::Scope;
use crate::call::Call;
use crate::caller::Access;
use crate::code::Code;
use crate::ids::IdText;
use crate::instant::Rfc3339;
use crate::limits::TICKET_GRACE_MS;
use crate::problem::{self, Problem};
use crate::render;
use crate::render::claim::type_name;
use crate::render::hall::{SeatPlace, seat_place};
use crate::router::Answer;

/// An order whose tickets are shown, to whom some of them belong.
pub(super) struct Shown {
    access: Access,
    papers: Papers,
}

/// What the tickets of an order say.
pub(crate) struct Papers {
    pub(crate) event: EventId,
    pub(crate) view: Box<ClaimView>,
    pub(crate) config: Arc<Config>,
    pub(crate) version: u32,
    pub(crate) card: Arc<CatalogueEvent>,
}

impl Shown {
    /// The order of this number; `absent` is the answer where the caller may not know of it.
    async fn of(call: &Call, number: ClaimNumber, absent: fn() -> Problem) -> Result<Shown, Problem> {
        let event = call.event()?;
        let access = Access::to(call, event, number, Some(Scope::EventsRead), absent).await?;
        let published = call.published(event, access.is_organizer()).await?;
        let (_, view) = call.claim(event, number).await?;
        let view = view.ok_or_else(absent)?;
        let (version, config) = published.config.clone().ok_or_else(absent)?;
        let papers = Papers { event, view, config, version, card: call.card(event).await? };
        Ok(Shown { access, papers })
    }

    /// The tickets that are the caller's, an organizer's being all, with their positions.
    fn own(&self) -> impl Iterator<Item = (u16, &TicketView)> {
        self.papers.tickets().filter(|(_, ticket)| self.access.opens(ticket.holder))
    }
}

impl Papers {
    /// All tickets, with their positions.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = (u16, &TicketView)> {
        (0..).zip(&self.view.tickets)
    }

    pub(crate) fn line(&self, ticket: &TicketView) -> Result<&Line, Problem> {
        let line = self.view.lines.get(usize::from(ticket.line));
        line.ok_or_else(|| problem::internal("a ticket is of no line of its order"))
    }

    pub(crate) fn seat(&self, ticket: &TicketView) -> Option<SeatPlace<'_>> {
        ticket.seat.and_then(|seat| seat_place(&self.config, seat))
    }

    /// What the QR of a ticket says, signed by the newest key.
    pub(crate) fn sign(&self, keys: &TicketKeys, index: u16, ticket: &TicketView) -> Result<Signed, Problem> {
        let too_large = || problem::internal("the number of a ticket does not fit its QR");
        let valid_until_ms = self.card.ends_at.map(|ends_at| ends_at.0.saturating_add(TICKET_GRACE_MS));
        let printed = Printed {
            event: EventMark::of(self.event.0),
            order: self.view.number.0,
            index: u8::try_from(index).map_err(|_| too_large())?,
            generation: ticket.generation,
            ticket_type: self.line(ticket)?.ticket_type.0,
            valid_until_h: valid_until_ms.map_or(0, hours),
        };
        printed.sign(&keys.ring().signing).ok_or_else(too_large)
    }
}

/// Hours since the Unix epoch, rounded up; a time beyond what a ticket can say is no end.
fn hours(at_ms: u64) -> u32 {
    u32::try_from(at_ms.div_ceil(HOUR_MS)).unwrap_or(0)
}

/// A ticket as it is shown to its holder.
#[derive(Serialize, ToSchema)]
#[schema(as = ShownTicket)]
pub(crate) struct ShownReply<'a> {
    id: IdText,
    order: IdText,
    ticket_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seat: Option<SeatPlace<'a>>,
    generation: u8,
    refunded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checked_in_at: Option<Rfc3339>,
    /// The text of its QR; absent once it is refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    qr: Option<String>,
    /// Where the PDF of what the caller holds of the order is.
    pdf: String,
    /// Where the calendar file is.
    calendar: String,
}

/// The ticket that the path names, and its order.
pub(super) async fn addressed(call: &Call) -> Result<(Shown, TicketRef, TicketView), Problem> {
    let tag = call.tag(call.event()?);
    let named = tag.parse_ticket(call.parameter(1)).ok_or_else(problem::ticket_not_found)?;
    let shown = Shown::of(call, named.order, problem::ticket_not_found).await?;
    let found = shown.own().find(|(index, _)| *index == named.index).map(|(_, ticket)| *ticket);
    let ticket = found.ok_or_else(problem::ticket_not_found)?;
    Ok((shown, named, ticket))
}

/// The text of the QR of the ticket that the path names.
pub(super) async fn addressed_qr(call: &Call) -> Result<String, Problem> {
    let (shown, named, ticket) = addressed(call).await?;
    if ticket.refunded {
        return Err(refunded());
    }
    Ok(shown.papers.sign(&call.gateway().ticket_keys, named.index, &ticket)?.text())
}

pub(super) fn refunded() -> Problem {
    Problem::new(Code::TicketRefunded, "a ticket that was refunded is not shown")
}

/// `GET /v1/events/{event}/tickets/{ticket}`
pub(crate) async fn read(call: Call) -> Answer {
    let (shown, named, ticket) = addressed(&call).await?;
    let papers = &shown.papers;
    let tag = call.tag(papers.event);
    let order = tag.order(named.order);
    let below = |file: &str| format!("/v1/events/{}/orders/{order}/{file}", call.parameter(0));
    let sign = || papers.sign(&call.gateway().ticket_keys, named.index, &ticket);
    let qr = if ticket.refunded { None } else { Some(sign()?.text()) };
    let reply = ShownReply {
        id: tag.ticket(named),
        order,
        ticket_type: type_name(&papers.config, papers.line(&ticket)?),
        seat: papers.seat(&ticket),
        generation: ticket.generation,
        refunded: ticket.refunded,
        checked_in_at: ticket.checked_in.map(|(at, _)| Rfc3339(at)),
        qr,
        pdf: below("tickets.pdf"),
        calendar: below("calendar.ics"),
    };
    render::read(call.headers(), &reply)
}
