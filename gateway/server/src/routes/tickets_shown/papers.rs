//! Pictures and files of tickets: QR, PDF, calendar.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use tessera_inventory::{ClaimState, Config, TicketRef, TicketView, Timestamp};
use tessera_paper::{Appointment, Logo, PaperError, Place, Qr, Sheet, Ticket};
use tessera_projections::ticket_designs::TicketDesign;
use tessera_projections::ticket_keys::TicketKeys;

use super::{Papers, Shown};
use crate::call::Call;
use crate::code::Code;
use crate::ids::EventTag;
use crate::instant::Rfc3339;
use crate::problem::{self, Problem};
use crate::render::claim::type_name;
use crate::render::{currency, documents};
use crate::router::Answer;
use crate::streams::StreamPermit;
use crate::vocabulary::state_name;

/// `GET /v1/events/{event}/tickets/{ticket}/qr.svg`
pub(crate) async fn qr_svg(call: Call) -> Answer {
    let text = super::addressed_qr(&call).await?;
    let svg = Qr::of(&text).map_err(failed)?.svg();
    file(&call, &svg.into(), None, "image/svg+xml", "inline; filename=\"ticket.svg\"")
}

/// `GET /v1/events/{event}/tickets/{ticket}/qr.png`
pub(crate) async fn qr_png(call: Call) -> Answer {
    let text = super::addressed_qr(&call).await?;
    let png = Qr::of(&text).and_then(|qr| qr.png()).map_err(failed)?;
    file(&call, &png.into(), None, "image/png", "inline; filename=\"ticket.png\"")
}

/// `GET /v1/events/{event}/orders/{order}/tickets.pdf`: what the caller holds of the order.
pub(crate) async fn tickets_pdf(call: Call) -> Answer {
    let shown = addressed(&call).await?;
    let own = || shown.own().filter(|(_, ticket)| !ticket.refunded);
    if own().next().is_none() {
        return Err(super::refunded());
    }
    let (papers, gateway) = (&shown.papers, call.gateway());
    let printed = papers.print(call.tag(papers.event), &gateway.ticket_keys, own())?;
    let permit = call.papers_permit(shown.access.principal(), shown.access.is_organizer())?;
    let design = gateway.ticket_designs.find(papers.event).await;
    let design = design.map_err(|error| problem::store(&error))?;
    // Whoever reads it slowly keeps the permit, as of every large document.
    let (made, permit) =
        gateway.drawing.run(move || (make_pdf(&shown.papers, &design, &printed), permit)).await?;
    file(&call, &made?.into(), Some(permit), "application/pdf", "attachment; filename=\"tickets.pdf\"")
}

/// A ticket on its way to its page.
pub(crate) struct PrintedTicket {
    index: u16,
    ticket: TicketView,
    id: String,
    qr: String,
}

impl Papers {
    /// These tickets as they are printed.
    pub(crate) fn print<'a>(
        &self,
        tag: EventTag,
        keys: &TicketKeys,
        tickets: impl Iterator<Item = (u16, &'a TicketView)>,
    ) -> Result<Vec<PrintedTicket>, Problem> {
        let print = |(index, ticket): (u16, &'a TicketView)| {
            let id = tag.ticket(TicketRef { order: self.view.number, index });
            let qr = self.sign(keys, index, ticket)?.text();
            Ok(PrintedTicket { index, ticket: *ticket, id: id.to_string(), qr })
        };
        tickets.map(print).collect()
    }

    /// The calendar file for who holds these tickets.
    pub(crate) fn calendar<'a>(
        &self,
        tag: EventTag,
        tickets: impl Iterator<Item = &'a TicketView>,
    ) -> Result<String, Problem> {
        let instant = |at: Timestamp| Rfc3339(at).instant();
        let (card, order) = (&self.card, tag.order(self.view.number));
        let mut lines = vec![order.to_string()];
        for ticket in tickets {
            let name = type_name(&self.config, self.line(ticket)?);
            lines.push(match self.seat(ticket) {
                Some(seat) => format!("{name} · {} · {} · {}", seat.section, seat.row, seat.seat),
                None => name.to_owned(),
            });
        }
        Ok(tessera_paper::calendar(&Appointment {
            uid: &format!("{order}@tessera"),
            name: &card.name,
            starts_at: instant(card.starts_at),
            ends_at: card.ends_at.map(instant),
            place: (!card.place.is_empty()).then_some(card.place.as_str()),
            description: &lines.join("\n"),
            changed_at: instant(card.changed_at),
            // Neither falls, so that every change is a later version to a calendar.
            version: self.version.saturating_add(card.changes),
        }))
    }
}

