//! Asking the log about a payment: the command and what its answer means are `tessera_money::asking`'s.

use std::sync::Arc;
use std::time::Duration;

use tessera_money::asking;
use tessera_payments::{Ask, AskAnswer, Payment};
use tessera_projections::follower_cursors::FollowerCursors;

use crate::followers::FollowerKind;
use crate::shared::Shared;
use crate::{Answer, InventoryRouter};

/// How long the log may take to answer.
const ASK_LASTS: Duration = Duration::from_secs(10);

/// What the log says to this.
pub(super) async fn ask(shared: &Arc<Shared>, payment: &Payment, ask: Ask) -> AskAnswer {
    let (id, money) = (payment.id, &shared.money);
    let command = match asking::command(&*shared.log, payment, ask, &money.secret()).await {
        Ok(command) => command,
        Err(error) => {
            tracing::warn!(%error, payment = %id, "what late money is to buy could not be read; it is read again");
            return AskAnswer::Unknown;
        }
    };
    let router = InventoryRouter::new(Arc::clone(shared));
    match router.ask(id.event, tessera_writer::Ask::Command(Box::new(command)), ASK_LASTS).await {
        Answer::Accepted { sequence, .. } | Answer::Repeated { sequence, .. } => {
            AskAnswer::Accepted(sequence)
        }
        Answer::Rejected { sequence, rejection, .. } => {
            let cursors = FollowerCursors::new(Arc::clone(&shared.table));
            let asked = (ask, sequence);
            // How far the log was followed here; where the event is not active, its cursor says it.
            let followed = || Some(shared.directory.find(id.event)?.worked_off(FollowerKind::Payment));
            asking::refused((&money.payments, &cursors), id, asked, &rejection, followed).await
        }
        // Not executed says nothing about the order, so it is no "not now" that money would be given back for in the end.
        Answer::Read { .. } | Answer::NotExecuted { .. } | Answer::OutcomeUnknown { .. } => {
            AskAnswer::Unknown
        }
    }
}
