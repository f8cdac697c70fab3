//! The waitlist: join, read, list, leave.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{
    Choice, ClaimNumber, CommandBody, Config, EntryNumber, EventBody, EventId, JoinWaitlist, LeftReason,
    Manner, Origin, Sequence, Subject, Subjects, WaitlistJoined,
};
use tessera_projections::waitlist::{Placed, Standing, WaitlistEntry, reason_name};
use utoipa::ToSchema;

use super::holds::{MoneyBody, amount};
use super::{Held, names};
use crate::auth::{HoldSecret, Scope, forbidden};
use crate::call::Call;
use crate::caller::{Access, Asker, Placer};
use crate::code::Code;
use crate::ids::IdText;
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::{MIN_SEQUENCE_POLL, MIN_SEQUENCE_WAIT};
use crate::object::objects;
use crate::openapi::schema;
use crate::problem::{self, Problem};
use crate::render::claim::{self, HoldReply};
use crate::render::{self, Money};
use crate::router::Answer;

/// The standing of an entry, by its name.
pub(crate) struct StandingName;
/// Why an entry waits no more, by its name.
pub(crate) struct ReasonName;

const REASONS: [LeftReason; 5] =
    [LeftReason::Left, LeftReason::Limit, LeftReason::Price, LeftReason::Closed, LeftReason::TypeGone];

schema::schemas! {
    StandingName, "WaitlistStanding" => schema::words(["waiting", "offered", "left"], "Where an entry stands.");
    ReasonName, "WaitlistLeftReason" => schema::words(REASONS.map(reason_name), "Why it waits no more, and got no offer.");
}

/// What somebody waits for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WaitlistRequest)]
pub(crate) struct JoinRequest<'a> {
    /// In the order of preference; one of them will be offered.
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 4)]
    choices: Vec<ChoiceBody<'a>>,
    /// Highest unit price.
    #[serde(borrow, default)]
    price_max: Option<MoneyBody<'a>>,
    /// Whom an organizer enters.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 128)]
    buyer: Option<Cow<'a, str>>,
    /// An organizer's: lower ones are served first, 128 is what others have.
    #[serde(default)]
    #[schema(maximum = 255)]
    priority: Option<u8>,
}

/// A ticket type, and how many of it.
#[derive(Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = WaitlistChoiceRequest)]
pub(crate) struct ChoiceBody<'a> {
    #[serde(borrow)]
    ticket_type: Cow<'a, str>,
    /// All of them or none.
    #[schema(maximum = 65535)]
    quantity: u16,
    /// How many of them are wheelchair spaces.
    #[serde(default)]
    #[schema(maximum = 255)]
    accessible: u8,
    /// Whether several groups of seats will do.
    #[serde(default)]
    accept_split: bool,
}

objects!(ChoiceBody<'a>);

/// An entry.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitlistEntry)]
pub(crate) struct EntryReply<'a> {
    id: IdText,
    /// Acts for the buyer on this entry, as `X-Hold-Secret`. Told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    secret: Option<HoldSecret>,
    #[schema(value_type = StandingName)]
    standing: &'static str,
    /// Why it waits no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ReasonName>, nullable = false)]
    reason: Option<&'static str>,
    choices: Vec<ChoiceReply<'a>>,
    /// Highest unit price.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    price_max: Option<Money<'a>>,
    priority: u8,
    since: Rfc3339,
    /// When the standing changed last.
    changed_at: Rfc3339,
    /// What is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    offer: Option<OfferReply<'a>>,
    /// Up to where the entry follows the event.
    sequence: u64,
}

/// A choice of an entry.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitlistChoice)]
pub(crate) struct ChoiceReply<'a> {
    ticket_type: &'a str,
    quantity: u16,
    accessible: u8,
    accept_split: bool,
    /// About how many wait for the type before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    before: Option<u64>,
}

