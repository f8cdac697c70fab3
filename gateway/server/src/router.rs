//! Every route of the API, on one page.

mod messages;
mod money;
mod tickets;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use futures::future::LocalBoxFuture;

use crate::call::Call;
use crate::caller::{
    Administrator, Anyone, Asker, Buyer, BuyersWrite, CheckInsWrite, EventsRead, EventsWrite, OrdersWrite,
    Organizer, Placer, Reader, WebhooksWrite,
};
use crate::code::Code;
use crate::problem::Problem;
use crate::routes::{
    api_keys, availability, buyer_tokens, changes, channels, check_ins, configuration, docs, events, holds,
    nodes, offers, operations, orders, payments, phases, probes, quotes, receipts, scan, seats, units,
    waitlist, webhook_deliveries, webhook_endpoints,
};

/// What a controller answers.
pub(crate) type Answer = Result<HttpResponse, Problem>;

macro_rules! routes {
    ($($name:ident $method:ident $template:literal),* $(,)?) => {
        /// A route of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // docs/api.md describes each
        pub(crate) enum Route { $($name),* }

        impl Route {
            /// Every route.
            pub(crate) const ALL: &[Route] = &[$(Route::$name),*];

            /// Its HTTP method.
            pub(crate) const fn method(self) -> &'static str {
                match self { $(Route::$name => stringify!($method)),* }
            }

            /// Its path, with the names of its parameters.
            pub(crate) const fn template(self) -> &'static str {
                match self { $(Route::$name => $template),* }
            }
        }
    };
}

