//! The operations of all routes, one module per heading.

mod availability;
mod credentials;
mod entry;
mod events;
mod holds;
mod messages;
mod nodes;
mod offers;
mod operation;
mod orders;
mod organizers;
mod payments;
mod payouts;
mod reach;
mod receipts;
mod refund_runs;
mod tickets;
mod tickets_shown;
mod unsettled;
mod waitlist;
mod webhooks;

use super::example;
use super::operation::Operation;
use super::parameters::Who;
use crate::router::Route;
use Route as R;

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
        R::JoinWaitlist | R::ListWaitlist | R::ReadWaitlistEntry | R::LeaveWaitlist => waitlist::of(route)?,
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
        other => return of_others(other),
    })
}

fn of_others(route: Route) -> Option<Operation> {
    tickets_shown::of(route).or_else(|| of_money(route)).or_else(|| messages::of(route))
}

/// Of money.
fn of_money(route: Route) -> Option<Operation> {
    Some(match route {
        Route::ListPromotionCodes => offers::promotion_codes(),
        Route::ReadTerms => organizers::terms(),
        Route::ReplaceTerms => organizers::replace_terms(),
        Route::ReadStatement => organizers::statement(),
        Route::ReadTrialBalance => organizers::trial(),
        Route::ReadBalances => payouts::balances(),
        Route::BeginPayout => payouts::begin(),
        Route::ListPayouts => payouts::list(),
        Route::ReadPayout => payouts::read(),
        Route::SettlePayout => payouts::settle(),
        Route::FailPayout => payouts::fail(),
        Route::ListPayments => unsettled::list(),
        Route::LookUpPayment => unsettled::look_up(),
        Route::SettleRefund => unsettled::settle(),
        Route::BeginRefundRun => refund_runs::begin(),
        Route::ListRefundRuns => refund_runs::list(),
        Route::ReadRefundRun => refund_runs::read(),
        Route::PauseRefundRun => refund_runs::pause(),
        Route::ResumeRefundRun => refund_runs::resume(),
        _ => return None,
    })
}