/// An offer: a hold.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitlistOffer)]
pub(crate) struct OfferReply<'a> {
    id: IdText,
    /// When it ends, unless its payment is begun.
    deadline_at: Rfc3339,
    /// The hold, while it lives, and the order that it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hold: Option<HoldReply<'a>>,
}

/// A page of entries.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitlistPage)]
pub(crate) struct EntryList<'a> {
    items: Vec<EntryReply<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<IdText>,
    /// How far the list follows the event.
    sequence: u64,
}

/// `POST /v1/events/{event}/waitlist`
pub(crate) async fn join(call: Call, placer: Placer) -> Answer {
    let event = call.event()?;
    match placer {
        Placer::Buyer(buyer) => {
            let bytes = call.command_body().await?;
            let request: JoinRequest<'_> = json::parse(&bytes)?;
            if request.buyer.is_some() || request.priority.is_some() {
                return Err(forbidden(Scope::OrdersWrite.name()));
            }
            call.published(event, false).await?;
            let access = buyer.buys_at(&call, event).await?;
            join_as(&call, &access, buyer.subject, (&request, &bytes)).await
        }
        Placer::Organizer(organizer) => {
            let access = organizer.own_event(&call).await?;
            let bytes = call.command_body().await?;
            let request: JoinRequest<'_> = json::parse(&bytes)?;
            let Some(buyer) = &request.buyer else {
                let message = "say by reference which buyer it is for";
                return Err(Problem::field(Code::MissingField, "buyer", message));
            };
            let buyer = super::known_buyer(&call, organizer.tenant.number(), buyer, || "buyer".to_owned())?;
            join_as(&call, &access, buyer, (&request, &bytes)).await
        }
    }
}

async fn join_as(
    call: &Call,
    access: &Access,
    buyer: Subject,
    (request, bytes): (&JoinRequest<'_>, &[u8]),
) -> Answer {
    let event = access.event();
    let published = call.published(event, access.is_organizer()).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::not_configured)?;
    let choices = request.choices.iter().enumerate().map(|(at, body)| choice(config, at, body));
    let price_max = request.price_max.as_ref();
    let body = CommandBody::JoinWaitlist(JoinWaitlist {
        subjects: Subjects { primary: buyer, extra: Vec::new() },
        choices: choices.collect::<Result<_, _>>()?,
        price_max_minor: price_max
            .map(|price| amount(config, price, || "price_max".to_owned()))
            .transpose()?,
        priority: request.priority,
    });
    let decided = call.decide(access, body, bytes).await?;
    let EventBody::WaitlistJoined(joined) = &decided.event.body else { return Err(problem::another_event()) };
    let number = EntryNumber(decided.sequence.0);
    let reply = EntryReply {
        secret: Some(call.keys().hold_secret(event, ClaimNumber(number.0), buyer)),
        ..joined_reply(call, event, config, (decided.sequence, Rfc3339(decided.event.at)), joined)
    };
    render::decision(StatusCode::CREATED, decided.mark, &reply)
}

fn choice(config: &Config, at: usize, body: &ChoiceBody<'_>) -> Result<Choice, Problem> {
    let ticket_type = names::ticket_type(config, &body.ticket_type)?;
    let is_seated =
        config.ticket_types.get(ticket_type.index()).is_some_and(|known| known.category.is_some());
    let manner = match (body.accessible, body.accept_split) {
        (0, true) => Manner::TogetherOrSplit,
        (0, false) if is_seated => Manner::Together,
        (0, false) => Manner::Standing,
        (spaces, false) => Manner::Accessible(spaces),
        (_, true) => {
            let message = "wait for wheelchair spaces together, or for seats that may be split";
            return Err(Problem::field(Code::InvalidValue, format!("choices[{at}].accept_split"), message));
        }
    };
    Ok(Choice { ticket_type, quantity: body.quantity, manner })
}

