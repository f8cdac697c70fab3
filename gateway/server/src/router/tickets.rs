//! Tickets as they are shown, and entry by them.

use futures::future::LocalBoxFuture;

use super::{Answer, Door, Editor, Route, Watcher, go, money};
use crate::call::Call;
use crate::caller::{Administrator, Anyone};
use crate::routes::tickets_shown::{self, design, papers, ticket_keys};
use crate::routes::{entry, tickets};

/// The routes of a path, and its parameters in order.
pub(super) fn resource<'a>(segments: &[&'a str]) -> Option<(&'static [Route], [&'a str; 2])> {
    use Route as R;
    Some(match *segments {
        ["v1", "events", event, "orders", order, "tickets.pdf"] => (&[R::ReadTicketsPdf], [event, order]),
        ["v1", "events", event, "orders", order, "calendar.ics"] => (&[R::ReadCalendar], [event, order]),
        ["v1", "events", event, "tickets", ticket] => (&[R::ReadTicket], [event, ticket]),
        ["v1", "events", event, "tickets", ticket, "qr.svg"] => (&[R::ReadTicketQrSvg], [event, ticket]),
        ["v1", "events", event, "tickets", ticket, "qr.png"] => (&[R::ReadTicketQrPng], [event, ticket]),
        ["v1", "events", event, "ticket-design"] => {
            (&[R::ReadTicketDesign, R::ReplaceTicketDesign], [event, ""])
        }
        ["v1", "events", event, "tickets", ticket, "reissue"] => (&[R::ReissueTicket], [event, ticket]),
        ["v1", "entry-devices"] => (&[R::RegisterEntryDevice], ["", ""]),
        ["v1", "events", event, "entry", "snapshot"] => (&[R::ReadEntrySnapshot], [event, ""]),
        ["v1", "events", event, "entry", "changes"] => (&[R::ReadEntryChanges], [event, ""]),
        ["v1", "events", event, "entry", "conflicts"] => (&[R::ListEntryConflicts], [event, ""]),
        ["v1", "events", event, "entry", "statistics"] => (&[R::ListEntryStatistics], [event, ""]),
        ["v1", "events", event, "scans"] => (&[R::RecordScans], [event, ""]),
        ["scan"] => (&[R::ReadScanner], ["", ""]),
        ["scan", "files", file] => (&[R::ReadScannerFile], [file, ""]),
        ["scan", "vendor", package, file] => (&[R::ReadScannerVendored], [package, file]),
        ["v1", "ticket-keys"] => (&[R::RotateTicketKey], ["", ""]),
        ["v1", "ticket-keys", key, "revoke"] => (&[R::RevokeTicketKey], [key, ""]),
        [".well-known", "tessera-ticket-keys"] => (&[R::ReadTicketKeys], ["", ""]),
        _ => return money::resource(segments),
    })
}

/// Runs the controller of the route.
pub(super) fn run(call: Call) -> LocalBoxFuture<'static, Answer> {
    match call.route {
        Route::ReadTicket => go(call, async |call, Anyone| tickets_shown::read(call).await),
        Route::ReadTicketQrSvg => go(call, async |call, Anyone| papers::qr_svg(call).await),
        Route::ReadTicketQrPng => go(call, async |call, Anyone| papers::qr_png(call).await),
        Route::ReadTicketsPdf => go(call, async |call, Anyone| papers::tickets_pdf(call).await),
        Route::ReadCalendar => go(call, async |call, Anyone| papers::calendar(call).await),
        Route::ReadTicketDesign => go(call, async |call, who: Watcher| design::read(call, who).await),
        Route::ReplaceTicketDesign => go(call, async |call, who: Editor| design::replace(call, who).await),
        Route::ReadTicketKeys => go(call, async |call, Anyone| ticket_keys::read(&call)),
        Route::RotateTicketKey => go(call, async |call, _: Administrator| ticket_keys::rotate(call).await),
        Route::RevokeTicketKey => go(call, async |call, _: Administrator| ticket_keys::revoke(call).await),
        _ => run_entry(call),
    }
}

fn run_entry(call: Call) -> LocalBoxFuture<'static, Answer> {
    match call.route {
        Route::ReissueTicket => go(call, async |call, Anyone| tickets::reissue(call).await),
        Route::RegisterEntryDevice => {
            go(call, async |call, who: Door| entry::devices::register(call, who).await)
        }
        Route::ReadEntrySnapshot => {
            go(call, async |call, who: Door| entry::snapshots::snapshot(call, who).await)
        }
        Route::ReadEntryChanges => {
            go(call, async |call, who: Door| entry::snapshots::changes(call, who).await)
        }
        Route::RecordScans => go(call, async |call, who: Door| entry::scans::record(call, who).await),
        Route::ListEntryConflicts => {
            go(call, async |call, who: Watcher| entry::conflicts::list(call, who).await)
        }
        Route::ListEntryStatistics => {
            go(call, async |call, who: Watcher| entry::statistics::list(call, who).await)
        }
        _ => money::run(call),
    }
}
