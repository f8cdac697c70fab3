//! What a message says: the facts of its kind for its template, and the files that come with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_actors::{Letter, ShownOrder};
use tessera_correspondence::{Kind, Medium, Templates, Want};
use tessera_inventory::{ClaimNumber, TicketView};
use tessera_messages::{Attachment, Compiled, Fact, Facts, Rendered, example, render};
use tessera_projections::catalogue::CatalogueEvent;
use tessera_projections::ticket_designs::{TicketDesign, TicketDesigns};
use tessera_projections::ticket_keys::TicketKeys;
use tessera_store::StoreError;

use super::{Writing, opt_out, wording};
use crate::auth::Keys;
use crate::ids::EventTag;
use crate::problem::Problem;
use crate::render::changes::dispute_name;
use crate::render::claim::type_name;
use crate::routes::tickets_shown::Papers;
use crate::routes::tickets_shown::papers::{make_pdf, price_text};

/// Makes messages.
pub(super) struct Composer {
    keys: Keys,
    templates: Templates,
    designs: TicketDesigns,
    ticket_keys: Arc<TicketKeys>,
    /// How people reach this server; empty: not said.
    public_url: String,
}

/// What is looked up before a message is made.
pub(super) struct Prepared {
    locale: String,
    template: Compiled,
    /// Through what it goes.
    medium: Medium,
    /// How tickets look, where they come with it.
    design: Option<TicketDesign>,
}

/// A message, made.
pub(super) struct Made {
    pub(super) rendered: Rendered,
    pub(super) attachments: Vec<Attachment>,
    /// Where who reads it opts out.
    pub(super) opt_out: Option<String>,
}

/// What became of a message.
pub(super) enum Composed {
    /// It goes.
    Made(Box<Made>),
    /// There is nothing left to be said: its tickets are refunded, or somebody else's.
    Pointless,
    /// It cannot be made.
    Failed(String),
}

/// Kinds that come with the tickets.
fn brings_tickets(want: &Want) -> bool {
    // Of a transfer the receiver gets them: the buyer is told by its order.
    let is_moved = want.kind == Kind::Change && want.order.is_some();
    matches!(want.kind, Kind::Confirmation | Kind::Reminder) || is_moved || is_receiver(want)
}

/// Whether a ticket was handed to the recipient. Older wants to givers say only that they are buyers.
fn is_receiver(want: &Want) -> bool {
    want.kind == Kind::Transfer && !want.is_giver && want.recipient.order.is_none()
}

impl Composer {
    pub(super) fn new(writing: &Writing<'_>, public_url: String) -> Composer {
        Composer {
            keys: writing.keys.clone(),
            templates: Templates::new(Arc::clone(writing.table)),
            designs: TicketDesigns::new(Arc::clone(writing.table)),
            ticket_keys: Arc::clone(writing.ticket_keys),
            public_url,
        }
    }

    /// The name of a message: the same for the same event of the log, recipient and kind, however often it is sent.
    pub(super) fn name(&self, want: &Want) -> String {
        let place = want.place;
        let mut about = place.event.0.to_be_bytes().to_vec();
        about.extend(place.sequence.0.to_be_bytes());
        about.extend(place.recipient.to_be_bytes());
        about.push(place.kind);
        format!("{:032x}", self.keys.message_name(&about))
    }

    /// Looks up what a message is made with.
    pub(super) async fn prepare(&self, letter: &Letter, medium: Medium) -> Result<Prepared, StoreError> {
        let (organizer, kind) = (letter.card.organizer, letter.want.kind);
        let locale = letter.reached.locale.as_deref();
        let (locale, template) = super::template(&self.templates, organizer, (kind, medium), locale).await?;
        let design = if brings_tickets(&letter.want) && !medium.is_short() {
            Some(self.designs.find(letter.want.place.event).await?)
        } else {
            None
        };
        Ok(Prepared { locale, template, medium, design })
    }