fn choice_reply<'a>(config: &'a Config, choice: &Choice, before: Option<u64>) -> ChoiceReply<'a> {
    let known = config.ticket_types.get(choice.ticket_type.index());
    ChoiceReply {
        ticket_type: known.map_or("", |known| &*known.name),
        quantity: choice.quantity,
        accessible: choice.manner.accessible(),
        accept_split: choice.manner == Manner::TogetherOrSplit,
        before,
    }
}

/// What is answered to who joined.
fn joined_reply<'a>(
    call: &Call,
    event: EventId,
    config: &'a Config,
    (sequence, at): (Sequence, Rfc3339),
    joined: &WaitlistJoined,
) -> EntryReply<'a> {
    EntryReply {
        id: call.tag(event).entry(EntryNumber(sequence.0)),
        secret: None,
        standing: "waiting",
        reason: None,
        choices: joined.choices.iter().map(|choice| choice_reply(config, choice, None)).collect(),
        price_max: joined.price_max_minor.map(|minor| Money::new(minor, config)),
        priority: joined.priority,
        since: at,
        changed_at: at,
        offer: None,
        sequence: sequence.0,
    }
}

/// An entry as its row shows it, without what became of its offer.
fn entry_reply<'a>(
    call: &Call,
    event: EventId,
    config: &'a Config,
    placed: &Placed,
    sequence: Sequence,
) -> EntryReply<'a> {
    let (entry, tag) = (&placed.entry, call.tag(event));
    let before = |at: usize| placed.before.get(at).copied();
    let choices = entry.waited.iter().enumerate();
    let (standing, reason, offer) = match entry.standing {
        Standing::Waiting => ("waiting", None, None),
        Standing::Offered { hold, deadline_at } => {
            let offer = OfferReply { id: tag.hold(hold), deadline_at: Rfc3339(deadline_at), hold: None };
            ("offered", None, Some(offer))
        }
        Standing::Left(reason) => ("left", Some(reason_name(reason)), None),
    };
    EntryReply {
        id: tag.entry(entry.number),
        secret: None,
        standing,
        reason,
        choices: choices.map(|(at, waited)| choice_reply(config, &waited.choice, before(at))).collect(),
        price_max: entry.price_max_minor.map(|minor| Money::new(minor, config)),
        priority: entry.priority,
        since: Rfc3339(entry.since),
        changed_at: Rfc3339(entry.changed_at),
        offer,
        sequence: sequence.0,
    }
}

/// The entry of the path, and the caller's right to it.
async fn addressed(call: &Call, scope: Scope) -> Result<(EntryNumber, Access), Problem> {
    let event = call.event()?;
    let number = call.tag(event).parse_entry(call.parameter(1)).ok_or_else(problem::entry_not_found)?;
    let claim = ClaimNumber(number.0);
    let access = Access::to(call, event, claim, Some(scope), problem::entry_not_found).await?;
    Ok((number, access))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadQuery {
    min_sequence: Option<u64>,
}

/// `GET /v1/events/{event}/waitlist/{entry}`
pub(crate) async fn read(call: Call) -> Answer {
    let (number, access) = addressed(&call, Scope::EventsRead).await?;
    let event = access.event();
    let query: ReadQuery = call.query()?;
    let published = call.published(event, access.is_organizer()).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::entry_not_found)?;
    // Who has just joined finds the entry.
    let joined = if config.waitlist.is_some() { number.0.min(published.availability.sequence.0) } else { 0 };
    let wanted = Sequence(query.min_sequence.unwrap_or(0).max(joined));
    let sequence = reached(&call, &access, wanted).await?;
    let waitlists = &call.gateway().waitlists;
    let placed = waitlists.get(event, number).await.map_err(|error| problem::store(&error))?;
    let placed =
        placed.filter(|placed| opens(&access, &placed.entry)).ok_or_else(problem::entry_not_found)?;
    let offered = match placed.entry.standing {
        Standing::Offered { hold, .. } => call.claim(event, hold).await?,
        Standing::Waiting | Standing::Left(_) => (sequence, None),
    };
    let held = match &offered.1 {
        Some(view) => Some((view, Held::of(&call, event, view).await?)),
        None => None,
    };
    let mut reply = entry_reply(&call, event, config, &placed, sequence);
    if let (Some(offer), Some((view, held))) = (&mut reply.offer, &held) {
        let secret = access.subject().map(|subject| call.keys().hold_secret(event, view.number, subject));
        let came_about = (Origin::Offer, Some(number));
        let shown = claim::hold_view(call.tag(event), offered.0, view, held.lines(config), came_about);
        offer.hold = Some(HoldReply { secret, ..shown });
    }
    render::read(call.headers(), &reply)
}