routes! {
    MakeApiKey POST "/v1/api-keys",
    ListApiKeys GET "/v1/api-keys",
    RevokeApiKey DELETE "/v1/api-keys/{key}",
    MakeBuyerTokens POST "/v1/buyer-tokens",
    CreateEvent POST "/v1/events",
    ListEvents GET "/v1/events",
    ReadEvent GET "/v1/events/{event}",
    ReplaceEvent PUT "/v1/events/{event}",
    Configure PUT "/v1/events/{event}/configuration",
    ReadConfiguration GET "/v1/events/{event}/configuration",
    ChangePhase POST "/v1/events/{event}/phase-changes",
    ReadAvailability GET "/v1/events/{event}/availability",
    ReadSeats GET "/v1/events/{event}/seats",
    ReadSeatMap GET "/v1/events/{event}/seat-map",
    PlaceHold POST "/v1/events/{event}/holds",
    ReadHold GET "/v1/events/{event}/holds/{hold}",
    RenewHold POST "/v1/events/{event}/holds/{hold}/renew",
    ReleaseHold POST "/v1/events/{event}/holds/{hold}/release",
    MakeQuote POST "/v1/events/{event}/quotes",
    ListPromotionCodes GET "/v1/events/{event}/promotion-codes",
    JoinWaitlist POST "/v1/events/{event}/waitlist",
    ListWaitlist GET "/v1/events/{event}/waitlist",
    ReadWaitlistEntry GET "/v1/events/{event}/waitlist/{entry}",
    LeaveWaitlist POST "/v1/events/{event}/waitlist/{entry}/leave",
    BeginOrder POST "/v1/events/{event}/orders",
    ListOrders GET "/v1/events/{event}/orders",
    ReadOrder GET "/v1/events/{event}/orders/{order}",
    ConfirmOrder POST "/v1/events/{event}/orders/{order}/confirm",
    ReadPayment GET "/v1/events/{event}/orders/{order}/payment",
    HearProvider POST "/v1/provider-events/{provider}",
    ReadTerms GET "/v1/organizers/{organizer}/terms",
    ReplaceTerms PUT "/v1/organizers/{organizer}/terms",
    ReadStatement GET "/v1/organizers/{organizer}/statements",
    ReadBalances GET "/v1/organizers/{organizer}/balances",
    BeginPayout POST "/v1/organizers/{organizer}/payouts",
    ListPayouts GET "/v1/organizers/{organizer}/payouts",
    ReadPayout GET "/v1/organizers/{organizer}/payouts/{payout}",
    SettlePayout POST "/v1/organizers/{organizer}/payouts/{payout}/settle",
    FailPayout POST "/v1/organizers/{organizer}/payouts/{payout}/fail",
    ReadTrialBalance GET "/v1/trial-balance",
    ListPayments GET "/v1/payments",
    LookUpPayment POST "/v1/payments/{payment}/look-ups",
    SettleRefund POST "/v1/payments/{payment}/settlements",
    FailPayment POST "/v1/events/{event}/orders/{order}/payment-failures",
    RefundTickets POST "/v1/events/{event}/orders/{order}/refunds",
    BeginRefundRun POST "/v1/events/{event}/refund-runs",
    ListRefundRuns GET "/v1/events/{event}/refund-runs",
    ReadRefundRun GET "/v1/events/{event}/refund-runs/{run}",
    PauseRefundRun POST "/v1/events/{event}/refund-runs/{run}/pause",
    ResumeRefundRun POST "/v1/events/{event}/refund-runs/{run}/resume",
    TransferTicket POST "/v1/events/{event}/tickets/{ticket}/transfer",
    ReadTicket GET "/v1/events/{event}/tickets/{ticket}",
    ReadTicketQrSvg GET "/v1/events/{event}/tickets/{ticket}/qr.svg",
    ReadTicketQrPng GET "/v1/events/{event}/tickets/{ticket}/qr.png",
    ReadTicketsPdf GET "/v1/events/{event}/orders/{order}/tickets.pdf",
    ReadCalendar GET "/v1/events/{event}/orders/{order}/calendar.ics",
    ReadTicketDesign GET "/v1/events/{event}/ticket-design",
    ReplaceTicketDesign PUT "/v1/events/{event}/ticket-design",
    ReadTicketKeys GET "/.well-known/tessera-ticket-keys",
    RotateTicketKey POST "/v1/ticket-keys",
    RevokeTicketKey POST "/v1/ticket-keys/{ticket_key}/revoke",
    CheckIn POST "/v1/events/{event}/check-ins",
    CheckOut POST "/v1/events/{event}/check-outs",
    ReissueTicket POST "/v1/events/{event}/tickets/{ticket}/reissue",
    RegisterEntryDevice POST "/v1/entry-devices",
    ReadEntrySnapshot GET "/v1/events/{event}/entry/snapshot",
    ReadEntryChanges GET "/v1/events/{event}/entry/changes",
    RecordScans POST "/v1/events/{event}/scans",
    ListEntryConflicts GET "/v1/events/{event}/entry/conflicts",
    ListEntryStatistics GET "/v1/events/{event}/entry/statistics",
    KillUnits POST "/v1/events/{event}/kills",
    RestoreUnits POST "/v1/events/{event}/restores",
    ListKills GET "/v1/events/{event}/kills",
    ListTicketTypes GET "/v1/events/{event}/ticket-types",
    ListPools GET "/v1/events/{event}/pools",
    ListChannels GET "/v1/events/{event}/channels",
    ReleaseChannel POST "/v1/events/{event}/channels/{channel}/release",
    ReadChanges GET "/v1/events/{event}/changes",
    RepairEvent POST "/v1/events/{event}/repairs",
    ReconcileEvent POST "/v1/events/{event}/reconciliations",
    MoveEvent POST "/v1/events/{event}/move",
    ListNodes GET "/v1/nodes",
    DrainNode POST "/v1/nodes/{node}/drain",
    AcknowledgeClock POST "/v1/clock-acknowledgements",
    ReadReceipt GET "/v1/events/{event}/receipts/{receipt}",
    ReadCheckpoints GET "/v1/events/{event}/checkpoints",
    ReadReceiptKeys GET "/.well-known/tessera-keys",
    RotateReceiptKey POST "/v1/receipt-keys",
    MakeWebhookEndpoint POST "/v1/webhook-endpoints",
    ListWebhookEndpoints GET "/v1/webhook-endpoints",
    ReadWebhookEndpoint GET "/v1/webhook-endpoints/{endpoint}",
    ReplaceWebhookEndpoint PUT "/v1/webhook-endpoints/{endpoint}",
    RemoveWebhookEndpoint DELETE "/v1/webhook-endpoints/{endpoint}",
    RotateWebhookSecret POST "/v1/webhook-endpoints/{endpoint}/secrets",
    ListWebhookDeliveries GET "/v1/webhook-endpoints/{endpoint}/deliveries",
    ReplayWebhooks POST "/v1/webhook-endpoints/{endpoint}/replays",
    PingWebhook POST "/v1/webhook-endpoints/{endpoint}/pings",
    ReplaceContact PUT "/v1/contacts/me",
    ReadContact GET "/v1/contacts/me",
    EraseContact DELETE "/v1/contacts/me",
    ReadPushKey GET "/v1/push-key",
    KeepPushSubscription PUT "/v1/push-subscriptions",
    RemovePushSubscription DELETE "/v1/push-subscriptions",
    LinkTelegram POST "/v1/telegram-links",
    UnlinkTelegram DELETE "/v1/telegram-links",
    HearTelegram POST "/v1/telegram-updates/{token}",
    ReplaceDiscordWebhook PUT "/v1/discord-webhook",
    ReadDiscordWebhook GET "/v1/discord-webhook",
    RemoveDiscordWebhook DELETE "/v1/discord-webhook",
    ReplaceOrganizerContact PUT "/v1/organizer-contact",
    ReadOrganizerContact GET "/v1/organizer-contact",
    RemoveOrganizerContact DELETE "/v1/organizer-contact",
    ReadInbox GET "/v1/inbox",
    MarkInbox POST "/v1/inbox/reads",
    AskOptOut GET "/v1/opt-outs/{token}",
    OptOut POST "/v1/opt-outs/{token}",
    KeepTemplate POST "/v1/templates",
    ListTemplates GET "/v1/templates",
    PreviewTemplate POST "/v1/templates/preview",
    ListDeadLetters GET "/v1/dead-letters",
    ReplayDeadLetters POST "/v1/dead-letters/replays",
    BeginBroadcast POST "/v1/events/{event}/broadcasts",
    ListBroadcasts GET "/v1/events/{event}/broadcasts",
    PauseBroadcast POST "/v1/events/{event}/broadcasts/{broadcast}/pause",
    ResumeBroadcast POST "/v1/events/{event}/broadcasts/{broadcast}/resume",
    ReadProblem GET "/docs/errors/{code}",
    ReadOpenApi GET "/openapi.json",
    ReadDocs GET "/docs",
    ReadDocsFile GET "/docs/files/{file}",
    ReadScanner GET "/scan",
    ReadScannerFile GET "/scan/files/{file}",
    ReadScannerVendored GET "/scan/vendor/{package}/{file}",
    Health GET "/healthz",
    Readiness GET "/readyz",
    Metrics GET "/metrics",
    NotFound GET "(none)",
}