    /// Makes a message. It takes a core for as long as it takes.
    pub(super) fn compose(&self, letter: &Letter, prepared: &Prepared) -> Composed {
        let papers = letter.order.as_ref().map(|order| papers(letter, order));
        let held = papers.as_ref().map(|papers| held(papers, &letter.want)).unwrap_or_default();
        if held.is_empty() && brings_tickets(&letter.want) {
            return Composed::Pointless;
        }
        match self.make(letter, prepared, papers.as_ref(), &held) {
            Ok(made) => Composed::Made(Box::new(made)),
            Err(reason) => Composed::Failed(reason),
        }
    }

    fn make(
        &self,
        letter: &Letter,
        prepared: &Prepared,
        papers: Option<&Papers>,
        held: &[(u16, TicketView)],
    ) -> Result<Made, String> {
        let want = &letter.want;
        // What stands there for all to see is nobody's to refuse.
        let opt_out = if prepared.medium.is_public() { None } else { self.opt_out_link(want) };
        let facts = self.facts(letter, &prepared.locale, papers, held).map_err(|problem| why(&problem))?;
        let facts = facts.text("links.opt_out", opt_out.clone().unwrap_or_default());
        let rendered = render(want.kind, &prepared.template, &facts).map_err(|error| error.to_string())?;
        let mut attachments = Vec::new();
        if let (Some(papers), Some(design)) = (papers, &prepared.design) {
            let tag = EventTag::new(&self.keys, papers.event);
            let tickets = || held.iter().map(|(index, ticket)| (*index, ticket));
            let printed = papers.print(tag, &self.ticket_keys, tickets()).map_err(|problem| why(&problem))?;
            let pdf = make_pdf(papers, design, &printed).map_err(|problem| why(&problem))?;
            attachments.push(file("tickets.pdf", "application/pdf", pdf));
            let of = tickets().map(|(_, ticket)| ticket);
            let calendar = papers.calendar(tag, of).map_err(|problem| why(&problem))?;
            attachments.push(file("event.ics", "text/calendar; charset=utf-8", calendar.into_bytes()));
        }
        Ok(Made { rendered, attachments, opt_out })
    }

    /// Where the recipient says that it does not want to hear this kind of thing any more.
    fn opt_out_link(&self, want: &Want) -> Option<String> {
        let is_offered = want.kind.may_be_refused() && !self.public_url.is_empty();
        let token = || opt_out(&self.keys, want.recipient.subject, want.kind);
        is_offered.then(|| format!("{}/v1/opt-outs/{}", self.public_url, token()))
    }

    /// What the message says.
    fn facts(
        &self,
        letter: &Letter,
        locale: &str,
        papers: Option<&Papers>,
        held: &[(u16, TicketView)],
    ) -> Result<Facts, Problem> {
        let Letter { want, card, reached, said, .. } = letter;
        let time = |at| wording::time(at, &card.zone, locale);
        let tag = EventTag::new(&self.keys, want.place.event);
        let order_id = |number: ClaimNumber| tag.order(number).to_string();
        let mut facts = of_event(Facts::default(), card, locale)
            .text("recipient.name", reached.name.clone().unwrap_or_default())
            .text("order.id", want.order.or(want.recipient.order).map(order_id).unwrap_or_default())
            .with("refund.count", Fact::Number(want.tickets.len() as u64))
            .text("offer.deadline", want.expires_at.map(time).unwrap_or_default());
        facts = facts.text("transfer.is_receiver", if is_receiver(want) { "yes" } else { "" });
        if let Some(dispute) = want.dispute {
            // At its order the buyer is told.
            let is_team = if want.recipient.order.is_none() { "yes" } else { "" };
            facts = facts
                .text("dispute.what", dispute_name(dispute))
                .with("dispute.count", Fact::Number(want.tickets.len() as u64))
                .text("dispute.is_team", is_team);
        }
        if let Some(papers) = papers {
            facts = of_order(facts, papers, held)?;
        }
        for (name, text) in said {
            facts = match name.as_str() {
                "change" => facts.text("change.what", text.as_str()),
                "title" => facts.text("message.title", text.as_str()),
                "text" => facts.text("message.text", text.as_str()),
                _ => facts,
            };
        }
        Ok(facts)
    }
}

