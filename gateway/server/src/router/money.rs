//! Codes of promotions, money that goes back, what organizers are owed, and payments that are not settled.

use futures::future::LocalBoxFuture;

use super::{Answer, Cashier, Editor, Route, Watcher, go, messages};
use crate::call::Call;
use crate::caller::Administrator;
use crate::routes::{payouts, promotion_codes, refund_runs, statements, terms, unsettled};

/// The routes of a path, and its parameters in order.
pub(super) fn resource<'a>(segments: &[&'a str]) -> Option<(&'static [Route], [&'a str; 2])> {
    use Route as R;
    Some(match *segments {
        ["v1", "organizers", organizer, "terms"] => (&[R::ReadTerms, R::ReplaceTerms], [organizer, ""]),
        ["v1", "organizers", organizer, "statements"] => (&[R::ReadStatement], [organizer, ""]),
        ["v1", "organizers", organizer, "balances"] => (&[R::ReadBalances], [organizer, ""]),
        ["v1", "organizers", organizer, "payouts"] => (&[R::BeginPayout, R::ListPayouts], [organizer, ""]),
        ["v1", "organizers", organizer, "payouts", payout] => (&[R::ReadPayout], [organizer, payout]),
        ["v1", "organizers", organizer, "payouts", payout, "settle"] => {
            (&[R::SettlePayout], [organizer, payout])
        }
        ["v1", "organizers", organizer, "payouts", payout, "fail"] => (&[R::FailPayout], [organizer, payout]),
        ["v1", "events", event, "promotion-codes"] => (&[R::ListPromotionCodes], [event, ""]),
        ["v1", "trial-balance"] => (&[R::ReadTrialBalance], ["", ""]),
        ["v1", "payments"] => (&[R::ListPayments], ["", ""]),
        ["v1", "payments", payment, "look-ups"] => (&[R::LookUpPayment], [payment, ""]),
        ["v1", "payments", payment, "settlements"] => (&[R::SettleRefund], [payment, ""]),
        ["v1", "events", event, "refund-runs"] => (&[R::BeginRefundRun, R::ListRefundRuns], [event, ""]),
        ["v1", "events", event, "refund-runs", run] => (&[R::ReadRefundRun], [event, run]),
        ["v1", "events", event, "refund-runs", run, "pause"] => (&[R::PauseRefundRun], [event, run]),
        ["v1", "events", event, "refund-runs", run, "resume"] => (&[R::ResumeRefundRun], [event, run]),
        _ => return messages::resource(segments),
    })
}

/// Runs the controller of the route.
pub(super) fn run(call: Call) -> LocalBoxFuture<'static, Answer> {
    match call.route {
        Route::ListPromotionCodes => {
            go(call, async |call, who: Editor| promotion_codes::list(call, who).await)
        }
        Route::BeginRefundRun => go(call, async |call, who: Cashier| refund_runs::begin(call, who).await),
        Route::ListRefundRuns => go(call, async |call, who: Cashier| refund_runs::list(call, who).await),
        Route::ReadRefundRun => go(call, async |call, who: Cashier| refund_runs::read(call, who).await),
        Route::PauseRefundRun => go(call, async |call, who: Cashier| refund_runs::pause(call, who).await),
        Route::ResumeRefundRun => go(call, async |call, who: Cashier| refund_runs::resume(call, who).await),
        Route::ReadTerms => go(call, async |call, who: Watcher| terms::read(call, who).await),
        Route::ReplaceTerms => go(call, async |call, _: Administrator| terms::replace(call).await),
        Route::ReadStatement => go(call, async |call, who: Watcher| statements::read(call, who).await),
        Route::ReadBalances => go(call, async |call, who: Watcher| payouts::balances(call, who).await),
        Route::BeginPayout => go(call, async |call, _: Administrator| payouts::begin(call).await),
        Route::ListPayouts => go(call, async |call, who: Watcher| payouts::list(call, who).await),
        Route::ReadPayout => go(call, async |call, who: Watcher| payouts::read(call, who).await),
        Route::SettlePayout => go(call, async |call, _: Administrator| payouts::settle(call).await),
        Route::FailPayout => go(call, async |call, _: Administrator| payouts::fail(call).await),
        Route::ReadTrialBalance => go(call, async |call, _: Administrator| statements::trial(call).await),
        Route::ListPayments => go(call, async |call, _: Administrator| unsettled::list(call).await),
        Route::LookUpPayment => go(call, async |call, _: Administrator| unsettled::look_up(call).await),
        Route::SettleRefund => go(call, async |call, _: Administrator| unsettled::settle(call).await),
        _ => messages::run(call),
    }
}
