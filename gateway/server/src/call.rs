//! One request on its way through a controller.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use serde::de::DeserializeOwned;
use tessera_actors::{ActivateError, Answer, InventoryRouter, Published};
use tessera_inventory::{
    ClaimNumber, ClaimView, Command, CommandBody, Event, EventId, IdempotencyKey, Phase, Rejection, Sequence,
};
use tessera_projections::catalogue::CatalogueEvent;
use tessera_proof::{Place, ReceiptId};
use tessera_writer::Ask;

use crate::auth::Keys;
use crate::caller::{Access, Principal};
use crate::client_address;
use crate::elsewhere;
use crate::gateway::{Gateway, Worker};
use crate::idempotency::RequestKey;
use crate::ids::{self, EventTag, IdText, Kind};
use crate::json;
use crate::limits::{COMMAND_BYTES_MAX, SETTLE_DEADLINE};
use crate::problem::{self, Problem};
use crate::query;
use crate::rate_limit::{self, Left, RateLimits};
use crate::refusal;
use crate::render::Mark;
use crate::router::{Matched, Route};
use crate::streams::{StreamPermit, Watcher};
use crate::traces::RequestTrace;

/// One request on its way through a controller.
pub(crate) struct Call {
    pub(crate) worker: Rc<Worker>,
    pub(crate) request: HttpRequest,
    pub(crate) route: Route,
    parameters: [(u16, u16); 2],
    payload: RefCell<Payload>,
    /// What is left of the narrowest limit that the request was counted against.
    left: Rc<Cell<Option<Left>>>,
    /// Of a request that is traced.
    trace: Option<Rc<RequestTrace>>,
}

/// An accepted command.
pub(crate) struct Decided {
    /// Sequence of its event.
    pub(crate) sequence: Sequence,
    /// Its event.
    pub(crate) event: Arc<Event>,
    /// The hold or order that it concerns, where its reply shows the lines and it had not ended.
    pub(crate) claim: Option<Box<ClaimView>>,
    /// What its reply says besides.
    pub(crate) mark: Mark,
}

impl Call {
    pub(crate) fn new(
        worker: Rc<Worker>,
        request: HttpRequest,
        payload: Payload,
        matched: Matched,
        (left, trace): (Rc<Cell<Option<Left>>>, Option<Rc<RequestTrace>>),
    ) -> Call {
        Call {
            worker,
            request,
            route: matched.route,
            parameters: matched.parameters,
            payload: RefCell::new(payload),
            left,
            trace,
        }
    }

    /// Counts the request against a limit, which its reply tells of.
    pub(crate) fn counted(
        &self,
        count: impl FnOnce(&RateLimits) -> Result<Option<Left>, Problem>,
    ) -> Result<(), Problem> {
        if let Some(left) = count(&self.gateway().rate_limits)? {
            self.left.set(Some(left));
        }
        Ok(())
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.worker.gateway
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.worker.gateway.keys
    }