/// What a message of a kind says of an order, where what the order does not know is as in the example of the kind.
pub(crate) fn facts_of_order(
    keys: &Keys,
    kind: Kind,
    papers: &Papers,
    locale: &str,
) -> Result<Facts, Problem> {
    let order = EventTag::new(keys, papers.event).order(papers.view.number);
    let mut facts = of_event(example(kind), &papers.card, locale).text("order.id", order.to_string());
    if let Some(deadline_at) = papers.view.deadline_at {
        facts = facts.text("offer.deadline", wording::time(deadline_at, &papers.card.zone, locale));
    }
    let held: Vec<_> = papers
        .tickets()
        .filter(|(_, ticket)| !ticket.refunded)
        .map(|(index, ticket)| (index, *ticket))
        .collect();
    of_order(facts, papers, &held)
}

/// The same and what is said of an event.
fn of_event(facts: Facts, card: &CatalogueEvent, locale: &str) -> Facts {
    let time = |at| wording::time(at, &card.zone, locale);
    facts
        .text("event.name", card.name.as_str())
        .text("event.starts_at", time(card.starts_at))
        .text("event.ends_at", card.ends_at.map(time).unwrap_or_default())
        .text("event.place", card.place.as_str())
        .text("event.zone", card.zone.as_str())
}

/// The same and what is said of an order, of which these tickets are shown.
fn of_order(facts: Facts, papers: &Papers, held: &[(u16, TicketView)]) -> Result<Facts, Problem> {
    let total = price_text(&papers.config, papers.view.total_minor());
    Ok(facts.text("order.total", total).with("tickets", Fact::List(tickets(papers, held)?)))
}

fn papers(letter: &Letter, order: &ShownOrder) -> Papers {
    Papers {
        event: letter.want.place.event,
        view: order.view.clone(),
        config: Arc::clone(&order.config),
        version: order.version,
        card: Arc::new(letter.card.clone()),
    }
}

/// The tickets that a message is about and that its recipient holds; who handed one on is told of it all the same.
fn held(papers: &Papers, want: &Want) -> Vec<(u16, TicketView)> {
    let is_named = |index: u16| want.tickets.is_empty() || want.tickets.contains(&index);
    let is_own = |ticket: &TicketView| ticket.holder == want.recipient.subject || !brings_tickets(want);
    let of =
        papers.tickets().filter(|(index, ticket)| is_named(*index) && is_own(ticket) && !ticket.refunded);
    of.map(|(index, ticket)| (index, *ticket)).collect()
}

/// What a message says of tickets; of what is held for somebody, of each line.
fn tickets(
    papers: &Papers,
    held: &[(u16, TicketView)],
) -> Result<Vec<BTreeMap<&'static str, String>>, Problem> {
    let of = |kind: &str, place: String, minor: i64| {
        BTreeMap::from([
            ("type", kind.to_owned()),
            ("place", place),
            ("price", price_text(&papers.config, minor)),
        ])
    };
    if papers.view.tickets.is_empty() {
        let line = |line: &tessera_inventory::Line| {
            let kind = type_name(&papers.config, line);
            of(&format!("{} × {kind}", line.quantity), String::new(), line.price_minor)
        };
        return Ok(papers.view.lines.iter().map(line).collect());
    }
    let mut all = Vec::with_capacity(held.len());
    for (_, ticket) in held {
        let line = papers.line(ticket)?;
        let seat = papers.seat(ticket);
        let place = seat.map(|seat| format!("{} · {} · {}", seat.section, seat.row, seat.seat));
        all.push(of(type_name(&papers.config, line), place.unwrap_or_default(), line.price_minor));
    }
    Ok(all)
}

fn file(name: &'static str, media_type: &'static str, bytes: Vec<u8>) -> Attachment {
    Attachment { name, media_type, bytes }
}

/// Why papers could not be made.
fn why(problem: &Problem) -> String {
    format!("its papers could not be made: {}", problem.code().text())
}