/// The routes of a path, and its parameters in order.
fn resource<'a>(segments: &[&'a str]) -> Option<(&'static [Route], [&'a str; 2])> {
    use Route as R;
    Some(match *segments {
        ["v1", "events", event, "holds"] => (&[R::PlaceHold], [event, ""]),
        ["v1", "events", event, "availability"] => (&[R::ReadAvailability], [event, ""]),
        ["v1", "events", event, "seat-map"] => (&[R::ReadSeatMap], [event, ""]),
        ["v1", "events", event, "seats"] => (&[R::ReadSeats], [event, ""]),
        ["v1", "events", event, "changes"] => (&[R::ReadChanges], [event, ""]),
        ["v1", "events", event, "quotes"] => (&[R::MakeQuote], [event, ""]),
        ["v1", "events", event, "waitlist"] => (&[R::JoinWaitlist, R::ListWaitlist], [event, ""]),
        ["v1", "events", event, "waitlist", entry] => (&[R::ReadWaitlistEntry], [event, entry]),
        ["v1", "events", event, "waitlist", entry, "leave"] => (&[R::LeaveWaitlist], [event, entry]),
        ["v1", "events", event, "orders"] => (&[R::BeginOrder, R::ListOrders], [event, ""]),
        ["v1", "events", event, "check-ins"] => (&[R::CheckIn], [event, ""]),
        ["v1", "events", event, "check-outs"] => (&[R::CheckOut], [event, ""]),
        ["v1", "events", event, "kills"] => (&[R::KillUnits, R::ListKills], [event, ""]),
        ["v1", "events", event, "ticket-types"] => (&[R::ListTicketTypes], [event, ""]),
        ["v1", "events", event, "pools"] => (&[R::ListPools], [event, ""]),
        ["v1", "events", event, "channels"] => (&[R::ListChannels], [event, ""]),
        ["v1", "events", event, "restores"] => (&[R::RestoreUnits], [event, ""]),
        ["v1", "events", event, "phase-changes"] => (&[R::ChangePhase], [event, ""]),
        ["v1", "events", event, "configuration"] => (&[R::Configure, R::ReadConfiguration], [event, ""]),
        ["v1", "events", event, "repairs"] => (&[R::RepairEvent], [event, ""]),
        ["v1", "events", event, "reconciliations"] => (&[R::ReconcileEvent], [event, ""]),
        ["v1", "events", event, "move"] => (&[R::MoveEvent], [event, ""]),
        ["v1", "nodes"] => (&[R::ListNodes], ["", ""]),
        ["v1", "nodes", node, "drain"] => (&[R::DrainNode], [node, ""]),
        ["v1", "events", event, "holds", hold] => (&[R::ReadHold], [event, hold]),
        ["v1", "events", event, "holds", hold, "renew"] => (&[R::RenewHold], [event, hold]),
        ["v1", "events", event, "holds", hold, "release"] => (&[R::ReleaseHold], [event, hold]),
        ["v1", "events", event, "orders", order] => (&[R::ReadOrder], [event, order]),
        ["v1", "events", event, "orders", order, "confirm"] => (&[R::ConfirmOrder], [event, order]),
        ["v1", "events", event, "orders", order, "payment"] => (&[R::ReadPayment], [event, order]),
        ["v1", "provider-events", provider] => (&[R::HearProvider], [provider, ""]),
        ["v1", "events", event, "orders", order, "payment-failures"] => (&[R::FailPayment], [event, order]),
        ["v1", "events", event, "orders", order, "refunds"] => (&[R::RefundTickets], [event, order]),
        ["v1", "events", event, "tickets", ticket, "transfer"] => (&[R::TransferTicket], [event, ticket]),
        ["v1", "events", event, "channels", channel, "release"] => (&[R::ReleaseChannel], [event, channel]),
        ["v1", "events"] => (&[R::CreateEvent, R::ListEvents], ["", ""]),
        ["v1", "events", event] => (&[R::ReadEvent, R::ReplaceEvent], [event, ""]),
        ["v1", "api-keys"] => (&[R::MakeApiKey, R::ListApiKeys], ["", ""]),
        ["v1", "api-keys", key] => (&[R::RevokeApiKey], [key, ""]),
        ["v1", "clock-acknowledgements"] => (&[R::AcknowledgeClock], ["", ""]),
        ["v1", "buyer-tokens"] => (&[R::MakeBuyerTokens], ["", ""]),
        ["v1", "events", event, "receipts", receipt] => (&[R::ReadReceipt], [event, receipt]),
        ["v1", "events", event, "checkpoints"] => (&[R::ReadCheckpoints], [event, ""]),
        ["v1", "receipt-keys"] => (&[R::RotateReceiptKey], ["", ""]),
        [".well-known", "tessera-keys"] => (&[R::ReadReceiptKeys], ["", ""]),
        ["v1", "webhook-endpoints"] => (&[R::MakeWebhookEndpoint, R::ListWebhookEndpoints], ["", ""]),
        ["v1", "webhook-endpoints", endpoint] => {
            const ROUTES: &[Route] =
                &[R::ReadWebhookEndpoint, R::ReplaceWebhookEndpoint, R::RemoveWebhookEndpoint];
            (ROUTES, [endpoint, ""])
        }
        ["v1", "webhook-endpoints", endpoint, "secrets"] => (&[R::RotateWebhookSecret], [endpoint, ""]),
        ["v1", "webhook-endpoints", endpoint, "deliveries"] => (&[R::ListWebhookDeliveries], [endpoint, ""]),
        ["v1", "webhook-endpoints", endpoint, "replays"] => (&[R::ReplayWebhooks], [endpoint, ""]),
        ["v1", "webhook-endpoints", endpoint, "pings"] => (&[R::PingWebhook], [endpoint, ""]),
        ["docs", "errors", code] => (&[R::ReadProblem], [code, ""]),
        ["openapi.json"] => (&[R::ReadOpenApi], ["", ""]),
        ["docs"] => (&[R::ReadDocs], ["", ""]),
        ["docs", "files", file] => (&[R::ReadDocsFile], [file, ""]),
        ["healthz"] => (&[R::Health], ["", ""]),
        ["readyz"] => (&[R::Readiness], ["", ""]),
        ["metrics"] => (&[R::Metrics], ["", ""]),
        _ => return tickets::resource(segments),
    })
}