fn opens(access: &Access, entry: &WaitlistEntry) -> bool {
    access.opens(entry.subject)
}

/// How far the rows are, once they have reached `wanted` or a bounded time has passed.
async fn reached(call: &Call, access: &Access, wanted: Sequence) -> Result<Sequence, Problem> {
    let (event, waitlists) = (access.event(), &call.gateway().waitlists);
    let stands = async || waitlists.sequence(event).await.map_err(|error| problem::store(&error));
    let mut found = stands().await?;
    if call.is_head() || found >= wanted {
        return Ok(found);
    }
    let _permit = call.stream_permit(Some(access.principal()), false)?;
    let clock = &call.gateway().environment.clock;
    let give_up_at = clock.monotonic().0 + u64::try_from(MIN_SEQUENCE_WAIT.as_micros()).unwrap_or(u64::MAX);
    while found < wanted && clock.monotonic().0 < give_up_at {
        tokio::time::sleep(MIN_SEQUENCE_POLL).await;
        found = stands().await?;
    }
    Ok(found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
    min_sequence: Option<u64>,
}

/// `GET /v1/events/{event}/waitlist`
pub(crate) async fn list(call: Call, asker: Asker) -> Answer {
    let access = match asker {
        Asker::Buyer(buyer) => buyer.buys_at(&call, call.event()?).await?,
        Asker::Organizer(organizer) => organizer.own_event(&call).await?,
    };
    let event = access.event();
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let after = super::cursor(query.cursor.as_deref(), |text| call.tag(event).parse_entry(text))?;
    let published = call.published(event, access.is_organizer()).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::not_configured)?;
    if let Some(wanted) = query.min_sequence {
        reached(&call, &access, Sequence(wanted)).await?;
    }
    let page = call.gateway().waitlists.list(event, access.subject(), after, limit).await;
    let page = page.map_err(|error| problem::store(&error))?;
    let item = |placed: &Placed| entry_reply(&call, event, config, placed, page.sequence);
    let reply = EntryList {
        items: page.entries.iter().map(item).collect(),
        next: page.next.map(|number| call.tag(event).entry(number)),
        sequence: page.sequence.0,
    };
    render::read(call.headers(), &reply)
}

/// An entry that was left.
#[derive(Serialize, ToSchema)]
#[schema(as = LeftWaitlist)]
pub(crate) struct Left {
    id: IdText,
    /// `left`
    standing: &'static str,
    sequence: u64,
}

/// `POST /v1/events/{event}/waitlist/{entry}/leave`
pub(crate) async fn leave(call: Call) -> Answer {
    let (entry, access) = addressed(&call, Scope::OrdersWrite).await?;
    let bytes = call.command_body().await?;
    json::parse::<super::Nothing>(&bytes)?;
    let event = access.event();
    call.published(event, access.is_organizer()).await?;
    let decided = call.decide(&access, CommandBody::LeaveWaitlist { entry }, &bytes).await?;
    let Sequence(sequence) = decided.sequence;
    let reply = Left { id: call.tag(event).entry(entry), standing: "left", sequence };
    render::decision(StatusCode::OK, decided.mark, &reply)
}