/// The PDF of tickets that are printed.
pub(crate) fn make_pdf(
    papers: &Papers,
    design: &TicketDesign,
    printed: &[PrintedTicket],
) -> Result<Vec<u8>, Problem> {
    let logo = (!design.logo.is_empty()).then(|| Logo::open(&design.logo));
    let logo = logo.transpose().map_err(|error| problem::internal(error.to_string()))?;
    let card = &papers.card;
    let sheet = Sheet {
        event: &card.name,
        starts_at: Rfc3339(card.starts_at).instant(),
        ends_at: card.ends_at.map(|ends_at| Rfc3339(ends_at).instant()),
        zone: &card.zone,
        place: (!card.place.is_empty()).then_some(card.place.as_str()),
        logo: logo.as_ref(),
        note: &design.note,
    };
    let price = |one: &PrintedTicket| Ok(price_text(&papers.config, papers.line(&one.ticket)?.price_minor));
    let prices = printed.iter().map(price).collect::<Result<Vec<_>, Problem>>()?;
    let mut tickets = Vec::with_capacity(printed.len());
    for (one, price) in printed.iter().zip(&prices) {
        let seat = papers.seat(&one.ticket);
        tickets.push(Ticket {
            qr: &one.qr,
            id: &one.id,
            ticket_type: type_name(&papers.config, papers.line(&one.ticket)?),
            place: seat.map(|seat| Place { section: seat.section, row: seat.row, seat: seat.seat }),
            price,
            number: usize::from(one.index) + 1,
            of: papers.view.tickets.len(),
        });
    }
    tessera_paper::pdf(&sheet, &tickets).map_err(failed)
}

/// `GET /v1/events/{event}/orders/{order}/calendar.ics`
pub(crate) async fn calendar(call: Call) -> Answer {
    let shown = addressed(&call).await?;
    let own = shown.own().map(|(_, ticket)| ticket).filter(|ticket| !ticket.refunded);
    let text = shown.papers.calendar(call.tag(shown.papers.event), own)?;
    file(&call, &text.into(), None, "text/calendar; charset=utf-8", "attachment; filename=\"event.ics\"")
}

/// The paid order that the path names, of which the caller holds a ticket.
async fn addressed(call: &Call) -> Result<Shown, Problem> {
    let tag = call.tag(call.event()?);
    let number = tag.parse_order(call.parameter(1)).ok_or_else(problem::order_not_found)?;
    let shown = Shown::of(call, number, problem::order_not_found).await?;
    if shown.own().next().is_some() {
        return Ok(shown);
    }
    // One that is not paid has no tickets: whose it is says who may know.
    let view = &shown.papers.view;
    if view.tickets.is_empty()
        && view.state == ClaimState::PaymentInFlight
        && shown.access.opens(view.subject)
    {
        let state = state_name(view.state);
        return Err(Problem::new(Code::WrongState, "the order is not paid").with("state", state));
    }
    Err(problem::order_not_found())
}

/// What a ticket cost, in the units of its currency.
pub(crate) fn price_text(config: &Config, minor: i64) -> String {
    let code = currency(config);
    let digits = iso_currency::Currency::from_code(code).and_then(|currency| currency.exponent());
    let digits = u32::from(digits.unwrap_or(0));
    let unit = 10_i64.saturating_pow(digits);
    let whole = minor / unit;
    match usize::try_from(digits) {
        Ok(width) if digits > 0 => format!("{code} {whole}.{:0width$}", minor % unit),
        _ => format!("{code} {whole}"),
    }
}

/// The reply with a file; with an entity tag over its bytes, or 304 where the client has them.
fn file(
    call: &Call,
    bytes: &Bytes,
    permit: Option<StreamPermit>,
    media_type: &'static str,
    disposition: &'static str,
) -> Result<HttpResponse, Problem> {
    let etag = documents::etag_of(bytes);
    let body = || match permit {
        Some(permit) => documents::body(call, bytes, || Ok(permit)),
        None => Ok(BoxBody::new(bytes.clone())),
    };
    let mut response = documents::cacheable(call.headers(), &etag, "private, no-store", body)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    Ok(response)
}

#[allow(clippy::needless_pass_by_value)] // As it comes out of a result.
fn failed(error: PaperError) -> Problem {
    problem::internal(error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_written_with_the_digits_of_its_currency() {
        let price = |code: &[u8; 3], minor: i64| {
            let text = format!(
                r#"{{"currency":"{}","pools":[{{"name":"P","capacity":1}}],"ticket_types":[{{"name":"T","price":1,"draws_on":["P"]}}]}}"#,
                std::str::from_utf8(code).unwrap()
            );
            let venue = crate::json::parse::<crate::venue::Venue>(text.as_bytes()).unwrap();
            let keys = crate::auth::Keys::derive(&[1; 32]);
            price_text(&crate::venue::resolve(&keys, &venue).unwrap(), minor)
        };
        assert_eq!(price(b"EUR", 9_005), "EUR 90.05");
        assert_eq!(price(b"EUR", 0), "EUR 0.00");
        assert_eq!(price(b"JPY", 4_500), "JPY 4500");
        assert_eq!(price(b"KWD", 1_234), "KWD 1.234");
    }
}