/// Organizers by the right that a route demands.
type Editor = Organizer<EventsWrite>;
type Watcher = Organizer<EventsRead>;
type Cashier = Organizer<OrdersWrite>;
type Door = Organizer<CheckInsWrite>;
type Hooks = Organizer<WebhooksWrite>;

/// Runs the controller of the route; its second argument says who may call.
pub(crate) fn run(call: Call) -> LocalBoxFuture<'static, Answer> {
    match call.route {
        Route::PlaceHold => go(call, async |call, who: Placer| holds::place(call, who).await),
        Route::ReadHold => go(call, async |call, Anyone| holds::read(call).await),
        Route::RenewHold => go(call, async |call, Anyone| holds::renew(call).await),
        Route::ReleaseHold => go(call, async |call, Anyone| holds::release(call).await),
        Route::MakeQuote => go(call, async |call, who: Reader| quotes::make(call, who).await),
        Route::JoinWaitlist => go(call, async |call, who: Placer| waitlist::join(call, who).await),
        Route::ListWaitlist => go(call, async |call, who: Asker| waitlist::list(call, who).await),
        Route::ReadWaitlistEntry => go(call, async |call, Anyone| waitlist::read(call).await),
        Route::LeaveWaitlist => go(call, async |call, Anyone| waitlist::leave(call).await),
        Route::BeginOrder => go(call, async |call, Anyone| orders::begin(call).await),
        Route::ReadOrder => go(call, async |call, Anyone| orders::read(call).await),
        Route::ListOrders => go(call, async |call, who: Buyer| orders::list(call, who).await),
        Route::ConfirmOrder => go(call, async |call, Anyone| orders::confirm(call).await),
        Route::ReadPayment => go(call, async |call, Anyone| payments::read(call).await),
        Route::HearProvider => go(call, async |call, Anyone| payments::hear(call).await),
        Route::FailPayment => go(call, async |call, who: Cashier| orders::fail_payment(call, who).await),
        Route::RefundTickets => go(call, async |call, who: Cashier| orders::refund(call, who).await),
        Route::TransferTicket => go(call, async |call, Anyone| crate::routes::tickets::transfer(call).await),
        Route::CheckIn => go(call, async |call, who: Door| check_ins::check_in(call, who).await),
        Route::CheckOut => go(call, async |call, who: Door| check_ins::check_out(call, who).await),
        Route::ReadAvailability => go(call, async |call, who: Reader| availability::read(call, who).await),
        Route::ReadSeatMap => go(call, async |call, who: Reader| seats::read_map(call, who).await),
        Route::ReadSeats => go(call, async |call, who: Reader| seats::read(call, who).await),
        Route::ReadChanges => go(call, async |call, who: Reader| changes::read(call, who).await),
        Route::ReadEvent => go(call, async |call, who: Reader| events::read(call, who).await),
        Route::CreateEvent => go(call, async |call, who: Editor| events::create(call, who).await),
        Route::ListEvents => go(call, async |call, who: Watcher| events::list(call, who).await),
        Route::Configure => go(call, async |call, who: Editor| configuration::replace(call, who).await),
        Route::ReadConfiguration => go(call, async |call, who: Watcher| configuration::read(call, who).await),
        Route::ChangePhase => go(call, async |call, who: Editor| phases::change(call, who).await),
        Route::ListTicketTypes => go(call, async |call, who: Reader| offers::ticket_types(call, who).await),
        Route::ListPools => go(call, async |call, who: Reader| offers::pools(call, who).await),
        Route::ListChannels => go(call, async |call, who: Watcher| offers::channels(call, who).await),
        Route::ListKills => go(call, async |call, who: Watcher| offers::kills(call, who).await),
        Route::KillUnits => go(call, async |call, who: Editor| units::kill(call, who).await),
        Route::RestoreUnits => go(call, async |call, who: Editor| units::restore(call, who).await),
        Route::ReleaseChannel => go(call, async |call, who: Editor| channels::release(call, who).await),
        Route::MakeBuyerTokens => {
            go(call, async |call, who: Option<Organizer<BuyersWrite>>| buyer_tokens::make(call, who).await)
        }
        Route::MakeApiKey => go(call, async |call, keeper| api_keys::make(call, keeper).await),
        Route::ListApiKeys => go(call, async |call, keeper| api_keys::list(call, keeper).await),
        Route::RevokeApiKey => go(call, async |call, keeper| api_keys::revoke(call, keeper).await),
        Route::RepairEvent => go(call, async |call, _: Administrator| operations::repair(call).await),
        Route::ReconcileEvent => go(call, async |call, _: Administrator| operations::reconcile(call).await),
        Route::ListNodes => go(call, async |call, _: Administrator| nodes::list(&call)),
        Route::DrainNode => go(call, async |call, _: Administrator| nodes::drain(&call)),
        Route::MoveEvent => go(call, async |call, _: Administrator| nodes::move_event(call).await),
        Route::AcknowledgeClock => {
            go(call, async |call, _: Administrator| operations::acknowledge_clock(call).await)
        }
        Route::ReadReceipt => go(call, async |call, who: Reader| receipts::read(call, who).await),
        Route::ReadCheckpoints => go(call, async |call, who: Reader| receipts::checkpoints(call, who).await),
        Route::ReadReceiptKeys => go(call, async |call, Anyone| receipts::keys(&call)),
        Route::RotateReceiptKey => go(call, async |call, _: Administrator| receipts::rotate(call).await),
        Route::MakeWebhookEndpoint
        | Route::ListWebhookEndpoints
        | Route::ReadWebhookEndpoint
        | Route::ReplaceWebhookEndpoint
        | Route::RemoveWebhookEndpoint
        | Route::RotateWebhookSecret
        | Route::ListWebhookDeliveries
        | Route::ReplayWebhooks
        | Route::PingWebhook => run_webhooks(call),
        _ => tickets::run(call),
    }
}