    pub(crate) fn inventory(&self) -> &InventoryRouter {
        &self.worker.inventory
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// A parameter of the path, as it stands there.
    pub(crate) fn parameter(&self, position: usize) -> &str {
        let (from, to) = self.parameters[position];
        self.request.path().get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    /// The event that the path names.
    pub(crate) fn event(&self) -> Result<EventId, Problem> {
        ids::parse_event(self.parameter(0)).ok_or_else(problem::event_not_found)
    }

    pub(crate) fn tag(&self, event: EventId) -> EventTag {
        EventTag::new(self.keys(), event)
    }

    /// Whether only the headers of the answer are wanted.
    pub(crate) fn is_head(&self) -> bool {
        self.request.method() == Method::HEAD
    }

    /// The rest of the connection, where it becomes a WebSocket.
    pub(crate) fn take_payload(&self) -> Payload {
        self.payload.borrow_mut().take()
    }

    /// A permit to keep this connection waiting.
    pub(crate) fn stream_permit(
        &self,
        principal: Option<Principal>,
        organizer: bool,
    ) -> Result<StreamPermit, Problem> {
        self.gateway().streams.take(self.watcher(principal, organizer))
    }

    /// A permit for a large document on its way to this connection.
    pub(crate) fn download_permit(
        &self,
        principal: Option<Principal>,
        organizer: bool,
    ) -> Result<StreamPermit, Problem> {
        self.gateway().downloads.take(self.watcher(principal, organizer))
    }

    /// A permit for papers of tickets, from their turn to be made until they are read.
    pub(crate) fn papers_permit(
        &self,
        principal: Principal,
        organizer: bool,
    ) -> Result<StreamPermit, Problem> {
        self.gateway().papers.take(self.watcher(Some(principal), organizer))
    }

    fn watcher(&self, principal: Option<Principal>, organizer: bool) -> Watcher {
        Watcher { address: self.address(), principal, organizer }
    }

    /// Where it comes from, as rate limits count it.
    pub(crate) fn address(&self) -> u128 {
        let address = client_address::of(&self.request, &self.gateway().settings.http.trusted_proxies);
        rate_limit::address_key(address)
    }

    /// The body of a request that needs no key.
    pub(crate) async fn body(&self) -> Result<Bytes, Problem> {
        self.body_up_to(COMMAND_BYTES_MAX).await
    }

    /// The body of a command, which has an idempotency key: that is missed before anything is looked up.
    pub(crate) async fn command_body(&self) -> Result<Bytes, Problem> {
        RequestKey::required(self.headers())?;
        self.body().await
    }

    /// The body, at most `bytes_max`.
    // One request has one controller, which reads its body once: the borrow is never contended.
    #[allow(clippy::await_holding_refcell_ref)]
    pub(crate) async fn body_up_to(&self, bytes_max: usize) -> Result<Bytes, Problem> {
        json::body(self.headers(), &mut self.payload.borrow_mut(), bytes_max).await
    }

    /// The body as it came, whatever it says that it is, at most `bytes_max`, within `deadline`.
    #[allow(clippy::await_holding_refcell_ref)] // as above
    pub(crate) async fn raw_body_up_to(
        &self,
        bytes_max: usize,
        deadline: Duration,
    ) -> Result<Bytes, Problem> {
        json::raw_body(self.headers(), &mut self.payload.borrow_mut(), bytes_max, deadline).await
    }

    /// The query of a read.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        query::parse(self.request.query_string())
    }

    /// The published view of an event; `None` where nothing was ever decided on it.
    pub(crate) async fn opened(&self, event: EventId) -> Result<Option<Arc<Published>>, Problem> {
        let published = match self.inventory().published(event) {
            Some(published) => published,
            None => match self.inventory().activate(event, self.gateway().deadline).await {
                Ok(published) => published,
                Err(ActivateError::NotFound) => return Ok(None),
                Err(error) => return Err(problem::activation(&error)),
            },
        };
        elsewhere::note_view(self, event, &published);
        // A writer that has refused something has claimed the event, and decided nothing on it.
        Ok((published.availability.sequence > Sequence::ZERO).then_some(published))
    }

    /// The published view of an event that there is. A draft is not there, except for its organizer, who is told to configure it
    /// where that was never done.
    pub(crate) async fn published(
        &self,
        event: EventId,
        sees_drafts: bool,
    ) -> Result<Arc<Published>, Problem> {
        match self.opened(event).await? {
            Some(published) if sees_drafts || published.availability.phase != Phase::Draft => Ok(published),
            None if sees_drafts => {
                self.card(event).await?;
                Err(problem::not_configured())
            }
            Some(_) | None => Err(problem::event_not_found()),
        }
    }

    /// The card of an event that there is.
    pub(crate) async fn card(&self, event: EventId) -> Result<Arc<CatalogueEvent>, Problem> {
        let found = self.gateway().catalogue.find(event).await.map_err(|error| problem::store(&error))?;
        found.ok_or_else(problem::event_not_found)
    }

    /// Asks the writer of the event to decide a command under the request's idempotency key.
    pub(crate) async fn decide(
        &self,
        access: &Access,
        body: CommandBody,
        bytes: &[u8],
    ) -> Result<Decided, Problem> {
        let key = self.key(access, bytes)?;
        self.decide_under(key, access, body).await
    }

    /// The request's idempotency key, on an event.
    pub(crate) fn key(&self, access: &Access, bytes: &[u8]) -> Result<IdempotencyKey, Problem> {
        let fingerprint = self.keys().fingerprint(self.request.path(), bytes);
        let key = RequestKey::required(self.headers())?;
        Ok(key.on_event(self.keys(), access.principal().0, access.event(), fingerprint))
    }

    /// Asks the writer of the event to decide a command under this key.
    pub(crate) async fn decide_under(
        &self,
        key: IdempotencyKey,
        access: &Access,
        body: CommandBody,
    ) -> Result<Decided, Problem> {
        let command = Command { authority: access.authority(), key: Some(key), body };
        self.ask(access.event(), Ask::Command(Box::new(command)), access.is_organizer()).await
    }

    /// Asks the writer; a request that is traced learns where the time went.
    async fn ask_writer(&self, event: EventId, ask: Ask) -> Answer {
        let now = || self.gateway().environment.clock.monotonic();
        let timeline = self.trace.as_ref().map(|trace| trace.ask(now()));
        self.inventory().ask_traced(event, ask, self.gateway().deadline, timeline.as_ref()).await
    }

    async fn ask(&self, id: EventId, ask: Ask, sees_drafts: bool) -> Result<Decided, Problem> {
        let answer = self.ask_writer(id, ask).await;
        elsewhere::note_owner(self, id);
        match answer {
            Answer::Accepted { sequence, event, claim } => {
                Ok(Decided { sequence, event, claim, mark: self.mark(id, sequence, false) })
            }
            Answer::Repeated { sequence, event, claim } => {
                Ok(Decided { sequence, event, claim, mark: self.mark(id, sequence, true) })
            }
            Answer::Rejected { rejection: Rejection::WrongPhase { phase: Phase::Draft, .. }, .. }
                if !sees_drafts =>
            {
                Err(problem::event_not_found())
            }
            Answer::Rejected { sequence, rejection, place } => {
                let published = self.inventory().published(id);
                let config = published.as_ref().and_then(|published| published.config.as_ref());
                let problem = refusal::problem(sequence, &rejection, config.map(|(_, config)| &**config));
                let problem = match rejection {
                    Rejection::AlreadyWaiting { entry } => {
                        problem.with("entry", self.tag(id).entry(entry).as_str())
                    }
                    _ => problem,
                };
                let place = Place::Refused { epoch: place.epoch.0, number: place.number };
                Err(match self.receipt(id, place) {
                    Some(receipt) => problem.with("receipt", receipt.as_str()),
                    None => problem,
                })
            }
            Answer::NotExecuted { reason, retry_after_ms } => {
                Err(problem::not_executed(reason, retry_after_ms))
            }
            Answer::OutcomeUnknown { retry_after_ms } => Err(problem::outcome_unknown(retry_after_ms)),
            Answer::Read { .. } => Err(problem::internal("a command was answered like a read")),
        }
    }

    fn mark(&self, event: EventId, sequence: Sequence, replayed: bool) -> Mark {
        Mark { replayed, receipt: self.receipt(event, Place::Accepted { sequence: sequence.0 }) }
    }

    /// The name of the receipt of a decision; `None` where this server gives none.
    pub(crate) fn receipt(&self, event: EventId, place: Place) -> Option<IdText> {
        let id = ReceiptId { event: event.0, place };
        self.gateway().settings.receipts.enabled.then(|| IdText::new(Kind::Receipt, id.bits()))
    }

    /// Waits, for a bounded time, until readers see the decision of this sequence: an organizer who opens a sale may send
    /// buyers at once.
    pub(crate) async fn settled(&self, event: EventId, sequence: Sequence) {
        let Some(mut moved) = self.inventory().subscribe(event) else { return };
        let seen = || {
            let published = self.inventory().published(event);
            published.is_none_or(|published| published.availability.sequence >= sequence)
        };
        let waiting = async {
            while !seen() {
                if moved.changed().await.is_err() {
                    return;
                }
            }
        };
        // What is dropped here waits for a channel, never for an append.
        #[allow(clippy::disallowed_methods)]
        let _ = tokio::time::timeout(SETTLE_DEADLINE, waiting).await;
    }

    /// Reads a hold or an order from durable state.
    pub(crate) async fn claim(
        &self,
        event: EventId,
        number: ClaimNumber,
    ) -> Result<(Sequence, Option<Box<ClaimView>>), Problem> {
        match self.ask_writer(event, Ask::Read(number)).await {
            Answer::Read { sequence, claim } => Ok((sequence, claim)),
            Answer::NotExecuted { reason, retry_after_ms } => {
                Err(problem::not_executed(reason, retry_after_ms))
            }
            Answer::OutcomeUnknown { retry_after_ms } => Err(problem::outcome_unknown(retry_after_ms)),
            Answer::Accepted { .. } | Answer::Repeated { .. } | Answer::Rejected { .. } => {
                Err(problem::internal("a read was answered like a command"))
            }
        }
    }
}
