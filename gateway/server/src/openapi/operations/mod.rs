//! The operations of all routes, one module per heading.

mod availability;
mod credentials;
mod events;
mod holds;
mod nodes;
mod offers;
mod operation;
mod orders;
mod payments;
mod receipts;
mod tickets;
mod tickets_shown;
mod webhooks;

use super::example;
use super::operation::Operation;
use super::parameters::Who;
use crate::router::Route;

/// What the document says of a route; `None` for what stands for all paths that are no route.
pub(super) fn of(route: Route) -> Option<Operation> {
    Some(match route {
        Route::MakeApiKey => credentials::make_api_key(),
        Route::ListApiKeys => credentials::list_api_keys(),
        Route::RevokeApiKey => credentials::revoke_api_key(),
        Route::MakeBuyerTokens => credentials::make_buyer_tokens(),
        Route::CreateEvent => events::create(),
        Route::ListEvents => events::list(),
        Route::ReadEvent => events::read(),
        Route::Configure => events::configure(),
        Route::ReadConfiguration => events::read_configuration(),
        Route::ChangePhase => events::change_phase(),
        Route::KillUnits => events::kill(),
        Route::RestoreUnits => events::restore(),
        Route::ReleaseChannel => events::release_channel(),
        Route::ReadAvailability => availability::read(),
        Route::ReadSeats => availability::hall(),
        Route::ReadSeatMap => availability::seat_map(),
        Route::ReadChanges => availability::changes(),
        Route::ListTicketTypes => offers::ticket_types(),
        Route::ListPools => offers::pools(),
        Route::ListChannels => offers::channels(),
        Route::ListKills => offers::kills(),
        Route::PlaceHold => holds::place(),
        Route::ReadHold => holds::read(),
        Route::RenewHold => holds::renew(),
        Route::ReleaseHold => holds::release(),
        Route::MakeQuote => holds::quote(),
        Route::BeginOrder => orders::begin(),
        Route::ListOrders => orders::list(),
        Route::ReadOrder => orders::read(),
        Route::ConfirmOrder => orders::confirm(),
        Route::ReadPayment => payments::read(),
        Route::HearProvider => payments::hear(),
        Route::FailPayment => orders::fail_payment(),
        Route::RefundTickets => orders::refund(),
        Route::TransferTicket => tickets::transfer(),
        Route::CheckIn => tickets::check_in(),
        Route::CheckOut => tickets::check_out(),
        Route::ReadReceipt => receipts::read(),
        Route::ReadCheckpoints => receipts::checkpoints(),
        Route::ReadReceiptKeys => receipts::keys(),
        Route::RotateReceiptKey => receipts::rotate(),
        Route::MakeWebhookEndpoint => webhooks::make(),
        Route::ListWebhookEndpoints => webhooks::list(),
        Route::ReadWebhookEndpoint => webhooks::read(),
        Route::ReplaceWebhookEndpoint => webhooks::replace(),
        Route::RemoveWebhookEndpoint => webhooks::remove(),
        Route::RotateWebhookSecret => webhooks::rotate(),
        Route::ListWebhookDeliveries => webhooks::deliveries(),
        Route::ReplayWebhooks => webhooks::replay(),
        Route::PingWebhook => webhooks::ping(),
        Route::ReconcileEvent => operation::reconcile(),
        Route::ListNodes => nodes::list(),
        Route::DrainNode => nodes::drain(),
        Route::MoveEvent => nodes::move_event(),
        Route::RepairEvent => operation::repair(),
        Route::AcknowledgeClock => operation::acknowledge_clock(),
        Route::ReadProblem => operation::problem_page(),
        Route::ReadOpenApi => operation::document(),
        Route::ReadDocs => operation::docs(),
        Route::ReadDocsFile => operation::docs_file(),
        Route::Health => operation::health(),
        Route::Readiness => operation::readiness(),
        Route::Metrics => operation::metrics(),
        other => return tickets_shown::of(other),
    })
}