fn run_documents(call: Call) -> LocalBoxFuture<'static, Answer> {
    match call.route {
        Route::ReadProblem => go(call, async |call, Anyone| probes::problem_page(&call)),
        Route::ReadOpenApi => go(call, async |call, Anyone| docs::document(&call)),
        Route::ReadDocs => go(call, async |call, Anyone| docs::page(&call)),
        Route::ReadDocsFile => go(call, async |call, Anyone| docs::file(&call)),
        Route::ReadScanner => go(call, async |call, Anyone| scan::page(&call)),
        Route::ReadScannerFile => go(call, async |call, Anyone| scan::file(&call)),
        Route::ReadScannerVendored => go(call, async |call, Anyone| scan::vendored(&call)),
        Route::Health => go(call, async |_, Anyone| Ok(probes::health())),
        Route::Readiness => go(call, async |call, Anyone| Ok(probes::readiness(&call))),
        Route::Metrics => go(call, async |call, Anyone| probes::metrics(&call)),
        _ => go(call, async |_, Anyone| Err(route_not_found())),
    }
}

fn run_webhooks(call: Call) -> LocalBoxFuture<'static, Answer> {
    match call.route {
        Route::MakeWebhookEndpoint => {
            go(call, async |call, who: Hooks| webhook_endpoints::make(call, who).await)
        }
        Route::ListWebhookEndpoints => {
            go(call, async |call, who: Watcher| webhook_endpoints::list(call, who).await)
        }
        Route::ReadWebhookEndpoint => {
            go(call, async |call, who: Watcher| webhook_endpoints::read(call, who).await)
        }
        Route::ReplaceWebhookEndpoint => {
            go(call, async |call, who: Hooks| webhook_endpoints::replace(call, who).await)
        }
        Route::RemoveWebhookEndpoint => {
            go(call, async |call, who: Hooks| webhook_endpoints::remove(call, who).await)
        }
        Route::RotateWebhookSecret => {
            go(call, async |call, who: Hooks| webhook_endpoints::rotate(call, who).await)
        }
        Route::ListWebhookDeliveries => {
            go(call, async |call, who: Watcher| webhook_deliveries::list(call, who).await)
        }
        Route::ReplayWebhooks => {
            go(call, async |call, who: Hooks| webhook_deliveries::replay(call, who).await)
        }
        Route::PingWebhook => go(call, async |call, who: Hooks| webhook_deliveries::ping(call, who).await),
        _ => go(call, async |_, Anyone| Err(route_not_found())),
    }
}

fn go<C, H>(call: Call, controller: H) -> LocalBoxFuture<'static, Answer>
where
    C: crate::caller::Caller + 'static,
    H: AsyncFnOnce(Call, C) -> Answer + 'static,
{
    Box::pin(async move {
        let caller = C::identify(&call).await?;
        controller(call, caller).await
    })
}

/// What a path and method lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matched {
    pub(crate) route: Route,
    /// Where the parameters stand in the path.
    pub(crate) parameters: [(u16, u16); 2],
}

/// Most segments of a path.
const SEGMENTS_MAX: usize = 6;

/// The route of a request. `HEAD` is answered like `GET`.
///
/// # Errors
/// `route_not_found`, or `method_not_allowed` with the methods that the path knows.
pub(crate) fn find(method: &Method, path: &str) -> Result<Matched, Problem> {
    let mut segments = [""; SEGMENTS_MAX];
    let mut count = 0;
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        *segments.get_mut(count).ok_or_else(route_not_found)? = segment;
        count += 1;
    }
    let (routes, parameters) = resource(&segments[..count]).ok_or_else(route_not_found)?;
    let wanted = if method == Method::HEAD { "GET" } else { method.as_str() };
    let route = routes.iter().find(|route| route.method() == wanted).ok_or_else(|| not_allowed(routes))?;
    let place = |parameter: &str| {
        let start = parameter.as_ptr().addr().saturating_sub(path.as_ptr().addr());
        let place = |at: usize| u16::try_from(at).unwrap_or_default();
        if parameter.is_empty() { (0, 0) } else { (place(start), place(start + parameter.len())) }
    };
    Ok(Matched { route: *route, parameters: parameters.map(place) })
}

fn route_not_found() -> Problem {
    Problem::new(Code::RouteNotFound, "no route of the API has this path; see docs/api.md")
}

fn not_allowed(routes: &[Route]) -> Problem {
    let mut methods: Vec<_> = routes.iter().map(|route| route.method()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    let methods = methods.join(", ");
    let allow = HeaderValue::from_str(&methods).unwrap_or_else(|_| HeaderValue::from_static("GET"));
    Problem::new(Code::MethodNotAllowed, "the path does not know this method")
        .with_header(header::ALLOW, allow)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_by_its_template() {
        for (position, route) in Route::ALL.iter().enumerate() {
            assert_eq!(*route as usize, position);
            if *route == Route::NotFound {
                continue;
            }
            let path = route.template();
            let method = Method::from_bytes(route.method().as_bytes()).unwrap();
            let matched = find(&method, path).unwrap();
            assert_eq!(matched.route, *route);
            let names = path.split('/').filter(|segment| segment.starts_with('{'));
            let found = matched.parameters.map(|(from, to)| &path[usize::from(from)..usize::from(to)]);
            assert!(names.eq(found.into_iter().filter(|name| !name.is_empty())), "{path}");
        }
    }

    #[test]
    fn unknown_paths_and_methods_are_told_apart() {
        let code = |method: Method, path: &str| find(&method, path).unwrap_err().code();
        assert_eq!(code(Method::GET, "/"), Code::RouteNotFound);
        assert_eq!(code(Method::GET, "/v1/events/x/holds/y/renew/z"), Code::RouteNotFound);
        assert_eq!(code(Method::DELETE, "/v1/events"), Code::MethodNotAllowed);
        assert_eq!(code(Method::POST, "/healthz"), Code::MethodNotAllowed);
        assert_eq!(find(&Method::HEAD, "/healthz").unwrap().route, Route::Health);
    }
}
